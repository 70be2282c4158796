// A C program that deploys a code object: it sees the generated header, and finds the object.
#include <stdio.h>

#include "inlay/runtime.h"
#include "scale.h"

int main(void) {
  FILE* file = fopen(SCALE_CODE_OBJECT, "rb");
  if (file == NULL) return 1;
  char magic[4] = {0};
  const size_t got = fread(magic, 1, sizeof magic, file);
  fclose(file);
  return got == 4 && magic[0] == 0x7f && magic[1] == 'E' ? 0 : 1;
}
