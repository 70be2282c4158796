// One wavefront, assembled code, and the host variant under test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {

// The machine words of TEXT. A test that cannot be assembled fails, and runs nothing.
std::vector<uint32_t> assemble(Chip chip, const std::string& text);

// The lines of TEXT, counted from one, that LLVM's assembler does not take.
std::set<size_t> refused_lines(Chip chip, const std::string& text);

// All host variants in turn: INSTANTIATE_TEST_SUITE_P(..., testing::ValuesIn(handler_sets())).
class WaveTest : public testing::TestWithParam<const HandlerSet*>, private AddressSpace {
 protected:
  WaveTest() : registers_(256 * kLanes + 16), memory_(4096), lds_(4096) {
    auto at = reinterpret_cast<uintptr_t>(registers_.data());
    w.vgpr = reinterpret_cast<uint32_t(*)[kLanes]>((at + 63) & ~uintptr_t{63});
    w.vgpr_count = 256;
    w.group = &group_;
    group_.memory = this;
    group_.cache = &cache_;
    group_.lds = lds_.data();
    group_.lds_size = 2048;  // what lies behind must not be reached
    group_.shared_aperture = uint64_t{1} << 48;
    group_.private_aperture = uint64_t{2} << 48;
    group_.kernel = "test";
    w.set_pair(code::kExecLo, ~uint64_t{0});
    w.mode.bits = 0x2f0;  // denormals kept, IEEE
  }

  // Runs TEXT to its end. Returns the fault, empty if there was none.
  std::string run(const std::string& text, Chip chip = Chip::kGfx900) {
    const std::vector<uint32_t> words = assemble(chip, text + "\ns_endpgm\n");
    return run_words(words, chip);
  }
  std::string run_words(const std::vector<uint32_t>& words, Chip chip) {
    load_program(chip, 0x10000, words.data(), words.size(), &program_, *GetParam());
    w.program = &program_;
    w.pc = 0;
    w.state = WaveState::kRunning;
    group_.fault.clear();
    GetParam()->run(w, 100000);
    return group_.fault;
  }
  // Registers with error correction, as gfx906 may have them.
  void sramecc(bool on) { program_.sramecc = on; }
  void fill(int v, uint32_t value) {
    for (int l = 0; l < kLanes; l++) w.vgpr[v][l] = value;
  }
  void fill64(int v, uint64_t value) {
    fill(v, static_cast<uint32_t>(value));
    fill(v + 1, static_cast<uint32_t>(value >> 32));
  }
  uint32_t lane(int v, int l = 0) const { return w.vgpr[v][l]; }
  uint64_t lane64(int v, int l = 0) const {
    return w.vgpr[v][l] | static_cast<uint64_t>(w.vgpr[v + 1][l]) << 32;
  }
  uint64_t memory_address() const { return reinterpret_cast<uint64_t>(memory_.data()); }
  uint32_t& word(size_t n) { return reinterpret_cast<uint32_t*>(memory_.data())[n]; }
  uint32_t& lds_word(size_t n) { return reinterpret_cast<uint32_t*>(lds_.data())[n]; }
  uint32_t& share_word(size_t n) { return share_[n]; }
  // A buffer resource at s[N:N+3].
  void resource(int n, uint32_t records, uint32_t stride = 0, uint32_t word3 = 0) {
    w.sgpr[n] = static_cast<uint32_t>(memory_address());
    w.sgpr[n + 1] = static_cast<uint32_t>(memory_address() >> 32 & 0xffff) | stride << 16;
    w.sgpr[n + 2] = records;
    w.sgpr[n + 3] = word3;
  }

  // Says that a test has held what these instructions do against expected values. They must be part
  // of what ran last.
  void compared(std::initializer_list<const char*> mnemonics) {
    for (const char* name : mnemonics) {
      bool there = false;
      for (const Slot& slot : program_.storage)
        there = there || (slot.dwords != 0 && strcmp(slot.inst.opcode->mnemonic, name) == 0);
      EXPECT_TRUE(there) << name << " is not in the program";
      compared_rows().insert({GetParam()->host_isa, name});
    }
  }
  // By host variant and mnemonic: what all tests of this program together have compared.
  static std::set<std::pair<std::string, std::string>>& compared_rows() {
    static std::set<std::pair<std::string, std::string>> rows;
    return rows;
  }

  Wave w;
  Workgroup group_;
  uint64_t unknown_from_ = 0, unknown_to_ = 0;  // memory that was never written

 private:
  bool find(uint64_t address, Region* region) override {
    *region = {memory_address(), memory_.size(), true};
    return address - region->base < region->size;
  }
  bool known(uint64_t address, uint64_t size) override {
    return address + size <= unknown_from_ || address >= unknown_to_;
  }
  void written(uint64_t address, uint64_t size) override {
    if (address <= unknown_from_ && address + size > unknown_from_) unknown_from_ = address + size;
  }
  std::string describe(uint64_t) override { return "outside the test's memory"; }

  uint8_t* data_share() override { return reinterpret_cast<uint8_t*>(share_.data()); }

  std::vector<uint32_t> registers_;
  std::vector<uint32_t> share_ = std::vector<uint32_t>(kDataShareSize / 4);
  std::vector<uint8_t> memory_, lds_;
  RegionCache cache_;
  Program program_;
};

}  // namespace inlay::emulator
