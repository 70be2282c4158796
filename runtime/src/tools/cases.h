// Many calls of a code object's functions in one process, each argument between guard pages: how
// micro-kernels are held to their contract. `inlay check --implements` writes the cases and judges
// the results; it may run on another machine than this does.
//
// A file of cases, little-endian, without padding:
//
//   "INLAYCS1"   u32 cases   then each case:
//     u32 length, name of the function
//     u32 arguments, each:
//       u8 0, i64                                 an integer scalar
//       u8 1, f64                                 a float scalar
//       u8 2, u8 code, u8 bits, u8 rank           a tensor: DLPack's dtype code
//             u8 side                             0: its last byte touches the guard page, as far
//             as u32 alignment                       its alignment (bytes, a power of two) allows;
//                                                 1: its first does; 2: between, at an address
//                                                 that is a multiple of no more than its alignment
//             i64 shape[rank], i64 strides[rank]  strides in elements, none negative
//             u64 span, span bytes                from element 0 to the last one, gaps as they are
//
// The file of results, for each case:
//
//   u8 0, then for each tensor:   the call went well: i64 offset of the nearest byte outside of the
//         i64, span bytes         span that was changed (from its start; INT64_MIN: none), the span
//   u8 1, u32 length, text        the runtime refused the call
//   u8 2, i32 signal, i32 argument, i64 offset    it was stopped by a signal; which tensor the
//                                 address belongs to (-1: none), offset in bytes from its start
#ifndef INLAY_RUNTIME_CASES_H
#define INLAY_RUNTIME_CASES_H

#include <inlay/runtime.h>

// Runs the cases of file `in`, writes file `out`. Returns NULL, or a static sentence.
const char* run_cases(const InlayModule* module, const char* in, const char* out);

#endif  // INLAY_RUNTIME_CASES_H
