#include "core/analysis/barriers/example.h"

#include <algorithm>
#include <map>

#include "core/analysis/fold.h"
#include "core/ir/visitor.h"

namespace inlay {

namespace {

using Values = std::unordered_map<const ExprNode*, int64_t>;

// Sizes are all given one value: guards against the last block hold for large ones, and small ones
// make the blocks meet. An odd one is for the halves of double buffers.
constexpr int64_t kSizes[] = {1024, 1023, 64, 65, 8, 4, 37, 2, 1};
constexpr int kTries = 4;                // sizes at which both accesses are made
constexpr size_t kMostInstances = 6000;  // of one access, at one size
constexpr size_t kMostIfQuick = 200;
constexpr int64_t kMostOfWide = 256;  // iterations of a lane loop

struct FreeVars : Visitor {
  std::vector<const VarNode*> list;
  std::set<const VarNode*> bound;
  using Visitor::visit_node;
  void visit_node(const VarNode& node) override {
    bool known = bound.count(&node) || std::find(list.begin(), list.end(), &node) != list.end();
    if (!known) list.push_back(&node);
  }
};

// What a run has to pass, and what no caller chooses.
struct Asserts : Visitor {
  std::vector<Expr> conditions;
  std::set<const VarNode*> defined;
  using Visitor::visit_node;
  void visit_node(const Assert& node) override { conditions.push_back(node.condition); }
  void visit_node(const For& node) override {
    defined.insert(node.var.operator->());
    Visitor::visit_node(node);
  }
  void visit_node(const Let& node) override {
    defined.insert(node.var.operator->());
    Visitor::visit_node(node);
  }
};

// One access: all that a few tries of its loops give.
class Instances {
 public:
  Instances(const OpenWay& way, bool is_second, const Values& sizes, size_t most)
      : way_(way),
        access_(is_second ? *way.second : *way.first),
        is_second_(is_second),
        most_(most) {
    values_ = sizes;
    step(0);
  }

  struct Found {
    std::vector<int64_t> items;  // of way.wide, outermost first
  };
  /// Values of the loops in one iteration, the carrier's iteration in the first access, the
  /// element -> up to two, in which `differs` differs.
  std::map<std::vector<int64_t>, std::vector<Found>> found;

 private:
  void step(size_t s) {
    if (count_ >= most_) return;
    if (s == access_.scopes.size()) return arrive();
    const Stmt& stmt = access_.scopes[s].stmt;
    if (auto* loop = stmt.as<For>()) return iterate(*loop, s);
    if (auto* branch = stmt.as<If>()) {
      auto truth = fold(branch->condition, values_);
      ++count_;  // tries that lead nowhere cost too
      if (truth && (*truth != 0) == access_.scopes[s].truth) step(s + 1);
      return;
    }
    auto* let = stmt.as<Let>();
    auto value = let ? fold(let->value, values_) : std::nullopt;
    if (value) values_[let->var.get()] = *value;
    step(s + 1);
    if (value) values_.erase(let->var.get());
  }

  void iterate(const For& loop, size_t s) {
    auto min = fold(loop.min, values_), extent = fold(loop.extent, values_);
    if (!min || !extent || *extent < 1) return;
    int64_t last = *min + *extent - 1;
    std::set<int64_t> tried{*min, *min + std::min<int64_t>(1, *extent - 1), last};
    if (way_.wide.count(&loop) || loop.for_kind >= ForKind::LaneX) {
      for (int64_t i = 0; i < std::min(*extent, kMostOfWide); ++i) tried.insert(*min + i);
    }
    if (way_.next == &loop && is_second_) {
      tried = {*min + 1, *min + 2, last};
      while (!tried.empty() && *tried.rbegin() > last) tried.erase(std::prev(tried.end()));
    }
    if (way_.next == &loop && !is_second_) tried = {*min, *min + 1, last - 1};
    auto& end = is_second_ ? way_.at_start : way_.at_end;
    if (end.count(&loop)) tried = {is_second_ ? *min : last};
    for (int64_t value : tried) {
      if (value < *min || value > last) continue;
      values_[loop.var.get()] = value;
      bool shared = way_.equal.count(&loop) || way_.next == &loop;
      if (shared) key_.push_back(value - (way_.next == &loop && is_second_ ? 1 : 0));
      if (way_.wide.count(&loop)) items_.push_back(value);
      step(s + 1);
      if (shared) key_.pop_back();
      if (way_.wide.count(&loop)) items_.pop_back();
    }
    values_.erase(loop.var.get());
  }

  void arrive() {
    ++count_;
    std::vector<int64_t> key = key_;
    for (size_t d = 0; d < access_.indices.size(); ++d) {
      auto index = fold(access_.indices[d], values_);
      auto extent = fold(access_.buffer->shape[d], values_);
      // What lies outside of the buffer is another fault.
      if (!index || !extent || *index < 0 || *index >= *extent) return;
      key.push_back(*index);
    }
    std::vector<Found>& known = found[key];
    if (known.size() == 2) return;
    if (!known.empty() && known[0].items[0] == items_[0]) return;
    known.push_back({items_});
  }

  const OpenWay& way_;
  const Access& access_;
  bool is_second_;
  size_t most_;
  Values values_;
  std::vector<int64_t> key_, items_;
  size_t count_ = 0;
};

}  // namespace

std::optional<std::string> find_example(const OpenWay& way, const Stmt& root,
                                        const Program& program, bool quick) {
  for (const Access* access : {way.first, way.second}) {
    if (!access->sure || access->unknown) return std::nullopt;
  }
  Values numbers;
  for (const ProgramParam* param : program.params()) {
    numbers[param->var.get()] = param->value;
  }
  Asserts asserts;
  asserts.visit(root);
  FreeVars vars;
  vars.bound = std::move(asserts.defined);
  for (const Access* access : {way.first, way.second}) {
    for (const Scope& scope : access->scopes) {
      if (auto* loop = scope.stmt.as<For>()) {
        vars.visit(loop->min);
        vars.visit(loop->extent);
      } else if (auto* branch = scope.stmt.as<If>()) {
        vars.visit(branch->condition);
      } else if (auto* let = scope.stmt.as<Let>()) {
        vars.visit(let->value);
      }
    }
    for (const Expr& index : access->indices) vars.visit(index);
    for (const Expr& extent : access->buffer->shape) vars.visit(extent);
  }
  for (const Expr& condition : asserts.conditions) vars.visit(condition);
  int tries = 0;
  for (int64_t size : kSizes) {
    Values sizes = numbers;
    for (const VarNode* var : vars.list) {
      if (var->type == kIndex) sizes.emplace(var, size);
    }
    bool refused =
        std::any_of(asserts.conditions.begin(), asserts.conditions.end(),
                    [&](const Expr& condition) { return fold(condition, sizes).value_or(0) == 0; });
    if (refused) continue;
    size_t most = quick ? kMostIfQuick : kMostInstances;
    Instances first(way, false, sizes, most), second(way, true, sizes, most);
    for (const auto& [key, theirs] : second.found) {
      auto ours = first.found.find(key);
      if (ours == first.found.end()) continue;
      for (const auto& b : theirs) {
        for (const auto& a : ours->second) {
          if (a.items[0] == b.items[0]) continue;
          std::string text;
          for (const auto* items : {&a.items, &b.items}) {
            if (!text.empty()) text += " and ";
            size_t i = 0;
            for (const Scope& scope : way.first->scopes) {
              auto* loop = scope.stmt.as<For>();
              if (!loop || !way.wide.count(loop)) continue;
              text += (i ? ", " : "") + loop->var.name() + " = " + std::to_string((*items)[i]);
              ++i;
            }
          }
          std::string at;
          for (const VarNode* var : vars.list) {
            if (var->type != kIndex || numbers.count(var)) continue;
            at += (at.empty() ? " (at " : ", ") + var->name + " = " + std::to_string(size);
          }
          return text + at + (at.empty() ? "" : ")");
        }
      }
    }
    if (!first.found.empty() && !second.found.empty() && ++tries == (quick ? 1 : kTries)) break;
    if (vars.list.empty()) break;
  }
  return std::nullopt;
}

}  // namespace inlay
