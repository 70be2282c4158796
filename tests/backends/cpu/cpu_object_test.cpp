// The relocatable form: two programs linked into one executable that loads them without a file.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/backends/support/code_object_runner.h"

namespace inlay::test {
namespace {

// Both call memcpy and expf, and keep a state of their own: nothing of it may clash.
std::string program(const std::string& name) {
  return "func " + name + R"((A: f32[N], B: f32[N]) {
  alloc t: f32[N]
  for i in 0..N { t[i] = A[i] }
  for i in 0..N { B[i] = exp(t[i]) + floor(A[i]) }
})";
}

constexpr const char* kMain = R"(
#include <inlay/runtime.h>
#include <stdio.h>
extern const InlayCodeObject inlay_code_object_first, inlay_code_object_second_one;
int32_t inlay_f(const DLTensor*, const DLTensor*);
int32_t inlay_g(const DLTensor*, const DLTensor*);
int main(void) {
  float a[3] = {0, 0, 0}, b[3] = {9, 9, 9};
  int64_t shape[1] = {3};
  DLTensor ta = {a, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, shape, NULL, 0};
  DLTensor tb = {b, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, shape, NULL, 0};
  if (inlay_f(&ta, &tb) != INLAY_ERROR_NOT_LOADED) return 1;
  InlayModule *first, *second;
  if (inlay_module_load_static(&inlay_code_object_first, &first) != INLAY_OK) return 2;
  if (inlay_module_load_static(&inlay_code_object_second_one, &second) != INLAY_OK) return 3;
  if (inlay_f(&ta, &tb) != INLAY_OK || b[2] != 1.0f) return 4;
  if (inlay_g(&tb, &ta) != INLAY_OK || a[0] < 3.7f || a[0] > 3.8f) return 5;
  if (inlay_g(&tb, &tb) != INLAY_ERROR_INVALID_ARGUMENT) return 6;
  inlay_module_unload(first);
  inlay_module_unload(second);
  return 0;
}
)";

TEST(CpuObject, TwoProgramsLinkIntoOneExecutable) {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "inlay-object-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  fs::path folder = name;
  CompileOptions options;
  options.artifacts = {Artifact::Object};
  std::unique_ptr<Backend> backend = cpu::make_backend();
  auto write = [&](const char* file, const std::string& bytes) {
    std::ofstream(folder / file, std::ios::binary) << bytes;
  };
  write("first.o", backend->compile("first", {lower(program("f"), "native")}, options)
                       .artifacts.at(Artifact::Object));
  write("second.o",
        backend
            ->compile("second-one",
                      {lower(program("g"), "x86-64-v3"), lower(program("g"), "x86-64")}, options)
            .artifacts.at(Artifact::Object));
  write("main.c", kMain);
  std::string library = INLAY_BINARY_DIR "/lib";
  std::string command = "cd " + name +
                        " && " INLAY_CLANG INLAY_SANITIZE_FLAGS " -I" INLAY_SOURCE_DIR
                        "/runtime/include -I" INLAY_SOURCE_DIR
                        "/runtime/abi main.c first.o "
                        "second.o -L" +
                        library + " -linlay_runtime -Wl,-rpath," + library + " -o main && ./main";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  fs::remove_all(folder);
}

}  // namespace
}  // namespace inlay::test
