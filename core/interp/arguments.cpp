// The arguments of a run: checked against the declaration as a compiled function's entry checks
// them, and bound to slots.
#include <limits>

#include "core/interp/arith.h"
#include "core/interp/views.h"

namespace inlay::interp {

namespace {

[[noreturn]] void refuse(const Function& function, const std::string& what) {
  throw CompileError("argument", function.loc, function.name + ": " + what);
}

bool fits(DType type, int64_t value) {
  if (type.is_uint() && value < 0) return false;
  if (type.bits == 64) return true;
  int64_t limit = int64_t{1} << (type.is_int() ? type.bits - 1 : type.bits);
  return value < limit && (type.is_uint() || value >= -limit);
}

// Positions that a tensor spans, relative to its first element; false: too large.
bool span_of(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides, int64_t* low,
             int64_t* count) {
  int64_t high = 0;
  bool empty = false, overflow = false;
  *low = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t reach = 0;
    empty |= shape[d] == 0;
    if (shape[d] > 1) overflow |= __builtin_mul_overflow(shape[d] - 1, strides[d], &reach);
    int64_t& side = reach < 0 ? *low : high;
    overflow |= __builtin_add_overflow(side, reach, &side);
  }
  if (empty) {
    *low = *count = 0;
    return true;
  }
  overflow |= __builtin_sub_overflow(high, *low, count) || __builtin_add_overflow(*count, 1, count);
  return !overflow && *count <= kMaxBytes / 8;
}

Region take_tensor(Machine& machine, const Function& function, const Formals::Tensor& formal,
                   const TensorRef& tensor) {
  const std::string& name = formal.name;
  if (tensor.type != formal.type) {
    refuse(function,
           name + " has type " + to_string(tensor.type) + ", expected " + to_string(formal.type));
  }
  size_t rank = formal.shape.size();
  if (tensor.shape.size() != rank) {
    refuse(function, name + " has " + std::to_string(tensor.shape.size()) +
                         " dimensions, expected " + std::to_string(rank));
  }
  if (!tensor.strides.empty() && tensor.strides.size() != rank) {
    refuse(function, name + " has " + std::to_string(tensor.strides.size()) + " strides, but " +
                         std::to_string(rank) + " dimensions");
  }
  Region region{nullptr, 0, tensor.shape, tensor.strides};
  bool overflow = false;
  if (tensor.strides.empty()) {
    region.strides.resize(rank);
    int64_t inner = 1;
    for (size_t d = rank; d-- > 0;) {
      region.strides[d] = inner;
      overflow |= __builtin_mul_overflow(inner, std::max<int64_t>(tensor.shape[d], 1), &inner);
    }
  }
  for (int64_t extent : tensor.shape) {
    if (extent < 0)
      refuse(function, name + " has shape " + shape_text(tensor.shape) + " with a negative extent");
  }
  int64_t low = 0, count = 0;
  if (overflow || !span_of(region.shape, region.strides, &low, &count)) {
    refuse(function, name + " has shape " + shape_text(tensor.shape) + ", which no memory holds");
  }
  if (count > 0 && !tensor.data) refuse(function, name + " has no data");
  if (tensor.alignment > 0 && formal.alignment > tensor.alignment) {
    refuse(function, name + " is aligned to " + std::to_string(tensor.alignment) +
                         " bytes, expected " + std::to_string(formal.alignment));
  }
  int bytes = formal.type.bytes();
  if (count > 0 && reinterpret_cast<uintptr_t>(tensor.data) % bytes != 0) {
    refuse(function,
           name + " is not aligned to its elements of " + std::to_string(bytes) + " bytes");
  }
  auto storage = std::make_shared<Storage>();
  storage->type = formal.type;
  storage->count = count;
  storage->of_caller = true;
  storage->data = static_cast<std::byte*>(tensor.data) + low * bytes;
  if (tensor.uninitialised && machine.options.check_uninitialised) {
    storage->written.assign(count, 0);
  }
  if (machine.options.check_races && machine.code.max_levels > 0) {
    storage->stamps.assign(count * (1 + machine.code.max_levels), 0);
  }
  region.origin = -low;
  region.storage = storage.get();
  machine.frame.buffers[formal.slot.buffer].owner = std::move(storage);
  return region;
}

// Calls `use` with the address of each element.
template <typename Use>
void for_each_element(const Region& region, int bytes, Use use) {
  std::vector<int64_t> at(region.shape.size());
  for (int64_t extent : region.shape) {
    if (extent == 0) return;
  }
  while (true) {
    int64_t position = region.origin;
    for (size_t d = 0; d < at.size(); ++d) position += at[d] * region.strides[d];
    use(reinterpret_cast<uintptr_t>(region.storage->data) + position * bytes);
    size_t d = at.size();
    while (d > 0 && ++at[d - 1] == region.shape[d - 1]) at[--d] = 0;
    if (d == 0) return;
  }
}

// Whether two tensors share a byte; interleaved ones, as the halves of a matrix, do not.
bool overlap(const Region& a, const Region& b) {
  int bytes_a = a.storage->type.bytes(), bytes_b = b.storage->type.bytes();
  auto begin_a = reinterpret_cast<uintptr_t>(a.storage->data);
  auto begin_b = reinterpret_cast<uintptr_t>(b.storage->data);
  uintptr_t begin = std::max(begin_a, begin_b);
  uintptr_t end =
      std::min(begin_a + a.storage->count * bytes_a, begin_b + b.storage->count * bytes_b);
  if (begin >= end) return false;
  std::vector<uint8_t> touched(end - begin, 0);
  auto bytes_in_common = [&](uintptr_t address, int bytes, auto use) {
    for (uintptr_t at = std::max(address, begin); at < std::min(address + bytes, end); ++at) {
      use(touched[at - begin]);
    }
  };
  bool found = false;
  for_each_element(a, bytes_a, [&](uintptr_t address) {
    bytes_in_common(address, bytes_a, [](uint8_t& byte) { byte = 1; });
  });
  for_each_element(b, bytes_b, [&](uintptr_t address) {
    bytes_in_common(address, bytes_b, [&](uint8_t& byte) { found |= byte != 0; });
  });
  return found;
}

}  // namespace

bool to_value(const ScalarValue& scalar, DType type, Value* value) {
  if (type.is_float()) {
    auto* number = std::get_if<double>(&scalar);
    if (number) value->f = arith::round_to(type, *number);
    return number;
  }
  if (type.is_bool()) {
    auto* truth = std::get_if<bool>(&scalar);
    if (truth) value->i = *truth;
    return truth;
  }
  if (auto* number = std::get_if<int64_t>(&scalar)) {
    value->i = *number;
    return fits(type, *number);
  }
  auto* number = std::get_if<uint64_t>(&scalar);
  if (!number) return false;
  value->i = static_cast<int64_t>(*number);
  return (type.is_uint() && type.bits == 64) || (value->i >= 0 && fits(type, value->i));
}

ScalarValue to_scalar(Value value, DType type) {
  if (type.is_float()) return value.f;
  if (type.is_bool()) return value.i != 0;
  if (type.is_uint()) return static_cast<uint64_t>(value.i);
  return value.i;
}

void bind_arguments(Machine& machine, const Function& function, const Formals& formals,
                    const std::vector<uint32_t>& scalar_regs, const std::vector<bool>& written,
                    const std::vector<ArgValue>& args) {
  if (args.size() != function.params.size()) {
    std::string names;
    for (const Param& param : function.params) {
      names += (names.empty() ? " (" : ", ") + param_name(param);
    }
    if (!names.empty()) names += ")";
    refuse(function, "takes " + std::to_string(function.params.size()) + " arguments" + names +
                         ", " + std::to_string(args.size()) + " were given");
  }
  std::vector<Region> regions;
  std::vector<size_t> param_of;
  size_t scalars = 0;
  for (size_t p = 0; p < args.size(); ++p) {
    const std::string& name = param_name(function.params[p]);
    auto* tensor = std::get_if<TensorRef>(&args[p]);
    if (auto* var = std::get_if<Var>(&function.params[p])) {
      if (tensor) refuse(function, name + " is a scalar, a tensor was given");
      Value value;
      if (!var->type().is_scalar()) refuse(function, name + " is a vector, which can't be passed");
      if (!to_value(std::get<ScalarValue>(args[p]), var->type(), &value)) {
        refuse(function, name + " takes a value of type " + to_string(var->type()) +
                             ", which the one given is not");
      }
      machine.reg(scalar_regs[scalars++]) = value;
      continue;
    }
    if (!tensor) refuse(function, name + " is a tensor, a scalar was given");
    regions.push_back(take_tensor(machine, function, formals.tensors[regions.size()], *tensor));
    param_of.push_back(p);
  }
  std::string misfit = formals.bind(machine, regions);
  if (!misfit.empty()) throw CompileError("argument", function.loc, misfit);
  for (size_t a = 0; a < regions.size(); ++a) {
    for (size_t b = a + 1; b < regions.size(); ++b) {
      if (!written[param_of[a]] && !written[param_of[b]]) continue;
      if (!overlap(regions[a], regions[b])) continue;
      refuse(function, formals.tensors[a].name + " and " + formals.tensors[b].name +
                           " overlap, and one of them is written");
    }
  }
}

}  // namespace inlay::interp
