// Errors: the thread's last one, names, sentences.
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator::hip;

namespace {

struct ErrorText {
  int code;
  const char *name, *text;
};
constexpr ErrorText kErrors[] = {
    {kSuccess, "hipSuccess", "no error"},
#define HIP_ERROR(ours, theirs, number, text) {number, "hipError" #theirs, text},
#include "runtime/emulator/hip/errors.def"
#undef HIP_ERROR
};

const ErrorText* find(int code) {
  for (const ErrorText& e : kErrors)
    if (e.code == code) return &e;
  return nullptr;
}

}  // namespace

INLAY_HIP int hipGetLastError() {
  const Error e = last_error;
  last_error = kSuccess;
  return e;
}
INLAY_HIP int hipExtGetLastError() {
  return hipGetLastError();
}
INLAY_HIP int hipPeekAtLastError() {
  return last_error;
}
INLAY_HIP const char* hipGetErrorName(int error) {
  const ErrorText* e = find(error);
  return e != nullptr ? e->name : "hipErrorUnknown";
}
INLAY_HIP const char* hipGetErrorString(int error) {
  const ErrorText* e = find(error);
  return e != nullptr ? e->text : "unknown error";
}
INLAY_HIP int hipDrvGetErrorName(int error, const char** name) {
  const ErrorText* e = find(error);
  if (name == nullptr || e == nullptr) return done(kInvalidValue);
  *name = e->name;
  return kSuccess;
}
INLAY_HIP int hipDrvGetErrorString(int error, const char** text) {
  const ErrorText* e = find(error);
  if (text == nullptr || e == nullptr) return done(kInvalidValue);
  *text = e->text;
  return kSuccess;
}

// Names of calls and commands, for profilers: none is known by number here.
INLAY_HIP const char* hipApiName(uint32_t) {
  return "";
}
INLAY_HIP const char* hipGetCmdName(unsigned) {
  return "";
}
