// What a schedule may ask of its target, by name, in the defaults of its numbers and in its
// condition: `target.l2`, `target.vector_bytes`; and the cache blocks of a matrix product that
// follow from that: `blis.mc(mr, nr, kc, 4)`.
#pragma once

#include <optional>
#include <string_view>

#include "core/target.h"

namespace inlay {

/// Names of facts: "target.l1", ...
const std::vector<std::string>& target_fact_names();
/// The variable that stands for a fact; the same node for every program. nullopt: there is none.
std::optional<Var> target_fact(std::string_view name);
/// Its value.
int64_t target_fact_value(std::string_view name, const Target& target);

/// Names of model functions: "blis.mr", ...
const std::vector<std::string>& blis_function_names();
/// How many arguments `name` takes; nullopt if there is no such function.
std::optional<size_t> blis_arity(std::string_view name);
/// The call as an expression over the target's facts. The model is that of Low, Igual, Smith and
/// Quintana-Orti, "Analytical Modeling Is Enough for High-Performance BLIS", ACM Transactions on
/// Mathematical Software 43(2), 2016, sections 4.1 to 4.4: the register block hides the latency of
/// the multiply-adds; a kc x nr panel of B stays in L1 while mr x kc panels of A and tiles of C
/// pass; an mc x kc block of A stays in L2, and a kc x nc panel of B in L3, ways set aside for the
/// rest. Here vectors lie along nr. `bytes` is the size of an element.
///   blis.nr(bytes), blis.mr(nr, bytes), blis.kc(mr, nr, bytes), blis.mc(nr, kc, bytes),
///   blis.nc(mc, kc, bytes); each at least 1, mc and nc not rounded to whole tiles; nc is 4096
///   where there is no L3.
Expr blis_call(std::string_view name, const std::vector<Expr>& args);

}  // namespace inlay
