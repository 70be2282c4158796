#include "core/target_facts.h"

#include <algorithm>

#include "core/support/check.h"

namespace inlay {

namespace {

struct Fact {
  const char* name;
  int64_t (*value)(const Target&);
};

const Fact kFacts[] = {
    {"target.l1", [](const Target& t) { return t.caches[0].bytes; }},
    {"target.l1_ways", [](const Target& t) -> int64_t { return t.caches[0].ways; }},
    {"target.l2", [](const Target& t) { return t.caches[1].bytes; }},
    {"target.l2_ways", [](const Target& t) -> int64_t { return t.caches[1].ways; }},
    {"target.l3", [](const Target& t) { return t.caches[2].bytes; }},
    {"target.l3_ways", [](const Target& t) -> int64_t { return t.caches[2].ways; }},
    {"target.line", [](const Target& t) -> int64_t { return t.line_bytes; }},
    {"target.vector_registers", [](const Target& t) -> int64_t { return t.vector_registers; }},
    {"target.vector_bytes", [](const Target& t) -> int64_t { return t.vector_bits / 8; }},
    {"target.fma_latency", [](const Target& t) -> int64_t { return t.fma_latency; }},
    {"target.fma_units", [](const Target& t) -> int64_t { return t.fma_units; }},
    {"target.cores", [](const Target& t) -> int64_t { return t.cores; }},
};

const Fact* find_fact(std::string_view name) {
  auto found = std::find_if(std::begin(kFacts), std::end(kFacts),
                            [&](const Fact& fact) { return name == fact.name; });
  return found == std::end(kFacts) ? nullptr : found;
}

Expr fact(const char* name) {
  return *target_fact(name);
}
Expr ceil_div(const Expr& a, const Expr& b) {
  return (a + b - Expr(1)) / b;
}
Expr at_least_one(const Expr& a) {
  return max(a, Expr(1));
}
// Elements of one vector.
Expr lanes(const Expr& bytes) {
  return at_least_one(fact("target.vector_bytes") / bytes);
}
// Multiply-adds in flight: latency times units.
Expr in_flight() {
  return fact("target.fma_latency") * fact("target.fma_units");
}
// Bytes of one way.
Expr way(const char* cache, const char* ways) {
  return at_least_one(fact(cache) / at_least_one(fact(ways)));
}

// ceil(sqrt(lanes * in_flight) / lanes) vectors: the least t with t * t * lanes >= in_flight.
Expr blis_nr(const Expr& bytes) {
  constexpr int64_t kMost = 4;
  Expr vectors(kMost);
  for (int64_t t = kMost - 1; t >= 1; --t) {
    vectors = Select::make(le(in_flight(), Expr(t * t) * lanes(bytes)), Expr(t), vectors);
  }
  return vectors * lanes(bytes);
}

Expr blis_mr(const Expr& nr, const Expr& bytes) {
  return ceil_div(in_flight() * lanes(bytes), nr);
}

// Of the ways but one, for C, as many for A as leave nr / mr times that for B.
Expr blis_kc(const Expr& mr, const Expr& nr, const Expr& bytes) {
  Expr ways = at_least_one((fact("target.l1_ways") - Expr(1)) * mr / (mr + nr));
  return at_least_one(ways * way("target.l1", "target.l1_ways") / (mr * bytes));
}

Expr blis_mc(const Expr& nr, const Expr& kc, const Expr& bytes) {
  Expr size = way("target.l2", "target.l2_ways");
  Expr ways = at_least_one(fact("target.l2_ways") - Expr(1) - ceil_div(kc * nr * bytes, size));
  return at_least_one(ways * size / (kc * bytes));
}

Expr blis_nc(const Expr& mc, const Expr& kc, const Expr& bytes) {
  Expr size = way("target.l3", "target.l3_ways");
  Expr ways = at_least_one(fact("target.l3_ways") - Expr(1) - ceil_div(mc * kc * bytes, size));
  // Without an L3 what limits the panel is the workspace.
  return Select::make(lt(Expr(0), fact("target.l3")), at_least_one(ways * size / (kc * bytes)),
                      Expr(4096));
}

const std::pair<const char*, size_t> kFunctions[] = {
    {"blis.nr", 1}, {"blis.mr", 2}, {"blis.kc", 3}, {"blis.mc", 3}, {"blis.nc", 3}};

}  // namespace

const std::vector<std::string>& target_fact_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Fact& fact : kFacts) list.emplace_back(fact.name);
    return list;
  }();
  return names;
}

std::optional<Var> target_fact(std::string_view name) {
  static const std::vector<Var> vars = [] {
    std::vector<Var> list;
    for (const std::string& fact : target_fact_names()) list.push_back(Var::constant(fact));
    return list;
  }();
  for (const Var& var : vars) {
    if (var.name() == name) return var;
  }
  return std::nullopt;
}

int64_t target_fact_value(std::string_view name, const Target& target) {
  const Fact* found = find_fact(name);
  INLAY_CHECK(found, "no such fact of a target");
  return found->value(target);
}

const std::vector<std::string>& blis_function_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const auto& [name, arity] : kFunctions) list.emplace_back(name);
    return list;
  }();
  return names;
}

std::optional<size_t> blis_arity(std::string_view name) {
  for (const auto& [function, arity] : kFunctions) {
    if (name == function) return arity;
  }
  return std::nullopt;
}

Expr blis_call(std::string_view name, const std::vector<Expr>& args) {
  INLAY_CHECK(blis_arity(name) == args.size(), "arguments of a blis function");
  if (name == "blis.nr") return blis_nr(args[0]);
  if (name == "blis.mr") return blis_mr(args[0], args[1]);
  if (name == "blis.kc") return blis_kc(args[0], args[1], args[2]);
  if (name == "blis.mc") return blis_mc(args[0], args[1], args[2]);
  return blis_nc(args[0], args[1], args[2]);
}

}  // namespace inlay
