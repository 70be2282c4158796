// A library that is measured beside Inlay. Each has a file of its own here, and is left out with a
// word where its package is not installed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/problem.h"

namespace inlay::bench {

struct PeerOptions {
  int threads = 1;
  /// Only AVX2 and FMA may be used, as if the CPU had no AVX-512: to compare code for x86-64-v3.
  bool avx2_only = false;
};

/// One way in which somebody does the work of a row; lives as long as its Problem and its Peer.
struct Implementation {
  std::string name;           ///< "oneDNN nhwc"
  std::function<void()> run;  ///< the work, all that is measured
  /// Brings the result of the last run into Problem::c; null if it is there.
  std::function<void()> publish;
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string name() const = 0;
  /// What is to be known about it: version, kernels it chose, environment that steered it.
  virtual std::string description() const = 0;
  /// What it can do for a row: none, one or several. Setting up (packing weights, making
  /// primitives, trying block sizes) happens in here. Throws std::runtime_error with a sentence.
  virtual std::vector<Implementation> implement(Problem& problem) = 0;
  /// Called before calls of what it implemented: tells the library the number of threads, where
  /// that is the library's and not the implementation's. Another Peer with another number may have
  /// been used in between.
  virtual void use_threads() {}
};

/// Null, and why, where the library can't be used.
using MakePeer = std::unique_ptr<Peer> (*)(const PeerOptions& options, std::string* why_not);

struct PeerEntry {
  const char* name;
  MakePeer make;
};

/// All libraries that this program knows, here or not.
const std::vector<PeerEntry>& peer_table();

}  // namespace inlay::bench
