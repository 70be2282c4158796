#include "tests/backends/support/differential.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/text/text.h"
#include "tests/backends/support/gpu_runner.h"

extern "C" {
#include "runtime/src/tools/npy.h"
}

namespace inlay::test {

namespace {

// One buffer argument: its bytes twice, for the interpreter and for the compiled function.
struct BufferArg {
  Buffer buffer;
  std::vector<int64_t> shape, strides;
  std::vector<unsigned char> expected_memory, actual_memory;
  int64_t elements = 1;

  // As well aligned as any declaration asks for.
  static constexpr size_t kAlignment = 4096;
  static unsigned char* aligned(std::vector<unsigned char>& memory) {
    auto address = reinterpret_cast<uintptr_t>(memory.data());
    return memory.data() + (kAlignment - address % kAlignment) % kAlignment;
  }
  size_t bytes() const { return static_cast<size_t>(elements * buffer->type.bytes()); }
  unsigned char* expected() { return aligned(expected_memory); }
  unsigned char* actual() { return aligned(actual_memory); }
};

DLDataType dl_type(DType type) {
  uint8_t code = type.is_bool()                  ? INLAY_DTYPE_BOOL
                 : type.is_int()                 ? kDLInt
                 : type.is_uint()                ? kDLUInt
                 : type.code == TypeCode::BFloat ? kDLBfloat
                                                 : kDLFloat;
  return {code, static_cast<uint8_t>(type.bytes() * 8), 1};
}

double float_value(DType type, const unsigned char* at) {
  if (type == kF64) {
    double value;
    memcpy(&value, at, 8);
    return value;
  }
  uint32_t bits = 0;
  memcpy(&bits, at, static_cast<size_t>(type.bytes()));
  if (type.code == TypeCode::BFloat) bits <<= 16;
  if (type == kF16) {
    _Float16 value;
    memcpy(&value, at, 2);
    return value;
  }
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

void put_float(DType type, unsigned char* at, float value) {
  if (type == kF64) {
    double wide = value;
    memcpy(at, &wide, 8);
  } else if (type == kF32) {
    memcpy(at, &value, 4);
  } else if (type == kF16) {
    auto narrow = static_cast<_Float16>(value);
    memcpy(at, &narrow, 2);
  } else {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint16_t high = static_cast<uint16_t>(bits >> 16);
    memcpy(at, &high, 2);
  }
}

// Bits that lie near something: zeros, ones, extremes, exponents at the edge of what f16 holds.
uint64_t wild_bits(std::mt19937_64& random) {
  uint64_t bits = random();
  switch (random() % 8) {
    case 0:
      return 0;
    case 1:
      return ~uint64_t{0};
    case 2:
      return uint64_t{1} << (bits % 64);
    case 3:
      return ~(uint64_t{1} << (bits % 64));
    case 4:
      return (bits & 0x80ffffff80ffffff) | 0x3800000038000000;
    case 5:
      return (bits & 0x80ffffff80ffffff) | 0x4700000047000000;
    default:
      return bits;
  }
}

void fill(DType type, Fill how, std::mt19937_64& random, unsigned char* at) {
  if (type.is_bool()) {
    *at = random() & 1;
  } else if (how == Fill::Wild) {
    uint64_t bits = wild_bits(random);
    memcpy(at, &bits, static_cast<size_t>(type.bytes()));
  } else if (type.is_float()) {
    put_float(type, at, static_cast<float>(static_cast<int64_t>(random() % 129) - 64) / 8.0f);
  } else {
    int64_t value = static_cast<int64_t>(random() % 100) - (type.is_int() ? 50 : 0);
    memcpy(at, &value, static_cast<size_t>(type.bytes()));
  }
}

int64_t evaluate(const Expr& expr, const Substitution& values) {
  Expr folded = simplify(substitute(expr, values));
  const IntImm* number = as_int(folded);
  if (!number) throw std::runtime_error("an extent without a value: " + print(expr));
  return number->value;
}

struct Call {
  std::vector<ArgValue> interpreted;
  std::vector<InlayValue> compiled;
  std::vector<BufferArg> buffers;
  std::vector<DLTensor> tensors;
};

void add_scalar(const Var& var, const std::map<std::string, int64_t>& symbols, Fill how,
                std::mt19937_64& random, Call& call) {
  DType type = var.type();
  uint64_t bits = 0;
  unsigned char bytes[8] = {};
  auto known = symbols.find(var.name());
  if (known != symbols.end()) {
    bits = static_cast<uint64_t>(known->second);
    memcpy(bytes, &bits, 8);
  } else {
    fill(type, how, random, bytes);
    memcpy(&bits, bytes, 8);
  }
  InlayValue value{INLAY_VALUE_BITS, 0, {nullptr}};
  value.as.bits = bits;
  call.compiled.push_back(value);
  int shift = 64 - type.bits;
  if (type.is_float()) {
    call.interpreted.push_back(ScalarValue(float_value(type, bytes)));
  } else if (type.is_bool()) {
    call.interpreted.push_back(ScalarValue(bits != 0));
  } else if (type.is_int()) {
    call.interpreted.push_back(ScalarValue(static_cast<int64_t>(bits << shift) >> shift));
  } else {
    call.interpreted.push_back(ScalarValue((bits << shift) >> shift));
  }
}

BufferArg make_buffer(const Buffer& buffer, const Substitution& values,
                      const DifferentialOptions& options, std::mt19937_64& random) {
  BufferArg arg;
  arg.buffer = buffer;
  for (const Expr& extent : buffer->shape) arg.shape.push_back(evaluate(extent, values));
  arg.strides.resize(arg.shape.size());
  int64_t stride = 1;
  for (size_t d = arg.shape.size(); d-- > 0;) {
    arg.strides[d] = stride;
    stride *= arg.shape[d];
    if (options.strided && is_strided_form(buffer) && d > 0) stride += 3;
  }
  for (size_t d = 0; d < arg.shape.size(); ++d) {
    arg.elements = arg.shape[d] == 0 || arg.elements == 0
                       ? 0
                       : arg.elements + (arg.shape[d] - 1) * arg.strides[d];
  }
  arg.expected_memory.resize(arg.bytes() + BufferArg::kAlignment);
  arg.actual_memory.resize(arg.bytes() + BufferArg::kAlignment);
  int bytes = buffer->type.bytes();
  for (int64_t i = 0; i < arg.elements; ++i) {
    fill(buffer->type, options.fill, random, arg.expected() + i * bytes);
  }
  memcpy(arg.actual(), arg.expected(), arg.bytes());
  return arg;
}

// |a - b| in units in the last place of `type` at a.
double ulps_apart(DType type, double a, double b) {
  if (a == b) return 0;
  if (!std::isfinite(a) || !std::isfinite(b)) return INFINITY;
  int digits = type == kF64 ? 53 : type == kF32 ? 24 : type == kF16 ? 11 : 8;
  int least = type == kF64 ? -1074 : type == kF16 ? -24 : type == kF32 ? -149 : -133;
  int exponent = a == 0 ? least : std::max(std::ilogb(a) - digits + 1, least);
  return std::fabs(a - b) / std::ldexp(1.0, exponent);
}

std::string difference(BufferArg& arg, double ulps) {
  int bytes = arg.buffer->type.bytes();
  const unsigned char *expected = arg.expected(), *actual = arg.actual();
  for (int64_t i = 0; i < arg.elements; ++i) {
    const unsigned char *a = expected + i * bytes, *b = actual + i * bytes;
    if (memcmp(a, b, static_cast<size_t>(bytes)) == 0) continue;
    if (arg.buffer->type.is_float()) {
      double x = float_value(arg.buffer->type, a), y = float_value(arg.buffer->type, b);
      if (std::isnan(x) && std::isnan(y)) continue;
      if (ulps > 0 && ulps_apart(arg.buffer->type, x, y) <= ulps) continue;
      return arg.buffer.name() + "[" + std::to_string(i) + "] is " + std::to_string(y) +
             ", the interpreter gives " + std::to_string(x);
    }
    int64_t x = 0, y = 0;
    memcpy(&x, a, static_cast<size_t>(bytes));
    memcpy(&y, b, static_cast<size_t>(bytes));
    return arg.buffer.name() + "[" + std::to_string(i) + "] is " + std::to_string(y) +
           ", the interpreter gives " + std::to_string(x);
  }
  return "";
}

// Runs the code object by a command, arrays through files. Returns what went wrong.
std::string run_emulated(const std::string& object, const Function& function,
                         const std::map<std::string, int64_t>& symbols, const std::string& command,
                         std::vector<BufferArg>& buffers) {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "inlay-emulated-XXXXXX").string();
  if (!mkdtemp(name.data())) return "can't make " + name;
  fs::path folder = name;
  std::ofstream(folder / "program.so", std::ios::binary) << object;
  std::string line = command + " " + (folder / "program.so").string() + " " + function.name;
  for (const Param& param : function.params) {
    auto* var = std::get_if<Var>(&param);
    if (var) line += " " + var->name() + "=" + std::to_string(symbols.at(var->name()));
  }
  auto file = [&](const BufferArg& arg, const char* suffix) {
    return (folder / (arg.buffer.name() + suffix)).string();
  };
  std::string problem;
  for (BufferArg& arg : buffers) {
    Array array{};
    array.dtype = dl_type(arg.buffer->type);
    array.ndim = static_cast<int>(arg.shape.size());
    std::copy(arg.shape.begin(), arg.shape.end(), array.shape);
    array.data = arg.actual();
    array.bytes = arg.bytes();
    if (const char* why = npy_write(file(arg, ".npy").c_str(), &array)) problem = why;
    line += " " + arg.buffer.name() + "=" + file(arg, ".npy") + " --out " + arg.buffer.name() +
            "=" + file(arg, ".out.npy");
  }
  line += " 2>" + (folder / "errors").string();
  if (problem.empty() && std::system(line.c_str()) != 0) {
    std::ifstream errors(folder / "errors");
    std::getline(errors, problem);
    problem = line + ": " + problem;
  }
  for (BufferArg& arg : buffers) {
    if (!problem.empty()) break;
    Array array{};
    if (const char* why = npy_read(file(arg, ".out.npy").c_str(), &array)) {
      problem = arg.buffer.name() + ": " + why;
      break;
    }
    memcpy(arg.actual(), array.data, array.bytes);
    free(array.data);
  }
  fs::remove_all(folder);
  return problem;
}

}  // namespace

std::string compare_with_interpreter(const std::string& text, const std::string& function,
                                     const std::map<std::string, int64_t>& symbols,
                                     const DifferentialOptions& options) {
  return compare_with_interpreter(lower(text, options.spec), function, symbols, options);
}

std::string compare_with_interpreter(const CompileUnit& unit, const std::string& function,
                                     const std::map<std::string, int64_t>& symbols,
                                     const DifferentialOptions& options) {
  const Function* callee = unit.lowered.program.find_function(function);
  if (!callee) return "no function " + function;
  std::mt19937_64 random(options.seed);
  Substitution values;
  for (const Var& symbol : callee->symbols()) {
    auto found = symbols.find(symbol.name());
    if (found != symbols.end()) values.vars[symbol.get()] = Expr(found->second);
  }
  for (const Param& param : callee->params) {
    auto* var = std::get_if<Var>(&param);
    auto found = symbols.find(param_name(param));
    if (var && found != symbols.end()) values.vars[var->get()] = Expr(found->second);
  }

  Call call;
  call.buffers.reserve(callee->params.size());
  call.tensors.reserve(callee->params.size());
  for (const Param& param : callee->params) {
    if (auto* var = std::get_if<Var>(&param)) {
      add_scalar(*var, symbols, options.fill, random, call);
      continue;
    }
    call.buffers.push_back(make_buffer(std::get<Buffer>(param), values, options, random));
    BufferArg& arg = call.buffers.back();
    TensorRef reference;
    reference.type = arg.buffer->type;
    reference.shape = arg.shape;
    reference.strides = arg.strides;
    reference.data = arg.expected();
    call.interpreted.push_back(reference);
    DLTensor tensor{};
    tensor.data = arg.actual();
    tensor.device = {kDLCPU, 0};
    tensor.ndim = static_cast<int32_t>(arg.shape.size());
    tensor.dtype = dl_type(arg.buffer->type);
    tensor.shape = arg.shape.data();
    tensor.strides = arg.strides.data();
    call.tensors.push_back(tensor);
    call.compiled.push_back(inlay_tensor(&call.tensors.back()));
  }

  interpret(unit.lowered.program, *callee, call.interpreted);
  CompileOptions compile_options;
  compile_options.optimization_level = options.optimization_level;
  CompileResult result = compile_units({unit}, compile_options);
  const std::string& bytes = result.artifacts.at(Artifact::SharedObject);
  if (!options.emulator.empty()) {
    std::string problem = run_emulated(bytes, *callee, symbols, options.emulator, call.buffers);
    if (!problem.empty()) return problem;
  } else if (unit.target.arch == "amdgpu") {
    std::string problem = GpuObject(bytes).call(function, call.compiled);
    if (!problem.empty()) return problem;
  } else {
    LoadedObject object(bytes);
    if (object.call(function, call.compiled) != INLAY_OK) return inlay_last_error();
  }
  for (BufferArg& arg : call.buffers) {
    std::string what = difference(arg, options.ulps);
    if (!what.empty()) return what;
  }
  return "";
}

}  // namespace inlay::test
