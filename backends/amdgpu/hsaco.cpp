#include "backends/amdgpu/hsaco.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/BinaryFormat/MsgPackDocument.h>
#include <llvm/Object/ELFObjectFile.h>

#include "backends/amdgpu/targets/targets.h"

namespace inlay::amdgpu {

namespace {

using llvm::msgpack::DocNode;

class Reader {
 public:
  Reader(const std::string& bytes, const std::string& name, const Loc& loc)
      : bytes_(bytes), name_(name), loc_(loc) {}

  Hsaco read() {
    auto file = llvm::object::ELFObjectFile<llvm::object::ELF64LE>::create(
        llvm::MemoryBufferRef(bytes_, name_));
    if (!file) fault("is no 64-bit ELF file: " + llvm::toString(file.takeError()));
    const llvm::object::ELFFile<llvm::object::ELF64LE>& elf = file->getELFFile();
    const auto& header = elf.getHeader();
    if (header.e_machine != llvm::ELF::EM_AMDGPU) {
      fault("is for another machine: ELF machine " + std::to_string(header.e_machine) + ", not " +
            std::to_string(llvm::ELF::EM_AMDGPU) + " (AMDGPU)");
    }
    if (header.e_type != llvm::ELF::ET_DYN) {
      fault("is not linked: a code object is a shared object (ld.lld -shared)");
    }
    out_.code_object_version = int(header.e_ident[llvm::ELF::EI_ABIVERSION]) + 2;
    read_target(header.e_flags);
    read_notes(elf);
    for (const llvm::object::ELFSymbolRef& symbol : file->symbols()) {
      auto type = symbol.getType();
      auto text = symbol.getName();
      if (!type || !text) fault("has a broken symbol table");
      if (*type == llvm::object::SymbolRef::ST_Function) out_.functions.push_back(text->str());
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void fault(const std::string& what) const {
    throw CompileError("hsaco", loc_, name_ + " " + what,
                       "an hsaco is made by `clang --target=amdgcn-amd-amdhsa` or `hipcc "
                       "--genco`, linked");
  }

  void read_target(uint32_t flags) {
    unsigned mach = flags & llvm::ELF::EF_AMDGPU_MACH;
    for (const GpuFacts& row : gpu_table()) {
      if (row.mach == mach) out_.target_id = row.name;
    }
    if (out_.target_id.empty()) {
      fault("is for a GPU that this compiler does not know (e_flags " + std::to_string(flags) +
            ")");
    }
    if (out_.code_object_version < 4) return;  // v3 says nothing of "any"
    auto setting = [&](unsigned bits, unsigned on, unsigned off, const char* feature) {
      if (bits == on) out_.target_id += std::string(":") + feature + "+";
      if (bits == off) out_.target_id += std::string(":") + feature + "-";
    };
    setting(flags & llvm::ELF::EF_AMDGPU_FEATURE_SRAMECC_V4,
            llvm::ELF::EF_AMDGPU_FEATURE_SRAMECC_ON_V4, llvm::ELF::EF_AMDGPU_FEATURE_SRAMECC_OFF_V4,
            "sramecc");
    setting(flags & llvm::ELF::EF_AMDGPU_FEATURE_XNACK_V4, llvm::ELF::EF_AMDGPU_FEATURE_XNACK_ON_V4,
            llvm::ELF::EF_AMDGPU_FEATURE_XNACK_OFF_V4, "xnack");
  }

  void read_notes(const llvm::object::ELFFile<llvm::object::ELF64LE>& elf) {
    auto headers = elf.program_headers();
    if (!headers) fault("has broken program headers: " + llvm::toString(headers.takeError()));
    for (const auto& header : *headers) {
      if (header.p_type != llvm::ELF::PT_NOTE) continue;
      llvm::Error error = llvm::Error::success();
      for (const auto& note : elf.notes(header, error)) {
        if (note.getName() == "AMDGPU" && note.getType() == llvm::ELF::NT_AMDGPU_METADATA) {
          read_metadata(note.getDescAsStringRef(header.p_align));
          llvm::consumeError(std::move(error));
          return;
        }
      }
      if (error) fault("has broken notes: " + llvm::toString(std::move(error)));
    }
    fault("has no metadata of its kernels (note NT_AMDGPU_METADATA)");
  }

  void read_metadata(llvm::StringRef blob) {
    llvm::msgpack::Document document;
    if (!document.readFromBlob(blob, /*Multi=*/false) || !document.getRoot().isMap()) {
      fault("has metadata that is no MessagePack map");
    }
    DocNode* kernels = find(document.getRoot().getMap(), "amdhsa.kernels");
    if (!kernels || !kernels->isArray()) fault("has metadata without amdhsa.kernels");
    for (DocNode& node : kernels->getArray()) {
      if (!node.isMap()) fault("has metadata of a kernel that is no map");
      read_kernel(node.getMap());
    }
  }

  static DocNode* find(llvm::msgpack::MapDocNode& map, llvm::StringRef key) {
    auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  }

  static int64_t number(llvm::msgpack::MapDocNode& map, llvm::StringRef key) {
    DocNode* node = find(map, key);
    if (!node) return 0;
    if (node->getKind() == llvm::msgpack::Type::UInt) return int64_t(node->getUInt());
    return node->getKind() == llvm::msgpack::Type::Int ? node->getInt() : 0;
  }

  static std::string text(llvm::msgpack::MapDocNode& map, llvm::StringRef key) {
    DocNode* node = find(map, key);
    return node && node->isString() ? node->getString().str() : "";
  }

  void read_kernel(llvm::msgpack::MapDocNode& map) {
    HsacoKernel kernel;
    kernel.name = text(map, ".name");
    if (kernel.name.empty()) fault("has a kernel without .name in its metadata");
    kernel.kernarg_size = uint32_t(number(map, ".kernarg_segment_size"));
    kernel.max_workgroup = number(map, ".max_flat_workgroup_size");
    kernel.vgprs = number(map, ".vgpr_count");
    kernel.sgprs = number(map, ".sgpr_count");
    kernel.agprs = number(map, ".agpr_count");
    kernel.lds_bytes = number(map, ".group_segment_fixed_size");
    kernel.scratch_bytes = number(map, ".private_segment_fixed_size");
    kernel.vgpr_spills = number(map, ".vgpr_spill_count");
    kernel.sgpr_spills = number(map, ".sgpr_spill_count");
    DocNode* dynamic = find(map, ".uses_dynamic_stack");
    kernel.dynamic_stack =
        dynamic && dynamic->getKind() == llvm::msgpack::Type::Boolean && dynamic->getBool();
    DocNode* required = find(map, ".reqd_workgroup_size");
    if (required && required->isArray() && required->getArray().size() == 3) {
      for (size_t d = 0; d < 3; ++d) {
        DocNode& extent = required->getArray()[d];
        if (extent.getKind() == llvm::msgpack::Type::UInt) {
          kernel.required_workgroup[d] = int64_t(extent.getUInt());
        }
      }
    }
    DocNode* args = find(map, ".args");
    if (args && args->isArray()) {
      for (DocNode& node : args->getArray()) {
        if (!node.isMap()) fault("has an argument of " + kernel.name + " that is no map");
        llvm::msgpack::MapDocNode& arg = node.getMap();
        kernel.args.push_back({text(arg, ".name"), uint32_t(number(arg, ".offset")),
                               uint32_t(number(arg, ".size")), text(arg, ".value_kind")});
      }
    }
    out_.kernels.push_back(std::move(kernel));
  }

  const std::string& bytes_;
  const std::string& name_;
  Loc loc_;
  Hsaco out_;
};

}  // namespace

const HsacoKernel* Hsaco::find(const std::string& name) const {
  for (const HsacoKernel& kernel : kernels) {
    if (kernel.name == name) return &kernel;
  }
  return nullptr;
}

Hsaco read_hsaco(const std::string& bytes, const std::string& name, const Loc& loc) {
  return Reader(bytes, name, loc).read();
}

}  // namespace inlay::amdgpu
