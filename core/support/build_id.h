// Which compiler this is: the identity of the build, and of the interface that plugins see.
#pragma once

#include <string_view>

namespace inlay {

/// Version, hash of the compiler's sources, C++ compiler and build type, joined by `-`, such as
/// `0.1.0-8f1c22d04b7a9e35-Clang19.1.7-Release`. Two builds that may compile one program
/// differently have different ids (LLVM is a shared library, and its version not part of it).
/// Printable ASCII without spaces; static storage; any thread.
std::string_view build_id();

/// The version alone, such as `0.1.0`.
std::string_view version();

/// The INLAY_CORE_ABI_HASH that this library was compiled with. A plugin whose own value of the
/// macro differs was built against other headers or another C++ library, and must not be loaded.
std::string_view core_abi_hash();

}  // namespace inlay
