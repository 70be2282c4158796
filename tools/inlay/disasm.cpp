// inlay disasm: what is in a code object, or in whatever contains some: an offload bundle,
// compressed or not, a host program with .hip_fatbin, a library that embeds them.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "runtime/emulator/machine/code_object.h"
#include "tools/inlay/command.h"

namespace inlay::cli {

namespace {

using namespace inlay::emulator;

constexpr uint16_t kMachineAmdgpu = 224;

/// A code object and where it was found.
struct Found {
  std::string place;
  std::vector<uint8_t> code;
};

bool is_code_object(const uint8_t* data, size_t size) {
  Elf64_Ehdr h;
  if (size < sizeof(h)) return false;
  std::memcpy(&h, data, sizeof(h));
  return std::memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 && h.e_ident[EI_CLASS] == ELFCLASS64 &&
         h.e_machine == kMachineAmdgpu;
}

/// The code objects of a bundle that are for GPUs.
void add_bundle(const Bundle& bundle, const std::string& place, std::vector<Found>* found) {
  for (const BundleEntry& entry : bundle.entries)
    if (is_code_object(entry.data, entry.size))
      found->push_back({place + entry.id, {entry.data, entry.data + entry.size}});
}

/// Every bundle and code object in DATA, wherever it starts: host files align them in ways of their
/// own.
std::vector<Found> search(const std::vector<uint8_t>& data, std::string* error) {
  std::vector<Found> found;
  Bundle bundle;
  if (is_code_object(data.data(), data.size())) {
    found.push_back({"", data});
    return found;
  }
  if (is_bundle(data.data(), data.size())) {
    if (parse_bundle(data.data(), data.size(), &bundle, error)) add_bundle(bundle, "", &found);
    if (found.empty() && error->empty()) *error = "the offload bundle holds no AMDGPU code object";
    return found;
  }
  for (size_t at = 0; at + sizeof(Elf64_Ehdr) <= data.size();) {
    const uint8_t* here = data.data() + at;
    const size_t left = data.size() - at;
    const std::string place = fmt::format("offset {:#x} ", at);
    std::string unsound;
    CodeImage image;
    if (is_bundle(here, left) && parse_bundle(here, left, &bundle, &unsound)) {
      add_bundle(bundle, place, &found);
      at += std::max<uint64_t>(bundle.extent, 1);
    } else if (is_code_object(here, left) &&
               // Of unknown length, since more may follow; and still within the file.
               find_code_object(Chip::kGfx900, here, ~uint64_t{0}, &image, &unsound) &&
               image.size <= left) {
      found.push_back({place, {here, here + image.size}});
      at += image.size;
    } else {
      const auto next = std::find_if(data.begin() + static_cast<ptrdiff_t>(at) + 1, data.end(),
                                     [](uint8_t c) { return c == 'C' || c == '_' || c == 0x7f; });
      at = static_cast<size_t>(next - data.begin());
    }
  }
  if (found.empty())
    *error =
        "neither a code object nor an offload bundle, and none is embedded in it (nothing for a "
        "GPU starts anywhere in the file)";
  return found;
}

std::string on_off(uint32_t bits, int at, const char* name) {
  return bits >> at & 1 ? fmt::format(" {}", name) : "";
}

/// Wavefronts that a SIMD holds at once, as far as registers decide (256 VGPRs a lane in fours, 800
/// SGPRs in sixteens, ten at most).
uint32_t occupancy(const Kernel& k) {
  const uint32_t vgprs = ((k.descriptor.rsrc1 & 63) + 1) * 4;
  const uint32_t sgprs = std::max<uint32_t>(16, (k.sgprs + 15) / 16 * 16);
  return std::min({10u, 256 / vgprs, 800 / sgprs});
}

void print_kernel(const Kernel& k) {
  const KernelDescriptor& d = k.descriptor;
  fmt::print(
      "  VGPRs {}, SGPRs {}, LDS {} bytes, scratch {} bytes a work-item, kernarg {} bytes, "
      "workgroups up to {}\n",
      ((d.rsrc1 & 63) + 1) * 4, k.sgprs, d.group_segment_size, d.private_segment_size,
      k.kernarg_size, k.max_workgroup_size);
  fmt::print("  registers allow {} of 10 wavefronts on a SIMD\n", occupancy(k));
  if (k.vgpr_spills || k.sgpr_spills)
    fmt::print("  spilled: {} VGPRs, {} SGPRs\n", k.vgpr_spills, k.sgpr_spills);
  static const char* kRound[] = {"nearest", "up", "down", "zero"};
  static const char* kDenormals[] = {"flush in and out", "flush out", "flush in", "keep"};
  fmt::print("  mode: f32 round {}, denormals {}; f16 and f64 round {}, denormals {};{}{}{}\n",
             kRound[d.rsrc1 >> 12 & 3], kDenormals[d.rsrc1 >> 16 & 3], kRound[d.rsrc1 >> 14 & 3],
             kDenormals[d.rsrc1 >> 18 & 3], on_off(d.rsrc1, 21, "dx10_clamp"),
             on_off(d.rsrc1, 23, "ieee"), on_off(d.rsrc1, 26, "fp16_overflow"));
  std::string registers;
  int at = 0;
  const auto take = [&](bool there, const char* name, int count) {
    if (!there) return;
    registers += count == 1 ? fmt::format(" s{} {}", at, name)
                            : fmt::format(" s[{}:{}] {}", at, at + count - 1, name);
    registers += ",";
    at += count;
  };
  const uint16_t p = d.properties;
  take(p & 1, "private segment buffer", 4);
  take(p & 2, "dispatch packet", 2);
  take(p & 4, "queue", 2);
  take(p & 8, "kernarg", 2);
  take(p & 16, "dispatch id", 2);
  take(p & 32, "flat scratch", 2);
  take(p & 64, "private segment size", 1);
  at = std::max(at, static_cast<int>(d.rsrc2 >> 1 & 31));
  take(d.rsrc2 >> 7 & 1, "workgroup x", 1);
  take(d.rsrc2 >> 8 & 1, "workgroup y", 1);
  take(d.rsrc2 >> 9 & 1, "workgroup z", 1);
  take(d.rsrc2 >> 10 & 1, "workgroup info", 1);
  take(d.rsrc2 & 1, "scratch offset", 1);
  if (!registers.empty()) registers.pop_back();
  static const char* kItems[] = {"v0 work-item x", "v[0:1] work-item x, y",
                                 "v[0:2] work-item x, y, z", "v[0:2] work-item x, y, z"};
  fmt::print("  at the start:{}; {}\n", registers, kItems[d.rsrc2 >> 11 & 3]);
  for (const KernelArgument& a : k.arguments)
    fmt::print("  argument at {:3}, {:3} bytes: {}{}{}\n", a.offset, a.size, a.kind,
               a.name.empty() ? "" : " ", a.name);
}

/// Where a branch at PC jumps to; false if INST is none.
bool branch_target(const Instruction& inst, uint64_t pc, uint64_t* target) {
  if (inst.opcode->encoding != Encoding::kSOPP) return false;
  const std::string text = printed_mnemonic(inst);
  if (text.rfind("s_branch", 0) != 0 && text.rfind("s_cbranch", 0) != 0) return false;
  int16_t dwords;
  std::memcpy(&dwords, reinterpret_cast<const void*>(pc), sizeof(dwords));
  *target = pc + 4 + 4 * static_cast<uint64_t>(int64_t{dwords});
  return true;
}

/// With SOURCES, each run of instructions of one source line has it above.
void print_code(const CodeObject& object, uint64_t start, uint64_t end, bool sources) {
  const emulator::Program& program = object.program();
  const auto slot_at = [&](uint64_t address) -> const Slot* {
    const uint64_t n = (address - program.base) / 4;
    return address >= program.base && n < program.slot_count ? &program.slots[n] : nullptr;
  };
  std::set<uint64_t> targets;
  uint64_t to;
  for (uint64_t pc = start; pc < end;) {
    const Slot* slot = slot_at(pc);
    if (slot != nullptr && slot->dwords && branch_target(slot->inst, pc, &to)) targets.insert(to);
    pc += slot != nullptr && slot->dwords ? 4u * slot->dwords : 4;
  }
  std::string line;
  for (uint64_t pc = start; pc < end;) {
    if (std::string here = sources ? object.source_at(pc) : ""; here != line) {
      line = std::move(here);
      if (!line.empty()) fmt::print("; {}\n", line);
    }
    const Slot* slot = slot_at(pc);
    const int dwords = slot != nullptr && slot->dwords ? slot->dwords : 1;
    std::string words;
    for (int n = 0; n < dwords; n++) {
      uint32_t w;
      std::memcpy(&w, reinterpret_cast<const void*>(pc + 4 * static_cast<uint64_t>(n)), 4);
      words += fmt::format(" {:08X}", w);
    }
    if (targets.count(pc)) fmt::print("{:x}:\n", pc - object.base());
    std::string text = slot != nullptr && slot->dwords ? disassemble(program.chip, slot->inst)
                                                       : ".long, which is no instruction";
    if (slot != nullptr && slot->dwords && branch_target(slot->inst, pc, &to))
      text += fmt::format("  -> {:x}", to - object.base());
    fmt::print("  {:<60} // {:08x}:{}\n", text, pc - object.base(), words);
    pc += 4 * static_cast<uint64_t>(dwords);
  }
}

/// Where the code that starts at START ends: by its symbol, else where the next begins.
uint64_t end_of(const CodeObject& object, uint64_t start) {
  const emulator::Program& program = object.program();
  uint64_t end = program.base + 4 * uint64_t{program.slot_count};
  for (const DeviceFunction& f : object.functions()) {
    if (f.address == start && f.size != 0) return std::min(end, f.address + f.size);
    if (f.address > start) end = std::min(end, f.address);
  }
  return end;
}

/// What to print: a kernel or function, all if that is empty; with source lines.
struct Wanted {
  std::string kernel;
  bool sources = false;
};

/// Prints what is WANTED; counts what it printed.
bool print_object(const Found& found, const Wanted& wanted, int* printed,
                  std::vector<std::string>* names) {
  const std::string& kernel = wanted.kernel;
  std::string error;
  emulator::Target target(Chip::kGfx900);
  DeviceMemory memory;
  std::unique_ptr<CodeObject> object;
  if (code_object_target(found.code.data(), found.code.size(), &target, &error))
    object = CodeObject::load(target, &memory, found.code.data(), found.code.size(), &error);
  if (object == nullptr) {
    fmt::print(stderr, "inlay: {}{}{}\n", found.place, found.place.empty() ? "" : ": ", error);
    return false;
  }
  if (wanted.sources && !object->has_sources())
    fmt::print(stderr, "inlay: {}{}no source lines: the code was built without -g\n", found.place,
               found.place.empty() ? "" : ": ");
  bool headed = false;
  const auto head = [&] {
    if (headed) return;
    headed = true;
    fmt::print("code object{}{}: {}, version {}, {} bytes, {} kernel{}\n",
               found.place.empty() ? "" : " ", found.place, chip_name(target.chip),
               object->version(), found.code.size(), object->kernels().size(),
               object->kernels().size() == 1 ? "" : "s");
    for (const DeviceVariable& v : object->variables())
      if (v.name.size() < 3 || v.name.compare(v.name.size() - 3, 3, ".kd") != 0)
        fmt::print("variable {}: {} bytes at {:x}\n", v.name, v.size, v.address - object->base());
  };
  if (kernel.empty()) head();
  std::set<uint64_t> entries;
  for (const Kernel& k : object->kernels()) {
    entries.insert(k.entry);
    names->push_back(k.name);
    if (!kernel.empty() && k.name != kernel) continue;
    head();
    ++*printed;
    fmt::print("\nkernel {}:\n", k.name);
    print_kernel(k);
    print_code(*object, k.entry, end_of(*object, k.entry), wanted.sources);
  }
  for (const DeviceFunction& f : object->functions()) {
    if (entries.count(f.address)) continue;
    names->push_back(f.name);
    if (!kernel.empty() && f.name != kernel) continue;
    head();
    ++*printed;
    fmt::print("\nfunction {}:\n", f.name);
    print_code(*object, f.address, end_of(*object, f.address), wanted.sources);
  }
  return true;
}

int disasm(const std::string& path, const Wanted& wanted) {
  const std::string& kernel = wanted.kernel;
  std::error_code failed;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, failed)) {
    fmt::print(stderr, "inlay: {}: {}\n", path, file ? "a folder" : std::strerror(errno));
    return kFailed;
  }
  const std::vector<uint8_t> data{std::istreambuf_iterator<char>(file), {}};
  std::string error;
  const std::vector<Found> found = search(data, &error);
  if (found.empty()) {
    fmt::print(stderr, "inlay: {}: {}\n", path, error);
    return kFailed;
  }
  int printed = 0, sound = 0;
  std::vector<std::string> names;
  for (const Found& f : found) {
    if (kernel.empty() && &f != &found.front()) fmt::print("\n");
    sound += print_object(f, wanted, &printed, &names);
  }
  if (!kernel.empty() && printed == 0 && sound > 0) {
    const std::vector<std::string> near = nearest_names(kernel, names, 1);
    fmt::print(stderr, "inlay: {}: there is no kernel `{}` in it{}\n", path, kernel,
               near.empty() ? "" : fmt::format("; did you mean `{}`?", near[0]));
    return kFailed;
  }
  return sound == static_cast<int>(found.size()) ? kOk : kFailed;
}

}  // namespace

void add_disasm(CLI::App& app, Action& run) {
  CLI::App* sub = app.add_subcommand(
      "disasm",
      "Print the kernels of a gfx900 or gfx906 code object: descriptor, arguments, instructions.\n"
      "FILE may also be an offload bundle, or a program or library that embeds device code.");
  auto path = std::make_shared<std::string>();
  auto wanted = std::make_shared<Wanted>();
  sub->add_option("FILE", *path, "code object, offload bundle, program or library")->required();
  sub->add_option("--kernel", wanted->kernel, "only the kernel or function of this name");
  sub->add_flag("--source", wanted->sources,
                "the source file and line of instructions, where the code was built with -g");
  sub->callback([path, wanted, &run] { run = [path, wanted] { return disasm(*path, *wanted); }; });
}

}  // namespace inlay::cli
