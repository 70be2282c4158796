// The part of a buffer that statements touch, as a box, and its copy: what stage is made of.
#pragma once

#include "core/schedule/rewrite.h"

namespace inlay {

struct Box {
  std::vector<Poly> low, extent;
  std::set<size_t> outside;  ///< dimensions in which it may reach out of the buffer
};

/// The smallest box that `accesses` (of one buffer, below `context`, in the body of the site's
/// loop) are known to lie in, over all values of the loops inside and of `also_inner`. Rule
/// "illegal-stage".
Box box_of(const Site& site, const Context& context, const std::vector<Access>& accesses,
           const std::set<AtomId>& also_inner = {});

[[noreturn]] void refuse_outside(const Site& site, const Context& context, const Buffer& buffer,
                                 const Box& box);

/// What all reads of `buffer` in `body` ask before they read, over the places of the box; refused
/// where one does not ask, or another thing.
Expr common_guard(const Site& site, const Context& context, const Stmt& body, const Buffer& buffer,
                  const Box& box, const std::vector<Var>& position,
                  const std::set<AtomId>& also_inner = {});

/// Indices of the buffer -> indices of its copy.
using IndexMap = std::function<std::vector<Expr>(const std::vector<Expr>&)>;
/// `stmt` with accesses of `from`, and views, made such of `to`. `drop_guards`: the copy holds
/// zeros where select(guard, from[...], 0) does not read.
Stmt redirect(const Stmt& stmt, const Buffer& from, const Buffer& to, const IndexMap& map,
              bool drop_guards);

/// What the accesses of one buffer in the body of the site's loop are. Refuses, with rule
/// "unknown-buffer" or "illegal-stage", if there are none, or one is not known by its elements; and
/// operands of intrinsics, unless `takes_views`.
std::vector<Access> accesses_to_stage(const Site& site, const Accesses& all,
                                      const std::string& buffer, bool takes_views);

/// True if, inside of lane loops, one of the serial loops of `scopes` may have a second iteration,
/// in which work-items may overtake those that still read.
bool is_repeated(const Context& context, const std::vector<Scope>& scopes);

}  // namespace inlay
