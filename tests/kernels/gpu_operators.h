// The operators and examples of kernels/ as a GPU's tests call them: one row each, with sizes that
// multiples of nothing, nothing at all, one element and whole tiles are among.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/passes/passes.h"

namespace inlay {

using Sizes = std::map<std::string, int64_t>;

struct Operator {
  std::string file, function;
  /// Few of them, that the interpreter does in no time; and all.
  std::vector<Sizes> few, grid;
  /// The most products, or other rounded terms of magnitude 1, that one element of a result sums
  /// up, for arguments in [-1, 1].
  std::function<double(const Sizes&)> terms;
  /// What the interpreter runs in its place: not assembly.
  std::string reference = function;
  bool normalized = false;  ///< a term has the magnitude of the greatest result instead
  /// Numbers of the schedule that it is compiled with; calls in `few` are with its own.
  ParamValues numbers = {};
};

/// All functions of kernels/ that a GPU runs.
const std::vector<Operator>& operators();

/// Functions of kernels/ that it can't run, and why.
const std::map<std::string, std::string>& not_for_gpus();

}  // namespace inlay
