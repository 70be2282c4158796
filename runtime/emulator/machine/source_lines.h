// Source lines of code, from the line tables of DWARF 2 to 5 (DWARF 5 standard, 6.2) that compilers
// put into code objects with -g. Input is not trusted: what is damaged is left out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace inlay::emulator {

class SourceMap {
 public:
  virtual ~SourceMap() = default;
  // "kernel.hip:12" for a device address; empty if it is not known.
  virtual std::string at(uint64_t address) const = 0;
};

// Null if the ELF file has no line table. ELF addresses plus BIAS are device addresses.
std::shared_ptr<const SourceMap> read_source_lines(const void* elf, uint64_t size, uint64_t bias);

}  // namespace inlay::emulator
