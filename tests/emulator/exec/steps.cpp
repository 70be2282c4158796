// Steps against handlers: streams of instructions that are executed several at a time, or by forms
// made for their operands, leave what the same instructions leave one by one.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

constexpr uint32_t kEnd = 0xbf810000;  // s_endpgm

class Steps : public WaveTest {
 protected:
  struct After {
    std::vector<uint32_t> scalars, vectors, words, shared;
    uint64_t clock = 0;
    uint32_t pc = 0;
    bool scc = false;
    WaveState state = WaveState::kRunning;
    std::string fault;
    bool operator==(const After&) const = default;
  };
  // The wavefront's registers and memory from SEED, and SLOTS executed from PC on.
  After execute(const Program& program, uint32_t pc, uint64_t seed, uint64_t exec) {
    std::mt19937_64 rng(seed);
    w.program = &program;
    w.pc = pc;
    w.state = WaveState::kRunning;
    w.scc = w.gpr_idx = w.vskip = false;
    w.mode.bits = seed % 5 ? 0x2f0 : 0x2c0;
    group_.fault.clear();
    group_.clock = 0;
    w.scratch_base = memory_address();
    w.scratch_size = 4096;
    for (uint32_t& s : w.sgpr) s = static_cast<uint32_t>(rng());
    for (int v = 0; v < 256; v++)
      for (int l = 0; l < kLanes; l++) w.vgpr[v][l] = static_cast<uint32_t>(rng() & rng());
    for (size_t n = 0; n < 1024; n++) word(n) = static_cast<uint32_t>(rng());
    for (size_t n = 0; n < 512; n++) lds_word(n) = static_cast<uint32_t>(rng());
    // s[2:3] and v[30:31] are addresses of memory, v29 the offsets of neighbours and v28 of lanes
    // that are none.
    w.set_pair(2, memory_address());
    w.set_pair(code::kExecLo, exec);
    for (uint32_t l = 0; l < kLanes; l++) {
      const uint64_t at = memory_address() + 16 * l;
      w.vgpr[30][l] = static_cast<uint32_t>(at);
      w.vgpr[31][l] = static_cast<uint32_t>(at >> 32);
      w.vgpr[29][l] = 4 * l;
      w.vgpr[28][l] = 4 * (l ^ 5);
    }
    GetParam()->run(w, 2000);
    After after;
    after.scalars.assign(w.sgpr, w.sgpr + 128);
    for (int v = 0; v < 256; v++)
      after.vectors.insert(after.vectors.end(), w.vgpr[v], w.vgpr[v] + kLanes);
    after.words.assign(&word(0), &word(0) + 1024);
    after.shared.assign(&lds_word(0), &lds_word(0) + 512);
    if (w.state != WaveState::kFault) after.clock = group_.clock;
    after.pc = w.pc;
    after.scc = w.scc;
    after.state = w.state;
    after.fault = group_.fault;
    return after;
  }
  void load(const std::vector<uint32_t>& words, Chip chip) {
    load_program(chip, 0x10000, words.data(), words.size(), &fused_, *GetParam(), true);
    load_program(chip, 0x10000, words.data(), words.size(), &single_, *GetParam(), false);
  }
  Program fused_, single_;
};
INSTANTIATE_TEST_SUITE_P(Host, Steps, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

// What compilers write, close together, with registers drawn from a few so that they meet.
std::string random_code(std::mt19937_64& rng) {
  const auto pick = [&](int n) { return static_cast<int>(rng() % static_cast<unsigned>(n)); };
  const auto v = [&] { return "v" + std::to_string(pick(8)); };
  const auto pair = [&](int n) {
    return "v[" + std::to_string(n) + ":" + std::to_string(n + 1) + "]";
  };
  const auto source = [&] {
    switch (pick(6)) {
      case 0:
        return std::string("s") + std::to_string(4 + pick(4));
      case 1:
        return std::to_string(pick(80) - 16);
      case 2:
        return std::string(pick(2) ? "vcc_lo" : "vcc_hi");
      default:
        return v();
    }
  };
  const auto mask = [&] { return std::string(pick(3) ? "vcc" : "s[4:5]"); };
  static const char* const kWidths[] = {"", "x2", "x3", "x4"};
  static const int kEnds[] = {0, 1, 2, 3};
  const auto data = [&](int n) {
    const int at = 8 + pick(4);
    return n == 0 ? "v" + std::to_string(at)
                  : "v[" + std::to_string(at) + ":" + std::to_string(at + kEnds[n]) + "]";
  };
  const int n = pick(4);
  const std::string offset = " offset:" + std::to_string(4 * pick(64));
  switch (pick(16)) {
    case 0:
    case 1:
    case 2: {
      const std::string m = mask();
      return "v_add_co_u32 " + v() + ", " + m + ", " + source() + ", " + v() + "\nv_addc_co_u32 " +
             v() + ", " + (pick(8) ? m : mask()) + ", " + v() + ", " + v() + ", " +
             (pick(8) ? m : mask());
    }
    case 3:
      return "v_add_co_u32 " + v() + ", vcc, " + source() + ", " + v() + "\nv_addc_co_u32 " + v() +
             ", vcc, 0, " + v() + ", vcc";
    case 4:
      return "v_lshlrev_b64 " + pair(pick(7)) + ", " + std::to_string(pick(65)) + ", " +
             pair(pick(7));
    case 5:
      return "s_waitcnt vmcnt(0)\ns_nop 1\ns_setprio 1";
    case 6:
      return std::string("global_load_dword") + kWidths[n] + " " + data(n) + ", v[30:31], off" +
             offset;
    case 7:
      return std::string("global_store_dword") + kWidths[n] + " v[30:31], " + data(n) + ", off" +
             offset;
    case 8:
      return std::string("global_load_dword") + kWidths[n] + " " + data(n) + ", v" +
             std::to_string(28 + pick(2)) + ", s[2:3]" + offset;
    case 9:
      return std::string("global_store_dword") + kWidths[n] + " v" + std::to_string(28 + pick(2)) +
             ", " + data(n) + ", s[2:3]" + offset;
    case 10: {
      static const char* const kLoads[] = {"s_load_dword s8", "s_load_dwordx2 s[8:9]",
                                           "s_load_dwordx4 s[8:11]", "s_load_dwordx8 s[8:15]"};
      return std::string(kLoads[n]) + ", s[2:3], " + (pick(2) ? "0x" : "0x1") +
             std::to_string(4 * pick(2));
    }
    case 11:
      return "v_cmp_lt_u32 vcc, " + source() + ", " + v() + "\ns_and_saveexec_b64 s[12:13], vcc";
    case 12:
      return "s_mov_b64 exec, " + std::string(pick(3) ? "-1" : "s[12:13]");
    case 13:
      // Into the middle of what follows.
      return "s_cbranch_scc" + std::to_string(pick(2)) + " " + std::to_string(1 + pick(3)) +
             "\nv_add_co_u32 v1, vcc, s4, v2\nv_addc_co_u32 v3, vcc, v4, v5, vcc\ns_nop 0\ns_nop 0";
    case 14:
      return "s_memtime s[14:15]\nv_mov_b32 " + v() + ", " + source();
    default:
      return "v_mac_f32 " + v() + ", " + source() + ", " + v() + "\ns_cmp_lt_u32 s" +
             std::to_string(4 + pick(12)) + ", s" + std::to_string(4 + pick(12));
  }
}

TEST_P(Steps, StreamsThatCompilersWrite) {
  std::mt19937_64 rng(11);
  std::string text;
  for (int block = 0; block < 400; block++) {
    for (int n = 0; n < 12; n++) text += random_code(rng) + "\n";
    text += "s_endpgm\n";
  }
  const std::vector<uint32_t> words = assemble(Chip::kGfx900, text);
  ASSERT_FALSE(words.empty());
  load(words, Chip::kGfx900);
  int several = 0, differ = 0;
  for (size_t n = 0; n < words.size(); n++)
    several += fused_.slots[n].step_count > 1 && fused_.slots[n].step != fused_.slots[n].handler;
  EXPECT_GT(several, 300);  // pairs were found
  uint32_t start = 0;
  int block = 0;
  for (uint32_t n = 0; n < words.size(); n++) {
    if (words[n] != kEnd) continue;
    const uint64_t exec = block % 3 ? ~uint64_t{0} : rng() | 1;
    for (uint64_t seed = 0; seed < 2; seed++) {
      const uint64_t from = 2 * static_cast<uint64_t>(block) + seed;
      const After all = execute(fused_, start, from, exec);
      const After one = execute(single_, start, from, exec);
      EXPECT_EQ(all.fault, one.fault);
      differ += !(all == one);
    }
    EXPECT_EQ(differ, 0) << "block " << block << " at slot " << start;
    if (differ != 0) return;
    start = n + 1;
    block++;
  }
  EXPECT_GE(block, 400);
}

// Words that decode to anything: also what compilers do not write, and what stops the wavefront.
TEST_P(Steps, RandomInstructions) {
  std::mt19937_64 rng(12);
  std::vector<uint32_t> words(48);
  for (int trial = 0; trial < 400; trial++) {
    const Chip chip = static_cast<Chip>(trial % 2);
    for (size_t at = 0; at < words.size();) {
      // VOP2, VOP3, SMEM and FLAT, of which steps are made, and any.
      static const uint32_t kPrefixes[] = {0x00000000, 0xd0000000, 0xc0000000, 0xdc000000, 0};
      static const uint32_t kMasks[] = {0x80000000, 0xfc000000, 0xfc000000, 0xfc000000, 0};
      const size_t format = rng() % 5;
      uint32_t w[3] = {static_cast<uint32_t>(rng()), static_cast<uint32_t>(rng() & rng()),
                       static_cast<uint32_t>(rng())};
      w[0] = (w[0] & ~kMasks[format]) | kPrefixes[format];
      Instruction i;
      const size_t size = decode(chip, w, 3, &i);
      if (size == 0 || i.opcode->has(opcode_flags::NO_COMPUTE) || at + size / 4 > words.size()) {
        if (at + 3 > words.size()) words[at++] = kEnd;
        continue;
      }
      for (size_t n = 0; n < size / 4; n++) words[at++] = w[n];
    }
    words.back() = kEnd;
    load(words, chip);
    const uint64_t exec = trial % 4 ? ~uint64_t{0} : rng();
    // From several places: after a stop the rest would not be seen.
    for (uint32_t pc = 0; pc < 40; pc += 5) {
      const After all = execute(fused_, pc, static_cast<uint64_t>(trial), exec);
      const After one = execute(single_, pc, static_cast<uint64_t>(trial), exec);
      ASSERT_EQ(all.fault, one.fault) << "trial " << trial << " from slot " << pc;
      ASSERT_TRUE(all == one) << "trial " << trial << " from slot " << pc;
    }
  }
}

}  // namespace
}  // namespace inlay::emulator
