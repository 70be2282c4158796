// Whole dwords between memory and registers, where the lanes' elements lie one behind the other:
// what element-wise code does all day. Elements of two and four dwords are transposed in
// vector registers.
#include "runtime/emulator/exec/memory.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {
namespace {

typedef Part __attribute__((aligned(1), may_alias)) LoosePart;

const LoosePart* part(const Dword* at, int n) {
  return reinterpret_cast<const LoosePart*>(at + kPart * n);
}
LoosePart* part(Dword* at, int n) {
  return reinterpret_cast<LoosePart*>(at + kPart * n);
}
Part* row_part(Wave& w, uint32_t v, int n) {
  return part_of(w.vgpr[v], n);
}

struct Two {
  Part a, b;
};
struct Four {
  Part a, b, c, d;
};
// Elements of two dwords and of four, as they lie in memory, into rows, and back.
#define INLAY_SHUFFLE __builtin_shufflevector
#ifdef __AVX512F__
Two rows_of(const Two& m) {
  return {INLAY_SHUFFLE(m.a, m.b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
          INLAY_SHUFFLE(m.a, m.b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)};
}
Part low_halves(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}
Part high_halves(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}
// The first dwords of eight lanes and their second ones; the third and the fourth.
Part first_two(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
}
Part last_two(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
}
Four rows_of(const Four& m) {
  const Part ab = first_two(m.a, m.b), cd = first_two(m.c, m.d);
  const Part ef = last_two(m.a, m.b), gh = last_two(m.c, m.d);
  return {low_halves(ab, cd), high_halves(ab, cd), low_halves(ef, gh), high_halves(ef, gh)};
}
Two elements_of(const Two& r) {
  return {INLAY_SHUFFLE(r.a, r.b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
          INLAY_SHUFFLE(r.a, r.b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)};
}
// The same of pairs of dwords.
Two zip_pairs(Part a, Part b) {
  return {INLAY_SHUFFLE(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23),
          INLAY_SHUFFLE(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31)};
}
Four elements_of(const Four& r) {
  const Two ab = elements_of(Two{r.a, r.b}), cd = elements_of(Two{r.c, r.d});
  const Two low = zip_pairs(ab.a, cd.a), high = zip_pairs(ab.b, cd.b);
  return {low.a, low.b, high.a, high.b};
}
#else
Two rows_of(const Two& m) {
  const Part low = INLAY_SHUFFLE(m.a, m.b, 0, 1, 2, 3, 8, 9, 10, 11);
  const Part high = INLAY_SHUFFLE(m.a, m.b, 4, 5, 6, 7, 12, 13, 14, 15);
  // Lanes 0, 1, 4, 5 and 2, 3, 6, 7: each half of the vector is shuffled within itself.
  return {INLAY_SHUFFLE(low, high, 0, 2, 8, 10, 4, 6, 12, 14),
          INLAY_SHUFFLE(low, high, 1, 3, 9, 11, 5, 7, 13, 15)};
}
Part unpack_low(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
}
Part unpack_high(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
}
Part unpack_low_pairs(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
}
Part unpack_high_pairs(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
}
Part low_halves(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
}
Part high_halves(Part a, Part b) {
  return INLAY_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}
// Four by four within each half of the vectors.
Four transposed(const Four& m) {
  const Part ab = unpack_low(m.a, m.b), cd = unpack_low(m.c, m.d);
  const Part ef = unpack_high(m.a, m.b), gh = unpack_high(m.c, m.d);
  return {unpack_low_pairs(ab, cd), unpack_high_pairs(ab, cd), unpack_low_pairs(ef, gh),
          unpack_high_pairs(ef, gh)};
}
Four rows_of(const Four& m) {
  return transposed(
      {low_halves(m.a, m.c), high_halves(m.a, m.c), low_halves(m.b, m.d), high_halves(m.b, m.d)});
}
Two elements_of(const Two& r) {
  const Part low = unpack_low(r.a, r.b), high = unpack_high(r.a, r.b);
  return {low_halves(low, high), high_halves(low, high)};
}
Four elements_of(const Four& r) {
  const Four t = transposed(r);  // lanes 0 and 4, 1 and 5, and so on
  return {low_halves(t.a, t.b), low_halves(t.c, t.d), high_halves(t.a, t.b), high_halves(t.c, t.d)};
}
#endif
#undef INLAY_SHUFFLE

void load_2(Wave& w, const Dword* from, uint32_t dst) {
  for (int n = 0; n < kLanes / kPart; n++) {
    const Two r = rows_of(Two{*part(from, 2 * n), *part(from, 2 * n + 1)});
    *row_part(w, dst, n) = r.a;
    *row_part(w, dst + 1, n) = r.b;
  }
}
void load_4(Wave& w, const Dword* from, uint32_t dst) {
  for (int n = 0; n < kLanes / kPart; n++) {
    const Four r = rows_of(Four{*part(from, 4 * n), *part(from, 4 * n + 1), *part(from, 4 * n + 2),
                                *part(from, 4 * n + 3)});
    *row_part(w, dst, n) = r.a;
    *row_part(w, dst + 1, n) = r.b;
    *row_part(w, dst + 2, n) = r.c;
    *row_part(w, dst + 3, n) = r.d;
  }
}
void store_2(Wave& w, Dword* to, uint32_t src) {
  for (int n = 0; n < kLanes / kPart; n++) {
    const Two m = elements_of(Two{*row_part(w, src, n), *row_part(w, src + 1, n)});
    *part(to, 2 * n) = m.a;
    *part(to, 2 * n + 1) = m.b;
  }
}
void store_4(Wave& w, Dword* to, uint32_t src) {
  for (int n = 0; n < kLanes / kPart; n++) {
    const Four m = elements_of(Four{*row_part(w, src, n), *row_part(w, src + 1, n),
                                    *row_part(w, src + 2, n), *row_part(w, src + 3, n)});
    *part(to, 4 * n) = m.a;
    *part(to, 4 * n + 1) = m.b;
    *part(to, 4 * n + 2) = m.c;
    *part(to, 4 * n + 3) = m.d;
  }
}

}  // namespace

void load_run(Wave& w, const Run& run, int dwords, uint32_t dst) {
  const Dword* from = reinterpret_cast<const Dword*>(run.base);
  if (w.exec() == ~uint64_t{0}) {
    if (dwords == 1)
      for (int n = 0; n < kLanes / kPart; n++) *row_part(w, dst, n) = *part(from, n);
    else if (dwords == 2)
      load_2(w, from, dst);
    else if (dwords == 4)
      load_4(w, from, dst);
    else
      for (int n = 0; n < dwords; n++)
        for (int l = 0; l < kLanes; l++)
          w.vgpr[dst + static_cast<uint32_t>(n)][l] = from[dwords * l + n];
    return;
  }
  const uint32_t* lanes = exec_rows(w);
  for (int n = 0; n < dwords; n++) {
    uint32_t* row = w.vgpr[dst + static_cast<uint32_t>(n)];
    for (int l = run.first; l <= run.last; l++) row[l] = lanes[l] ? from[dwords * l + n] : row[l];
  }
}
void store_run(Wave& w, const Run& run, int dwords, uint32_t src) {
  Dword* to = reinterpret_cast<Dword*>(run.base);
  if (w.exec() == ~uint64_t{0}) {
    if (dwords == 1)
      for (int n = 0; n < kLanes / kPart; n++) *part(to, n) = *row_part(w, src, n);
    else if (dwords == 2)
      store_2(w, to, src);
    else if (dwords == 4)
      store_4(w, to, src);
    else
      for (int l = 0; l < kLanes; l++)
        for (int n = 0; n < dwords; n++)
          to[dwords * l + n] = w.vgpr[src + static_cast<uint32_t>(n)][l];
    return;
  }
  const uint32_t* lanes = exec_rows(w);
  for (int n = 0; n < dwords; n++) {
    const uint32_t* row = w.vgpr[src + static_cast<uint32_t>(n)];
    for (int l = run.first; l <= run.last; l++)
      if (lanes[l]) to[dwords * l + n] = row[l];
  }
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
