// Verifier: work-items of a workgroup: barriers that all of them reach, and accesses that barriers
// keep apart.
#include <algorithm>

#include "core/analysis/barriers/barriers.h"
#include "core/verify/verifier.h"

namespace inlay {

bool Verifier::in_lanes() const {
  return std::any_of(loops_.begin(), loops_.end(),
                     [](const Loop& loop) { return is_lane(loop.node->for_kind); });
}

// Lane loops around a barrier stand directly one in another, so that the work-items are all of
// their iterations; what is computed between them belongs to each work-item.
void Verifier::check_barrier_nest(const For& lane) {
  struct LaneSearch : Visitor {
    const For* outer = nullptr;
    const For* found = nullptr;
    using Visitor::visit_node;
    void visit_node(const For& node) override {
      if (!found && &node != outer && is_lane(node.for_kind) && holds_barrier(node.body)) {
        found = &node;
      }
      Visitor::visit_node(node);
    }
  };
  for (const For* at = &lane; at && holds_barrier(at->body);) {
    LaneSearch search;
    search.outer = at;
    search.visit(at->body);
    const For* inner = search.found;
    if (!inner) return;
    for (const Stmt& stmt : at->body.as<Block>()->stmts) {
      bool between = stmt.get() != inner && !stmt.as<Let>();
      if (!between) continue;
      error("barrier", stmt.loc() ? stmt.loc() : at->loc,
            "lane loops `" + at->var.name() + "` and `" + inner->var.name() +
                "` around a barrier have a statement between them",
            "move it into the inner loop; only `let` may stand there");
      return;
    }
    at = inner;
  }
}

void Verifier::check_divergence(const Barrier& node) {
  uint64_t lanes = 0;
  const Loop* outermost = nullptr;
  for (size_t i = 0; i < loops_.size(); ++i) {
    ForKind kind = loops_[i].node->for_kind;
    if (is_lane(kind) && i < kTaintBits) lanes |= uint64_t{1} << i;
    if (lanes && !outermost) outermost = &loops_[i];
    if (lanes && (kind == ForKind::Vectorized || kind == ForKind::Parallel)) {
      error("barrier", node.loc,
            "a barrier stands inside a " + std::string(to_string(kind)) + " loop",
            "put it between such loops");
      return;
    }
  }
  if (!lanes) {
    error("barrier", node.loc, "a barrier stands outside of lane loops",
          "it makes the lanes of a workgroup wait: lane(x) for i in ... { ... barrier ... }");
    return;
  }
  if (guard_.loops & lanes) {
    error(
        "barrier", node.loc,
        "some lanes do not reach this barrier: a condition or bound around it depends on the lane",
        "put it outside of that condition");
    return;
  }
  for (const Reading& reading : guard_.read) {
    auto* load =
        reading.node->kind == ExprKind::Load ? static_cast<const Load*>(reading.node) : nullptr;
    auto declared = load ? visible_.find(load->buffer.get()) : visible_.end();
    if (declared != visible_.end() && declared->second < outermost->defined) {
      agreements_.push_back({node.loc, load, reading.stmt, path()});
      continue;
    }
    std::string what = load ? "`" + load->buffer.name() + "`, which each lane has for itself"
                            : "what a call or assembly gives, which may differ from lane to lane";
    error("barrier", node.loc,
          "it can't be shown that all lanes reach this barrier: a condition or bound around it "
          "depends on " +
              what,
          "let it depend on symbols, scalar parameters and loops that all lanes run alike");
    return;
  }
}

void Verifier::check_lanes(const Function& function) {
  std::vector<LaneConflict> conflicts =
      find_lane_conflicts(Context(function), function.body, program_);
  for (const LaneConflict& conflict : conflicts) {
    if (!conflict.exists()) continue;
    Diagnostic told = describe(conflict);
    told.ir_path = item_;
    out_.add(std::move(told));
  }
  // All lanes read one element, at one point. They read one value unless somebody writes it.
  for (const Agreement& agreement : agreements_) {
    for (const LaneConflict& conflict : conflicts) {
      const Access *read = &conflict.first, *write = &conflict.second;
      auto is_it = [&](const Access& access) {
        return access.stmt.get() == agreement.stmt &&
               access.buffer.same_as(agreement.load->buffer) && !access.writes();
      };
      if (!is_it(*read)) std::swap(read, write);
      if (!is_it(*read)) continue;
      Diagnostic& told =
          out_.error("barrier", agreement.loc,
                     "it can't be shown that all lanes reach this barrier: a condition or bound "
                     "around it reads `" +
                         describe(*read) + "`, which may change meanwhile",
                     "put a barrier between that and what is written, or let it depend on symbols "
                     "and scalar parameters");
      told.ir_path = agreement.path;
      told.notes.push_back({Severity::Note, "", "it is read here", read->loc, "", "", "", {}});
      told.notes.push_back({Severity::Note, "", "it is written here", write->loc, "", "", "", {}});
      break;
    }
  }
}

}  // namespace inlay
