// What is peculiar: the one place of the runtime's tools that handles signals. A fault in a
// micro-kernel is left by siglongjmp; what it held is lost, and the next case goes on.
#define _GNU_SOURCE
#include "cases.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char kTooShort[] = "the file of cases ends too early";

enum { kCanary = 0xa5, kMostArguments = INLAY_MAX_PARAMS };

typedef struct Reader {
  const uint8_t* at;
  const uint8_t* end;
  int bad;
} Reader;

static void take(Reader* reader, void* to, size_t size) {
  if ((size_t)(reader->end - reader->at) < size) {
    reader->bad = 1;
    memset(to, 0, size);
    return;
  }
  memcpy(to, reader->at, size);
  reader->at += size;
}

static uint8_t take_u8(Reader* reader) {
  uint8_t value;
  take(reader, &value, sizeof value);
  return value;
}

static uint32_t take_u32(Reader* reader) {
  uint32_t value;
  take(reader, &value, sizeof value);
  return value;
}

// One tensor between two pages that may not be touched.
typedef struct Guarded {
  uint8_t* map;     // the first guard page
  size_t map_size;  // with both guard pages
  uint8_t* data;    // the span
  size_t span;
  DLTensor tensor;
  int64_t shape[INLAY_MAX_RANK], strides[INLAY_MAX_RANK];
} Guarded;

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

static const char* take_tensor(Reader* reader, Guarded* guarded) {
  DLTensor* tensor = &guarded->tensor;
  memset(tensor, 0, sizeof *tensor);
  tensor->device.device_type = kDLCPU;
  tensor->dtype.code = take_u8(reader);
  tensor->dtype.bits = take_u8(reader);
  tensor->dtype.lanes = 1;
  tensor->ndim = take_u8(reader);
  int side = take_u8(reader);
  uint32_t alignment = take_u32(reader);
  if (tensor->ndim > (int)INLAY_MAX_RANK || alignment == 0 || (alignment & (alignment - 1)) != 0) {
    return "a tensor of the cases has too high a rank, or an alignment that is no power of two";
  }
  take(reader, guarded->shape, sizeof(int64_t) * (size_t)tensor->ndim);
  take(reader, guarded->strides, sizeof(int64_t) * (size_t)tensor->ndim);
  tensor->shape = guarded->shape;
  tensor->strides = guarded->strides;
  uint64_t span;
  take(reader, &span, sizeof span);
  if (reader->bad || span > (uint64_t)(reader->end - reader->at)) return kTooShort;
  size_t page = page_size(), ahead = side == 2 ? alignment : 0;
  size_t inner = ((size_t)span + ahead + page - 1) / page * page;
  if (alignment > page) return "an alignment is larger than a page";
  if (inner == 0) inner = page;
  guarded->span = (size_t)span;
  guarded->map_size = inner + 2 * page;
  guarded->map = mmap(NULL, guarded->map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (guarded->map == MAP_FAILED ||
      mprotect(guarded->map + page, inner, PROT_READ | PROT_WRITE) != 0) {
    return "no memory for guarded tensors";
  }
  memset(guarded->map + page, kCanary, inner);
  size_t offset = side == 0 ? (inner - guarded->span) & ~((size_t)alignment - 1) : ahead;
  guarded->data = guarded->map + page + offset;
  take(reader, guarded->data, guarded->span);
  tensor->data = guarded->data;
  return NULL;
}

static int64_t damage(const Guarded* guarded) {
  size_t page = page_size();
  const uint8_t* from = guarded->map + page;
  const uint8_t* to = guarded->map + guarded->map_size - page;
  const uint8_t* end = guarded->data + guarded->span;
  for (const uint8_t* at = end; at < to; ++at) {
    if (*at != kCanary) return at - guarded->data;
  }
  for (const uint8_t* at = guarded->data; at > from; --at) {
    if (at[-1] != kCanary) return at - 1 - guarded->data;
  }
  return INT64_MIN;
}

static sigjmp_buf escape;
static volatile sig_atomic_t inside;  // a case runs: a fault is its own
static void* volatile fault_address;

static void on_fault(int signal_number, siginfo_t* info, void* context) {
  (void)context;
  if (!inside) {
    signal(signal_number, SIG_DFL);  // ours: die as ever when it happens again
    return;
  }
  fault_address = info->si_addr;
  siglongjmp(escape, signal_number);
}

static void put(FILE* file, const void* bytes, size_t size) {
  fwrite(bytes, 1, size, file);
}

static void write_refusal(FILE* file) {
  const char* text = inlay_last_error();
  uint8_t outcome = 1;
  uint32_t length = (uint32_t)strlen(text);
  put(file, &outcome, 1);
  put(file, &length, sizeof length);
  put(file, text, length);
}

static void write_signal(FILE* file, int32_t signal_number, const Guarded* tensors, int n) {
  uint8_t outcome = 2;
  int32_t argument = -1;
  int64_t offset = 0;
  const uint8_t* address = fault_address;
  for (int i = 0; i < n; ++i) {
    if (tensors[i].map == NULL || address < tensors[i].map ||
        address >= tensors[i].map + tensors[i].map_size) {
      continue;
    }
    argument = i;
    offset = address - tensors[i].data;
  }
  put(file, &outcome, 1);
  put(file, &signal_number, sizeof signal_number);
  put(file, &argument, sizeof argument);
  put(file, &offset, sizeof offset);
}

static void write_results(FILE* file, const Guarded* tensors, int n) {
  uint8_t outcome = 0;
  put(file, &outcome, 1);
  for (int i = 0; i < n; ++i) {
    if (tensors[i].map == NULL) continue;
    int64_t changed = damage(&tensors[i]);
    put(file, &changed, sizeof changed);
    put(file, tensors[i].data, tensors[i].span);
  }
}

// The call, and its result. A function of its own, so that nothing that longjmp may destroy is in
// use.
__attribute__((noinline)) static void attempt(const InlayCallable* callable,
                                              const InlayValue* values, uint32_t n,
                                              const Guarded* tensors, FILE* file) {
  int signal_number = sigsetjmp(escape, 1);
  if (signal_number != 0) {
    inside = 0;
    write_signal(file, signal_number, tensors, (int)n);
    return;
  }
  inside = 1;
  int32_t status = inlay_call(callable, values, n);
  inside = 0;
  if (status == INLAY_OK) {
    write_results(file, tensors, (int)n);
  } else {
    write_refusal(file);
  }
}

static const char* run_case(const InlayModule* module, Reader* reader, FILE* file) {
  static Guarded tensors[kMostArguments];
  static InlayValue values[kMostArguments];
  char name[256];
  uint32_t length = take_u32(reader);
  if (length >= sizeof name) return "a function's name is too long";
  take(reader, name, length);
  name[length] = '\0';
  uint32_t n = take_u32(reader);
  if (n > kMostArguments) return "a case has too many arguments";
  memset(tensors, 0, sizeof tensors);
  const char* why = NULL;
  for (uint32_t i = 0; i < n && why == NULL; ++i) {
    uint8_t kind = take_u8(reader);
    if (kind == 2) {
      why = take_tensor(reader, &tensors[i]);
      values[i] = inlay_tensor(&tensors[i].tensor);
    } else if (kind == 1) {
      double number;
      take(reader, &number, sizeof number);
      values[i] = inlay_float(number);
    } else {
      int64_t number;
      take(reader, &number, sizeof number);
      values[i] = inlay_int(number);
    }
  }
  if (why == NULL && reader->bad) why = kTooShort;
  const InlayCallable* callable = NULL;
  if (why == NULL && inlay_module_function(module, name, &callable) != INLAY_OK) {
    why = "the program lacks a function that the cases call";
  }
  if (why != NULL) return why;
  attempt(callable, values, n, tensors, file);
  for (uint32_t i = 0; i < n; ++i) {
    if (tensors[i].map != NULL) munmap(tensors[i].map, tensors[i].map_size);
  }
  return NULL;
}

static const char* read_whole(const char* path, uint8_t** bytes, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) return "the file of cases can't be opened";
  fseek(file, 0, SEEK_END);
  long end = ftell(file);
  rewind(file);
  *size = end < 0 ? 0 : (size_t)end;
  *bytes = malloc(*size + 1);
  size_t got = *bytes != NULL ? fread(*bytes, 1, *size, file) : 0;
  fclose(file);
  return got == *size && end >= 0 ? NULL : "the file of cases can't be read";
}

const char* run_cases(const InlayModule* module, const char* in, const char* out) {
  uint8_t* bytes = NULL;
  size_t size = 0;
  const char* why = read_whole(in, &bytes, &size);
  FILE* file = why == NULL ? fopen(out, "wb") : NULL;
  if (why == NULL && file == NULL) why = "the file of results can't be written";
  if (why == NULL) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    static const int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    for (size_t i = 0; i < sizeof kFaults / sizeof *kFaults; ++i) {
      sigaction(kFaults[i], &action, NULL);
    }
    Reader reader = {bytes, bytes + size, 0};
    char magic[8];
    take(&reader, magic, sizeof magic);
    if (reader.bad || memcmp(magic, "INLAYCS1", sizeof magic) != 0) {
      why = "the file of cases is none";
    }
    uint32_t cases = take_u32(&reader);
    if (why == NULL && reader.bad) why = kTooShort;
    for (uint32_t i = 0; i < cases && why == NULL; ++i) {
      why = run_case(module, &reader, file);
      fflush(file);  // what was done stands, should the next case end the process
    }
  }
  if (file != NULL && fclose(file) != 0 && why == NULL) {
    why = "the file of results can't be written";
  }
  free(bytes);
  return why;
}
