// Writes the checksum into the note of a code object file: seal FILE. What a compiler does after it
// linked.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seal.h"

int main(int argc, char** argv) {
  FILE* file = argc == 2 ? fopen(argv[1], "r+b") : NULL;
  if (file == NULL) return fprintf(stderr, "usage: seal FILE\n"), 2;
  fseek(file, 0, SEEK_END);
  size_t size = (size_t)ftell(file);
  unsigned char* bytes = malloc(size);
  rewind(file);
  if (bytes == NULL || fread(bytes, 1, size, file) != size || !seal(bytes, size)) {
    return fprintf(stderr, "%s: cannot be read, or has no Inlay note\n", argv[1]), 1;
  }
  rewind(file);
  int good = fwrite(bytes, 1, size, file) == size;
  good = fclose(file) == 0 && good;
  free(bytes);
  return good ? 0 : 1;
}
