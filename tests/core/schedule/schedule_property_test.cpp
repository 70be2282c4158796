// Random schedules of random programs: what is not refused keeps every result, bit for bit.
#include <cstdlib>

#include "core/schedule/steps.h"
#include "core/verify/verify.h"
#include "tests/core/support/random_program.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

std::vector<std::string> loop_names(const Function& function) {
  struct Finder : Visitor {
    std::map<std::string, int> count;
    std::vector<std::string> names;
    using Visitor::visit_node;
    void visit_node(const For& node) override {
      names.push_back(node.var.name() + "#" + std::to_string(++count[node.var.name()]));
      Visitor::visit_node(node);
    }
  } finder;
  finder.visit(function.body);
  return finder.names;
}

std::string fresh_name(int number) {
  return "v" + std::to_string(number);
}

// One random step; refusals are CompileErrors.
void random_step(Schedule& s, Random& random, int number) {
  auto loops = loop_names(s.function());
  if (loops.empty()) return;
  std::string loop = random.pick(loops), other = random.pick(loops);
  switch (random.below(17)) {
    case 0:
    case 1: {
      Tail tails[] = {Tail::Perfect, Tail::Guard, Tail::Bound, Tail::Peel};
      Factor factor(1 + random.below(5));
      if (random.chance(30)) factor = Factor::even(1 + random.below(4), 1 + random.below(3));
      s.split(loop, factor, fresh_name(2 * number), fresh_name(2 * number + 1), random.pick(tails));
      return;
    }
    case 2:
    case 3: {
      std::vector<std::string> order{loop, other};
      if (random.chance(30)) order.push_back(random.pick(loops));
      s.reorder(order);
      return;
    }
    case 4:
      s.fuse(loop, other, fresh_name(2 * number));
      return;
    case 5:
      s.fission({loop}, other, "_f" + std::to_string(number));
      return;
    case 6:
      s.sink(loop);
      return;
    case 7: {
      // What split with tail bound makes of a loop can be peeled.
      std::string outer = fresh_name(2 * number), inner = fresh_name(2 * number + 1);
      s.split(loop, 2 + random.below(2), outer, inner, Tail::Bound);
      s.peel(outer, inner);
      return;
    }
    case 8: {
      std::string outer = fresh_name(2 * number), inner = fresh_name(2 * number + 1);
      s.split(loop, 2 + random.below(2), outer, inner, Tail::Bound);
      s.specialize(outer, {inner});
      return;
    }
    case 9: {
      ForKind kinds[] = {ForKind::Parallel, ForKind::GridX, ForKind::LaneX, ForKind::Vectorized,
                         ForKind::LaneY};
      ForKind kind = random.pick(kinds);
      if (kind == ForKind::Parallel) {
        s.parallel(loop);
      } else if (kind == ForKind::Vectorized) {
        s.vectorize(loop);
      } else {
        s.bind(loop, kind);
      }
      return;
    }
    case 10: {
      Accesses accesses = collect_accesses(s.function().body, s.program());
      if (accesses.list.empty()) return;
      Pack pack;
      pack.buffer = random.pick(accesses.list).buffer.name();
      pack.at = loop;
      for (const std::string& name : loops) {
        if (pack.dims.size() < 3 && name > loop && random.chance(70)) {
          pack.dims.push_back(name.substr(0, name.find('#')));
        }
      }
      if (pack.dims.empty()) pack.dims = {other.substr(0, other.find('#'))};
      if (random.chance(50)) pack.padded = {pack.dims.back()};
      pack.name = "pack" + std::to_string(number);
      s.pack(pack);
      return;
    }
    case 11:
      s.inline_call(loop);
      return;
    case 13:
      s.unroll(loop);
      return;
    case 14: {
      // What packing and staging allocated, and blocks that a split named.
      struct Names : Visitor {
        std::vector<std::string> found;
        using Visitor::visit_node;
        void visit_node(const Allocate& node) override { found.push_back(node.buffer.name()); }
        void visit_node(const Let& node) override { found.push_back(node.var.name()); }
      } names;
      names.visit(s.function().body);
      if (!names.found.empty()) s.hoist(random.pick(names.found), loop);
      return;
    }
    case 15:
      s.pragma_unroll(loop, 1 + random.below(4));
      return;
    case 16: {
      Accesses accesses = collect_accesses(s.function().body, s.program());
      if (accesses.list.empty()) return;
      s.pragma_prefetch({loop, random.pick(accesses.list).buffer.name(), random.below(9) - 2,
                         random.chance(50), 1 + random.below(3)});
      return;
    }
    case 12: {
      Accesses accesses = collect_accesses(s.function().body, s.program());
      if (accesses.list.empty()) return;
      Stage stage;
      stage.buffer = random.pick(accesses.list).buffer.name();
      stage.at = loop;
      stage.name = "stage" + std::to_string(number);
      stage.space = random.chance(50) ? MemorySpace::Private : MemorySpace::Global;
      stage.pad = stage.space == MemorySpace::Private && random.chance(30);
      s.stage(stage);
      return;
    }
  }
}

struct Case {
  Program program;
  Sizes sizes;
};

Case any_program(uint64_t seed) {
  RandomOptions options;
  options.seed = seed;
  options.size = 14;
  options.executable = true;
  RandomProgram random_one = random_program(options);
  return {bind_params(random_one.program, nullptr, {}),
          Sizes(random_one.symbols.begin(), random_one.symbols.end())};
}

// Nests over few elements with affine subscripts, so that iterations often meet.
class NestWriter {
 public:
  explicit NestWriter(uint64_t seed) : random_(seed * 7919 + 3) {}

  Case make() {
    std::string text = "func f(X: f32[60], Y: f32[60], P: f32[12, 12], N: index) {\n";
    int statements = 1 + random_.below(2);
    for (int i = 0; i < statements; ++i) text += nest(0);
    ParseResult result = parse_program(text + "}\n", "nest.inlay");
    EXPECT_FALSE(result.diagnostics.has_errors()) << text << render(result.diagnostics.all());
    return {std::move(result.program), Sizes{{"N", random_.below(5)}}};
  }

 private:
  std::string number(int below) { return std::to_string(random_.below(below)); }

  // At most `most`, if all variables are below 4.
  std::string subscript(int most) {
    std::string text = number(3);
    for (const std::string& var : vars_) {
      if (random_.chance(55) && most > 10)
        text += " + " + var + " * " + std::to_string(1 + random_.below(3));
      if (random_.chance(60) && most <= 10 && text.size() < 5) text += " + " + var;
    }
    if (random_.chance(15) && !vars_.empty()) return "(" + text + ") / 2";
    return text;
  }

  std::string element() {
    if (random_.chance(35)) return "P[" + subscript(10) + ", " + subscript(10) + "]";
    return (random_.chance(50) ? "X[" : "Y[") + subscript(50) + "]";
  }

  std::string store() {
    std::string ops[] = {" = ", " += ", " += ", " *= "};
    std::string op = random_.pick(ops);
    std::string value = element() + (random_.chance(50) ? " * 0.5" : " + " + element());
    return element() + op + value + "\n";
  }

  std::string nest(int depth) {
    std::string text;
    if (depth == 3 || (depth > 0 && random_.chance(30))) return store();
    std::string var = "l" + std::to_string(next_++);
    std::string end = random_.chance(25) ? "N" : std::to_string(1 + random_.below(4));
    if (random_.chance(15) && !vars_.empty()) end = vars_.back();
    text += "for " + var + " in 0.." + end + " {\n";
    vars_.push_back(var);
    if (random_.chance(40)) text += store();
    if (random_.chance(20)) {
      text += "if " + var + " < " + number(4) + " { " + store() + "}\n";
    }
    text += nest(depth + 1);
    if (random_.chance(20)) text += nest(depth + 1);
    vars_.pop_back();
    return text + "}\n";
  }

  Random random_;
  std::vector<std::string> vars_;
  int next_ = 0;
};

using MakeStep = std::function<void(Schedule&, Random&, int number)>;

// Runs `count` cases, of seeds from INLAY_TEST_SEED (else 1) on; how many steps of each kind were
// accepted.
std::map<std::string, int> try_cases(int count, const std::function<Case(uint64_t)>& make,
                                     int steps = 12, const MakeStep& step = random_step) {
  std::map<std::string, int> accepted;
  const char* asked = std::getenv("INLAY_TEST_SEED");
  const uint64_t first = asked ? std::strtoull(asked, nullptr, 10) : 1;
  for (uint64_t seed = first; seed < first + static_cast<uint64_t>(count); ++seed) {
    Case one = make(seed);
    std::vector<std::vector<uint8_t>> wanted;
    try {
      wanted = run(one.program, "f", one.sizes);
    } catch (const CompileError& error) {
      ADD_FAILURE() << "seed " << seed << " does not run: " << error.what();
      continue;
    }
    Random random(seed);
    Schedule s(one.program, "f");
    for (int number = 0; number < steps; ++number) {
      size_t before = s.steps().size();
      Schedule trial = s;
      try {
        step(trial, random, number);
      } catch (const CompileError& error) {
        continue;
      }
      s = trial;
      if (s.steps().size() == before) continue;
      if (s.reassociates()) break;
      const std::string& text = s.steps().back().text;
      std::string word = text.substr(0, text.find(' '));
      ++accepted[word == "pragma" ? "pragma " + text.substr(text.find(' ', 7) + 1, 6) : word];
      std::string failure;
      try {
        if (run(s.program(), "f", one.sizes) != wanted) failure = "another result";
        Diagnostics faults = verify(s.program());
        for (const Diagnostic& fault : faults.all()) {
          // A loop that is known to run once may be parallel; the verifier does not know.
          if (fault.rule != "race") failure = render(fault);
        }
      } catch (const CompileError& error) {
        failure = error.what();
      }
      if (failure.empty()) continue;
      std::string done;
      for (const Schedule::Step& each : s.steps()) done += each.text + "\n";
      ADD_FAILURE() << "seed " << seed << ": " << failure << "\nafter\n"
                    << done << "of\n"
                    << print(one.program) << "\ngiving\n"
                    << print(s.function());
      return accepted;
    }
  }
  return accepted;
}

// A matrix product, spelled in one of several ways, of any small size.
Case product(uint64_t seed) {
  Random random(seed * 104729 + 11);
  auto one_of = [&](std::vector<std::string> texts) { return random.pick(texts); };
  std::string term = one_of({"A[i, k] * B[k, j]", "B[k, j] * A[i, k]", "A[i, k + 0] * B[k, j]"});
  std::string update =
      one_of({"C[i, j] += " + term, "C[i, j] = " + term + " + C[i, j]",
              "if i < M { C[i, j] += " + term + " }", "let t = " + term + " C[i, j] += t",
              "for one in 0..1 { C[i, j + one] += " + term + " }"});
  std::string first = one_of({"C[i, j] = 0.0", "C[i, j] = 0.0", "C[i, j] *= 0.5", ""});
  std::string text =
      "intrin tile<m, n>(k: index, a: f32[k, m], b: f32[k, n], c: f32[m, n] strided) {\n"
      "  for p in 0..k { for x in 0..m { for y in 0..n { c[x, y] += a[p, x] * b[p, y] } } }\n}\n"
      "intrin dot<n>(a: f32[n], b: f32[n] strides [s], c: f32[1]) {\n"
      "  for p in 0..n { c[0] += a[p] * b[p] }\n}\n"
      "intrin row<n>(x: f32, b: f32[n], c: f32[n]) { for y in 0..n { c[y] += x * b[y] } }\n"
      "func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {\n  for i in 0..M { for j in 0..N {\n" +
      first + " for k in 0..K { " + update + " } } }\n}\n";
  ParseResult result = parse_program(text, "product.inlay");
  EXPECT_FALSE(result.diagnostics.has_errors()) << text << render(result.diagnostics.all());
  return {std::move(result.program),
          Sizes{{"M", random.below(10)}, {"N", random.below(10)}, {"K", random.below(6)}}};
}

// A good schedule of a product, with other numbers, steps left out, and others in between.
void product_step(Schedule& s, Random& random, int number) {
  static const char* const kSteps[] = {"split k by even(kc) into kb, p",
                                       "split j by even(nc, nr) into jb, jr",
                                       "split jr by nr into jp, jj",
                                       "split i by even(mc, mr) into ib, ir",
                                       "split ir by mr into ip, ii",
                                       "sink into kb",
                                       "reorder jb, kb, ib, jp, ip, ii, jj",
                                       "fission ii, jj before p",
                                       "reorder p, ii, jj",
                                       "pack B at kb as bp[jp, p, jj] pad jj",
                                       "pack A at ib as ap[ip, p, ii] pad ii",
                                       "specialize ip for ii, jj",
                                       "tensorize p as tile<mr, nr>",
                                       "tensorize p_edge as tile<mr, nr> edge pad",
                                       "hoist bp out of kb",
                                       "hoist bp out of jb",
                                       "hoist ap out of ib",
                                       "peel bp.jp for bp.jj",
                                       "stage C at ip as c_tile",
                                       "unroll ii_0",
                                       "parallel ib",
                                       "pragma ip prefetch ap ahead 1",
                                       "inline_call ib"};
  constexpr int kCount = static_cast<int>(std::size(kSteps));
  if (random.chance(15)) return random_step(s, random, 100 + number);
  if (number >= kCount) {
    // Whatever nest is there as whatever intrinsic.
    auto loops = loop_names(s.function());
    const char* const intrinsics[] = {"tile", "dot", "row"};
    std::vector<int64_t> constants(random.below(3), 1 + random.below(4));
    if (loops.empty()) return;
    s.tensorize(random.pick(loops), random.pick(intrinsics), constants,
                random.chance(50) ? Edge::Pad : Edge::Whole);
    return;
  }
  if (random.chance(8)) return;
  std::map<std::string, int64_t> values{{"mr", 2}, {"nr", 3}, {"mc", 4}, {"kc", 2}, {"nc", 6}};
  apply_steps(s, kSteps[number], "steps", values);
}

// The same for a GPU.
void gpu_product_step(Schedule& s, Random& random, int number) {
  static const char* const kSteps[] = {"split i by bm into ib, ir",
                                       "split ir by mr into it, ii",
                                       "split j by bn into jb, jr",
                                       "split jr by nr into jt, jj",
                                       "split k by bk into kb, p",
                                       "reorder ib, jb, it, jt, ii, jj",
                                       "fission ii, jj before kb",
                                       "reorder kb, p, ii, jj",
                                       "bind ib to grid(y)",
                                       "bind jb to grid(x)",
                                       "bind it to lane(y)",
                                       "bind jt to lane(x)",
                                       "stage C at jt as c_block pad in private",
                                       "stage A at kb as a_block transposed pitch 9 in shared",
                                       "stage A at p as a_block in shared",
                                       "stage B at kb as b_block by 1 in shared",
                                       "stage B at jt as b_block in shared",
                                       "barrier before p",
                                       "whole ii_0, jj_0, ii, jj",
                                       "whole ii",
                                       "specialize p for p",
                                       "pipeline kb",
                                       "pipeline p",
                                       "stage a_block at p as a_column pad in private",
                                       "unroll ii",
                                       "barrier after kb"};
  constexpr int kCount = static_cast<int>(std::size(kSteps));
  if (number >= kCount || random.chance(10)) return random_step(s, random, 100 + number);
  if (random.chance(number > 11 ? 25 : 4)) return;
  std::map<std::string, int64_t> values{{"mr", 2}, {"nr", 3}, {"bm", 4}, {"bn", 6}, {"bk", 2}};
  apply_steps(s, kSteps[number], "steps", values);
}

int cases(int usual) {
  const char* asked = std::getenv("INLAY_TEST_CASES");
  return asked ? std::atoi(asked) : usual;
}

TEST(ScheduleProperty, RandomProgramsKeepTheirResults) {
  auto accepted = try_cases(cases(300), any_program);
  for (const char* step : {"split", "fission", "sink", "parallel", "vectorize"}) {
    EXPECT_GT(accepted[step], 0) << step;
  }
}

TEST(ScheduleProperty, AffineNestsKeepTheirResults) {
  auto accepted = try_cases(cases(250), [](uint64_t seed) { return NestWriter(seed).make(); });
  // Not vacuous: every kind of step was accepted now and then.
  for (const char* step : {"split", "reorder", "fuse", "fission", "sink", "peel", "specialize",
                           "parallel", "vectorize", "bind", "unroll", "pack", "stage", "hoist",
                           "pragma unroll", "pragma prefet"}) {
    EXPECT_GT(accepted[step], 0) << step;
  }
}

TEST(ScheduleProperty, TensorizedProductsKeepTheirResults) {
  auto accepted = try_cases(cases(40), product, 30, product_step);
  for (const char* step : {"split", "reorder", "fission", "sink", "peel", "specialize", "parallel",
                           "unroll", "pack", "stage", "hoist", "tensorize", "inline_call"}) {
    EXPECT_GT(accepted[step], 0) << step;
  }
}

TEST(ScheduleProperty, ProductsOnWorkgroupsKeepTheirResults) {
  auto accepted = try_cases(cases(6), product, 28, gpu_product_step);
  for (const char* step : {"bind", "stage", "whole", "pipeline", "barrier", "specialize"}) {
    EXPECT_GT(accepted[step], 0) << step;
  }
}

}  // namespace
}  // namespace inlay::testing
