#include "backends/llvm/imports/native.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/Object/Archive.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/TargetParser/Triple.h>

namespace inlay {

namespace {

constexpr const char* kRule = "import-object";
namespace elf = llvm::ELF;

struct Inspector {
  const ImportSource& source;
  llvm::Triple triple;
  NativeCode& code;
  Diagnostics& found;

  bool refuse(const std::string& rule, const std::string& member, const std::string& what,
              const std::string& help) {
    std::string title = source.title();
    if (!member.empty()) title += ", member `" + member + "`,";
    found.error(rule, source.import->loc, title + " " + what, help);
    return false;
  }

  bool refuse(const std::string& member, llvm::Error error) {
    return refuse(kRule, member, "is damaged: " + llvm::toString(std::move(error)),
                  "make it again");
  }

  bool check_header(const std::string& member, llvm::StringRef bytes) {
    if (!bytes.starts_with("\177ELF") || bytes.size() < sizeof(elf::Elf64_Ehdr)) {
      bool bitcode = bytes.starts_with("BC\xc0\xde");
      return refuse(kRule, member, "is no ELF object",
                    bitcode ? "it is LLVM bitcode: say `import bitcode`"
                            : "make it with `clang -c` for " + triple.str());
    }
    uint8_t word = bytes[elf::EI_CLASS], order = bytes[elf::EI_DATA];
    auto machine = uint16_t(uint8_t(bytes[18]) | uint8_t(bytes[19]) << 8);
    auto type = uint16_t(uint8_t(bytes[16]) | uint8_t(bytes[17]) << 8);
    bool x86 = triple.getArch() == llvm::Triple::x86_64;
    uint16_t wanted = x86 ? elf::EM_X86_64 : elf::EM_AARCH64;
    if (word != elf::ELFCLASS64 || order != elf::ELFDATA2LSB || machine != wanted) {
      std::string theirs = std::string(word == elf::ELFCLASS64 ? "64-bit" : "32-bit") +
                           (order == elf::ELFDATA2LSB ? "" : " big-endian") + ", ELF machine " +
                           std::to_string(machine);
      return refuse("import-layout", member,
                    "is for another architecture: " + theirs + "; the target is 64-bit, machine " +
                        std::to_string(wanted) + " (" + triple.getArchName().str() + ")",
                    "make it with `clang -c --target=" + triple.str() + "`");
    }
    if (type != elf::ET_REL) {
      return refuse(kRule, member,
                    type == elf::ET_DYN ? "is a shared library or a program, not an object"
                                        : "is not a relocatable object",
                    "make it with `clang -c`");
    }
    return true;
  }

  // An absolute address of 32 bits can't stand in a shared object.
  bool check_relocations(const std::string& member, const llvm::object::ObjectFile& object) {
    for (const llvm::object::SectionRef& section : object.sections()) {
      auto target = section.getRelocatedSection();
      if (!target) return refuse(member, target.takeError());
      if (*target == object.section_end()) continue;
      if (!(llvm::object::ELFSectionRef(**target).getFlags() & elf::SHF_ALLOC)) continue;
      for (const llvm::object::RelocationRef& relocation : section.relocations()) {
        uint64_t type = relocation.getType();
        bool absolute = triple.getArch() == llvm::Triple::x86_64
                            ? type == elf::R_X86_64_32 || type == elf::R_X86_64_32S ||
                                  type == elf::R_X86_64_16 || type == elf::R_X86_64_8
                            : type == elf::R_AARCH64_ABS32 || type == elf::R_AARCH64_ABS16;
        if (!absolute) continue;
        std::string name;
        if (relocation.getSymbol() != object.symbol_end()) {
          if (auto symbol = relocation.getSymbol()->getName()) {
            name = symbol->str();
          } else {
            llvm::consumeError(symbol.takeError());
          }
        }
        return refuse(
            kRule, member,
            "is not position-independent: it holds the absolute address of `" + name + "`",
            "make it with -fPIC; in assembly, use rip-relative addresses");
      }
    }
    return true;
  }

  bool add_object(const std::string& member, llvm::MemoryBufferRef bytes) {
    if (!check_header(member, bytes.getBuffer())) return false;
    auto parsed = llvm::object::ObjectFile::createELFObjectFile(bytes);
    if (!parsed) return refuse(member, parsed.takeError());
    const llvm::object::ObjectFile& object = **parsed;
    NativeMember out;
    out.name = member;
    for (const llvm::object::SymbolRef& symbol : object.symbols()) {
      auto flags = symbol.getFlags();
      if (!flags) return refuse(member, flags.takeError());
      auto name = symbol.getName();
      if (!name) return refuse(member, name.takeError());
      bool global =
          *flags & (llvm::object::SymbolRef::SF_Global | llvm::object::SymbolRef::SF_Weak);
      if (!global || name->empty()) continue;
      if (llvm::object::ELFSymbolRef(symbol).getELFType() == elf::STT_TLS) {
        return refuse(kRule, member, "has thread-local data: `" + name->str() + "`",
                      "a code object has none; pass the memory as a parameter");
      }
      bool undefined = *flags & llvm::object::SymbolRef::SF_Undefined;
      (undefined ? out.undefined : out.defined).push_back(name->str());
      if (!undefined && (*flags & llvm::object::SymbolRef::SF_Weak))
        out.weak.push_back(name->str());
    }
    if (!check_relocations(member, object)) return false;
    code.members.push_back(std::move(out));
    return true;
  }

  bool add_archive() {
    llvm::MemoryBufferRef bytes(code.bytes, source.name);
    auto archive = llvm::object::Archive::create(bytes);
    if (!archive) return refuse("", archive.takeError());
    if ((*archive)->isThin()) {
      return refuse(kRule, "", "is a thin archive: it only names its members",
                    "make it with `ar rc`, without T");
    }
    llvm::Error error = llvm::Error::success();
    bool good = true;
    for (const llvm::object::Archive::Child& child : (*archive)->children(error)) {
      auto member = child.getMemoryBufferRef();
      if (!member) {
        good = refuse("", member.takeError());
        break;
      }
      // LLVM believes the size that a member's header claims.
      const char *begin = member->getBufferStart(), *end = code.bytes.data() + code.bytes.size();
      if (begin < code.bytes.data() || begin > end ||
          member->getBufferSize() > size_t(end - begin)) {
        good = refuse(kRule, "", "is damaged: a member reaches past its end", "make it again");
        break;
      }
      if (!add_object(member->getBufferIdentifier().str(), *member)) {
        good = false;
        break;
      }
    }
    if (!good) {
      llvm::consumeError(std::move(error));
      return false;
    }
    if (error) return refuse("", std::move(error));
    if (code.members.empty()) return refuse(kRule, "", "is an empty archive", "add objects to it");
    return true;
  }
};

}  // namespace

bool inspect_native(const ImportSource& source, const std::string& triple, NativeCode& code,
                    Diagnostics& found) {
  Inspector inspector{source, llvm::Triple(triple), code, found};
  code.members.clear();
  if (source.import->kind == ImportKind::Archive) {
    if (!llvm::StringRef(code.bytes).starts_with("!<")) {
      return inspector.refuse(kRule, "", "is no archive",
                              llvm::StringRef(code.bytes).starts_with("\177ELF")
                                  ? "it is an ELF object: say `import object`"
                                  : "make it with `ar rc`");
    }
    return inspector.add_archive();
  }
  return inspector.add_object("", llvm::MemoryBufferRef(code.bytes, source.name));
}

}  // namespace inlay
