// Runs text through parser and interpreter, on arrays that tests own.
#pragma once

#include "core/interp/interp.h"
#include "core/text/text.h"
#include "tests/core/support/ir_builders.h"

namespace inlay::testing {

inline Program parse(const std::string& text) {
  ParseResult result = parse_program(text, "test.inlay");
  EXPECT_FALSE(result.diagnostics.has_errors()) << render(result.diagnostics.all());
  return result.program;
}

template <typename T>
DType dtype_of() {
  if constexpr (std::is_same_v<T, bool>) return kBool;
  if constexpr (std::is_same_v<T, float>) return kF32;
  if constexpr (std::is_same_v<T, double>) return kF64;
  if constexpr (std::is_same_v<T, _Float16>) return kF16;
  return {std::is_signed_v<T> ? TypeCode::Int : TypeCode::UInt, 8 * sizeof(T), 1};
}

/// A row-major array. bf16 is held as its bits.
template <typename T>
struct Array {
  using Element = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
  std::vector<int64_t> shape;
  std::vector<Element> data;
  DType type = dtype_of<T>();

  explicit Array(std::vector<int64_t> extents, std::vector<Element> values = {})
      : shape(std::move(extents)), data(std::move(values)) {
    size_t count = 1;
    for (int64_t extent : shape) count *= static_cast<size_t>(extent);
    data.resize(count);
  }
  TensorRef ref() { return {type, shape, {}, data.data(), 0, false}; }
  TensorRef fresh() { return {type, shape, {}, data.data(), 0, true}; }
  operator ArgValue() { return ref(); }  // NOLINT: passed as an argument
};

inline ArgValue scalar(int64_t value) {
  return ScalarValue(value);
}
inline ArgValue scalar(double value) {
  return ScalarValue(value);
}

inline void run(const Program& program, const std::vector<ArgValue>& args,
                const InterpOptions& options = {}, const std::string& name = "f") {
  const Function* function = program.find_function(name);
  ASSERT_TRUE(function);
  interpret(program, *function, args, options);
}
inline void run(const std::string& text, const std::vector<ArgValue>& args,
                const InterpOptions& options = {}) {
  run(parse(text), args, options);
}
/// The fault that the run ends with.
inline Diagnostic fault_of(const std::string& text, const std::vector<ArgValue>& args,
                           const InterpOptions& options = {}) {
  Program program = parse(text);
  return error_of([&] { run(program, args, options); });
}

}  // namespace inlay::testing
