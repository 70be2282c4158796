// main() of a fuzz target that is not built with libFuzzer: runs every file of the corpus, then
// mutations of them from a seed, always the same ones. It makes each fuzz target a plain test, with
// or without sanitizers; libFuzzer (preset fuzz) explores further.
//
//   PROGRAM [--runs=N] [--seed=S] CORPUS_FOLDER_OR_FILE...
//
// If the target crashes, the input that did it lies in PROGRAM.crash, and PROGRAM PROGRAM.crash
// --runs=0 repeats it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizers' own name
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr size_t kMaxInput = 1 << 16;

// What the crash handlers may touch: plain data, written before each run.
const uint8_t* current_data = nullptr;
size_t current_size = 0;
char crash_path[4096];

void save_current() {
  const int file = open(crash_path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (file < 0) return;
  size_t done = 0;
  while (done < current_size) {
    const ssize_t written = write(file, current_data + done, current_size - done);
    if (written <= 0) break;
    done += static_cast<size_t>(written);
  }
  close(file);
}

void on_signal(int number) {
  save_current();
  (void)std::signal(number, SIG_DFL);
  (void)raise(number);
}

void run(const std::vector<uint8_t>& input) {
  // A copy of exactly this size, so that AddressSanitizer sees a read past its end.
  const std::vector<uint8_t> exact(input.begin(), input.end());
  current_data = exact.data();
  current_size = exact.size();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

class Mutator {
 public:
  Mutator(const std::vector<std::vector<uint8_t>>& corpus, uint64_t seed)
      : corpus_(corpus), random_(seed) {}

  std::vector<uint8_t> next() {
    std::vector<uint8_t> input = corpus_[below(corpus_.size())];
    for (size_t left = 1 + below(8); left > 0; --left) mutate(input);
    if (input.size() > kMaxInput) input.resize(kMaxInput);
    return input;
  }

 private:
  size_t below(size_t limit) { return static_cast<size_t>(random_() % limit); }

  void mutate(std::vector<uint8_t>& input) {
    if (input.empty()) {
      input.push_back(static_cast<uint8_t>(random_()));
      return;
    }
    const size_t at = below(input.size());
    const auto here = input.begin() + static_cast<std::ptrdiff_t>(at);
    const size_t length = std::min(input.size() - at, 1 + below(32));
    const auto there = here + static_cast<std::ptrdiff_t>(length);
    switch (below(8)) {
      case 0:
        *here ^= static_cast<uint8_t>(1U << below(8));
        break;
      case 1:
        *here = static_cast<uint8_t>(random_());
        break;
      case 2: {
        // Values at the edges of integers, in 1 to 8 bytes.
        static constexpr uint64_t kEdges[] = {0,    1,          0x7f,       0x80,
                                              0xff, 0x7fffffff, 0xffffffff, ~0ULL};
        const uint64_t value = kEdges[below(std::size(kEdges))];
        std::memcpy(&*here, &value, std::min<size_t>(length, sizeof value));
        break;
      }
      case 3:
        input.erase(here, there);
        break;
      case 4: {
        const std::vector<uint8_t> chunk(here, there);
        const size_t to = below(input.size());
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(to), chunk.begin(), chunk.end());
        break;
      }
      case 5: {
        // A piece of another input, over or between.
        const std::vector<uint8_t>& other = corpus_[below(corpus_.size())];
        if (other.empty()) break;
        const size_t from = below(other.size());
        const size_t count = std::min(other.size() - from, 1 + below(64));
        const auto piece = other.begin() + static_cast<std::ptrdiff_t>(from);
        input.insert(here, piece, piece + static_cast<std::ptrdiff_t>(count));
        break;
      }
      case 6:
        input.resize(at);
        break;
      default:
        input.insert(here, below(64), *here);
        break;
    }
  }

  const std::vector<std::vector<uint8_t>>& corpus_;
  std::mt19937_64 random_;
};

std::vector<std::vector<uint8_t>> read_corpus(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::vector<uint8_t>> corpus;
  for (const std::string& name : files) {
    std::ifstream file(name, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", name.c_str());
      continue;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

bool number_option(const std::string& argument, const std::string& name, uint64_t* value) {
  if (argument.rfind(name, 0) != 0) return false;
  *value = std::strtoull(argument.c_str() + name.size(), nullptr, 10);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t runs = 2000;
  uint64_t seed = 1;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!number_option(argument, "--runs=", &runs) && !number_option(argument, "--seed=", &seed)) {
      paths.push_back(argument);
    }
  }
  const std::vector<std::vector<uint8_t>> corpus = read_corpus(paths);
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus: name a folder or file with inputs\n");
    return 2;
  }
  std::snprintf(crash_path, sizeof crash_path, "%s.crash", argv[0]);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(save_current);
  for (const int number : {SIGABRT, SIGFPE, SIGILL}) (void)std::signal(number, on_signal);
  // AddressSanitizer reports these two itself, and then calls the death callback.
  if (__sanitizer_set_death_callback == nullptr) {
    for (const int number : {SIGSEGV, SIGBUS}) (void)std::signal(number, on_signal);
  }

  for (const std::vector<uint8_t>& input : corpus) run(input);
  Mutator mutator(corpus, seed);
  for (uint64_t i = 0; i < runs; ++i) run(mutator.next());
  std::printf("%zu inputs and %llu mutations from seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
  return 0;
}
