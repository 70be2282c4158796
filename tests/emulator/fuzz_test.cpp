// Whatever comes in, an error goes out: damaged code objects and bundles, random descriptors,
// random instructions. That nothing crashes and nothing hangs is what is tested; run it under the
// sanitizers too.
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "runtime/emulator/machine/launch.h"
#include "tests/emulator/wave_fixture.h"

namespace inlay::emulator {
namespace {

// A whole code object of a kernel that stores a constant.
std::vector<uint8_t> sound_object() {
  const std::string text = R"(
.amdgcn_target "amdgcn-amd-amdhsa--gfx900"
.text
.globl k
.p2align 8
.type k,@function
k:
  s_load_dwordx2 s[2:3], s[0:1], 0x0
  v_mov_b32 v1, 42
  v_lshlrev_b32 v0, 2, v0
  s_waitcnt lgkmcnt(0)
  global_store_dword v0, v1, s[2:3]
  s_endpgm
.rodata
.p2align 6
.amdhsa_kernel k
  .amdhsa_user_sgpr_kernarg_segment_ptr 1
  .amdhsa_next_free_vgpr 8
  .amdhsa_next_free_sgpr 16
.end_amdhsa_kernel
.amdgpu_metadata
amdhsa.version: [1, 1]
amdhsa.kernels:
  - .name: k
    .symbol: k.kd
    .kernarg_segment_size: 8
    .kernarg_segment_align: 8
    .group_segment_fixed_size: 0
    .private_segment_fixed_size: 0
    .wavefront_size: 64
    .sgpr_count: 16
    .vgpr_count: 8
    .max_flat_workgroup_size: 256
    .args:
      - {.offset: 0, .size: 8, .value_kind: global_buffer, .address_space: global}
.end_amdgpu_metadata
)";
  const std::string stem = testing::TempDir() + "inlay_fuzz_" + std::to_string(getpid());
  std::ofstream(stem + ".s") << text;
  const std::string assembler = std::string(INLAY_LLVM_MC) +
                                " -triple=amdgcn-amd-amdhsa -mcpu=gfx900 -filetype=obj -o " + stem +
                                ".o " + stem + ".s";
  const std::string linker = std::string(INLAY_LLD) + " -shared -o " + stem + ".co " + stem + ".o";
  EXPECT_EQ(system(assembler.c_str()), 0);
  EXPECT_EQ(system(linker.c_str()), 0);
  std::ifstream file(stem + ".co", std::ios::binary);
  const std::vector<uint8_t> object{std::istreambuf_iterator<char>(file), {}};
  for (const char* end : {".s", ".o", ".co"}) remove((stem + end).c_str());
  return object;
}

void launch_all(DeviceMemory* memory, const CodeObject& object, uint64_t argument) {
  for (const Kernel& k : object.kernels()) {
    Launch l;
    l.object = &object;
    l.kernel = &k;
    l.grid[0] = 2;
    l.block[0] = 100;
    l.arguments.resize(8);
    memcpy(l.arguments.data(), &argument, 8);
    LaunchOptions options;
    options.watchdog_seconds = 0.02;
    std::string error;
    run_launch(memory, l, options, &error);
  }
}

TEST(Fuzz, SoundObjectRuns) {
  const std::vector<uint8_t> object = sound_object();
  DeviceMemory memory;
  std::string error;
  const auto code = CodeObject::load(Chip::kGfx900, &memory, object.data(), object.size(), &error);
  ASSERT_NE(code, nullptr) << error;
  auto* out = static_cast<uint32_t*>(memory.allocate(4096, "out"));
  memset(out, 0, 4096);
  launch_all(&memory, *code, reinterpret_cast<uint64_t>(out));
  for (int n = 0; n < 101; n++) EXPECT_EQ(out[n], n < 100 ? 42u : 0u);
  EXPECT_EQ(CodeObject::load(Chip::kGfx906, &memory, object.data(), object.size(), &error),
            nullptr);
  EXPECT_NE(error.find("another chip"), std::string::npos) << error;
}

TEST(Object, VersionsAreToldApart) {
  std::vector<uint8_t> object = sound_object();
  DeviceMemory memory;
  std::string error;
  const auto load = [&](Target target) {
    error.clear();
    return CodeObject::load(target, &memory, object.data(), object.size(), &error) != nullptr;
  };
  constexpr size_t kAbiVersion = 8, kFlags = 48;
  const uint8_t mach = object[kFlags];
  object[kAbiVersion] = 0;
  EXPECT_FALSE(load(Chip::kGfx900));
  EXPECT_NE(error.find("code object version 2"), std::string::npos) << error;
  EXPECT_NE(error.find("-mcode-object-version=5"), std::string::npos) << error;
  object[kAbiVersion] = 9;
  EXPECT_FALSE(load(Chip::kGfx900));
  // From version 4 on: xnack in bits 9:8 is off (2) or on (3), or left open (1).
  Target xnack(Chip::kGfx900);
  xnack.xnack = true;
  for (const uint8_t version : {2, 3, 4}) {
    object[kAbiVersion] = version;
    object[kFlags + 1] = 1;
    EXPECT_TRUE(load(Chip::kGfx900) && load(xnack)) << error;
    object[kFlags + 1] = 2;
    EXPECT_TRUE(load(Chip::kGfx900)) << error;
    EXPECT_FALSE(load(xnack));
    EXPECT_NE(error.find("gfx900:xnack+"), std::string::npos) << error;
    object[kFlags + 1] = 3;
    EXPECT_TRUE(load(xnack)) << error;
    EXPECT_FALSE(load(Chip::kGfx900));
  }
  // Version 3: one bit, set or not.
  object[kAbiVersion] = 1;
  object[kFlags + 1] = 0;
  EXPECT_TRUE(load(Chip::kGfx900)) << error;
  EXPECT_FALSE(load(xnack));
  object[kFlags + 1] = 1;
  EXPECT_TRUE(load(xnack)) << error;
  // gfx9-generic is for both chips, from version 6 on.
  object[kFlags] = 0x51;
  object[kFlags + 1] = 1;
  object[kAbiVersion] = 4;
  EXPECT_TRUE(load(Chip::kGfx900) && load(Chip::kGfx906)) << error;
  object[kAbiVersion] = 3;
  EXPECT_FALSE(load(Chip::kGfx900));
  object[kFlags] = mach;
  EXPECT_TRUE(load(Chip::kGfx900)) << error;
}

TEST(Fuzz, DamagedObjects) {
  const std::vector<uint8_t> object = sound_object();
  std::mt19937_64 rng(3);
  DeviceMemory memory;
  void* out = memory.allocate(4096, "out");
  int loaded = 0;
  for (int trial = 0; trial < 1500; trial++) {
    std::vector<uint8_t> bad = object;
    const int changes = 1 + static_cast<int>(rng() % 8);
    for (int n = 0; n < changes; n++) bad[rng() % bad.size()] = static_cast<uint8_t>(rng());
    if (trial % 5 == 0) bad.resize(rng() % bad.size());
    if (bad.empty()) continue;
    std::string error;
    const auto code = CodeObject::load(Chip::kGfx900, &memory, bad.data(), bad.size(), &error);
    if (code == nullptr) {
      EXPECT_FALSE(error.empty());
      continue;
    }
    loaded++;
    launch_all(&memory, *code, reinterpret_cast<uint64_t>(out));
  }
  EXPECT_GT(loaded, 100);
}

TEST(Fuzz, RandomBundles) {
  const std::vector<uint8_t> object = sound_object();
  std::mt19937_64 rng(4);
  DeviceMemory memory;
  for (int trial = 0; trial < 2000; trial++) {
    std::string bundle = "__CLANG_OFFLOAD_BUNDLE__";
    const auto put = [&](uint64_t v) { bundle.append(reinterpret_cast<const char*>(&v), 8); };
    const std::string id =
        trial % 3 ? "hipv4-amdgcn-amd-amdhsa--gfx900" : "host-x86_64-unknown-linux--";
    put(1);
    put(24 + 32 + id.size());
    put(object.size());
    put(id.size());
    bundle += id;
    bundle.append(object.begin(), object.end());
    if (trial % 2) bundle[24 + rng() % 40] = static_cast<char>(rng());
    std::string error;
    const auto code =
        CodeObject::load(Chip::kGfx900, &memory, bundle.data(), bundle.size(), &error);
    EXPECT_TRUE(code != nullptr || !error.empty());
    if (trial % 2 == 0) EXPECT_EQ(code != nullptr, trial % 3 != 0) << error;
  }
}

// A bundle with one entry per target ID, each the object and a number of zeros behind it that tells
// them apart.
std::string bundle_of(const std::vector<uint8_t>& object, const std::vector<std::string>& ids) {
  std::string bundle = "__CLANG_OFFLOAD_BUNDLE__", data;
  const auto put = [&](uint64_t v) { bundle.append(reinterpret_cast<const char*>(&v), 8); };
  uint64_t at = 32;
  for (const std::string& id : ids) at += 24 + id.size();
  put(ids.size());
  for (size_t n = 0; n < ids.size(); n++) {
    put(at + data.size());
    put(object.size() + n);
    put(ids[n].size());
    bundle += ids[n];
    data.append(object.begin(), object.end());
    data.append(n, 0);
  }
  return bundle + data;
}

std::string compressed(const std::string& bundle, uint16_t version, bool zstd) {
  std::string packed;
  if (zstd) {
    packed.resize(ZSTD_compressBound(bundle.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), bundle.data(), bundle.size(), 3));
  } else {
    uLongf size = compressBound(bundle.size());
    packed.resize(size);
    EXPECT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                       reinterpret_cast<const Bytef*>(bundle.data()), bundle.size()),
              Z_OK);
    packed.resize(size);
  }
  std::string out = "CCOB";
  const auto put = [&](uint64_t v, size_t bytes) {
    out.append(reinterpret_cast<const char*>(&v), bytes);
  };
  const size_t header = version == 1 ? 20 : version == 2 ? 24 : 32, width = version == 3 ? 8 : 4;
  put(version, 2);
  put(zstd, 2);
  if (version > 1) put(header + packed.size(), width);
  put(bundle.size(), width);
  put(0x1234567890abcdef, 8);
  return out + packed;
}

// Which entry of a bundle of IDS runs on TARGET; -1 if none.
int choice(const std::string& target, const std::vector<std::string>& ids) {
  static const std::vector<uint8_t> object = sound_object();
  Target t(Chip::kGfx900);
  EXPECT_TRUE(parse_target(target, &t)) << target;
  const std::string bundle = bundle_of(object, ids);
  CodeImage image;
  std::string error;
  if (!find_code_object(t, bundle.data(), bundle.size(), &image, &error)) {
    EXPECT_NE(error.find("no code for"), std::string::npos) << error;
    return -1;
  }
  return static_cast<int>(image.size - object.size());
}

TEST(Bundle, TargetsAreMatchedByChipAndFeatures) {
  const std::string v4 = "hipv4-amdgcn-amd-amdhsa--";
  const std::vector<std::string> ids = {"host-x86_64-unknown-linux-gnu-", v4 + "gfx906",
                                        v4 + "gfx906:sramecc+:xnack-",    v4 + "gfx900:xnack+",
                                        "hip-amdgcn-amd-amdhsa-gfx900",   v4 + "gfx906:xnack+"};
  EXPECT_EQ(choice("gfx906", ids), 1);
  EXPECT_EQ(choice("gfx906:sramecc+", ids), 2);
  EXPECT_EQ(choice("gfx906:xnack+", ids), 5);
  EXPECT_EQ(choice("gfx900", ids), 4);
  EXPECT_EQ(choice("gfx900:xnack+", ids), 3);
  EXPECT_EQ(choice("gfx900", {v4 + "gfx900:xnack+", v4 + "gfx90a", v4 + "gfx9000"}), -1);
  EXPECT_EQ(choice("gfx906", {v4 + "gfx906:sramecc+"}), -1);
  EXPECT_EQ(choice("gfx900", {v4 + "gfx9-generic", v4 + "gfx900"}), 1);
  EXPECT_EQ(choice("gfx906", {v4 + "gfx9-generic"}), 0);
  EXPECT_EQ(choice("gfx900", {"openmp-amdgcn-amd-amdhsa--gfx900"}), -1);
  Target t(Chip::kGfx900);
  for (const char* bad : {"", "gfx90", "gfx900:sramecc+", "gfx906:xnack", "gfx906:xnack+:xnack+",
                          "gfx906:", "gfx908"})
    EXPECT_FALSE(parse_target(bad, &t)) << bad;
}

TEST(Bundle, CompressedOnesAreUnpacked) {
  const std::vector<uint8_t> object = sound_object();
  const std::string bundle = bundle_of(object, {"hipv4-amdgcn-amd-amdhsa--gfx900"});
  for (const bool zstd : {false, true})
    for (const uint16_t version : {1, 2, 3}) {
      const std::string packed = compressed(bundle, version, zstd);
      for (const uint64_t size : {uint64_t{packed.size()}, ~uint64_t{0}}) {
        Bundle b;
        std::string error;
        ASSERT_TRUE(parse_bundle(packed.data(), size, &b, &error)) << error;
        EXPECT_EQ(b.extent, packed.size());
        ASSERT_EQ(b.entries.size(), 1u);
        ASSERT_EQ(b.entries[0].size, object.size());
        EXPECT_EQ(memcmp(b.entries[0].data, object.data(), object.size()), 0);
      }
    }
  DeviceMemory memory;
  std::string error;
  std::string packed = compressed(bundle, 2, true);
  EXPECT_NE(CodeObject::load(Chip::kGfx900, &memory, packed.data(), packed.size(), &error), nullptr)
      << error;
  const auto refused = [&](const std::string& bad, const char* why) {
    EXPECT_EQ(CodeObject::load(Chip::kGfx900, &memory, bad.data(), bad.size(), &error), nullptr);
    EXPECT_NE(error.find(why), std::string::npos) << error;
  };
  refused(packed.substr(0, packed.size() / 2), "cut short");
  refused(compressed(bundle.substr(0, bundle.size() / 2), 3, true), "cut short");
  packed[4] = 9;
  refused(packed, "version above 3");
  packed[4] = 2;
  packed[6] = 7;
  refused(packed, "unknown method");
}

// Descriptors, kernel arguments and grids as no compiler makes them.
TEST(Fuzz, RandomLaunches) {
  const std::vector<uint8_t> object = sound_object();
  DeviceMemory memory;
  Workers workers;
  std::string error;
  const auto code = CodeObject::load(Chip::kGfx900, &memory, object.data(), object.size(), &error);
  ASSERT_NE(code, nullptr) << error;
  void* out = memory.allocate(1 << 16, "out");
  static const char* kHidden[] = {"hidden_block_count_x",
                                  "hidden_group_size_z",
                                  "hidden_remainder_y",
                                  "hidden_global_offset_x",
                                  "hidden_grid_dims",
                                  "hidden_hostcall_buffer",
                                  "hidden_heap_v1",
                                  "hidden_private_base",
                                  "hidden_queue_ptr",
                                  "hidden_",
                                  "hidden_group_size_",
                                  "hidden_block_count_?",
                                  "hidden_multigrid_sync_arg",
                                  "hidden_unheard_of",
                                  "by_value"};
  std::mt19937_64 rng(8);
  int ran = 0;
  for (int trial = 0; trial < 3000; trial++) {
    Kernel k = code->kernels()[0];
    const auto any = [&](uint64_t most) { return static_cast<uint32_t>(rng() % (most + 1)); };
    if (rng() % 2) k.descriptor.rsrc1 ^= 1u << any(31);
    if (rng() % 2) k.descriptor.rsrc2 ^= 1u << any(31);
    if (rng() % 2) k.descriptor.properties ^= static_cast<uint16_t>(1u << any(15));
    if (rng() % 4 == 0) k.descriptor.group_segment_size = any(rng() % 2 ? 70000 : 0xffffffff);
    if (rng() % 4 == 0) k.descriptor.private_segment_size = any(rng() % 2 ? 5000 : 0xffffffff);
    if (rng() % 8 == 0) k.entry += rng() % 2 ? any(64) : rng();
    if (rng() % 4 == 0) k.max_workgroup_size = 1 + any(1023);
    k.kernarg_size = any(600);
    k.arguments.clear();
    for (uint32_t n = any(8); n > 0 && k.kernarg_size > 0; n--) {
      KernelArgument a;
      a.offset = any(k.kernarg_size - 1);
      a.size = std::min(k.kernarg_size - a.offset, any(24));
      a.kind = kHidden[rng() % 15];
      k.arguments.push_back(a);
    }
    Launch l;
    l.object = code.get();
    l.kernel = &k;
    for (int n = 0; n < 3; n++) {
      l.block[n] = any(n == 0 ? 200 : 3);
      l.grid[n] = rng() % 50 ? any(4) : any(0xffffffff);
      l.missing[n] = rng() % 3 ? 0 : any(l.block[n]);
    }
    l.dynamic_lds = rng() % 2 ? 0 : any(rng() % 2 ? 65536 : 0xffffffff);
    l.arguments.resize(any(100));
    const uint64_t address = reinterpret_cast<uint64_t>(out);
    if (l.arguments.size() >= 8) memcpy(l.arguments.data(), &address, 8);
    LaunchOptions options;
    options.watchdog_seconds = 0.02;
    options.threads = 1 + trial % 2;
    options.workers = &workers;
    const bool fits = check_launch(l, options, &error);
    const bool done = run_launch(&memory, l, options, &error);
    EXPECT_TRUE(done || !error.empty());
    EXPECT_TRUE(fits || !done);
    ran += done;
  }
  EXPECT_GT(ran, 50);
}

TEST(Fuzz, DamagedCompressedBundles) {
  const std::string bundle = bundle_of(sound_object(), {"hipv4-amdgcn-amd-amdhsa--gfx900"});
  std::mt19937_64 rng(6);
  DeviceMemory memory;
  int loaded = 0;
  for (int trial = 0; trial < 3000; trial++) {
    std::string bad = compressed(bundle, static_cast<uint16_t>(1 + trial % 3), trial / 3 % 2);
    const int changes = static_cast<int>(rng() % 4);
    for (int n = 0; n < changes; n++)
      bad[trial % 7 ? rng() % bad.size() : rng() % 32] = static_cast<char>(rng());
    if (trial % 5 == 0) bad.resize(rng() % bad.size());
    std::string error;
    const auto code = CodeObject::load(Chip::kGfx900, &memory, bad.data(), bad.size(), &error);
    EXPECT_TRUE(code != nullptr || !error.empty());
    loaded += code != nullptr;
  }
  EXPECT_GT(loaded, 100);
}

class FuzzWave : public WaveTest {};
INSTANTIATE_TEST_SUITE_P(Host, FuzzWave, testing::ValuesIn(handler_sets()),
                         [](const auto& info) { return std::string(info.param->host_isa); });

// Valid instructions of every row with random operands: they compute, or they stop the wavefront
// with a sentence.
TEST_P(FuzzWave, RandomInstructions) {
  std::mt19937_64 rng(5);
  std::vector<uint32_t> words(64);
  int ended = 0;
  for (int trial = 0; trial < 4000; trial++) {
    const Chip chip = static_cast<Chip>(trial % 2);
    size_t at = 0;
    while (at + 4 < words.size()) {
      uint32_t w[3] = {static_cast<uint32_t>(rng()), static_cast<uint32_t>(rng() & rng()),
                       static_cast<uint32_t>(rng())};
      // Every format as often as the others.
      static const uint32_t kPrefixes[] = {
          0x00000000, 0x80000000, 0xb0000000, 0xbe800000, 0xbf000000, 0xc0000000, 0xd0000000,
          0xd3800000, 0xd8000000, 0xdc000000, 0xe0000000, 0x7e000000, 0x7c000000};
      static const uint32_t kMasks[] = {0x80000000, 0xc0000000, 0xf0000000, 0xff800000, 0xff800000,
                                        0xfc000000, 0xfc000000, 0xff800000, 0xfc000000, 0xfc000000,
                                        0xfc000000, 0xfe000000, 0xfe000000};
      const size_t format = rng() % 13;
      w[0] = (w[0] & ~kMasks[format]) | kPrefixes[format];
      Instruction i;
      const size_t size = decode(chip, w, 3, &i);
      if (size == 0) continue;
      for (size_t n = 0; n < size / 4; n++) words[at++] = w[n];
    }
    while (at < words.size()) words[at++] = 0xbf810000;
    for (uint32_t& s : w.sgpr) s = static_cast<uint32_t>(rng());
    w.set_pair(2, memory_address());
    if (trial % 3) w.set_pair(code::kExecLo, ~uint64_t{0});
    w.mode.bits = static_cast<uint32_t>(rng()) & 0x8003ff;
    w.gpr_idx = false;
    w.scratch_base = memory_address();
    w.scratch_size = 4096;
    for (int v = 0; v < 256; v += 1 + trial % 7)
      for (int l = 0; l < kLanes; l++) w.vgpr[v][l] = static_cast<uint32_t>(rng() & rng());
    std::string fault = run_words(words, chip);
    // After each stop, on with the instruction behind it.
    for (int stops = 0; w.state == WaveState::kFault && stops < 64; stops++) {
      EXPECT_FALSE(fault.empty());
      w.pc += w.pc < w.program->slot_count && w.program->slots[w.pc].dwords
                  ? w.program->slots[w.pc].dwords
                  : 1;
      w.state = WaveState::kRunning;
      group_.fault.clear();
      GetParam()->run(w, 200);
      fault = group_.fault;
    }
    ended += w.state == WaveState::kEnded;
  }
  EXPECT_GT(ended, 1000);
}

}  // namespace
}  // namespace inlay::emulator
