// C = A * B in f32 for tiles of 64 x 64 by 256 work-items, 4 x 4 sums each. A lies with k as its
// rows (A[k][m]), B too (B[k][n]); M and N are multiples of 64, K of 8. Two LDS buffers, one barrier
// per 8 steps, the next tile's loads and the next step's LDS reads in flight behind the arithmetic.
.amdgcn_target "amdgcn-amd-amdhsa--gfx900"
.text
.globl sgemm
.p2align 8
.type sgemm,@function

.set acc, 32
// Four sums of one row: a times four of b.
.macro mac4 row, a, b
  v_mac_f32 v[acc + 4 * \row + 0], v[\a + \row], v[\b + 0]
  v_mac_f32 v[acc + 4 * \row + 1], v[\a + \row], v[\b + 1]
  v_mac_f32 v[acc + 4 * \row + 2], v[\a + \row], v[\b + 2]
  v_mac_f32 v[acc + 4 * \row + 3], v[\a + \row], v[\b + 3]
.endm
.macro mac16 a, b
  mac4 0, \a, \b
  mac4 1, \a, \b
  mac4 2, \a, \b
  mac4 3, \a, \b
.endm
// Step k from registers A, B, while those of the next step arrive in NA, NB.
.macro step k, a, b, na, nb
  ds_read_b128 v[\na:\na + 3], v3 offset:256 * (\k + 1)
  ds_read_b128 v[\nb:\nb + 3], v2 offset:256 * (\k + 1)
  s_waitcnt lgkmcnt(2)
  mac16 \a, \b
.endm

sgemm:
  s_load_dwordx8 s[4:11], s[0:1], 0x0         // A, B, C, K, lda
  s_load_dwordx2 s[12:13], s[0:1], 0x20       // ldb, ldc
  v_and_b32 v28, 15, v0                       // column of the thread's sums
  v_lshrrev_b32 v29, 4, v0                    // row
  v_lshlrev_b32 v1, 3, v0                     // where it writes to LDS
  v_lshlrev_b32 v3, 4, v29
  v_lshlrev_b32 v2, 4, v28
  v_or_b32 v2, 0x800, v2                      // B's tile lies behind A's
  v_lshrrev_b32 v26, 5, v0                    // which k it loads
  v_and_b32 v27, 31, v0
  v_lshlrev_b32 v27, 3, v27
.set i, 0
.rept 16
  v_mov_b32 v[acc + i], 0
.set i, i + 1
.endr
  s_waitcnt lgkmcnt(0)
  s_mov_b32 s16, s4                           // A's descriptor: ends where A does
  s_and_b32 s17, s5, 0xffff
  s_mul_i32 s18, s10, s11
  s_lshl_b32 s18, s18, 2
  s_mov_b32 s19, 0x27000
  s_mov_b32 s20, s6                           // B's
  s_and_b32 s21, s7, 0xffff
  s_mul_i32 s22, s10, s12
  s_lshl_b32 s22, s22, 2
  s_mov_b32 s23, 0x27000
  v_mul_lo_u32 v4, v26, s11
  v_mul_lo_u32 v5, v26, s12
  s_lshl_b32 s14, s3, 8
  s_lshl_b32 s15, s2, 8
  v_lshlrev_b32 v4, 2, v4
  v_lshlrev_b32 v5, 2, v5
  v_add3_u32 v4, v4, v27, s14
  v_add3_u32 v5, v5, v27, s15
  s_lshl_b32 s24, s11, 5                      // bytes of 8 rows
  s_lshl_b32 s25, s12, 5
  s_mov_b32 s26, 0
  s_mov_b32 s27, 0
  buffer_load_dwordx2 v[6:7], v4, s[16:19], 0 offen
  buffer_load_dwordx2 v[8:9], v5, s[20:23], 0 offen
  s_waitcnt vmcnt(0)
  ds_write_b64 v1, v[6:7]
  ds_write_b64 v1, v[8:9] offset:2048
  s_waitcnt lgkmcnt(0)
  s_barrier
tile:
  s_sub_u32 s10, s10, 8
  s_cmp_eq_u32 s10, 0
  s_cbranch_scc1 compute
  s_add_u32 s26, s26, s24
  s_add_u32 s27, s27, s25
  buffer_load_dwordx2 v[6:7], v4, s[16:19], s26 offen
  buffer_load_dwordx2 v[8:9], v5, s[20:23], s27 offen
compute:
  ds_read_b128 v[10:13], v3
  ds_read_b128 v[14:17], v2
  s_setprio 1
  step 0, 10, 14, 18, 22
  step 1, 18, 22, 10, 14
  step 2, 10, 14, 18, 22
  step 3, 18, 22, 10, 14
  step 4, 10, 14, 18, 22
  step 5, 18, 22, 10, 14
  step 6, 10, 14, 18, 22
  s_waitcnt lgkmcnt(0)
  mac16 18, 22
  s_setprio 0
  s_cmp_eq_u32 s10, 0
  s_cbranch_scc1 store
  v_xor_b32 v1, 0x1000, v1
  v_xor_b32 v2, 0x1000, v2
  v_xor_b32 v3, 0x1000, v3
  s_waitcnt vmcnt(0)
  ds_write_b64 v1, v[6:7]
  ds_write_b64 v1, v[8:9] offset:2048
  s_waitcnt lgkmcnt(0)
  s_barrier
  s_branch tile
store:
  s_lshl_b32 s14, s3, 6
  v_lshl_add_u32 v29, v29, 2, s14             // first of its four rows
  v_mul_lo_u32 v29, v29, s13
  v_lshlrev_b32 v29, 2, v29
  v_lshlrev_b32 v28, 4, v28
  v_add3_u32 v26, v29, v28, s15
  s_lshl_b32 s13, s13, 2
.set i, 0
.rept 4
  global_store_dwordx4 v26, v[acc + 4 * i:acc + 4 * i + 3], s[8:9]
  v_add_u32 v26, s13, v26
.set i, i + 1
.endr
  s_endpgm
.Lend:
.size sgemm, .Lend - sgemm

.rodata
.p2align 6
.amdhsa_kernel sgemm
  .amdhsa_group_segment_fixed_size 8192
  .amdhsa_user_sgpr_kernarg_segment_ptr 1
  .amdhsa_system_sgpr_workgroup_id_x 1
  .amdhsa_system_sgpr_workgroup_id_y 1
  .amdhsa_next_free_vgpr 48
  .amdhsa_next_free_sgpr 32
  .amdhsa_float_denorm_mode_32 0
  .amdhsa_dx10_clamp 0
  .amdhsa_ieee_mode 0
.end_amdhsa_kernel

.amdgpu_metadata
amdhsa.version: [1, 1]
amdhsa.kernels:
  - .name: sgemm
    .symbol: sgemm.kd
    .kernarg_segment_size: 40
    .kernarg_segment_align: 8
    .group_segment_fixed_size: 8192
    .private_segment_fixed_size: 0
    .wavefront_size: 64
    .sgpr_count: 32
    .vgpr_count: 48
    .max_flat_workgroup_size: 256
    .args:
      - {.name: a, .offset: 0, .size: 8, .value_kind: global_buffer, .address_space: global}
      - {.name: b, .offset: 8, .size: 8, .value_kind: global_buffer, .address_space: global}
      - {.name: c, .offset: 16, .size: 8, .value_kind: global_buffer, .address_space: global}
      - {.name: k, .offset: 24, .size: 4, .value_kind: by_value}
      - {.name: lda, .offset: 28, .size: 4, .value_kind: by_value}
      - {.name: ldb, .offset: 32, .size: 4, .value_kind: by_value}
      - {.name: ldc, .offset: 36, .size: 4, .value_kind: by_value}
.end_amdgpu_metadata
