#include "backends/llvm/object/elf.h"

#include <llvm/ObjCopy/ConfigManager.h>
#include <llvm/ObjCopy/ObjCopy.h>
#include <llvm/Object/Archive.h>
#include <llvm/Object/ELFObjectFile.h>

#include "core/support/check.h"
#include "core/support/diagnostic.h"
#include "runtime/abi/inlay_abi.h"

namespace inlay {

namespace {

[[noreturn]] void unreadable(const std::string& name, llvm::Error error) {
  throw CompileError("link", Loc(), "can't read " + name + ": " + llvm::toString(std::move(error)));
}

void add_undefined(const llvm::object::Binary& binary, const std::string& name,
                   std::set<std::string>& found) {
  auto* object = llvm::dyn_cast<llvm::object::ELFObjectFileBase>(&binary);
  if (!object) return;
  for (const llvm::object::ELFSymbolRef& symbol : object->symbols()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    if (!flags) unreadable(name, flags.takeError());
    if (!(*flags & llvm::object::SymbolRef::SF_Undefined)) continue;
    llvm::Expected<llvm::StringRef> text = symbol.getName();
    if (!text) unreadable(name, text.takeError());
    if (!text->empty()) found.insert(text->str());
  }
}

}  // namespace

std::set<std::string> undefined_symbols(const std::string& bytes, const std::string& name) {
  std::set<std::string> found;
  auto binary = llvm::object::createBinary(llvm::MemoryBufferRef(bytes, name));
  if (!binary) unreadable(name, binary.takeError());
  auto* archive = llvm::dyn_cast<llvm::object::Archive>(binary->get());
  if (!archive) {
    add_undefined(**binary, name, found);
    return found;
  }
  llvm::Error error = llvm::Error::success();
  for (const llvm::object::Archive::Child& child : archive->children(error)) {
    auto member = child.getAsBinary();
    if (!member) unreadable(name, member.takeError());
    add_undefined(**member, name, found);
  }
  if (error) unreadable(name, std::move(error));
  return found;
}

std::string localize_symbols(const std::string& bytes, const std::vector<std::string>& keep,
                             bool keep_debug) {
  auto binary = llvm::object::createBinary(llvm::MemoryBufferRef(bytes, "object"));
  INLAY_CHECK(bool(binary), "the linker's own output");
  llvm::objcopy::ConfigManager config;
  for (const std::string& name : keep) {
    auto pattern = llvm::objcopy::NameOrPattern::create(name, llvm::objcopy::MatchStyle::Literal,
                                                        [](llvm::Error error) { return error; });
    INLAY_CHECK(bool(pattern), "a literal name is a pattern");
    llvm::cantFail(config.Common.SymbolsToKeepGlobal.addMatcher(std::move(pattern)));
  }
  config.Common.StripDebug = !keep_debug;
  config.Common.StripUnneeded = !keep_debug;
  llvm::SmallString<0> result;
  llvm::raw_svector_ostream stream(result);
  if (llvm::Error error = llvm::objcopy::executeObjcopyOnBinary(config, **binary, stream)) {
    throw CompileError("link", Loc(),
                       "can't hide the object's symbols: " + llvm::toString(std::move(error)));
  }
  return std::string(result);
}

void set_checksum(std::string& file) {
  auto binary = llvm::object::createBinary(llvm::MemoryBufferRef(file, "code object"));
  INLAY_CHECK(bool(binary), "the linker's own output");
  auto* object = llvm::dyn_cast<llvm::object::ELF64LEObjectFile>(binary->get());
  INLAY_CHECK(object != nullptr, "code objects are ELF64, little-endian");
  auto headers = object->getELFFile().program_headers();
  INLAY_CHECK(bool(headers), "the linker's own output");
  InlayNote wanted{};
  wanted.name_size = sizeof(INLAY_NOTE_NAME);
  wanted.desc_size = sizeof(InlayNote) - offsetof(InlayNote, abi_version);
  wanted.type = INLAY_NOTE_TYPE;
  memcpy(wanted.name, INLAY_NOTE_NAME, sizeof(INLAY_NOTE_NAME));
  llvm::StringRef prefix(reinterpret_cast<const char*>(&wanted), offsetof(InlayNote, abi_version));
  for (const auto& header : *headers) {
    if (header.p_type != llvm::ELF::PT_NOTE) continue;
    llvm::StringRef segment(file.data() + header.p_offset, header.p_filesz);
    size_t at = segment.find(prefix);
    if (at == llvm::StringRef::npos) continue;
    size_t field = header.p_offset + at + offsetof(InlayNote, checksum);
    uint64_t sum = inlay_file_checksum(file.data(), file.size(), field);
    for (size_t i = 0; i < 8; ++i) file[field + i] = static_cast<char>(sum >> (8 * i));
    return;
  }
  INLAY_CHECK(false, "a code object without its note");
}

}  // namespace inlay
