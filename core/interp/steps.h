// The kinds of compiled statements, but for StoreStep (ops.h). Positions that lie ahead are filled
// in when they are known.
#pragma once

#include <algorithm>

#include "core/interp/views.h"

namespace inlay::interp {

class DoneStep : public Step {
 public:
  Pc run(Machine&, Pc) const override { return kDone; }
};

class JumpStep : public Step {
 public:
  Pc to = 0;
  Pc run(Machine&, Pc) const override { return to; }
};

class BranchStep : public Step {
 public:
  explicit BranchStep(const Op* condition) : condition_(condition) {}
  Pc otherwise = 0;
  Pc run(Machine& machine, Pc pc) const override {
    return condition_->eval(machine).i ? pc + 1 : otherwise;
  }

 private:
  const Op* condition_;
};

class LetStep : public Step {
 public:
  LetStep(uint32_t reg, const Op* value, int lanes) : reg_(reg), value_(value), lanes_(lanes) {}
  Pc run(Machine& machine, Pc pc) const override {
    if (lanes_ == 1) {
      machine.reg(reg_) = value_->eval(machine);
    } else {
      value_->eval_lanes(machine, &machine.reg(reg_));
    }
    return pc + 1;
  }

 private:
  uint32_t reg_;
  const Op* value_;
  int lanes_;
};

class AssertStep : public Step {
 public:
  AssertStep(const Op* condition, std::string message, uint32_t site)
      : condition_(condition), message_(std::move(message)), site_(site) {}
  Pc run(Machine& machine, Pc pc) const override {
    if (!condition_->eval(machine).i) machine.fault(site_, "assert", message_);
    return pc + 1;
  }

 private:
  const Op* condition_;
  std::string message_;
  uint32_t site_;
};

class EvaluateStep : public Step {
 public:
  explicit EvaluateStep(const Op* value) : value_(value) {}
  Pc run(Machine& machine, Pc pc) const override {
    value_->eval(machine);
    return pc + 1;
  }

 private:
  const Op* value_;
};

/// Registers of a loop: its variable, and how many iterations are left.
struct LoopRegs {
  uint32_t variable = 0, left = 0;
};

/// Starts a loop; `parallel` ones are a level of parallelism.
template <bool parallel>
class LoopStep : public Step {
 public:
  LoopStep(LoopRegs regs, const Op* min, const Op* extent, uint32_t path)
      : regs_(regs), min_(min), extent_(extent), path_(path) {}
  Pc end = 0;
  Pc run(Machine& machine, Pc pc) const override {
    int64_t min = min_->eval(machine).i, extent = extent_->eval(machine).i;
    if (extent <= 0) return end;
    machine.reg(regs_.variable).i = min;
    machine.reg(regs_.left).i = extent;
    if (parallel) {
      machine.begin_level(path_);
      machine.begin_iteration(min);
    }
    return pc + 1;
  }

 private:
  LoopRegs regs_;
  const Op *min_, *extent_;
  uint32_t path_;
};

template <bool parallel>
class NextStep : public Step {
 public:
  NextStep(LoopRegs regs, Pc body) : regs_(regs), body_(body) {}
  Pc run(Machine& machine, Pc pc) const override {
    if (--machine.reg(regs_.left).i == 0) {
      if (parallel) machine.end_level();
      return pc + 1;
    }
    // The variable wraps as all arithmetic does.
    auto& variable = machine.reg(regs_.variable).i;
    variable = static_cast<int64_t>(static_cast<uint64_t>(variable) + 1);
    if (parallel) machine.begin_iteration(variable);
    return body_;
  }

 private:
  LoopRegs regs_;
  Pc body_;
};

class AllocateStep : public Step {
 public:
  AllocateStep(BufferSlot slot, const BufferNode& buffer, std::vector<const Op*> shape,
               std::vector<const Op*> strides, uint32_t site)
      : slot_(slot),
        type_(buffer.type),
        alignment_(buffer.alignment),
        shape_(std::move(shape)),
        strides_(std::move(strides)),
        site_(site) {}
  bool watched = false;  ///< a parallel loop runs in its scope
  Pc run(Machine& machine, Pc pc) const override;

 private:
  BufferSlot slot_;
  DType type_;
  int alignment_;
  std::vector<const Op*> shape_, strides_;  // no strides: compact
  uint32_t site_;
};

/// Binds the formals of an intrinsic whose meaning follows.
class BindStep : public Step {
 public:
  struct Scalar {
    uint32_t reg;
    const Op* value;
    int lanes;
  };
  BindStep(std::vector<Scalar> scalars, std::vector<ViewSpec> views, Formals formals, uint32_t site)
      : scalars_(std::move(scalars)),
        views_(std::move(views)),
        formals_(std::move(formals)),
        site_(site) {}
  Pc run(Machine& machine, Pc pc) const override {
    for (const Scalar& scalar : scalars_) {
      if (scalar.lanes == 1) {
        machine.reg(scalar.reg) = scalar.value->eval(machine);
      } else {
        scalar.value->eval_lanes(machine, &machine.reg(scalar.reg));
      }
    }
    std::vector<Region> regions;
    for (const ViewSpec& view : views_) regions.push_back(resolve(machine, view));
    std::string misfit = formals_.bind(machine, regions);
    if (!misfit.empty()) machine.fault(site_, "view-mismatch", misfit);
    return pc + 1;
  }

 private:
  std::vector<Scalar> scalars_;
  std::vector<ViewSpec> views_;
  Formals formals_;
  uint32_t site_;
};

class BarrierStep : public Step {
 public:
  explicit BarrierStep(uint32_t site) : site(site) {}
  const uint32_t site;
  Pc run(Machine& machine, Pc) const override {
    if (machine.item_levels == 0) {
      machine.fault(site, "barrier", "barrier outside of a lane loop",
                    "a barrier is for the work-items of one workgroup");
    }
    if (machine.active != machine.item_levels) {
      machine.fault(site, "barrier", "barrier in a parallel loop inside of a work-item",
                    "make that loop serial, or move the barrier out of it");
    }
    return kAtBarrier;
  }
};

/// Lane loops around a barrier: every work-item is a Frame of its own, and all run in turns from
/// barrier to barrier. The nest's body follows, ended by a DoneStep.
class WorkItemsStep : public Step {
 public:
  struct Loop {
    std::string name;
    uint32_t variable = 0;
    const Op *min = nullptr, *extent = nullptr;
    Pc lets = 0;  ///< what stands between this loop and the next, ended by a DoneStep
  };
  explicit WorkItemsStep(uint32_t path) : path_(path) {}
  std::vector<Loop> loops;
  Pc body = 0, end = 0;
  Pc run(Machine& machine, Pc pc) const override;

 private:
  struct Item {
    Frame frame;
    Pc pc;
    bool done = false;
    std::vector<int64_t> at;
  };
  void collect(Machine& machine, size_t depth, std::vector<int64_t>& at,
               std::vector<Item>& items) const;
  bool run_phase(Machine& machine, std::vector<Item>& items) const;
  std::string name(const Item& item) const;

  uint32_t path_;
};

}  // namespace inlay::interp
