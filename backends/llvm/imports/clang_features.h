// Which processor features a C or C++ import asks for: what its own functions say, and what the
// intrinsics that they call require. Clang gives every function the target's features, so that the
// IR no longer tells.
#pragma once

#include <memory>
#include <set>
#include <string>

namespace clang {
class ASTConsumer;
}

namespace inlay {

/// Puts Clang's names of the features into `features` when a translation unit is complete. Code of
/// system headers (Clang's own intrinsics) counts only where it is called.
std::unique_ptr<clang::ASTConsumer> make_feature_collector(std::set<std::string>& features);

}  // namespace inlay
