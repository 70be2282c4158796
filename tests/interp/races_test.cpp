// The race detector against the definition: on random programs, every pair of accesses is compared.
#include <random>

#include "tests/interp/helpers.h"

namespace inlay {
namespace {

using namespace inlay::testing;

constexpr int kElements = 5;

// A program as the reference sees it: loops, accesses and barriers.
struct Node {
  enum class Kind { Loop, Read, Write, Barrier } kind = Kind::Loop;
  ForKind loop{};
  int extent = 0;
  Var var;
  std::vector<Node> body;
  // Element: (base + sum of factor * enclosing loop variable) % kElements.
  int base = 0;
  std::vector<int> factors;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Node root() {
    Node node;
    node.loop = ForKind::Serial;
    node.extent = 1;
    node.var = Var("root");
    depth_ = 1;
    node.body = list(4, false, false);
    return node;
  }

 private:
  int pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }

  // Statements; barriers only straight in a work-item or in its serial loops.
  std::vector<Node> list(int budget, bool in_items, bool barriers) {
    std::vector<Node> nodes;
    int count = 1 + pick(3);
    for (int i = 0; i < count; ++i) {
      int what = pick(10);
      if (what < 4 && budget > 0) {
        nodes.push_back(loop(budget, in_items, barriers));
      } else if (what < 6 && barriers) {
        nodes.push_back({Node::Kind::Barrier, {}, 0, {}, {}, 0, {}});
      } else {
        nodes.push_back(access());
      }
    }
    return nodes;
  }

  Node loop(int budget, bool in_items, bool barriers) {
    Node node;
    int what = pick(10);
    bool items = !in_items && what >= 8;
    node.loop = what < 4 ? ForKind::Serial : what < 6 ? ForKind::Parallel : ForKind::Vectorized;
    if (items) node.loop = ForKind::LaneX;
    node.extent = 1 + pick(3);
    node.var = Var("v" + std::to_string(depth_));
    ++depth_;
    bool inside = items || (barriers && node.loop == ForKind::Serial);
    node.body = list(budget - 1, in_items || items, inside);
    --depth_;
    return node;
  }

  Node access() {
    Node node;
    node.kind = pick(2) ? Node::Kind::Read : Node::Kind::Write;
    node.base = pick(kElements);
    for (int d = 0; d < depth_; ++d) node.factors.push_back(pick(3) ? 0 : 1 + pick(2));
    return node;
  }

  std::mt19937 random_;
  int depth_ = 0;
};

// The same as IR, over one buffer of kElements.
Stmt to_ir(const Node& node, const Buffer& data, std::vector<Var>& vars) {
  if (node.kind == Node::Kind::Barrier) return Barrier::make();
  if (node.kind != Node::Kind::Loop) {
    Expr at = node.base;
    for (size_t d = 0; d < vars.size(); ++d) at = at + vars[d] * node.factors[d];
    at = at % kElements;
    if (node.kind == Node::Kind::Write) return store(data, {at}, 1);
    // What is read goes to a place of the reader's own.
    Buffer own = Buffer::make("own", kI64, {1});
    return block({Allocate::make(own), store(own, {0}, load(data, {at}))});
  }
  vars.push_back(node.var);
  std::vector<Stmt> body;
  for (const Node& child : node.body) body.push_back(to_ir(child, data, vars));
  vars.pop_back();
  return For::make(node.loop, node.var, 0, node.extent, block(std::move(body)));
}

struct Access {
  struct Level {
    int instance, iteration, phase;
    bool parallel;
  };
  std::vector<Level> levels;
  int element;
  bool write;
};

// All accesses of the program, each with the loops it ran in.
class Reference {
 public:
  bool has_race(const Node& root) {
    run(root);
    for (size_t a = 0; a < accesses_.size(); ++a) {
      for (size_t b = 0; b < a; ++b) {
        if (conflict(accesses_[a], accesses_[b])) return true;
      }
    }
    return false;
  }

 private:
  static bool conflict(const Access& a, const Access& b) {
    if (a.element != b.element || (!a.write && !b.write)) return false;
    for (size_t l = 0; l < std::min(a.levels.size(), b.levels.size()); ++l) {
      const Access::Level &x = a.levels[l], &y = b.levels[l];
      if (x.instance != y.instance) return false;
      if (x.iteration == y.iteration) continue;
      return x.parallel && x.phase == y.phase;
    }
    return false;
  }

  void run(const Node& node) {
    if (node.kind == Node::Kind::Barrier) {
      for (size_t l = levels_.size(); l-- > 0;) {
        if (!is_item_[l]) continue;
        ++levels_[l].phase;
        break;
      }
      return;
    }
    if (node.kind != Node::Kind::Loop) {
      int at = node.base;
      for (size_t d = 0; d < node.factors.size(); ++d) at += node.factors[d] * levels_[d].iteration;
      accesses_.push_back({levels_, at % kElements, node.kind == Node::Kind::Write});
      return;
    }
    int instance = ++instances_;
    for (int i = 0; i < node.extent; ++i) {
      levels_.push_back({instance, i, 0, node.loop != ForKind::Serial});
      is_item_.push_back(node.loop == ForKind::LaneX);
      for (const Node& child : node.body) run(child);
      levels_.pop_back();
      is_item_.pop_back();
    }
  }

  std::vector<Access> accesses_;
  std::vector<Access::Level> levels_;
  std::vector<bool> is_item_;
  int instances_ = 0;
};

TEST(InterpRacesProperty, AgreesWithTheDefinition) {
  int racy = 0, clean = 0;
  for (unsigned seed = 0; seed < 8000; ++seed) {
    Node root = Generator(seed).root();
    Buffer data = Buffer::make("data", kI64, {kElements});
    std::vector<Var> vars;
    Program program;
    program.items = {Function{"f", {data}, {}, block({to_ir(root, data, vars)}), {}}};
    bool expected = Reference().has_race(root);
    bool found = false;
    Array<int64_t> array({kElements});
    try {
      run(program, {array});
    } catch (const CompileError& error) {
      ASSERT_EQ(error.diagnostics()[0].rule, "race") << error.what();
      found = true;
    }
    ASSERT_EQ(found, expected) << "seed " << seed << "\n" << print(program);
    (found ? racy : clean) += 1;
  }
  EXPECT_GT(racy, 1000);
  EXPECT_GT(clean, 1000);
}

}  // namespace
}  // namespace inlay
