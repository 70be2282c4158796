; The 8x8 block of a work-item: c += alpha * a * b in k steps, all of it in registers. a and b lie in LDS,
; rows of 8 floats, 16-byte aligned; c is a private array that its caller has in registers too, once
; this is inlined. LLVM gives the sums the type of a row, so that a step reads as what it is: eight
; rows of c, each plus one number of a times the row of b. No more than v_fma_f32 comes of it; with
; alpha 1 the multiplication of the column is none.
target triple = "amdgcn-amd-amdhsa"

define void @uk_sgemm_f32_8x8_gfx9(i64 %k, ptr addrspace(3) noalias readonly %a, i32 %lda,
                                   ptr addrspace(3) noalias readonly %b, i32 %ldb,
                                   ptr addrspace(5) noalias %c, float %alpha) {
entry:
  %one = insertelement <8 x float> poison, float %alpha, i32 0
  %scale = shufflevector <8 x float> %one, <8 x float> poison, <8 x i32> zeroinitializer
  %c1 = getelementptr inbounds float, ptr addrspace(5) %c, i32 8
  %c2 = getelementptr inbounds float, ptr addrspace(5) %c, i32 16
  %c3 = getelementptr inbounds float, ptr addrspace(5) %c, i32 24
  %c4 = getelementptr inbounds float, ptr addrspace(5) %c, i32 32
  %c5 = getelementptr inbounds float, ptr addrspace(5) %c, i32 40
  %c6 = getelementptr inbounds float, ptr addrspace(5) %c, i32 48
  %c7 = getelementptr inbounds float, ptr addrspace(5) %c, i32 56
  %o0 = load <8 x float>, ptr addrspace(5) %c, align 4
  %o1 = load <8 x float>, ptr addrspace(5) %c1, align 4
  %o2 = load <8 x float>, ptr addrspace(5) %c2, align 4
  %o3 = load <8 x float>, ptr addrspace(5) %c3, align 4
  %o4 = load <8 x float>, ptr addrspace(5) %c4, align 4
  %o5 = load <8 x float>, ptr addrspace(5) %c5, align 4
  %o6 = load <8 x float>, ptr addrspace(5) %c6, align 4
  %o7 = load <8 x float>, ptr addrspace(5) %c7, align 4
  %any = icmp sgt i64 %k, 0
  br i1 %any, label %step, label %done

step:
  %p = phi i64 [ 0, %entry ], [ %p.next, %step ]
  %ap = phi ptr addrspace(3) [ %a, %entry ], [ %ap.next, %step ]
  %bp = phi ptr addrspace(3) [ %b, %entry ], [ %bp.next, %step ]
  %s0 = phi <8 x float> [ %o0, %entry ], [ %n0, %step ]
  %s1 = phi <8 x float> [ %o1, %entry ], [ %n1, %step ]
  %s2 = phi <8 x float> [ %o2, %entry ], [ %n2, %step ]
  %s3 = phi <8 x float> [ %o3, %entry ], [ %n3, %step ]
  %s4 = phi <8 x float> [ %o4, %entry ], [ %n4, %step ]
  %s5 = phi <8 x float> [ %o5, %entry ], [ %n5, %step ]
  %s6 = phi <8 x float> [ %o6, %entry ], [ %n6, %step ]
  %s7 = phi <8 x float> [ %o7, %entry ], [ %n7, %step ]
  %plain = load <8 x float>, ptr addrspace(3) %ap, align 16
  %column = fmul <8 x float> %plain, %scale
  %row = load <8 x float>, ptr addrspace(3) %bp, align 16
  %a0 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> zeroinitializer
  %a1 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> splat (i32 1)
  %a2 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> splat (i32 2)
  %a3 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> splat (i32 3)
  %a4 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> splat (i32 4)
  %a5 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> splat (i32 5)
  %a6 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> splat (i32 6)
  %a7 = shufflevector <8 x float> %column, <8 x float> poison, <8 x i32> splat (i32 7)
  %n0 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a0, <8 x float> %row, <8 x float> %s0)
  %n1 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a1, <8 x float> %row, <8 x float> %s1)
  %n2 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a2, <8 x float> %row, <8 x float> %s2)
  %n3 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a3, <8 x float> %row, <8 x float> %s3)
  %n4 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a4, <8 x float> %row, <8 x float> %s4)
  %n5 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a5, <8 x float> %row, <8 x float> %s5)
  %n6 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a6, <8 x float> %row, <8 x float> %s6)
  %n7 = call <8 x float> @llvm.fma.v8f32(<8 x float> %a7, <8 x float> %row, <8 x float> %s7)
  %ap.next = getelementptr inbounds float, ptr addrspace(3) %ap, i32 %lda
  %bp.next = getelementptr inbounds float, ptr addrspace(3) %bp, i32 %ldb
  %p.next = add nuw nsw i64 %p, 1
  %more = icmp slt i64 %p.next, %k
  br i1 %more, label %step, label %done

done:
  %r0 = phi <8 x float> [ %o0, %entry ], [ %n0, %step ]
  %r1 = phi <8 x float> [ %o1, %entry ], [ %n1, %step ]
  %r2 = phi <8 x float> [ %o2, %entry ], [ %n2, %step ]
  %r3 = phi <8 x float> [ %o3, %entry ], [ %n3, %step ]
  %r4 = phi <8 x float> [ %o4, %entry ], [ %n4, %step ]
  %r5 = phi <8 x float> [ %o5, %entry ], [ %n5, %step ]
  %r6 = phi <8 x float> [ %o6, %entry ], [ %n6, %step ]
  %r7 = phi <8 x float> [ %o7, %entry ], [ %n7, %step ]
  store <8 x float> %r0, ptr addrspace(5) %c, align 4
  store <8 x float> %r1, ptr addrspace(5) %c1, align 4
  store <8 x float> %r2, ptr addrspace(5) %c2, align 4
  store <8 x float> %r3, ptr addrspace(5) %c3, align 4
  store <8 x float> %r4, ptr addrspace(5) %c4, align 4
  store <8 x float> %r5, ptr addrspace(5) %c5, align 4
  store <8 x float> %r6, ptr addrspace(5) %c6, align 4
  store <8 x float> %r7, ptr addrspace(5) %c7, align 4
  ret void
}

declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
