// Which features this CPU has, by the names that LLVM gives them.
#pragma once

namespace inlay {

enum class Feature { kMissing, kPresent, kUnknown };

// Whether the CPU has the feature and the operating system saves its registers; kUnknown: no such
// name in the table of this machine.
Feature cpu_feature(const char* name);

}  // namespace inlay
