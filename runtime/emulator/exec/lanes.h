// From a function of one lane to a handler of a vector instruction.
//
// A handler is written as a function of typed numbers (`float v_add_f32(float a, float b)`); its
// signature says how operands are read (Half: the low 16 bits as f16; 64-bit types: two registers;
// Bit: one bit of a lane mask) and where the result goes (bool: a lane mask; Carry: a register and
// a mask). The loop over 64 lanes around it is what the host's vector unit executes. Modifiers,
// SDWA and DPP are passes over whole rows before and after (operands.cpp).
#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <cfenv>
#include <cstddef>
#include <utility>

#include "runtime/emulator/exec/number.h"
#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

struct Bit {
  bool v;
};
struct Carry {
  uint32_t v;
  bool carry;
};
struct Carry64 {
  uint64_t v;
  bool carry;
};
struct FloatBit {
  float v;
  bool carry;
};
struct DoubleBit {
  double v;
  bool carry;
};
// What a lane function may ask beyond its operands.
struct Context {
  bool clamp;  // integer results saturate
  bool ieee;
  bool dx10_clamp;
  int round64;
};

// Denormals to flush, on the way in and out.
struct Flush {
  bool in32, out32, in64, out64;
};
inline Flush flush_of(const Mode& m) {
  return {!(m.denorm32() & 2), !(m.denorm32() & 1), !(m.denorm64() & 2), !(m.denorm64() & 1)};
}

// The row of 64 values of one dword of source N; in TEMP if it is no VGPR as it is.
const uint32_t* fetch(Wave& w, const Slot& s, int n, int dword, uint32_t* temp);
inline void spread(uint32_t v, uint32_t* row) {
  for (int l = 0; l < kLanes; l++) row[l] = v;
}
// The same of a slot that is plain.
__attribute__((always_inline)) inline const uint32_t* plain_row(Wave& w, const Slot& s, int n,
                                                                int dword, uint32_t* temp) {
  if (s.origin[n] == Slot::kVector)
    return w.vgpr[s.inst.src[n] - code::kVgpr0 + static_cast<uint32_t>(dword)];
  spread(s.origin[n] == Slot::kScalar ? w.sgpr[s.inst.src[n] + static_cast<uint32_t>(dword)]
                                      : s.constant[n][dword],
         temp);
  return temp;
}
__attribute__((always_inline)) inline const uint32_t* source_row(Wave& w, const Slot& s, int n,
                                                                 int dword, uint32_t* temp) {
  if (__builtin_expect(s.origin[n] != Slot::kElsewhere, 1)) return plain_row(w, s, n, dword, temp);
  return fetch(w, s, n, dword, temp);
}
// Result rows that do not go straight into the register file: output modifiers, SDWA, DPP, EXEC.
void commit(Wave& w, const Slot& s, uint32_t* lo, uint32_t* hi, OperandType type);
void commit_mask(Wave& w, const Slot& s, const uint32_t* bits);
inline void expand_mask(uint64_t mask, uint32_t* rows) {
#if defined(__AVX512F__)
  for (int n = 0; n < 4; n++)
    _mm512_store_si512(rows + 16 * n,
                       _mm512_maskz_set1_epi32(static_cast<__mmask16>(mask >> (16 * n)), -1));
#elif defined(__AVX2__)
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  for (int n = 0; n < 8; n++) {
    const __m256i eight = _mm256_set1_epi32(static_cast<int>(mask >> (8 * n) & 0xff));
    _mm256_store_si256(reinterpret_cast<__m256i*>(rows) + n,
                       _mm256_cmpeq_epi32(_mm256_and_si256(eight, bits), bits));
  }
#else
  for (int half = 0; half < 2; half++) {
    const uint32_t m = static_cast<uint32_t>(mask >> (32 * half));
    for (int l = 0; l < 32; l++) rows[32 * half + l] = m & (1u << l) ? ~0u : 0;
  }
#endif
}
// The other way, from zeros and ones (or all ones): one instruction for many lanes, where the host
// has it.
inline uint64_t gather_bits(const uint32_t* bits) {
  uint64_t mask = 0;
#if defined(__AVX512F__)
  for (int n = 0; n < 4; n++) {
    const __m512i v = _mm512_load_si512(bits + 16 * n);
    mask |= static_cast<uint64_t>(_mm512_test_epi32_mask(v, v)) << (16 * n);
  }
#elif defined(__AVX2__)
  for (int n = 0; n < 8; n++) {
    const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(bits) + n);
    const __m256 top = _mm256_castsi256_ps(_mm256_slli_epi32(v, 31));
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_ps(top))) << (8 * n);
  }
#else
  for (int l = 0; l < kLanes; l++) mask |= static_cast<uint64_t>(bits[l] & 1) << l;
#endif
  return mask;
}
// A piece of a row in one of the host's vector registers, for what is not left to its compiler.
#ifdef __AVX512F__
constexpr int kPart = 16;
#else
constexpr int kPart = 8;
#endif
constexpr int kParts = kLanes / kPart;
typedef uint32_t Part __attribute__((vector_size(4 * kPart), may_alias));
inline Part* part_of(uint32_t* row, int n) {
  return reinterpret_cast<Part*>(row + kPart * n);
}
inline const Part* part_of(const uint32_t* row, int n) {
  return reinterpret_cast<const Part*>(row + kPart * n);
}
inline void copy_row(uint32_t* to, const uint32_t* from) {
  for (int l = 0; l < kLanes; l++) to[l] = from[l];
}
// Those lanes of FROM whose word in LANES is all ones.
inline void merge_row(uint32_t* to, const uint32_t* from, const uint32_t* lanes) {
  for (int l = 0; l < kLanes; l++) to[l] = (from[l] & lanes[l]) | (to[l] & ~lanes[l]);
}
// The lane mask that source N names.
uint64_t mask_source(Wave& w, const Slot& s, int n);
inline const uint32_t* exec_rows(Wave& w) {
  if (w.exec_of != w.exec()) {
    w.exec_of = w.exec();
    expand_mask(w.exec_of, w.exec_lanes);
  }
  return w.exec_lanes;
}

template <typename T>
struct Operand {  // uint32_t, int32_t
  static constexpr int kDwords = 1;
  static constexpr bool kFloat = false;
  template <bool kFlush>
  static T load(const uint32_t* lo, const uint32_t*, int l, const Flush&) {
    return static_cast<T>(lo[l]);
  }
  template <bool kFlush>
  static void store(T v, uint32_t* lo, uint32_t*, uint32_t*, int l, const Flush&) {
    if constexpr (sizeof(T) == 2)
      lo[l] = static_cast<uint16_t>(v);
    else
      lo[l] = static_cast<uint32_t>(v);
  }
};
template <>
struct Operand<float> {
  static constexpr int kDwords = 1;
  static constexpr bool kFloat = true;
  template <bool kFlush>
  static float load(const uint32_t* lo, const uint32_t*, int l, const Flush& f) {
    const float v = as_float(lo[l]);
    return kFlush && f.in32 ? flush(v) : v;
  }
  template <bool kFlush>
  static void store(float v, uint32_t* lo, uint32_t*, uint32_t*, int l, const Flush& f) {
    lo[l] = as_bits(kFlush && f.out32 ? flush(v) : v);
  }
};
template <typename T>
struct Operand64 {
  static constexpr int kDwords = 2;
  static constexpr bool kFloat = false;
  template <bool kFlush>
  static T load(const uint32_t* lo, const uint32_t* hi, int l, const Flush&) {
    return static_cast<T>(lo[l] | static_cast<uint64_t>(hi[l]) << 32);
  }
  template <bool kFlush>
  static void store(T v, uint32_t* lo, uint32_t* hi, uint32_t*, int l, const Flush&) {
    lo[l] = static_cast<uint32_t>(v);
    hi[l] = static_cast<uint32_t>(static_cast<uint64_t>(v) >> 32);
  }
};
template <>
struct Operand<uint64_t> : Operand64<uint64_t> {};
template <>
struct Operand<int64_t> : Operand64<int64_t> {};
template <>
struct Operand<double> {
  static constexpr int kDwords = 2;
  static constexpr bool kFloat = true;
  template <bool kFlush>
  static double load(const uint32_t* lo, const uint32_t* hi, int l, const Flush& f) {
    const double v = as_double(lo[l] | static_cast<uint64_t>(hi[l]) << 32);
    return kFlush && f.in64 ? flush(v) : v;
  }
  template <bool kFlush>
  static void store(double v, uint32_t* lo, uint32_t* hi, uint32_t*, int l, const Flush& f) {
    const uint64_t b = as_bits(kFlush && f.out64 ? flush(v) : v);
    lo[l] = static_cast<uint32_t>(b);
    hi[l] = static_cast<uint32_t>(b >> 32);
  }
};
template <>
struct Operand<Half> {
  static constexpr int kDwords = 1;
  static constexpr bool kFloat = true;
  template <bool kFlush>
  static Half load(const uint32_t* lo, const uint32_t*, int l, const Flush& f) {
    const uint16_t v = static_cast<uint16_t>(lo[l]);
    return {half_to_float(kFlush && f.in64 ? flush_half(v) : v)};
  }
  template <bool kFlush>
  static void store(Half v, uint32_t* lo, uint32_t*, uint32_t*, int l, const Flush& f) {
    const uint16_t b = float_to_half(v.v);
    lo[l] = kFlush && f.out64 ? flush_half(b) : b;
  }
};
template <>
struct Operand<HalfBits> {
  static constexpr int kDwords = 1;
  static constexpr bool kFloat = true;
  template <bool kFlush>
  static HalfBits load(const uint32_t* lo, const uint32_t*, int l, const Flush& f) {
    const uint16_t v = static_cast<uint16_t>(lo[l]);
    return {kFlush && f.in64 ? flush_half(v) : v};
  }
  template <bool kFlush>
  static void store(HalfBits v, uint32_t* lo, uint32_t*, uint32_t*, int l, const Flush& f) {
    lo[l] = kFlush && f.out64 ? flush_half(v.v) : v.v;
  }
};
template <>
struct Operand<Bit> {
  static constexpr int kDwords = 1;
  static constexpr bool kFloat = false;
  template <bool kFlush>
  static Bit load(const uint32_t* lo, const uint32_t*, int l, const Flush&) {
    return {lo[l] != 0};
  }
};
template <>
struct Operand<bool> {
  static constexpr int kDwords = 0;
  static constexpr bool kFloat = false;
  template <bool kFlush>
  static void store(bool v, uint32_t*, uint32_t*, uint32_t* mask, int l, const Flush&) {
    mask[l] = v;
  }
};
template <typename T, typename V>
struct OperandWithBit {
  static constexpr int kDwords = Operand<V>::kDwords;
  static constexpr bool kFloat = Operand<V>::kFloat;
  template <bool kFlush>
  static void store(T v, uint32_t* lo, uint32_t* hi, uint32_t* mask, int l, const Flush& f) {
    Operand<V>::template store<kFlush>(v.v, lo, hi, mask, l, f);
    mask[l] = v.carry;
  }
};
template <>
struct Operand<Carry> : OperandWithBit<Carry, uint32_t> {};
template <>
struct Operand<Carry64> : OperandWithBit<Carry64, uint64_t> {};
template <>
struct Operand<FloatBit> : OperandWithBit<FloatBit, float> {};
template <>
struct Operand<DoubleBit> : OperandWithBit<DoubleBit, double> {};

template <typename R>
inline constexpr bool kHasMask = false;
template <>
inline constexpr bool kHasMask<bool> = true;
template <>
inline constexpr bool kHasMask<Carry> = true;
template <>
inline constexpr bool kHasMask<Carry64> = true;
template <>
inline constexpr bool kHasMask<FloatBit> = true;
template <>
inline constexpr bool kHasMask<DoubleBit> = true;

// How the manual's table must type an operand that a handler reads or writes as T.
template <typename T>
inline constexpr OperandType kTypeOf = OperandType::kB32;
template <>
inline constexpr OperandType kTypeOf<float> = OperandType::kF32;
template <>
inline constexpr OperandType kTypeOf<Half> = OperandType::kF16;
template <>
inline constexpr OperandType kTypeOf<HalfBits> = OperandType::kF16;
template <>
inline constexpr OperandType kTypeOf<double> = OperandType::kF64;
template <>
inline constexpr OperandType kTypeOf<uint64_t> = OperandType::kB64;
template <>
inline constexpr OperandType kTypeOf<int64_t> = OperandType::kB64;
template <>
inline constexpr OperandType kTypeOf<uint16_t> = OperandType::kB16;
template <>
inline constexpr OperandType kTypeOf<int16_t> = OperandType::kB16;
template <>
inline constexpr OperandType kTypeOf<FloatBit> = OperandType::kF32;
template <>
inline constexpr OperandType kTypeOf<DoubleBit> = OperandType::kF64;
template <>
inline constexpr OperandType kTypeOf<Carry64> = OperandType::kB64;

// Directed rounding, for as long as it lives; hosts start out rounding to nearest.
class Rounding {
 public:
  explicit Rounding(int mode) : active_(mode != 0) {
    static const int kHost[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    if (__builtin_expect(active_, 0)) fesetround(kHost[mode]);
  }
  ~Rounding() {
    if (__builtin_expect(active_, 0)) fesetround(FE_TONEAREST);
  }

 private:
  bool active_;
};

// Whether an arithmetic result follows the NaN rule: the first NaN source, quieted, else the
// default NaN.
enum class NanRule { kPropagate, kOwn };

template <typename F>
inline bool row_has_nan(const uint32_t* lo, const uint32_t* hi) {
  uint32_t any = 0;
  for (int l = 0; l < kLanes; l++) {
    if constexpr (Operand<F>::kDwords == 2)
      any |= (hi[l] & 0x7ff00000) == 0x7ff00000;
    else if constexpr (kTypeOf<F> == OperandType::kF16)
      any |= (lo[l] & 0x7fff) > 0x7c00;
    else
      any |= (lo[l] & 0x7fffffff) > 0x7f800000;
  }
  return any != 0;
}

template <auto F, NanRule kNan, bool kContext, typename R, typename... A>
struct ValuImpl {
  template <bool kFlush, size_t... I>
  static void loop(const uint32_t* const* lo, const uint32_t* const* hi, uint32_t* out_lo,
                   uint32_t* out_hi, uint32_t* mask, const Flush& f,
                   [[maybe_unused]] const Context& x, std::index_sequence<I...>) {
    // A lane reads and writes its own column only, so rows that alias do no harm.
#pragma clang loop vectorize(assume_safety)
    for (int l = 0; l < kLanes; l++) {
      if constexpr (kContext)
        Operand<R>::template store<kFlush>(
            F(x, Operand<A>::template load<kFlush>(lo[I], hi[I], l, f)...), out_lo, out_hi, mask, l,
            f);
      else
        Operand<R>::template store<kFlush>(
            F(Operand<A>::template load<kFlush>(lo[I], hi[I], l, f)...), out_lo, out_hi, mask, l,
            f);
    }
  }

  // NaN results again, by rule, lane by lane: seldom taken.
  static void fix_nan(const uint32_t* const* lo, const uint32_t* const* hi, uint32_t* out_lo,
                      uint32_t* out_hi) {
    for (int l = 0; l < kLanes; l++) {
      if constexpr (kTypeOf<R> == OperandType::kF64) {
        if (!is_nan(as_double(out_lo[l] | static_cast<uint64_t>(out_hi[l]) << 32))) continue;
        uint64_t v = kNan64;
        for (int n = sizeof...(A) - 1; n >= 0; n--) {
          if (hi[n] == nullptr) continue;
          const uint64_t b = lo[n][l] | static_cast<uint64_t>(hi[n][l]) << 32;
          if (is_nan(as_double(b))) v = as_bits(quiet(as_double(b)));
        }
        out_lo[l] = static_cast<uint32_t>(v);
        out_hi[l] = static_cast<uint32_t>(v >> 32);
      } else if constexpr (kTypeOf<R> == OperandType::kF16) {
        if ((out_lo[l] & 0x7fff) <= 0x7c00) continue;
        uint32_t v = 0x7e00;
        for (int n = sizeof...(A) - 1; n >= 0; n--)
          if ((lo[n][l] & 0x7fff) > 0x7c00) v = (lo[n][l] & 0xffff) | 0x200;
        out_lo[l] = v;
      } else {
        if (!is_nan(as_float(out_lo[l]))) continue;
        uint32_t v = kNan32;
        for (int n = sizeof...(A) - 1; n >= 0; n--)
          if (is_nan(as_float(lo[n][l]))) v = as_bits(quiet(as_float(lo[n][l])));
        out_lo[l] = v;
      }
    }
  }

  static constexpr int kCount = sizeof...(A) ? sizeof...(A) : 1;
  static constexpr int kOut = Operand<R>::kDwords;
  static constexpr bool kFloats = Operand<R>::kFloat || (Operand<A>::kFloat || ...);
  static constexpr bool kNanAware = kNan == NanRule::kPropagate && Operand<R>::kFloat;

  static bool usual(const Wave& w) { return !kFloats || (w.mode.bits & 0xff) == 0xf0; }

  template <size_t... I>
  static void run(Wave& w, const Slot& s, std::index_sequence<I...> indices) {
    alignas(64) uint32_t temp[2 * kCount][kLanes];
    const uint32_t* const lo[kCount] = {row<A>(w, s, I, 0, temp[2 * I])...};
    const uint32_t* const hi[kCount] = {
        (Operand<A>::kDwords == 2 ? row<A>(w, s, I, 1, temp[2 * I + 1]) : nullptr)...};
    // Rounding to nearest with denormals kept, the whole wavefront on: results can stay in the
    // host's registers until they are stored, so nothing here may take the address of `out`.
    if ((kOut > 0 || kHasMask<R>) && usual(w) && s.plain && w.exec() == ~uint64_t{0}) {
      alignas(64) uint32_t out[kOut ? kOut : 1][kLanes];
      alignas(64) uint32_t mask[kHasMask<R> ? kLanes : 1];
      const Context x{false, w.mode.ieee(), w.mode.dx10_clamp(), 0};
      loop<false>(lo, hi, out[0], out[kOut == 2 ? 1 : 0], mask, Flush{}, x, indices);
      if (!kNanAware || !row_has_nan<R>(out[0], out[kOut == 2 ? 1 : 0])) {
        uint32_t* dst = w.vgpr[s.inst.dst];
        for (int n = 0; n < kOut; n++) copy_row(dst + n * kLanes, out[n]);
        if constexpr (kHasMask<R>) {
          const uint64_t bits = gather_bits(mask);
          w.set_pair(s.inst.sdst, bits);
          if (s.writes_exec) w.set_pair(code::kExecLo, bits);
        }
        return;
      }
    }
    general(w, s, lo, hi, indices);
  }

  // Any mode, any modifier, any lanes.
  template <size_t... I>
  __attribute__((noinline)) static void general(Wave& w, const Slot& s, const uint32_t* const* lo,
                                                const uint32_t* const* hi,
                                                std::index_sequence<I...> indices) {
    alignas(64) uint32_t out[kOut ? kOut : 1][kLanes];
    alignas(64) uint32_t mask[kHasMask<R> ? kLanes : 1];
    const Context x{s.inst.clamp, w.mode.ieee(), w.mode.dx10_clamp(), w.mode.round64()};
    uint32_t* out_hi = kOut == 2 ? out[kOut - 1] : nullptr;
    if (usual(w)) {
      loop<false>(lo, hi, out[0], out_hi, mask, Flush{}, x, indices);
    } else if constexpr (kFloats) {
      constexpr bool kOnly32 = kTypeOf<R> != OperandType::kF64 && kTypeOf<R> != OperandType::kF16;
      const Rounding rounding(kOnly32 ? w.mode.round32() : w.mode.round64());
      loop<true>(lo, hi, out[0], out_hi, mask, flush_of(w.mode), x, indices);
    }
    if constexpr (kNanAware) {
      if (row_has_nan<R>(out[0], out_hi)) fix_nan(lo, hi, out[0], out_hi);
    }
    // The register first: commit_mask may change EXEC, but only after a compare, which has no
    // register result.
    if constexpr (kOut > 0) commit(w, s, out[0], out_hi, kTypeOf<R>);
    if constexpr (kHasMask<R>) commit_mask(w, s, mask);
  }
  template <typename T>
  __attribute__((always_inline)) static const uint32_t* row(Wave& w, const Slot& s, size_t n,
                                                            int dword, uint32_t* temp) {
    if constexpr (kTypeOf<T> == OperandType::kB32 && __is_same(T, Bit)) {
      expand_mask(mask_source(w, s, static_cast<int>(n)), temp);
      return temp;
    } else {
      return source_row(w, s, static_cast<int>(n), dword, temp);
    }
  }
};

template <auto F, NanRule kNan, typename T = decltype(F)>
struct Valu;
template <auto F, NanRule kNan, typename R, typename... A>
struct Valu<F, kNan, R (*)(A...)> {
  static void run(Wave& w, const Slot& s) {
    ValuImpl<F, kNan, false, R, A...>::run(w, s, std::index_sequence_for<A...>());
  }
};
template <auto F, NanRule kNan, typename R, typename... A>
struct Valu<F, kNan, R (*)(const Context&, A...)> {
  static void run(Wave& w, const Slot& s) {
    ValuImpl<F, kNan, true, R, A...>::run(w, s, std::index_sequence_for<A...>());
  }
};

// The handlers of this variant, by mnemonic. They enter it as the library is loaded.
struct Registration {
  Registration(const char* mnemonic, Handler handler);
};

// A vector instruction: a function of one lane follows. INLAY_ARITH also gives NaN results by rule.
#define INLAY_LANE(name, result, ...)                                                \
  static inline result name(__VA_ARGS__);                                            \
  static const Registration register_##name(#name, Valu<&name, NanRule::kOwn>::run); \
  static inline result name(__VA_ARGS__)
#define INLAY_ARITH(name, result, ...)                                                     \
  static inline result name(__VA_ARGS__);                                                  \
  static const Registration register_##name(#name, Valu<&name, NanRule::kPropagate>::run); \
  static inline result name(__VA_ARGS__)
// Anything else: a function of the wave follows.
#define INLAY_WAVE(name)                                  \
  static void name(Wave& w, const Slot& s);               \
  static const Registration register_##name(#name, name); \
  static void name([[maybe_unused]] Wave& w, [[maybe_unused]] const Slot& s)

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
