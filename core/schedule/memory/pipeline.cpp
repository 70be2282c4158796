// pipeline: while an iteration computes on one half of the workgroup's shared copies, what the next
// one needs is on its way from memory into registers, and is stored into the other half after.
//
//   loads, stores of the first iteration; barrier
//   for each iteration:
//     loads of the next one      into registers, nobody waits for them yet
//     what it was                on this half
//     stores; barrier            into the other half, if there is a next iteration
//
// One barrier an iteration is enough: who stores into a half has passed the barrier that all
// reached after they had read it.
#include <algorithm>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/schedule/memory/box.h"
#include "core/text/text.h"

namespace inlay {

namespace {

const char* const kRule = "illegal-pipeline";
// Vectors of 16 bytes are stored at addresses of that alignment, in both halves.
constexpr int64_t kHalfBytes = 16;

Buffer two_halves(const Buffer& tile) {
  std::vector<Expr> shape{Expr(2)}, strides;
  shape.insert(shape.end(), tile->shape.begin(), tile->shape.end());
  int64_t half = 1;
  for (size_t d = tile->rank(); d-- > 0;) {
    strides.insert(strides.begin(), tile->strides.empty() ? Expr(half) : tile->strides[d]);
    half = as_int(strides.front())->value * as_int(tile->shape[d])->value;
  }
  int64_t unit = std::max<int64_t>(kHalfBytes / tile->type.bytes(), 1);
  int64_t padded = (half + unit - 1) / unit * unit;
  strides.insert(strides.begin(), Expr(padded));
  if (tile->strides.empty() && padded == half) strides.clear();
  return Buffer::make(tile.name(), tile->type, shape, strides, tile->space, tile->alignment,
                      tile->loc);
}

// Views, too: a call may take a part of the copy.
struct Halved : Mutator {
  std::map<const BufferNode*, Buffer> halves;
  Expr half;
  using Mutator::mutate_node;
  Expr mutate_node(const Load& node, const Expr& self) override {
    auto found = halves.find(node.buffer.get());
    if (found == halves.end()) return Mutator::mutate_node(node, self);
    return Load::make(found->second, at_half(mutate(node.indices)), node.loc);
  }
  Expr mutate_node(const View& node, const Expr& self) override {
    auto found = halves.find(node.buffer.get());
    if (found == halves.end()) return Mutator::mutate_node(node, self);
    std::vector<ViewDim> dims{{half, {}}};
    for (const ViewDim& dim : node.dims) {
      dims.push_back({mutate(dim.min), dim.extent ? mutate(dim.extent) : Expr()});
    }
    return View::make(found->second, std::move(dims), node.loc);
  }
  Stmt mutate_node(const Store& node, const Stmt& self) override {
    auto found = halves.find(node.buffer.get());
    if (found == halves.end()) return Mutator::mutate_node(node, self);
    return Store::make(found->second, at_half(mutate(node.indices)), mutate(node.value), node.loc);
  }
  Stmt mutate_node(const Allocate& node, const Stmt& self) override {
    auto found = halves.find(node.buffer.get());
    return found == halves.end() ? self : Allocate::make(found->second, node.loc);
  }

 private:
  std::vector<Expr> at_half(std::vector<Expr> indices) const {
    indices.insert(indices.begin(), half);
    return indices;
  }
};

Stmt at_iteration(const Stmt& stmt, const For& loop, const Expr& value) {
  Substitution substitution;
  substitution.vars[loop.var.get()] = value;
  return substitute(stmt, substitution);
}

}  // namespace

Schedule& Schedule::pipeline(const std::string& name) {
  Site site = find_loop(function_, name);
  const For& loop = site.loop();
  const Loc& loc = loop.loc;
  CopyParts parts = copy_parts(body_of(loop));
  if (loop.for_kind != ForKind::Serial) {
    refuse(kRule, site, "loop `" + name + "` is " + to_string(loop.for_kind),
           "pipeline a serial loop, at which buffers were staged in shared memory");
  }
  if (parts.stores.empty()) {
    refuse(kRule, site, "no copy for a workgroup is made at the start of loop `" + name + "`",
           "stage what it reads in shared memory, at this loop, inside of lane loops");
  }
  if (!parts.waits) {
    refuse(kRule, site,
           "work-items read only what they have copied themselves in loop `" + name +
               "`: they never wait",
           "stage in private memory");
  }
  Context context = context_at(function_, site);
  if (context.proves_nonnegative(Poly(1) - context.poly(loop.extent))) {
    refuse(kRule, site, "loop `" + name + "` has at most one iteration, and so none to prepare",
           "leave it as it is");
  }
  Effects loads = effects_of(Block::make(parts.loads), program_);
  Effects stores = effects_of(Block::make(parts.stores), program_);
  Effects within = effects_of(loop.body, program_);
  Effects everywhere = effects_of(replace(function_.body, {{site.self.get(), {}}}), program_);
  for (const BufferNode* buffer : loads.read) {
    if (!within.written.count(buffer)) continue;
    refuse(kRule, site,
           "`" + buffer->name + "` is written in loop `" + name +
               "`, so that what the next iteration needs may not be there yet",
           "leave it as it is");
  }
  Halved halved;
  for (const BufferNode* tile : stores.written) {
    if (everywhere.read.count(tile) || everywhere.written.count(tile)) {
      refuse(kRule, site, "`" + tile->name + "` is used outside of loop `" + name + "` too",
             "stage it twice");
    }
    for (const auto& [known, copy] : shared_) {
      if (known == tile) halved.halves[tile] = {};
    }
  }
  struct Allocations : Visitor {
    std::map<const BufferNode*, Buffer>* found = nullptr;
    using Visitor::visit_node;
    void visit_node(const Allocate& node) override {
      auto known = found->find(node.buffer.get());
      if (known != found->end()) known->second = two_halves(node.buffer);
    }
  } allocations;
  allocations.found = &halved.halves;
  allocations.visit(function_.body);

  Expr first = loop.min, next = Expr(loop.var) + Expr(1);
  Expr turn = is_const(first, 0) ? Expr(loop.var) : Expr(loop.var) - first;
  Expr goes_on = lt(turn + Expr(1), loop.extent);
  auto stored = [&](const Stmt& stmt, const Expr& half) {
    halved.half = half;
    return halved.mutate(stmt);
  };
  // The first iteration's, before the loop.
  std::vector<Stmt> prologue;
  for (const Stmt& stmt : parts.loads) prologue.push_back(at_iteration(stmt, loop, first));
  if (is_repeated(context, site.scopes)) prologue.push_back(Barrier::make(loc));
  for (const Stmt& stmt : parts.stores) {
    prologue.push_back(stored(at_iteration(stmt, loop, first), Expr(0)));
  }
  prologue.push_back(Barrier::make(loc));
  Stmt block = Block::make(prologue);
  Stmt before = copy_with_suffix(block, free_suffix(block, "_first"));
  if (!context.proves_positive(context.poly(loop.extent))) {
    before = If::make(lt(Expr(0), loop.extent), before, {}, loc);
  }
  std::vector<Stmt> body, coming, going;
  for (const Stmt& stmt : parts.loads) {
    (stmt.as<Allocate>() ? body : coming).push_back(at_iteration(stmt, loop, next));
  }
  body.push_back(If::make(goes_on, Block::make(coming), {}, loc));
  for (const Stmt& stmt : parts.rest) body.push_back(stored(stmt, turn % Expr(2)));
  for (const Stmt& stmt : parts.stores) {
    going.push_back(stored(at_iteration(stmt, loop, next), (turn + Expr(1)) % Expr(2)));
  }
  going.push_back(Barrier::make(loc));
  body.push_back(If::make(goes_on, Block::make(going), {}, loc));
  Stmt root = replace(function_.body, {{site.self.get(), {before, with_body(loop, body)}}});
  for (const auto& [tile, halves] : halved.halves) {
    shared_.erase(tile);
    auto known = whole_.find(tile);
    if (known == whole_.end()) continue;
    std::vector<Expr> existing{Expr(2)};
    existing.insert(existing.end(), known->second.begin(), known->second.end());
    whole_[halves.get()] = existing;
  }
  return commit("pipeline " + name, halved.mutate(root));
}

}  // namespace inlay
