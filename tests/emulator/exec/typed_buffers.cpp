// Typed buffers: formats, component selection, ranges, and what 16-bit data keep. Expected values
// are worked out by hand from the manual's descriptions.
#include <cmath>
#include <cstring>

#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

uint32_t f(float v) {
  uint32_t b;
  memcpy(&b, &v, 4);
  return b;
}

constexpr uint32_t kIdentity = 4 | 5 << 3 | 6 << 6 | 7 << 9;
constexpr uint32_t word3(uint32_t dfmt, uint32_t nfmt, uint32_t select = kIdentity) {
  return select | nfmt << 12 | dfmt << 15;
}

class Typed : public WaveTest {
 protected:
  void SetUp() override {
    resource(8, 4096);
    fill(0, 0);
  }
  // What the register quad v[4:7] holds after a typed load of WORDS at offset 16.
  std::vector<uint32_t> load(uint32_t dfmt, uint32_t nfmt, std::vector<uint32_t> words,
                             const std::string& how = "xyzw") {
    for (size_t n = 0; n < words.size(); n++) word(4 + n) = words[n];
    for (int n = 4; n < 8; n++) fill(n, 0xdddddddd);
    const std::string last = how == "x"     ? "v4"
                             : how == "xy"  ? "v[4:5]"
                             : how == "xyz" ? "v[4:6]"
                                            : "v[4:7]";
    EXPECT_EQ(run("tbuffer_load_format_" + how + " " + last + ", off, s[8:11], dfmt:" +
                  std::to_string(dfmt) + ", nfmt:" + std::to_string(nfmt) + ", 0 offset:16\n"),
              "");
    return {lane(4, 5), lane(5, 5), lane(6, 5), lane(7, 5)};
  }
  using V = std::vector<uint32_t>;
};
INSTANTIATE_TEST_SUITE_P(Host, Typed, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

TEST_P(Typed, NumberFormats) {
  EXPECT_EQ(load(10, 0, {0xff803300}), (V{0, f(0x33 / 255.0f), f(0x80 / 255.0f), f(1)}));
  EXPECT_EQ(load(10, 1, {0x80817f00}), (V{0, f(1), f(-1), f(-1)}));
  EXPECT_EQ(load(10, 2, {0xff010203}), (V{f(3), f(2), f(1), f(255)}));
  EXPECT_EQ(load(10, 3, {0xff807f01}), (V{f(1), f(127), f(-128), f(-1)}));
  EXPECT_EQ(load(10, 4, {0xff807f01}), (V{1, 127, 128, 255}));
  EXPECT_EQ(load(10, 5, {0xff807f01}), (V{1, 127, 0xffffff80, 0xffffffff}));
  EXPECT_EQ(load(12, 7, {0xc0003c00, 0x7c000001}), (V{f(1), f(-2), f(0x1p-24f), f(INFINITY)}));
  EXPECT_EQ(load(14, 7, {1, 2, 3, 4}), (V{1, 2, 3, 4}));
  EXPECT_EQ(load(13, 4, {1, 2, 3, 4}), (V{1, 2, 3, 0}));
  EXPECT_EQ(load(11, 5, {1, 0xffffffff, 3, 4}), (V{1, 0xffffffff, 0, 0}));
}
// The names of packed formats count from the highest bits, components from the lowest.
TEST_P(Typed, PackedLayouts) {
  EXPECT_EQ(load(9, 4, {3u << 30 | 0x201 << 20 | 0x102 << 10 | 0x3ff}),
            (V{0x3ff, 0x102, 0x201, 3}));
  EXPECT_EQ(load(8, 4, {0x3ffu << 22 | 0x201 << 12 | 0x102 << 2 | 1}), (V{1, 0x102, 0x201, 0x3ff}));
  EXPECT_EQ(load(9, 5, {2u << 30 | 0x200 << 20}), (V{0, 0, 0xfffffe00, 0xfffffffe}));
  // Floats of 11 and 10 bits: 1.0 is exponent 15.
  EXPECT_EQ(load(6, 7, {15u << 27 | (16u << 6) << 11 | (15u << 6 | 32)}),
            (V{f(1.5f), f(2), f(1), 0}));
  EXPECT_EQ(load(7, 7, {(15u << 6) << 21 | (15u << 6) << 10 | 31u << 5}),
            (V{f(INFINITY), f(1), f(1), 0}));
}
TEST_P(Typed, FewerComponentsThanTheFormat) {
  EXPECT_EQ(load(10, 4, {0x04030201}, "x"), (V{1, 0xdddddddd, 0xdddddddd, 0xdddddddd}));
  EXPECT_EQ(load(10, 4, {0x04030201}, "xyz"), (V{1, 2, 3, 0xdddddddd}));
  EXPECT_EQ(load(3, 4, {0x04030201}), (V{1, 2, 0, 0}));
}
TEST_P(Typed, TheResourceSelectsComponents) {
  word(0) = 0x04030201;
  // W, Z, 1, 0 of 8_8_8_8 uint; the same as unorm, where one is 1.0.
  resource(8, 64, 0, word3(10, 4, 7 | 6 << 3 | 1 << 6 | 0 << 9));
  EXPECT_EQ(run("buffer_load_format_xyzw v[4:7], off, s[8:11], 0\n"), "");
  EXPECT_EQ(lane(4), 4u);
  EXPECT_EQ(lane(5), 3u);
  EXPECT_EQ(lane(6), 1u);
  EXPECT_EQ(lane(7), 0u);
  resource(8, 64, 0, word3(10, 0, 7 | 6 << 3 | 1 << 6 | 0 << 9));
  EXPECT_EQ(run("buffer_load_format_xyzw v[4:7], off, s[8:11], 0\n"), "");
  EXPECT_EQ(lane(6), f(1));
  // Out of range: zero, but one where one is selected.
  EXPECT_EQ(run("buffer_load_format_xyzw v[4:7], off, s[8:11], 0 offset:64\n"), "");
  EXPECT_EQ(lane(4), 0u);
  EXPECT_EQ(lane(6), f(1));
  resource(8, 64, 0, word3(10, 0, 2));
  EXPECT_NE(run("buffer_load_format_x v4, off, s[8:11], 0\n").find("reserves"), std::string::npos);
  resource(8, 64, 0, word3(1, 7));
  EXPECT_NE(run("buffer_load_format_x v4, off, s[8:11], 0\n").find("does not exist"),
            std::string::npos);
  resource(8, 64, 0, word3(0, 0));  // nothing bound
  fill(4, 9);
  EXPECT_EQ(run("buffer_load_format_x v4, off, s[8:11], 0\n"), "");
  EXPECT_EQ(lane(4), 0u);
}
// All or nothing: an element that is partly out of range is out.
TEST_P(Typed, RangeOfAnElement) {
  for (size_t n = 0; n < 8; n++) word(n) = 7;
  resource(8, 28, 0, word3(14, 4));
  EXPECT_EQ(run("buffer_load_format_xyzw v[4:7], off, s[8:11], 0 offset:16\n"
                "buffer_load_dwordx4 v[8:11], off, s[8:11], 0 offset:16\n"),
            "");
  EXPECT_EQ(lane(4), 0u);
  EXPECT_EQ(lane(6), 0u);
  EXPECT_EQ(lane(10), 7u);
  EXPECT_EQ(lane(11), 0u);  // dword by dword
}
TEST_P(Typed, RecordsCountByIndexOrByBytes) {
  for (size_t n = 0; n < 64; n++) word(n) = 100 + static_cast<uint32_t>(n);
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = static_cast<uint32_t>(l);
  resource(8, 10, 16);  // ten records of 16 bytes
  EXPECT_EQ(run("buffer_load_dword v4, v1, s[8:11], 0 idxen offset:4\n"
                "buffer_load_dword v5, v1, s[8:11], 0 idxen offset:16\n"
                "buffer_load_dword v6, off, s[8:11], 0 offset:8\n"
                "buffer_load_dword v7, off, s[8:11], 0 offset:4\n"),
            "");
  EXPECT_EQ(lane(4, 9), 100u + 9 * 4 + 1);
  EXPECT_EQ(lane(4, 10), 0u);
  EXPECT_EQ(lane(5, 0), 0u);  // an offset beyond the stride
  EXPECT_EQ(lane(6), 0u);     // with no index the ten are bytes
  EXPECT_EQ(lane(7), 101u);
}
TEST_P(Typed, SwizzleAndAddTid) {
  for (size_t n = 0; n < 1024; n++) word(n) = static_cast<uint32_t>(n);
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = static_cast<uint32_t>(l);
  // Stride 16, elements of 4 bytes, index stride 8: the same dword of eight records lie together.
  resource(8, 64, 16, word3(4, 4) | 1 << 19 | 0 << 21);
  w.sgpr[9] |= 1u << 31;
  EXPECT_EQ(run("buffer_load_dword v4, v1, s[8:11], 0 idxen offset:8\n"), "");
  for (int l = 0; l < kLanes; l++)
    EXPECT_EQ(lane(4, l), static_cast<uint32_t>(l / 8 * 32 + 2 * 8 + l % 8)) << l;
  // The lane as index, with no swizzle: the data format widens the stride.
  resource(8, 4096, 8, 1 << 23);
  EXPECT_EQ(run("buffer_load_dword v4, off, s[8:11], 0 offset:4\n"), "");
  for (int l = 0; l < kLanes; l++) EXPECT_EQ(lane(4, l), static_cast<uint32_t>(2 * l + 1));
}
TEST_P(Typed, Stores) {
  const auto stored = [&](uint32_t dfmt, uint32_t nfmt, const V& v) {
    for (size_t n = 0; n < 4; n++) word(n) = 0xeeeeeeee;
    for (size_t n = 0; n < 4; n++) fill(4 + static_cast<int>(n), v[n]);
    w.set_pair(code::kExecLo, 1);
    EXPECT_EQ(run("tbuffer_store_format_xyzw v[4:7], off, s[8:11], dfmt:" + std::to_string(dfmt) +
                  ", nfmt:" + std::to_string(nfmt) + ", 0\n"),
              "");
    w.set_pair(code::kExecLo, ~uint64_t{0});
    return V{word(0), word(1), word(2), word(3)};
  };
  constexpr uint32_t e = 0xeeeeeeee;
  EXPECT_EQ(stored(10, 0, {f(0), f(0.5f), f(2), f(NAN)}), (V{0x00ff8000, e, e, e}));
  EXPECT_EQ(stored(10, 1, {f(-1), f(1), f(-2), f(0)}), (V{0x00817f81, e, e, e}));
  EXPECT_EQ(stored(10, 4, {1, 300, 255, 0}), (V{0x00ffff01, e, e, e}));
  EXPECT_EQ(stored(10, 5, {0xffffffff, 200, 0xffffff00, 5}), (V{0x05807fff, e, e, e}));
  EXPECT_EQ(stored(10, 3, {f(-3.7f), f(200), f(1e9f), f(-1e9f)}), (V{0x807f7ffd, e, e, e}));
  EXPECT_EQ(stored(12, 7, {f(1), f(-2), f(65504), f(0x1p-24f)}), (V{0xc0003c00, 0x00017bff, e, e}));
  EXPECT_EQ(stored(9, 4, {0x3ff, 0x102, 0x201, 3}),
            (V{3u << 30 | 0x201 << 20 | 0x102 << 10 | 0x3ff, e, e, e}));
  EXPECT_EQ(stored(6, 7, {f(1.5f), f(2), f(1), 0}),
            (V{15u << 27 | (16u << 6) << 11 | (15u << 6 | 32), e, e, e}));
  EXPECT_EQ(stored(6, 7, {f(-1), f(1e9f), f(1), 0}),  // no sign; the largest below infinity
            (V{15u << 27 | (30u << 6 | 63) << 11, e, e, e}));
  EXPECT_EQ(stored(13, 7, {1, 2, 3, 4}), (V{1, 2, 3, e}));
  // A permutation by the resource, and a store that leaves a component open.
  resource(8, 64, 0, word3(10, 4, 7 | 6 << 3 | 5 << 6 | 4 << 9));
  for (int n = 0; n < 4; n++) fill(4 + n, static_cast<uint32_t>(n + 1));
  EXPECT_EQ(run("buffer_store_format_xyzw v[4:7], off, s[8:11], 0\n"), "");
  EXPECT_EQ(word(0), 0x01020304u);
  EXPECT_NE(run("buffer_store_format_x v4, off, s[8:11], 0\n").find("no value"), std::string::npos);
}
TEST_P(Typed, SixteenBitData) {
  word(0) = 0xff804020;
  resource(8, 64, 0, word3(10, 4));
  for (int n = 4; n < 8; n++) fill(n, 0xdddddddd);
  EXPECT_EQ(run("buffer_load_format_d16_x v4, off, s[8:11], 0\n"
                "buffer_load_format_d16_hi_x v5, off, s[8:11], 0 offset:1\n"
                "buffer_load_format_d16_xyz v[6:7], off, s[8:11], 0\n"),
            "");
  EXPECT_EQ(lane(4), 0xdddd0020u);
  EXPECT_EQ(lane(5), 0x0040ddddu);
  EXPECT_EQ(lane(6), 0x00400020u);
  EXPECT_EQ(lane(7), 0xdddd0080u);
  resource(8, 64, 0, word3(10, 0));
  EXPECT_EQ(run("buffer_load_format_d16_xyzw v[6:7], off, s[8:11], 0\n"
                "buffer_store_format_d16_xyzw v[6:7], off, s[8:11], 0 offset:4\n"),
            "");
  EXPECT_EQ(lane(7) >> 16, 0x3c00u);
  EXPECT_EQ(word(1), 0xff804020u);
  fill(4, 0x3c003800);  // halves 0.5 and 1.0
  resource(8, 64, 0, word3(1, 0));
  EXPECT_EQ(run("buffer_store_format_d16_x v4, off, s[8:11], 0 offset:8\n"
                "buffer_store_format_d16_hi_x v4, off, s[8:11], 0 offset:9\n"),
            "");
  EXPECT_EQ(word(2) & 0xffff, 0xff80u);
}
// Registers with error correction are written whole: a load of a half loses the other one.
TEST_P(Typed, HalvesUnderErrorCorrection) {
  word(0) = 0x11223344;
  lds_word(0) = 0x55667788;
  w.set_pair(0, memory_address());
  const char* text =
      "buffer_load_short_d16 v4, off, s[8:11], 0\nglobal_load_short_d16_hi v5, v0, s[0:1]\n"
      "ds_read_u8_d16 v6, v0\n";
  for (bool on : {false, true}) {
    sramecc(on);
    for (int v = 4; v < 7; v++) fill(v, 0xdddddddd);
    EXPECT_EQ(run(text, Chip::kGfx906), "");
    EXPECT_EQ(lane(4), on ? 0x3344u : 0xdddd3344u);
    EXPECT_EQ(lane(5), on ? 0x33440000u : 0x3344ddddu);
    EXPECT_EQ(lane(6), on ? 0x88u : 0xdddd0088u);
  }
}
TEST_P(Typed, LdsAndStatus) {
  for (size_t n = 0; n < 64; n++) word(n) = 1000 + static_cast<uint32_t>(n);
  for (int l = 0; l < kLanes; l++) w.vgpr[1][l] = 4 * static_cast<uint32_t>(l);
  w.sgpr[code::kM0] = 256;
  fill(7, 0xdddddddd);
  EXPECT_EQ(run("buffer_load_dword v1, s[8:11], 0 offen offset:4 lds\n"
                "buffer_store_lds_dword s[8:11], 0 offset:4 lds\n"
                "buffer_load_dword v[6:7], off, s[8:11], 0 tfe\n"),
            "");
  EXPECT_EQ(lds_word(65), 1001u);
  EXPECT_EQ(lds_word(65 + 62), 1063u);
  EXPECT_EQ(word(1 + 62), 1063u);
  EXPECT_EQ(lane(6), 1000u);
  EXPECT_EQ(lane(7), 0u);
  compared({"buffer_store_lds_dword"});
}

}  // namespace
}  // namespace inlay::emulator
