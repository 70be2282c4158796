// Packed and mixed-precision instructions, and dot products (manual, 12.11).
#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {
namespace {

// The two halves of a packed source, as op_sel and op_sel_hi choose them, negated as neg_lo and
// neg_hi say.
struct Pair {
  uint16_t lo, hi;
};
Pair select(const Instruction& i, int n, uint32_t v, bool is_float) {
  Pair p{static_cast<uint16_t>(i.op_sel >> n & 1 ? v >> 16 : v),
         static_cast<uint16_t>(i.op_sel_hi >> n & 1 ? v >> 16 : v)};
  if (is_float) {
    if (i.neg >> n & 1) p.lo ^= 0x8000;
    if (i.abs >> n & 1) p.hi ^= 0x8000;  // neg_hi lies where VOP3 has abs
  }
  return p;
}

// F makes one half of the result from one half of each source.
template <typename F>
void packed(Wave& w, const Slot& s, bool is_float, const F& f) {
  alignas(64) uint32_t temp[3][kLanes], out[kLanes];
  const Instruction& i = s.inst;
  const uint32_t* rows[3] = {};
  int sources = 0;
  for (; sources < 3 && i.opcode->src[sources] != OperandType::kNONE; sources++)
    rows[sources] = source_row(w, s, sources, 0, temp[sources]);
  const Context x{i.clamp, w.mode.ieee(), w.mode.dx10_clamp(), w.mode.round64()};
  for (int l = 0; l < kLanes; l++) {
    Pair p[3] = {};
    for (int n = 0; n < sources; n++) p[n] = select(i, n, rows[n][l], is_float);
    const uint32_t lo = f(x, p[0].lo, p[1].lo, p[2].lo), hi = f(x, p[0].hi, p[1].hi, p[2].hi);
    out[l] = (lo & 0xffff) | hi << 16;
  }
  commit(w, s, out, nullptr, OperandType::kP16);
}

uint16_t clamp_half(const Context& x, uint16_t v) {
  if (!x.clamp) return v;
  if ((v & 0x7fff) > 0x7c00) return x.dx10_clamp ? 0 : v;
  return v & 0x8000 ? 0 : v > 0x3c00 ? 0x3c00 : v;
}

// Halves that are chosen, not computed with.
template <typename F>
void packed_bits(Wave& w, const Slot& s, const F& f) {
  const Flush flushes = flush_of(w.mode);
  packed(w, s, true, [&](const Context& x, uint16_t a, uint16_t b, uint16_t) -> uint32_t {
    if (flushes.in64) {
      a = flush_half(a);
      b = flush_half(b);
    }
    const uint16_t v = f(x.ieee, HalfBits{a}, HalfBits{b}).v;
    return clamp_half(x, flushes.out64 ? flush_half(v) : v);
  });
}

// Float halves: denormals, the NaN rule and clamp as for a single f16.
template <typename F>
void packed_float(Wave& w, const Slot& s, const F& f) {
  const Rounding rounding(w.mode.round64());
  const Flush flushes = flush_of(w.mode);
  packed(w, s, true, [&](const Context& x, uint16_t a, uint16_t b, uint16_t c) -> uint32_t {
    if (flushes.in64) {
      a = flush_half(a);
      b = flush_half(b);
      c = flush_half(c);
    }
    const Half r = f(x, Half{half_to_float(a)}, Half{half_to_float(b)}, Half{half_to_float(c)});
    uint16_t v = float_to_half(r.v);
    if ((v & 0x7fff) > 0x7c00) {
      const uint16_t sources[] = {a, b, c};
      v = 0x7e00;
      for (int n = 2; n >= 0; n--)
        if ((sources[n] & 0x7fff) > 0x7c00) v = sources[n] | 0x200;
    }
    return clamp_half(x, flushes.out64 ? flush_half(v) : v);
  });
}

uint32_t clamp_i16(int64_t v) {
  return static_cast<uint16_t>(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
}
uint32_t clamp_u16(int64_t v) {
  return static_cast<uint16_t>(v > 65535 ? 65535 : v < 0 ? 0 : v);
}
int32_t s16(uint16_t v) {
  return static_cast<int16_t>(v);
}

}  // namespace

#define INLAY_PACKED(name, expression)                                                         \
  INLAY_WAVE(name) {                                                                           \
    packed(w, s, false, [](const Context& x, uint16_t a, uint16_t b, uint16_t c) -> uint32_t { \
      (void)x, (void)c;                                                                        \
      return static_cast<uint32_t>(expression);                                                \
    });                                                                                        \
  }
INLAY_PACKED(v_pk_mad_i16, x.clamp ? clamp_i16(static_cast<int64_t>(s16(a)) * s16(b) + s16(c))
                                   : static_cast<uint32_t>(a) * b + c)
INLAY_PACKED(v_pk_mad_u16, x.clamp ? clamp_u16(static_cast<int64_t>(a) * b + c)
                                   : static_cast<uint32_t>(a) * b + c)
INLAY_PACKED(v_pk_mul_lo_u16, static_cast<uint32_t>(a) * b)
INLAY_PACKED(v_pk_add_i16, x.clamp ? clamp_i16(s16(a) + s16(b)) : a + b)
INLAY_PACKED(v_pk_sub_i16, x.clamp ? clamp_i16(s16(a) - s16(b)) : a - b)
INLAY_PACKED(v_pk_add_u16, x.clamp ? clamp_u16(a + b) : a + b)
INLAY_PACKED(v_pk_sub_u16, x.clamp ? clamp_u16(a - b) : a - b)
INLAY_PACKED(v_pk_lshlrev_b16, b << (a & 15))
INLAY_PACKED(v_pk_lshrrev_b16, b >> (a & 15))
INLAY_PACKED(v_pk_ashrrev_i16, s16(b) >> (a & 15))
INLAY_PACKED(v_pk_max_i16, max_(s16(a), s16(b)))
INLAY_PACKED(v_pk_min_i16, min_(s16(a), s16(b)))
INLAY_PACKED(v_pk_max_u16, max_(a, b))
INLAY_PACKED(v_pk_min_u16, min_(a, b))

#define INLAY_PACKED_FLOAT(name, expression)                                  \
  INLAY_WAVE(name) {                                                          \
    packed_float(w, s, [](const Context& x, Half a, Half b, Half c) -> Half { \
      (void)x, (void)c;                                                       \
      return expression;                                                      \
    });                                                                       \
  }
INLAY_PACKED_FLOAT(v_pk_fma_f16, fma_half(a, b, c))
INLAY_PACKED_FLOAT(v_pk_add_f16, Half{a.v + b.v})
INLAY_PACKED_FLOAT(v_pk_mul_f16, Half{a.v * b.v})
INLAY_WAVE(v_pk_min_f16) {
  packed_bits(w, s, [](bool ieee, HalfBits a, HalfBits b) { return half_min(ieee, a, b); });
}
INLAY_WAVE(v_pk_max_f16) {
  packed_bits(w, s, [](bool ieee, HalfBits a, HalfBits b) { return half_max(ieee, a, b); });
}

namespace {

// Mixed precision: op_sel_hi says that a source is f16, op_sel which half; neg and abs apply to
// what is read.
float mixed_source(const Instruction& i, int n, uint32_t v) {
  float f = i.op_sel_hi >> n & 1
                ? half_to_float(static_cast<uint16_t>(i.op_sel >> n & 1 ? v >> 16 : v))
                : as_float(v);
  if (i.abs >> n & 1) f = fabs_(f);
  if (i.neg >> n & 1) f = -f;
  return f;
}
// The f32 result of each lane; FUSED or product and sum rounded each, with f32 denormals flushed.
bool mixed(Wave& w, const Slot& s, bool fused, float* out) {
  const Instruction& i = s.inst;
  alignas(64) uint32_t temp[3][kLanes];
  const uint32_t* rows[3];
  for (int n = 0; n < 3; n++) {
    const uint32_t c = i.src[n];
    if ((i.op_sel_hi >> n & 1) && c >= code::kHalf && c <= code::kInv2Pi) {
      w.fault(
          "an inline float constant as an f16 source of a mixed-precision instruction: its value "
          "is not documented");
      return false;
    }
    rows[n] = source_row(w, s, n, 0, temp[n]);
  }
  const Rounding rounding(w.mode.round32());
  const Flush f = flush_of(w.mode);
  for (int l = 0; l < kLanes; l++) {
    float v[3];
    for (int n = 0; n < 3; n++) v[n] = mixed_source(i, n, rows[n][l]);
    float r;
    if (!fused) {
      r = flush(flush(flush(v[0]) * flush(v[1])) + flush(v[2]));
    } else {
      if (f.in32)
        for (float& x : v) x = flush(x);
      r = __builtin_fmaf(v[0], v[1], v[2]);
      if (f.out32) r = flush(r);
    }
    if (is_nan(r)) {
      r = as_float(kNan32);
      for (int n = 2; n >= 0; n--)
        if (is_nan(v[n])) r = quiet(v[n]);
    }
    if (i.clamp) {
      if (is_nan(r))
        r = w.mode.dx10_clamp() ? 0 : r;
      else
        r = r < 0 ? 0 : r > 1 ? 1 : r + 0.0f;
    }
    out[l] = r;
  }
  return true;
}
void mix32(Wave& w, const Slot& s, bool fused) {
  alignas(64) float r[kLanes];
  alignas(64) uint32_t out[kLanes];
  if (!mixed(w, s, fused, r)) return;
  memcpy(out, r, sizeof(out));
  commit(w, s, out, nullptr, OperandType::kP16);
}
// Into one half; the other stays.
void mix16(Wave& w, const Slot& s, bool fused, bool high) {
  alignas(64) float r[kLanes];
  alignas(64) uint32_t out[kLanes];
  if (!mixed(w, s, fused, r)) return;
  const Rounding rounding(w.mode.round64());
  const uint32_t* dst = w.vgpr[s.inst.dst];
  for (int l = 0; l < kLanes; l++) {
    const uint32_t h = float_to_half(r[l]);
    out[l] = high ? (dst[l] & 0xffff) | h << 16 : (dst[l] & 0xffff0000) | h;
  }
  commit(w, s, out, nullptr, OperandType::kP16);
}

}  // namespace

INLAY_WAVE(v_mad_mix_f32) {
  mix32(w, s, false);
}
INLAY_WAVE(v_fma_mix_f32) {
  mix32(w, s, true);
}
INLAY_WAVE(v_mad_mixlo_f16) {
  mix16(w, s, false, false);
}
INLAY_WAVE(v_fma_mixlo_f16) {
  mix16(w, s, true, false);
}
INLAY_WAVE(v_mad_mixhi_f16) {
  mix16(w, s, false, true);
}
INLAY_WAVE(v_fma_mixhi_f16) {
  mix16(w, s, true, true);
}

namespace {

// Dot products ignore op_sel_hi. F adds the products of two dwords to an accumulator wide enough
// not to overflow.
template <typename F>
void dot(Wave& w, const Slot& s, const F& f) {
  alignas(64) uint32_t temp[3][kLanes], out[kLanes];
  const uint32_t* rows[3];
  for (int n = 0; n < 3; n++) rows[n] = source_row(w, s, n, 0, temp[n]);
  for (int l = 0; l < kLanes; l++) out[l] = f(rows[0][l], rows[1][l], rows[2][l]);
  commit(w, s, out, nullptr, OperandType::kP16);
}
uint32_t saturate_signed(int64_t v, bool clamp) {
  if (!clamp) return static_cast<uint32_t>(v);
  return static_cast<uint32_t>(static_cast<int32_t>(v > INT32_MAX   ? INT32_MAX
                                                    : v < INT32_MIN ? INT32_MIN
                                                                    : v));
}
uint32_t saturate_unsigned(uint64_t v, bool clamp) {
  return clamp && v > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(v);
}
template <int kBits>
void dot_signed(Wave& w, const Slot& s) {
  dot(w, s, [&](uint32_t a, uint32_t b, uint32_t c) {
    int64_t sum = static_cast<int32_t>(c);
    for (int n = 0; n < 32; n += kBits)
      sum += static_cast<int64_t>(static_cast<int32_t>(a << (32 - kBits - n)) >> (32 - kBits)) *
             (static_cast<int32_t>(b << (32 - kBits - n)) >> (32 - kBits));
    return saturate_signed(sum, s.inst.clamp);
  });
}
template <int kBits>
void dot_unsigned(Wave& w, const Slot& s) {
  dot(w, s, [&](uint32_t a, uint32_t b, uint32_t c) {
    uint64_t sum = c;
    for (int n = 0; n < 32; n += kBits)
      sum += static_cast<uint64_t>(a >> n & ((1u << kBits) - 1)) * (b >> n & ((1u << kBits) - 1));
    return saturate_unsigned(sum, s.inst.clamp);
  });
}

}  // namespace

INLAY_WAVE(v_dot2_i32_i16) {
  dot_signed<16>(w, s);
}
INLAY_WAVE(v_dot2_u32_u16) {
  dot_unsigned<16>(w, s);
}
INLAY_WAVE(v_dot4_i32_i8) {
  dot_signed<8>(w, s);
}
INLAY_WAVE(v_dot4_u32_u8) {
  dot_unsigned<8>(w, s);
}
INLAY_WAVE(v_dot8_i32_i4) {
  dot_signed<4>(w, s);
}
INLAY_WAVE(v_dot8_u32_u4) {
  dot_unsigned<4>(w, s);
}
// The order of the two additions is not documented: the low product is added first, each step
// fused.
INLAY_WAVE(v_dot2_f32_f16) {
  const Instruction& i = s.inst;
  const Flush f = flush_of(w.mode);
  dot(w, s, [&](uint32_t a, uint32_t b, uint32_t c) {
    Pair p = select(i, 0, a, true), q = select(i, 1, b, true);
    float d = as_float(c);
    if (i.neg >> 2 & 1) d = -d;
    if (f.in64) {
      p = {flush_half(p.lo), flush_half(p.hi)};
      q = {flush_half(q.lo), flush_half(q.hi)};
    }
    if (f.in32) d = flush(d);
    float r = __builtin_fmaf(half_to_float(p.lo), half_to_float(q.lo), d);
    r = __builtin_fmaf(half_to_float(p.hi), half_to_float(q.hi), r);
    if (f.out32) r = flush(r);
    if (i.clamp) r = is_nan(r) ? (w.mode.dx10_clamp() ? 0 : r) : r < 0 ? 0 : r > 1 ? 1 : r;
    return as_bits(r);
  });
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
