// Arrays in NumPy's .npy files (format versions 1 to 3, little-endian, C order).
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef INLAY_RUNTIME_NPY_H
#define INLAY_RUNTIME_NPY_H

#include <inlay_abi.h>

typedef struct Array {
  DLDataType dtype;
  int ndim;
  int64_t shape[INLAY_MAX_RANK];
  void* data;  // 64-byte aligned, from aligned_alloc
  size_t bytes;
} Array;

// Each returns NULL, or why it failed (a static string, errno where the system said so); then
// nothing is left to free, and what npy_write made of the file is the caller's to remove.
const char* array_zeros(DLDataType dtype, int ndim, const int64_t* shape, Array* out);
const char* npy_read(const char* path, Array* out);
const char* npy_write(const char* path, const Array* array);

// Reads "f32", "i64", "bool", "bf16" ...; 0 if it is none of them.
int dtype_parse(const char* text, size_t size, DLDataType* out);

#endif  // INLAY_RUNTIME_NPY_H
