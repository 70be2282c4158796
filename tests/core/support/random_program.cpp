#include "tests/core/support/random_program.h"

#include <limits>
#include <optional>
#include <vector>

namespace inlay::testing {

namespace {

constexpr DType kScalars[] = {kBool, kI8,  kI16, kI32, kI64, kU8,  kU16,
                              kU32,  kU64, kF16, kF32, kF64, kBF16};
constexpr int kLaneCounts[] = {2, 4, 8};

// A buffer that may be read here, and, if `writable`, written, as long as the index of each pinned
// dimension is that very variable: the one of a concurrent loop.
struct Known {
  Buffer buffer;
  bool writable = true;
  std::map<size_t, Var> pins;
};

struct Bounded {
  Var var;
  Expr extent;  ///< runs in [0, extent), in this very expression
};

class Generator {
 public:
  explicit Generator(const RandomOptions& options)
      : random_(options.seed),
        requirements_(~options.seed),
        budget_(options.size),
        executable_(options.executable) {}

  RandomProgram run();

 private:
  bool any() const { return !executable_; }

  // Names, types, shapes.
  std::string local_name();
  DType scalar_type() { return random_.pick(kScalars); }
  DType value_type();
  int64_t small() { return random_.below(8) + 1; }
  Expr extent();
  int64_t value_of(const Expr& extent);
  std::string odd_text();

  // Expressions of `type`; scalars and vectors.
  Expr value(DType type, int depth);
  Expr leaf(DType type);
  Expr literal(DType type);
  Expr condition(int lanes, int depth);
  Expr vector_value(DType type, int depth);
  Expr arithmetic(DType type, int depth);
  Expr index_below(const Expr& extent, int depth);
  std::optional<Expr> load(DType type, int depth);
  std::vector<Expr> indices(const Known& known, int depth);
  std::optional<Expr> vector_index(const Known& known, int lanes);
  Expr view(const Known& known);
  std::vector<Expr> call_args();

  // Statements.
  Stmt block(int depth);
  void statement(std::vector<Stmt>& out, int depth);
  Stmt store();
  Stmt loop(int depth);
  Stmt concurrent_loop(int depth);
  void allocate(std::vector<Stmt>& out);
  std::optional<Stmt> intrinsic_call();
  Import import();

  // Items.
  void add_params();
  void add_intrinsics();
  Function function();
  TargetPredicate predicate();

  Random random_;
  Random requirements_;  // apart, so that the rest of a program is what it was
  int budget_;
  bool executable_;
  RandomProgram result_;
  std::vector<Var> vars_;
  std::vector<Var> constants_;
  std::vector<std::pair<Var, int64_t>> symbols_;
  std::vector<Bounded> bounded_;
  std::vector<Known> buffers_;
  std::vector<Intrinsic> intrinsics_;
  int name_count_ = 0;
  int loop_depth_ = 0;
};

std::string Generator::local_name() {
  if (executable_) return "v" + std::to_string(name_count_++);
  static const char* const names[] = {"i",   "j",   "x", "A",   "n",  "for",
                                      "f32", "a b", "",  "t.u", "i_1"};
  return random_.pick(names);
}

DType Generator::value_type() {
  DType type = scalar_type();
  return random_.chance(20) ? type.with_lanes(random_.pick(kLaneCounts)) : type;
}

Expr Generator::extent() {
  if (!symbols_.empty() && random_.chance(40)) return random_.pick(symbols_).first;
  if (!constants_.empty() && random_.chance(15)) return random_.pick(constants_);
  return Expr(small());
}

// What `extent` is when the program runs with its defaults and the symbols that we say.
int64_t Generator::value_of(const Expr& extent) {
  if (const IntImm* imm = as_int(extent)) return imm->value;
  for (auto& [symbol, value] : symbols_) {
    if (symbol.same_as(extent)) return value;
  }
  for (const ProgramParam* param : result_.program.params()) {
    if (param->var.same_as(extent)) return param->value;
  }
  return 1;
}

std::string Generator::odd_text() {
  static const char* const texts[] = {"plain",       "two\nlines\n", "\"quoted\"",  "back\\slash",
                                      "\"\"\"",      "a\n\"\"\"\nb", "ends in \"",  "\t\r\n",
                                      "caf\xc3\xa9", "\xff\x01 raw", "\n\nleading", ""};
  std::string text = random_.pick(texts);
  if (random_.chance(10)) text.push_back('\0');
  return text;
}

Expr Generator::literal(DType type) {
  if (type.is_bool()) return IntImm::make(kBool, random_.below(2));
  if (type.is_float()) {
    static const double values[] = {0.0, -0.0, 1.0,   -1.0,    0.5,  1.5,         3.0,
                                    0.1, 1e-3, 100.0, 12345.0, 1e-8, 7.038531e-26};
    double value = random_.pick(values);
    if (any() && random_.chance(10)) {
      static const double odd[] = {std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN(), 5e-324, 1.7e308};
      value = random_.pick(odd);
    }
    return FloatImm::make(type, value);
  }
  int64_t value = random_.below(12) - (type.is_int() ? 4 : 0);
  if (random_.chance(15)) {
    auto bits = static_cast<int64_t>(random_.bits());
    value = type == kU64      ? bits
            : type.is_uint()  ? bits & ((int64_t{1} << type.bits) - 1)
            : type.bits == 64 ? bits
                              : bits >> (64 - type.bits);
  }
  return IntImm::make(type, value);
}

Expr Generator::leaf(DType type) {
  if (type.is_vector()) return Broadcast::make(leaf(type.element()), type.lanes);
  for (int attempt = 0; attempt < 4; ++attempt) {
    if (!vars_.empty() && random_.chance(60)) {
      const Var& var = random_.pick(vars_);
      if (var.type() == type) return var;
    }
    if (type == kIndex && !bounded_.empty() && random_.chance(50))
      return random_.pick(bounded_).var;
    if (type == kIndex && !symbols_.empty() && random_.chance(20)) {
      return random_.pick(symbols_).first;
    }
    if (type == kIndex && !constants_.empty() && random_.chance(20))
      return random_.pick(constants_);
  }
  return literal(type);
}

Expr Generator::condition(int lanes, int depth) {
  DType type = kBool.with_lanes(lanes);
  if (depth <= 0) return leaf(type);
  switch (random_.below(4)) {
    case 0:
      return Unary::make(UnaryOp::Not, condition(lanes, depth - 1));
    case 1: {
      BinaryOp op = random_.chance(50) ? BinaryOp::And : BinaryOp::Or;
      return Binary::make(op, condition(lanes, depth - 1), condition(lanes, depth - 1));
    }
    default:
      break;
  }
  static const BinaryOp ops[] = {BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt,
                                 BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge};
  BinaryOp op = random_.pick(ops);
  DType operands = scalar_type().with_lanes(lanes);
  if (operands.is_bool()) op = random_.chance(50) ? BinaryOp::Eq : BinaryOp::Ne;
  return Binary::make(op, value(operands, depth - 1), value(operands, depth - 1));
}

// An index in [0, extent): a loop variable of that range, or anything modulo the extent.
Expr Generator::index_below(const Expr& extent, int depth) {
  std::vector<Var> fitting;
  for (const Bounded& bounded : bounded_) {
    if (bounded.extent.same_as(extent)) fitting.push_back(bounded.var);
  }
  if (!fitting.empty() && random_.chance(70)) return random_.pick(fitting);
  if (as_int(extent) && random_.chance(50)) {
    return Expr(int64_t{random_.below(static_cast<int>(value_of(extent)))});
  }
  if (any() && random_.chance(30)) return value(kIndex, depth - 1);
  return Binary::make(BinaryOp::FloorMod, value(kIndex, depth - 1), extent);
}

std::vector<Expr> Generator::indices(const Known& known, int depth) {
  std::vector<Expr> list;
  for (size_t d = 0; d < known.buffer->rank(); ++d) {
    auto pin = known.pins.find(d);
    list.push_back(pin != known.pins.end() ? Expr(pin->second)
                                           : index_below(known.buffer->shape[d], depth));
  }
  return list;
}

// `lanes` different places along the last dimension, inside of it.
std::optional<Expr> Generator::vector_index(const Known& known, int lanes) {
  size_t rank = known.buffer->rank();
  if (rank == 0 || known.pins.count(rank - 1)) return std::nullopt;
  if (any() && random_.chance(30)) return value(kIndex.with_lanes(lanes), 1);
  const IntImm* last = as_int(known.buffer->shape[rank - 1]);
  if (!last || last->value < lanes) return std::nullopt;
  int64_t step = last->value >= 2 * lanes && random_.chance(30) ? 2 : 1;
  int64_t room = last->value - step * (lanes - 1);
  return Ramp::make(Expr(int64_t{random_.below(static_cast<int>(room))}), Expr(step), lanes);
}

std::optional<Expr> Generator::load(DType type, int depth) {
  std::vector<Known> fitting;
  for (const Known& known : buffers_) {
    if (known.buffer->type == type.element()) fitting.push_back(known);
  }
  if (fitting.empty()) return std::nullopt;
  const Known& known = random_.pick(fitting);
  std::vector<Expr> list = indices(known, depth);
  if (type.is_vector()) {
    auto last = vector_index(known, type.lanes);
    if (!last) return std::nullopt;
    list.back() = *last;
  }
  return Load::make(known.buffer, std::move(list));
}

Expr Generator::arithmetic(DType type, int depth) {
  Expr a = value(type, depth - 1);
  auto splat = [&](Expr scalar) {
    return type.is_vector() ? Broadcast::make(scalar, type.lanes) : scalar;
  };
  if (type.is_float()) {
    static const BinaryOp ops[] = {BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul,
                                   BinaryOp::Div, BinaryOp::Min, BinaryOp::Max};
    if (random_.chance(75)) return Binary::make(random_.pick(ops), a, value(type, depth - 1));
    static const MathOp exact[] = {MathOp::Abs,   MathOp::Sqrt,  MathOp::Floor, MathOp::Ceil,
                                   MathOp::Trunc, MathOp::Round, MathOp::Fma};
    static const MathOp rest[] = {MathOp::Exp, MathOp::Log, MathOp::Sin, MathOp::Cos, MathOp::Pow};
    MathOp op = any() && random_.chance(40) ? random_.pick(rest) : random_.pick(exact);
    std::vector<Expr> args = {a};
    while (static_cast<int>(args.size()) < arity(op)) args.push_back(value(type, depth - 1));
    return CallMath::make(op, std::move(args));
  }
  static const BinaryOp ops[] = {BinaryOp::Add,   BinaryOp::Sub,      BinaryOp::Mul,
                                 BinaryOp::Min,   BinaryOp::Max,      BinaryOp::BitAnd,
                                 BinaryOp::BitOr, BinaryOp::BitXor,   BinaryOp::Shl,
                                 BinaryOp::Shr,   BinaryOp::FloorDiv, BinaryOp::FloorMod};
  BinaryOp op = random_.pick(ops);
  Expr b = value(type, depth - 1);
  if (executable_ && (op == BinaryOp::FloorDiv || op == BinaryOp::FloorMod)) {
    b = Binary::make(BinaryOp::Max, b, splat(IntImm::make(type.element(), 1)));
  }
  if (executable_ && (op == BinaryOp::Shl || op == BinaryOp::Shr)) {
    b = Binary::make(BinaryOp::BitAnd, b, splat(IntImm::make(type.element(), type.bits - 1)));
  }
  return Binary::make(op, a, b);
}

Expr Generator::vector_value(DType type, int depth) {
  if (type.is_integer() && random_.chance(20)) {
    return Ramp::make(value(type.element(), depth - 1), value(type.element(), depth - 1),
                      type.lanes);
  }
  return Broadcast::make(value(type.element(), depth - 1), type.lanes);
}

Expr Generator::value(DType type, int depth) {
  if (depth <= 0) return leaf(type);
  int choice = random_.below(100);
  if (choice < 15) return leaf(type);
  if (choice < 35) {
    if (auto loaded = load(type, depth)) return *loaded;
  }
  if (choice < 45 && type.is_vector()) return vector_value(type, depth);
  if (type.is_bool()) return condition(type.lanes, depth);
  if (choice < 55) {
    DType from = scalar_type().with_lanes(type.lanes);
    return Cast::make(type, value(from, depth - 1));
  }
  if (choice < 62) {
    int lanes = random_.chance(50) ? 1 : type.lanes;
    return Select::make(condition(lanes, depth - 1), value(type, depth - 1),
                        value(type, depth - 1));
  }
  if (choice < 68) {
    UnaryOp op = type.is_integer() && random_.chance(50) ? UnaryOp::BitNot : UnaryOp::Neg;
    return Unary::make(op, value(type, depth - 1));
  }
  if (any() && choice < 72) {
    return CallExtern::make(type, random_.chance(70) ? "uk_f" : odd_text() + "!", call_args());
  }
  if (any() && choice < 78) {
    return InlineAsm::make(type, odd_text(), "=r,r", random_.chance(50), {leaf(type)});
  }
  return arithmetic(type, depth);
}

Expr Generator::view(const Known& known) {
  if (random_.chance(30)) return View::whole(known.buffer);
  std::vector<ViewDim> dims;
  for (const Expr& extent : known.buffer->shape) {
    Expr min = index_below(extent, 1);
    if (random_.chance(40)) {
      dims.push_back({min, {}});
    } else if (random_.chance(30)) {
      dims.push_back({min, extent - min});
    } else {
      dims.push_back({min, random_.chance(50) ? value(kIndex, 2) : Expr(small())});
    }
  }
  return View::make(known.buffer, std::move(dims));
}

std::vector<Expr> Generator::call_args() {
  std::vector<Expr> args;
  for (int count = random_.below(4); count > 0; --count) {
    if (!buffers_.empty() && random_.chance(50)) {
      args.push_back(view(random_.pick(buffers_)));
    } else {
      args.push_back(value(value_type(), 1));
    }
  }
  return args;
}

Stmt Generator::block(int depth) {
  size_t vars = vars_.size(), buffers = buffers_.size();
  std::vector<Stmt> stmts;
  for (int count = 1 + random_.below(4); count > 0; --count) statement(stmts, depth);
  vars_.resize(vars);
  buffers_.resize(buffers);
  return Block::make(std::move(stmts));
}

Stmt Generator::store() {
  std::vector<Known> fitting;
  for (const Known& known : buffers_) {
    if (known.writable) fitting.push_back(known);
  }
  if (fitting.empty()) return Assert::make(IntImm::make(kBool, 1), "nothing to write");
  const Known& known = random_.pick(fitting);
  std::vector<Expr> list = indices(known, 2);
  DType type = known.buffer->type;
  if (random_.chance(20)) {
    int lanes = random_.pick(kLaneCounts);
    if (auto last = vector_index(known, lanes)) {
      list.back() = *last;
      type = type.with_lanes(lanes);
    }
  }
  Expr stored = value(type, 3);
  if (!type.is_bool() && random_.chance(30)) {
    static const BinaryOp ops[] = {BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul};
    stored = Binary::make(random_.pick(ops), Load::make(known.buffer, list), stored);
  }
  return Store::make(known.buffer, std::move(list), stored);
}

Stmt Generator::loop(int depth) {
  Var var(local_name());
  bool unrolled = random_.chance(15);
  Expr bound = unrolled ? Expr(small()) : extent(), min(0);
  ForKind kind = unrolled ? ForKind::Unrolled : ForKind::Serial;
  if (any() && random_.chance(20)) {
    kind = static_cast<ForKind>(random_.below(static_cast<int>(ForKind::LaneZ) + 1));
  }
  Expr count = bound;
  if (random_.chance(25)) {
    // Triangular, or from somewhere else; the variable is still below `bound`.
    min = bounded_.empty() || random_.chance(50) ? Expr(random_.below(3))
                                                 : Expr(random_.pick(bounded_).var);
    count = any() && random_.chance(30) ? value(kIndex, 2) : bound - min;
  }
  bounded_.push_back({var, bound});
  ++loop_depth_;
  Stmt body = block(depth - 1);
  --loop_depth_;
  bounded_.pop_back();
  if (random_.chance(10)) {
    std::vector<Stmt> stmts{UnrollPragma::make(1 + random_.below(8))};
    const std::vector<Stmt>& rest = body.as<Block>()->stmts;
    stmts.insert(stmts.end(), rest.begin(), rest.end());
    body = Block::make(std::move(stmts));
  }
  return For::make(kind, var, min, count, body);
}

// A loop over one dimension of one buffer, which alone is written in it, each iteration in its own
// slice; other buffers may be read, but for those that are private to a thread.
Stmt Generator::concurrent_loop(int depth) {
  std::vector<std::pair<size_t, size_t>> choices;
  for (size_t b = 0; b < buffers_.size(); ++b) {
    bool shared = buffers_[b].buffer->space != MemorySpace::Private || any();
    if (!buffers_[b].writable || !shared) continue;
    for (size_t d = 0; d < buffers_[b].buffer->rank(); ++d) {
      if (!buffers_[b].pins.count(d)) choices.emplace_back(b, d);
    }
  }
  if (choices.empty()) return loop(depth);
  auto [chosen, dimension] = random_.pick(choices);
  std::vector<Known> outside = buffers_;
  Var var(local_name());
  Expr bound = buffers_[chosen].buffer->shape[dimension];
  for (size_t b = 0; b < buffers_.size(); ++b) {
    if (b != chosen) buffers_[b].writable = false;
  }
  buffers_[chosen].pins[dimension] = var;
  std::erase_if(buffers_, [&](const Known& known) {
    return executable_ && known.buffer->space == MemorySpace::Private;
  });
  bounded_.push_back({var, bound});
  ++loop_depth_;
  ForKind kind = random_.chance(60) ? ForKind::Parallel : ForKind::Vectorized;
  Stmt body = block(depth - 1);
  --loop_depth_;
  bounded_.pop_back();
  buffers_ = std::move(outside);
  return For::make(kind, var, 0, bound, body);
}

void Generator::allocate(std::vector<Stmt>& out) {
  std::vector<Expr> shape, strides;
  MemorySpace space = MemorySpace::Global;
  if (random_.chance(30)) space = MemorySpace::Private;
  if (any() && random_.chance(20)) space = MemorySpace::Shared;
  for (int rank = random_.below(4); rank > 0; --rank) {
    shape.push_back(space == MemorySpace::Global ? extent() : Expr(small()));
  }
  if (!shape.empty() && random_.chance(20)) {
    Expr stride(1);
    for (size_t d = shape.size(); d-- > 0;) {
      strides.insert(strides.begin(), stride);
      stride = (shape[d] + Expr(random_.below(3))) * stride;
    }
    if (any() && random_.chance(30)) strides.back() = value(kIndex, 1);
  }
  int alignment = random_.chance(30) ? 1 << random_.below(7) : 0;
  Buffer buffer = Buffer::make(local_name(), scalar_type(), shape, strides, space, alignment);
  out.push_back(Allocate::make(buffer));
  if (executable_) {
    // Every element is written before anything reads it.
    std::vector<Expr> list;
    std::vector<Var> loop_vars;
    for (const Expr& bound : shape) {
      loop_vars.emplace_back(local_name());
      list.push_back(loop_vars.back());
      bounded_.push_back({loop_vars.back(), bound});
    }
    Stmt nest = Store::make(buffer, list, value(buffer->type, 2));
    for (size_t d = shape.size(); d-- > 0;) {
      nest = For::make(ForKind::Serial, loop_vars[d], 0, shape[d], nest);
      bounded_.pop_back();
    }
    out.push_back(nest);
  }
  buffers_.push_back({buffer, true, {}});
}

// Two different buffers, a block of the one combined into a block of the other.
std::optional<Stmt> Generator::intrinsic_call() {
  if (intrinsics_.empty()) return std::nullopt;
  const Intrinsic& intrinsic = random_.pick(intrinsics_);
  if (any()) {
    std::vector<Expr> constants;
    for (int count = random_.below(3); count > 0; --count) constants.push_back(value(kIndex, 1));
    return Evaluate::make(CallIntrin::make(intrinsic.name, constants, call_args()));
  }
  int64_t rows = random_.below(3) + 1, columns = random_.below(3) + 1;
  auto fits = [&](const Known& known) {
    size_t rank = known.buffer->rank();
    if (known.buffer->type != kF32 || rank < 2) return false;
    const IntImm *m = as_int(known.buffer->shape[rank - 2]),
                 *n = as_int(known.buffer->shape[rank - 1]);
    return m && n && m->value >= rows && n->value >= columns && !known.pins.count(rank - 2) &&
           !known.pins.count(rank - 1);
  };
  std::vector<const Known*> from, to;
  for (const Known& known : buffers_) {
    if (!fits(known)) continue;
    from.push_back(&known);
    if (known.writable) to.push_back(&known);
  }
  if (from.size() < 2 || to.empty()) return std::nullopt;
  const Known *source = random_.pick(from), *target = random_.pick(to);
  if (source == target) return std::nullopt;
  auto part = [&](const Known& known) {
    std::vector<ViewDim> dims;
    std::vector<Expr> where = indices(known, 1);
    for (size_t d = 0; d < known.buffer->rank(); ++d) {
      bool row = d + 2 == known.buffer->rank(), column = d + 1 == known.buffer->rank();
      if (!row && !column) {
        dims.push_back({where[d], {}});
        continue;
      }
      int64_t size = row ? rows : columns, room = value_of(known.buffer->shape[d]) - size;
      dims.push_back({Expr(int64_t{random_.below(static_cast<int>(room) + 1)}), Expr(size)});
    }
    return View::make(known.buffer, std::move(dims));
  };
  return Evaluate::make(CallIntrin::make(intrinsic.name, {Expr(rows), Expr(columns)},
                                         {value(kF32, 1), part(*source), part(*target)}));
}

Import Generator::import() {
  auto kind = static_cast<ImportKind>(random_.below(static_cast<int>(ImportKind::Hsaco) + 1));
  bool takes_flags = kind == ImportKind::C || kind == ImportKind::Cxx || kind == ImportKind::Asm;
  std::vector<std::string> flags;
  if (takes_flags && random_.chance(30)) flags = {"-O3", odd_text()};
  bool may_call = random_.chance(30);
  if (is_text_kind(kind) && random_.chance(60)) {
    return Import::inline_text(kind, odd_text(), flags, may_call);
  }
  static const char* const paths[] = {"a/b.c", "../x y.ll", "\xff.o", "say \"hi\".s"};
  return Import::path(kind, random_.pick(paths), "", flags, may_call);
}

void Generator::statement(std::vector<Stmt>& out, int depth) {
  --budget_;
  int choice = random_.below(100);
  // Loops inside of loops multiply: the interpreter is slow.
  bool nest = depth > 0 && budget_ > 0 && loop_depth_ < (executable_ ? 3 : 100);
  if (nest && choice < 20) return out.push_back(loop(depth));
  if (nest && choice < 30) return out.push_back(concurrent_loop(depth));
  if (depth > 0 && choice < 40) {
    Expr test = condition(1, 2);
    Stmt then_body = block(depth - 1), else_body;
    if (random_.chance(50)) else_body = block(depth - 1);
    return out.push_back(If::make(test, then_body, else_body));
  }
  if (depth > 0 && choice < 43) return out.push_back(block(depth - 1));
  if (choice < 55) {
    Expr bound = value(value_type(), 3);
    Var var(local_name(), bound.type());
    out.push_back(Let::make(var, bound));
    vars_.push_back(var);
    return;
  }
  if (choice < 62 && loop_depth_ < 2) return allocate(out);
  if (choice < 65) {
    Expr truth = any() ? condition(1, 2)
                       : Binary::make(BinaryOp::Le, Expr(0),
                                      Binary::make(BinaryOp::FloorMod, value(kIndex, 2), Expr(5)));
    return out.push_back(Assert::make(truth, odd_text()));
  }
  if (choice < 74) {
    if (auto call = intrinsic_call()) return out.push_back(*call);
  }
  if (any() && choice < 78) {
    DType type = random_.chance(50) ? kVoid : value_type();
    return out.push_back(Evaluate::make(CallExtern::make(type, "uk_g", call_args())));
  }
  if (any() && choice < 80) {
    return out.push_back(Evaluate::make(InlineAsm::make(kVoid, "nop", odd_text(), true, {})));
  }
  if (any() && choice < 82) return out.push_back(Barrier::make());
  if (any() && choice < 85) return out.push_back(ImportPragma::make(import()));
  if (choice < 87 && !buffers_.empty()) {
    const Known& known = random_.pick(buffers_);
    std::vector<Expr> places;
    // It may point outside, but not through memory.
    for (size_t d = 0; d < known.buffer->rank(); ++d) {
      Expr at = Expr(random_.below(9) - 4);
      for (const Var& var : vars_) {
        if (var.type() == kIndex && random_.chance(30)) at = at + var;
      }
      places.push_back(at);
    }
    return out.push_back(
        Prefetch::make(known.buffer, std::move(places), random_.chance(50), 1 + random_.below(3)));
  }
  out.push_back(store());
}

TargetPredicate Generator::predicate() {
  static const char* const archs[] = {"x86_64", "aarch64", "amdgpu", "any"};
  static const char* const features[] = {"avx2", "fma", "sse4.2", "dot1-insts", "64bit"};
  TargetPredicate made{random_.pick(archs), {}, {}};
  for (int count = random_.below(3); count > 0; --count)
    made.features.push_back(random_.pick(features));
  return made;
}

void Generator::add_params() {
  static const char* const names[] = {"mr", "nr"};
  for (const char* name : names) {
    if (!random_.chance(50)) continue;
    ProgramParam param{Var::constant(name), small(), {}, {}};
    if (any() && random_.chance(50)) param.rows.emplace_back(predicate(), random_.below(100) - 50);
    constants_.push_back(param.var);
    result_.program.items.emplace_back(std::move(param));
  }
}

// combine<m, n>(s, a, c): c = c op (a * s), in any order of the loops; a row says the same.
void Generator::add_intrinsics() {
  for (int number = random_.below(3); number > 0; --number) {
    Intrinsic intrinsic;
    intrinsic.name = "combine" + std::to_string(number);
    // A template parameter may hide a program parameter.
    Var m = Var::constant(random_.chance(30) ? "mr" : "m"), n = Var::constant("n");
    Var s("s", kF32);
    Buffer a = Buffer::make_strided("a", kF32, {m, n}), c = Buffer::make_strided("c", kF32, {m, n});
    static const BinaryOp ops[] = {BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Max};
    BinaryOp op = random_.pick(ops);
    auto body = [&](bool swapped) {
      Var i("i"), j("j");
      Expr update = Binary::make(op, Load::make(c, {i, j}), Load::make(a, {i, j}) * s);
      Stmt inner = Store::make(c, {i, j}, update);
      auto rows = [&](Stmt in) { return For::make(ForKind::Serial, i, 0, m, std::move(in)); };
      auto columns = [&](Stmt in) { return For::make(ForKind::Serial, j, 0, n, std::move(in)); };
      return Block::make({swapped ? columns(rows(inner)) : rows(columns(inner))});
    };
    intrinsic.constants = {m, n};
    intrinsic.params = {s, a, c};
    intrinsic.body = body(false);
    intrinsics_.push_back(intrinsic);
    result_.program.items.emplace_back(intrinsic);
    if (random_.chance(60)) {
      Implement row{intrinsic.name,  {random_.below(3) + 1, random_.below(3) + 1},
                    {"any", {}, {}}, {},
                    body(true),      {}};
      if (any()) {
        row.target = predicate();
        for (int count = random_.below(3); count > 0; --count) row.imports.push_back(import());
      }
      result_.program.items.emplace_back(std::move(row));
    }
  }
}

Function Generator::function() {
  Function made;
  made.name = "f";
  static const char* const names[] = {"M", "N", "K"};
  for (const char* name : names) symbols_.emplace_back(Var(name), small());
  // Each symbol stands alone once, so that a call binds it.
  std::vector<Expr> all;
  for (auto& [symbol, value] : symbols_) {
    all.push_back(symbol);
    result_.symbols[symbol.name()] = value;
  }
  auto add = [&](Buffer buffer, bool writable) {
    made.params.emplace_back(buffer);
    buffers_.push_back({buffer, writable, {}});
  };
  add(Buffer::make("A", kF32, all), true);
  for (const char* name : {"x", "y", "z"}) {
    Var var(name, scalar_type());
    made.params.emplace_back(var);
    vars_.push_back(var);
  }
  add(Buffer::make("B", kF32, {Expr(small() + 2), Expr(small() + 2)}), true);
  add(Buffer::make("C", kF32, {extent(), Expr(small() + 2), Expr(small() + 2)}), true);
  for (const char* name : {"D", "E", "G"}) {
    std::vector<Expr> shape;
    for (int rank = random_.below(4); rank > 0; --rank) shape.push_back(extent());
    int alignment = any() && random_.chance(30) ? 64 : 0;
    bool strided = any() && random_.chance(40);
    Buffer buffer =
        strided ? Buffer::make_strided(name, scalar_type(), shape, MemorySpace::Global, alignment)
                : Buffer::make(name, scalar_type(), shape, {}, MemorySpace::Global, alignment);
    add(buffer, random_.chance(70));
  }
  if (any()) {
    Var stride("ld");
    add(Buffer::make("F", kF32, {Expr(4), Expr(4)}, {stride, Expr(2)}), true);
    for (int count = random_.below(3); count > 0; --count) made.imports.push_back(import());
  }
  std::vector<Stmt> stmts;
  // Every kernel keeps to it.
  if (any() && requirements_.chance(10)) {
    stmts.push_back(Require::make({{{Resource::Vgprs, BinaryOp::Ge, 0, {}}}, {}, {}}));
  }
  while (budget_ > 0) statement(stmts, 4);
  made.body = Block::make(std::move(stmts));
  return made;
}

RandomProgram Generator::run() {
  if (any()) {
    for (int count = random_.below(3); count > 0; --count) {
      result_.program.items.emplace_back(import());
    }
  }
  add_params();
  add_intrinsics();
  Function made = function();
  result_.program.items.emplace_back(std::move(made));
  return std::move(result_);
}

}  // namespace

RandomProgram random_program(const RandomOptions& options) {
  return Generator(options).run();
}

}  // namespace inlay::testing
