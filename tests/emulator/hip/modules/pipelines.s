// What tuned kernels of GEMM and convolution libraries are made of, a kernel each: tiles that go
// from memory to LDS past the registers, mixed precision, subroutines, atomics with results, SDWA
// and DPP. Arguments of all: a, b, c, n; descriptors are built from them.
.amdgcn_target "amdgcn-amd-amdhsa--gfx900"
.text

// s[8:11] for a, s[12:15] for b, s[16:19] for c, s20 = n; v1 = 4 * item.
.macro prologue
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  s_load_dwordx2 s[16:17], s[0:1], 0x10
  s_load_dword s20, s[0:1], 0x18
  v_lshlrev_b32 v1, 2, v0
  s_mov_b32 s11, 0x27000
  s_mov_b32 s15, 0x27000
  s_mov_b32 s19, 0x27000
  s_waitcnt lgkmcnt(0)
  s_mov_b32 s8, s4
  s_and_b32 s9, s5, 0xffff
  s_mov_b32 s12, s6
  s_and_b32 s13, s7, 0xffff
  s_and_b32 s17, s17, 0xffff
  s_lshl_b32 s10, s20, 2
  s_mov_b32 s14, s10
  s_mov_b32 s18, s10
.endm
.macro kernel name
.globl \name
.p2align 8
.type \name,@function
\name:
.endm
.macro done name
.L\name\()_end:
.size \name, .L\name\()_end - \name
.endm

// c[i] = a[64k + 63 - i % 64] + 3 * a[the same + 256], tiles of 512 by 256 work-items, two buffers
// in turn: the next tile is on its way to LDS while this one is read.
kernel lds_pipeline
  prologue
  v_lshrrev_b32 v2, 6, v0
  v_readfirstlane_b32 s21, v2
  s_lshl_b32 s21, s21, 8                      // where this wavefront's part of a tile lies in LDS
  v_xor_b32 v3, 63, v0
  v_lshlrev_b32 v3, 2, v3
  s_mov_b32 s22, 0                            // bytes of a that are behind
  s_mov_b32 s23, 0                            // LDS buffer: 0 or 2048
  s_mov_b32 s24, 0                            // bytes of c
  s_mov_b32 m0, s21
  s_add_u32 s25, s22, 1024
  buffer_load_dword v1, s[8:11], s22 offen lds
  s_nop 0
  s_add_u32 m0, s21, 1024
  s_nop 0
  buffer_load_dword v1, s[8:11], s25 offen lds
.Ltile:
  s_waitcnt vmcnt(0)
  s_barrier
  s_add_u32 s22, s22, 2048
  s_add_u32 s25, s22, 1024
  s_xor_b32 s26, s23, 2048
  s_add_u32 m0, s21, s26
  s_cmp_ge_u32 s22, s10
  s_cbranch_scc1 .Llast
  buffer_load_dword v1, s[8:11], s22 offen lds
  s_add_u32 m0, m0, 1024
  s_nop 0
  buffer_load_dword v1, s[8:11], s25 offen lds
.Llast:
  v_add_u32 v4, s23, v3
  s_setprio 1
  ds_read2st64_b32 v[6:7], v4 offset0:0 offset1:4
  s_waitcnt lgkmcnt(0)
  v_madmk_f32 v5, v7, 0x40400000, v6
  s_setprio 0
  buffer_store_dword v5, v1, s[16:19], s24 offen
  s_add_u32 s24, s24, 1024
  s_mov_b32 s23, s26
  s_cmp_lt_u32 s22, s10
  s_cbranch_scc1 .Ltile
  s_endpgm
done lds_pipeline

// Dot products of pairs of f16: c[i] = sum a[64 k + i] . b[k] in f32 and c[64 + i] in packed f16,
// b by scalar loads whose offset is in a register.
kernel mixed
  prologue
  v_mov_b32 v4, 0
  v_mov_b32 v5, 0
  s_mov_b32 s21, 0                            // k
  s_mov_b32 s22, 0                            // 4 k
  s_mov_b32 s23, 0                            // 256 k
.Lmix:
  buffer_load_dword v2, v1, s[8:11], s23 offen
  s_buffer_load_dword s24, s[12:15], s22
  s_add_u32 s22, s22, 4
  s_add_u32 s23, s23, 256
  s_waitcnt vmcnt(0) lgkmcnt(0)
  v_mad_mix_f32 v4, v2, s24, v4 op_sel_hi:[1,1,0]
  v_mad_mix_f32 v4, v2, s24, v4 op_sel:[1,1,0] op_sel_hi:[1,1,0]
  v_pk_fma_f16 v5, v2, s24, v5
  s_cmp_lt_u32 s23, s10
  s_cbranch_scc1 .Lmix
  v_pk_add_f16 v6, v5, v5 op_sel:[0,1] op_sel_hi:[1,0]
  buffer_store_dword v4, v1, s[16:19], 0 offen
  buffer_store_dword v6, v1, s[16:19], 0 offen offset:256
  s_endpgm
done mixed

// c[i] = (n % 8)! + i * b[0], the factorial by a subroutine that calls itself; return addresses are
// kept in lanes of v40.
kernel subroutines
  prologue
  s_load_dword s30, s[6:7], 0x0
  s_and_b32 s21, s20, 7                       // argument
  s_mov_b32 s33, 0                            // stack pointer
  s_getpc_b64 s[26:27]
.Lhere:
  s_add_u32 s26, s26, factorial - .Lhere
  s_addc_u32 s27, s27, 0
  s_swappc_b64 s[28:29], s[26:27]
  s_waitcnt lgkmcnt(0)
  v_mul_lo_u32 v2, v0, s30
  v_add_u32 v2, s22, v2
  buffer_store_dword v2, v1, s[16:19], 0 offen
  s_endpgm
factorial:                                    // s21 to s22; returns to s[28:29]
  s_mov_b32 s22, 1
  s_cmp_lt_u32 s21, 2
  s_cbranch_scc1 .Lreturn
  s_mov_b32 m0, s33
  s_nop 0
  v_writelane_b32 v40, s28, m0
  v_writelane_b32 v41, s29, m0
  v_writelane_b32 v42, s21, m0
  s_add_u32 s33, s33, 1
  s_sub_u32 s21, s21, 1
  s_swappc_b64 s[28:29], s[26:27]
  s_sub_u32 s33, s33, 1
  s_nop 3
  v_readlane_b32 s28, v40, s33
  v_readlane_b32 s29, v41, s33
  v_readlane_b32 s21, v42, s33
  s_mul_i32 s22, s22, s21
.Lreturn:
  s_setpc_b64 s[28:29]
done subroutines

// c[16] counts in turns to 100 and begins again, c[17] sums floats by compare and swap, c[18] is the
// largest, c[19] has a bit for each ticket; a[i] becomes the ticket of work-item i. LDS adds and
// exchanges beside.
kernel tickets
  prologue
  v_mov_b32 v2, 1
  buffer_atomic_add v2, off, s[16:19], 0 offset:80 glc          // c[20]: tickets
  s_waitcnt vmcnt(0)
  v_mov_b32 v4, v2
  s_mov_b32 s34, 64
  buffer_atomic_umax v4, off, s[16:19], s34 offset:8
  v_and_b32 v5, 31, v2
  v_lshlrev_b32 v5, v5, 1
  buffer_atomic_or v5, off, s[16:19], 0 offset:76
  v_mov_b32 v6, 0x63
  buffer_atomic_inc v6, off, s[16:19], 0 offset:64
  s_waitcnt vmcnt(0)
  buffer_store_dword v2, v1, s[8:11], 0 offen
  v_cvt_f32_u32 v7, v0
  v_mov_b32 v8, s16
  v_mov_b32 v9, s17
  s_mov_b64 s[26:27], exec
.Lswap:
  global_load_dword v11, v[8:9], off offset:68 glc
  s_waitcnt vmcnt(0)
  v_add_f32 v10, v11, v7
  global_atomic_cmpswap v12, v[8:9], v[10:11], off offset:68 glc
  s_waitcnt vmcnt(0)
  v_cmp_eq_u32 vcc, v12, v11
  s_andn2_b64 exec, exec, vcc
  s_cbranch_execz .Lswapped
  s_branch .Lswap
.Lswapped:
  s_mov_b64 exec, s[26:27]
  s_endpgm
done tickets

// Three taps over bytes: c[i] has, of each row of 16 lanes, the sums of a byte and its neighbours
// in the lane before and behind times b's first three bytes, by DPP and SDWA; halves are stored.
kernel bytes
  prologue
  s_load_dword s21, s[6:7], 0x0
  s_mov_b32 s22, 4
  buffer_load_sbyte v2, v0, s[8:11], s22 offen offset:4
  s_waitcnt vmcnt(0) lgkmcnt(0)
  v_mov_b32 v9, s21
  v_mov_b32 v3, 0
  v_mov_b32 v4, 0
  s_nop 1
  v_mov_b32_dpp v3, v2 row_shr:1 row_mask:0xf bank_mask:0xf
  v_mov_b32_dpp v4, v2 row_shl:1 row_mask:0xf bank_mask:0xf bound_ctrl:0
  v_mul_i32_i24_sdwa v5, v2, sext(v9) dst_sel:DWORD dst_unused:UNUSED_PAD src0_sel:DWORD src1_sel:BYTE_1
  v_mul_i32_i24_sdwa v6, v3, sext(v9) dst_sel:DWORD dst_unused:UNUSED_PAD src0_sel:DWORD src1_sel:BYTE_0
  v_mul_i32_i24_sdwa v7, v4, sext(v9) dst_sel:DWORD dst_unused:UNUSED_PAD src0_sel:DWORD src1_sel:BYTE_2
  v_add3_u32 v5, v5, v6, v7
  v_add_u16_sdwa v8, v5, v0 dst_sel:WORD_1 dst_unused:UNUSED_PAD src0_sel:WORD_0 src1_sel:BYTE_0
  v_or_b32_sdwa v8, v5, v8 dst_sel:WORD_0 dst_unused:UNUSED_PRESERVE src0_sel:WORD_0 src1_sel:WORD_0
  buffer_store_short_d16_hi v8, v1, s[16:19], 0 offen offset:2
  buffer_store_short v8, v1, s[16:19], 0 offen
  s_mov_b32 m0, 0
  s_nop 0
  s_sendmsg sendmsg(MSG_INTERRUPT)
  s_endpgm
done bytes

.macro descriptor name
.amdhsa_kernel \name
  .amdhsa_group_segment_fixed_size 4096
  .amdhsa_user_sgpr_kernarg_segment_ptr 1
  .amdhsa_system_sgpr_workgroup_id_x 1
  .amdhsa_next_free_vgpr 48
  .amdhsa_next_free_sgpr 40
  .amdhsa_ieee_mode 0
  .amdhsa_dx10_clamp 0
.end_amdhsa_kernel
.endm
.rodata
.p2align 6
descriptor lds_pipeline
.p2align 6
descriptor mixed
.p2align 6
descriptor subroutines
.p2align 6
descriptor tickets
.p2align 6
descriptor bytes

.amdgpu_metadata
amdhsa.version: [1, 1]
amdhsa.kernels:
  - {.name: lds_pipeline, .symbol: lds_pipeline.kd, .kernarg_segment_size: 32, .kernarg_segment_align: 8, .group_segment_fixed_size: 4096, .private_segment_fixed_size: 0, .wavefront_size: 64, .sgpr_count: 40, .vgpr_count: 48, .max_flat_workgroup_size: 256}
  - {.name: mixed, .symbol: mixed.kd, .kernarg_segment_size: 32, .kernarg_segment_align: 8, .group_segment_fixed_size: 4096, .private_segment_fixed_size: 0, .wavefront_size: 64, .sgpr_count: 40, .vgpr_count: 48, .max_flat_workgroup_size: 256}
  - {.name: subroutines, .symbol: subroutines.kd, .kernarg_segment_size: 32, .kernarg_segment_align: 8, .group_segment_fixed_size: 4096, .private_segment_fixed_size: 0, .wavefront_size: 64, .sgpr_count: 40, .vgpr_count: 48, .max_flat_workgroup_size: 256}
  - {.name: tickets, .symbol: tickets.kd, .kernarg_segment_size: 32, .kernarg_segment_align: 8, .group_segment_fixed_size: 4096, .private_segment_fixed_size: 0, .wavefront_size: 64, .sgpr_count: 40, .vgpr_count: 48, .max_flat_workgroup_size: 256}
  - {.name: bytes, .symbol: bytes.kd, .kernarg_segment_size: 32, .kernarg_segment_align: 8, .group_segment_fixed_size: 4096, .private_segment_fixed_size: 0, .wavefront_size: 64, .sgpr_count: 40, .vgpr_count: 48, .max_flat_workgroup_size: 256}
.end_amdgpu_metadata
