// The opcode table, the decoder and the disassembler, held against LLVM's.
#include "runtime/emulator/isa/isa.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "tests/emulator/llvm_disassembler.h"
#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

enum class Form { kPlain, kVop3, kSdwa, kDpp, kGlobal, kScratch };
const char* const kFormNames[] = {"plain", "vop3", "sdwa", "dpp", "global", "scratch"};

std::vector<Form> forms_of(const Opcode& op) {
  switch (op.encoding) {
    case Encoding::kVOP1:
    case Encoding::kVOP2:
    case Encoding::kVOPC: {
      std::vector<Form> forms{Form::kPlain};
      if (!op.has(NO_E64)) forms.push_back(Form::kVop3);
      if (!op.has(NO_SDWA)) forms.push_back(Form::kSdwa);
      if (!op.has(NO_DPP) && op.encoding != Encoding::kVOPC) forms.push_back(Form::kDpp);
      return forms;
    }
    case Encoding::kFLAT:
      if (op.has(SCRATCH_TOO)) return {Form::kPlain, Form::kGlobal, Form::kScratch};
      return {Form::kPlain, Form::kGlobal};
    default:
      return {Form::kPlain};
  }
}

uint64_t field(uint64_t value, int low, int count) {
  return (value & ((uint64_t{1} << count) - 1)) << low;
}

// The bits that make WORDS this opcode in this form, and the mask of the bits that are thereby
// fixed.
void fixed_bits(const Opcode& op, Form form, uint64_t* value, uint64_t* mask) {
  const uint64_t n = op.number;
  const auto set = [&](uint64_t v, uint64_t m) {
    *value = v;
    *mask = m;
  };
  switch (op.encoding) {
    case Encoding::kSOP2:
      return set(0x80000000 | n << 23, 0xff800000);
    case Encoding::kSOPK:
      return set(0xb0000000 | n << 23, 0xff800000);
    case Encoding::kSOP1:
      return set(0xbe800000 | n << 8, 0xff80ff00);
    case Encoding::kSOPC:
      return set(0xbf000000 | n << 16, 0xffff0000);
    case Encoding::kSOPP:
      return set(0xbf800000 | n << 16, 0xffff0000);
    case Encoding::kSMEM:
      return set(0xc0000000 | n << 18, 0xfffc0000);
    case Encoding::kVOP3:
      return set(0xd0000000 | n << 16, 0xffff0000);
    case Encoding::kVOP3P:
      return set(0xd3800000 | n << 16, 0xffff0000);
    case Encoding::kVINTRP:
      return set(0xd4000000 | n << 16, 0xfc030000);
    case Encoding::kDS:
      return set(0xd8000000 | n << 17, 0xfdfe0000);
    case Encoding::kMUBUF:
      return set(0xe0000000 | n << 18, 0xfdfc0000);
    case Encoding::kMTBUF:
      return set(0xe8000000 | n << 15, 0xfc078000);
    case Encoding::kMIMG:
      return set(0xf0000000 | n << 18, 0xfdfc0000);
    case Encoding::kEXP:
      return set(0xc4000000, 0xfc000000);
    case Encoding::kFLAT: {
      const uint64_t segment = form == Form::kGlobal ? 2 : form == Form::kScratch ? 1 : 0;
      return set(0xdc000000 | n << 18 | segment << 14, 0xfdfcc000);
    }
    case Encoding::kVOP1:
    case Encoding::kVOP2:
    case Encoding::kVOPC: {
      const bool one = op.encoding == Encoding::kVOP1, compare = op.encoding == Encoding::kVOPC;
      if (form == Form::kVop3)
        return set(0xd0000000 | (n + (one ? 0x140 : compare ? 0 : 0x100)) << 16, 0xffff0000);
      uint64_t v = one ? 0x7e000000 | n << 9 : compare ? 0x7c000000 | n << 17 : n << 25;
      uint64_t m = one ? 0xfe01fe00 : compare ? 0xfffe0000 : 0xfe000000;
      if (form == Form::kSdwa || form == Form::kDpp) {
        v |= form == Form::kSdwa ? 0xf9 : 0xfa;
        m |= 0x1ff;
      }
      return set(v, m);
    }
    default:
      FAIL();
  }
}

class Judge {
 public:
  Judge() : llvm_{LlvmDisassembler("gfx900"), LlvmDisassembler("gfx906")} {}

  // LLVM 19 reads past a table at an SDWA selector of 7, which the manual reserves.
  static bool crashes_llvm(const uint32_t* w) {
    if ((w[0] >> 31) != 0 || (w[0] & 0x1ff) != 0xf9) return false;
    const bool compare = (w[0] >> 25 & 0x3f) == 0x3e;
    return (w[1] >> 16 & 7) == 7 || (w[1] >> 24 & 7) == 7 || (!compare && (w[1] >> 8 & 7) == 7);
  }

  // What LLVM's disassembler lets pass, and its assembler does not.
  static bool prints_what_it_refuses(const uint32_t* w) {
    // FLAT has 12 bits of offset, the 13th is GLOBAL's and SCRATCH's.
    if (w[0] >> 26 == 0x37 && (w[0] >> 14 & 3) == 0 && (w[0] >> 12 & 1)) return true;
    // A lane is read into an SGPR: register numbers from 128 up are none, nor are masks written
    // there.
    if ((w[0] & 0xfe01fe00) == 0x7e000400 && (w[0] >> 17 & 0xff) >= 128) return true;
    if (w[0] >> 24 == 0xd0 && (w[0] & 0x80)) return true;
    return w[0] >> 16 == 0xd289 && (w[0] & 0xff) >= 128;
  }

  // True if LLVM takes WORDS for an instruction it would also assemble. Reports any disagreement.
  bool compare(Chip chip, const uint32_t* words) {
    if (crashes_llvm(words) || prints_what_it_refuses(words)) return false;
    std::string theirs;
    const size_t size = llvm_[static_cast<int>(chip)](words, 3, &theirs);
    // LLVM marks what it can print but not assemble; nothing is promised about its text then.
    const bool doubtful = theirs.find("Warning") != std::string::npos ||
                          theirs.find("nvalid") != std::string::npos ||
                          theirs.find("/*") != std::string::npos;
    Instruction i;
    const size_t ours = decode(chip, words, 3, &i);
    if (doubtful) return false;
    const std::string text = ours ? disassemble(chip, i) : "<invalid>";
    const bool accepted = ours != 0 && !i.reserved;
    // Graphics only: which shapes are valid is not ours to know.
    if (ours && i.opcode->has(NO_COMPUTE) && size == 0) return false;
    bool same = accepted == (size != 0);
    if (same && size != 0) {
      const bool graphics = i.opcode->has(NO_COMPUTE);
      same = ours == size;
      if (same && !graphics) same = text == theirs;
      if (same && graphics) same = theirs.compare(0, text.size(), text) == 0;
    }
    if (!same)
      disagree(chip, words, size, theirs, ours, text + (i.reserved ? " (reserved bits)" : ""));
    return size != 0;
  }

  ~Judge() { EXPECT_EQ(disagreements_, 0) << "mnemonics with a disagreement"; }

 private:
  void disagree(Chip chip, const uint32_t* w, size_t size, const std::string& theirs, size_t ours,
                const std::string& text) {
    const std::string& name = size ? theirs : text;
    // One example of each mnemonic.
    if (by_mnemonic_[name.substr(0, name.find(' '))]++ == 0 && disagreements_++ < kShown)
      ADD_FAILURE() << (chip == Chip::kGfx900 ? "gfx900 " : "gfx906 ") << std::hex << w[0] << " "
                    << w[1] << " " << w[2] << std::dec << "\n  LLVM " << size << " " << theirs
                    << "\n  ours " << ours << " " << text;
  }
  static constexpr int kShown = 40;
  LlvmDisassembler llvm_[2];
  int disagreements_ = 0;
  std::map<std::string, int> by_mnemonic_;
};

uint32_t random_scalar_or_vector(std::mt19937_64& rng) {
  switch (rng() % 4) {
    case 0:
      return rng() % 128;
    case 1:
      return 128 + rng() % 128;
    default:
      return 256 + rng() % 256;
  }
}

TEST(Isa, NoTwoRowsOverlap) {
  std::map<std::tuple<Encoding, int, int>, const char*> seen;
  for (size_t n = 0; n < opcode_count(); n++) {
    const Opcode& op = opcode_table()[n];
    for (int chip = 0; chip < 2; chip++) {
      if (!op.on(static_cast<Chip>(chip))) continue;
      const auto [at, fresh] = seen.insert({{op.encoding, op.number, chip}, op.mnemonic});
      EXPECT_TRUE(fresh) << op.mnemonic << " and " << at->second;
      if (op.has(NO_E64)) continue;
      const int promoted = op.encoding == Encoding::kVOP1   ? 0x140 + op.number
                           : op.encoding == Encoding::kVOP2 ? 0x100 + op.number
                           : op.encoding == Encoding::kVOPC ? op.number
                                                            : -1;
      if (promoted < 0) continue;
      const auto [at3, fresh3] = seen.insert({{Encoding::kVOP3, promoted, chip}, op.mnemonic});
      EXPECT_TRUE(fresh3) << op.mnemonic << " and " << at3->second;
    }
  }
}

// The way round: our text of WORDS through LLVM's assembler is decoded to the same text. It does
// not take all that LLVM's disassembler prints: a few operands are refused.
void assemble_again(Chip chip, const std::vector<std::array<uint32_t, 3>>& words) {
  std::vector<std::string> printed, texts;
  std::string all;
  for (const auto& w : words) {
    Instruction i;
    ASSERT_NE(decode(chip, w.data(), 3, &i), 0u);
    printed.push_back(disassemble(chip, i));
    all += printed.back() + "\n";
  }
  const std::set<size_t> refused = refused_lines(chip, all);
  EXPECT_LT(refused.size(), printed.size() / 20);
  all.clear();
  for (size_t n = 0; n < printed.size(); n++)
    if (refused.count(n + 1) == 0) {
      texts.push_back(printed[n]);
      all += printed[n] + "\n";
    }
  const std::vector<uint32_t> assembled = assemble(chip, all);
  std::string again;
  size_t at = 0;
  for (const std::string& text : texts) {
    Instruction i;
    const size_t size = decode(chip, assembled.data() + at, assembled.size() - at, &i);
    ASSERT_NE(size, 0u) << text << ": assembled by LLVM, and not decoded";
    EXPECT_FALSE(i.reserved) << text;
    again += disassemble(chip, i) + "\n";
    at += size / 4;
  }
  EXPECT_EQ(at, assembled.size());
  EXPECT_TRUE(assemble(chip, again) == assembled);
  EXPECT_GT(texts.size(), 3000u);
}

// Every row in each of its forms, with random fields: LLVM and we agree on validity, size and text,
// and LLVM accepts enough of the words that the comparison means something.
TEST(Isa, EveryRowAgreesWithLlvm) {
  Judge judge;
  // Some accepted words of each row and form, for the way back.
  std::vector<std::array<uint32_t, 3>> kept[2];
  std::mt19937_64 rng(1);
  for (size_t n = 0; n < opcode_count(); n++) {
    const Opcode& op = opcode_table()[n];
    for (Form form : forms_of(op)) {
      uint64_t value = 0, mask = 0;
      fixed_bits(op, form, &value, &mask);
      for (int chip = 0; chip < 2; chip++) {
        int accepted = 0;
        for (int trial = 0; trial < 200; trial++) {
          uint64_t w = rng();
          if (trial % 2 == 0) {
            // Quiet modifiers, so that rows with many reserved bits are reached too.
            w &= ~(field(~0u, 8, 8) | field(~0u, 59, 5));
            if (trial % 4 == 0) w &= field(0xff, 0, 8) | field(0xf, 8, 4) | field(0xff, 32, 32);
          }
          if (op.encoding == Encoding::kVOP3 || op.encoding == Encoding::kVOP3P ||
              form == Form::kVop3) {
            for (int s = 0; s < 3; s++) {
              w &= ~field(0x1ff, 32 + 9 * s, 9);
              if (op.src[s] == OperandType::kNONE) continue;
              uint32_t c = random_scalar_or_vector(rng);
              if (op.src[s] == OperandType::kMASK) c = rng() % 50 * 2;
              w |= field(c, 32 + 9 * s, 9);
            }
            if (op.dst == OperandType::kMASK) w &= ~field(0x81, 0, 8);
            if (op.dst == OperandType::kNONE) w &= ~field(0xff, 0, 8);
          }
          if (form == Form::kSdwa && trial % 4 != 3) {
            w &= ~(field(0x39, 48, 8) | field(0x39, 56, 8) | field(0xc0, 40, 8));
            if (op.encoding == Encoding::kVOP1) w &= ~field(0xff, 56, 8);
          }
          if (form == Form::kDpp && trial % 4 != 3) w &= ~(field(1, 48, 1) | field(0xf0, 48, 8));
          if (op.encoding == Encoding::kDS) {
            const int lows[] = {32, 40, 48};
            for (int s = 0; s < 3; s++)
              if (op.src[s] == OperandType::kNONE) w &= ~field(0xff, lows[s], 8);
            if (op.dst == OperandType::kNONE) w &= ~field(0xff, 56, 8);
            if (op.has(GDS_ONLY)) w |= 1 << 16;
            if (op.has(NO_GDS)) w &= ~field(1, 16, 1);
            if (op.action() == MemoryAction::kNop) w &= ~field(0x1ffff, 0, 17);
          }
          if (op.encoding == Encoding::kFLAT) {
            w &= ~field(1, 13, 1);
            if (form == Form::kPlain) w &= ~(field(0x7f, 48, 7) | field(1, 12, 1));
            if (form == Form::kGlobal)
              w = trial % 3 ? (w | field(0x7f, 48, 7)) : (w & ~field(0x61, 48, 7));
          }
          if (op.encoding == Encoding::kMUBUF) w &= ~field(1, 16, 1);
          if (strcmp(op.mnemonic, "buffer_store_lds_dword") == 0) w |= 1 << 16;
          if (op.encoding == Encoding::kMUBUF && op.has(CACHE)) w &= ~field(0x1f, 12, 5);
          if (op.encoding == Encoding::kMUBUF || op.encoding == Encoding::kMTBUF)
            w &= ~(field(1, 55, 1) | field(0x18, 48, 5));
          if (op.encoding == Encoding::kMIMG)
            w &= ~(field(1, 0, 1) | field(3, 16, 2) | field(0x1f, 53, 11) | field(0x80, 32, 16));
          if (op.encoding == Encoding::kSMEM) {
            w &= ~(field(1, 0, 2) | field(3, 6, 2));
            if (op.dst == OperandType::kNONE && op.src[0] == OperandType::kNONE)
              w &= ~field(1, 17, 1);
            if (op.has(TIME)) w &= ~field(1, 17, 1);
          }
          if (op.encoding == Encoding::kSOPP && op.has(NO_IMM)) w = 0;
          if (op.encoding == Encoding::kSOP1 || op.encoding == Encoding::kSOP2)
            w &= ~field(1, 16, 1);
          w = (w & ~mask) | value;
          const uint32_t words[3] = {static_cast<uint32_t>(w), static_cast<uint32_t>(w >> 32),
                                     static_cast<uint32_t>(rng())};
          const bool good = judge.compare(static_cast<Chip>(chip), words);
          if (good && accepted < 4 && !op.has(NO_COMPUTE))
            kept[chip].push_back({words[0], words[1], words[2]});
          accepted += good;
        }
        if (op.on(static_cast<Chip>(chip)) && !op.has(NO_COMPUTE))
          EXPECT_GE(accepted, 1) << op.mnemonic << " " << kFormNames[static_cast<int>(form)]
                                 << ": LLVM accepted none of the words";
      }
    }
  }
  for (int chip = 0; chip < 2; chip++) assemble_again(static_cast<Chip>(chip), kept[chip]);
}

// Words with no plan at all, and words that begin like one of the formats.
TEST(Isa, RandomWordsAgreeWithLlvm) {
  Judge judge;
  std::mt19937_64 rng(2);
  static const uint32_t kPrefixes[][2] = {{0, 0},
                                          {0x00000000, 0x80000000},
                                          {0x80000000, 0xc0000000},
                                          {0xbe800000, 0xff800000},
                                          {0xbf000000, 0xff000000},
                                          {0xc0000000, 0xfe000000},
                                          {0xd0000000, 0xfc000000},
                                          {0xd8000000, 0xfc000000},
                                          {0xdc000000, 0xfc000000},
                                          {0xe0000000, 0xf8000000}};
  for (int n = 0; n < 1000000; n++) {
    const auto& prefix = kPrefixes[n % 10];
    uint32_t words[3];
    for (uint32_t& w : words) {
      w = static_cast<uint32_t>(rng());
      if (rng() % 2) w &= static_cast<uint32_t>(rng());
    }
    words[0] = (words[0] & ~prefix[1]) | prefix[0];
    // Images have too many shapes that only graphics cares about: their mnemonic is compared row by
    // row above.
    if (words[0] >> 26 == 0x3c) continue;
    judge.compare(static_cast<Chip>(n / 10 % 2), words);
  }
}

TEST(Isa, CutShortIsInvalid) {
  const uint32_t literal[] = {0x7e2802ff};
  Instruction i;
  EXPECT_EQ(decode(Chip::kGfx900, literal, 1, &i), 0u);
  EXPECT_EQ(decode(Chip::kGfx900, literal, 0, &i), 0u);
  const uint32_t load[] = {0xdc508000, 0x147f000a};
  EXPECT_EQ(decode(Chip::kGfx900, load, 1, &i), 0u);
  EXPECT_EQ(decode(Chip::kGfx900, load, 2, &i), 8u);
  EXPECT_EQ(disassemble(Chip::kGfx900, i), "global_load_dword v20, v[10:11], off");
}

}  // namespace
}  // namespace inlay::emulator
