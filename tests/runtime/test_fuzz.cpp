// The fuzzing step of fuzz_object.h on seeded mutations of the fixture: fast, and the same each
// time.
#include <random>

#include "tests/runtime/fuzz_object.h"
#include "tests/runtime/support.h"

namespace inlay::test {
namespace {

TEST(Fuzz, seeded_mutations_of_a_code_object) {
  const std::vector<unsigned char> good = read_bytes(kFixture);
  std::mt19937_64 random(20240607);
  const uint64_t interesting[] = {0,      1,          0x7f,       0x80,         0xff,
                                  0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0}, uint64_t{1} << 63};
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<unsigned char> bytes = good;
    int changes = 1 + static_cast<int>(random() % 4);
    for (int c = 0; c < changes; ++c) {
      // Mostly in the headers, where the structure is.
      size_t range =
          random() % 4 != 0 ? std::min<size_t>(bytes.size(), 64 + 56 * 10) : bytes.size();
      size_t at = random() % range;
      uint64_t value = random() % 2 ? random() : interesting[random() % std::size(interesting)];
      size_t width = size_t{1} << random() % 4;
      for (size_t i = 0; i < width && at + i < bytes.size(); ++i) {
        bytes[at + i] = static_cast<unsigned char>(value >> (8 * i));
      }
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    fuzz_object(bytes.data(), bytes.size());
    if (seal(bytes.data(), bytes.size())) {
      accepted += inlay_object_verify(bytes.data(), bytes.size(), nullptr) == INLAY_OK;
    }
  }
  EXPECT_GT(accepted, 100) << "no mutation reached the last checks";
}

}  // namespace
}  // namespace inlay::test
