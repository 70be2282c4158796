// Random schedules of random programs: what is not refused keeps every result, bit for bit.
#include <cstdlib>

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
  switch (random.below(13)) {
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
    case 9:
      random.chance(50) ? s.parallel(loop) : s.vectorize(loop);
      return;
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
    case 12: {
      Accesses accesses = collect_accesses(s.function().body, s.program());
      if (accesses.list.empty()) return;
      Stage stage;
      stage.buffer = random.pick(accesses.list).buffer.name();
      stage.at = loop;
      stage.name = "stage" + std::to_string(number);
      stage.space = random.chance(50) ? MemorySpace::Private : MemorySpace::Global;
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

// Runs cases of seeds [1, count]; how many steps of each kind were accepted.
std::map<std::string, int> try_cases(int count, const std::function<Case(uint64_t)>& make) {
  std::map<std::string, int> accepted;
  for (uint64_t seed = 1; seed <= static_cast<uint64_t>(count); ++seed) {
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
    for (int number = 0; number < 12; ++number) {
      size_t before = s.steps().size();
      Schedule trial = s;
      try {
        random_step(trial, random, number);
      } catch (const CompileError& error) {
        continue;
      }
      s = trial;
      if (s.steps().size() == before || s.reassociates()) break;
      const std::string& text = s.steps().back().text;
      ++accepted[text.substr(0, text.find(' '))];
      std::string failure;
      try {
        if (run(s.program(), "f", one.sizes) != wanted) failure = "another result";
      } catch (const CompileError& error) {
        failure = error.what();
      }
      if (failure.empty()) continue;
      std::string steps;
      for (const Schedule::Step& step : s.steps()) steps += step.text + "\n";
      ADD_FAILURE() << "seed " << seed << ": " << failure << "\nafter\n"
                    << steps << "of\n"
                    << print(one.program) << "\ngiving\n"
                    << print(s.function());
      return accepted;
    }
  }
  return accepted;
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
  auto accepted = try_cases(cases(400), [](uint64_t seed) { return NestWriter(seed).make(); });
  // Not vacuous: every kind of step was accepted now and then.
  for (const char* step : {"split", "reorder", "fuse", "fission", "sink", "peel", "specialize",
                           "parallel", "vectorize", "pack", "stage"}) {
    EXPECT_GT(accepted[step], 0) << step;
  }
}

}  // namespace
}  // namespace inlay::testing
