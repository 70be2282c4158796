; Vector add as a whole kernel in assembly, for any gfx9 GPU: a work-item an element, 64 a workgroup.
;
; Equation   c[i] = a[i] + b[i]      i in 0..count; all f32, contiguous
; Kernargs   a, b, c: addresses at 0, 8, 16; count: i32 at 24
; Registers  s[4:5] kernarg segment, s6 number of the workgroup, v0 of the work-item in it
	.text
	.globl	vadd_f32_gfx9
	.p2align	8
	.type	vadd_f32_gfx9,@function
vadd_f32_gfx9:
	s_load_dwordx4 s[0:3], s[4:5], 0x0
	s_load_dwordx2 s[8:9], s[4:5], 0x10
	s_load_dword s10, s[4:5], 0x18
	v_lshl_add_u32 v0, s6, 6, v0
	s_waitcnt lgkmcnt(0)
	v_cmp_gt_i32_e32 vcc, s10, v0
	s_and_saveexec_b64 s[12:13], vcc
	s_cbranch_execz .Lend
	v_lshlrev_b32_e32 v0, 2, v0
	global_load_dword v1, v0, s[0:1]
	global_load_dword v2, v0, s[2:3]
	s_waitcnt vmcnt(0)
	v_add_f32_e32 v1, v1, v2
	global_store_dword v0, v1, s[8:9]
.Lend:
	s_endpgm

	.rodata
	.p2align	6
	.amdhsa_kernel vadd_f32_gfx9
		.amdhsa_kernarg_size 28
		.amdhsa_user_sgpr_private_segment_buffer 1
		.amdhsa_user_sgpr_kernarg_segment_ptr 1
		.amdhsa_next_free_vgpr 3
		.amdhsa_next_free_sgpr 14
	.end_amdhsa_kernel

	.amdgpu_metadata
---
amdhsa.version: [ 1, 2 ]
amdhsa.kernels:
  - .name: vadd_f32_gfx9
    .symbol: vadd_f32_gfx9.kd
    .args:
      - { .name: a, .offset: 0, .size: 8, .value_kind: global_buffer, .address_space: global }
      - { .name: b, .offset: 8, .size: 8, .value_kind: global_buffer, .address_space: global }
      - { .name: c, .offset: 16, .size: 8, .value_kind: global_buffer, .address_space: global }
      - { .name: count, .offset: 24, .size: 4, .value_kind: by_value }
    .group_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .kernarg_segment_size: 28
    .max_flat_workgroup_size: 64
    .private_segment_fixed_size: 0
    .sgpr_count: 14
    .vgpr_count: 3
    .wavefront_size: 64
...
	.end_amdgpu_metadata
