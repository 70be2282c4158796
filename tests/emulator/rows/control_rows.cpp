// The rows that no model of one lane describes: branches, EXEC, indexed registers, lanes read and
// written, instructions without effect.
#include <random>

#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

class ControlRows : public WaveTest {};
INSTANTIATE_TEST_SUITE_P(Host, ControlRows, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

TEST_P(ControlRows, NothingHappens) {
  static const std::pair<const char*, const char*> kRows[] = {
      {"s_nop", "s_nop 3"},
      {"s_waitcnt", "s_waitcnt vmcnt(0)"},
      {"s_setprio", "s_setprio 1"},
      {"s_wakeup", "s_wakeup"},
      {"s_icache_inv", "s_icache_inv"},
      {"s_incperflevel", "s_incperflevel 1"},
      {"s_decperflevel", "s_decperflevel 1"},
      {"s_ttracedata", "s_ttracedata"},
      {"s_dcache_inv", "s_dcache_inv"},
      {"s_dcache_wb", "s_dcache_wb"},
      {"s_dcache_inv_vol", "s_dcache_inv_vol"},
      {"s_dcache_wb_vol", "s_dcache_wb_vol"},
      {"s_dcache_discard", "s_dcache_discard s[0:1], 0"},
      {"s_dcache_discard_x2", "s_dcache_discard_x2 s[0:1], 0"},
      {"s_atc_probe", "s_atc_probe 1, s[0:1], 0"},
      {"s_atc_probe_buffer", "s_atc_probe_buffer 1, s[0:3], 0"},
      {"buffer_wbinvl1", "buffer_wbinvl1"},
      {"buffer_wbinvl1_vol", "buffer_wbinvl1_vol"},
      {"ds_nop", "ds_nop"},
      {"v_nop", "v_nop"},
      {"v_clrexcp", "v_clrexcp"},
      {"s_sendmsg", "s_sendmsg sendmsg(MSG_INTERRUPT)"},
      {"s_sethalt", "s_sethalt 0"},
      {"s_trap", "s_trap 3"},
      {"s_setkill", "s_setkill 0"},
      {"s_cbranch_cdbgsys", "s_cbranch_cdbgsys 2"},
      {"s_cbranch_cdbguser", "s_cbranch_cdbguser 2"},
      {"s_cbranch_cdbgsys_or_user", "s_cbranch_cdbgsys_or_user 2"},
      {"s_cbranch_cdbgsys_and_user", "s_cbranch_cdbgsys_and_user 2"}};
  for (int v = 0; v < 256; v++) fill(v, 0x1000u + static_cast<uint32_t>(v));
  for (uint32_t s = 0; s < 102; s++) w.sgpr[s] = 0x2000 + s;
  const std::vector<uint32_t> before(&w.vgpr[0][0], &w.vgpr[0][0] + 256 * kLanes);
  for (const auto& [name, text] : kRows) {
    uint32_t scalars[128];
    memcpy(scalars, w.sgpr, sizeof(scalars));
    w.scc = true;
    EXPECT_EQ(run(text), "") << text;
    EXPECT_EQ(w.state, WaveState::kEnded);
    EXPECT_TRUE(w.scc) << text;
    EXPECT_EQ(memcmp(scalars, w.sgpr, sizeof(scalars)), 0) << text;
    EXPECT_EQ(memcmp(before.data(), &w.vgpr[0][0], before.size() * 4), 0) << text;
    compared({name});
  }
}
TEST_P(ControlRows, Branches) {
  struct Row {
    const char* name;
    bool scc, vcc, exec;  // taken if the one it asks for is so
    int asks;             // 0 SCC, 1 VCC, 2 EXEC, 3 nothing
    bool wanted;
  };
  static const Row kRows[] = {
      {"s_branch", 0, 0, 0, 3, true},        {"s_cbranch_scc0", 0, 0, 0, 0, false},
      {"s_cbranch_scc1", 0, 0, 0, 0, true},  {"s_cbranch_vccz", 0, 0, 0, 1, false},
      {"s_cbranch_vccnz", 0, 0, 0, 1, true}, {"s_cbranch_execz", 0, 0, 0, 2, false},
      {"s_cbranch_execnz", 0, 0, 0, 2, true}};
  for (const Row& row : kRows)
    for (int state = 0; state < 8; state++) {
      const bool flags[] = {(state & 1) != 0, (state & 2) != 0, (state & 4) != 0, true};
      w.scc = flags[0];
      w.set_pair(code::kVccLo, flags[1] ? 0x100000000 : 0);
      w.set_pair(code::kExecLo, flags[2] ? 1 : 0);
      EXPECT_EQ(run(std::string("s_movk_i32 s0, 1\n") + row.name + " l\ns_movk_i32 s0, 2\nl:\n"),
                "");
      EXPECT_EQ(w.sgpr[0], flags[row.asks] == row.wanted ? 1u : 2u) << row.name << " " << state;
      compared({row.name});
    }
  // Backwards, three times round.
  EXPECT_EQ(run("s_movk_i32 s0, 0\nl:\ns_addk_i32 s0, 1\ns_cmpk_lt_u32 s0, 3\ns_cbranch_scc1 l\n"),
            "");
  EXPECT_EQ(w.sgpr[0], 3u);
}
TEST_P(ControlRows, ProgramCounter) {
  EXPECT_EQ(
      run("s_getpc_b64 s[0:1]\ns_add_u32 s2, s0, 16\ns_addc_u32 s3, s1, 0\ns_setpc_b64 s[2:3]\n"
          "s_movk_i32 s9, 1\ns_movk_i32 s8, 7\n"),
      "");
  EXPECT_EQ(w.pair(0), 0x10004u);
  EXPECT_EQ(w.sgpr[8], 7u);
  EXPECT_EQ(w.sgpr[9], 0u);
  compared({"s_getpc_b64", "s_setpc_b64"});
  EXPECT_EQ(
      run("s_getpc_b64 s[0:1]\ns_add_u32 s0, s0, 12\ns_swappc_b64 s[2:3], s[0:1]\ns_endpgm\nf:\n"
          "s_call_b64 s[4:5], g\ns_movk_i32 s6, 3\ns_endpgm\ng:\ns_movk_i32 s7, 4\ns_setpc_b64 "
          "s[4:5]\n"),
      "");
  EXPECT_EQ(w.pair(2), 0x1000cu);
  EXPECT_EQ(w.sgpr[6], 3u);
  EXPECT_EQ(w.sgpr[7], 4u);
  compared({"s_swappc_b64", "s_call_b64"});
}
TEST_P(ControlRows, ExecIsSavedAndCombined) {
  const uint64_t a = 0xff00ff00f0f0f0f0, e = 0x0ff00ff0ff00ff00;
  const std::pair<const char*, uint64_t> kRows[] = {
      {"and", a & e},    {"or", a | e},      {"xor", a ^ e},    {"andn2", a & ~e},
      {"orn2", a | ~e},  {"nand", ~(a & e)}, {"nor", ~(a | e)}, {"xnor", ~(a ^ e)},
      {"andn1", ~a & e}, {"orn1", ~a | e}};
  for (const auto& [stem, expected] : kRows) {
    const std::string name = std::string("s_") + stem + "_saveexec_b64";
    for (uint64_t source : {a, uint64_t{0}, ~uint64_t{0}}) {
      w.set_pair(2, source);
      w.set_pair(code::kExecLo, e);
      EXPECT_EQ(run(name + " s[4:5], s[2:3]"), "");
      EXPECT_EQ(w.pair(4), e) << name;
      EXPECT_EQ(w.scc, w.exec() != 0) << name;
      if (source == a) EXPECT_EQ(w.exec(), expected) << name;
    }
    compared({name.c_str()});
  }
  const std::pair<const char*, uint64_t> kWrites[] = {{"s_andn1_wrexec_b64", ~a & e},
                                                      {"s_andn2_wrexec_b64", a & ~e}};
  for (const auto& [name, expected] : kWrites) {
    w.set_pair(2, a);
    w.set_pair(code::kExecLo, e);
    EXPECT_EQ(run(std::string(name) + " s[4:5], s[2:3]"), "");
    EXPECT_EQ(w.pair(4), expected) << name;
    EXPECT_EQ(w.exec(), expected) << name;
    EXPECT_TRUE(w.scc);
    compared({name});
  }
}
TEST_P(ControlRows, IndexedRegisters) {
  for (uint32_t s = 0; s < 60; s++) w.sgpr[s] = 100 + s;
  w.sgpr[code::kM0] = 4;
  EXPECT_EQ(run("s_movrels_b32 s40, s10\ns_movrels_b64 s[42:43], s[10:11]\ns_movreld_b32 s44, s1\n"
                "s_movreld_b64 s[50:51], s[2:3]\n"),
            "");
  EXPECT_EQ(w.sgpr[40], 114u);
  EXPECT_EQ(w.pair(42), 114u | uint64_t{115} << 32);
  EXPECT_EQ(w.sgpr[48], 101u);
  EXPECT_EQ(w.pair(54), 102u | uint64_t{103} << 32);
  compared({"s_movrels_b32", "s_movrels_b64", "s_movreld_b32", "s_movreld_b64"});
  w.sgpr[code::kM0] = 98;
  EXPECT_NE(run("s_movrels_b32 s40, s10\n"), "");
  for (int v = 0; v < 40; v++) fill(v, static_cast<uint32_t>(v));
  EXPECT_EQ(
      run("s_set_gpr_idx_on 3, gpr_idx(SRC0)\nv_mov_b32 v30, v1\ns_set_gpr_idx_idx 5\nv_mov_b32 "
          "v31, v1\n"
          "s_set_gpr_idx_mode gpr_idx(DST)\nv_mov_b32 v20, v1\ns_getreg_b32 s4, hwreg(HW_REG_MODE, "
          "27, 1)\n"
          "s_set_gpr_idx_off\nv_mov_b32 v32, v1\ns_getreg_b32 s5, hwreg(HW_REG_MODE, 27, 1)\n"),
      "");
  EXPECT_EQ(lane(30), 4u);
  EXPECT_EQ(lane(31), 6u);
  EXPECT_EQ(lane(25), 1u);
  EXPECT_EQ(lane(32), 1u);
  EXPECT_EQ(w.sgpr[4], 1u);
  EXPECT_EQ(w.sgpr[5], 0u);
  compared({"s_set_gpr_idx_on", "s_set_gpr_idx_idx", "s_set_gpr_idx_mode", "s_set_gpr_idx_off",
            "s_getreg_b32"});
}
TEST_P(ControlRows, ModeAndTime) {
  w.sgpr[0] = 2;
  EXPECT_EQ(run("s_setreg_b32 hwreg(HW_REG_MODE, 0, 2), s0\ns_setreg_imm32_b32 hwreg(HW_REG_MODE, "
                "2, 2), 1\n"
                "s_getreg_b32 s1, hwreg(HW_REG_MODE, 0, 4)\ns_setreg_imm32_b32 hwreg(HW_REG_MODE, "
                "0, 4), 0\n"
                "s_memtime s[2:3]\ns_memtime s[4:5]\ns_memrealtime s[6:7]\n"),
            "");
  EXPECT_EQ(w.sgpr[1], 6u);
  EXPECT_LT(w.pair(2), w.pair(4));
  EXPECT_LT(w.pair(4), w.pair(6));
  compared({"s_setreg_b32", "s_setreg_imm32_b32", "s_memtime", "s_memrealtime"});
}
TEST_P(ControlRows, WhatStopsOrWaits) {
  struct Row {
    const char *name, *text;
    WaveState state;
  };
  for (const Row& row :
       {Row{"s_barrier", "s_barrier", WaveState::kBarrier},
        Row{"s_sleep", "s_sleep 1", WaveState::kYield},
        Row{"s_endpgm", "s_endpgm", WaveState::kEnded},
        Row{"s_endpgm_saved", "s_endpgm_saved", WaveState::kEnded},
        Row{"s_rfe_b64", "s_rfe_b64 s[0:1]", WaveState::kFault},
        Row{"s_rfe_restore_b64", "s_rfe_restore_b64 s[0:1], s2", WaveState::kFault},
        Row{"s_sendmsghalt", "s_sendmsghalt sendmsg(1)", WaveState::kFault},
        Row{"s_sethalt", "s_sethalt 1", WaveState::kFault},
        Row{"s_trap", "s_trap 2", WaveState::kFault},
        Row{"s_setkill", "s_setkill 1", WaveState::kEnded}}) {
    const bool fault = row.state == WaveState::kFault;
    EXPECT_EQ(run(std::string(row.text) + "\ns_movk_i32 s9, 1\n").empty(), !fault) << row.text;
    EXPECT_EQ(w.state, row.state) << row.text;
    EXPECT_EQ(w.sgpr[9], 0u) << row.text;  // nothing behind it has run
    compared({row.name});
  }
}
TEST_P(ControlRows, SingleLanes) {
  for (int l = 0; l < kLanes; l++) {
    w.vgpr[1][l] = 1000 + static_cast<uint32_t>(l);
    w.vgpr[2][l] = 2000 + static_cast<uint32_t>(l);
  }
  w.sgpr[4] = 70;
  w.set_pair(code::kExecLo, 0xf0);
  EXPECT_EQ(run("v_readfirstlane_b32 s0, v1\nv_readlane_b32 s1, v1, s4\nv_writelane_b32 v2, s4, "
                "9\nv_swap_b32 v1, v2\n"),
            "");
  EXPECT_EQ(w.sgpr[0], 1004u);
  EXPECT_EQ(w.sgpr[1], 1006u);
  EXPECT_EQ(lane(2, 9), 70u);  // EXEC is not asked
  EXPECT_EQ(lane(1, 4), 2004u);
  EXPECT_EQ(lane(2, 4), 1004u);
  EXPECT_EQ(lane(1, 3), 1003u);  // EXEC is
  compared({"v_readfirstlane_b32", "v_readlane_b32", "v_writelane_b32", "v_swap_b32"});
}
// Division as compilers write it comes out correctly rounded, whatever the exponents: scaled, and
// scaled back.
TEST_P(ControlRows, DivisionIsCorrectlyRounded) {
  std::mt19937_64 rng(3);
  for (int trial = 0; trial < 60; trial++) {
    float num[kLanes], den[kLanes];
    double wide_num[kLanes], wide_den[kLanes];
    for (int l = 0; l < kLanes; l++) {
      const auto any32 = [&] { return static_cast<uint32_t>(rng()); };
      w.vgpr[0][l] = any32();
      w.vgpr[1][l] = any32();
      // Exponents far apart, and quotients that are denormal.
      if (l % 4 == 1) w.vgpr[0][l] = (w.vgpr[0][l] & 0x807fffff) | 0x00800000 * (1 + rng() % 4);
      if (l % 4 == 2) w.vgpr[1][l] = (w.vgpr[1][l] & 0x807fffff) | 0x7d000000;
      if (l % 4 == 3) w.vgpr[1][l] &= 0x807fffff;
      memcpy(&num[l], &w.vgpr[0][l], 4);
      memcpy(&den[l], &w.vgpr[1][l], 4);
      for (int v = 20; v < 24; v++) w.vgpr[v][l] = any32();
      if (l % 4 == 1) w.vgpr[21][l] = (w.vgpr[21][l] & 0x800fffff) | 0x00100000 * (1 + rng() % 4);
      if (l % 4 == 2) w.vgpr[23][l] = (w.vgpr[23][l] & 0x800fffff) | 0x7fa00000;
      if (l % 4 == 3) w.vgpr[23][l] &= 0x800fffff;
      const uint64_t n = lane64(20, l), d = lane64(22, l);
      memcpy(&wide_num[l], &n, 8);
      memcpy(&wide_den[l], &d, 8);
    }
    ASSERT_EQ(run("v_div_scale_f32 v4, s[0:1], v1, v1, v0\nv_div_scale_f32 v5, vcc, v0, v1, "
                  "v0\nv_rcp_f32 v6, v4\n"
                  "v_fma_f32 v7, -v4, v6, 1.0\nv_fma_f32 v6, v7, v6, v6\nv_mul_f32 v7, v5, v6\n"
                  "v_fma_f32 v8, -v4, v7, v5\nv_fma_f32 v7, v8, v6, v7\nv_fma_f32 v4, -v4, v7, v5\n"
                  "v_div_fmas_f32 v4, v4, v6, v7\nv_div_fixup_f32 v2, v4, v1, v0\n"
                  "v_div_scale_f64 v[24:25], s[0:1], v[22:23], v[22:23], v[20:21]\nv_rcp_f64 "
                  "v[26:27], v[24:25]\n"
                  "v_fma_f64 v[28:29], -v[24:25], v[26:27], 1.0\nv_fma_f64 v[26:27], v[26:27], "
                  "v[28:29], v[26:27]\n"
                  "v_fma_f64 v[28:29], -v[24:25], v[26:27], 1.0\nv_fma_f64 v[26:27], v[26:27], "
                  "v[28:29], v[26:27]\n"
                  "v_div_scale_f64 v[28:29], vcc, v[20:21], v[22:23], v[20:21]\nv_mul_f64 "
                  "v[30:31], v[28:29], v[26:27]\n"
                  "v_fma_f64 v[24:25], -v[24:25], v[30:31], v[28:29]\nv_div_fmas_f64 v[24:25], "
                  "v[24:25], v[26:27], v[30:31]\n"
                  "v_div_fixup_f64 v[32:33], v[24:25], v[22:23], v[20:21]\n"),
              "");
    for (int l = 0; l < kLanes; l++) {
      const float q = num[l] / den[l];
      const double wide = wide_num[l] / wide_den[l];
      uint32_t b;
      uint64_t wide_b;
      memcpy(&b, &q, 4);
      memcpy(&wide_b, &wide, 8);
      if (q == q) ASSERT_EQ(lane(2, l), b) << num[l] << " / " << den[l];
      if (wide == wide) ASSERT_EQ(lane64(32, l), wide_b) << wide_num[l] << " / " << wide_den[l];
    }
  }
  compared({"v_div_scale_f32", "v_div_fmas_f32", "v_div_scale_f64", "v_div_fmas_f64"});
}
// Sums of absolute differences at four byte offsets, each into a dword; bytes of zero in the
// reference do not count.
TEST_P(ControlRows, MaskedSumsOfDwords) {
  fill64(2, 0x8070605040302010);
  fill(4, 0x00050003);
  for (int n = 0; n < 4; n++) fill(6 + n, 1000u * static_cast<uint32_t>(n));
  EXPECT_EQ(run("v_mqsad_u32_u8 v[10:13], v[2:3], v4, v[6:9]\n"), "");
  for (int n = 0; n < 4; n++)
    EXPECT_EQ(lane(10 + n), 1000u * static_cast<uint32_t>(n) +
                                (16u * static_cast<uint32_t>(n + 1) - 3) +
                                (16u * static_cast<uint32_t>(n + 3) - 5));
  compared({"v_mqsad_u32_u8"});
}
TEST_P(ControlRows, LanesMeetInLds) {
  for (int l = 0; l < kLanes; l++) {
    w.vgpr[1][l] = 4 * ((static_cast<uint32_t>(l) * 5) % 64);
    w.vgpr[2][l] = 500 + static_cast<uint32_t>(l);
    w.vgpr[8][l] = 16 + 8 * static_cast<uint32_t>(l);
    w.vgpr[10][l] = l % 2 ? 0x80000000 | static_cast<uint32_t>(l) : 7;
    w.vgpr[11][l] = 0x80000001;
  }
  for (size_t n = 0; n < 512; n++) lds_word(n) = 9000 + static_cast<uint32_t>(n);
  w.sgpr[code::kM0] = 0;
  w.set_pair(code::kExecLo, ~uint64_t{0} >> 1);
  EXPECT_EQ(run("ds_bpermute_b32 v3, v1, v2\nds_permute_b32 v4, v1, v2\nds_append v5 "
                "offset:4\nds_consume v6 offset:4\n"
                "ds_swizzle_b32 v7, v2 offset:swizzle(SWAP,1)\nds_condxchg32_rtn_b64 v[12:13], v8, "
                "v[10:11]\n"),
            "");
  for (int l = 0; l < 63; l++) {
    const int from = l * 5 % 64;
    EXPECT_EQ(lane(3, l), from == 63 ? 0u : 500u + static_cast<uint32_t>(from));
    // The lane that sends here is l times 5's inverse, 13.
    const int sender = l * 13 % 64;
    EXPECT_EQ(lane(4, l), sender == 63 ? 0u : 500u + static_cast<uint32_t>(sender)) << l;
    EXPECT_EQ(lane(7, l), (l ^ 1) == 63 ? 0u : 500u + static_cast<uint32_t>(l ^ 1));
    const size_t at = 4 + 2 * static_cast<size_t>(l);
    EXPECT_EQ(lane(12, l), 9000u + at);
    EXPECT_EQ(lane(13, l), 9000u + at + 1);
    EXPECT_EQ(lds_word(at), l % 2 ? static_cast<uint32_t>(l) : 9000u + at);
    EXPECT_EQ(lds_word(at + 1), 1u);
  }
  EXPECT_EQ(lane(5), 9001u);
  EXPECT_EQ(lane(6), 9001u + 63);
  EXPECT_EQ(lds_word(1), 9001u);
  compared({"ds_bpermute_b32", "ds_permute_b32", "ds_append", "ds_consume", "ds_swizzle_b32",
            "ds_condxchg32_rtn_b64"});
}

}  // namespace
}  // namespace inlay::emulator
