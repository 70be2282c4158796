// What is read off and changed in ELF files: undefined symbols, the binding of symbols, the
// checksum.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace inlay {

/// Names that an ELF object, or the members of an archive of them, leave undefined. Throws
/// CompileError (rule "link") naming `name` if it can't be read.
std::set<std::string> undefined_symbols(const std::string& bytes, const std::string& name);

/// A relocatable object with every symbol local but `keep` and the undefined ones; without local
/// symbols that no relocation needs and without debug sections, unless `keep_debug`.
std::string localize_symbols(const std::string& object, const std::vector<std::string>& keep,
                             bool keep_debug);

/// Sets the checksum in the note of a finished shared object.
void set_checksum(std::string& file);

}  // namespace inlay
