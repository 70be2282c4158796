// What tests of the inlay command share: a folder of their own in which it runs, and its answers.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace inlay::testing {

namespace fs = std::filesystem;

struct Result {
  int code = -1;
  std::string out, err;
};

inline std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// Each test has a folder of its own, in which the command runs, and a cache of
// its own.
class Cli : public ::testing::Test {
 protected:
  Cli() {
    std::string name = (fs::temp_directory_path() / "inlay-cli-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Cli() override { fs::remove_all(folder_); }

  Result inlay(const std::string& arguments) const { return shell(INLAY_COMMAND " " + arguments); }

  Result shell(const std::string& command) const {
    fs::path out = folder_ / ".stdout", err = folder_ / ".stderr";
    std::string line = "cd '" + folder_.string() + "' && XDG_CACHE_HOME='" +
                       (folder_ / ".cache").string() + "' " + command + " >'" + out.string() +
                       "' 2>'" + err.string() + "'";
    int status = std::system(line.c_str());
    Result result{WIFEXITED(status) ? WEXITSTATUS(status) : 128, read(out), read(err)};
    fs::remove(out);
    fs::remove(err);
    return result;
  }

  // Files in the test's folder, but for the cache.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      std::string name = entry.path().filename().string();
      if (name != ".cache") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_;
};

}  // namespace inlay::testing
