; The same in LLVM IR, with no word about the processor.
define void @uk_add16(ptr %a, ptr %b, ptr %c) {
  %x = load <16 x float>, ptr %a, align 4
  %y = load <16 x float>, ptr %b, align 4
  %z = fadd <16 x float> %x, %y
  store <16 x float> %z, ptr %c, align 4
  ret void
}
