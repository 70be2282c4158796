// Forks, skipped vector instructions, what only trap handlers may do; scratch through scalar
// memory; LDS read as an operand; lanes swizzled; the global data share and global wave sync.
#include "runtime/emulator/machine/schedule/global_sync.h"
#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

class Control : public WaveTest {};
INSTANTIATE_TEST_SUITE_P(Host, Control, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

// if (lane < 20) v1 = 1 else v1 = 2, by forks; both sides, each with its lanes, then all.
TEST_P(Control, ForkAndJoin) {
  const char* text =
      "s_mov_b64 s[40:41], 0xfffff\n"
      "s_mov_b32 s44, 0\n"
      "s_cbranch_i_fork s[40:41], taken\n"
      "v_mov_b32 v1, 2\n"
      "s_mov_b64 s[50:51], exec\n"
      "s_branch done\n"
      "taken:\n"
      "v_mov_b32 v1, 1\n"
      "s_mov_b64 s[52:53], exec\n"
      "done:\n"
      "s_cbranch_join s44\n"
      "v_add_u32 v2, v1, 1\n";
  EXPECT_EQ(run(text), "");
  for (int l = 0; l < kLanes; l++) EXPECT_EQ(lane(1, l), l < 20 ? 1u : 2u);
  EXPECT_EQ(w.pair(52), 0xfffffu);
  EXPECT_EQ(w.pair(50), ~uint64_t{0xfffff});
  EXPECT_EQ(w.mode.bits >> 29, 0u);
  compared({"s_cbranch_i_fork", "s_cbranch_join"});
  // After both sides the last side's lanes are on: what joins them is the stack alone.
  EXPECT_EQ(w.exec(), ~uint64_t{0xfffff});
}
TEST_P(Control, ForkThatDoesNotDiverge) {
  const char* text =
      "s_getpc_b64 s[42:43]\n"
      "here:\n"
      "s_add_u32 s42, s42, taken-here\n"
      "s_addc_u32 s43, s43, 0\n"
      "s_cbranch_g_fork s[40:41], s[42:43]\n"
      "v_mov_b32 v1, 2\n"
      "s_endpgm\n"
      "taken:\n"
      "v_mov_b32 v1, 1\n";
  w.set_pair(40, ~uint64_t{0});
  EXPECT_EQ(run(text), "");
  EXPECT_EQ(lane(1), 1u);
  w.set_pair(40, 0);
  EXPECT_EQ(run(text), "");
  EXPECT_EQ(lane(1), 2u);
  // The side with fewer lanes goes first; the other's mask and PC are on the stack.
  w.set_pair(40, 0xff);
  EXPECT_EQ(run(text), "");
  EXPECT_EQ(lane(1, 0), 1u);
  EXPECT_EQ(w.exec(), 0xffu);
  EXPECT_EQ(w.pair(0), ~uint64_t{0xff});
  EXPECT_EQ(w.pair(2), 0x10000u + 4 * 5);
  EXPECT_EQ(w.mode.bits >> 29, 1u);
  compared({"s_cbranch_g_fork"});
  EXPECT_NE(
      run("s_setreg_imm32_b32 hwreg(HW_REG_MODE, 29, 3), 0\ns_mov_b32 s45, 1\ns_cbranch_join s45\n")
          .find("no fork"),
      std::string::npos);
}
TEST_P(Control, SkippedVectorInstructions) {
  fill(1, 5);
  word(0) = 77;
  w.set_pair(0, memory_address());
  EXPECT_EQ(run("s_setvskip -1, 3\nv_mov_b32 v1, 9\nglobal_load_dword v1, v2, s[0:1]\n"
                "ds_write_b32 v1, v1\ns_mov_b32 s4, 3\ns_getreg_b32 s5, hwreg(HW_REG_MODE, 28, 1)\n"
                "s_setvskip 0, 0\nv_mov_b32 v3, v1\n"),
            "");
  EXPECT_EQ(lane(1), 5u);
  EXPECT_EQ(lane(3), 5u);
  EXPECT_EQ(w.sgpr[4], 3u);
  EXPECT_EQ(w.sgpr[5], 1u);
  compared({"s_setvskip"});
}
TEST_P(Control, WhatStopsTheWavefront) {
  EXPECT_NE(run("s_rfe_b64 s[0:1]\n").find("trap handler"), std::string::npos);
  EXPECT_NE(run("s_rfe_restore_b64 s[0:1], s2\n").find("trap handler"), std::string::npos);
  EXPECT_NE(run("s_sendmsghalt sendmsg(1)\n").find("halted"), std::string::npos);
  EXPECT_EQ(run("s_setkill 1\nv_interp_mov_f32 v0, p0, attr0.x\n"), "");
  EXPECT_EQ(w.state, WaveState::kEnded);
  EXPECT_NE(run("v_interp_mov_f32 v0, p0, attr0.x\n").find("not for compute"), std::string::npos);
  EXPECT_NE(run("s_endpgm_ordered_ps_done\n").find("not for compute"), std::string::npos);
  EXPECT_EQ(run("s_atc_probe 3, s[0:1], 0x10\ns_atc_probe_buffer 3, s[0:3], s4\n"), "");
}
TEST_P(Control, ScalarScratch) {
  for (size_t n = 0; n < 256; n++) word(n) = static_cast<uint32_t>(n);
  w.set_pair(0, memory_address());
  w.sgpr[4] = 2;  // a register counts 64 bytes
  EXPECT_EQ(
      run("s_scratch_load_dword s8, s[0:1], 0x14\ns_scratch_load_dwordx2 s[10:11], s[0:1], s4\n"
          "s_scratch_load_dwordx4 s[12:15], s[0:1], 0x20\ns_scratch_store_dword s8, s[0:1], s4\n"
          "s_scratch_store_dwordx2 s[10:11], s[0:1], 0x300\n"
          "s_scratch_store_dwordx4 s[12:15], s[0:1], 0x310\n"),
      "");
  EXPECT_EQ(w.sgpr[8], 5u);
  EXPECT_EQ(w.pair(10), 32u | uint64_t{33} << 32);
  EXPECT_EQ(w.sgpr[15], 11u);
  EXPECT_EQ(word(32), 5u);
  EXPECT_EQ(word(0x300 / 4 + 1), 33u);
  EXPECT_EQ(word(0x310 / 4 + 3), 11u);
}
TEST_P(Control, LdsAsAnOperand) {
  lds_word(3) = 0x80ff8182;
  const auto read = [&](uint32_t m0) {
    w.sgpr[code::kM0] = m0;
    return run("v_mov_b32 v1, src_lds_direct\n");
  };
  EXPECT_EQ(read(12 | 2 << 16), "");
  EXPECT_EQ(lane(1, 40), 0x80ff8182u);
  EXPECT_EQ(read(13 | 0 << 16), "");
  EXPECT_EQ(lane(1), 0x81u);
  EXPECT_EQ(read(13 | 4 << 16), "");
  EXPECT_EQ(lane(1), 0xffffff81u);
  EXPECT_EQ(read(14 | 1 << 16), "");
  EXPECT_EQ(lane(1), 0x80ffu);
  EXPECT_EQ(read(14 | 5 << 16), "");
  EXPECT_EQ(lane(1), 0xffff80ffu);
  EXPECT_EQ(read(4096 | 2 << 16), "");  // outside
  EXPECT_EQ(lane(1), 0u);
  EXPECT_NE(read(12 | 3 << 16).find("no data type"), std::string::npos);
  EXPECT_NE(read(13 | 2 << 16).find("aligned"), std::string::npos);
}
TEST_P(Control, SwizzledLanes) {
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = static_cast<uint32_t>(l);
  // Rotated to the right by 3, within groups of 32 and of 8; to the left.
  EXPECT_EQ(run("ds_swizzle_b32 v2, v1 offset:0xc060\n"
                "ds_swizzle_b32 v3, v1 offset:0xc478\n"),
            "");
  for (int l = 0; l < kLanes; l++) {
    EXPECT_EQ(lane(2, l), static_cast<uint32_t>((l & 32) | ((l + 3) & 31))) << l;
    EXPECT_EQ(lane(3, l), static_cast<uint32_t>((l & ~7) | ((l - 3) & 7))) << l;
  }
  // FFT with mask 0 reverses five bits; each mask bit keeps one and shortens the reversal.
  EXPECT_EQ(run("ds_swizzle_b32 v2, v1 offset:0xe000\n"
                "ds_swizzle_b32 v3, v1 offset:0xe01f\n"
                "ds_swizzle_b32 v4, v1 offset:0xe010\n"),
            "");
  for (int l = 0; l < kLanes; l++) {
    int reversed = 0;
    for (int b = 0; b < 5; b++) reversed |= (l >> b & 1) << (4 - b);
    EXPECT_EQ(lane(2, l), static_cast<uint32_t>(reversed | (l & 32))) << l;
    EXPECT_EQ(lane(3, l), static_cast<uint32_t>(l));
    EXPECT_EQ(lane(4, l), static_cast<uint32_t>((reversed >> 1) | (l & 48))) << l;
  }
}
TEST_P(Control, ScreenPartition) {
  // The manual's example: from (0, 0) to (25, 35) is tiles (0, 0) and (0, 1).
  fill(1, 0x01);
  fill(2, 0x00);
  fill(3, 0x15);
  fill(4, 0x10);
  EXPECT_EQ(run("v_screen_partition_4se_b32 v5, v1\nv_screen_partition_4se_b32 v6, v2\n"
                "v_screen_partition_4se_b32 v7, v3\nv_screen_partition_4se_b32 v8, v4\n"),
            "");
  EXPECT_EQ(lane(5), 3u);
  EXPECT_EQ(lane(6), 1u);
  EXPECT_EQ(lane(7), 0xau);
  EXPECT_EQ(lane(8), 0xfu);
}
TEST_P(Control, HalfMinimaQuiet) {
  fill(1, 0x7c017c01);  // signalling
  fill(2, 0x3c003c00);
  fill(3, 0x7e017e01);
  EXPECT_EQ(
      run("v_min_f16 v10, v1, v2\nv_max_f16 v11, v2, v1\nv_min_f16 v12, v3, v2\n"
          "v_pk_max_f16 v13, v1, v2\nv_min3_f16 v14, v2, v2, v1\nv_med3_f16 v15, v1, v2, v2\n"),
      "");
  EXPECT_EQ(lane(10) & 0xffff, 0x7e01u);
  EXPECT_EQ(lane(11) & 0xffff, 0x7e01u);
  EXPECT_EQ(lane(12) & 0xffff, 0x3c00u);
  EXPECT_EQ(lane(13), 0x7e017e01u);
  EXPECT_EQ(lane(14) & 0xffff, 0x7e01u);
  w.mode.bits &= ~0x200u;  // no IEEE: the number wins
  EXPECT_EQ(run("v_min_f16 v10, v1, v2\nv_pk_max_f16 v13, v1, v2\n"), "");
  EXPECT_EQ(lane(10) & 0xffff, 0x3c00u);
  EXPECT_EQ(lane(13), 0x3c003c00u);
}
TEST_P(Control, DataShare) {
  for (int l = 0; l < kLanes; l++) w.vgpr[0][l] = 4 * static_cast<uint32_t>(l);
  fill(1, 3);
  w.sgpr[code::kM0] = 0x100u << 16 | 128;  // 128 bytes from 256 on
  EXPECT_EQ(run("ds_write_b32 v0, v0 gds\nds_add_rtn_u32 v2, v0, v1 gds\nds_read_b32 v3, v0 gds\n"
                "ds_read2_b32 v[4:5], v0 offset0:1 offset1:2 gds\n"),
            "");
  EXPECT_EQ(lane(2, 5), 20u);
  EXPECT_EQ(lane(3, 5), 23u);
  EXPECT_EQ(lane(4, 5), 27u);
  EXPECT_EQ(lane(5, 5), 31u);
  EXPECT_EQ(lane(3, 32), 0u);  // beyond the size: zero, and dropped
  EXPECT_EQ(share_word(64), 3u);
  EXPECT_EQ(share_word(64 + 31), 127u);
  EXPECT_EQ(share_word(64 + 32), 0u);
  share_word(65) = 10;
  EXPECT_EQ(run("ds_append v6 offset:4 gds\nds_consume v7 offset:4 gds\n"), "");
  EXPECT_EQ(lane(6), 10u);
  EXPECT_EQ(lane(7), 74u);
  fill(9, 2);
  EXPECT_NE(run("ds_add_u32 v9, v1 gds\n").find("not aligned"), std::string::npos);
  EXPECT_NE(run("ds_ordered_count v1, v0 gds\n").find("not for compute"), std::string::npos);
}
TEST_P(Control, GlobalWaveSync) {
  const auto sync = make_global_sync();
  group_.global_sync = sync.get();
  w.sgpr[code::kM0] = 0;
  const auto go = [&](const std::string& text, uint32_t v) {
    fill(1, v);
    EXPECT_EQ(run(text), "");
    compared({text.substr(0, text.find(' ')).c_str()});
    return w.state;
  };
  // A barrier of three: two wait, the third passes and lets them.
  go("ds_gws_init v1 offset:5 gds\n", 2);
  EXPECT_EQ(go("ds_gws_barrier v1 offset:5 gds\n", 2), WaveState::kGlobalBarrier);
  const GlobalSync::Ticket first = w.global_ticket;
  EXPECT_EQ(go("ds_gws_barrier v1 offset:5 gds\n", 2), WaveState::kGlobalBarrier);
  EXPECT_FALSE(sync->passed(first));
  EXPECT_EQ(go("ds_gws_barrier v1 offset:5 gds\n", 2), WaveState::kEnded);
  EXPECT_TRUE(sync->passed(first));
  // Ready for the next round.
  EXPECT_EQ(go("ds_gws_barrier v1 offset:5 gds\n", 2), WaveState::kGlobalBarrier);
  // A semaphore: one given, one taken; then two wait, in order.
  go("ds_gws_sema_v offset:6 gds\n", 0);
  EXPECT_EQ(go("ds_gws_sema_p offset:6 gds\n", 0), WaveState::kEnded);
  EXPECT_EQ(go("ds_gws_sema_p offset:6 gds\n", 0), WaveState::kGlobalBarrier);
  const GlobalSync::Ticket second = w.global_ticket;
  EXPECT_EQ(go("ds_gws_sema_p offset:6 gds\n", 0), WaveState::kGlobalBarrier);
  const GlobalSync::Ticket third = w.global_ticket;
  go("ds_gws_sema_v offset:6 gds\n", 0);
  EXPECT_TRUE(sync->passed(second));
  EXPECT_FALSE(sync->passed(third));
  go("ds_gws_sema_release_all offset:6 gds\n", 0);
  EXPECT_TRUE(sync->passed(third));
  go("ds_gws_sema_br v1 offset:6 gds\n", 2);
  EXPECT_EQ(go("ds_gws_sema_p offset:6 gds\n", 0), WaveState::kEnded);
  EXPECT_EQ(go("ds_gws_sema_p offset:6 gds\n", 0), WaveState::kEnded);
  EXPECT_EQ(go("ds_gws_sema_p offset:6 gds\n", 0), WaveState::kGlobalBarrier);
}

}  // namespace
}  // namespace inlay::emulator
