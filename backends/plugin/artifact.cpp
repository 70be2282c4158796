// Names of artifacts, as --emit takes them.
#include "backends/plugin/plugin.h"

namespace inlay {

const char* to_string(Artifact artifact) {
  switch (artifact) {
    case Artifact::LoweredIr:
      return "ir";
    case Artifact::LlvmIr:
      return "ll";
    case Artifact::Bitcode:
      return "bc";
    case Artifact::Assembly:
      return "asm";
    case Artifact::Object:
      return "obj";
    case Artifact::SharedObject:
      return "so";
    case Artifact::Hsaco:
      return "hsaco";
  }
  return "so";
}

}  // namespace inlay
