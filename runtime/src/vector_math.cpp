// Math functions on vectors: glibc's libmvec, or SLEEF under the same names.
//
// What is peculiar: they are looked for at run time, so that neither is needed to build or to load
// a code object; where there is none, compiled code calls libm.
#include "vector_math.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

namespace inlay {

namespace {

pthread_once_t opened = PTHREAD_ONCE_INIT;
void* libraries[2];  // in the order in which they are asked; those missing are null

void open_libraries() {
  const char* chosen = getenv("INLAY_VECTOR_MATH_LIBRARY");
  if (chosen != nullptr && *chosen != '\0') {
    if (strcmp(chosen, "none") != 0) libraries[0] = dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
    return;
  }
  libraries[0] = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL);
  libraries[1] = dlopen("libsleefgnuabi.so.3", RTLD_NOW | RTLD_LOCAL);
}

}  // namespace

int32_t configure_vector_math() {
  const char* chosen = getenv("INLAY_VECTOR_MATH_LIBRARY");
  if (chosen == nullptr || *chosen == '\0' || strcmp(chosen, "none") == 0) return INLAY_OK;
  pthread_once(&opened, open_libraries);
  if (libraries[0] != nullptr) return INLAY_OK;
  return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                     "INLAY_VECTOR_MATH_LIBRARY is '%.512s', which the dynamic loader can't open; "
                     "name a library with functions such as _ZGVdN8v_expf, or none",
                     chosen);
}

const void* vector_function(const char* name) {
  pthread_once(&opened, open_libraries);
  for (void* library : libraries) {
    if (library == nullptr) continue;
    if (const void* found = dlsym(library, name)) return found;
  }
  return nullptr;
}

}  // namespace inlay
