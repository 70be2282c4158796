// Running a function before and after a schedule on the same arguments.
#pragma once

#include <cstring>

#include "core/interp/interp.h"
#include "core/passes/passes.h"
#include "core/schedule/schedule.h"
#include "tests/core/support/analysis_util.h"

namespace inlay::testing {

using Sizes = std::map<std::string, int64_t>;

/// Bytes of all buffer arguments after a run of `name`, arguments filled from `seed`. Buffers named
/// in `outputs` start uninitialised. Scalar parameters are in `sizes` too, else 1; float ones
/// are 1.5.
inline std::vector<std::vector<uint8_t>> run(const Program& program, const std::string& name,
                                             const Sizes& sizes,
                                             const std::set<std::string>& outputs = {},
                                             uint64_t seed = 1) {
  const Function& function = *program.find_function(name);
  std::map<std::string, std::vector<uint8_t>> data;
  std::vector<ArgValue> args;
  std::vector<std::string> order;
  auto next = [&seed] {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(seed >> 33);
  };
  for (const Param& param : function.params) {
    if (auto* var = std::get_if<Var>(&param)) {
      auto size = sizes.find(var->name());
      int64_t value = size == sizes.end() ? 1 : size->second;
      DType type = var->type();
      args.push_back(type.is_float()  ? ScalarValue(1.5)
                     : type.is_bool() ? ScalarValue(value != 0)
                     : type.is_uint() ? ScalarValue(static_cast<uint64_t>(value))
                                      : ScalarValue(value));
      continue;
    }
    const Buffer& buffer = std::get<Buffer>(param);
    Substitution values;
    for (const Var& symbol : function.symbols()) {
      if (sizes.count(symbol.name())) values.vars[symbol.get()] = Expr(sizes.at(symbol.name()));
    }
    for (const Param& scalar : function.params) {
      auto* var = std::get_if<Var>(&scalar);
      if (var && sizes.count(var->name())) values.vars[var->get()] = Expr(sizes.at(var->name()));
    }
    TensorRef tensor;
    tensor.type = buffer->type;
    int64_t count = 1;
    for (const Expr& extent : buffer->shape) {
      Expr value = simplify(substitute(extent, values));
      tensor.shape.push_back(as_int(value)->value);
      count *= tensor.shape.back();
    }
    auto& bytes = data[buffer.name()];
    bytes.resize(static_cast<size_t>(std::max<int64_t>(count, 1) * buffer->type.bytes()));
    for (int64_t i = 0; i < count; ++i) {
      uint8_t* at = bytes.data() + i * buffer->type.bytes();
      if (buffer->type == kF32) {
        float value = static_cast<float>(static_cast<int>(next() % 2000) - 1000) / 7.0f;
        std::memcpy(at, &value, 4);
      } else if (buffer->type == kF64) {
        double value = (static_cast<int>(next() % 2000) - 1000) / 7.0;
        std::memcpy(at, &value, 8);
      } else {
        int64_t value = next() % (buffer->type.is_bool() ? 2 : 5);
        std::memcpy(at, &value, static_cast<size_t>(buffer->type.bytes()));
      }
    }
    tensor.uninitialised = outputs.count(buffer.name()) != 0;
    order.push_back(buffer.name());
    tensor.data = bytes.data();
    args.push_back(tensor);
  }
  interpret(program, function, args);
  std::vector<std::vector<uint8_t>> result;
  for (const std::string& buffer : order) result.push_back(data[buffer]);
  return result;
}

/// The scheduled function computes, bit for bit, what the original does.
inline void expect_same(const Program& before, const Schedule& schedule, const Sizes& sizes,
                        const std::set<std::string>& outputs = {}) {
  SCOPED_TRACE(print(schedule.function()));
  try {
    auto wanted = run(before, schedule.function().name, sizes, outputs);
    auto found = run(schedule.program(), schedule.function().name, sizes, outputs);
    EXPECT_EQ(wanted, found);
  } catch (const CompileError& error) {
    ADD_FAILURE() << error.what();
  }
}

/// Runs `step`, which must be refused; the diagnostic.
inline Diagnostic refusal(const std::function<void()>& step) {
  try {
    step();
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics().size(), 1u);
    return error.diagnostics()[0];
  }
  ADD_FAILURE() << "the step was not refused";
  return {};
}

/// Names of all loops in textual order.
inline std::vector<std::string> all_names(const Function& function) {
  struct Finder : Visitor {
    std::vector<std::string> names;
    using Visitor::visit_node;
    void visit_node(const For& node) override {
      names.push_back(node.var.name());
      Visitor::visit_node(node);
    }
  } finder;
  finder.visit(function.body);
  return finder.names;
}

/// True if `text` has all of `parts`.
inline ::testing::AssertionResult has(const std::string& text,
                                      const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    if (text.find(part) == std::string::npos) {
      return ::testing::AssertionFailure() << "`" << part << "` is not in:\n" << text;
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace inlay::testing
