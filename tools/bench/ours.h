// Inlay's own side of a row: operators of kernels/, compiled for one target.
#pragma once

#include <map>

#include "tools/bench/peers/peer.h"
#include "tools/inlay/execute.h"

namespace inlay::bench {

class Operators {
 public:
  /// Compiles operators on first use for `target`, as `inlay build --target` would; `kernels` is
  /// their folder.
  Operators(std::string kernels, std::string target, cli::Session& session);

  /// The row by the operator of its kind; empty, with a word in `why_not`, where kernels/ has none.
  std::vector<Implementation> implement(Problem& problem, std::string* why_not);

 private:
  struct Loaded {
    Program program;  ///< parameters bound for the target
    cli::LoadedProgram code;
    Loaded(Program bound, const std::string& object) : program(std::move(bound)), code(object) {}
  };
  std::vector<Implementation> dense(Problem& problem, std::string* why_not);
  std::vector<Implementation> depthwise(Problem& problem, std::string* why_not);
  std::vector<Implementation> convolution(Problem& problem, std::string* why_not);
  const Loaded* load(const std::string& file, std::string* why_not);

  std::string kernels_, target_;
  cli::Session& session_;
  std::map<std::string, std::unique_ptr<Loaded>> loaded_;
};

}  // namespace inlay::bench
