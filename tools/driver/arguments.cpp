#include "tools/driver/arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/passes/passes.h"
#include "core/text/text.h"
#include "tools/driver/files/files.h"

extern "C" {
#include "runtime/src/tools/npy.h"
}

namespace inlay {

namespace {

[[noreturn]] void fail(const std::string& message, const std::string& help = "") {
  throw CompileError("argument", {}, message, help);
}

DLDataType to_dlpack(DType type) {
  DLDataType dl{};
  switch (type.code) {
    case TypeCode::Int:
      dl.code = kDLInt;
      break;
    case TypeCode::UInt:
      dl.code = kDLUInt;
      break;
    case TypeCode::Float:
      dl.code = kDLFloat;
      break;
    case TypeCode::BFloat:
      dl.code = kDLBfloat;
      break;
    case TypeCode::Bool:
      dl.code = INLAY_DTYPE_BOOL;
      break;
    default:
      INLAY_CHECK(false, "no such element type");
  }
  dl.bits = static_cast<uint8_t>(type.is_bool() ? 8 : type.bits);
  dl.lanes = 1;
  return dl;
}

// .npy has no bfloat16: its bits travel as u16.
DLDataType npy_type(DType type) {
  return to_dlpack(type == kBF16 ? kU16 : type);
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::vector<int64_t> compact_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * std::max<int64_t>(shape[d], 1);
  return strides;
}

// Bounds what a slip on the command line may ask for.
constexpr int64_t kMaxBytes = int64_t{1} << 36;

void allocate(TensorArgument& tensor) {
  int64_t last = 0;
  bool empty = false;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    int64_t span;
    empty |= tensor.shape[d] == 0;
    if (tensor.shape[d] < 0 || tensor.strides[d] < 0 ||
        __builtin_mul_overflow(std::max<int64_t>(tensor.shape[d] - 1, 0), tensor.strides[d],
                               &span) ||
        __builtin_add_overflow(last, span, &last) || last > kMaxBytes) {
      fail(fmt::format("{} with shape {} and strides {} is too large or has a negative size",
                       tensor.name, shape_text(tensor.shape), shape_text(tensor.strides)));
    }
  }
  tensor.bytes = empty ? 0 : static_cast<size_t>(last + 1) * tensor.type.bytes();
  tensor.storage.assign(tensor.bytes + 64, 0);
  tensor.offset = -reinterpret_cast<uintptr_t>(tensor.storage.data()) & 63;
}

void fill_dl(TensorArgument& tensor) {
  tensor.dl = {};
  tensor.dl.data = tensor.data();
  tensor.dl.device = {kDLCPU, 0};
  tensor.dl.ndim = static_cast<int32_t>(tensor.shape.size());
  tensor.dl.dtype = to_dlpack(tensor.type);
  tensor.dl.shape = tensor.shape.data();
  tensor.dl.strides = tensor.strides.data();
}

double half_to_double(uint16_t bits) {
  int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) {
    return mantissa ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  }
  return sign * (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
}

template <typename T>
T read_as(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Any element as a double; integers of 64 bits are compared by their bits elsewhere.
double element(DType type, const uint8_t* at) {
  if (type == kF32) return read_as<float>(at);
  if (type == kF64) return read_as<double>(at);
  if (type == kF16) return half_to_double(read_as<uint16_t>(at));
  if (type == kBF16) return std::bit_cast<float>(uint32_t{read_as<uint16_t>(at)} << 16);
  switch (type.bytes()) {
    case 1:
      return type.is_int() ? read_as<int8_t>(at) : read_as<uint8_t>(at);
    case 2:
      return type.is_int() ? read_as<int16_t>(at) : read_as<uint16_t>(at);
    case 4:
      return type.is_int() ? read_as<int32_t>(at) : read_as<uint32_t>(at);
    default:
      return type.is_int() ? static_cast<double>(read_as<int64_t>(at))
                           : static_cast<double>(read_as<uint64_t>(at));
  }
}

void write_random(DType type, uint8_t* at, std::mt19937_64& random) {
  uint64_t bits = random();
  // 24 random bits in [-1, 1): exact in f32 and f64, rounded in the 16-bit types.
  double real = std::ldexp(static_cast<double>(bits >> 40), -23) - 1;
  if (type == kF64) {
    std::memcpy(at, &real, 8);
  } else if (type.is_float()) {
    float value = static_cast<float>(real);
    uint16_t half = std::bit_cast<uint16_t>(static_cast<_Float16>(value));
    uint16_t brain = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    if (type == kF32) std::memcpy(at, &value, 4);
    if (type == kF16) std::memcpy(at, &half, 2);
    if (type == kBF16) std::memcpy(at, &brain, 2);
  } else {
    // Small numbers, so that sums of products stay in range.
    int64_t value = static_cast<int64_t>(bits >> 60) - (type.is_int() ? 8 : 0);
    if (type.is_bool()) value = bits >> 63;
    std::memcpy(at, &value, type.bytes());
  }
}

void write_one(DType type, uint8_t* at) {
  double d = 1;
  float f = 1;
  uint64_t i = 1;
  uint16_t half = 0x3c00, brain = 0x3f80;
  const void* from = type == kF64    ? static_cast<const void*>(&d)
                     : type == kF32  ? static_cast<const void*>(&f)
                     : type == kF16  ? static_cast<const void*>(&half)
                     : type == kBF16 ? static_cast<const void*>(&brain)
                                     : static_cast<const void*>(&i);
  std::memcpy(at, from, type.bytes());
}

// Calls visit(byte offset from element 0, indices) for each element in row-major order.
template <typename Visit>
void for_each_element(const TensorArgument& tensor, Visit visit) {
  if (tensor.bytes == 0) return;
  std::vector<int64_t> index(tensor.shape.size(), 0);
  int64_t at = 0;
  while (true) {
    visit(static_cast<size_t>(at) * tensor.type.bytes(), index);
    size_t d = tensor.shape.size();
    while (d > 0) {
      --d;
      at += tensor.strides[d];
      if (++index[d] < tensor.shape[d]) break;
      at -= index[d] * tensor.strides[d];
      index[d] = 0;
      if (d == 0) return;
    }
    if (tensor.shape.empty()) return;
  }
}

bool is_fill(const std::string& word) {
  return word == "random" || word == "zeros" || word == "ones";
}

}  // namespace

Arguments::Arguments(const Function& function,
                     const std::map<std::string, std::string>& assignments, uint64_t seed)
    : function_(function), random_(seed) {
  std::vector<std::string> names;
  for (const Param& param : function.params) names.push_back(param_name(param));
  for (const Var& symbol : function.symbols()) names.push_back(symbol.name());
  for (const auto& [name, value] : assignments) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    std::vector<std::string> near = nearest_names(name, names);
    fail(fmt::format("{} has no parameter or symbol `{}`", function.name, name),
         near.empty() ? fmt::format("it has {}", fmt::join(names, ", "))
                      : fmt::format("did you mean {}?", fmt::join(near, " or ")));
  }
  read_scalars(assignments);
  read_arrays(assignments);
  bind_symbols(assignments);
  make_missing();
  for (TensorArgument& tensor : tensors_) fill_dl(tensor);
}

void Arguments::read_scalars(const std::map<std::string, std::string>& assignments) {
  for (const Param& param : function_.params) {
    auto* var = std::get_if<Var>(&param);
    if (!var) continue;
    auto given = assignments.find(var->name());
    if (given == assignments.end()) {
      fail(fmt::format("{} needs a value for `{}: {}`", function_.name, var->name(),
                       to_string(var->type())),
           fmt::format("add {}=1", var->name()));
    }
    const std::string& text = given->second;
    const char *begin = text.data(), *end = begin + text.size();
    DType type = var->type();
    ScalarValue value;
    std::from_chars_result result{};
    if (type.is_bool()) {
      value = text == "true" || text == "1";
      result.ptr = text == "true" || text == "false" || text == "0" || text == "1" ? end : begin;
    } else if (type.is_float()) {
      double number = 0;
      result = std::from_chars(begin, end, number);
      value = number;
    } else if (type.is_uint()) {
      uint64_t number = 0;
      result = std::from_chars(begin, end, number);
      value = number;
    } else {
      int64_t number = 0;
      result = std::from_chars(begin, end, number);
      value = number;
    }
    if (result.ec != std::errc() || result.ptr != end || text.empty()) {
      fail(fmt::format("{}={} is no value of type {}", var->name(), text, to_string(type)));
    }
    scalars_[var->name()] = {type, value};
  }
}

void Arguments::read_arrays(const std::map<std::string, std::string>& assignments) {
  for (const Param& param : function_.params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    TensorArgument tensor;
    tensor.name = buffer->name();
    tensor.type = (*buffer)->type;
    auto given = assignments.find(tensor.name);
    tensor.origin = given == assignments.end() ? "random" : given->second;
    if (!is_fill(tensor.origin)) {
      Array array{};
      if (const char* why = npy_read(tensor.origin.c_str(), &array)) {
        fail(fmt::format("{}: can't read {}: {}", tensor.name, tensor.origin, why),
             "give a .npy file as numpy.save writes it, or random, zeros or ones");
      }
      std::unique_ptr<void, decltype(&free)> memory(array.data, &free);
      tensor.shape.assign(array.shape, array.shape + array.ndim);
      DLDataType want = npy_type(tensor.type);
      if (array.dtype.code != want.code || array.dtype.bits != want.bits) {
        fail(fmt::format("{}: {} holds another type than {}{}", tensor.name, tensor.origin,
                         to_string(tensor.type),
                         tensor.type == kBF16 ? " (whose bits a .npy file holds as u16)" : ""));
      }
      if (tensor.shape.size() != (*buffer)->rank()) {
        fail(fmt::format("{}: {} has {} dimensions, expected {}", tensor.name, tensor.origin,
                         tensor.shape.size(), (*buffer)->rank()));
      }
      tensor.strides = compact_strides(tensor.shape);
      allocate(tensor);
      std::memcpy(tensor.data(), array.data, std::min(tensor.bytes, array.bytes));
    }
    tensors_.push_back(std::move(tensor));
  }
}

void Arguments::bind_symbols(const std::map<std::string, std::string>& assignments) {
  std::vector<Var> symbols = function_.symbols();
  for (const Var& symbol : symbols) {
    auto given = assignments.find(symbol.name());
    if (given == assignments.end()) continue;
    int64_t value = 0;
    const std::string& text = given->second;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) {
      fail(fmt::format("{}={} is no size", symbol.name(), text));
    }
    symbols_[symbol.name()] = value;
  }
  size_t at = 0;
  for (const Param& param : function_.params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    const TensorArgument& tensor = tensors_[at++];
    for (size_t d = 0; d < tensor.shape.size(); ++d) {
      auto* var = (*buffer)->shape[d].as<VarNode>();
      if (var && !var->is_constant && !scalars_.count(var->name)) {
        symbols_.emplace(var->name, tensor.shape[d]);
      }
    }
  }
}

Substitution Arguments::known_values() const {
  Substitution known;
  for (const Var& symbol : function_.symbols()) {
    auto value = symbols_.find(symbol.name());
    if (value != symbols_.end()) known.vars[symbol.get()] = Expr(value->second);
  }
  for (const Param& param : function_.params) {
    auto* var = std::get_if<Var>(&param);
    if (!var) continue;
    const ScalarValue& value = scalars_.at(var->name()).value;
    if (auto* number = std::get_if<double>(&value)) {
      known.vars[var->get()] = FloatImm::make(var->type(), *number);
    } else if (auto* natural = std::get_if<uint64_t>(&value)) {
      known.vars[var->get()] = IntImm::make(var->type(), static_cast<int64_t>(*natural));
    } else if (auto* truth = std::get_if<bool>(&value)) {
      known.vars[var->get()] = IntImm::make(kBool, *truth);
    } else {
      known.vars[var->get()] = IntImm::make(var->type(), std::get<int64_t>(value));
    }
  }
  return known;
}

int64_t Arguments::evaluate(const Expr& expr, const std::string& what) const {
  Expr value = simplify(substitute(expr, known_values()));
  if (const IntImm* number = as_int(value)) return number->value;
  fail(fmt::format("{}, which is {}, is not known", what, print(expr)),
       fmt::format("give an array that has it, or say {}=64", print(expr)));
}

bool Arguments::holds(const Expr& condition) const {
  return evaluate(condition, "the condition") != 0;
}

void Arguments::make_missing() {
  size_t at = 0;
  for (const Param& param : function_.params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    TensorArgument& tensor = tensors_[at++];
    if (!tensor.storage.empty()) continue;
    for (size_t d = 0; d < (*buffer)->rank(); ++d) {
      tensor.shape.push_back(
          evaluate((*buffer)->shape[d], fmt::format("dimension {} of {}", d, tensor.name)));
    }
    tensor.strides = compact_strides(tensor.shape);
    for (size_t d = 0; d < (*buffer)->strides.size(); ++d) {
      auto* var = (*buffer)->strides[d].as<VarNode>();
      bool free_symbol = var && !symbols_.count(var->name) && !scalars_.count(var->name);
      if (free_symbol) {
        symbols_[var->name] = tensor.strides[d];
      } else {
        tensor.strides[d] =
            evaluate((*buffer)->strides[d], fmt::format("stride {} of {}", d, tensor.name));
      }
    }
    allocate(tensor);
    for_each_element(tensor, [&](size_t offset, const std::vector<int64_t>&) {
      if (tensor.origin == "random") write_random(tensor.type, tensor.data() + offset, random_);
      if (tensor.origin == "ones") write_one(tensor.type, tensor.data() + offset);
    });
  }
}

std::vector<InlayValue> Arguments::values() const {
  std::vector<InlayValue> values;
  size_t at = 0;
  for (const Param& param : function_.params) {
    auto* var = std::get_if<Var>(&param);
    if (!var) {
      values.push_back(inlay_tensor(&tensors_[at++].dl));
      continue;
    }
    const ScalarValue& value = scalars_.at(var->name()).value;
    if (auto* number = std::get_if<double>(&value)) {
      values.push_back(inlay_float(*number));
    } else if (auto* natural = std::get_if<uint64_t>(&value)) {
      InlayValue unsigned_value{INLAY_VALUE_UINT, 0, {}};
      unsigned_value.as.u64 = *natural;
      values.push_back(unsigned_value);
    } else if (auto* truth = std::get_if<bool>(&value)) {
      values.push_back(inlay_int(*truth));
    } else {
      values.push_back(inlay_int(std::get<int64_t>(value)));
    }
  }
  return values;
}

std::vector<ArgValue> Arguments::interpreter_values(std::vector<TensorArgument>& tensors) const {
  std::vector<ArgValue> values;
  size_t at = 0;
  for (const Param& param : function_.params) {
    if (auto* var = std::get_if<Var>(&param)) {
      values.push_back(scalars_.at(var->name()).value);
      continue;
    }
    TensorArgument& tensor = tensors[at++];
    TensorRef ref;
    ref.type = tensor.type;
    ref.shape = tensor.shape;
    ref.strides = tensor.strides;
    ref.data = tensor.data();
    values.push_back(ref);
  }
  return values;
}

std::vector<TensorArgument> clone(const std::vector<TensorArgument>& tensors) {
  std::vector<TensorArgument> copies = tensors;
  for (size_t i = 0; i < copies.size(); ++i) {
    // The new memory may be aligned otherwise, which moves element 0.
    allocate(copies[i]);
    std::memcpy(copies[i].data(), tensors[i].data(), tensors[i].bytes);
    fill_dl(copies[i]);
  }
  return copies;
}

void write_npy(const std::string& path, const TensorArgument& tensor) {
  std::vector<uint8_t> compact;
  for_each_element(tensor, [&](size_t offset, const std::vector<int64_t>&) {
    const uint8_t* at = tensor.data() + offset;
    compact.insert(compact.end(), at, at + tensor.type.bytes());
  });
  Array array{};
  array.dtype = npy_type(tensor.type);
  array.ndim = static_cast<int>(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), array.shape);
  array.data = compact.data();
  array.bytes = compact.size();
  OutputFile output(path, "--out");
  errno = 0;
  if (const char* why = npy_write(output.path().c_str(), &array)) {
    if (errno) output.fail(errno);
    throw CompileError("output", {}, "can't write " + path + ": " + why,
                       "choose another place with --out");
  }
  output.commit();
}

double default_tolerance(DType type) {
  if (type == kF64) return 1e-12;
  if (type == kF32) return 1e-5;
  return type.is_float() ? 2e-2 : 0;
}

Difference compare(const TensorArgument& got, const TensorArgument& expected) {
  Difference difference;
  double largest = 0, worst = 0;
  for_each_element(expected, [&](size_t offset, const std::vector<int64_t>& index) {
    const uint8_t *a = got.data() + offset, *b = expected.data() + offset;
    double want = element(expected.type, b), have = element(got.type, a);
    if (std::isfinite(want)) largest = std::max(largest, std::fabs(want));
    if (std::memcmp(a, b, expected.type.bytes()) == 0 || (std::isnan(want) && std::isnan(have))) {
      return;
    }
    double error = std::fabs(have - want);
    if (error == 0 && expected.type.is_float()) return;  // -0 and +0
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    ++difference.different;
    if (difference.first.empty() || error > worst) {
      worst = error;
      difference.first = fmt::format("[{}]: {}, expected {}", fmt::join(index, ", "), have, want);
    }
  });
  if (worst > 0) difference.relative = largest > 0 ? worst / largest : worst;
  return difference;
}

}  // namespace inlay
