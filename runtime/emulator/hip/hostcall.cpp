#include "runtime/emulator/hip/hostcall.h"

#include <cstdio>
#include <cstring>

namespace inlay::emulator::hip {
namespace {

constexpr uint32_t kPackets = 1024;  // a power of two
enum : uint32_t { kServiceCall = 1, kServicePrintf = 2, kServiceMemory = 3 };
constexpr uint64_t kSlab = uint64_t{2} << 20;  // what small blocks are cut from lies aligned to it
constexpr uint64_t kHeapState = uint64_t{1} << 20;
constexpr uint64_t kBegin = 1, kEnd = 2;

struct Payload {
  uint64_t slots[64][8];
};
// amd_signal_t, as far as it is used: a mailbox that is not null makes the device send its
// interrupt.
struct Signal {
  int64_t kind, value;
  uint64_t mailbox;
  uint32_t event, unused;
  uint64_t rest[4];
};

}  // namespace

struct Hostcall::Header {
  uint64_t next, active;
  uint32_t service, control;  // control, bit 0: waits for the host
};
struct Hostcall::Buffer {
  Header* headers;
  Payload* payloads;
  Signal* doorbell;
  uint64_t free_stack, ready_stack, index_mask;
};

uint64_t Hostcall::buffer(DeviceMemory* memory) {
  const std::lock_guard lock(mutex_);
  if (Buffer* made = buffer_) return reinterpret_cast<uint64_t>(made);
  memory_ = memory;
  auto* b = static_cast<Buffer*>(memory->allocate(sizeof(Buffer), "hostcall buffer"));
  auto* headers =
      static_cast<Header*>(memory->allocate(sizeof(Header) * kPackets, "hostcall headers"));
  auto* payloads =
      static_cast<Payload*>(memory->allocate(sizeof(Payload) * kPackets, "hostcall payloads"));
  auto* signal = static_cast<Signal*>(memory->allocate(sizeof(Signal) + 8, "hostcall doorbell"));
  if (b == nullptr || headers == nullptr || payloads == nullptr || signal == nullptr) return 0;
  memset(headers, 0, sizeof(Header) * kPackets);
  memset(signal, 0, sizeof(Signal) + 8);
  signal->mailbox = reinterpret_cast<uint64_t>(signal + 1);
  *b = {headers, payloads, signal, 0, 0, kPackets - 1};
  // All packets are free: a chain from the last to the first. Zero ends it, so that packet 0 has a
  // tag above its index.
  for (uint32_t n = 1; n < kPackets; n++) headers[n].next = n == 1 ? kPackets : n - 1;
  headers[0].next = 0;
  b->free_stack = kPackets - 1;
  buffer_ = b;
  return reinterpret_cast<uint64_t>(b);
}

uint64_t Hostcall::heap(DeviceMemory* memory) {
  const std::lock_guard lock(mutex_);
  if (heap_ == nullptr) heap_ = memory->allocate_zeroed(kHeapState, "state of the device's heap");
  return reinterpret_cast<uint64_t>(heap_);
}

void Hostcall::serve() {
  Buffer* buffer = buffer_;
  if (buffer == nullptr || __atomic_load_n(&buffer->ready_stack, __ATOMIC_ACQUIRE) == 0) return;
  const std::lock_guard lock(mutex_);
  uint64_t at = __atomic_exchange_n(&buffer->ready_stack, 0, __ATOMIC_ACQ_REL);
  while (at != 0) {
    Header& h = buffer->headers[at & buffer->index_mask];
    Payload& p = buffer->payloads[at & buffer->index_mask];
    const uint64_t next = h.next;
    for (int lane = 0; lane < 64; lane++) {
      if (!(h.active >> lane & 1)) continue;
      uint64_t* slots = p.slots[lane];
      if (h.service == kServicePrintf)
        print(slots);
      else if (h.service == kServiceMemory)
        device_memory(slots);
      else if (h.service == kServiceCall && slots[0] != 0)
        reinterpret_cast<void (*)(uint64_t*, const uint64_t*)>(slots[0])(slots, slots + 1);
      else
        fprintf(
            stderr,
            "inlay emulator: device code asked for hostcall service %u, which is not supported\n",
            h.service);
    }
    __atomic_fetch_and(&h.control, ~1u, __ATOMIC_RELEASE);
    at = next;
  }
  fflush(stdout);
}

// Address and size: a null address asks for memory, another is given back. The answer is where it
// lies, null if there is none.
void Hostcall::device_memory(uint64_t* slots) {
  const uint64_t address = slots[0], size = slots[1];
  slots[0] = 0;
  Region r;
  if (address != 0) {
    if (memory_->find(address, &r) && r.base == address)
      spare_[r.size].push_back(reinterpret_cast<void*>(address));
    return;
  }
  std::vector<void*>& spare = spare_[size];
  void* p = nullptr;
  if (!spare.empty()) {
    p = spare.back();
    spare.pop_back();
  } else {
    p = memory_->allocate_zeroed(size, "memory of the device's malloc", kSlab);
  }
  slots[0] = reinterpret_cast<uint64_t>(p);
}

// A part of a message: a descriptor (begin, end, count of values in 7:5, id above) and up to seven
// values.
void Hostcall::print(uint64_t* slots) {
  const uint64_t descriptor = slots[0];
  uint64_t id = descriptor >> 8;
  if (descriptor & kBegin) id = next_message_++;
  std::vector<uint64_t>& message = messages_[id];
  message.insert(message.end(), slots + 1, slots + 1 + (descriptor >> 5 & 7));
  if (descriptor & kEnd) {
    finish(message, slots);
    messages_.erase(id);
  } else {
    slots[0] = (descriptor & ~(kBegin | ~uint64_t{0xff})) | id << 8;
  }
}

void Hostcall::finish(const std::vector<uint64_t>& message, uint64_t* result) {
  *result = 0;
  if (message.size() < 2) return;
  std::vector<uint64_t> safe = message;
  safe.push_back(0);  // strings end
  const char* format = reinterpret_cast<const char*>(&safe[1]);
  const size_t words = strlen(format) / 8 + 1;
  const uint64_t* end = safe.data() + message.size();
  const uint64_t* arguments = safe.data() + 1 + words;
  const std::string text = format_printf(format, arguments < end ? arguments : end, end);
  fwrite(text.data(), 1, text.size(), message[0] & 1 ? stderr : stdout);
  *result = text.size();
}

std::string format_printf(const char* format, const uint64_t* arguments, const uint64_t* end) {
  std::string out;
  const auto next = [&]() -> uint64_t { return arguments < end ? *arguments++ : 0; };
  for (const char* p = format; *p != 0;) {
    if (*p != '%') {
      out += *p++;
      continue;
    }
    std::string spec = "%";
    p++;
    while (*p != 0 && strchr("-+ #0123456789.*", *p) != nullptr) {
      if (*p == '*')
        spec += std::to_string(static_cast<int>(next()));
      else
        spec += *p;
      p++;
    }
    int longs = 0, shorts = 0;
    while (*p != 0 && strchr("hlLqjzt", *p) != nullptr) {
      longs += *p != 'h';
      shorts += *p == 'h';
      p++;
    }
    const char conversion = *p;
    if (conversion != 0) p++;
    if (spec.size() > 64) break;  // no sane width
    char buffer[512];
    buffer[0] = 0;
    switch (conversion) {
      case '%':
        out += '%';
        continue;
      case 'd':
      case 'i': {
        int64_t v = static_cast<int64_t>(next());
        if (longs == 0) v = static_cast<int32_t>(v);
        if (shorts == 1) v = static_cast<int16_t>(v);
        if (shorts == 2) v = static_cast<int8_t>(v);
        snprintf(buffer, sizeof(buffer), (spec + "lld").c_str(), static_cast<long long>(v));
        break;
      }
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        uint64_t v = next();
        if (longs == 0) v = static_cast<uint32_t>(v);
        if (shorts == 1) v = static_cast<uint16_t>(v);
        if (shorts == 2) v = static_cast<uint8_t>(v);
        snprintf(buffer, sizeof(buffer), (spec + "ll" + conversion).c_str(),
                 static_cast<unsigned long long>(v));
        break;
      }
      case 'c':
        snprintf(buffer, sizeof(buffer), (spec + "c").c_str(), static_cast<int>(next()));
        break;
      case 'p':
        snprintf(buffer, sizeof(buffer), (spec + "p").c_str(), reinterpret_cast<void*>(next()));
        break;
      case 'a':
      case 'A':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': {
        const uint64_t bits = next();
        double v;
        memcpy(&v, &bits, sizeof(v));
        snprintf(buffer, sizeof(buffer), (spec + conversion).c_str(), v);
        break;
      }
      case 's': {
        const char* s = reinterpret_cast<const char*>(arguments);
        const size_t room = static_cast<size_t>(end - arguments) * 8;
        const std::string text(s, strnlen(s, room));
        arguments += std::min<size_t>(text.size() / 8 + 1, static_cast<size_t>(end - arguments));
        std::vector<char> wide(text.size() + 1024);
        snprintf(wide.data(), wide.size(), (spec + "s").c_str(), text.c_str());
        out += wide.data();
        continue;
      }
      default:
        out += spec + std::string(1, conversion);
        continue;
    }
    out += buffer;
  }
  return out;
}

}  // namespace inlay::emulator::hip
