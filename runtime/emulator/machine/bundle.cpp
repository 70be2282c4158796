#include "runtime/emulator/machine/bundle.h"

#include <elf.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

namespace inlay::emulator {
namespace {

constexpr char kMagic[] = "__CLANG_OFFLOAD_BUNDLE__";
constexpr uint64_t kMagicSize = sizeof(kMagic) - 1;
constexpr char kCompressedMagic[] = "CCOB";
constexpr uint64_t kUnknown = ~uint64_t{0};
constexpr uint64_t kLargest = uint64_t{1} << 32;
constexpr uint64_t kChunk = 1 << 16;

bool fail(std::string* error, const std::string& why) {
  *error = why;
  return false;
}

bool has(uint64_t size, uint64_t offset, uint64_t count) {
  return offset <= size && size - offset >= count;
}
template <typename T>
bool read(const uint8_t* data, uint64_t size, uint64_t offset, T* out) {
  if (!has(size, offset, sizeof(T))) return false;
  memcpy(out, data + offset, sizeof(T));
  return true;
}

// How far an ELF file of unknown length reaches, by its own headers.
uint64_t elf_extent(const uint8_t* data) {
  Elf64_Ehdr h;
  memcpy(&h, data, sizeof(h));
  uint64_t end = sizeof(h);
  const auto reach = [&](uint64_t offset, uint64_t size) {
    if (offset < kLargest && size < kLargest && offset + size > end) end = offset + size;
  };
  reach(h.e_phoff, uint64_t{h.e_phnum} * sizeof(Elf64_Phdr));
  reach(h.e_shoff, uint64_t{h.e_shnum} * sizeof(Elf64_Shdr));
  for (int n = 0; n < h.e_phnum && h.e_phentsize == sizeof(Elf64_Phdr); n++) {
    Elf64_Phdr p;
    memcpy(&p, data + h.e_phoff + static_cast<uint64_t>(n) * sizeof(p), sizeof(p));
    reach(p.p_offset, p.p_filesz);
  }
  return end;
}

// The header of a compressed bundle: version 1 tells no size of its own, 3 has 64-bit ones.
struct CompressedHeader {
  uint16_t version = 0, method = 0;
  uint64_t total = kUnknown, unpacked = 0, header = 0;
};
enum : uint16_t { kZlib = 0, kZstd = 1 };

bool compressed_header(const uint8_t* data, uint64_t size, CompressedHeader* h) {
  if (!read(data, size, 4, &h->version) || !read(data, size, 6, &h->method)) return false;
  uint32_t narrow[2] = {};
  uint64_t wide[2] = {};
  switch (h->version) {
    case 1:
      if (!read(data, size, 8, &narrow[0])) return false;
      h->unpacked = narrow[0];
      h->header = 20;
      return true;
    case 2:
      if (!read(data, size, 8, &narrow)) return false;
      h->total = narrow[0];
      h->unpacked = narrow[1];
      h->header = 24;
      return true;
    case 3:
      if (!read(data, size, 8, &wide)) return false;
      h->total = wide[0];
      h->unpacked = wide[1];
      h->header = 32;
      return true;
    default:
      return false;
  }
}

// Both take the packed data in chunks, so that of an image of unknown length no more is touched
// than belongs to it, give or take a chunk within the page. *used is what they took.
bool inflate_zlib(const uint8_t* data, uint64_t size, std::vector<uint8_t>* out, uint64_t* used) {
  z_stream z = {};
  if (inflateInit(&z) != Z_OK) return false;
  z.next_out = out->data();
  z.avail_out = static_cast<uInt>(out->size());
  int state = Z_OK;
  while (state == Z_OK && *used < size) {
    const uint64_t chunk = std::min<uint64_t>(size - *used, size == kUnknown ? 1 : kChunk);
    z.next_in = const_cast<uint8_t*>(data + *used);
    z.avail_in = static_cast<uInt>(chunk);
    state = inflate(&z, Z_NO_FLUSH);
    *used += chunk - z.avail_in;
    if (state == Z_OK && z.avail_in == chunk) break;  // more output than the header says
  }
  const bool whole = state == Z_STREAM_END && z.avail_out == 0;
  inflateEnd(&z);
  return whole;
}
bool inflate_zstd(const uint8_t* data, uint64_t size, std::vector<uint8_t>* out, uint64_t* used) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  if (context == nullptr) return false;
  ZSTD_outBuffer target = {out->data(), out->size(), 0};
  size_t wanted = 1;
  while (wanted != 0 && *used < size) {
    // The decoder says how much it wants next, which never reaches beyond its frame.
    const uint64_t chunk = std::min<uint64_t>(size - *used, size == kUnknown ? wanted : kChunk);
    ZSTD_inBuffer source = {data + *used, chunk, 0};
    const size_t written = target.pos;
    wanted = ZSTD_decompressStream(context, &target, &source);
    if (ZSTD_isError(wanted)) break;
    *used += source.pos;
    if (source.pos == 0 && target.pos == written && wanted != 0) break;
  }
  ZSTD_freeDCtx(context);
  return wanted == 0 && target.pos == target.size;
}

bool unpack(const uint8_t* data, uint64_t size, Bundle* bundle, std::string* error) {
  CompressedHeader h;
  if (!compressed_header(data, size, &h))
    return fail(error,
                "the compressed offload bundle's header is damaged, or of a version above 3");
  if (h.method != kZlib && h.method != kZstd)
    return fail(error, "the offload bundle is compressed by an unknown method (" +
                           std::to_string(h.method) + "); known are zlib (0) and zstd (1)");
  if (h.total != kUnknown && (h.total < h.header || (size != kUnknown && h.total > size)))
    return fail(error, "the compressed offload bundle is cut short");
  if (h.unpacked == 0 || h.unpacked > kLargest)
    return fail(error, "the compressed offload bundle's header is damaged");
  const uint64_t end = std::min(h.total, size);
  const uint64_t room = end == kUnknown ? kUnknown : end - h.header;
  // A damaged header must not make the host reserve gigabytes: no packer does better than this.
  if (room != kUnknown && h.unpacked / 20000 > room)
    return fail(error, "the compressed offload bundle's header is damaged");
  bundle->storage.resize(h.unpacked);
  uint64_t used = 0;
  const bool whole = h.method == kZlib
                         ? inflate_zlib(data + h.header, room, &bundle->storage, &used)
                         : inflate_zstd(data + h.header, room, &bundle->storage, &used);
  if (!whole) return fail(error, "the compressed offload bundle is damaged");
  bundle->extent = h.total != kUnknown ? h.total : h.header + used;
  return true;
}

// Which of several code objects fits best: more is better, 0 is none.
int fitness(const std::string& id, const Target& wanted) {
  if (id.compare(0, 4, "hip-") != 0 && id.compare(0, 6, "hipv4-") != 0) return 0;
  const size_t start = id.rfind("gfx");
  if (start == std::string::npos) return 0;
  const std::string named = id.substr(start);
  if (named == "gfx9-generic") return 1;
  Target has_target(Chip::kGfx900);
  if (!parse_target(named, &has_target) || has_target.chip != wanted.chip) return 0;
  int fit = 2;
  const auto feature = [&](const char* name, bool is) {
    const size_t at = named.find(name);
    if (at == std::string::npos) return true;
    fit++;
    return (named[at + strlen(name)] == '+') == is;
  };
  return feature(":xnack", wanted.xnack) && feature(":sramecc", wanted.sramecc) ? fit : 0;
}

}  // namespace

const char* chip_name(Chip chip) {
  return chip == Chip::kGfx900 ? "gfx900" : "gfx906";
}

std::string Target::id() const {
  std::string s = chip_name(chip);
  if (chip == Chip::kGfx906) s += sramecc ? ":sramecc+" : ":sramecc-";
  return s + (xnack ? ":xnack+" : ":xnack-");
}

bool parse_target(const std::string& id, Target* target) {
  size_t at = id.find(':');
  const std::string chip = id.substr(0, at);
  if (chip == "gfx900")
    *target = Target(Chip::kGfx900);
  else if (chip == "gfx906")
    *target = Target(Chip::kGfx906);
  else
    return false;
  bool xnack = false, sramecc = false;
  while (at != std::string::npos) {
    const size_t next = id.find(':', at + 1);
    const std::string feature = id.substr(at + 1, next == std::string::npos ? next : next - at - 1);
    at = next;
    if (!xnack && (feature == "xnack+" || feature == "xnack-")) {
      xnack = true;
      target->xnack = feature.back() == '+';
    } else if (!sramecc && target->chip == Chip::kGfx906 &&
               (feature == "sramecc+" || feature == "sramecc-")) {
      sramecc = true;
      target->sramecc = feature.back() == '+';
    } else {
      return false;
    }
  }
  return true;
}

bool is_bundle(const void* data, uint64_t size) {
  return (has(size, 0, 4) && memcmp(data, kCompressedMagic, 4) == 0) ||
         (has(size, 0, kMagicSize) && memcmp(data, kMagic, kMagicSize) == 0);
}

bool parse_bundle(const void* data, uint64_t size, Bundle* bundle, std::string* error) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  *bundle = Bundle();
  const bool compressed = has(size, 0, 4) && memcmp(bytes, kCompressedMagic, 4) == 0;
  if (compressed) {
    if (!unpack(bytes, size, bundle, error)) return false;
    bytes = bundle->storage.data();
    size = bundle->storage.size();
  }
  if (!has(size, 0, kMagicSize) || memcmp(bytes, kMagic, kMagicSize) != 0)
    return fail(error, "neither an ELF code object nor an offload bundle");
  uint64_t count = 0, at = kMagicSize + 8, end = 0;
  if (!read(bytes, size, kMagicSize, &count) || count > 1024)
    return fail(error, "the offload bundle's header is damaged");
  for (uint64_t n = 0; n < count; n++) {
    uint64_t entry[3];
    if (!read(bytes, size, at, &entry) || entry[2] > 4096 || !has(size, at + 24, entry[2]))
      return fail(error, "the offload bundle's header is damaged");
    BundleEntry e;
    e.id.assign(reinterpret_cast<const char*>(bytes) + at + 24, entry[2]);
    at += 24 + entry[2];
    end = std::max(end, at);
    if (entry[0] > kLargest || entry[1] > kLargest || !has(size, entry[0], entry[1]))
      return fail(error, "the offload bundle is cut short: " + e.id + " lies outside it");
    e.data = bytes + entry[0];
    e.size = entry[1];
    end = std::max(end, entry[0] + entry[1]);
    bundle->entries.push_back(std::move(e));
  }
  if (!compressed) bundle->extent = end;
  return true;
}

bool find_code_object(const Target& target, const void* data, uint64_t size, CodeImage* image,
                      std::string* error) {
  if (data == nullptr) return fail(error, "no code object: null pointer");
  if (has(size, 0, SELFMAG) && memcmp(data, ELFMAG, SELFMAG) == 0) {
    image->data = data;
    image->size = size == kUnknown ? elf_extent(static_cast<const uint8_t*>(data)) : size;
    return true;
  }
  Bundle bundle;
  if (!parse_bundle(data, size, &bundle, error)) return false;
  int best = 0;
  std::string targets;
  for (const BundleEntry& e : bundle.entries) {
    const int fit = fitness(e.id, target);
    targets += (targets.empty() ? "" : ", ") + e.id;
    if (fit <= best || e.size == 0) continue;
    best = fit;
    image->data = e.data;
    image->size = e.size;
  }
  image->storage = std::move(bundle.storage);
  if (best > 0) return true;
  return fail(error,
              "no code for " + target.id() + " in the offload bundle, which holds: " + targets);
}

}  // namespace inlay::emulator
