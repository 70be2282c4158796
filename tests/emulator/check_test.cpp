// The checks, on code that is wrong in the way each of them is for, and on code that is right.
#include <fstream>
#include <iterator>
#include <random>

#include "runtime/emulator/machine/checks/observe.h"
#include "runtime/emulator/machine/source_lines.h"
#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

class Check : public WaveTest {
 protected:
  // Runs TEXT under OPTIONS on fresh registers, of which the launch has set v0 and s[0:7], or as
  // many as initial_sgprs_ says.
  std::string checked(const ObserverOptions& options, const std::string& text) {
    const auto observer = make_observer(options, 1, 256);
    group_.observer = observer.get();
    w.initial_sgprs = initial_sgprs_;
    w.initial_vgprs = 1;
    w.set_pair(0, memory_address());
    for (int l = 0; l < kLanes; l++) w.vgpr[0][l] = 4 * static_cast<uint32_t>(l);
    w.set_pair(code::kExecLo, ~uint64_t{0});
    const std::string fault = run(text);
    group_.observer = nullptr;
    return fault;
  }
  uint8_t initial_sgprs_ = 8;
  std::string waits(const std::string& text) {
    ObserverOptions options;
    options.check_waits = true;
    return checked(options, text);
  }
  std::string uninitialized(const std::string& text) {
    ObserverOptions options;
    options.check_uninitialized = true;
    return checked(options, text);
  }
};
INSTANTIATE_TEST_SUITE_P(Host, Check, testing::Values(&handler_set()));

TEST_P(Check, Waits) {
  EXPECT_EQ(waits("global_load_dword v1, v0, s[0:1]\ns_waitcnt vmcnt(0)\nv_mov_b32 v2, v1\n"), "");
  const std::string early = waits("global_load_dword v1, v0, s[0:1]\nv_mov_b32 v2, v1\n");
  EXPECT_NE(early.find("v1 is read before the load at PC 0x10000"), std::string::npos) << early;
  EXPECT_NE(early.find("v_mov_b32_e32 v2, v1"), std::string::npos) << early;
  // The second load comes back behind the first.
  EXPECT_EQ(waits("global_load_dword v1, v0, s[0:1]\nglobal_load_dword v1, v0, s[0:1]\n"
                  "s_waitcnt vmcnt(0)\nv_mov_b32 v2, v1\n"),
            "");
  EXPECT_NE(waits("global_load_dword v1, v0, s[0:1]\nglobal_load_dword v1, v0, s[0:1]\n"
                  "s_waitcnt vmcnt(1)\nv_mov_b32 v2, v1\n")
                .find("v1 is read"),
            std::string::npos);
  EXPECT_NE(waits("global_load_dword v1, v0, s[0:1]\nv_mov_b32 v1, 0\n").find("v1 is overwritten"),
            std::string::npos);
  EXPECT_NE(waits("s_load_dword s4, s[0:1], 0x0\ns_add_u32 s5, s4, 1\n").find("s4 is read"),
            std::string::npos);
  EXPECT_NE(waits("ds_read_b32 v1, v0\ns_waitcnt vmcnt(0)\nv_mov_b32 v2, v1\n").find("lgkmcnt"),
            std::string::npos);
}
TEST_P(Check, WaitsInOrder) {
  const std::string two =
      "global_load_dword v1, v0, s[0:1]\nglobal_load_dword v2, v0, s[0:1]\ns_waitcnt vmcnt(1)\n";
  EXPECT_EQ(waits(two + "v_mov_b32 v3, v1\n"), "");
  EXPECT_NE(waits(two + "v_mov_b32 v3, v2\n"), "");
  // Stores count too.
  EXPECT_EQ(waits("v_mov_b32 v4, 0\nglobal_load_dword v1, v0, s[0:1]\nglobal_store_dword v0, v4, "
                  "s[0:1]\ns_waitcnt vmcnt(1)\nv_mov_b32 v3, v1\n"),
            "");
  EXPECT_EQ(
      waits("ds_read_b32 v1, v0\nds_read_b32 v2, v0\ns_waitcnt lgkmcnt(1)\nv_mov_b32 v3, v1\n"),
      "");
  // Scalar loads come back in any order: only a count of zero is enough.
  EXPECT_NE(waits("s_load_dword s4, s[0:1], 0x0\ns_load_dword s5, s[0:1], 0x0\ns_waitcnt "
                  "lgkmcnt(1)\ns_mov_b32 s6, s4\n"),
            "");
  EXPECT_NE(waits("ds_read_b32 v1, v0\ns_load_dword s5, s[0:1], 0x0\ns_waitcnt "
                  "lgkmcnt(1)\nv_mov_b32 v3, v1\n"),
            "");
  EXPECT_EQ(waits("ds_read_b32 v1, v0\ns_load_dword s5, s[0:1], 0x0\ns_waitcnt "
                  "lgkmcnt(0)\nv_mov_b32 v3, v1\n"),
            "");
  // The data of a store is read when it is issued.
  EXPECT_EQ(waits("v_mov_b32 v4, 0\nglobal_store_dword v0, v4, s[0:1]\nv_mov_b32 v4, 1\n"), "");
}
TEST_P(Check, Uninitialized) {
  EXPECT_EQ(uninitialized("v_mov_b32 v1, v9\nv_add_u32 v1, v1, v0\n"), "");  // spreading is no harm
  EXPECT_NE(uninitialized("global_store_dword v0, v9, s[0:1]\n")
                .find("v9, which was never written in lane 0"),
            std::string::npos);
  EXPECT_NE(uninitialized("v_add_u32 v1, v9, v0\nglobal_load_dword v2, v1, s[0:1]\n").find("v1"),
            std::string::npos);
  EXPECT_NE(uninitialized("s_load_dword s9, s[20:21], 0x0\n").find("s20"), std::string::npos);
  EXPECT_NE(uninitialized("s_cmp_eq_u32 s30, 0\ns_cbranch_scc1 l\nl:\n").find("SCC"),
            std::string::npos);
  EXPECT_NE(uninitialized("v_cmp_eq_u32 vcc, v9, v0\ns_cbranch_vccz l\nl:\n").find("VCC"),
            std::string::npos);
  EXPECT_EQ(uninitialized("v_cmp_eq_u32 vcc, v0, v0\ns_cbranch_vccz l\nl:\ns_cmp_eq_u32 s1, "
                          "0\ns_cbranch_scc1 m\nm:\n"),
            "");
  // The low half of a new register; and one that comes of what nobody wrote.
  EXPECT_EQ(uninitialized("v_mad_mixlo_f16 v4, v0, v0, v0\nglobal_store_short v0, v4, s[0:1]\n"),
            "");
  for (const char* source : {"v9, v0, v0", "v0, v0, v4"}) {
    EXPECT_NE(uninitialized("v_mad_mixlo_f16 v4, " + std::string(source) +
                            "\nglobal_store_short v0, v4, s[0:1]\n")
                  .find("v4, which was never written"),
              std::string::npos)
        << source;
  }
}
TEST_P(Check, UninitializedScratch) {
  w.scratch_base = memory_address() + 2048;
  w.scratch_size = 1024;  // 16 bytes a lane
  const std::string load = "scratch_load_dword v1, off, s4 offset:4\n";
  const std::string use = "global_store_dword v0, v1, s[0:1]\n";
  const auto scratch = [&](const std::string& text) {
    return uninitialized("s_mov_b32 s4, 0\n" + text);
  };
  EXPECT_NE(scratch(load + use).find("v1, which was never written in lane 0"), std::string::npos);
  EXPECT_EQ(scratch(load + "v_add_u32 v1, v1, v0\n"), "");
  EXPECT_EQ(scratch("scratch_store_dword off, v0, s4 offset:4\n" + load + use), "");
  EXPECT_NE(scratch("scratch_store_dword off, v0, s4\n" + load + use).find("v1"),
            std::string::npos);
  // Some lanes only, and a register that is saved as unsound as it is.
  EXPECT_NE(scratch("s_mov_b64 exec, 0xff\nscratch_store_dword off, v0, s4 offset:4\n"
                    "s_mov_b64 exec, -1\n" +
                    load + use)
                .find("in lane 8"),
            std::string::npos);
  EXPECT_NE(scratch("scratch_store_dword off, v9, s4 offset:4\n" + load + use).find("v1"),
            std::string::npos);
  EXPECT_EQ(scratch("scratch_store_dword off, v9, s4 offset:4\n"), "");
  // Through a buffer resource as compilers make it: the scratch of the lane.
  w.sgpr[8] = static_cast<uint32_t>(w.scratch_base);
  w.sgpr[9] = static_cast<uint32_t>(w.scratch_base >> 32 & 0xffff) | 1u << 31;
  w.sgpr[10] = ~0u;
  w.sgpr[11] = 1u << 19 | 3u << 21 | 1u << 23;
  const std::string resource =
      "buffer_store_byte v0, off, s[8:11], 0 offset:9\n"
      "buffer_load_dword v1, off, s[8:11], 0 offset:";
  initial_sgprs_ = 12;
  EXPECT_NE(scratch(resource + "4\n" + use).find("v1"), std::string::npos);
  // One byte of a dword: the others may be a gap that nobody asks for.
  EXPECT_EQ(scratch(resource + "8\n" + use), "");
}
// A selection is as sound as what it takes, lane by lane.
TEST_P(Check, UninitializedSelections) {
  const std::string choose = "s_mov_b64 vcc, 0xff\nv_cndmask_b32 v1, v0, v9, vcc\n";
  EXPECT_EQ(uninitialized(choose + "s_mov_b64 exec, 0xff00\nglobal_store_dword v0, v1, s[0:1]\n"),
            "");
  EXPECT_NE(uninitialized(choose + "s_mov_b64 exec, 0x80\nglobal_store_dword v0, v1, s[0:1]\n")
                .find("v1, which was never written in lane 7"),
            std::string::npos);
  const std::string pair = "s_mov_b64 s[4:5], 0xff\nv_cndmask_b32_e64 v1, v9, v0, s[4:5]\n";
  EXPECT_EQ(uninitialized(pair + "s_mov_b64 exec, 0xff\nglobal_store_dword v0, v1, s[0:1]\n"), "");
  EXPECT_NE(uninitialized(pair + "s_mov_b64 exec, 0x1ff\nglobal_store_dword v0, v1, s[0:1]\n")
                .find("v1, which was never written in lane 8"),
            std::string::npos);
  EXPECT_NE(uninitialized("v_cndmask_b32_e64 v1, v0, v0, s[20:21]\n"
                          "global_store_dword v0, v1, s[0:1]\n")
                .find("v1"),
            std::string::npos);
}
TEST_P(Check, UninitializedByLane) {
  EXPECT_EQ(
      uninitialized(
          "s_mov_b64 exec, 1\nv_mov_b32 v5, 0\ns_mov_b64 exec, -1\nv_readfirstlane_b32 s4, v5\n"
          "s_cmp_eq_u32 s4, 0\ns_cbranch_scc1 l\nl:\n"),
      "");
  // Written where EXEC was on, stored where it is on: sound. One lane more: not.
  const std::string half = "s_mov_b64 exec, 0xff\nv_mov_b32 v1, 3\n";
  EXPECT_EQ(uninitialized(half + "global_store_dword v0, v1, s[0:1]\n"), "");
  EXPECT_NE(uninitialized(half + "s_mov_b64 exec, 0x1ff\nglobal_store_dword v0, v1, s[0:1]\n")
                .find("lane 8"),
            std::string::npos);
}
// Two wavefronts, told apart by their number, on one observer.
TEST_P(Check, Races) {
  const auto race = [&](const std::string& first, const std::string& second) {
    const auto observer = make_race_check(2);
    group_.observer = observer.get();
    std::string fault;
    for (int n = 0; n < 2 && fault.empty(); n++) {
      w.id = static_cast<uint8_t>(n);
      fill(0, 16);
      fault = run(n ? second : first);
      // A barrier stops the run; on behind it.
      while (w.state == WaveState::kBarrier) {
        w.state = WaveState::kRunning;
        GetParam()->run(w, 1000);
        fault = group_.fault;
      }
    }
    group_.observer = nullptr;
    return fault;
  };
  const std::string write = "ds_write_b32 v0, v0\n", read = "ds_read_b32 v1, v0\n",
                    barrier = "s_barrier\n";
  EXPECT_EQ(race(read, read), "");
  EXPECT_NE(race(write, read).find("wavefront 0 has written"), std::string::npos);
  EXPECT_NE(race(read, write).find("wavefront 0 has read"), std::string::npos);
  EXPECT_NE(race(write, write), "");
  EXPECT_NE(race(write, "ds_read_u8 v1, v0 offset:3\n"), "");
  EXPECT_EQ(race(write, "ds_read_u8 v1, v0 offset:4\n"), "");
  EXPECT_EQ(race(write + barrier, barrier + read), "");
  EXPECT_EQ(race("ds_add_u32 v0, v0\n", "ds_add_u32 v0, v0\n"), "");
  EXPECT_NE(race("ds_add_u32 v0, v0\n", read), "");
  EXPECT_NE(
      race("ds_write2_b32 v0, v0, v0 offset0:1 offset1:4\n", "ds_read_b64 v[2:3], v0 offset:16\n"),
      "");
}
// Each rule: too few wait states in between, and just enough.
TEST_P(Check, Hazards) {
  ObserverOptions options;
  options.check_hazards = true;
  struct Rule {
    const char *before, *after;
    int states;
  };
  for (const Rule& r : {
           Rule{"v_readfirstlane_b32 s2, v0\nv_readfirstlane_b32 s3, v0\n",
                "buffer_load_dword v1, off, s[4:7], s3\n", 5},
           Rule{"v_cmp_eq_u32 s[4:5], v0, v0\n", "v_readlane_b32 s6, v0, s4\n", 4},
           Rule{"v_cmp_eq_u32 vcc, v0, v0\n", "v_div_fmas_f32 v1, v0, v0, v0\n", 4},
           Rule{"v_mov_b32 v1, v0\n", "v_mov_b32_dpp v2, v1 row_shr:1\n", 2},
           Rule{"v_cmpx_eq_u32 vcc, v0, v0\n", "v_mov_b32_dpp v2, v0 row_shr:1\n", 5},
           Rule{"v_cmp_eq_u32 vcc, v0, v0\n", "v_mov_b32 v1, src_vccz\n", 5},
           Rule{"s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 0\n",
                "s_getreg_b32 s4, hwreg(HW_REG_MODE, 0, 2)\n", 2},
           Rule{"s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 0\n",
                "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 4, 2), 3\n", 2},
           Rule{"s_setvskip 0, 0\n", "v_mov_b32 v1, v0\n", 2},
           Rule{"s_mov_b32 m0, 0\n", "s_movrels_b32 s4, s5\n", 1},
           Rule{"s_mov_b32 m0, 0\n", "ds_read_addtid_b32 v1\n", 1},
           Rule{"global_store_dwordx4 v0, v[4:7], s[0:1]\n", "v_mov_b32 v5, 0\n", 1},
       }) {
    w.sgpr[4] = 0;
    resource(4, 0);
    for (int states = 0; states <= r.states; states++) {
      const std::string nops = states ? "s_nop " + std::to_string(states - 1) + "\n" : "";
      const std::string fault = checked(options, r.before + nops + r.after);
      EXPECT_EQ(fault.find("wait state") != std::string::npos, states < r.states)
          << r.before << nops << r.after << fault;
      resource(4, 0);
    }
  }
  // Other instructions are wait states too, and other registers are no matter.
  EXPECT_EQ(
      checked(
          options,
          "v_mov_b32 v1, v0\ns_mov_b32 s4, 0\ns_mov_b32 s5, 0\nv_mov_b32_dpp v2, v1 row_shr:1\n"),
      "");
  EXPECT_EQ(checked(options, "v_mov_b32 v1, v0\nv_mov_b32_dpp v2, v3 row_shr:1\n"), "");
  EXPECT_EQ(checked(options, "global_store_dwordx2 v0, v[4:5], s[0:1]\nv_mov_b32 v5, 0\n"), "");
}
TEST_P(Check, Alignment) {
  ObserverOptions loose, strict;
  loose.check_alignment = strict.check_strict_alignment = true;
  const std::string odd = "global_load_dword v1, v0, s[0:1] offset:2\n";
  EXPECT_EQ(checked(loose, odd), "");
  EXPECT_NE(checked(strict, odd).find("lane 0 accesses 4 bytes"), std::string::npos);
  EXPECT_EQ(
      checked(
          strict,
          "global_load_dwordx2 v[2:3], v0, s[0:1]\nglobal_load_ushort v1, v0, s[0:1] offset:2\n"),
      "");
  EXPECT_EQ(checked(strict,
                    "v_lshlrev_b32 v1, 2, v0\nds_read_b128 v[4:7], v1\nds_read2_b32 v[2:3], v0 "
                    "offset0:1 offset1:2\n"),
            "");
  EXPECT_NE(checked(strict, "ds_read_b64 v[2:3], v0\n").find("LDS offset 0x4"), std::string::npos);
  EXPECT_NE(checked(loose, "s_load_dword s4, s[0:1], 0x2\n").find("lowest bits"),
            std::string::npos);
  EXPECT_EQ(checked(loose, "s_load_dword s4, s[0:1], 0x4\n"), "");
}
TEST_P(Check, UninitializedLdsAndMemory) {
  // Half of LDS is written; what was not, and is stored, is told.
  const std::string half =
      "s_mov_b64 exec, 0xff\nds_write_b32 v0, v0\ns_mov_b64 exec, -1\nds_read_b32 v1, v0\n";
  EXPECT_NE(uninitialized(half + "global_store_dword v0, v1, s[0:1]\n")
                .find("v1, which was never written in lane 8"),
            std::string::npos);
  EXPECT_EQ(
      uninitialized("ds_write_b32 v0, v0\nds_read_b32 v1, v0\nglobal_store_dword v0, v1, s[0:1]\n"),
      "");
  EXPECT_EQ(uninitialized("ds_read_b32 v1, v0\nv_add_u32 v1, v1, v0\n"), "");
  EXPECT_NE(uninitialized("ds_add_u32 v0, v0\n").find("an atomic on LDS offset 0x0"),
            std::string::npos);
  // As much of memory as the first 16 dwords.
  const auto memory = [&](const std::string& text) {
    unknown_from_ = memory_address() + 64;
    unknown_to_ = memory_address() + 4096;
    return uninitialized(text);
  };
  const std::string load = "global_load_dword v1, v0, s[0:1]\n";
  EXPECT_NE(memory(load + "v_cmp_eq_u32 vcc, v1, v0\ns_cbranch_vccz l\nl:\n").find("VCC"),
            std::string::npos);
  EXPECT_EQ(memory("s_mov_b64 exec, 0xffff\n" + load +
                   "v_cmp_eq_u32 vcc, v1, v0\ns_cbranch_vccz l\nl:\n"),
            "");
  EXPECT_NE(
      memory("s_load_dwordx2 s[4:5], s[0:1], 0x3c\ns_load_dword s6, s[4:5], 0x0\n").find("s5"),
      std::string::npos);
  EXPECT_EQ(
      memory("global_store_dword v0, v0, s[0:1]\n" + load + "global_store_dword v0, v1, s[0:1]\n"),
      "");
  unknown_from_ = unknown_to_ = 0;
}
// Several wavefronts on one observer: each runs to its end or to a barrier, in turn.
TEST_P(Check, DivergentBarriers) {
  const auto meet = [&](const std::string& first, const std::string& second) {
    const auto observer = make_barrier_check(2);
    group_.observer = observer.get();
    std::string fault;
    for (int n = 0; n < 2 && fault.empty(); n++) {
      w.id = static_cast<uint8_t>(n);
      w.set_pair(code::kExecLo, ~uint64_t{0});
      fault = run(n ? second : first);
      while (w.state == WaveState::kBarrier) {
        if (n == 0 && second.find("s_barrier") == std::string::npos) break;  // it waits
        w.state = WaveState::kRunning;
        GetParam()->run(w, 1000);
        fault = group_.fault;
      }
    }
    group_.observer = nullptr;
    return fault;
  };
  EXPECT_EQ(meet("s_barrier\nv_mov_b32 v1, 0\n", "s_barrier\n"), "");
  EXPECT_NE(meet("s_barrier\n", "s_nop 0\n").find("wavefront 0 waits at the barrier at PC 0x10000"),
            std::string::npos);
  EXPECT_NE(meet("s_nop 0\n", "s_barrier\n").find("wavefront 0 has ended"), std::string::npos);
  EXPECT_NE(
      meet("s_mov_b64 exec, 0xff\ns_barrier\ns_mov_b64 exec, -1\nv_mov_b32 v1, 0\n", "s_barrier\n")
          .find("lane 8 was off at the barrier"),
      std::string::npos);
  // Lanes that have left for good.
  EXPECT_EQ(
      meet("s_mov_b64 exec, 0xff\ns_barrier\nv_mov_b32 v1, 0\ns_mov_b64 exec, -1\n", "s_barrier\n"),
      "");
}
TEST_P(Check, GlobalRaces) {
  uint32_t value = 0;
  // Two workgroups, or two wavefronts of one.
  const auto race = [&](const std::string& first, const std::string& second,
                        bool one_group = false) {
    const auto all = make_global_accesses();
    const auto a = make_global_race_check(all, 2), b = make_global_race_check(all, 2);
    std::string fault;
    for (int n = 0; n < 2 && fault.empty(); n++) {
      group_.observer = n && !one_group ? b.get() : a.get();
      w.id = static_cast<uint8_t>(one_group ? n : 0);
      w.set_pair(0, memory_address());
      fill(0, 16);
      fill(5, ++value);  // never what is there already
      fault = run(n ? second : first);
      while (w.state == WaveState::kBarrier) {
        w.state = WaveState::kRunning;
        GetParam()->run(w, 1000);
        fault = group_.fault;
      }
    }
    group_.observer = nullptr;
    return fault;
  };
  w.set_pair(code::kExecLo, 1);
  const std::string write = "global_store_dword v0, v5, s[0:1]\n",
                    read = "global_load_dword v1, v0, s[0:1]\n",
                    add = "global_atomic_add v0, v5, s[0:1]\n",
                    other = "global_atomic_add v0, v5, s[0:1] offset:64\n", barrier = "s_barrier\n";
  EXPECT_EQ(race(read, read), "");
  EXPECT_NE(race(write, read).find("another workgroup has written"), std::string::npos);
  EXPECT_NE(race(read, write).find("another workgroup has read"), std::string::npos);
  EXPECT_NE(race(write, write), "");
  EXPECT_NE(race(write, "s_load_dword s4, s[0:1], 0x10\n"), "");
  EXPECT_NE(race("global_store_byte v0, v5, s[0:1] offset:1\n", read), "");
  EXPECT_EQ(
      race("global_store_byte v0, v5, s[0:1] offset:1\n", "global_load_ubyte v1, v0, s[0:1]\n"),
      "");
  EXPECT_EQ(race(write, "global_load_dword v1, v0, s[0:1] offset:4\n"), "");
  EXPECT_EQ(race(add, add), "");
  EXPECT_NE(race(write, add), "");
  EXPECT_NE(race(add, write), "");
  EXPECT_EQ(race(add, read), "");  // as loops of compare and swap begin
  // Handed over by an atomic on each side.
  EXPECT_EQ(race(write + other, other + read), "");
  EXPECT_NE(race(other + write, other + read), "");
  // Who writes what is there changes nothing.
  EXPECT_EQ(race(read, "v_mov_b32 v6, v5\nglobal_load_dword v5, v0, s[0:1]\n" + write), "");
  // Within a workgroup a barrier orders.
  EXPECT_NE(race(write, read, true), "");
  EXPECT_EQ(race(write + barrier, barrier + read, true), "");
}
TEST_P(Check, StatisticsCount) {
  Statistics total;
  ObserverOptions options;
  options.statistics = &total;
  EXPECT_EQ(checked(options,
                    "v_mov_b32 v1, 1\nglobal_store_dword v0, v1, s[0:1]\nv_lshlrev_b32 v2, 5, v0\n"
                    "ds_write_b32 v0, v1\nds_write_b32 v2, v1\ns_mov_b32 s4, 0\n"),
            "");
  EXPECT_EQ(total.instructions, 7u);
  EXPECT_EQ(total.vector, 2u);
  EXPECT_EQ(total.lane_operations, 128u);
  EXPECT_EQ(total.memory_transactions, 256u / 64 + (memory_address() % 64 != 0));
  EXPECT_EQ(total.memory_bytes, 256u);
  EXPECT_EQ(total.lds_conflicts, 31u * 2);  // a stride of 32 dwords: one bank
  EXPECT_EQ(total.lds_passes, 2u + 64u);
  EXPECT_EQ(total.memory_lines_at_best, 4u);
  total.resident = 20;
  EXPECT_NE(total.report("test").find("v_mov_b32"), std::string::npos);
  EXPECT_NE(total.report("test").find("5.0 a SIMD"), std::string::npos);
}

// The line tables of LLVM's assembler, old and new; and damaged ones, which name something or
// nothing.
TEST(SourceLines, FromDwarf) {
  const std::string stem = testing::TempDir() + "inlay_lines_" + std::to_string(getpid());
  std::ofstream(stem + ".s") << "k:\n  s_nop 0\n\n\n  s_mov_b32 s0, 1\n  s_endpgm\n";
  for (const char* version : {"3", "4", "5"}) {
    const std::string command =
        std::string(INLAY_LLVM_MC) +
        " -triple=amdgcn-amd-amdhsa -mcpu=gfx900 -g -dwarf-version=" + version +
        " -filetype=obj -o " + stem + ".o " + stem + ".s";
    ASSERT_EQ(system(command.c_str()), 0);
    std::ifstream file(stem + ".o", std::ios::binary);
    std::string data{std::istreambuf_iterator<char>(file), {}};
    const auto lines = read_source_lines(data.data(), data.size(), 0x1000);
    ASSERT_NE(lines, nullptr) << version;
    const auto ends = [&](uint64_t at, const std::string& end) {
      const std::string text = lines->at(at);
      return text.size() > end.size() &&
             text.compare(text.size() - end.size(), end.size(), end) == 0;
    };
    EXPECT_TRUE(ends(0x1000, ":2")) << version << " " << lines->at(0x1000);
    EXPECT_TRUE(ends(0x1004, ":5")) << version << " " << lines->at(0x1004);
    EXPECT_TRUE(ends(0x1008, ":6")) << version << " " << lines->at(0x1008);
    EXPECT_EQ(lines->at(0x100c), "");
    EXPECT_EQ(lines->at(0xfff), "");
    std::mt19937 rng(5);
    for (int n = 0; n < 3000; n++) {
      std::string damaged = data.substr(0, n % 3 ? data.size() : rng() % data.size());
      for (int k = 0; k < 8 && !damaged.empty(); k++)
        damaged[rng() % damaged.size()] = static_cast<char>(rng());
      if (const auto some = read_source_lines(damaged.data(), damaged.size(), 0x1000))
        some->at(0x1004);
    }
  }
  remove((stem + ".s").c_str());
  remove((stem + ".o").c_str());
}

}  // namespace
}  // namespace inlay::emulator
