#include "core/interp/machine.h"

#include <algorithm>
#include <cstring>

namespace inlay::interp {

namespace {

constexpr uint64_t kSiteMask = (uint64_t{1} << kSiteBits) - 1;

std::string bracketed(const std::vector<int64_t>& numbers) {
  std::string text = "[";
  for (size_t i = 0; i < numbers.size(); ++i) {
    text += (i ? ", " : "") + std::to_string(numbers[i]);
  }
  return text + "]";
}

}  // namespace

Value Op::eval(Machine&) const {
  INLAY_CHECK(false, "a vector was asked for a scalar");
  return {};
}

void Op::eval_lanes(Machine& machine, Value* out) const {
  *out = eval(machine);
}

Machine::Machine(const Code& compiled, const InterpOptions& chosen)
    : code(compiled), options(chosen) {
  frame.regs.resize(code.regs);
  frame.buffers.resize(code.buffers);
  scratch.resize(code.scratch);
  levels.resize(code.max_levels);
  unwritten.resize(code.max_lanes);
}

Pc Machine::run(Pc& pc) {
  while (true) {
    if (options.step_limit && ++steps_run_ > options.step_limit) {
      throw CompileError("step-limit", {},
                         "`" + code.function + "` was stopped after " +
                             std::to_string(options.step_limit) + " steps",
                         "raise the limit, or run a smaller case");
    }
    Pc next = code.steps[pc]->run(*this, pc);
    if (next == kDone) return kDone;
    if (next == kAtBarrier) {
      ++pc;
      return kAtBarrier;
    }
    pc = next;
  }
}

void Machine::begin_level(uint32_t path) {
  Level& level = levels[active++];
  level.start = level.iteration = ++now_;
  level.path = path;
  level.history.clear();
  level.name_item = nullptr;
}

void Machine::locate_lanes(const Access& access, std::vector<int64_t>& positions) {
  size_t last = access.indices.size() - 1;
  int64_t position = frame.buffers[access.buffer].origin;
  for (size_t d = 0; d < last; ++d) {
    int64_t index = evaluate(access.indices[d]);
    const Value* dim = &frame.regs[access.dims + 2 * d];
    if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(dim[0].i)) {
      out_of_bounds(access, d, index, dim[0].i, 0);
    }
    position += index * dim[1].i;
  }
  std::vector<Value> lanes(access.lanes);
  access.indices[last].op->eval_lanes(*this, lanes.data());
  const Value* dim = &frame.regs[access.dims + 2 * last];
  positions.resize(access.lanes);
  for (int lane = 0; lane < access.lanes; ++lane) {
    int64_t index = lanes[lane].i;
    if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(dim[0].i)) {
      out_of_bounds(access, last, index, dim[0].i, lane);
    }
    positions[lane] = position + index * dim[1].i;
  }
}

void Machine::uninitialised(const Access& access, int lane, const Access* stored_to) {
  std::vector<Diagnostic> notes;
  const Site& site = code.sites[access.site];
  if (stored_to) {
    const Site& to = code.sites[stored_to->site];
    std::string text = "it would go into the argument `" + to.buffer + "` here";
    notes.push_back({Severity::Note, "", text, to.loc, path_text(to.path), "", "", {}});
  }
  fault(access.site, "uninitialised-read",
        "read of `" + site.buffer + "`" + indices_text(access, lane) + ", which was never written",
        "", std::move(notes));
}

void Machine::watch_read(const Access& access, Storage& storage, int64_t position, int lane) {
  uint64_t* words = &storage.stamps[position * (1 + code.max_levels)];
  check_conflict(access, words[0], lane);
  uint64_t word = now_ << kSiteBits | std::min<uint64_t>(access.site, kSiteMask);
  for (size_t l = 0; l < active; ++l) {
    if (words[1 + l] >> kSiteBits < levels[l].start) words[1 + l] = word;
  }
}

void Machine::watch_write(const Access& access, Storage& storage, int64_t position, int lane) {
  uint64_t* words = &storage.stamps[position * (1 + code.max_levels)];
  check_conflict(access, words[0], lane);
  for (size_t l = 0; l < active; ++l) {
    uint64_t time = words[1 + l] >> kSiteBits;
    if (time >= levels[l].start && time < levels[l].iteration) race(access, l, words[1 + l], lane);
  }
  words[0] = now_ << kSiteBits | std::min<uint64_t>(access.site, kSiteMask);
}

void Machine::check_conflict(const Access& access, uint64_t word, int lane) {
  uint64_t time = word >> kSiteBits;
  if (time >= levels[active - 1].iteration || time < levels[0].start) return;
  for (size_t l = 0; l < active; ++l) {
    if (time >= levels[l].start && time < levels[l].iteration) race(access, l, word, lane);
  }
}

void Machine::race(const Access& access, size_t level, uint64_t word, int lane) {
  const Level& in = levels[level];
  const Site& site = code.sites[access.site];
  const Path& path = code.paths[in.path];
  auto earlier = std::upper_bound(
      in.history.begin(), in.history.end(), word >> kSiteBits,
      [](uint64_t time, const std::pair<uint64_t, int64_t>& start) { return time < start.first; });
  int64_t before = (earlier - 1)->second, present = in.history.back().second;
  auto name = [&](int64_t item) {
    return in.name_item ? "work-item " + in.name_item(item)
                        : "iteration " + path.variable + " = " + std::to_string(item);
  };
  auto done = [](bool write) { return write ? "written" : "read"; };
  std::vector<Diagnostic> notes;
  bool known = (word & kSiteMask) != kSiteMask;
  bool other_writes = !known || code.sites[word & kSiteMask].write;
  if (known) {
    const Site& other = code.sites[word & kSiteMask];
    notes.push_back({Severity::Note,
                     "race",
                     std::string("it is ") + done(other.write) + " here",
                     other.loc,
                     path_text(other.path),
                     "",
                     "",
                     {}});
  }
  fault(access.site, "race",
        "race: `" + site.buffer + "`" + indices_text(access, lane) + " is " + done(site.write) +
            " in " + name(present) + ", and " + done(other_writes) + " in " + name(before) +
            " of `" + path.label + "`",
        in.name_item ? "put a barrier between the two accesses"
                     : "make the loop serial, or let each iteration touch elements of its own",
        std::move(notes));
}

void Machine::allocate(BufferRef& ref, DType type, int64_t count, int alignment, bool watched) {
  int64_t bytes = count * type.bytes();
  int64_t align = std::max(alignment, type.bytes());
  // An allocation of an earlier iteration is used again, unless a work-item shares it.
  if (!ref.owner || ref.owner.use_count() != 1 || ref.owner->capacity < bytes + 2 * align) {
    ref.owner = std::make_shared<Storage>();
    ref.owner->capacity = bytes + 2 * align;
    ref.owner->owned.reset(new std::byte[ref.owner->capacity]);
  }
  Storage& storage = *ref.owner;
  // Aligned as declared and no better, so that a wrong promise shows.
  uintptr_t start = reinterpret_cast<uintptr_t>(storage.owned.get());
  uintptr_t aligned = (start + align - 1) / align * align;
  if (aligned / align % 2 == 0) aligned += align;
  storage.data = storage.owned.get() + (aligned - start);
  storage.type = type;
  storage.count = count;
  // All bits set: NaN, -1. What reads it without having written it is seen to be wrong.
  std::memset(storage.data, 0xff, bytes);
  if (options.check_uninitialised) storage.written.assign(count, 0);
  if (watched && options.check_races) {
    storage.stamps.assign(count * (1 + code.max_levels), 0);
  } else {
    storage.stamps.clear();
  }
  ref.storage = &storage;
}

std::string Machine::indices_text(const Access& access, int lane) {
  std::vector<int64_t> indices;
  for (size_t d = 0; d < access.indices.size(); ++d) {
    if (access.lanes > 1 && d + 1 == access.indices.size()) {
      std::vector<Value> lanes(access.lanes);
      access.indices[d].op->eval_lanes(*this, lanes.data());
      indices.push_back(lanes[lane].i);
    } else {
      indices.push_back(evaluate(access.indices[d]));
    }
  }
  return bracketed(indices);
}

void Machine::out_of_bounds(const Access& access, size_t dim, int64_t index, int64_t extent,
                            int lane) {
  const Site& site = code.sites[access.site];
  std::string message = std::string(site.write ? "write to" : "read of") + " `" + site.buffer +
                        "`" + indices_text(access, lane) + " is out of bounds: index " +
                        std::to_string(dim) + " is " + std::to_string(index) + ", the extent is " +
                        std::to_string(extent);
  if (access.lanes > 1) message += " (lane " + std::to_string(lane) + ")";
  fault(access.site, "out-of-bounds", std::move(message));
}

std::string Machine::path_text(uint32_t path) const {
  std::string text = code.paths[path].label;
  while (path != 0) {
    path = code.paths[path].parent;
    text = code.paths[path].label + "/" + text;
  }
  return text;
}

std::string Machine::variables_text(uint32_t path) {
  std::string text;
  for (; path != 0; path = code.paths[path].parent) {
    const Path& at = code.paths[path];
    if (at.variable.empty()) continue;
    text = at.variable + " = " + std::to_string(reg(at.variable_reg).i) +
           (text.empty() ? "" : ", ") + text;
  }
  return text.empty() ? text : "where " + text;
}

void Machine::fault(uint32_t site, std::string rule, std::string message, std::string help,
                    std::vector<Diagnostic> notes) {
  const Site& at = code.sites[site];
  throw CompileError(std::vector<Diagnostic>{{Severity::Error, std::move(rule), std::move(message),
                                              at.loc, path_text(at.path), std::move(help),
                                              variables_text(at.path), std::move(notes)}});
}

}  // namespace inlay::interp
