// Checks the bytes of a code object file before anything maps or runs them.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace inlay {

struct ObjectFile {
  uint32_t machine;   // ELF e_machine
  uint64_t note;      // address of the InlayNote, relative to the load base
  uint64_t checksum;  // the one that the note states, found right
};

// `where` opens the sentence of a failure. Reads within [bytes, bytes + size) only, whatever they
// are.
int32_t check_object_file(const void* bytes, size_t size, const char* where, ObjectFile* out);

const char* machine_name(uint32_t machine);

}  // namespace inlay
