// What device code comes wrapped in: offload bundles, compressed or not, with code objects for
// several targets. Sources: LLVM, "Clang Offload Bundler" (file layout, target IDs, compressed
// header) and "User Guide for AMDGPU Backend" (Target ID).
#pragma once

#include <string>
#include <vector>

#include "runtime/emulator/isa/isa.h"

namespace inlay::emulator {

// A chip and the features that code may be compiled for or against. Code that does not say runs
// with either.
struct Target {
  Chip chip = Chip::kGfx900;
  bool xnack = false, sramecc = false;

  Target(Chip c) : chip(c) {}  // NOLINT: a chip is a target, its features off
  std::string id() const;      // "gfx906:sramecc-:xnack-"
};
const char* chip_name(Chip chip);
// Reads "gfx906" or "gfx906:sramecc+:xnack-". False if it names no chip of ours, or a feature that
// the chip lacks or that is named twice.
bool parse_target(const std::string& id, Target* target);

struct BundleEntry {
  std::string id;  // "hipv4-amdgcn-amd-amdhsa--gfx906:xnack-", "host-x86_64-unknown-linux-gnu-"
  const uint8_t* data = nullptr;
  uint64_t size = 0;
};
// An offload bundle, taken apart. Entries point into the caller's data, or into STORAGE where that
// was compressed.
struct Bundle {
  std::vector<uint8_t> storage;
  std::vector<BundleEntry> entries;
  uint64_t extent = 0;  // bytes of the caller's data that belong to it
};
bool is_bundle(const void* data, uint64_t size);
// SIZE may be ~0 for data of unknown length. False, and *error a sentence, if DATA is no sound
// bundle.
bool parse_bundle(const void* data, uint64_t size, Bundle* bundle, std::string* error);

// One code object; DATA may point into STORAGE.
struct CodeImage {
  std::vector<uint8_t> storage;
  const void* data = nullptr;
  uint64_t size = 0;
};
// DATA itself if it is an ELF file, else the code object of a bundle that fits TARGET best: one
// that names the target's features before one that leaves them open. SIZE as in parse_bundle.
// False, and *error a sentence, if there is none.
bool find_code_object(const Target& target, const void* data, uint64_t size, CodeImage* image,
                      std::string* error);

}  // namespace inlay::emulator
