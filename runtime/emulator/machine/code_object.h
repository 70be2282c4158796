// AMDGPU code objects: ELF v3 to v6, alone or in an offload bundle; loaded into device memory,
// relocated and decoded. Source: LLVM, "User Guide for AMDGPU Backend" (ELF Code Object, Code
// Object Metadata, Kernel Descriptor).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/emulator/machine/bundle.h"
#include "runtime/emulator/machine/memory.h"
#include "runtime/emulator/machine/source_lines.h"

namespace inlay::emulator {

struct KernelArgument {
  uint32_t offset = 0, size = 0;
  std::string kind;  // .value_kind
  std::string name;  // as the source has it; may be empty
  bool hidden() const { return kind.compare(0, 7, "hidden_") == 0; }
};

// The 64 bytes of NAME.kd.
struct KernelDescriptor {
  uint32_t group_segment_size, private_segment_size, kernarg_size;
  int64_t entry_offset;
  uint32_t rsrc1, rsrc2, rsrc3;
  uint16_t properties;
};

struct Kernel {
  std::string name;
  KernelDescriptor descriptor = {};
  uint64_t descriptor_address = 0;
  uint64_t entry = 0;
  std::vector<KernelArgument> arguments;
  uint32_t kernarg_size = 0;
  uint32_t max_workgroup_size = 1024;
  uint32_t vgprs = 0, sgprs = 0, vgpr_spills = 0, sgpr_spills = 0;
};

// A function of the code, kernels included; size as the symbol says, maybe 0.
struct DeviceFunction {
  std::string name;
  uint64_t address = 0, size = 0;
};

struct DeviceVariable {
  std::string name;
  uint64_t address = 0, size = 0;
};

class CodeObject {
 public:
  ~CodeObject();
  // Null, and *error a sentence, if DATA is no code object for TARGET. SIZE may be ~0 for an image
  // of unknown length that a caller vouches for: nothing behind what its own headers name is read.
  static std::unique_ptr<CodeObject> load(const Target& target, DeviceMemory* memory,
                                          const void* data, uint64_t size, std::string* error);

  const Kernel* kernel(const std::string& name) const;
  const DeviceVariable* variable(const std::string& name) const;
  const std::vector<Kernel>& kernels() const { return kernels_; }
  const std::vector<DeviceVariable>& variables() const { return variables_; }
  const std::vector<DeviceFunction>& functions() const { return functions_; }
  const Program& program() const { return program_; }
  bool has_sources() const { return sources_ != nullptr; }
  // The source line of the code at a device address, if it was compiled with -g; else empty.
  std::string source_at(uint64_t address) const { return sources_ ? sources_->at(address) : ""; }
  // Where it was loaded: addresses less this are those of the file.
  uint64_t base() const { return reinterpret_cast<uint64_t>(image_); }
  int version() const { return version_; }  // of the code object: 3 to 6

 private:
  friend class Loader;
  DeviceMemory* memory_ = nullptr;
  void* image_ = nullptr;
  Program program_;
  std::shared_ptr<const SourceMap> sources_;
  std::vector<Kernel> kernels_;
  std::vector<DeviceVariable> variables_;
  std::vector<DeviceFunction> functions_;
  int version_ = 0;
};

// The target that the ELF file DATA is code for, features that it leaves open off. False, and
// *error a sentence, if that is no chip of ours.
bool code_object_target(const void* data, uint64_t size, Target* target, std::string* error);

}  // namespace inlay::emulator
