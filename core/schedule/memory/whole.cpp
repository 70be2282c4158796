// whole: loops that end earlier at an edge run to their greatest extents, so that they are the same
// for all work-items, and can be written out.
//
// Iterations beyond the end must not be seen: they read elements of whole copies (zeros where there
// is nothing), and write elements of private whole copies that no other iteration touches, because
// their place is past what exists there.
#include <algorithm>

#include "core/ir/visitor.h"
#include "core/schedule/rewrite.h"
#include "core/text/text.h"

namespace inlay {

namespace {

const char* const kRule = "illegal-whole";

// The first thing in a body whose evaluation, on values of no meaning, may fail or be noticed.
struct Noticed : Visitor {
  std::string what;
  Loc loc;

  void tell(const std::string& words, const Loc& place) {
    if (!what.empty()) return;
    what = words;
    loc = place;
  }
  using Visitor::visit_node;
  void visit_node(const Binary& node) override {
    bool checked = node.op == BinaryOp::FloorDiv || node.op == BinaryOp::FloorMod ||
                   node.op == BinaryOp::Shl || node.op == BinaryOp::Shr;
    if (checked && !node.type.is_float()) {
      auto* number = node.b.as<IntImm>();
      if (!number || number->value <= 0) tell("divides or shifts by what it reads", node.loc);
    }
    Visitor::visit_node(node);
  }
  void visit_node(const Cast& node) override {
    if (node.value.type().is_float() && !node.type.is_float()) {
      tell("makes an integer of a float", node.loc);
    }
    Visitor::visit_node(node);
  }
  void visit_node(const CallExtern& node) override { tell("calls a function", node.loc); }
  void visit_node(const CallIntrin& node) override { tell("calls an intrinsic", node.loc); }
  void visit_node(const InlineAsm& node) override { tell("holds assembly", node.loc); }
  void visit_node(const Assert& node) override { tell("holds an assert", node.loc); }
  void visit_node(const Barrier& node) override { tell("holds a barrier", node.loc); }
};

// The site's context within the access, or nullopt: it never happens in these iterations.
std::optional<Context> reached(const Context& context, const Access& access) {
  Context within = context;
  for (const Scope& scope : access.scopes) {
    if (auto* loop = scope.stmt.as<For>()) {
      if (within.proves_nonnegative(-within.poly(loop->extent))) return std::nullopt;
    } else if (auto* branch = scope.stmt.as<If>()) {
      if (within.proves(branch->condition, !scope.truth)) return std::nullopt;
    }
    enter_scope(within, scope);
  }
  return within;
}

bool in_bounds(const Context& context, const Access& access) {
  for (size_t d = 0; d < access.indices.size(); ++d) {
    Poly index = context.poly(access.indices[d]);
    if (!context.proves_nonnegative(index)) return false;
    if (!context.proves_positive(context.poly(access.buffer->shape[d]) - index)) return false;
  }
  return true;
}

}  // namespace

Schedule& Schedule::whole(const std::vector<std::string>& names) {
  Function changed = function_;
  for (const std::string& name : names) {
    Site site = find_loop(changed, name);
    const For& loop = site.loop();
    if (loop.for_kind != ForKind::Serial && loop.for_kind != ForKind::Unrolled) {
      refuse(kRule, site, "loop `" + name + "` is " + to_string(loop.for_kind) + " already",
             "make it whole before that step");
    }
    Context context = context_at(changed, site);
    Poly count = context.poly(loop.extent);
    auto greatest = greatest_number(context, count);
    if (!greatest || *greatest < 1) {
      refuse(kRule, site,
             "the extent `" + print(loop.extent) + "` of loop `" + name +
                 "` is not known to be at most some number",
             "split the loop by a number");
    }
    if (!evaluates_safely(loop.body)) {
      refuse(kRule, site,
             "bounds or conditions in loop `" + name +
                 "` read memory, or divide: beyond the end of the loop they might fail",
             "name them with a `let` before the loop");
    }
    Noticed noticed;
    noticed.visit(loop.body);
    if (!noticed.what.empty()) {
      refuse(kRule, site,
             "the body of loop `" + name + "` " + noticed.what + place_of(noticed.loc) +
                 ", which must not happen beyond its end",
             "make loops whole before tensorize and stage ... in shared");
    }
    // Iterations beyond the end.
    enter_beyond(context, loop, *greatest);
    for (const Access& access : collect_accesses(loop.body, program_).list) {
      auto within = reached(context, access);
      if (!within) continue;
      auto stop = [&](const std::string& why, const std::string& help) {
        Access seen = access;
        refuse(kRule, site,
               "beyond the end of loop `" + name + "`, `" + describe(access) + "` would be " +
                   (access.kind == AccessKind::Read ? "read" : "written") + place_of(access.loc) +
                   ": " + why,
               help);
      };
      auto known = whole_.find(access.buffer.get());
      if (known == whole_.end() || access.unknown || !access.extents.empty()) {
        stop("`" + access.buffer.name() + "` is no whole copy",
             access.writes() ? "stage it with pad, in private memory"
                             : "stage it in shared memory, or with pad in private memory");
      }
      if (!in_bounds(*within, access)) {
        stop("that is not known to be in `" + access.buffer.name() + "`",
             "make loops whole that were split from the same block");
      }
      if (!access.writes()) continue;
      const std::vector<Expr>& existing = known->second;
      bool unseen = access.buffer->space == MemorySpace::Private;
      bool past = false;
      for (size_t d = 0; d < existing.size(); ++d) {
        past |=
            within->proves_nonnegative(within->poly(access.indices[d]) - within->poly(existing[d]));
      }
      if (!unseen || !past) {
        stop(unseen ? "other iterations use that element" : "other work-items may see it",
             "a loop that sums up can't be whole; specialize it for itself instead");
      }
    }
    Stmt made = For::make(loop.for_kind, loop.var, loop.min, Expr(*greatest), loop.body, loop.loc);
    changed.body = replace(changed.body, {{site.self.get(), {made}}});
  }
  return commit("whole " + joined(names), changed.body);
}

}  // namespace inlay
