// See npy.h. bf16 has no NumPy type: it can be made (zeros), but neither read nor written.
#include "npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct TypeRow {
  const char* name;   // ours
  const char* descr;  // NumPy's, NULL if it has none
  DLDataType dtype;
} TypeRow;

static const TypeRow kTypes[] = {
    {"bool", "|b1", {INLAY_DTYPE_BOOL, 8, 1}}, {"i8", "|i1", {kDLInt, 8, 1}},
    {"i16", "<i2", {kDLInt, 16, 1}},           {"i32", "<i4", {kDLInt, 32, 1}},
    {"i64", "<i8", {kDLInt, 64, 1}},           {"u8", "|u1", {kDLUInt, 8, 1}},
    {"u16", "<u2", {kDLUInt, 16, 1}},          {"u32", "<u4", {kDLUInt, 32, 1}},
    {"u64", "<u8", {kDLUInt, 64, 1}},          {"f16", "<f2", {kDLFloat, 16, 1}},
    {"bf16", NULL, {kDLBfloat, 16, 1}},        {"f32", "<f4", {kDLFloat, 32, 1}},
    {"f64", "<f8", {kDLFloat, 64, 1}},
};
enum { kTypeCount = sizeof kTypes / sizeof kTypes[0] };

int dtype_parse(const char* text, size_t size, DLDataType* out) {
  for (int i = 0; i < kTypeCount; ++i) {
    if (strlen(kTypes[i].name) == size && memcmp(kTypes[i].name, text, size) == 0) {
      *out = kTypes[i].dtype;
      return 1;
    }
  }
  return 0;
}

const char* array_zeros(DLDataType dtype, int ndim, const int64_t* shape, Array* out) {
  size_t bytes = dtype.bits / 8;
  out->dtype = dtype;
  out->ndim = ndim;
  for (int d = 0; d < ndim; ++d) {
    out->shape[d] = shape[d];
    if (shape[d] < 0 || __builtin_mul_overflow(bytes, (size_t)shape[d], &bytes)) {
      return "the shape is negative or too large";
    }
  }
  out->bytes = bytes;
  if (bytes > SIZE_MAX / 2) return "the shape is too large";
  size_t rounded = bytes / 64 * 64 + 64;
  out->data = aligned_alloc(64, rounded);
  if (out->data == NULL) return "out of memory";
  memset(out->data, 0, rounded);
  return NULL;
}

// Finds what follows "'key':" in the header's dictionary.
static const char* find_value(const char* header, const char* key) {
  char quoted[32];
  snprintf(quoted, sizeof quoted, "'%s':", key);
  const char* at = strstr(header, quoted);
  if (at == NULL) return NULL;
  at += strlen(quoted);
  while (*at == ' ') ++at;
  return at;
}

static const char* parse_header(const char* header, DLDataType* dtype, int* ndim, int64_t* shape) {
  const char* order = find_value(header, "fortran_order");
  if (order == NULL) return "the header lacks 'fortran_order'";
  if (strncmp(order, "False", 5) != 0) return "the array is in Fortran order; save it in C order";

  const char* descr = find_value(header, "descr");
  if (descr == NULL) return "the header lacks 'descr'";
  const TypeRow* type = NULL;
  for (int i = 0; i < kTypeCount; ++i) {
    const char* name = kTypes[i].descr;
    if (name != NULL && descr[0] == '\'' && strncmp(descr + 1, name, 3) == 0 && descr[4] == '\'') {
      type = &kTypes[i];
    }
  }
  if (type == NULL) return "the element type is unknown or big-endian";
  *dtype = type->dtype;

  const char* at = find_value(header, "shape");
  if (at == NULL || *at != '(') return "the header lacks 'shape'";
  ++at;
  *ndim = 0;
  for (;;) {
    while (*at == ' ' || *at == ',') ++at;
    if (*at == ')') return NULL;
    char* end = NULL;
    long long extent = strtoll(at, &end, 10);
    if (end == at || extent < 0) return "the shape cannot be read";
    if (*ndim == (int)INLAY_MAX_RANK) return "the rank is too high";
    shape[(*ndim)++] = extent;
    at = end;
  }
}

static const char* read_stream(FILE* file, Array* out) {
  unsigned char start[12];
  if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY", 6) != 0) {
    return "is no .npy file";
  }
  size_t size = start[8] | (size_t)start[9] << 8;
  if (start[6] >= 2) {
    if (fread(start + 10, 1, 2, file) != 2) return "is truncated";
    size |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
  }
  if (start[6] < 1 || start[6] > 3 || size > 1 << 20) return "has an unknown .npy version";
  char* header = malloc(size + 1);
  if (header == NULL) return "out of memory";
  int complete = fread(header, 1, size, file) == size;
  header[complete ? size : 0] = '\0';
  DLDataType dtype;
  int ndim = 0;
  int64_t shape[INLAY_MAX_RANK];
  const char* why = complete ? parse_header(header, &dtype, &ndim, shape) : "is truncated";
  free(header);
  if (why != NULL) return why;
  why = array_zeros(dtype, ndim, shape, out);
  if (why != NULL) return why;
  if (fread(out->data, 1, out->bytes, file) != out->bytes) {
    free(out->data);
    out->data = NULL;
    return "is truncated";
  }
  return NULL;
}

const char* npy_read(const char* path, Array* out) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) return "cannot be opened";
  const char* why = read_stream(file, out);
  fclose(file);
  return why;
}

const char* npy_write(const char* path, const Array* array) {
  const char* descr = NULL;
  for (int i = 0; i < kTypeCount; ++i) {
    if (memcmp(&kTypes[i].dtype, &array->dtype, sizeof array->dtype) == 0) descr = kTypes[i].descr;
  }
  if (descr == NULL) return "has an element type that .npy cannot hold";
  char header[512];
  int size =
      snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (int d = 0; d < array->ndim; ++d) {
    size += snprintf(header + size, sizeof header - (size_t)size, "%" PRId64 ",%s", array->shape[d],
                     d + 1 < array->ndim ? " " : "");
  }
  size += snprintf(header + size, sizeof header - (size_t)size, "), }");
  // Magic, version and length take 10 bytes; the data begins at a multiple of 64.
  while ((10 + size + 1) % 64 != 0) header[size++] = ' ';
  header[size++] = '\n';
  unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  start[8] = (unsigned char)(size & 0xff);
  start[9] = (unsigned char)(size >> 8);
  FILE* file = fopen(path, "wb");
  if (file == NULL) return "cannot be created";
  int good = fwrite(start, 1, sizeof start, file) == sizeof start &&
             fwrite(header, 1, (size_t)size, file) == (size_t)size &&
             fwrite(array->data, 1, array->bytes, file) == array->bytes;
  good = fclose(file) == 0 && good;
  return good ? NULL : "cannot be written";
}
