// Comparisons (manual, 12.9): a lane mask into VCC or an SGPR pair; v_cmpx also into EXEC.
#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

#define INLAY_COMPARE(name, result, ...)                                                         \
  static inline bool name(__VA_ARGS__);                                                          \
  static const Registration register_##name("v_cmp_" #name, Valu<&name, NanRule::kOwn>::run);    \
  static const Registration register_x_##name("v_cmpx_" #name, Valu<&name, NanRule::kOwn>::run); \
  static inline bool name(__VA_ARGS__) {                                                         \
    return result;                                                                               \
  }

#define INLAY_COMPARE_INTEGER(suffix, type)          \
  INLAY_COMPARE(f_##suffix, false, type, type)       \
  INLAY_COMPARE(lt_##suffix, a < b, type a, type b)  \
  INLAY_COMPARE(eq_##suffix, a == b, type a, type b) \
  INLAY_COMPARE(le_##suffix, a <= b, type a, type b) \
  INLAY_COMPARE(gt_##suffix, a > b, type a, type b)  \
  INLAY_COMPARE(ne_##suffix, a != b, type a, type b) \
  INLAY_COMPARE(ge_##suffix, a >= b, type a, type b) \
  INLAY_COMPARE(t_##suffix, true, type, type)

INLAY_COMPARE_INTEGER(i16, int16_t)
INLAY_COMPARE_INTEGER(u16, uint16_t)
INLAY_COMPARE_INTEGER(i32, int32_t)
INLAY_COMPARE_INTEGER(u32, uint32_t)
INLAY_COMPARE_INTEGER(i64, int64_t)
INLAY_COMPARE_INTEGER(u64, uint64_t)

// lg is "less or greater": false for NaN; the n-forms are negations and true for NaN.
#define INLAY_COMPARE_FLOAT(suffix, type, v)                             \
  INLAY_COMPARE(f_##suffix, false, type, type)                           \
  INLAY_COMPARE(lt_##suffix, a v < b v, type a, type b)                  \
  INLAY_COMPARE(eq_##suffix, a v == b v, type a, type b)                 \
  INLAY_COMPARE(le_##suffix, a v <= b v, type a, type b)                 \
  INLAY_COMPARE(gt_##suffix, a v > b v, type a, type b)                  \
  INLAY_COMPARE(lg_##suffix, a v<b v || a v> b v, type a, type b)        \
  INLAY_COMPARE(ge_##suffix, a v >= b v, type a, type b)                 \
  INLAY_COMPARE(o_##suffix, !is_nan(a) && !is_nan(b), type a, type b)    \
  INLAY_COMPARE(u_##suffix, is_nan(a) || is_nan(b), type a, type b)      \
  INLAY_COMPARE(nge_##suffix, !(a v >= b v), type a, type b)             \
  INLAY_COMPARE(nlg_##suffix, !(a v < b v || a v > b v), type a, type b) \
  INLAY_COMPARE(ngt_##suffix, !(a v > b v), type a, type b)              \
  INLAY_COMPARE(nle_##suffix, !(a v <= b v), type a, type b)             \
  INLAY_COMPARE(neq_##suffix, !(a v == b v), type a, type b)             \
  INLAY_COMPARE(nlt_##suffix, !(a v < b v), type a, type b)              \
  INLAY_COMPARE(tru_##suffix, true, type, type)

INLAY_COMPARE_FLOAT(f16, Half, .v)
INLAY_COMPARE_FLOAT(f32, float, )
INLAY_COMPARE_FLOAT(f64, double, )

// Class bits: 0 signalling NaN, 1 quiet NaN, 2 -inf, 3 -normal, 4 -denormal, 5 -0, 6 +0, 7
// +denormal, 8 +normal, 9 +inf.
static inline bool in_class(bool negative, uint64_t exponent, uint64_t exponent_max,
                            uint64_t fraction, bool quiet_bit, uint32_t mask) {
  int c;
  if (exponent == exponent_max)
    c = fraction == 0 ? (negative ? 2 : 9) : quiet_bit ? 1 : 0;
  else if (exponent == 0)
    c = fraction == 0 ? (negative ? 5 : 6) : (negative ? 4 : 7);
  else
    c = negative ? 3 : 8;
  return mask >> c & 1;
}
INLAY_COMPARE(class_f32, in_class(a >> 31, a >> 23 & 0xff, 0xff, a & 0x7fffff, a >> 22 & 1, m),
              uint32_t a, uint32_t m)
INLAY_COMPARE(class_f64,
              in_class(a >> 63, a >> 52 & 0x7ff, 0x7ff, a & 0xfffffffffffff, a >> 51 & 1, m),
              uint64_t a, uint32_t m)
INLAY_COMPARE(class_f16, in_class(a >> 15, a >> 10 & 0x1f, 0x1f, a & 0x3ff, a >> 9 & 1, m),
              uint16_t a, uint32_t m)

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
