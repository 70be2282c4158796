; Sixteen-wide vector add, AVX2, written as LLVM IR.
;
; Equation   c[i] = a[i] + b[i]      i in 0..16; all f32, contiguous
; Alignment  that of a float (4 bytes)
; Aliasing   c may be a or b itself; it must not overlap them in part
; Clobbers   no memory but the 16 floats of c; no state, no libc
;
; The target-features attribute says what the code needs: without it, the two 256-bit adds would be
; legal on a baseline x86-64 as well, but as four 128-bit ones.

target triple = "x86_64-unknown-linux-gnu"

define void @uk_vadd_f32_16_avx2_llvm(ptr %a, ptr %b, ptr %c) #0 {
entry:
  %a_high = getelementptr inbounds float, ptr %a, i64 8
  %b_high = getelementptr inbounds float, ptr %b, i64 8
  %c_high = getelementptr inbounds float, ptr %c, i64 8
  %a0 = load <8 x float>, ptr %a, align 4
  %b0 = load <8 x float>, ptr %b, align 4
  %a1 = load <8 x float>, ptr %a_high, align 4
  %b1 = load <8 x float>, ptr %b_high, align 4
  %c0 = fadd <8 x float> %a0, %b0
  %c1 = fadd <8 x float> %a1, %b1
  store <8 x float> %c0, ptr %c, align 4
  store <8 x float> %c1, ptr %c_high, align 4
  ret void
}

attributes #0 = { nounwind "target-features"="+avx,+avx2" }
