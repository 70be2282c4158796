// The parser's fuzz target on mutated programs, from a seed: a plain test of a few seconds.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/text/text.h"
#include "tests/core/support/random_program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace inlay {
namespace {

using testing::Random;

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> corpus() {
  std::vector<std::string> texts = {
      "", "func f(A: f32[M, N] strided align 16, n: index) { A[n, 0] += 1.0 }",
      "param mr = 6 { x86_64(avx512f): 14 any: -3 }\nimport c \"a.c\" flags \"-O3\" may_call",
      "intrin t<m>(a: f32[m]) {} implement t<4> for any { import llvm inline \"\"\"\nx\"\"\" }",
      read(INLAY_SOURCE_DIR "/docs/LANGUAGE.md")};
  for (auto& entry : std::filesystem::recursive_directory_iterator(INLAY_SOURCE_DIR "/kernels")) {
    if (entry.path().extension() == ".inlay") texts.push_back(read(entry.path()));
  }
  for (uint64_t seed = 0; seed < 60; ++seed) {
    bool executable = seed % 2 == 0;
    texts.push_back(print(testing::random_program({seed, 12, executable}).program));
  }
  return texts;
}

const char* const kPieces[] = {"func ",
                               "intrin ",
                               "implement ",
                               "import ",
                               "param ",
                               "for ",
                               "in ",
                               "if ",
                               "else ",
                               "let ",
                               "alloc ",
                               "assert ",
                               "barrier",
                               "call ",
                               "asm ",
                               "{",
                               "}",
                               "(",
                               ")",
                               "[",
                               "]",
                               "<",
                               ">",
                               ",",
                               ";",
                               ":",
                               "..",
                               "=",
                               "+=",
                               "==",
                               "&&",
                               "&",
                               "-",
                               "!",
                               "~",
                               "/",
                               "%",
                               "<<",
                               "\"",
                               "\"\"\"",
                               "/*",
                               "*/",
                               "//",
                               "\n",
                               "\r\n",
                               "0",
                               "1.5",
                               "1e99",
                               "0x1p3",
                               "3i8",
                               "-1",
                               "f32",
                               "f32x8",
                               "index",
                               "i",
                               "A",
                               "A.stride0",
                               "strided",
                               "stride(A, 0)",
                               "extent(A, 1)",
                               "select(",
                               "min(",
                               "ramp(",
                               "broadcast(",
                               "infinity(f32)",
                               "nan(f64)",
                               "volatile ",
                               "any",
                               "1_000",
                               "18446744073709551615",
                               "\\x0a",
                               "\xff",
                               "\xc3\xa9",
                               "\x01"};

std::string mutated(Random& random, const std::vector<std::string>& texts) {
  std::string text = random.pick(texts);
  for (int count = 1 + random.below(6); count > 0; --count) {
    int size = static_cast<int>(text.size());
    int at = random.below(size + 1), length = std::min(random.below(40), size - at);
    switch (random.below(6)) {
      case 0:
        text.erase(static_cast<size_t>(at), static_cast<size_t>(length));
        break;
      case 1:
        text.insert(static_cast<size_t>(at), random.pick(kPieces));
        break;
      case 2:
        text.replace(static_cast<size_t>(at), static_cast<size_t>(length), random.pick(kPieces));
        break;
      case 3:
        text.insert(static_cast<size_t>(random.below(size + 1)),
                    text.substr(static_cast<size_t>(at), static_cast<size_t>(length)));
        break;
      case 4:
        if (at < size) text[static_cast<size_t>(at)] = static_cast<char>(random.below(256));
        break;
      default: {
        const std::string& other = random.pick(texts);
        int from = random.below(static_cast<int>(other.size()) + 1);
        text = text.substr(0, static_cast<size_t>(at)) + other.substr(static_cast<size_t>(from));
      }
    }
  }
  return text;
}

TEST(ParseFuzz, TheCorpusItself) {
  for (const std::string& text : corpus()) run(text);
}

TEST(ParseFuzz, MutatedPrograms) {
  std::vector<std::string> texts = corpus();
  Random random(20240607);
  size_t parsed = 0;
  constexpr int kInputs = 8000;
  for (int i = 0; i < kInputs; ++i) {
    std::string text = mutated(random, texts);
    run(text);
    parsed += !parse_program(text, "fuzz.inlay").diagnostics.has_errors();
  }
  // Neither all nor none: else the mutations test one half of the target alone.
  EXPECT_GT(parsed, kInputs / 100u);
  EXPECT_LT(parsed, kInputs / 2u);
}

TEST(ParseFuzz, PiecesOfTheGrammarInARow) {
  Random random(42);
  for (int i = 0; i < 8000; ++i) {
    std::string text = random.chance(50) ? "func f(A: f32[M, N], i: index) {" : "";
    for (int count = random.below(60); count > 0; --count) text += random.pick(kPieces);
    run(text);
  }
}

}  // namespace
}  // namespace inlay
