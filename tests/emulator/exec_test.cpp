// Points where an emulator of this chip goes wrong easily, each with a test of its own; and the
// machine's rules about modes, modifiers and masks. Every test runs in every host variant.
#include <cmath>
#include <cstring>

#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

uint32_t f(float v) {
  uint32_t b;
  memcpy(&b, &v, 4);
  return b;
}
uint64_t d(double v) {
  uint64_t b;
  memcpy(&b, &v, 8);
  return b;
}
constexpr uint32_t kSnan = 0x7f800001, kQnan = 0x7fc00000, kDenormal = 0x00000123;

class Exec : public WaveTest {};
INSTANTIATE_TEST_SUITE_P(Host, Exec, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

// --- opcodes that other chips number differently ---
TEST_P(Exec, MacIsNotFused) {
  // (1 + 2^-12)^2 - 1: the product is rounded before the sum.
  fill(1, f(1.0f + 0x1p-12f));
  fill(2, f(-1.0f));
  EXPECT_EQ(run("v_mac_f32 v2, v1, v1\n"), "");
  EXPECT_EQ(lane(2), f(0x1p-11f));
  fill(2, f(-1.0f));
  EXPECT_EQ(run("v_fma_f32 v2, v1, v1, v2\n"), "");
  EXPECT_EQ(lane(2), f(0x1p-11f + 0x1p-24f));
  fill(2, f(-1.0f));
  EXPECT_EQ(run("v_mad_f32 v2, v1, v1, v2\n"), "");
  EXPECT_EQ(lane(2), f(0x1p-11f));
}
TEST_P(Exec, MadmkMadak) {
  fill(1, f(3));
  fill(2, f(5));
  EXPECT_EQ(run("v_madmk_f32 v3, v1, 0x41200000, v2\nv_madak_f32 v4, v1, v2, 0x41200000\n"), "");
  EXPECT_EQ(lane(3), f(35));
  EXPECT_EQ(lane(4), f(25));
}
TEST_P(Exec, MacFlushesDenormalsInEveryMode) {
  fill(1, kDenormal);
  fill(2, f(1));
  fill(3, 0);
  EXPECT_EQ(run("v_mac_f32 v3, v1, v2\n"), "");
  EXPECT_EQ(lane(3), 0u);
}
TEST_P(Exec, FmacIsOn906Only) {
  const uint32_t words[] = {0x76060501, 0xbf810000};  // v_fmac_f32 v3, v1, v2
  EXPECT_NE(run_words({words[0], words[1]}, Chip::kGfx900), "");
  EXPECT_EQ(run_words({words[0], words[1]}, Chip::kGfx906), "");
}

// --- float modes ---
TEST_P(Exec, DenormalsFollowMode) {
  fill(1, kDenormal);
  fill(2, 0x80000000 | kDenormal);
  w.mode.bits = 0xf0;
  EXPECT_EQ(run("v_add_f32 v3, v1, v1\nv_mul_f32 v4, 1.0, v2\n"), "");
  EXPECT_EQ(lane(3), 2 * kDenormal);
  EXPECT_EQ(lane(4), 0x80000000 | kDenormal);
  w.mode.bits = 0xc0;  // f32 flushed both ways, the sign stays
  EXPECT_EQ(run("v_add_f32 v3, v1, v1\nv_mul_f32 v4, 1.0, v2\n"), "");
  EXPECT_EQ(lane(3), 0u);
  EXPECT_EQ(lane(4), 0x80000000u);
  w.mode.bits = 0xe0;  // kept on input, flushed on output
  fill(5, 0x00800000);
  EXPECT_EQ(run("v_sub_f32 v3, v5, v1\nv_add_f32 v4, v5, v1\n"), "");
  EXPECT_EQ(lane(3), 0u);
  EXPECT_EQ(lane(4), 0x00800000u + kDenormal);
}
TEST_P(Exec, RoundingFollowsModeMidKernel) {
  fill(1, f(1));
  fill(2, f(0x1p-30f));
  EXPECT_EQ(run("v_add_f32 v3, v1, v2\n"
                "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 1\nv_add_f32 v4, v1, v2\n"
                "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 2\nv_sub_f32 v5, v1, v2\n"
                "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 3\nv_sub_f32 v6, v1, v2\nv_add_f32 "
                "v7, v1, v2\n"
                "s_getreg_b32 s0, hwreg(HW_REG_MODE, 0, 2)\n"),
            "");
  EXPECT_EQ(lane(3), f(1));
  EXPECT_EQ(lane(4), f(1) + 1);
  EXPECT_EQ(lane(5), f(1) - 1);
  EXPECT_EQ(lane(6), f(1) - 1);
  EXPECT_EQ(lane(7), f(1));
  EXPECT_EQ(w.sgpr[0], 3u);
  EXPECT_EQ(1.0f + 0x1p-30f, 1.0f);  // the host rounds to nearest again
}
TEST_P(Exec, NanRule) {
  fill(1, 0x7fc00011);
  fill(2, 0xffc00022);
  fill(3, f(1));
  fill(4, kSnan);
  fill(5, 0x7f800000);
  EXPECT_EQ(run("v_add_f32 v10, v1, v2\nv_add_f32 v11, v2, v1\nv_add_f32 v12, v3, v2\nv_mul_f32 "
                "v13, v4, v3\n"
                "v_sub_f32 v14, v5, v5\nv_fma_f32 v15, v3, v3, v1\n"),
            "");
  EXPECT_EQ(lane(10), 0x7fc00011u);
  EXPECT_EQ(lane(11), 0xffc00022u);
  EXPECT_EQ(lane(12), 0xffc00022u);
  EXPECT_EQ(lane(13), kSnan | 0x400000);
  EXPECT_EQ(lane(14), kQnan);
  EXPECT_EQ(lane(15), 0x7fc00011u);
}
TEST_P(Exec, MinMaxQuietInIeeeMode) {
  fill(1, kSnan);
  fill(2, f(1));
  fill(3, kQnan);
  fill(4, 0x80000000);
  fill(5, 0);
  EXPECT_EQ(run("v_min_f32 v10, v1, v2\nv_max_f32 v11, v3, v2\nv_min_f32 v12, v5, v4\nv_max_f32 "
                "v13, v4, v5\n"),
            "");
  EXPECT_EQ(lane(10), kSnan | 0x400000);
  EXPECT_EQ(lane(11), f(1));
  EXPECT_EQ(lane(12), 0x80000000u);
  EXPECT_EQ(lane(13), 0u);
  w.mode.bits &= ~0x200u;
  EXPECT_EQ(run("v_min_f32 v10, v1, v2\n"), "");
  EXPECT_EQ(lane(10), f(1));
}
TEST_P(Exec, ClampAndOutputMultiplier) {
  fill(1, f(3));
  fill(2, kQnan);
  w.mode.bits = 0xc0 | 0x100;  // denormals flushed, DX10_CLAMP, no IEEE: the multiplier works
  EXPECT_EQ(run("v_add_f32_e64 v3, v1, v1 mul:2\nv_add_f32_e64 v4, v1, v1 clamp\nv_add_f32_e64 v5, "
                "v2, v1 clamp\n"
                "v_sub_f32_e64 v6, 0, v1 clamp\nv_mul_f32_e64 v7, v1, 1.0 div:2\n"),
            "");
  EXPECT_EQ(lane(3), f(12));
  EXPECT_EQ(lane(4), f(1));
  EXPECT_EQ(lane(5), 0u);
  EXPECT_EQ(lane(6), 0u);
  EXPECT_EQ(lane(7), f(1.5f));
  w.mode.bits = 0xf0 | 0x200;  // IEEE: the multiplier is ignored; without DX10_CLAMP a NaN stays
  EXPECT_EQ(run("v_add_f32_e64 v3, v1, v1 mul:2\nv_add_f32_e64 v5, v2, v1 clamp\n"), "");
  EXPECT_EQ(lane(3), f(6));
  EXPECT_EQ(lane(5), kQnan);
}
TEST_P(Exec, IntegerClampSaturates) {
  fill(1, 0xfffffff0);
  fill(2, 0x20);
  fill(3, 0x7ffffff0);
  EXPECT_EQ(run("v_add_u32_e64 v10, v1, v2 clamp\nv_sub_u32_e64 v11, v2, v1 clamp\nv_add_i32 v12, "
                "v3, v2 clamp\n"
                "v_add_u32_e64 v13, v1, v2\n"),
            "");
  EXPECT_EQ(lane(10), 0xffffffffu);
  EXPECT_EQ(lane(11), 0u);
  EXPECT_EQ(lane(12), 0x7fffffffu);
  EXPECT_EQ(lane(13), 0x10u);
}
TEST_P(Exec, ModifiersOnConstantsAndRegisters) {
  fill(1, f(-2));
  w.sgpr[4] = f(-3);
  EXPECT_EQ(run("v_add_f32_e64 v2, |v1|, -|s4|\nv_add_f32_e64 v3, -v1, 1.0\nv_fma_f64 v[4:5], 1.0, "
                "2.0, -0.5\n"),
            "");
  EXPECT_EQ(lane(2), f(-1));
  EXPECT_EQ(lane(3), f(3));
  EXPECT_EQ(lane64(4), d(1.5));
}
TEST_P(Exec, InlineConstantsTakeTheOperandsType) {
  EXPECT_EQ(run("v_add_f16 v1, 1.0, v0\nv_add_f32 v2, 1.0, v0\nv_add_f64 v[4:5], 1.0, 0\nv_mov_b32 "
                "v6, -16\n"
                "v_mov_b32 v7, 0.15915494\nv_add_u16 v8, -1, v0\ns_mov_b64 s[2:3], -1\ns_mov_b64 "
                "s[4:5], 1.0\n"),
            "");
  EXPECT_EQ(lane(1), 0x3c00u);
  EXPECT_EQ(lane(2), f(1));
  EXPECT_EQ(lane64(4), d(1));
  EXPECT_EQ(lane(6), static_cast<uint32_t>(-16));
  EXPECT_EQ(lane(7), 0x3e22f983u);
  EXPECT_EQ(lane(8), 0xffffu);
  EXPECT_EQ(w.pair(2), ~uint64_t{0});
  EXPECT_EQ(w.pair(4), d(1));
}

// --- masks ---
TEST_P(Exec, CmpxWritesExecToo) {
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = static_cast<uint32_t>(l);
  w.set_pair(code::kExecLo, 0xffff);
  EXPECT_EQ(run("v_cmpx_lt_u32_e64 s[10:11], v1, 8\n"), "");
  EXPECT_EQ(w.pair(10), 0xffu);
  EXPECT_EQ(w.exec(), 0xffu);
  w.set_pair(code::kExecLo, 0xf0f0);
  EXPECT_EQ(run("v_cmp_gt_u32_e32 vcc, 100, v1\n"), "");
  EXPECT_EQ(w.vcc(), 0xf0f0u);  // zero where EXEC is off
  EXPECT_EQ(w.exec(), 0xf0f0u);
}
TEST_P(Exec, CarriesChain) {
  fill64(1, 0xffffffffffffffff);
  fill64(3, 1);
  w.set_pair(code::kExecLo, 0xff);
  EXPECT_EQ(run("v_add_co_u32_e32 v5, vcc, v1, v3\nv_addc_co_u32_e32 v6, vcc, v2, v4, vcc\n"), "");
  EXPECT_EQ(lane64(5), 0u);
  EXPECT_EQ(w.vcc(), 0xffu);
  EXPECT_EQ(run("v_sub_co_u32_e64 v5, s[2:3], 0, v3\nv_subb_co_u32_e64 v6, s[4:5], 0, 0, s[2:3]\n"),
            "");
  EXPECT_EQ(lane64(5), ~uint64_t{0});
  EXPECT_EQ(w.pair(4), 0xffu);
}
TEST_P(Exec, ExecMasksResults) {
  fill(1, 7);
  fill(2, 9);
  fill64(4, 5);
  w.set_pair(code::kExecLo, 0xaaaaaaaaaaaaaaaa);
  EXPECT_EQ(run("v_mov_b32 v1, v2\nv_lshlrev_b64 v[4:5], 33, v[4:5]\n"), "");
  for (int l = 0; l < kLanes; l++) {
    EXPECT_EQ(lane(1, l), l % 2 ? 9u : 7u);
    EXPECT_EQ(lane64(4, l), l % 2 ? uint64_t{5} << 33 : 5u);
  }
}
TEST_P(Exec, ReadFirstLaneWithNoLaneReadsLaneZero) {
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = 100 + static_cast<uint32_t>(l);
  w.set_pair(code::kExecLo, 0);
  EXPECT_EQ(run("v_readfirstlane_b32 s0, v1\ns_mov_b32 s2, 70\nv_readlane_b32 s1, v1, "
                "s2\nv_writelane_b32 v2, s1, 3\n"),
            "");
  EXPECT_EQ(w.sgpr[0], 100u);
  EXPECT_EQ(w.sgpr[1], 106u);
  EXPECT_EQ(lane(2, 3), 106u);
  w.set_pair(code::kExecLo, 0x30);
  EXPECT_EQ(run("v_readfirstlane_b32 s0, v1\n"), "");
  EXPECT_EQ(w.sgpr[0], 104u);
}

// --- SDWA and DPP ---
TEST_P(Exec, SdwaSelectsAndKeeps) {
  fill(1, 0x80ff7f01);
  fill(2, 0);
  fill(3, 0x11223344);
  fill(4, 0x11223344);
  fill(5, 0x11223344);
  EXPECT_EQ(run("v_add_u32_sdwa v3, v1, v2 dst_sel:BYTE_1 dst_unused:UNUSED_PRESERVE "
                "src0_sel:BYTE_3 src1_sel:DWORD\n"
                "v_add_u32_sdwa v4, v1, v2 dst_sel:BYTE_1 dst_unused:UNUSED_PAD src0_sel:BYTE_3 "
                "src1_sel:DWORD\n"
                "v_add_u32_sdwa v5, v1, v2 dst_sel:BYTE_1 dst_unused:UNUSED_SEXT src0_sel:BYTE_3 "
                "src1_sel:DWORD\n"
                "v_add_u32_sdwa v6, sext(v1), v2 dst_sel:DWORD dst_unused:UNUSED_PAD "
                "src0_sel:BYTE_2 src1_sel:DWORD\n"
                "v_add_u32_sdwa v7, sext(v1), v2 dst_sel:DWORD dst_unused:UNUSED_PAD "
                "src0_sel:WORD_1 src1_sel:DWORD\n"),
            "");
  EXPECT_EQ(lane(3), 0x11228044u);
  EXPECT_EQ(lane(4), 0x00008000u);
  EXPECT_EQ(lane(5), 0xffff8000u);
  EXPECT_EQ(lane(6), 0xffffffffu);
  EXPECT_EQ(lane(7), 0xffff80ffu);
}
TEST_P(Exec, SdwaCompareAndFloats) {
  fill(1, 0x3c004000);  // f16 2.0 below, 1.0 above
  fill(2, f(1));
  EXPECT_EQ(run("v_cmp_lt_f16_sdwa s[10:11], v1, v1 src0_sel:WORD_1 src1_sel:WORD_0\n"
                "v_add_f16_sdwa v3, -v1, |v1| dst_sel:WORD_1 dst_unused:UNUSED_PAD src0_sel:WORD_0 "
                "src1_sel:WORD_1\n"),
            "");
  EXPECT_EQ(w.pair(10), ~uint64_t{0});
  EXPECT_EQ(lane(3), 0xbc000000u);
}
TEST_P(Exec, DppRowBroadcast) {
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = static_cast<uint32_t>(l);
  fill(2, 1000);
  fill(3, 1000);
  EXPECT_EQ(run("s_nop 4\nv_mov_b32_dpp v2, v1 row_bcast:15 row_mask:0xa bank_mask:0xf\n"
                "v_mov_b32_dpp v3, v1 row_bcast:31 row_mask:0xc bank_mask:0xf\n"),
            "");
  for (int l = 0; l < kLanes; l++) {
    EXPECT_EQ(lane(2, l), l / 16 % 2 == 1 ? static_cast<uint32_t>(l / 16 * 16 - 1) : 1000u);
    EXPECT_EQ(lane(3, l), l >= 32 ? 31u : 1000u);
  }
}
TEST_P(Exec, DppAsksExecOfTheSourceLane) {
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = 100 + static_cast<uint32_t>(l);
  fill(2, 7);
  fill(3, 7);
  w.set_pair(code::kExecLo, 0x0f0f);
  EXPECT_EQ(run("v_mov_b32_dpp v2, v1 row_shl:1 row_mask:0xf bank_mask:0xf\n"
                "v_mov_b32_dpp v3, v1 row_shl:1 row_mask:0xf bank_mask:0xf bound_ctrl:0\n"),
            "");
  EXPECT_EQ(lane(2, 0), 101u);
  EXPECT_EQ(lane(2, 3), 7u);  // lane 4 is off: unchanged
  EXPECT_EQ(lane(3, 3), 0u);  // or zero
  EXPECT_EQ(lane(3, 4), 7u);  // off itself
}
TEST_P(Exec, DppShiftsAndMasks) {
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = static_cast<uint32_t>(l);
  for (int v = 2; v < 9; v++) fill(v, 1000);
  EXPECT_EQ(run("v_mov_b32_dpp v2, v1 row_shr:3 row_mask:0xf bank_mask:0xf\nv_mov_b32_dpp v3, v1 "
                "row_ror:3 row_mask:0xf bank_mask:0xf\n"
                "v_mov_b32_dpp v4, v1 wave_shl:1 row_mask:0xf bank_mask:0xf\nv_mov_b32_dpp v5, v1 "
                "wave_ror:1 row_mask:0xf bank_mask:0xf\n"
                "v_mov_b32_dpp v6, v1 row_half_mirror row_mask:0xf bank_mask:0xf\n"
                "v_mov_b32_dpp v7, v1 quad_perm:[3,2,1,0] row_mask:0xf bank_mask:0x5\n"),
            "");
  for (int l = 0; l < kLanes; l++) {
    EXPECT_EQ(lane(2, l), l % 16 < 3 ? 1000u : static_cast<uint32_t>(l - 3));
    EXPECT_EQ(lane(3, l), static_cast<uint32_t>(l / 16 * 16 + (l + 13) % 16));
    EXPECT_EQ(lane(4, l), l == 63 ? 1000u : static_cast<uint32_t>(l + 1));
    EXPECT_EQ(lane(5, l), static_cast<uint32_t>((l + 63) % 64));
    EXPECT_EQ(lane(6, l), static_cast<uint32_t>(l / 8 * 8 + 7 - l % 8));
    EXPECT_EQ(lane(7, l), l / 4 % 2 ? 1000u : static_cast<uint32_t>(l / 4 * 4 + 3 - l % 4));
  }
}

// --- halves ---
TEST_P(Exec, HalfResults) {
  fill(1, 0xaaaa3c00);
  fill(2, 0xbbbbbbbb);
  fill(3, 0xbbbbbbbb);
  fill(4, 0xbbbbbbbb);
  EXPECT_EQ(run("v_add_f16 v2, v1, v1\nv_mad_f16 v3, v1, v1, v1\nv_mad_f16 v4, v1, v1, v1 "
                "op_sel:[0,0,0,1]\n"),
            "");
  EXPECT_EQ(lane(2), 0x00004000u);  // the upper half is cleared
  EXPECT_EQ(lane(3), 0xbbbb4000u);  // kept: an instruction that selects halves
  EXPECT_EQ(lane(4), 0x4000bbbbu);
}
TEST_P(Exec, PackedHalves) {
  fill(1, 0x40003c00);  // 1, 2
  fill(2, 0x44004200);  // 3, 4
  EXPECT_EQ(run("v_pk_add_f16 v3, v1, v2\nv_pk_mul_f16 v4, v1, v2 op_sel:[0,1] op_sel_hi:[1,0]\n"
                "v_pk_fma_f16 v5, v1, v2, v1 neg_lo:[1,0,0] neg_hi:[0,0,1]\nv_pk_add_f16 v6, v1, "
                "1.0 op_sel_hi:[1,0]\n"
                "v_pk_add_u16 v7, v1, v2\nv_pk_lshlrev_b16 v8, 1, v1 op_sel_hi:[0,1]\nv_pk_sub_i16 "
                "v9, v1, v2 clamp\n"),
            "");
  EXPECT_EQ(lane(3), 0x46004400u);
  EXPECT_EQ(lane(4), 0x46004400u);  // lo: 1*4, hi: 2*3
  EXPECT_EQ(lane(5), 0x4600c000u);  // -1*3+1 = -2, 2*4-2 = 6
  EXPECT_EQ(lane(6), 0x42004000u);
  EXPECT_EQ(lane(7), 0x84007e00u);
  EXPECT_EQ(lane(8), 0x80007800u);
  EXPECT_EQ(lane(9), 0xfc00fa00u);
}
TEST_P(Exec, MixedPrecision) {
  fill(1, 0x40003c00);  // 1 and 2 as f16
  fill(2, f(10));
  fill(3, 0xeeeeeeee);
  fill(4, 0xeeeeeeee);
  EXPECT_EQ(run("v_mad_mix_f32 v5, v1, v2, -v2 op_sel:[1,0,0] op_sel_hi:[1,0,0]\n"
                "v_mad_mixlo_f16 v3, v1, v2, v2 op_sel_hi:[1,0,0]\nv_mad_mixhi_f16 v4, v1, v2, v2 "
                "op_sel_hi:[1,0,0]\n"),
            "");
  EXPECT_EQ(lane(5), f(10));
  EXPECT_EQ(lane(3), 0xeeee4d00u);
  EXPECT_EQ(lane(4), 0x4d00eeeeu);
}
TEST_P(Exec, DotProductsIgnoreOpSelHi) {
  fill(1, 0x01ff02fe);  // 1, -1, 2, -2
  fill(2, 0x03030303);
  fill(3, 100);
  for (const char* modifier : {"", " op_sel_hi:[0,0,0]"}) {
    EXPECT_EQ(run(std::string("v_dot4_i32_i8 v4, v1, v2, v3") + modifier +
                      "\nv_dot4_u32_u8 v5, v1, v2, v3\nv_dot8_u32_u4 v6, v1, v2, v3\n",
                  Chip::kGfx906),
              "");
    EXPECT_EQ(lane(4), 100u);
    EXPECT_EQ(lane(5), 100u + 3 * (1 + 255 + 2 + 254));
    EXPECT_EQ(lane(6), 100u + 3 * (1 + 15 + 2 + 14));
  }
  fill(1, 0x40003c00);
  fill(2, 0x42004200);
  fill(3, f(0.5f));
  EXPECT_EQ(run("v_dot2_f32_f16 v4, v1, v2, v3\n", Chip::kGfx906), "");
  EXPECT_EQ(lane(4), f(9.5f));
}

// --- scalar ---
TEST_P(Exec, ScalarConditionCode) {
  w.sgpr[0] = 0xf0;
  w.scc = true;
  EXPECT_EQ(run("s_bfe_u32 s1, s0, 0x40000\n"), "");
  EXPECT_FALSE(w.scc);  // the field is zero, and it is told
  EXPECT_EQ(run("s_bfe_i32 s1, s0, 0x40004\n"), "");
  EXPECT_TRUE(w.scc);
  EXPECT_EQ(w.sgpr[1], ~0u);
  EXPECT_EQ(run("s_cmp_eq_u32 s0, s0\ns_mul_i32 s2, s0, 0\ns_mov_b32 s3, 0\n"), "");
  EXPECT_TRUE(w.scc);  // neither writes it
  EXPECT_EQ(run("s_add_u32 s2, s0, 0xffffffff\ns_addc_u32 s3, 0, 0\n"), "");
  EXPECT_EQ(w.sgpr[3], 1u);
}
TEST_P(Exec, ScalarBits) {
  w.sgpr[0] = 0x00f00000;
  w.set_pair(2, 0x8000000000000001);
  EXPECT_EQ(
      run("s_flbit_i32_b32 s10, s0\ns_ff1_i32_b32 s11, s0\ns_brev_b32 s12, s0\ns_bcnt1_i32_b64 "
          "s13, s[2:3]\n"
          "s_flbit_i32_i64 s14, s[2:3]\ns_ff0_i32_b64 s15, s[2:3]\ns_wqm_b64 s[16:17], s[2:3]\n"
          "s_bitreplicate_b64_b32 s[18:19], 5\ns_absdiff_i32 s20, 3, 10\ns_pack_lh_b32_b16 s21, "
          "s0, s0\n"
          "s_lshl3_add_u32 s22, s13, 5\n"),
      "");
  EXPECT_EQ(w.sgpr[10], 8u);
  EXPECT_EQ(w.sgpr[11], 20u);
  EXPECT_EQ(w.sgpr[12], 0x00000f00u);
  EXPECT_EQ(w.sgpr[13], 2u);
  EXPECT_EQ(w.sgpr[14], 1u);
  EXPECT_EQ(w.sgpr[15], 1u);
  EXPECT_EQ(w.pair(16), 0xf00000000000000full);
  EXPECT_EQ(w.pair(18), 0x33u);
  EXPECT_EQ(w.sgpr[20], 7u);
  EXPECT_EQ(w.sgpr[21], 0x00f00000u);
  EXPECT_EQ(w.sgpr[22], 21u);
}
TEST_P(Exec, CallsAndJumps) {
  EXPECT_EQ(
      run("s_call_b64 s[2:3], sub\ns_getpc_b64 s[4:5]\ns_add_u32 s4, s4, other-here\nhere_unused:\n"
          "s_branch done\nhere:\nsub:\ns_mov_b32 s0, 42\ns_setpc_b64 s[2:3]\nother:\ns_nop "
          "0\ndone:\n"),
      "");
  EXPECT_EQ(w.sgpr[0], 42u);
  EXPECT_EQ(w.pair(2), 0x10004u);
  EXPECT_EQ(run("s_getpc_b64 s[4:5]\ns_add_u32 s4, s4, 16\ns_swappc_b64 s[6:7], s[4:5]\ns_mov_b32 "
                "s0, 1\ns_endpgm\ns_mov_b32 s0, 2\n"),
            "");
  EXPECT_EQ(w.sgpr[0], 2u);
  EXPECT_NE(run("s_mov_b64 s[0:1], 64\ns_setpc_b64 s[0:1]\n").find("outside the code object"),
            std::string::npos);
}
TEST_P(Exec, ScalarMemory) {
  for (uint32_t n = 0; n < 64; n++) word(n) = 1000 + n;
  w.set_pair(2, memory_address());
  w.sgpr[8] = 12;
  EXPECT_EQ(run("s_load_dword s10, s[2:3], 0x0\ns_load_dword s11, s[2:3], s8\ns_load_dwordx2 "
                "s[12:13], s[2:3], 0x8\n"
                "s_load_dword s14, s[2:3], s8 offset:0x8\n"),
            "");
  EXPECT_EQ(w.sgpr[10], 1000u);  // an immediate of zero is not a literal
  EXPECT_EQ(w.sgpr[11], 1003u);
  EXPECT_EQ(w.sgpr[13], 1003u);
  EXPECT_EQ(w.sgpr[14], 1005u);
  resource(4, 24);
  EXPECT_EQ(run("s_buffer_load_dwordx4 s[16:19], s[4:7], 0x10\n"), "");
  EXPECT_EQ(w.sgpr[16], 1004u);
  EXPECT_EQ(w.sgpr[17], 1005u);
  EXPECT_EQ(w.sgpr[18], 0u);  // out of range
  EXPECT_EQ(run("s_mov_b32 s20, 7\ns_store_dword s20, s[2:3], 0x40\ns_atomic_add s20, s[2:3], 0x40 "
                "glc\n"),
            "");
  EXPECT_EQ(word(16), 14u);
  EXPECT_EQ(w.sgpr[20], 7u);
  const std::string fault = run("s_load_dword s10, s[2:3], 0x2000\n");
  EXPECT_NE(fault.find("outside the test's memory"), std::string::npos) << fault;
  EXPECT_NE(fault.find("s_load_dword s10, s[2:3], 0x2000"), std::string::npos) << fault;
}

// --- buffers ---
TEST_P(Exec, BufferRangeCountsTheScalarOffset) {
  for (uint32_t n = 0; n < 64; n++) word(n) = 1000 + n;
  for (uint32_t l = 0; l < kLanes; l++) w.vgpr[1][l] = 4 * l;
  resource(4, 64);
  w.sgpr[8] = 32;
  fill(3, 5);
  EXPECT_EQ(run("buffer_load_dword v2, v1, s[4:7], s8 offen\nbuffer_store_dword v3, v1, s[4:7], s8 "
                "offen offset:16\n"),
            "");
  for (int l = 0; l < kLanes; l++)
    EXPECT_EQ(lane(2, l), l < 8 ? 1008u + static_cast<uint32_t>(l) : 0u);
  for (uint32_t n = 0; n < 64; n++) EXPECT_EQ(word(n), n >= 12 && n < 16 ? 5u : 1000 + n);
}
TEST_P(Exec, BufferOffsetsThatWrapReadZero) {
  word(0) = 77;
  resource(4, 64);
  fill(1, static_cast<uint32_t>(-4));
  EXPECT_EQ(run("buffer_load_dword v2, v1, s[4:7], 0 offen\nbuffer_load_dword v3, v1, s[4:7], 0 "
                "offen offset:4\n"),
            "");
  EXPECT_EQ(lane(2), 0u);
  EXPECT_EQ(lane(3), 77u);
}
TEST_P(Exec, BufferAtomicsAreAtomic) {
  word(1) = 100;
  resource(4, 64);
  fill(1, 4);
  fill(2, 1);
  EXPECT_EQ(run("buffer_atomic_add v2, v1, s[4:7], 0 offen glc\n"), "");
  EXPECT_EQ(word(1), 164u);
  for (int l = 0; l < kLanes; l++) EXPECT_EQ(lane(2, l), 100u + static_cast<uint32_t>(l));
}
TEST_P(Exec, StructuredBuffer) {
  for (uint32_t n = 0; n < 64; n++) word(n) = 1000 + n;
  resource(4, 6, 12);
  for (uint32_t l = 0; l < kLanes; l++) w.vgpr[1][l] = l;
  EXPECT_EQ(run("buffer_load_dwordx2 v[2:3], v1, s[4:7], 0 idxen offset:4\nbuffer_load_dwordx2 "
                "v[4:5], v1, s[4:7], 0 idxen offset:8\n"),
            "");
  for (uint32_t l = 0; l < kLanes; l++) {
    EXPECT_EQ(lane(2, static_cast<int>(l)), l < 6 ? 1001 + 3 * l : 0);
    EXPECT_EQ(lane(3, static_cast<int>(l)), l < 6 ? 1002 + 3 * l : 0);
    EXPECT_EQ(lane(5, static_cast<int>(l)), 0u);  // beyond the stride
  }
}
TEST_P(Exec, ScratchIsSwizzled) {
  for (uint32_t l = 0; l < kLanes; l++) w.vgpr[1][l] = l;
  resource(4, ~0u, 0, 1u << 19 | 3u << 21 | 1u << 23);
  w.sgpr[5] |= 1u << 31;
  fill(2, 4);
  EXPECT_EQ(run("buffer_store_dword v1, v2, s[4:7], 0 offen\nbuffer_load_ubyte v3, v2, s[4:7], 0 "
                "offen offset:1\n"),
            "");
  for (uint32_t l = 0; l < kLanes; l++) EXPECT_EQ(word(64 + l), l);
  w.scratch_base = memory_address();
  w.scratch_size = 1024;
  for (uint32_t l = 0; l < kLanes; l++) {
    w.vgpr[4][l] = 4;
    w.vgpr[5][l] = 2u << 16;
    w.vgpr[6][l] = 0;
  }
  EXPECT_EQ(run("flat_load_dword v6, v[4:5]\nscratch_load_dword v7, v4, off\n"), "");
  for (uint32_t l = 0; l < kLanes; l++) {
    EXPECT_EQ(lane(6, static_cast<int>(l)), l);
    EXPECT_EQ(lane(7, static_cast<int>(l)), l);
  }
}

// --- global and flat ---
TEST_P(Exec, AtomicsWhoseResultCoversTheirOperands) {
  word(0) = 5;
  fill64(2, memory_address());
  fill(4, 9);
  fill(5, 5);
  w.set_pair(code::kExecLo, 1);
  EXPECT_EQ(run("global_atomic_cmpswap v4, v[2:3], v[4:5], off glc\n"), "");
  EXPECT_EQ(word(0), 9u);
  EXPECT_EQ(lane(4), 5u);
}
TEST_P(Exec, GlobalAddresses) {
  for (uint32_t n = 0; n < 256; n++) word(n) = n;
  w.set_pair(10, memory_address() + 64);
  for (uint32_t l = 0; l < kLanes; l++) w.vgpr[1][l] = 4 * ((l * 7) % 64);
  EXPECT_EQ(
      run("global_load_dword v2, v1, s[10:11] offset:-64\nglobal_load_sbyte v3, v1, s[10:11]\n"
          "v_mov_b32 v4, 0x11111111\nglobal_load_short_d16_hi v4, v1, s[10:11]\n"),
      "");
  for (uint32_t l = 0; l < kLanes; l++) {
    EXPECT_EQ(lane(2, static_cast<int>(l)), (l * 7) % 64);
    EXPECT_EQ(lane(3, static_cast<int>(l)), 16 + (l * 7) % 64);
    EXPECT_EQ(lane(4, static_cast<int>(l)), (16 + (l * 7) % 64) << 16 | 0x1111);
  }
}
TEST_P(Exec, FlatReachesLds) {
  lds_word(3) = 33;
  EXPECT_EQ(run("s_mov_b64 s[0:1], src_shared_base\nv_mov_b32 v0, 12\nv_mov_b32 v1, "
                "s1\nflat_load_dword v2, v[0:1]\n"
                "v_mov_b32 v3, 8\nflat_atomic_add v[0:1], v3\n"),
            "");
  EXPECT_EQ(lane(2), 33u);
  EXPECT_EQ(lds_word(3), 33u + 8 * 64);
}

// --- LDS ---
TEST_P(Exec, LdsIgnoresM0AsALimit) {
  lds_word(10) = 1234;
  w.sgpr[code::kM0] = 0;
  fill(1, 40);
  EXPECT_EQ(run("ds_read_b32 v2, v1\n"), "");
  EXPECT_EQ(lane(2), 1234u);
}
TEST_P(Exec, LdsOutOfRange) {
  lds_word(512) = 99;  // behind the allocation
  fill(1, 2048);
  fill(2, 5);
  EXPECT_EQ(run("ds_read_b32 v3, v1\nds_write_b32 v1, v2\nds_add_u32 v1, v2\n"), "");
  EXPECT_EQ(lane(3), 0u);
  EXPECT_EQ(lds_word(512), 99u);
}
TEST_P(Exec, LdsTwoAddresses) {
  for (uint32_t n = 0; n < 300; n++) lds_word(n) = n;
  fill(1, 16);
  EXPECT_EQ(run("ds_read2_b32 v[2:3], v1 offset0:1 offset1:5\nds_read2st64_b32 v[4:5], v1 "
                "offset0:1 offset1:2\n"
                "ds_read_b128 v[6:9], v1\nds_read2_b64 v[10:13], v1 offset1:3\nds_read_u8_d16_hi "
                "v14, v1 offset:4\n"),
            "");
  EXPECT_EQ(lane(2), 5u);
  EXPECT_EQ(lane(3), 9u);
  EXPECT_EQ(lane(4), 68u);
  EXPECT_EQ(lane(5), 132u);
  EXPECT_EQ(lane(9), 7u);
  EXPECT_EQ(lane(12), 10u);
  EXPECT_EQ(lane(14), 5u << 16);
}
TEST_P(Exec, LdsAppendAndOrdered) {
  lds_word(2) = 7;
  w.sgpr[code::kM0] = 4;
  w.set_pair(code::kExecLo, 0xff);
  EXPECT_EQ(run("ds_append v1 offset:4\nds_consume v2 offset:4\n"), "");
  EXPECT_EQ(lane(1), 7u);
  EXPECT_EQ(lane(2), 15u);
  EXPECT_EQ(lds_word(2), 7u);
}
TEST_P(Exec, LdsAtomics) {
  fill(1, 0);
  fill(2, 10);
  fill(3, 20);
  w.set_pair(code::kExecLo, 1);
  lds_word(0) = 10;
  EXPECT_EQ(run("ds_cmpst_rtn_b32 v4, v1, v2, v3\n"), "");  // the comparand first
  EXPECT_EQ(lds_word(0), 20u);
  EXPECT_EQ(lane(4), 10u);
  EXPECT_EQ(run("ds_mskor_b32 v1, v2, v2\n"), "");
  EXPECT_EQ(lds_word(0), (20u & ~10u) | 10u);
  lds_word(0) = f(1.5f);
  fill(5, f(2.25f));
  EXPECT_EQ(run("ds_add_f32 v1, v5\nds_max_rtn_f32 v6, v1, v2\n"), "");
  EXPECT_EQ(lane(6), f(3.75f));
  lds_word(0) = 3;
  fill(2, 3);
  EXPECT_EQ(run("ds_inc_u32 v1, v2\n"), "");
  EXPECT_EQ(lds_word(0), 0u);
  EXPECT_EQ(run("ds_dec_u32 v1, v2\n"), "");
  EXPECT_EQ(lds_word(0), 3u);
}
TEST_P(Exec, PermutesAskExec) {
  for (uint32_t l = 0; l < kLanes; l++) {
    w.vgpr[1][l] = 4 * ((l + 1) % 64);
    w.vgpr[2][l] = 100 + l;
  }
  w.set_pair(code::kExecLo, 0xff);
  fill(3, 7);
  EXPECT_EQ(run("ds_bpermute_b32 v3, v1, v2\nds_permute_b32 v4, v1, v2\nds_swizzle_b32 v5, v2 "
                "offset:swizzle(REVERSE,8)\n"),
            "");
  EXPECT_EQ(lane(3, 0), 101u);
  EXPECT_EQ(lane(3, 7), 0u);  // lane 8 is off
  EXPECT_EQ(lane(3, 8), 7u);
  EXPECT_EQ(lane(4, 0), 0u);  // nobody sends there
  EXPECT_EQ(lane(4, 1), 100u);
  EXPECT_EQ(lane(5, 2), 105u);
}

// --- odd ones ---
TEST_P(Exec, GprIndexing) {
  fill(1, 11);
  fill(5, 55);
  fill(9, 0);
  w.sgpr[0] = 4;
  EXPECT_EQ(run("s_set_gpr_idx_on s0, gpr_idx(SRC0)\nv_mov_b32 v2, v1\ns_set_gpr_idx_off\n"
                "s_set_gpr_idx_on s0, gpr_idx(DST)\nv_mov_b32 v5, v1\ns_set_gpr_idx_off\nv_mov_b32 "
                "v3, v1\n"),
            "");
  EXPECT_EQ(lane(2), 55u);
  EXPECT_EQ(lane(9), 11u);
  EXPECT_EQ(lane(3), 11u);
}
TEST_P(Exec, ByteInstructions) {
  fill(1, 0x44332211);
  fill(2, 0x88776655);
  fill(3, 0x0c080501);
  EXPECT_EQ(run("v_perm_b32 v4, v2, v1, v3\nv_sad_u8 v5, v1, v2, 1\nv_alignbyte_b32 v6, v2, v1, "
                "7\nv_sad_u32 v7, v2, v1, 0\n"
                "v_lerp_u8 v8, v1, v2, 0\nv_bfe_i32 v9, v2, 24, 8\nv_bfi_b32 v10, v3, v1, "
                "v2\nv_bcnt_u32_b32 v11, v1, 5\n"),
            "");
  EXPECT_EQ(lane(4), 0x00006622u);
  EXPECT_EQ(lane(5), 1u + 4 * 0x44);
  EXPECT_EQ(lane(6), 0x77665544u);
  EXPECT_EQ(lane(7), 0x44444444u);  // distances are unsigned
  EXPECT_EQ(lane(8), 0x66554433u);
  EXPECT_EQ(lane(9), 0xffffff88u);
  EXPECT_EQ(lane(10), (0x0c080501u & 0x44332211u) | (~0x0c080501u & 0x88776655u));
  EXPECT_EQ(lane(11), 5u + 10);
}
TEST_P(Exec, Classes) {
  const uint32_t values[] = {kSnan,      kQnan, 0xff800000, f(-1), 0x80000001,
                             0x80000000, 0,     1,          f(1),  0x7f800000};
  for (uint32_t n = 0; n < 10; n++) {
    fill(1, values[n]);
    fill(2, 1u << n);
    fill(3, ~(1u << n));
    EXPECT_EQ(run("v_cmp_class_f32_e64 s[0:1], v1, v2\nv_cmp_class_f32_e64 s[2:3], v1, v3\n"), "");
    EXPECT_EQ(w.pair(0), ~uint64_t{0}) << n;
    EXPECT_EQ(w.pair(2), 0u) << n;
  }
}
TEST_P(Exec, Conversions) {
  fill(1, f(-1.5f));
  fill(2, f(3e9f));
  fill(3, kQnan);
  fill(4, f(65520));
  fill(5, f(2.5f));
  EXPECT_EQ(run("v_cvt_i32_f32 v10, v1\nv_cvt_u32_f32 v11, v1\nv_cvt_i32_f32 v12, "
                "v2\nv_cvt_u32_f32 v13, v3\n"
                "v_cvt_f16_f32 v14, v4\nv_cvt_pkrtz_f16_f32 v15, v4, v1\nv_rndne_f32 v16, "
                "v5\nv_cvt_flr_i32_f32 v17, v1\n"
                "v_cvt_rpi_i32_f32 v18, v5\nv_fract_f32 v19, v1\nv_frexp_exp_i32_f32 v20, "
                "v5\nv_frexp_mant_f32 v21, v5\n"),
            "");
  EXPECT_EQ(lane(10), static_cast<uint32_t>(-1));
  EXPECT_EQ(lane(11), 0u);
  EXPECT_EQ(lane(12), 0x7fffffffu);
  EXPECT_EQ(lane(13), 0u);
  EXPECT_EQ(lane(14), 0x7c00u);
  EXPECT_EQ(lane(15), 0xbe007bffu);
  EXPECT_EQ(lane(16), f(2));
  EXPECT_EQ(lane(17), static_cast<uint32_t>(-2));
  EXPECT_EQ(lane(18), 3u);
  EXPECT_EQ(lane(19), f(0.5f));
  EXPECT_EQ(lane(20), 2u);
  EXPECT_EQ(lane(21), f(0.625f));
}
TEST_P(Exec, Legacy) {
  fill(1, 0);
  fill(2, 0x7f800000);
  fill(3, f(4));
  EXPECT_EQ(
      run("v_mul_legacy_f32 v4, v1, v2\nv_mad_legacy_f32 v5, v2, v1, v3\nv_mul_f32 v6, v1, v2\n"),
      "");
  EXPECT_EQ(lane(4), 0u);
  EXPECT_EQ(lane(5), f(4));
  EXPECT_EQ(lane(6), kQnan);
}
TEST_P(Exec, StopsWithASentence) {
  EXPECT_NE(run("s_trap 2\n").find("trapped"), std::string::npos);
  EXPECT_NE(run("image_load v[0:3], v4, s[8:15] dmask:0xf unorm\n").find("graphics"),
            std::string::npos);
  EXPECT_NE(run_words({0xbf9f0000}, Chip::kGfx900).find("no instruction"), std::string::npos);
  EXPECT_NE(run_words({0xbf800000}, Chip::kGfx900).find("ran past the end"), std::string::npos);
  w.vgpr_count = 4;
  EXPECT_NE(run("v_mov_b32 v4, 0\n").find("beyond the 4 VGPRs"), std::string::npos);
}

}  // namespace
}  // namespace inlay::emulator
