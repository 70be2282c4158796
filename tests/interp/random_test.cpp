// Random programs: those that may be run give the same at every stage; no program at all brings the
// passes or the interpreter down.
#include <cmath>
#include <cstring>

#include "core/verify/verify.h"
#include "tests/core/support/random_program.h"
#include "tests/interp/helpers.h"

namespace inlay {
namespace {

using namespace inlay::testing;

// The arguments of one call, and the memory behind them.
class Arguments {
 public:
  // Extents that are not known are `unknown`.
  Arguments(const Program& program, const Function& function,
            const std::map<std::string, int64_t>& symbols, int64_t unknown, uint64_t seed)
      : random_(seed) {
    Substitution values;
    for (const ProgramParam* param : program.params()) {
      values.vars[param->var.get()] = Expr(param->value);
    }
    for (const Var& symbol : function.symbols()) {
      auto found = symbols.find(symbol.name());
      values.vars[symbol.get()] = Expr(found == symbols.end() ? unknown : found->second);
    }
    for (const Param& param : function.params) {
      auto* var = std::get_if<Var>(&param);
      if (!var) continue;
      auto found = symbols.find(var->name());
      int64_t small = found == symbols.end() ? random_.below(7) : found->second;
      if (var->type() == kIndex) values.vars[var->get()] = Expr(small);
      scalars_[var->name()] = scalar_of(var->type(), small);
    }
    for (const Param& param : function.params) {
      if (auto* var = std::get_if<Var>(&param)) {
        args.push_back(scalars_[var->name()]);
        continue;
      }
      const Buffer& buffer = std::get<Buffer>(param);
      TensorRef tensor{buffer->type, {}, {}, nullptr, 0, false};
      int64_t count = 1;
      for (const Expr& extent : buffer->shape) {
        Expr folded = simplify(substitute(extent, values));
        int64_t size = as_int(folded) ? as_int(folded)->value : unknown;
        tensor.shape.push_back(std::min<int64_t>(std::max<int64_t>(size, 0), 64));
        count *= tensor.shape.back();
      }
      // As well aligned as any declaration asks for.
      size_t bytes = static_cast<size_t>(count * buffer->type.bytes());
      memory_.emplace_back(bytes + 4096);
      auto address = reinterpret_cast<uintptr_t>(memory_.back().data());
      auto* first = reinterpret_cast<uint8_t*>((address + 4095) / 4096 * 4096);
      tensor.data = first;
      tensors_.push_back({first, bytes, buffer->type});
      fill(first, bytes, buffer->type);
      args.push_back(tensor);
    }
  }

  std::vector<ArgValue> args;

  // What the tensors hold, with what is nobody's promise made alike: NaNs, and zeros of either
  // sign.
  std::vector<std::vector<uint8_t>> contents() const {
    std::vector<std::vector<uint8_t>> all;
    for (const Tensor& tensor : tensors_) {
      all.emplace_back(tensor.data, tensor.data + tensor.bytes);
      canonicalize(all.back(), tensor.type);
    }
    return all;
  }

 private:
  ScalarValue scalar_of(DType type, int64_t small) {
    if (type.is_float()) return ScalarValue(small / 2.0);
    if (type.is_bool()) return ScalarValue(small % 2 == 1);
    return type.is_uint() ? ScalarValue(static_cast<uint64_t>(small)) : ScalarValue(small);
  }

  struct Tensor {
    uint8_t* data;
    size_t bytes;
    DType type;
  };

  static void canonicalize(std::vector<uint8_t>& bytes, DType type) {
    auto each = [&](auto bits, auto sign, auto infinity) {
      for (size_t at = 0; at < bytes.size(); at += sizeof(bits)) {
        std::memcpy(&bits, &bytes[at], sizeof(bits));
        auto magnitude = static_cast<decltype(bits)>(bits & ~sign);
        if (magnitude > infinity) bits = static_cast<decltype(bits)>(infinity + 1);
        if (magnitude == 0) bits = 0;
        std::memcpy(&bytes[at], &bits, sizeof(bits));
      }
    };
    if (type == kF64) each(uint64_t{}, uint64_t{1} << 63, uint64_t{0x7ff} << 52);
    if (type == kF32) each(uint32_t{}, uint32_t{1} << 31, uint32_t{0x7f800000});
    if (type == kF16) each(uint16_t{}, uint16_t{0x8000}, uint16_t{0x7c00});
    if (type == kBF16) each(uint16_t{}, uint16_t{0x8000}, uint16_t{0x7f80});
  }

  // Small numbers of the type.
  void fill(uint8_t* first, size_t bytes, DType type) {
    size_t size = static_cast<size_t>(type.bytes());
    for (size_t at = 0; at < bytes; at += size) {
      int value = random_.below(9) - (type.is_uint() || type.is_bool() ? 0 : 4);
      if (type.is_bool()) value &= 1;
      auto put = [&](auto element) { std::memcpy(first + at, &element, sizeof(element)); };
      if (type == kF64) {
        put(value / 2.0);
      } else if (type == kF32) {
        put(value / 2.0f);
      } else if (type == kF16) {
        put(static_cast<_Float16>(value / 2.0f));
      } else if (type == kBF16) {
        put(static_cast<uint16_t>(std::bit_cast<uint32_t>(value / 2.0f) >> 16));
      } else {
        int64_t wide = value;
        std::memcpy(first + at, &wide, size);
      }
    }
  }

  Random random_;
  std::vector<std::vector<uint8_t>> memory_;
  std::vector<Tensor> tensors_;
  std::map<std::string, ScalarValue> scalars_;
};

Program simplified(Program program) {
  for (Item& item : program.items) {
    if (auto* function = std::get_if<Function>(&item)) function->body = simplify(function->body);
    if (auto* intrinsic = std::get_if<Intrinsic>(&item))
      intrinsic->body = simplify(intrinsic->body);
  }
  return program;
}

TEST(InterpRandom, RunnableProgramsAreTheSameAtEveryStage) {
  Target target;
  target.arch = "x86_64";
  for (uint64_t seed = 0; seed < 300; ++seed) {
    RandomProgram random = random_program({seed, 30, true});
    Program bound = bind_params(random.program, nullptr, {});
    Program lowered = lower_intrinsics(bound, nullptr).program;
    Program rows = lower_intrinsics(bound, &target).program;
    std::vector<std::pair<const char*, Program>> stages{
        {"parsed", random.program},
        {"bound", bound},
        {"simplified", simplified(bound)},
        {"lowered", lowered},
        {"lowered, simplified", simplified(lowered)},
        {"lowered to rows", rows},
        {"lowered to rows, simplified", simplified(rows)},
        {"lowered, simplified, printed, parsed", parse(print(simplified(lowered)))}};
    std::vector<std::vector<uint8_t>> expected;
    for (auto& [stage, program] : stages) {
      const Function& function = *program.find_function("f");
      ASSERT_FALSE(verify(program).has_errors()) << stage << ", seed " << seed << "\n"
                                                 << render(verify(program).all()) << print(program);
      Arguments arguments(program, function, random.symbols, 3, seed);
      try {
        interpret(program, function, arguments.args);
      } catch (const CompileError& error) {
        FAIL() << stage << ", seed " << seed << "\n" << error.what() << print(program);
      }
      std::vector<std::vector<uint8_t>> found = arguments.contents();
      if (expected.empty()) expected = found;
      ASSERT_TRUE(found == expected) << stage << ", seed " << seed << "\n"
                                     << print(random.program) << print(program);
    }
  }
}

TEST(InterpRandom, NoProgramBringsItDown) {
  InterpOptions options;
  options.step_limit = 20000;
  int ran = 0, faults = 0;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    RandomProgram random = random_program({seed, 20, false});
    auto survive = [&](const Program& program) {
      try {
        const Function& function = *program.find_function("f");
        Arguments arguments(program, function, random.symbols, 3, seed);
        interpret(program, function, arguments.args, options);
        ++ran;
      } catch (const CompileError& error) {
        EXPECT_FALSE(error.diagnostics().empty());
        ++faults;
      }
    };
    survive(random.program);
    if (verify(random.program).has_errors()) continue;
    try {
      Program bound = bind_params(random.program, nullptr, {});
      survive(lower_intrinsics(simplified(bound), nullptr).program);
    } catch (const CompileError&) {
      ++faults;
    }
  }
  EXPECT_GT(faults, 100);
}

}  // namespace
}  // namespace inlay
