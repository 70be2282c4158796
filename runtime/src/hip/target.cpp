// See target.h. Source: LLVM, "User Guide for AMDGPU Backend": Target ID, Code Object Target
// Identification, ELF Header e_flags, Generic Processor.
#include "hip/target.h"

#include <string.h>

namespace inlay::hip {
namespace {

// Text inside of the rows: pointers would need relocations, which are larger.
struct Processor {
  char name[16];
  char generic[15];
  uint8_t mach;
};
const Processor kProcessors[] = {
#define INLAY_AMDGPU_PROCESSOR(name, mach, generic) {name, generic, mach},
#include "amdgpu/processors.def"
#undef INLAY_AMDGPU_PROCESSOR
};

// Takes "sramecc+" or "xnack-" apart.
bool parse_setting(const char* text, size_t size, Target* out) {
  if (size < 2) return false;
  char sign = text[size - 1];
  if (sign != '+' && sign != '-') return false;
  Setting setting = sign == '+' ? Setting::kOn : Setting::kOff;
  auto is = [&](const char* name) {
    return strlen(name) == size - 1 && memcmp(name, text, size - 1) == 0;
  };
  if (is("sramecc")) {
    out->sramecc = setting;
  } else if (is("xnack")) {
    out->xnack = setting;
  } else {
    return false;
  }
  return true;
}

Setting of_bits(uint32_t bits) {
  return bits == 3 ? Setting::kOn : bits == 2 ? Setting::kOff : Setting::kAny;
}

// A device names every setting that it has; one that it does not have is as good as off.
bool settles(Setting code, Setting device) {
  return code == Setting::kAny || code == device ||
         (code == Setting::kOff && device == Setting::kAny);
}

void print_setting(Text& text, const char* name, Setting setting) {
  if (setting != Setting::kAny) text.add(":%s%c", name, setting == Setting::kOn ? '+' : '-');
}

}  // namespace

bool parse_target(const char* text, Target* out) {
  *out = Target();
  size_t size = strcspn(text, ":");
  if (size == 0 || size >= sizeof out->processor) return false;
  memcpy(out->processor, text, size);
  for (text += size; *text == ':'; text += size) {
    size = strcspn(++text, ":");
    if (!parse_setting(text, size, out)) return false;
  }
  return true;
}

bool target_of_flags(uint32_t flags, int version, Target* out) {
  *out = Target();
  for (const Processor& processor : kProcessors) {
    if (processor.mach == (flags & 0xff)) {
      memcpy(out->processor, processor.name, strlen(processor.name) + 1);
    }
  }
  if (version == 3) {  // two bits: on or off
    out->xnack = (flags & 0x100) != 0 ? Setting::kOn : Setting::kOff;
    out->sramecc = (flags & 0x200) != 0 ? Setting::kOn : Setting::kOff;
  } else {
    out->xnack = of_bits(flags >> 8 & 3);
    out->sramecc = of_bits(flags >> 10 & 3);
  }
  return out->processor[0] != '\0';
}

bool fits(const Target& code, const Target& device) {
  bool same = strcmp(code.processor, device.processor) == 0;
  for (const Processor& processor : kProcessors) {
    if (same) break;
    same = strcmp(processor.name, device.processor) == 0 &&
           strcmp(processor.generic, code.processor) == 0;
  }
  return same && settles(code.xnack, device.xnack) && settles(code.sramecc, device.sramecc);
}

void print_target(Text& text, const Target& target) {
  text.add("%s", target.processor);
  print_setting(text, "sramecc", target.sramecc);
  print_setting(text, "xnack", target.xnack);
}

}  // namespace inlay::hip
