#include "core/interp/steps.h"

namespace inlay::interp {

Pc AllocateStep::run(Machine& machine, Pc pc) const {
  const std::string& name = machine.code.sites[site_].buffer;
  std::vector<int64_t> shape, strides(shape_.size());
  bool empty = false;
  for (size_t d = 0; d < shape_.size(); ++d) {
    shape.push_back(shape_[d]->eval(machine).i);
    if (shape[d] < 0) {
      machine.fault(
          site_, "negative-extent",
          "extent " + std::to_string(d) + " of `" + name + "` is " + std::to_string(shape[d]));
    }
    empty |= shape[d] == 0;
  }
  // Positions run from `low` to `high`; strides may be negative.
  int64_t low = 0, high = 0, inner = 1, bytes = 0;
  bool overflow = false;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = strides_.empty() ? inner : strides_[d]->eval(machine).i;
    overflow |= __builtin_mul_overflow(inner, shape[d], &inner);
    int64_t reach = 0;
    if (shape[d] > 1) overflow |= __builtin_mul_overflow(shape[d] - 1, strides[d], &reach);
    int64_t& side = reach < 0 ? low : high;
    overflow |= __builtin_add_overflow(side, reach, &side);
  }
  int64_t count = 0;
  overflow |= __builtin_sub_overflow(high, low, &count) ||
              __builtin_add_overflow(count, 1, &count) ||
              __builtin_mul_overflow(count, int64_t{type_.bytes()}, &bytes);
  if (empty) count = low = 0;
  if (overflow && !empty) {
    machine.fault(site_, "overflow",
                  "`" + name + "` of shape " + shape_text(shape) +
                      " has a size that does not fit into 64 bits");
  }
  BufferRef& ref = machine.frame.buffers[slot_.buffer];
  try {
    if (!empty && bytes > kMaxBytes) throw std::bad_alloc();
    machine.allocate(ref, type_, count, alignment_, watched);
  } catch (const std::bad_alloc&) {
    machine.fault(site_, "out-of-memory",
                  "there is no memory for `" + name + "` of shape " + shape_text(shape));
  }
  ref.origin = -low;
  for (size_t d = 0; d < shape.size(); ++d) {
    machine.reg(slot_.dims + 2 * d).i = shape[d];
    machine.reg(slot_.dims + 2 * d + 1).i = strides[d];
  }
  return pc + 1;
}

std::string WorkItemsStep::name(const Item& item) const {
  std::string text;
  for (size_t l = 0; l < loops.size(); ++l) {
    text += (l ? ", " : "") + loops[l].name + " = " + std::to_string(item.at[l]);
  }
  return text;
}

void WorkItemsStep::collect(Machine& machine, size_t depth, std::vector<int64_t>& at,
                            std::vector<Item>& items) const {
  if (depth == loops.size()) {
    items.push_back({machine.frame, body, false, at});
    return;
  }
  const Loop& loop = loops[depth];
  int64_t min = loop.min->eval(machine).i, extent = loop.extent->eval(machine).i;
  for (int64_t i = 0; i < extent; ++i) {
    int64_t value = static_cast<int64_t>(static_cast<uint64_t>(min) + static_cast<uint64_t>(i));
    machine.reg(loop.variable).i = value;
    at.push_back(value);
    Pc pc = loop.lets;
    machine.run(pc);
    collect(machine, depth + 1, at, items);
    at.pop_back();
  }
}

// Each work-item that is not done runs to its next barrier or its end. False: all are done.
bool WorkItemsStep::run_phase(Machine& machine, std::vector<Item>& items) const {
  machine.begin_phase();
  const Item *waiting = nullptr, *ended = nullptr;
  for (size_t n = 0; n < items.size(); ++n) {
    Item& item = items[n];
    machine.begin_iteration(static_cast<int64_t>(n));
    std::swap(machine.frame, item.frame);
    item.done = machine.run(item.pc) == kDone;
    std::swap(machine.frame, item.frame);
    (item.done ? ended : waiting) = &item;
  }
  if (!waiting) return false;
  auto divergent = [&](Item& at, const std::string& other) {
    std::swap(machine.frame, at.frame);
    auto* barrier = static_cast<const BarrierStep*>(machine.code.steps[at.pc - 1].get());
    machine.fault(barrier->site, "barrier",
                  "divergent barrier: work-item " + name(at) + " waits at it, " + other,
                  "every work-item of the workgroup must reach the same barrier");
  };
  Item* first = nullptr;
  for (Item& item : items) {
    if (item.done) continue;
    if (!first) first = &item;
    if (item.pc != first->pc) {
      divergent(*first, "and work-item " + name(item) + " at another one");
    }
  }
  if (ended) divergent(*first, "and work-item " + name(*ended) + " has ended without");
  return true;
}

Pc WorkItemsStep::run(Machine& machine, Pc) const {
  std::vector<Item> items;
  std::vector<int64_t> at;
  machine.begin_level(path_);
  machine.levels[machine.active - 1].name_item = [&](int64_t n) { return name(items[n]); };
  machine.begin_iteration(0);
  collect(machine, 0, at, items);
  size_t outer = std::exchange(machine.item_levels, machine.active);
  if (!items.empty()) {
    while (run_phase(machine, items)) {
    }
  }
  machine.item_levels = outer;
  machine.levels[machine.active - 1].name_item = nullptr;
  machine.end_level();
  return end;
}

}  // namespace inlay::interp
