// Where HIP comes from: each way in which there is none, and its sentence. A failure is tried again
// by the next call, so one process can go through all of them; what succeeds comes last.
#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "tests/runtime/support.h"

namespace inlay::test {
namespace {

const char kHelp[] =
    "no GPU (without one, the emulator can take its place: set INLAY_HIP_LIBRARY to "
    "emulator): ";

// The sentence of a failure, without the way out that it begins with.
std::string no_gpu(const std::string& library) {
  if (library.empty()) {
    unsetenv("INLAY_HIP_LIBRARY");
  } else {
    setenv("INLAY_HIP_LIBRARY", library.c_str(), 1);
  }
  int32_t count = 77;
  EXPECT_EQ(inlay_device_count(kDLROCM, &count), INLAY_ERROR_NO_DEVICE) << library;
  EXPECT_EQ(count, 77);
  std::string sentence = inlay_last_error();
  EXPECT_EQ(sentence.substr(0, sizeof kHelp - 1), kHelp);
  return sentence.substr(std::min(sentence.size(), sizeof kHelp - 1));
}

TEST(HipLibrary, missing) {
  EXPECT_EQ(no_gpu("/nonexistent/libamdhip64.so"),
            "found no HIP library: /nonexistent/libamdhip64.so: No such file or directory");
}

TEST(HipLibrary, not_a_library) {
  TempFile text(std::vector<unsigned char>(5000, 'x'));
  EXPECT_EQ(no_gpu(text.path()), "found no HIP library: " + text.path() + ": invalid ELF header");
}

TEST(HipLibrary, of_another_purpose) {
  EXPECT_EQ(no_gpu(INLAY_NOT_HIP),
            "found no HIP library: " INLAY_NOT_HIP
            ": lacks hipGetDeviceCount, hipGetDevice, hipSetDevice and 22 more, so it is no HIP "
            "library that this runtime can use");
}

TEST(HipLibrary, folder_without_it) {
  std::string folder = testing::TempDir() + "inlay_no_hip_" + std::to_string(getpid());
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  std::string sentence = no_gpu(folder);
  for (const char* name : {"libamdhip64.so: ", "libamdhip64.so.7: ", "libamdhip64.so.6: ",
                           "libamdhip64.so.5: ", "libamdhip64.so.4: "}) {
    EXPECT_NE(sentence.find(folder + "/" + name), std::string::npos) << sentence;
  }
  rmdir(folder.c_str());
}

// AMD's own library, where it is installed and there is no GPU for it.
TEST(HipLibrary, usual_names) {
  if (access("/dev/kfd", F_OK) == 0) GTEST_SKIP() << "there is a GPU, or there may be one";
  std::string sentence = no_gpu("");
  if (sentence.find("found no HIP library") == 0) {
    for (const char* tried : {"libamdhip64.so: ", "libamdhip64.so.6: ", "libamdhip64.so.5: ",
                              "/opt/rocm/lib/libamdhip64.so: "}) {
      EXPECT_NE(sentence.find(tried), std::string::npos) << sentence;
    }
    GTEST_SKIP() << "AMD's library is not installed: " << sentence;
  }
  EXPECT_NE(sentence.find(" finds no device: hip"), std::string::npos) << sentence;
  size_t name = sentence.find("hipError");
  ASSERT_NE(name, std::string::npos) << sentence;
  EXPECT_EQ(sentence.find("hipError", name + 1), std::string::npos) << "said twice: " << sentence;
}

TEST(HipLibrary, no_call_works_without_a_gpu) {
  setenv("INLAY_HIP_LIBRARY", "/nonexistent/libamdhip64.so", 1);
  DLDevice gpu{kDLROCM, 0};
  int64_t shape[] = {4};
  DLManagedTensor* tensor = nullptr;
  InlayStream* stream = nullptr;
  InlayEvent* event = nullptr;
  InlayDeviceInfo info;
  EXPECT_EQ(inlay_device_info(gpu, &info), INLAY_ERROR_NO_DEVICE);
  EXPECT_EQ(inlay_device_synchronize(gpu), INLAY_ERROR_NO_DEVICE);
  EXPECT_EQ(inlay_tensor_new(gpu, {kDLFloat, 32, 1}, 1, shape, &tensor), INLAY_ERROR_NO_DEVICE);
  EXPECT_EQ(inlay_tensor_new({kDLROCMHost, 0}, {kDLFloat, 32, 1}, 1, shape, &tensor),
            INLAY_ERROR_NO_DEVICE);
  EXPECT_EQ(inlay_stream_new(gpu, &stream), INLAY_ERROR_NO_DEVICE);
  EXPECT_EQ(inlay_event_new(gpu, &event), INLAY_ERROR_NO_DEVICE);
  Tensor<float> a({4}), b({4});
  b.dl.device = gpu;
  EXPECT_EQ(inlay_tensor_copy(&a.dl, &b.dl), INLAY_ERROR_NO_DEVICE);
}

// The emulator by its folder, and what is found once is used from then on, by all threads.
TEST(HipLibrary, then_the_emulator) {
  setenv("INLAY_HIP_LIBRARY", INLAY_EMULATOR_DIR, 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      int32_t count = 0;
      InlayDeviceInfo info;
      EXPECT_EQ(inlay_device_count(kDLROCM, &count), INLAY_OK) << inlay_last_error();
      EXPECT_EQ(count, 1);
      EXPECT_EQ(inlay_device_info({kDLROCM, 0}, &info), INLAY_OK) << inlay_last_error();
    });
  }
  for (std::thread& thread : threads) thread.join();
  InlayDeviceInfo info;
  setenv("INLAY_HIP_LIBRARY", "/nonexistent/libamdhip64.so", 1);
  ASSERT_EQ(inlay_device_info({kDLROCM, 0}, &info), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(std::string(info.library).find(INLAY_EMULATOR_DIR), 0u) << info.library;
}

}  // namespace
}  // namespace inlay::test
