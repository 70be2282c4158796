// The schedule that makes blocked, packed, tensorized loops of the naive sgemm nest.
#include "core/schedule/steps.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

const char* kGemm = R"(
intrin sgemm_tile<mr, nr>(k: index, a: f32[k, mr], b: f32[k, nr], c: f32[mr, nr] strided) {
  for p in 0..k { for i in 0..mr { for j in 0..nr { c[i, j] += a[p, i] * b[p, j] } } }
}
func sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0 for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
})";

// Blocks so small that a test of a few hundred elements has several of each.
Schedule blocked(const Program& program, int64_t mr = 6, int64_t nr = 16, int64_t mc = 12,
                 int64_t kc = 8, int64_t nc = 32) {
  Schedule s(program, "sgemm");
  s.split("k", Factor::even(kc), "kb", "p");
  s.split("j", Factor::even(nc, nr), "jb", "jr").split("jr", nr, "jp", "jj");
  s.split("i", Factor::even(mc, mr), "ib", "ir").split("ir", mr, "ip", "ii");
  s.sink("kb");
  s.reorder({"jb", "kb", "ib", "jp", "ip", "ii", "jj"});
  s.fission({"ii", "jj"}, "p");
  s.reorder({"p", "ii", "jj"});
  return s;
}

void pack_both(Schedule& s) {
  Pack b;
  b.buffer = "B";
  b.at = "kb";
  b.dims = {"jp", "p", "jj"};
  b.padded = {"jj"};
  b.name = "b_packed";
  s.pack(b);
  Pack a;
  a.buffer = "A";
  a.at = "ib";
  a.dims = {"ip", "p", "ii"};
  a.padded = {"ii"};
  a.name = "a_packed";
  s.pack(a);
}

Schedule tensorized(const Program& program, int64_t mr = 6, int64_t nr = 16) {
  Schedule s = blocked(program, mr, nr, 2 * mr, 8, 2 * nr);
  pack_both(s);
  s.specialize("ip", {"ii", "jj"});
  s.tensorize("p", "sgemm_tile", {mr, nr});
  s.tensorize("p_edge", "sgemm_tile", {mr, nr}, Edge::Pad);
  s.hoist("b_packed", "kb").hoist("b_packed", "jb");
  s.hoist("a_packed", "ib").hoist("a_packed", "kb").hoist("a_packed", "jb");
  s.peel("b_packed.jp", "b_packed.jj").peel("a_packed.ip", "a_packed.ii");
  s.split("b_packed.p", 8, "strip", "b_packed.p8");
  s.reorder({"strip", "b_packed.jp", "b_packed.p8"});
  return s;
}

const std::vector<Sizes> kSizes = {
    {{"M", 1}, {"N", 1}, {"K", 1}},    {{"M", 6}, {"N", 16}, {"K", 8}},
    {{"M", 12}, {"N", 32}, {"K", 16}}, {{"M", 7}, {"N", 17}, {"K", 9}},
    {{"M", 25}, {"N", 67}, {"K", 19}}, {{"M", 5}, {"N", 15}, {"K", 3}},
    {{"M", 13}, {"N", 16}, {"K", 0}},  {{"M", 0}, {"N", 9}, {"K", 4}},
    {{"M", 9}, {"N", 0}, {"K", 4}},    {{"M", 37}, {"N", 33}, {"K", 24}}};

TEST(ScheduleGemm, EveryStepKeepsTheResult) {
  Program program = parse(kGemm);
  Schedule s = tensorized(program);
  EXPECT_FALSE(s.reassociates());
  Sizes sizes{{"M", 13}, {"N", 35}, {"K", 10}};
  auto wanted = run(program, "sgemm", sizes, {"C"});
  for (const Schedule::Step& step : s.steps()) {
    Program after = program;
    for (Item& item : after.items) {
      if (std::holds_alternative<Function>(item)) item = step.after;
    }
    EXPECT_EQ(run(after, "sgemm", sizes, {"C"}), wanted) << step.text;
  }
}

TEST(ScheduleGemm, AnySize) {
  Program program = parse(kGemm);
  Schedule s = tensorized(program);
  for (const Sizes& sizes : kSizes) expect_same(program, s, sizes, {"C"});
  Schedule other = tensorized(program, 4, 24);
  for (const Sizes& sizes : kSizes) expect_same(program, other, sizes, {"C"});
}

TEST(ScheduleGemm, HasTheStructureOfTheHandWrittenLoops) {
  Program program = parse(kGemm);
  Schedule s = tensorized(program);
  std::string text = print(s.function());
  // No arithmetic of the nest is left outside of the intrinsic, and no matrix is packed as a whole.
  EXPECT_EQ(text.find("+="), std::string::npos) << text;
  EXPECT_TRUE(has(text, {"let k_block", "alloc b_packed", "alloc a_packed", "for jb in",
                         "for kb in", "for strip in", "for b_packed.jp_tail in", "for ib in",
                         "for a_packed.ip in", "for jp in", "for ip in", "if kb == 0 {", "} else {",
                         "alloc c_tile: f32[6, 16] align 64 in private"}));
  size_t calls = 0;
  for (size_t at = text.find("sgemm_tile<6, 16>("); at != std::string::npos;
       at = text.find("sgemm_tile<6, 16>(", at + 1)) {
    ++calls;
  }
  EXPECT_EQ(calls, 2u) << "one for whole tiles, one for edges";
  // The whole tile is zeroed and updated where it lies.
  EXPECT_TRUE(has(text, {"for ii_0 in 0..6 {", "for jj_0 in 0..16 {"}));
  ParseResult again = parse_program(print(s.program()), "again.inlay");
  EXPECT_FALSE(again.diagnostics.has_errors()) << render(again.diagnostics.all());
}

TEST(ScheduleGemm, ParallelBlocksOfRows) {
  Program program = parse(kGemm);
  Schedule s = blocked(program);
  pack_both(s);
  s.specialize("ip", {"ii", "jj"});
  s.tensorize("p", "sgemm_tile", {6, 16}).tensorize("p_edge", "sgemm_tile", {6, 16}, Edge::Pad);
  s.hoist("b_packed", "kb");
  s.parallel("ib");
  for (const Sizes& sizes : kSizes) expect_same(program, s, sizes, {"C"});
  // k blocks add to one C.
  Diagnostic refused = refusal([&] { s.parallel("kb"); });
  EXPECT_EQ(refused.rule, "illegal-parallel");
  EXPECT_EQ(refused.notes.size(), 2u);
}

TEST(ScheduleGemm, EdgesBothWays) {
  Program program = parse(kGemm);
  // Padded without specialize: the step itself asks whether the tile is whole.
  Schedule padded = blocked(program);
  pack_both(padded);
  padded.tensorize("p", "sgemm_tile", {6, 16}, Edge::Pad);
  EXPECT_TRUE(has(print(padded.function()), {"if 6 <= ", "c_tile"}));
  for (const Sizes& sizes : kSizes) expect_same(program, padded, sizes, {"C"});
  // Peeled: the rest stays loops.
  Schedule peeled = blocked(program);
  pack_both(peeled);
  peeled.peel("ip", "ii");
  EXPECT_EQ(refusal([&] { peeled.tensorize("p", "sgemm_tile", {6, 16}); }).rule,
            "tensorize-mismatch");
  peeled.peel("jp", "jj");
  peeled.tensorize("p", "sgemm_tile", {6, 16});
  EXPECT_TRUE(has(print(peeled.function()), {"+="}));
  for (const Sizes& sizes : kSizes) expect_same(program, peeled, sizes, {"C"});
}

TEST(ScheduleGemm, WithoutPackingTheStridesDoNotFit) {
  Program program = parse(kGemm);
  Schedule s = blocked(program);
  s.specialize("ip", {"ii", "jj"});
  Diagnostic refused = refusal([&] { s.tensorize("p", "sgemm_tile", {6, 16}); });
  EXPECT_EQ(refused.rule, "tensorize-mismatch");
  EXPECT_TRUE(has(refused.help, {"pack"}));
  EXPECT_TRUE(has(refused.detail, {"expected", "found", "A[", "a["}));
}

// Two nests of one block are one call: the panel is copied while it is used for the first time.
const char* kPacking = R"(
intrin pack_blocks(m: index, n: index, k: index, first: bool, a: f32[m, k] strided,
                   b: f32[k, n] strided, packed: f32[k, n] strided, c: f32[m, n] strided) {
  for p in 0..k { for j in 0..n { packed[p, j] = b[p, j] } }
  for i in 0..m {
    for j in 0..n {
      if first { c[i, j] = 0.0 }
      for p in 0..k { c[i, j] += a[i, p] * packed[p, j] }
    }
  }
}
func sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0 for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
})";

const char* kPackingSteps = R"(
  split k by even(8) into kb, p
  split j by 16 into jp, jj
  sink into kb
  reorder kb, jp, i, jj
  pack B at jp as b_packed[p, jj]
)";

TEST(ScheduleGemm, OneCallForNestsThatFollowEachOther) {
  Program program = parse(kPacking);
  Schedule s(program, "sgemm");
  apply_steps(s, std::string(kPackingSteps) + "  tensorize b_packed.p to i as pack_blocks", "t");
  std::string text = print(s.function());
  EXPECT_EQ(text.find("b_packed.p in"), std::string::npos) << text;
  EXPECT_EQ(text.find("for i in"), std::string::npos) << text;
  EXPECT_EQ(s.steps().back().text, "tensorize b_packed.p to i as pack_blocks");
  for (const Sizes& sizes : kSizes) expect_same(program, s, sizes, {"C"});
}

TEST(ScheduleGemm, NestsOfOneCallFollowEachOther) {
  Program program = parse(kPacking);
  Schedule s(program, "sgemm");
  apply_steps(s, kPackingSteps, "t");
  Diagnostic order = refusal([&] { s.tensorize_run("i", "b_packed.p", "pack_blocks", {}); });
  EXPECT_EQ(order.rule, "tensorize-mismatch");
  EXPECT_EQ(order.message, "loop `b_packed.p` does not follow loop `i` in one block");
  Diagnostic inside = refusal([&] { s.tensorize_run("b_packed.p", "jj", "pack_blocks", {}); });
  EXPECT_EQ(inside.message, "loop `jj` does not follow loop `b_packed.p` in one block");
  Diagnostic part = refusal([&] { s.tensorize("i", "pack_blocks", {}); });
  EXPECT_EQ(part.rule, "tensorize-mismatch");
  Diagnostic padded =
      refusal([&] { s.tensorize_run("b_packed.p", "i", "pack_blocks", {}, Edge::Pad); });
  EXPECT_EQ(padded.message, "statements that follow each other have no padded edges");
}

}  // namespace
}  // namespace inlay::testing
