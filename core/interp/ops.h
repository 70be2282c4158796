// The kinds of compiled expressions. Templates over small function objects, so that the inner
// loop makes one virtual call a node and no switch.
#pragma once

#include <cstring>

#include "core/interp/arith.h"
#include "core/interp/machine.h"

namespace inlay::interp {

inline Value from_int(int64_t value) {
  return {.i = value};
}
inline Value from_float(double value) {
  return {.f = value};
}

class ConstOp : public Op {
 public:
  explicit ConstOp(Value value) : value_(value) {}
  Value eval(Machine&) const override { return value_; }

 private:
  Value value_;
};

class VarOp : public Op {
 public:
  VarOp(uint32_t reg, int lanes) : reg_(reg), lanes_(lanes) {}
  Value eval(Machine& machine) const override { return machine.frame.regs[reg_]; }
  void eval_lanes(Machine& machine, Value* out) const override {
    std::copy_n(&machine.frame.regs[reg_], lanes_, out);
  }

 private:
  uint32_t reg_;
  int lanes_;
};

/// f(a), lane by lane.
template <typename F>
class UnaryOf : public Op {
 public:
  UnaryOf(F f, const Op* a, int lanes) : f_(f), a_(a), lanes_(lanes) {}
  Value eval(Machine& machine) const override { return f_(a_->eval(machine)); }
  void eval_lanes(Machine& machine, Value* out) const override {
    a_->eval_lanes(machine, out);
    for (int lane = 0; lane < lanes_; ++lane) out[lane] = f_(out[lane]);
  }

 private:
  F f_;
  const Op* a_;
  int lanes_;
};

/// f(machine, a, b), lane by lane. `scratch` is room for b.
template <typename F>
class BinaryOf : public Op {
 public:
  BinaryOf(F f, const Op* a, const Op* b, int lanes, uint32_t scratch)
      : f_(f), a_(a), b_(b), lanes_(lanes), scratch_(scratch) {}
  Value eval(Machine& machine) const override {
    Value a = a_->eval(machine);
    return f_(machine, a, b_->eval(machine));
  }
  void eval_lanes(Machine& machine, Value* out) const override {
    a_->eval_lanes(machine, out);
    Value* b = &machine.scratch[scratch_];
    b_->eval_lanes(machine, b);
    for (int lane = 0; lane < lanes_; ++lane) out[lane] = f_(machine, out[lane], b[lane]);
  }

 private:
  F f_;
  const Op *a_, *b_;
  int lanes_;
  uint32_t scratch_;
};

// ---- what UnaryOf and BinaryOf compute ----

inline int64_t bit_or(int64_t a, int64_t b) {
  return a | b;
}
inline int64_t bit_xor(int64_t a, int64_t b) {
  return a ^ b;
}
inline int64_t bit_and(int64_t a, int64_t b) {
  return a & b;
}
inline int64_t min_int(int64_t a, int64_t b) {
  return a < b ? a : b;
}
inline int64_t max_int(int64_t a, int64_t b) {
  return a < b ? b : a;
}

struct NegInt {
  DType type;
  Value operator()(Value a) const { return from_int(arith::wrap(arith::sub(0, a.i), type)); }
};
struct NegFloat {
  Value operator()(Value a) const { return from_float(-a.f); }
};
struct Invert {
  DType type;
  Value operator()(Value a) const {
    return from_int(type.is_bool() ? !a.i : arith::wrap(~a.i, type));
  }
};
struct Convert {
  DType from, to;
  Value operator()(Value a) const {
    if (from.is_float()) {
      return to.is_float() ? from_float(arith::round_to(to, a.f))
                           : from_int(arith::float_to_int(to, a.f));
    }
    return to.is_float() ? from_float(arith::int_to_float(from, to, a.i))
                         : from_int(arith::int_to_int(to, a.i));
  }
};

struct KeepIndex {
  int64_t operator()(int64_t value) const { return value; }
};
struct WrapTo {
  DType type;
  int64_t operator()(int64_t value) const { return arith::wrap(value, type); }
};

template <auto Function, typename Wrap>
struct IntArith {
  Wrap wrap;
  Value operator()(Machine&, Value a, Value b) const { return from_int(wrap(Function(a.i, b.i))); }
};

/// Index arithmetic in a shape: what does not fit into 64 bits is a fault.
struct CheckedArith {
  BinaryOp op;
  uint32_t site;
  Value operator()(Machine& machine, Value a, Value b) const {
    int64_t result = 0;
    bool overflow = op == BinaryOp::Add   ? __builtin_add_overflow(a.i, b.i, &result)
                    : op == BinaryOp::Sub ? __builtin_sub_overflow(a.i, b.i, &result)
                                          : __builtin_mul_overflow(a.i, b.i, &result);
    if (overflow) {
      machine.fault(site, "overflow",
                    std::to_string(a.i) + " " + spelling(op) + " " + std::to_string(b.i) +
                        " in a shape does not fit into 64 bits");
    }
    return from_int(result);
  }
};

template <auto Function>
struct IntDivide {
  DType type;
  uint32_t site;
  Value operator()(Machine& machine, Value a, Value b) const {
    if (b.i == 0) machine.fault(site, "division-by-zero", "division by zero");
    return from_int(arith::wrap(Function(a.i, b.i), type));
  }
};

struct Shift {
  BinaryOp op;
  DType type;
  uint32_t site;
  Value operator()(Machine& machine, Value a, Value b) const {
    auto result = arith::int_binary(op, type, a.i, b.i);
    if (!result) {
      bool is_u64 = type.is_uint() && type.bits == 64;
      machine.fault(
          site, "shift",
          "shift of " + to_string(type.element()) + " by " +
              (is_u64 ? std::to_string(static_cast<uint64_t>(b.i)) : std::to_string(b.i)) +
              ", expected 0 to " + std::to_string(type.bits - 1));
    }
    return from_int(*result);
  }
};

/// Comparisons, min and max of u64, whose order is not that of its carrier.
struct U64Op {
  BinaryOp op;
  Value operator()(Machine&, Value a, Value b) const {
    return from_int(*arith::int_binary(op, kU64, a.i, b.i));
  }
};

template <typename Compare>
struct CompareInt {
  Value operator()(Machine&, Value a, Value b) const { return from_int(Compare()(a.i, b.i)); }
};
template <typename Compare>
struct CompareFloat {
  Value operator()(Machine&, Value a, Value b) const { return from_int(Compare()(a.f, b.f)); }
};

template <typename Kind, typename Function>
struct FloatArith {
  Value operator()(Machine&, Value a, Value b) const {
    using T = typename Kind::T;
    return from_float(Kind::round(Function()(static_cast<T>(a.f), static_cast<T>(b.f))));
  }
};
template <auto Function>
struct FloatPick {
  Value operator()(Machine&, Value a, Value b) const { return from_float(Function(a.f, b.f)); }
};

// ---- memory ----

/// An element as it lies in memory, by TypeCode and bits.
template <typename T>
struct IntElement {
  static Value load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return from_int(static_cast<int64_t>(value));
  }
  static void store(std::byte* at, Value value) {
    T element = static_cast<T>(value.i);
    std::memcpy(at, &element, sizeof(T));
  }
};
struct BoolElement {
  static Value load(const std::byte* at) { return from_int(*at != std::byte{0}); }
  static void store(std::byte* at, Value value) { *at = static_cast<std::byte>(value.i); }
};
template <typename T>
struct FloatElement {
  static Value load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return from_float(static_cast<double>(value));
  }
  static void store(std::byte* at, Value value) {
    T element = static_cast<T>(value.f);
    std::memcpy(at, &element, sizeof(T));
  }
};
struct BFloatElement {
  static Value load(const std::byte* at) {
    uint16_t bits;
    std::memcpy(&bits, at, 2);
    return from_float(std::bit_cast<float>(uint32_t{bits} << 16));
  }
  static void store(std::byte* at, Value value) {
    uint16_t bits = std::bit_cast<uint32_t>(static_cast<float>(value.f)) >> 16;
    std::memcpy(at, &bits, 2);
  }
};

/// Calls `use` with the element kind of a type.
template <typename Use>
auto with_element(DType type, Use use) {
  if (type.is_bool()) return use(BoolElement{});
  if (type.code == TypeCode::BFloat) return use(BFloatElement{});
  if (type.is_float()) {
    if (type.bits == 16) return use(FloatElement<_Float16>{});
    return type.bits == 32 ? use(FloatElement<float>{}) : use(FloatElement<double>{});
  }
  bool is_signed = type.is_int();
  switch (type.bits) {
    case 8:
      return is_signed ? use(IntElement<int8_t>{}) : use(IntElement<uint8_t>{});
    case 16:
      return is_signed ? use(IntElement<int16_t>{}) : use(IntElement<uint16_t>{});
    case 32:
      return is_signed ? use(IntElement<int32_t>{}) : use(IntElement<uint32_t>{});
    default:
      return use(IntElement<int64_t>{});
  }
}

/// `copied`: the value is stored as it is.
template <typename Element, bool copied>
class LoadOp : public Op {
 public:
  LoadOp(Access access, int bytes) : access_(std::move(access)), bytes_(bytes) {}
  Value eval(Machine& machine) const override {
    int64_t position = machine.locate(access_);
    Storage& storage = *machine.frame.buffers[access_.buffer].storage;
    note(machine, storage, position, 0);
    return Element::load(storage.data + position * bytes_);
  }
  void eval_lanes(Machine& machine, Value* out) const override {
    std::vector<int64_t> positions;
    machine.locate_lanes(access_, positions);
    Storage& storage = *machine.frame.buffers[access_.buffer].storage;
    for (int lane = 0; lane < access_.lanes; ++lane) {
      note(machine, storage, positions[lane], lane);
      out[lane] = Element::load(storage.data + positions[lane] * bytes_);
    }
  }

 private:
  void note(Machine& machine, Storage& storage, int64_t position, int lane) const {
    if (copied) {
      machine.note_copied(access_, storage, position, lane);
    } else {
      machine.note_read(access_, storage, position, lane);
    }
  }

  Access access_;
  int bytes_;
};

/// `copies`: the value may be an element as it was loaded.
template <typename Element, bool copies>
class StoreStep : public Step {
 public:
  StoreStep(Access access, const Op* value, int bytes)
      : access_(std::move(access)), value_(value), bytes_(bytes) {}
  Pc run(Machine& machine, Pc pc) const override {
    if (access_.lanes > 1) return run_lanes(machine, pc);
    int64_t position = machine.locate(access_);
    Value value = value_->eval(machine);
    Storage& storage = *machine.frame.buffers[access_.buffer].storage;
    machine.note_write(access_, storage, position);
    if (copies) machine.hand_on(access_, storage, position);
    Element::store(storage.data + position * bytes_, value);
    return pc + 1;
  }

 private:
  Pc run_lanes(Machine& machine, Pc pc) const {
    std::vector<int64_t> positions;
    machine.locate_lanes(access_, positions);
    std::vector<Value> values(access_.lanes);
    value_->eval_lanes(machine, values.data());
    Storage& storage = *machine.frame.buffers[access_.buffer].storage;
    for (int lane = 0; lane < access_.lanes; ++lane) {
      machine.note_write(access_, storage, positions[lane], lane);
      if (copies) machine.hand_on(access_, storage, positions[lane], lane);
      Element::store(storage.data + positions[lane] * bytes_, values[lane]);
    }
    return pc + 1;
  }

  Access access_;
  const Op* value_;
  int bytes_;
};

// ---- the rest ----

/// A scalar condition chooses, and only the chosen side is evaluated.
class ChooseOp : public Op {
 public:
  ChooseOp(const Op* condition, const Op* a, const Op* b) : condition_(condition), a_(a), b_(b) {}
  Value eval(Machine& machine) const override { return chosen(machine)->eval(machine); }
  void eval_lanes(Machine& machine, Value* out) const override {
    chosen(machine)->eval_lanes(machine, out);
  }

 private:
  const Op* chosen(Machine& machine) const { return condition_->eval(machine).i ? a_ : b_; }
  const Op *condition_, *a_, *b_;
};

/// A condition for each lane: both sides are evaluated.
class BlendOp : public Op {
 public:
  BlendOp(const Op* condition, const Op* a, const Op* b, int lanes, uint32_t scratch)
      : condition_(condition), a_(a), b_(b), lanes_(lanes), scratch_(scratch) {}
  void eval_lanes(Machine& machine, Value* out) const override {
    Value* condition = &machine.scratch[scratch_];
    Value* b = condition + lanes_;
    condition_->eval_lanes(machine, condition);
    a_->eval_lanes(machine, out);
    b_->eval_lanes(machine, b);
    for (int lane = 0; lane < lanes_; ++lane) {
      if (!condition[lane].i) out[lane] = b[lane];
    }
  }

 private:
  const Op *condition_, *a_, *b_;
  int lanes_;
  uint32_t scratch_;
};

class RampOp : public Op {
 public:
  RampOp(const Op* base, const Op* stride, DType type)
      : base_(base), stride_(stride), type_(type) {}
  void eval_lanes(Machine& machine, Value* out) const override {
    int64_t value = base_->eval(machine).i, stride = stride_->eval(machine).i;
    for (int lane = 0; lane < type_.lanes; ++lane) {
      out[lane].i = value;
      value = arith::wrap(arith::add(value, stride), type_);
    }
  }

 private:
  const Op *base_, *stride_;
  DType type_;
};

class BroadcastOp : public Op {
 public:
  BroadcastOp(const Op* value, int lanes) : value_(value), lanes_(lanes) {}
  void eval_lanes(Machine& machine, Value* out) const override {
    std::fill_n(out, lanes_, value_->eval(machine));
  }

 private:
  const Op* value_;
  int lanes_;
};

class MathOpOf : public Op {
 public:
  MathOpOf(MathOp op, DType type, std::vector<const Op*> args, uint32_t scratch)
      : op_(op), type_(type), args_(std::move(args)), scratch_(scratch) {}
  Value eval(Machine& machine) const override {
    double values[3] = {};
    for (size_t i = 0; i < args_.size(); ++i) values[i] = args_[i]->eval(machine).f;
    return from_float(arith::float_math(op_, type_.element(), values));
  }
  void eval_lanes(Machine& machine, Value* out) const override {
    Value* lanes = &machine.scratch[scratch_];
    for (size_t i = 0; i < args_.size(); ++i) {
      args_[i]->eval_lanes(machine, lanes + i * type_.lanes);
    }
    for (int lane = 0; lane < type_.lanes; ++lane) {
      double values[3] = {};
      for (size_t i = 0; i < args_.size(); ++i) values[i] = lanes[i * type_.lanes + lane].f;
      out[lane] = from_float(arith::float_math(op_, type_.element(), values));
    }
  }

 private:
  MathOp op_;
  DType type_;
  std::vector<const Op*> args_;
  uint32_t scratch_;
};

}  // namespace inlay::interp
