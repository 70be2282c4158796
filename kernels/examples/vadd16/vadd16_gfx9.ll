; Sixteen-wide vector add for AMD's gfx9 GPUs, as LLVM IR: what one work-item does. The pointers say
; what memory they are for, address space 1, so that a call with any other is refused.
;
; Equation   c[i] = a[i] + b[i]      i in 0..16; all f32, contiguous
; Alignment  that of a float (4 bytes)
; Aliasing   c may be a or b itself; it must not overlap them in part
target triple = "amdgcn-amd-amdhsa"

define void @uk_vadd_f32_16_gfx9_llvm(ptr addrspace(1) %a, ptr addrspace(1) %b, ptr addrspace(1) %c) {
  %x = load <16 x float>, ptr addrspace(1) %a, align 4
  %y = load <16 x float>, ptr addrspace(1) %b, align 4
  %sum = fadd <16 x float> %x, %y
  store <16 x float> %sum, ptr addrspace(1) %c, align 4
  ret void
}
