// Every row of the vector and scalar ALU, executed on random and special values in each encoding
// and compared with its model, lane by lane; and every row of the table is compared somewhere.
#include <cmath>
#include <random>

#include "tests/emulator/rows/models.h"
#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

class Rows : public WaveTest {
 protected:
  std::mt19937_64 rng_{7};
  const Opcode* op_ = nullptr;
  Chip chip_ = Chip::kGfx900;

  static bool is_16_bit(OperandType t) {
    return t == OperandType::kB16 || t == OperandType::kU16 || t == OperandType::kI16 ||
           t == OperandType::kF16;
  }
  uint64_t random_value(OperandType t) {
    static const uint32_t kSingle[] = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
                                       0xff800000, 0x7fc00000, 0x00000001, 0x807fffff, 0x7f7fffff,
                                       0x00800000, 0x3f000000, 0x4b800000, 0xcf000000, 0x42fe0000};
    static const uint16_t kHalf[] = {0,      0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00,
                                     0x0001, 0x83ff, 0x7bff, 0x0400, 0x3800, 0x6400, 0x5640};
    static const uint32_t kInt[] = {0,          1,          2,          31,        32,
                                    0x7fffffff, 0x80000000, 0xffffffff, 0x00ff00ff};
    const uint64_t r = rng_();
    const auto half = [&](uint64_t v) -> uint64_t {
      // Signalling NaNs have tests of their own.
      const uint64_t h = v % 3 == 0 ? kHalf[v / 3 % std::size(kHalf)] : v >> 40 & 0xffff;
      return (h & 0x7c00) == 0x7c00 && (h & 0x3ff) ? h | 0x200 : h;
    };
    switch (t) {
      case OperandType::kF16:
        return half(r) | (r & 0xff) << 16;  // with something in the other half
      case OperandType::kH16:
        return half(r) | half(rng_()) << 16;
      case OperandType::kF32: {
        uint32_t v = r % 4 == 0   ? kSingle[r / 4 % std::size(kSingle)]
                     : r % 4 == 1 ? static_cast<uint32_t>(r >> 32)
                                  : (static_cast<uint32_t>(r >> 32) & 0x83ffffff) | 0x3c000000;
        if ((v & 0x7f800000) == 0x7f800000 && (v & 0x7fffff)) v |= 0x400000;
        return v;
      }
      case OperandType::kF64: {
        static const uint64_t kDouble[] = {0,
                                           uint64_t{1} << 63,
                                           0x3ff0000000000000,
                                           0xbff8000000000000,
                                           0x7ff0000000000000,
                                           0xfff0000000000000,
                                           0x7ff8000000000000,
                                           1,
                                           0x000fffffffffffff,
                                           0x7fefffffffffffff,
                                           0x41e0000000000000};
        uint64_t v = r % 4 == 0   ? kDouble[r / 4 % std::size(kDouble)]
                     : r % 4 == 1 ? rng_()
                                  : (rng_() & 0x807fffffffffffff) | 0x3f80000000000000;
        if ((v & 0x7ff0000000000000) == 0x7ff0000000000000 && (v << 12)) v |= 0x0008000000000000;
        return v;
      }
      default:
        if (operand_dwords(t) == 2) return r % 3 ? rng_() : kInt[r % std::size(kInt)];
        return r % 3 ? r >> 32 : kInt[r / 3 % std::size(kInt)];
    }
  }
  void randomize(int v, OperandType t) {
    for (int l = 0; l < kLanes; l++) {
      const uint64_t value = random_value(t);
      w.vgpr[v][l] = static_cast<uint32_t>(value);
      for (int n = 1; n < operand_dwords(t); n++)
        w.vgpr[v + n][l] =
            n == 1 ? static_cast<uint32_t>(value >> 32) : static_cast<uint32_t>(rng_());
    }
  }

  static uint64_t ordered(uint64_t v, uint64_t sign) {
    return v & sign ? (~v & (2 * sign - 1)) : v | sign;
  }
  // Whether GOT is what OUT allows for a destination of type T.
  static bool agrees(OperandType t, uint64_t got, const Out& out) {
    const bool half = t == OperandType::kF16, single = t == OperandType::kF32,
               wide = t == OperandType::kF64;
    const auto number = [&](uint64_t b) {
      if (half) return half_value(b);
      if (single) {
        const uint32_t low = static_cast<uint32_t>(b);
        float v;
        memcpy(&v, &low, 4);
        return static_cast<double>(v);
      }
      double v;
      memcpy(&v, &b, 8);
      return v;
    };
    if (got == out.v) return true;
    if (t == OperandType::kH16) {
      // Halves that are both NaN.
      for (int shift : {0, 16}) {
        const uint64_t a = got >> shift & 0xffff, b = out.v >> shift & 0xffff;
        if (a != b && !(std::isnan(half_value(a)) && std::isnan(half_value(b)))) return false;
      }
      return true;
    }
    if (!half && !single && !wide) return false;
    const double a = number(got), b = number(out.v);
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (out.slack > 0) return std::fabs(a - b) <= out.slack;
    const uint64_t sign = half ? 0x8000 : single ? 0x80000000 : uint64_t{1} << 63;
    const uint64_t x = ordered(got, sign), y = ordered(out.v, sign);
    return (x > y ? x - y : y - x) <= static_cast<uint64_t>(out.ulps);
  }

  // --- vector ---
  static constexpr int kSource[3] = {16, 24, 32}, kResult = 48;
  struct Form {
    bool e64;
    bool scalar;  // the first source is s[4:5]
    uint32_t op_sel, op_sel_hi;
    uint32_t literal;
  };
  std::vector<uint32_t> encode(const Form& f) const {
    const uint32_t n = op_->number;
    uint32_t s[3] = {};
    for (int k = 0; k < 3; k++)
      if (op_->src[k] != OperandType::kNONE)
        s[k] = op_->src[k] == OperandType::kMASK ? 20 : 256 + static_cast<uint32_t>(kSource[k]);
    if (f.scalar) s[0] = 4;
    const bool compare = op_->encoding == Encoding::kVOPC;
    if (!f.e64) {
      uint32_t word = compare ? 0x7c000000 | n << 17
                      : op_->encoding == Encoding::kVOP1
                          ? 0x7e000000 | n << 9 | static_cast<uint32_t>(kResult) << 17
                          : n << 25 | static_cast<uint32_t>(kResult) << 17;
      word |= s[0];
      if (op_->encoding != Encoding::kVOP1) word |= (s[1] & 255) << 9;
      if (op_->has(MADK)) return {word, f.literal, 0xbf810000};
      return {word, 0xbf810000};
    }
    const uint32_t number = op_->encoding == Encoding::kVOP1   ? 0x140 + n
                            : op_->encoding == Encoding::kVOP2 ? 0x100 + n
                                                               : n;
    uint32_t first =
        op_->encoding == Encoding::kVOP3P ? 0xd3800000 | n << 16 : 0xd0000000 | number << 16;
    uint32_t second = s[0] | s[1] << 9 | s[2] << 18;
    first |= compare ? 30 : static_cast<uint32_t>(kResult);
    if (op_->has(SDST)) first |= 30 << 8;
    first |= f.op_sel << 11;
    if (op_->encoding == Encoding::kVOP3P)
      first |= (f.op_sel_hi >> 2 & 1) << 14, second |= (f.op_sel_hi & 3) << 27;
    return {first, second, 0xbf810000};
  }

  void vector_row(const Model& model) {
    const bool compare = op_->dst == OperandType::kMASK, packed = op_->encoding == Encoding::kVOP3P;
    int sources = 0;
    while (sources < 3 && op_->src[sources] != OperandType::kNONE) sources++;
    for (int trial = 0; trial < 8; trial++) {
      Form f = {};
      f.e64 = packed || op_->encoding == Encoding::kVOP3 || (trial % 2 && !op_->has(NO_E64));
      f.scalar = trial % 4 == 2 && operand_dwords(op_->src[0]) <= 2;
      f.op_sel_hi = 7;
      const uint32_t selectable = (1u << sources) - 1;
      if (packed && trial % 2) {
        f.op_sel = static_cast<uint32_t>(rng_()) & selectable;
        f.op_sel_hi = static_cast<uint32_t>(rng_()) & 7;
      }
      if (packed && strncmp(op_->mnemonic, "v_dot", 5) == 0) f.op_sel = 0, f.op_sel_hi = 7;
      const bool halves = op_->has(OPSEL) && is_16_bit(op_->dst);
      const bool fixup = strncmp(op_->mnemonic, "v_div_fixup", 11) == 0;
      if (!packed && op_->has(OPSEL) && f.e64 && trial > 3 && !fixup)
        f.op_sel = static_cast<uint32_t>(rng_()) & (selectable | (halves ? 8 : 0));
      f.literal = static_cast<uint32_t>(random_value(op_->src[0]));
      for (int k = 0; k < sources; k++)
        if (op_->src[k] != OperandType::kMASK) randomize(kSource[k], op_->src[k]);
      if (strcmp(op_->mnemonic, "v_trig_preop_f64") == 0)
        for (int l = 0; l < kLanes; l++) {
          w.vgpr[kSource[0] + 1][l] = 0x40000000 + (static_cast<uint32_t>(l) << 18);
          w.vgpr[kSource[1]][l] = static_cast<uint32_t>(l % 4);
        }
      if (fixup) {
        f.scalar = false;
        for (int l = 0; l < kLanes; l++) quotient(l);
      }
      const uint64_t scalar = random_value(op_->src[0]);
      if (strcmp(op_->mnemonic, "v_trig_preop_f64") == 0) f.scalar = false;
      w.set_pair(4, scalar);
      randomize(kResult, op_->dst == OperandType::kNONE || compare ? OperandType::kB32 : op_->dst);
      const uint64_t exec = trial % 4 == 3 ? rng_() : ~uint64_t{0}, mask = rng_(), vcc = rng_();
      w.set_pair(code::kExecLo, exec);
      w.set_pair(20, mask);
      w.set_pair(code::kVccLo, vcc);
      uint32_t old[4][kLanes];
      for (int n = 0; n < 4; n++) memcpy(old[n], w.vgpr[kResult + n], sizeof(old[n]));
      std::vector<In> in(kLanes);
      for (int l = 0; l < kLanes; l++) {
        for (int k = 0; k < sources; k++) {
          if (op_->src[k] == OperandType::kMASK) continue;
          uint64_t v = f.scalar && k == 0 ? scalar
                       : k == 2 && op_->has(MADK)
                           ? f.literal
                           : w.vgpr[kSource[k]][l] |
                                 (operand_dwords(op_->src[k]) > 1
                                      ? static_cast<uint64_t>(w.vgpr[kSource[k] + 1][l]) << 32
                                      : 0);
          if (operand_dwords(op_->src[k]) < 2) v &= ~uint32_t{0};
          if (!packed && is_16_bit(op_->src[k])) v = v >> (f.op_sel >> k & 1 ? 16 : 0) & 0xffff;
          in[static_cast<size_t>(l)].s[k] = v;
        }
        In& i = in[static_cast<size_t>(l)];
        i.d = old[0][l] | static_cast<uint64_t>(operand_dwords(op_->dst) > 1 ? old[1][l] : 0) << 32;
        i.bit = ((op_->has(CARRY_IN) && f.e64 ? mask : vcc) >> l & 1) != 0;
        i.op_sel = f.op_sel;
        i.op_sel_hi = f.op_sel_hi;
        i.lane = l;
      }
      ASSERT_EQ(run_words(encode(f), chip_), "") << op_->mnemonic;
      const uint64_t bits = w.pair(f.e64 ? 30 : code::kVccLo);
      for (int l = 0; l < kLanes; l++) {
        const bool on = exec >> l & 1;
        const Out out = model(in[static_cast<size_t>(l)]);
        if (compare || op_->has(SDST)) {
          ASSERT_EQ(bits >> l & 1, on && out.bit)
              << op_->mnemonic << " lane " << l << describe_in(in[static_cast<size_t>(l)]);
        }
        if (compare) continue;
        const int dwords = operand_dwords(op_->dst);
        uint64_t got = w.vgpr[kResult][l] |
                       (dwords > 1 ? static_cast<uint64_t>(w.vgpr[kResult + 1][l]) << 32 : 0);
        if (!on) {
          for (int n = 0; n < dwords; n++)
            ASSERT_EQ(w.vgpr[kResult + n][l], old[n][l]) << op_->mnemonic;
          continue;
        }
        if (is_16_bit(op_->dst) && !packed) {
          // Those that select halves keep the other one, the rest clear it.
          const bool high = f.op_sel & 8;
          const uint64_t other = high ? got & 0xffff : got >> 16;
          const uint64_t kept = !(halves && f.e64) ? 0
                                : high             ? old[0][l] & 0xffff
                                                   : old[0][l] >> 16;
          ASSERT_EQ(other, kept) << op_->mnemonic << ": the other half";
          got = high ? got >> 16 : got & 0xffff;
        }
        const OperandType t = packed && is_16_bit(op_->dst) ? OperandType::kH16 : op_->dst;
        ASSERT_TRUE(agrees(t, got, out))
            << op_->mnemonic << std::hex << " lane " << l << ": " << got << ", expected " << out.v
            << describe_in(in[static_cast<size_t>(l)]);
      }
      if (op_->encoding == Encoding::kVOPC && strncmp(op_->mnemonic, "v_cmpx", 6) == 0)
        ASSERT_EQ(w.exec(), bits) << op_->mnemonic;
    }
    compared({op_->mnemonic});
  }
  static std::string describe_in(const In& i) {
    char text[200];
    snprintf(text, sizeof(text), " of %llx, %llx, %llx, before %llx, bit %d, op_sel %x %x",
             static_cast<unsigned long long>(i.s[0]), static_cast<unsigned long long>(i.s[1]),
             static_cast<unsigned long long>(i.s[2]), static_cast<unsigned long long>(i.d), i.bit,
             i.op_sel, i.op_sel_hi);
    return text;
  }

  // The quotient that code would have come to, as the first source of v_div_fixup.
  void quotient(int l) {
    const auto whole = [&](int v) {
      return w.vgpr[v][l] | static_cast<uint64_t>(w.vgpr[v + 1][l]) << 32;
    };
    if (op_->dst == OperandType::kF64) {
      double d, n;
      const uint64_t db = whole(kSource[1]), nb = whole(kSource[2]);
      memcpy(&d, &db, 8);
      memcpy(&n, &nb, 8);
      n /= d;
      memcpy(&w.vgpr[kSource[0]][l], &n, 4);
      memcpy(&w.vgpr[kSource[0] + 1][l], reinterpret_cast<const char*>(&n) + 4, 4);
    } else if (op_->dst == OperandType::kF32) {
      float d, n;
      memcpy(&d, &w.vgpr[kSource[1]][l], 4);
      memcpy(&n, &w.vgpr[kSource[2]][l], 4);
      n /= d;
      memcpy(&w.vgpr[kSource[0]][l], &n, 4);
    } else {
      for (int shift : {0, 16}) {
        const uint64_t q = half_bits(half_value(w.vgpr[kSource[2]][l] >> shift & 0xffff) /
                                     half_value(w.vgpr[kSource[1]][l] >> shift & 0xffff));
        uint32_t& r = w.vgpr[kSource[0]][l];
        r = (r & ~(0xffffu << shift)) | static_cast<uint32_t>(q) << shift;
      }
    }
  }

  // --- scalar ---
  void scalar_row(const Model& model) {
    const bool immediate = op_->encoding == Encoding::kSOPK;
    for (int trial = 0; trial < 200; trial++) {
      In i;
      i.s[0] = random_value(op_->src[0] == OperandType::kNONE ? OperandType::kB32 : op_->src[0]);
      i.s[1] = random_value(op_->src[1] == OperandType::kNONE ? OperandType::kB32 : op_->src[1]);
      if (immediate) i.s[1] = static_cast<uint32_t>(static_cast<int16_t>(i.s[1]));
      i.d = random_value(op_->dst == OperandType::kNONE ? OperandType::kB32 : op_->dst);
      i.bit = rng_() & 1;
      w.set_pair(8, i.s[0]);
      w.set_pair(10, i.s[1]);
      w.set_pair(12, i.d);
      w.scc = i.bit;
      const uint32_t n = op_->number;
      uint32_t word = 0;
      switch (op_->encoding) {
        case Encoding::kSOP2:
          word = 0x80000000 | n << 23 | 12 << 16 | 10 << 8 | 8;
          break;
        case Encoding::kSOP1:
          word = 0xbe800000 | 12 << 16 | n << 8 | 8;
          break;
        case Encoding::kSOPC:
          word = 0xbf000000 | n << 16 | 10 << 8 | 8;
          break;
        default:
          word = 0xb0000000 | n << 23 | (op_->dst == OperandType::kNONE ? 8u : 12u) << 16 |
                 (i.s[1] & 0xffff);
      }
      ASSERT_EQ(run_words({word, 0xbf810000}, chip_), "");
      const Out out = model(i);
      ASSERT_EQ(w.scc, out.bit) << op_->mnemonic << ": SCC" << describe_in(i);
      if (op_->dst == OperandType::kNONE) continue;
      const uint64_t got = operand_dwords(op_->dst) == 2 ? w.pair(12) : w.sgpr[12];
      ASSERT_EQ(got, out.v) << op_->mnemonic << describe_in(i);
    }
    compared({op_->mnemonic});
  }
};
INSTANTIATE_TEST_SUITE_P(Host, Rows, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

TEST_P(Rows, Vector) {
  for (size_t n = 0; n < opcode_count(); n++) {
    op_ = &opcode_table()[n];
    chip_ = op_->on(Chip::kGfx900) ? Chip::kGfx900 : Chip::kGfx906;
    const std::string name = op_->mnemonic;
    const Models &plain = vector_models(), &packed = packed_models();
    const auto at = plain.find(name), there = packed.find(name);
    if (at != plain.end())
      vector_row(at->second);
    else if (there != packed.end())
      vector_row(there->second);
    else if (const Model model = comparison_model(name))
      vector_row(model);
  }
}
TEST_P(Rows, Scalar) {
  for (size_t n = 0; n < opcode_count(); n++) {
    op_ = &opcode_table()[n];
    const auto at = scalar_models().find(op_->mnemonic);
    if (at != scalar_models().end()) scalar_row(at->second);
  }
}
// A model that belongs to no row is misspelt.
TEST(RowModels, AllBelongToRows) {
  std::set<std::string> names;
  for (size_t n = 0; n < opcode_count(); n++) names.insert(opcode_table()[n].mnemonic);
  for (const Models* models : {&vector_models(), &packed_models(), &scalar_models()})
    for (const auto& [name, model] : *models) EXPECT_TRUE(names.count(name)) << name;
}

// After all tests: every row that computes has been compared with expected values in every host
// variant. Not asked where only some of the tests ran.
struct Compared : WaveTest {
  static const std::set<std::pair<std::string, std::string>>& rows() { return compared_rows(); }
};
class EveryRow : public testing::Environment {
  void TearDown() override {
    if (testing::GTEST_FLAG(filter) != "*" || testing::UnitTest::GetInstance()->failed_test_count())
      return;
    std::string missing;
    int count = 0;
    for (const HandlerSet* set : handler_sets())
      for (size_t n = 0; n < opcode_count(); n++) {
        const Opcode& op = opcode_table()[n];
        if (op.has(NO_COMPUTE)) continue;
        if (Compared::rows().count({set->host_isa, op.mnemonic})) continue;
        count++;
        if (set == handler_sets().front()) missing += std::string(" ") + op.mnemonic;
      }
    EXPECT_EQ(count, 0) << "rows that no test compares:" << missing;
  }
};
const auto* const environment = testing::AddGlobalTestEnvironment(new EveryRow);

}  // namespace
}  // namespace inlay::emulator
