// Every row that touches memory: what it does to memory and registers is compared with a model that
// is made from its name. Lanes have places of their own, EXEC is partly off.
#include <random>

#include "tests/emulator/rows/models.h"
#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

constexpr uint32_t kEnd = 0xbf810000;  // s_endpgm
constexpr int kAddress = 4, kData = 8, kData2 = 16, kResult = 24;

// What a load or store moves, from the end of its name.
struct Moved {
  int bytes = 0;
  bool sign = false;
  int half = -1;  // 0 low, 1 high: the other half stays
};
bool moved_of(const std::string& name, Moved* m) {
  *m = {};
  const auto has = [&](const char* s) { return name.find(s) != std::string::npos; };
  if (has("_hi"))
    m->half = 1;
  else if (has("d16"))
    m->half = 0;
  static const std::pair<const char*, Moved> kNames[] = {
      {"dwordx2", {8}},   {"dwordx3", {12}},     {"dwordx4", {16}},   {"dwordx8", {32}},
      {"dwordx16", {64}}, {"dword", {4}},        {"ubyte", {1}},      {"sbyte", {1, true}},
      {"ushort", {2}},    {"sshort", {2, true}}, {"store_byte", {1}}, {"short", {2}},
      {"_b128", {16}},    {"_b96", {12}},        {"_b64", {8}},       {"_b32", {4}},
      {"_b16", {2}},      {"_b8", {1}},          {"_u8", {1}},        {"_i8", {1, true}},
      {"_u16", {2}},      {"_i16", {2, true}}};
  // dwordx16 begins like dwordx1, dwordx1... the longest that fits.
  size_t best = 0;
  for (const auto& [text, what] : kNames)
    if (has(text) && strlen(text) > best) {
      best = strlen(text);
      m->bytes = what.bytes;
      m->sign = what.sign;
    }
  return best != 0;
}

class MemoryRows : public WaveTest {
 protected:
  std::mt19937_64 rng_{11};
  const Opcode* op_ = nullptr;
  uint64_t exec_ = 0;
  std::vector<uint8_t> expected_;
  uint32_t want_[64][kLanes];  // VGPRs from 0 on

  void randomize() {
    exec_ = rng_() | 1;
    w.set_pair(code::kExecLo, exec_);
    for (int v = 0; v < 64; v++)
      for (int l = 0; l < kLanes; l++) {
        // Now and then a value that memory has too, for compare and swap.
        w.vgpr[v][l] = rng_() % 3 ? static_cast<uint32_t>(rng_()) : 0x01010101;
      }
    for (size_t n = 0; n < 1024; n++)
      word(n) = rng_() % 3 ? static_cast<uint32_t>(rng_()) : 0x01010101;
    for (size_t n = 0; n < 1024; n++) lds_word(n) = word(n);
    for (size_t n = 0; n < 1024; n++) share_word(n) = word(n);
    expected_.assign(reinterpret_cast<uint8_t*>(&word(0)),
                     reinterpret_cast<uint8_t*>(&word(0)) + 4096);
    w.sgpr[code::kM0] = 0xffff;
  }
  void remember() { memcpy(want_, w.vgpr, sizeof(want_)); }
  uint64_t load(size_t at, int bytes) const {
    uint64_t v = 0;
    memcpy(&v, &expected_[at], static_cast<size_t>(bytes));
    return v;
  }
  void store(size_t at, uint64_t v, int bytes) {
    memcpy(&expected_[at], &v, static_cast<size_t>(bytes));
  }
  template <typename F>
  void each(const F& f) {
    for (int l = 0; l < kLanes; l++)
      if (exec_ >> l & 1) f(l);
  }
  uint64_t data(int v, int l, int bytes) const {
    return bytes == 8 ? w.vgpr[v][l] | static_cast<uint64_t>(w.vgpr[v + 1][l]) << 32 : w.vgpr[v][l];
  }
  void result(int v, int l, uint64_t value, int bytes) {
    want_[v][l] = static_cast<uint32_t>(value);
    if (bytes == 8) want_[v + 1][l] = static_cast<uint32_t>(value >> 32);
  }

  // WHERE(l, byte) is the place of a lane's byte in memory.
  template <typename F>
  void expect_move(const Moved& m, bool is_store, int reg, const F& where) {
    each([&](int l) {
      if (is_store) {
        for (int n = 0; n < m.bytes; n++)
          store(where(l, n), w.vgpr[reg + n / 4][l] >> (8 * (n % 4) + (m.half == 1 ? 16 : 0)), 1);
        return;
      }
      uint32_t v[4] = {};
      for (int n = 0; n < m.bytes; n++)
        v[n / 4] |= static_cast<uint32_t>(load(where(l, n), 1)) << (8 * (n % 4));
      if (m.sign && (v[0] >> (8 * m.bytes - 1) & 1)) v[0] |= ~0u << (8 * m.bytes);
      if (m.half == 0) v[0] = (want_[reg][l] & 0xffff0000) | (v[0] & 0xffff);
      if (m.half == 1) v[0] = (want_[reg][l] & 0xffff) | v[0] << 16;
      for (int n = 0; n < (m.bytes + 3) / 4; n++) want_[reg + n][l] = v[n];
    });
  }
  template <typename F>
  void expect_atomic(const Atomic& f, int bytes, bool returns, int first, int second, int to,
                     const F& where) {
    each([&](int l) {
      const size_t at = where(l);
      const uint64_t old = load(at, bytes);
      store(at, f(old, data(first, l, bytes), data(second, l, bytes)), bytes);
      if (returns) result(to, l, old, bytes);
    });
  }
  void verify(const void* memory, size_t size, const char* form) {
    ASSERT_EQ(memcmp(memory, expected_.data(), size), 0)
        << op_->mnemonic << " " << form << ": memory";
    for (int v = 0; v < 64; v++)
      for (int l = 0; l < kLanes; l++)
        ASSERT_EQ(w.vgpr[v][l], want_[v][l]) << op_->mnemonic << " " << form << ": v" << v
                                             << " lane " << l << std::hex << " " << w.vgpr[v][l];
    compared({op_->mnemonic});
  }

  // "buffer_atomic_smin_x2" to "smin" and 8 bytes.
  Atomic atomic_of(std::string name, int* bytes) {
    const size_t at = name.find("atomic_");
    if (at == std::string::npos) return nullptr;
    name = name.substr(at + 7);
    *bytes = 4;
    if (name.size() > 3 && name.compare(name.size() - 3, 3, "_x2") == 0) {
      *bytes = 8;
      name.resize(name.size() - 3);
    }
    return atomic_model(name, 8 * *bytes);
  }

  void flat(Segment segment, bool glc, bool saddr, bool near) {
    randomize();
    const uint32_t stride = 48;
    const bool scratch = segment == Segment::kScratch;
    if (scratch) {
      w.scratch_base = memory_address();
      w.scratch_size = 4096;
    }
    const uint64_t base = memory_address() + 16;
    w.set_pair(10, base - 8);
    Moved m;
    const std::string name = op_->mnemonic;
    const bool moves = moved_of(name, &m);
    // Neighbouring elements where they lie side by side, else with gaps.
    const uint32_t step = near && moves ? static_cast<uint32_t>(m.bytes) : stride;
    const auto offset = [&](int l) { return step * static_cast<uint32_t>(l); };
    for (int l = 0; l < kLanes; l++) {
      const uint64_t a = scratch ? 4 * (static_cast<uint64_t>(l) % 11)
                         : saddr ? offset(l)
                                 : base - 8 + offset(l);
      w.vgpr[kAddress][l] = static_cast<uint32_t>(a);
      w.vgpr[kAddress + 1][l] = static_cast<uint32_t>(a >> 32);
    }
    remember();
    const uint32_t words[] = {0xdc000000 | static_cast<uint32_t>(op_->number) << 18 |
                                  static_cast<uint32_t>(segment) << 14 | (glc ? 1u << 16 : 0) | 8,
                              static_cast<uint32_t>(kAddress) | kData << 8 |
                                  (segment == Segment::kFlat ? 0
                                   : saddr                   ? 10u
                                                             : 0x7fu)
                                      << 16 |
                                  static_cast<uint32_t>(kResult) << 24,
                              kEnd};
    if (scratch && saddr) w.sgpr[10] = 20;
    const auto place = [&](int l, int n) -> size_t {
      if (!scratch) return 16 + offset(l) + static_cast<size_t>(n);
      const size_t at = (saddr ? 20 : w.vgpr[kAddress][l]) + 8 + static_cast<size_t>(n);
      return at / 4 * 256 + 4 * static_cast<size_t>(l) + at % 4;
    };
    int bytes;
    const Atomic atomic = atomic_of(name, &bytes);
    if (atomic)
      expect_atomic(atomic, bytes, glc, kData, kData + bytes / 4, kResult,
                    [&](int l) { return place(l, 0); });
    else
      expect_move(m, op_->action() == MemoryAction::kStore,
                  op_->action() == MemoryAction::kStore ? kData : kResult, place);
    ASSERT_EQ(run_words({words[0], words[1], words[2]}, Chip::kGfx900), "") << name;
    verify(&word(0), 4096, scratch ? "scratch" : saddr ? "saddr" : "");
  }

  void buffer(bool glc, bool near) {
    randomize();
    Moved m;
    const std::string name = op_->mnemonic;
    const bool format = op_->has(FORMAT), typed = op_->encoding == Encoding::kMTBUF;
    const int components = op_->components();
    uint32_t dfmt = 4, nfmt = 4;  // 32 bits, uint
    moved_of(name, &m);
    if (format) {
      const bool d16 = op_->has(D16 | D16_HI);
      static const uint32_t kWide[] = {4, 11, 13, 14}, kNarrow[] = {2, 5, 12, 12};
      dfmt = (d16 ? kNarrow : kWide)[components - 1];
      // Three halves are stored as four: there is no such format.
      m = {d16 ? 2 * (components == 3 ? 4 : components) : 4 * components, false, -1};
      if (d16 && components == 1) m.half = op_->has(D16_HI) ? 1 : 0;
    }
    const uint32_t step = near && m.bytes != 0 ? static_cast<uint32_t>(m.bytes) : 24;
    resource(12, 4096, 0, 4 | 5 << 3 | 6 << 6 | 7 << 9 | nfmt << 12 | dfmt << 15);
    w.sgpr[20] = 16;
    for (int l = 0; l < kLanes; l++) w.vgpr[kAddress][l] = 8 + step * static_cast<uint32_t>(l);
    if (format && components == 3 && op_->has(D16) && op_->action() == MemoryAction::kStore)
      return d16_xyz();
    remember();
    const auto place = [&](int l, int n) {
      return 32 + step * static_cast<size_t>(l) + static_cast<size_t>(n);
    };
    uint32_t first = 1u << 12 | (glc ? 1u << 14 : 0) | 8;  // offen
    if (typed)
      first |= 0xe8000000 | static_cast<uint32_t>(op_->number) << 15 | dfmt << 19 | nfmt << 23;
    else
      first |= 0xe0000000 | static_cast<uint32_t>(op_->number) << 18;
    const int reg = kData;
    const uint32_t second =
        static_cast<uint32_t>(kAddress) | static_cast<uint32_t>(reg) << 8 | 3 << 16 | 20u << 24;
    int bytes;
    const Atomic atomic = atomic_of(name, &bytes);
    if (atomic) {
      expect_atomic(atomic, bytes, glc, kData, kData + bytes / 4, kData,
                    [&](int l) { return place(l, 0); });
    } else {
      if (format && components == 3 && op_->has(D16)) {
        // Two halves and one: the register of the third keeps its other half.
        Moved two{4, false, -1}, one{2, false, 0};
        expect_move(two, false, reg, place);
        expect_move(one, false, reg + 1, [&](int l, int n) { return place(l, n + 4); });
      } else {
        expect_move(m, op_->action() == MemoryAction::kStore, reg, place);
      }
    }
    ASSERT_EQ(run_words({first, second, kEnd}, Chip::kGfx900), "") << name;
    verify(&word(0), 4096, near ? "near" : "");
  }
  // Three halves into a format of three components.
  void d16_xyz() {
    const bool typed = op_->encoding == Encoding::kMTBUF;
    const uint32_t dfmt = 6, nfmt = 4;  // 10_11_11
    resource(12, 4096, 0, 4 | 5 << 3 | 6 << 6 | 7 << 9 | nfmt << 12 | dfmt << 15);
    remember();
    each([&](int l) {
      const uint32_t x = std::min<uint32_t>(w.vgpr[kData][l] & 0xffff, 2047),
                     y = std::min<uint32_t>(w.vgpr[kData][l] >> 16, 2047),
                     z = std::min<uint32_t>(w.vgpr[kData + 1][l] & 0xffff, 1023);
      store(16 + w.vgpr[kAddress][l], x | y << 11 | z << 22, 4);
    });
    const uint32_t first = typed ? 0xe8000000 | static_cast<uint32_t>(op_->number) << 15 |
                                       dfmt << 19 | nfmt << 23 | 1u << 12
                                 : 0xe0000000 | static_cast<uint32_t>(op_->number) << 18 | 1u << 12;
    ASSERT_EQ(
        run_words({first, static_cast<uint32_t>(kAddress) | kData << 8 | 3 << 16 | 20u << 24, kEnd},
                  Chip::kGfx900),
        "");
    verify(&word(0), 4096, "xyz");
  }

  void share_row(bool gds) {
    randomize();
    const std::string name = op_->mnemonic;
    uint8_t* memory = reinterpret_cast<uint8_t*>(gds ? &share_word(0) : &lds_word(0));
    const size_t size = 2048;
    const bool src2 = op_->has(SRC2), two = op_->has(OFF2), addtid = op_->has(ADDTID);
    // "ds_min_rtn_i32" to an action and a type.
    std::string stem = name.substr(3), type = stem.substr(stem.rfind('_') + 1);
    for (const char* part : {"_rtn", "_src2"}) {
      const size_t at = stem.find(part);
      if (at != std::string::npos) stem.erase(at, strlen(part));
    }
    const int bytes = type == "b64" || type == "u64" || type == "i64" || type == "f64" ? 8 : 4;
    std::string action = stem.substr(0, stem.find('_'));
    if (action == "min" || action == "max")
      action = (type[0] == 'i' ? "s" : type[0] == 'u' ? "u" : "f") + action;
    if (action == "add" && type == "f32") action = "fadd";
    if (action == "cmpst") action = type[0] == 'f' ? "fcmpswap" : "cmpswap";
    const bool exchange = action.compare(0, 6, "wrxchg") == 0;
    if (exchange) action = "swap";
    const int element = bytes;
    const uint32_t unit = static_cast<uint32_t>(element) * (op_->has(ST64) ? 64 : 1);
    const uint32_t at0 = op_->has(ST64) ? 1 : 2, at1 = op_->has(ST64) ? 2 : 4;
    uint32_t offset = two ? at0 | at1 << 8 : 16;
    if (src2) offset = 5;  // five dwords on
    const uint32_t step = src2 || (two && !op_->has(ST64)) ? 24
                          : op_->has(ST64)                 ? static_cast<uint32_t>(element)
                                                           : 16;
    for (int l = 0; l < kLanes; l++) w.vgpr[kAddress][l] = step * static_cast<uint32_t>(l);
    // Elements of 8 bytes at the other end of 5 dwords: aligned in LDS is not asked, in GDS it is.
    if (src2 && element == 8) offset = 4;
    remember();
    const auto place = [&](int l, int n) {
      const size_t base =
          addtid ? 4 * static_cast<size_t>(l) + (gds ? 0 : (w.sgpr[code::kM0] & 0xffff))
                 : step * static_cast<size_t>(l);
      return base + (src2 ? 0 : two ? unit * (n ? at1 : at0) : 16);
    };
    if (addtid && !gds) w.sgpr[code::kM0] = 32;
    const bool returns = op_->dst != OperandType::kNONE;
    Moved m;
    const bool moves = stem.compare(0, 4, "read") == 0 || stem.compare(0, 5, "write") == 0;
    if (src2) {
      const Atomic f =
          action == "write" ? atomic_model("swap", 8 * element) : atomic_model(action, 8 * element);
      ASSERT_TRUE(f) << name;
      each([&](int l) {
        const size_t at = place(l, 0);
        store(at, f(load(at, element), load(at + 4 * offset, element), 0), element);
      });
    } else if (moves && moved_of(name, &m)) {
      const bool writes = stem.compare(0, 5, "write") == 0;
      for (int n = 0; n < (two ? 2 : 1); n++)
        expect_move(m, writes, writes ? (n ? kData2 : kData) : kResult + n * (m.bytes / 4),
                    [&](int l, int k) { return place(l, n) + static_cast<size_t>(k); });
    } else {
      const Atomic f = atomic_model(action, 8 * element);
      ASSERT_TRUE(f) << name;
      const bool compare = action == "cmpswap" || action == "fcmpswap";
      for (int n = 0; n < (two ? 2 : 1); n++) {
        const int first = two       ? (n ? kData2 : kData)
                          : compare ? kData2
                                    : kData,
                  second = compare ? kData : kData2;
        expect_atomic(f, element, returns, first, second, kResult + n * element / 4,
                      [&](int l) { return place(l, n); });
      }
    }
    const uint32_t first =
        0xd8000000 | static_cast<uint32_t>(op_->number) << 17 | (gds ? 1u << 16 : 0) | offset;
    const auto used = [&](OperandType t, int v) {
      return t == OperandType::kNONE ? 0u : static_cast<uint32_t>(v);
    };
    const uint32_t second = used(op_->src[0], kAddress) | used(op_->src[1], kData) << 8 |
                            used(op_->src[2], kData2) << 16 | used(op_->dst, kResult) << 24;
    ASSERT_EQ(run_words({first, second, kEnd}, Chip::kGfx900), "") << name << (gds ? " gds" : "");
    verify(memory, size, gds ? "gds" : "lds");
  }

  void scalar() {
    randomize();
    const std::string name = op_->mnemonic;
    const bool buffer = name.find("s_buffer") == 0;
    for (uint32_t s = 0; s < 100; s++)
      w.sgpr[s] = rng_() % 2 ? static_cast<uint32_t>(rng_()) : 0x01010101;
    w.set_pair(0, memory_address());
    resource(4, 4096);
    uint32_t want[100];
    memcpy(want, w.sgpr, sizeof(want));
    remember();
    constexpr uint32_t kRegister = 16;
    const size_t at = 0x40;
    Moved m;
    int bytes;
    const Atomic atomic = atomic_of(name, &bytes);
    const auto pair = [&](uint32_t r) { return bytes == 8 ? w.pair(r) : w.sgpr[r]; };
    if (atomic) {
      const uint64_t old = load(at, bytes);
      store(at, atomic(old, pair(kRegister), pair(kRegister + static_cast<uint32_t>(bytes) / 4)),
            bytes);
      memcpy(&want[kRegister], &old, static_cast<size_t>(bytes));
    } else {
      ASSERT_TRUE(moved_of(name, &m));
      if (op_->action() == MemoryAction::kLoad)
        memcpy(&want[kRegister], &expected_[at], static_cast<size_t>(m.bytes));
      else
        memcpy(&expected_[at], &w.sgpr[kRegister], static_cast<size_t>(m.bytes));
    }
    const uint32_t first = 0xc0000000 | static_cast<uint32_t>(op_->number) << 18 | 1 << 17 |
                           (atomic ? 1u << 16 : 0) | kRegister << 6 | (buffer ? 2 : 0);
    ASSERT_EQ(run_words({first, static_cast<uint32_t>(at), kEnd}, Chip::kGfx900), "") << name;
    for (uint32_t s = 0; s < 100; s++) ASSERT_EQ(w.sgpr[s], want[s]) << name << " s" << s;
    verify(&word(0), 4096, "");
  }
};
INSTANTIATE_TEST_SUITE_P(Host, MemoryRows, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

TEST_P(MemoryRows, Flat) {
  for (size_t n = 0; n < opcode_count(); n++) {
    op_ = &opcode_table()[n];
    if (op_->encoding != Encoding::kFLAT) continue;
    for (bool glc : {false, true})
      for (bool near : {false, true}) {
        flat(Segment::kFlat, glc, false, near);
        flat(Segment::kGlobal, glc, false, near);
        flat(Segment::kGlobal, glc, true, near);
        if (op_->has(SCRATCH_TOO)) {
          flat(Segment::kScratch, glc, false, near);
          flat(Segment::kScratch, glc, true, near);
        }
      }
  }
}
TEST_P(MemoryRows, Buffers) {
  for (size_t n = 0; n < opcode_count(); n++) {
    op_ = &opcode_table()[n];
    const bool buffers = op_->encoding == Encoding::kMUBUF || op_->encoding == Encoding::kMTBUF;
    if (!buffers || op_->has(CACHE) || strcmp(op_->mnemonic, "buffer_store_lds_dword") == 0)
      continue;
    for (bool glc : {false, true})
      for (bool near : {false, true}) buffer(glc, near);
  }
}
TEST_P(MemoryRows, DataShare) {
  for (size_t n = 0; n < opcode_count(); n++) {
    op_ = &opcode_table()[n];
    if (op_->encoding != Encoding::kDS || op_->has(GWS | NO_COMPUTE)) continue;
    const MemoryAction a = op_->action();
    // Those that cross lanes, or touch memory once for all of them, have tests of their own.
    if (a >= MemoryAction::kCondxchg) continue;
    share_row(false);
    if (!op_->has(NO_GDS)) share_row(true);
  }
}
TEST_P(MemoryRows, Scalar) {
  for (size_t n = 0; n < opcode_count(); n++) {
    op_ = &opcode_table()[n];
    if (op_->encoding == Encoding::kSMEM && op_->action() != MemoryAction::kNone) scalar();
  }
}

}  // namespace
}  // namespace inlay::emulator
