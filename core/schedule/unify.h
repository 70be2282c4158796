// Unification of a loop nest with an intrinsic's meaning: what must stand for the intrinsic's
// parameters so that the two are one computation, or the nearest that they come to it.
#pragma once

#include <optional>

#include "core/schedule/rewrite.h"

namespace inlay {

/// What a formal buffer stands for.
struct BoundBuffer {
  Buffer actual;
  /// Per dimension of `actual`: the formal dimension, or -1: a single index.
  std::vector<int> formal_dim;
  std::vector<Poly> min;  ///< per dimension of `actual`
};

/// A loop of the nest that runs less far than the meaning's.
struct EdgeLoop {
  AtomId var = 0;   ///< of the nest's loop
  Poly min, count;  ///< what the nest runs over
  Poly full;        ///< how far the meaning goes
};

struct Bindings {
  Context context;  ///< of the nest's root; the formal variables are defined in it
  std::unordered_map<const ExprNode*, Poly> indices;  ///< constants, index parameters, symbols
  std::unordered_map<const ExprNode*, Expr> scalars;  ///< other scalar parameters
  std::map<const BufferNode*, BoundBuffer> buffers;
  std::vector<EdgeLoop> edges;
  bool reassociates = false;
};

/// Where unification failed: the way that came furthest.
struct Mismatch {
  int progress = -1;
  std::string what;      ///< one sentence
  std::string expected;  ///< of the meaning
  std::string found;     ///< of the nest
  std::string help;
  Loc expected_loc, found_loc;
};

struct UnifyOptions {
  bool allow_edges = false;
};

/// Unifies `nest` (a loop, normalized by normalize_nest) with the meaning of `intrinsic`, its
/// constants being `constants`. `context` holds at the nest.
std::optional<Bindings> unify(const Program& program, const Intrinsic& intrinsic,
                              const std::vector<int64_t>& constants, const Context& context,
                              const Stmt& nest, const UnifyOptions& options, Mismatch* mismatch);

/// Normal form of a nest: `let`s inlined, what `context` decides decided, unit loops gone, and
/// loops that hold only a guard on their own variable bounded by it.
Stmt normalize_nest(const Context& context, const Stmt& nest);

/// The product of the two index polynomials' buffer offset: strides of `buffer` in elements.
Poly stride_poly(const Context& context, const Buffer& buffer, size_t d);

}  // namespace inlay
