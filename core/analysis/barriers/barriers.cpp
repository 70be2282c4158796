#include "core/analysis/barriers/barriers.h"

#include <algorithm>

#include "core/analysis/barriers/example.h"
#include "core/analysis/fold.h"
#include "core/analysis/instance.h"
#include "core/ir/visitor.h"

namespace inlay {

namespace {

bool is_lane(const For& loop) {
  return loop.for_kind >= ForKind::LaneX;
}
bool is_grid(const For& loop) {
  return loop.for_kind >= ForKind::GridX && loop.for_kind <= ForKind::GridZ;
}
bool is_serial(const For& loop) {
  return loop.for_kind == ForKind::Serial || loop.for_kind == ForKind::Unrolled;
}

// A statement on the way to an access, and which child comes next (see Access::way).
struct Place {
  Stmt stmt;
  uint32_t child = 0;
};

std::vector<Place> places_of(const Stmt& root, const std::vector<uint32_t>& way) {
  std::vector<Place> places;
  Stmt at = root;
  for (uint32_t child : way) {
    places.push_back({at, child});
    if (auto* block = at.as<Block>()) {
      at = block->stmts[child];
    } else if (auto* loop = at.as<For>()) {
      if (child == 1) at = loop->body;
    } else if (auto* branch = at.as<If>()) {
      if (child != 0) at = child == 1 ? branch->then_body : branch->else_body;
    }
  }
  return places;
}

// What is known of a way from one access to another.
struct Way {
  bool closed = false;  // a barrier stands on it in any case
  bool open = true;     // none does in any case
  // Loops that a way without barrier leaves, or enters: all of them, and those where that is so
  // because each iteration crosses one.
  std::set<const For*> left, entered, left_at_end, entered_at_start;
};

class Finder {
 public:
  Finder(const Context& context, const Stmt& root, const Program& program, bool examples)
      : context_(context), root_(root), program_(program), examples_(examples) {}

  std::vector<LaneConflict> run() {
    accesses_ = collect_accesses(root_, program_);
    std::map<const BufferNode*, std::vector<size_t>> by_buffer;
    for (size_t i = 0; i < accesses_.list.size(); ++i) {
      places_.push_back(places_of(root_, accesses_.list[i].way));
      by_buffer[accesses_.list[i].buffer.get()].push_back(i);
    }
    for (size_t i = 0; i < accesses_.list.size(); ++i) {
      for (size_t j : by_buffer[accesses_.list[i].buffer.get()]) {
        if (j < i || (!accesses_.list[i].writes() && !accesses_.list[j].writes())) continue;
        check_pair(i, j);
      }
    }
    return std::move(found_);
  }

 private:
  bool may(const Stmt& stmt) {
    if (!stmt) return false;
    auto [known, fresh] = may_.emplace(stmt.get(), false);
    if (!fresh) return known->second;
    bool found = holds_barrier(stmt);
    return may_[stmt.get()] = found;
  }

  // A barrier is crossed whenever the statement is run.
  bool must(const Stmt& stmt) {
    if (!may(stmt)) return false;
    if (stmt.as<Barrier>()) return true;
    if (auto* block = stmt.as<Block>()) {
      return std::any_of(block->stmts.begin(), block->stmts.end(),
                         [&](const Stmt& each) { return must(each); });
    }
    if (auto* branch = stmt.as<If>()) {
      return branch->else_body && must(branch->then_body) && must(branch->else_body);
    }
    auto* loop = stmt.as<For>();
    return loop && must(loop->body) && context_.proves_positive(context_.poly(loop->extent));
  }

  void cross(Way& way, const Stmt& stmt) {
    way.closed |= must(stmt);
    way.open &= !may(stmt);
  }

  // From an access to the end of the statement at `places[outside]`'s child.
  void leave(Way& way, const std::vector<Place>& places, size_t outside) {
    for (size_t i = places.size(); i-- > outside;) {
      const auto& [stmt, child] = places[i];
      if (auto* block = stmt.as<Block>()) {
        for (size_t n = child + 1; n < block->stmts.size(); ++n) cross(way, block->stmts[n]);
      } else if (auto* loop = stmt.as<For>()) {
        if (child == 0) {
          cross(way, stmt);
        } else if (is_serial(*loop) && may(loop->body)) {
          way.left.insert(loop);
          if (must(loop->body)) way.left_at_end.insert(loop);
        }
      } else if (child == 0) {
        cross(way, stmt);
      }
    }
  }

  // From the start of that statement to an access.
  void enter(Way& way, const std::vector<Place>& places, size_t outside) {
    for (size_t i = outside; i < places.size(); ++i) {
      const auto& [stmt, child] = places[i];
      if (auto* block = stmt.as<Block>()) {
        for (size_t n = 0; n < child; ++n) cross(way, block->stmts[n]);
      } else if (auto* loop = stmt.as<For>(); loop && child == 1 && may(loop->body)) {
        // What was read between lane loops was so before any work-item came to a barrier's nest.
        way.closed |= is_lane(*loop);
        if (!is_serial(*loop)) continue;
        way.entered.insert(loop);
        if (must(loop->body)) way.entered_at_start.insert(loop);
      }
    }
  }

  struct Pair {
    size_t first, second;
    std::vector<const For*> equal;  // loops around both, in one iteration
    const For* differs = nullptr;
    std::vector<const For*> wide;
    const For* carrier = nullptr;
    bool many = false;  // the carrier may be several iterations farther
  };

  // Is there one element for both? Their item or workgroup differs, in either direction.
  bool meets(const Pair& pair, const Way& way) {
    const Access& a = accesses_.list[pair.first];
    const Access& b = accesses_.list[pair.second];
    for (bool less : {true, false}) {
      if (!less && pair.first == pair.second && !pair.carrier) continue;
      Context context = context_;
      Iterations known_a, known_b;
      known_a.last.insert(way.left_at_end.begin(), way.left_at_end.end());
      known_b.first.insert(way.entered_at_start.begin(), way.entered_at_start.end());
      Instance first = instantiate(context, a, known_a, "'");
      for (const For* loop : pair.equal) known_b.fixed[loop] = first.loops[loop].value;
      std::vector<Poly> order;
      if (pair.carrier && !pair.many) {
        const Instance::Loop& loop = first.loops[pair.carrier];
        known_b.fixed[pair.carrier] = loop.value + Poly(1);
        order.push_back(loop.min + loop.extent - Poly(2) - loop.value);
      }
      Instance second = instantiate(context, b, known_b, "''");
      Poly step = second.loops[pair.differs].value - first.loops[pair.differs].value;
      order.push_back((less ? step : -step) - Poly(1));
      if (pair.carrier && pair.many) {
        order.push_back(second.loops[pair.carrier].value - first.loops[pair.carrier].value -
                        Poly(1));
      }
      if (may_meet(context, a, b, first, second, order)) return true;
    }
    return false;
  }

  // True if a conflict was recorded that exists, so that no other way has to be looked at.
  bool ask(const Pair& pair, const Way& way) {
    if (way.closed) return false;
    LaneConflict conflict;
    conflict.first = accesses_.list[pair.first];
    conflict.second = accesses_.list[pair.second];
    conflict.loops = pair.wide;
    conflict.carrier = pair.carrier;
    OpenWay open;
    open.first = &conflict.first;
    open.second = &conflict.second;
    open.differs = pair.differs;
    open.wide.insert(pair.wide.begin(), pair.wide.end());
    open.equal.insert(pair.equal.begin(), pair.equal.end());
    open.next = pair.carrier;
    open.at_end = way.left;
    open.at_start = way.entered;
    bool examples = examples_ && way.open;
    // A proof that fails takes longest, so first a few tries.
    if (examples) conflict.example = find_example(open, root_, program_, true).value_or("");
    if (!conflict.exists()) {
      if (!meets(pair, way)) return false;
      if (examples) conflict.example = find_example(open, root_, program_, false).value_or("");
    }
    found_in_pair_.push_back(std::move(conflict));
    return found_in_pair_.back().exists();
  }

  // The way from `first` to `second` within one iteration of all loops around both; places differ
  // at `split`. Nullopt: there is none.
  std::optional<Way> straight(size_t first, size_t second, size_t split) {
    const std::vector<Place>& a = places_[first];
    const std::vector<Place>& b = places_[second];
    Way way;
    if (split == a.size() || split == b.size()) return way;  // one statement
    const Stmt& fork = a[split].stmt;
    if (fork.as<If>() && a[split].child != 0 && b[split].child != 0) {
      // Branches of a condition that differs between work-items run side by side.
      if (may(fork)) return std::nullopt;
      return way;
    }
    leave(way, a, split + 1);
    enter(way, b, split + 1);
    if (auto* block = fork.as<Block>()) {
      for (size_t n = a[split].child + 1; n < b[split].child; ++n) cross(way, block->stmts[n]);
    } else if (auto* loop = fork.as<For>()) {
      if (is_serial(*loop) && may(loop->body)) {
        way.entered.insert(loop);
        if (must(loop->body)) way.entered_at_start.insert(loop);
      }
    }
    return way;
  }

  void check_pair(size_t i, size_t j) {
    const std::vector<Place>& a = places_[i];
    const std::vector<Place>& b = places_[j];
    size_t split = 0;
    std::vector<std::pair<const For*, size_t>> around;  // loops around both, and their place
    while (split < a.size() && split < b.size() && a[split].child == b[split].child) {
      auto* loop = a[split].stmt.as<For>();
      if (loop && a[split].child == 1) around.push_back({loop, split});
      ++split;
    }
    found_in_pair_.clear();
    for (size_t d = 0; d < around.size(); ++d) {
      const For& loop = *around[d].first;
      if (!is_lane(loop) && !is_grid(loop)) continue;
      if (is_own(accesses_.list[i], loop)) continue;
      if (check_level(i, j, split, around, d)) break;
    }
    if (found_in_pair_.empty()) return;
    // One report a pair: what is certain before what is not.
    auto certain = std::find_if(found_in_pair_.begin(), found_in_pair_.end(),
                                [](const LaneConflict& each) { return each.exists(); });
    bool any = certain != found_in_pair_.end();
    found_.push_back(std::move(any ? *certain : found_in_pair_.front()));
  }

  // Each iteration of `loop` has a buffer of its own.
  static bool is_own(const Access& access, const For& loop) {
    if (!access.is_local) return false;
    for (size_t s = 0; s < access.allocation_depth && s < access.scopes.size(); ++s) {
      if (access.scopes[s].stmt.get() == &loop) return true;
    }
    return false;
  }

  bool check_level(size_t i, size_t j, size_t split,
                   const std::vector<std::pair<const For*, size_t>>& around, size_t d) {
    Pair pair{i, j, {}, around[d].first, {around[d].first}, nullptr, false};
    for (size_t l = 0; l < d; ++l) pair.equal.push_back(around[l].first);
    size_t inner = d + 1;
    if (is_lane(*pair.differs)) {
      while (inner < around.size() && is_lane(*around[inner].first)) {
        pair.wide.push_back(around[inner++].first);
      }
    }
    const For& nest = *pair.wide.back();
    if (is_grid(*pair.differs) || !may(nest.body)) return ask(pair, Way());
    // Loops that hold barriers are in step; of the others each work-item may be anywhere.
    size_t uniform = inner;
    while (uniform < around.size() && is_serial(*around[uniform].first) &&
           may(around[uniform].first->body)) {
      ++uniform;
    }
    Pair same = pair;
    for (size_t l = inner; l < uniform; ++l) same.equal.push_back(around[l].first);
    bool forward = split == places_[i].size() || split == places_[j].size() ||
                   places_[i][split].child < places_[j][split].child;
    if (!forward) std::swap(same.first, same.second);
    if (auto way = straight(same.first, same.second, split)) {
      if (ask(same, *way)) return true;
    }
    for (size_t l = inner; l < uniform; ++l) {
      Pair carried = pair;
      for (size_t e = inner; e < l; ++e) carried.equal.push_back(around[e].first);
      carried.carrier = around[l].first;
      carried.many = !must(carried.carrier->body);
      for (bool turned : {false, true}) {
        if (turned && i == j) continue;
        if (turned) std::swap(carried.first, carried.second);
        Way way;
        leave(way, places_[carried.first], around[l].second + 1);
        enter(way, places_[carried.second], around[l].second + 1);
        if (ask(carried, way)) return true;
      }
    }
    return false;
  }

  const Context& context_;
  const Stmt& root_;
  const Program& program_;
  bool examples_;
  Accesses accesses_;
  std::vector<std::vector<Place>> places_;
  std::unordered_map<const StmtNode*, bool> may_;
  std::vector<LaneConflict> found_, found_in_pair_;
};

std::string named(const For& loop) {
  return "`" + std::string(to_string(loop.for_kind)) + " for " + loop.var.name() + "`";
}

}  // namespace

bool holds_barrier(const Stmt& stmt) {
  struct Search : Visitor {
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Barrier&) override { found = true; }
  } search;
  search.visit(stmt);
  return search.found;
}

std::vector<LaneConflict> find_lane_conflicts(const Context& context, const Stmt& root,
                                              const Program& program, bool examples) {
  return Finder(context, root, program, examples).run();
}

Diagnostic describe(const LaneConflict& conflict) {
  const Access &first = conflict.first, &second = conflict.second;
  bool groups = is_grid(*conflict.loops[0]);
  std::string items = groups ? "workgroups" : "work-items", loops;
  for (const For* loop : conflict.loops) loops += (loops.empty() ? "" : "/") + named(*loop);
  auto verb = [](const Access& access) { return access.writes() ? "writes" : "reads"; };
  std::string here = "`" + describe(first) + "`", there = "`" + describe(second) + "`";
  bool one = first.stmt.get() == second.stmt.get() && here == there;
  const char* apart = groups || one ? "" : ", with no barrier between";
  Diagnostic told;
  told.severity = conflict.exists() ? Severity::Error : Severity::Warning;
  told.rule = conflict.exists() ? "race" : "race-undecided";
  told.loc = second.loc;
  told.message = "one of the " + items + " of " + loops + " " + verb(first) + " " + here +
                 ", another " + verb(second) + " " + (one ? "it too" : there) + apart;
  if (conflict.exists()) {
    told.message += ", and it is the same element for " + conflict.example;
  } else {
    told.message += "; that it is never the same element could not be proven";
  }
  if (groups) {
    told.help =
        "workgroups run in any order: let each touch elements of its own, or make two kernels";
  } else if (conflict.carrier) {
    told.help = "put a barrier between the two accesses, at the end of the loop `" +
                conflict.carrier->var.name() + "` say";
  } else if (first.stmt.get() == second.stmt.get()) {
    told.help = "let each work-item touch elements of its own";
  } else {
    told.help = "put a barrier between the two accesses";
  }
  if (conflict.example.find("(at ") != std::string::npos) {
    told.help += "; or, if such sizes never come, assert that at the start of the function";
  }
  if (!one) {
    told.notes.push_back({Severity::Note,
                          "",
                          std::string("the one ") + verb(first) + " here",
                          first.loc,
                          "",
                          "",
                          "",
                          {}});
  }
  return told;
}

}  // namespace inlay
