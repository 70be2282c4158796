// Expressions of the core IR, and the buffers that they read.
//
// Nodes are immutable and shared; build them with make(), which checks types and throws
// CompileError (rule "type-mismatch", "bad-node") at the location given. Variables and buffers are
// compared by identity: a name is only for people. Semantics that a reader can't guess stand at the
// node. Thread safety: nodes are immutable, so any number of threads may read them.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "core/ir/dtype.h"
#include "core/support/check.h"
#include "core/support/diagnostic.h"
#include "core/support/ref.h"

namespace inlay {

enum class ExprKind : uint8_t {
#define INLAY_EXPR_NODE(Kind, Node) Kind,
#include "core/ir/ir_nodes.def"
};

enum class UnaryOp : uint8_t { Neg, Not, BitNot };

enum class BinaryOp : uint8_t {
#define INLAY_BINARY_OP(Name, spelling, precedence, operands, result) Name,
#include "core/ir/operators.def"
};

enum class MathOp : uint8_t {
#define INLAY_MATH_OP(Name, spelling, arity) Name,
#include "core/ir/operators.def"
};

const char* spelling(BinaryOp op);
int precedence(BinaryOp op);  ///< 0: called like a function
const char* spelling(MathOp op);
int arity(MathOp op);

/// Lists a node's own fields, for equality, visitors and mutators.
#define INLAY_FIELDS(...)         \
  auto fields() const {           \
    return std::tie(__VA_ARGS__); \
  }

/// An expression node's common part. `depth` is the height of its tree, at most kMaxDepth, so that
/// recursion over any IR is safe.
struct ExprNode : RefCounted {
  static constexpr uint32_t kMaxDepth = 2000;

  const ExprKind kind;
  uint32_t depth = 1;
  DType type;
  Loc loc;

  virtual ~ExprNode() = default;

 protected:
  explicit ExprNode(ExprKind node_kind) : kind(node_kind) {}
};

/// Shared, immutable expression. as<T>() is the node if it is a T, else nullptr.
class Expr : public Ref<const ExprNode> {
 public:
  using Ref::Ref;
  Expr(Ref<const ExprNode> node) : Ref(std::move(node)) {}  // NOLINT
  /// An index constant: `Expr(3)`.
  Expr(int value);      // NOLINT: so that builders read like the text
  Expr(int64_t value);  // NOLINT

  template <typename T>
  const T* as() const {
    return get() && get()->kind == T::kKind ? static_cast<const T*>(get()) : nullptr;
  }
  DType type() const { return get()->type; }
  const Loc& loc() const { return get()->loc; }
};

/// Base of node structs: gives each its kind.
template <typename T, ExprKind Kind>
struct ExprOf : ExprNode {
  static constexpr ExprKind kKind = Kind;
  ExprOf() : ExprNode(Kind) {}
};

struct VarNode : ExprOf<VarNode, ExprKind::Var> {
  std::string name;
  bool is_constant = false;  ///< a program parameter or template parameter, bound when compiling
  INLAY_FIELDS(name, is_constant)
};

/// A variable: a scalar parameter, a symbol of a shape, a loop variable, a let, a program parameter
/// or a template parameter of an intrinsic. Identity is the node.
class Var : public Expr {
 public:
  Var() = default;
  explicit Var(std::string name, DType type = kIndex, Loc loc = {});
  explicit Var(const VarNode* node) : Expr(Ref<const ExprNode>(node)) {}
  /// A program or template parameter: an index that is a number once the target is known.
  static Var constant(std::string name, Loc loc = {});
  const VarNode* operator->() const { return static_cast<const VarNode*>(get()); }
  const std::string& name() const { return (*this)->name; }
};

/// Where a buffer lives. Global: main memory (CPU and GPU). Shared: LDS, one per workgroup.
/// Private: one per work-item or per CPU thread of execution (registers or stack).
enum class MemorySpace : uint8_t { Global, Shared, Private };
const char* to_string(MemorySpace space);

struct BufferNode : RefCounted {
  std::string name;
  DType type;                 ///< of an element; scalar
  std::vector<Expr> shape;    ///< index expressions, outermost first; empty: one element
  std::vector<Expr> strides;  ///< in elements; empty: compact row-major
  MemorySpace space = MemorySpace::Global;
  int alignment = 0;  ///< of element 0, in bytes, a power of two; 0: that of the element
  Loc loc;

  size_t rank() const { return shape.size(); }
};

/// A buffer: name, element type, shape, strides, memory space, alignment. Element (i0, ..., in)
/// lies at sum(i_d * stride_d) elements from the start. Identity is the node.
class Buffer : public Ref<const BufferNode> {
 public:
  using Ref::Ref;
  static Buffer make(std::string name, DType type, std::vector<Expr> shape,
                     std::vector<Expr> strides = {}, MemorySpace space = MemorySpace::Global,
                     int alignment = 0, Loc loc = {});
  /// As `A: f32[M, N] strided`: outer strides are fresh symbols "A.stride0", ...; innermost is 1.
  static Buffer make_strided(std::string name, DType type, std::vector<Expr> shape,
                             MemorySpace space = MemorySpace::Global, int alignment = 0,
                             Loc loc = {});
  const std::string& name() const { return get()->name; }
};

/// Stride of dimension `d` in elements: the explicit one, or the product of the inner extents.
Expr stride_of(const Buffer& buffer, size_t d);
/// True if `buffer` has the strides that make_strided gives it (printed as `strided`).
bool is_strided_form(const Buffer& buffer);

/// An integer or bool constant. For u64 the bits are those of the int64_t. Always representable in
/// `type` (checked).
struct IntImm : ExprOf<IntImm, ExprKind::IntImm> {
  int64_t value = 0;
  INLAY_FIELDS(value)
  static Expr make(DType type, int64_t value, Loc loc = {});
};

/// A float constant, rounded to `type` (to nearest even) when made. NaNs are all one quiet NaN.
struct FloatImm : ExprOf<FloatImm, ExprKind::FloatImm> {
  double value = 0;
  INLAY_FIELDS(value)
  static Expr make(DType type, double value, Loc loc = {});
};

/// Conversion to `type`; lanes stay. int -> int wraps; float -> int truncates towards zero and
/// saturates, NaN gives 0; int, float -> float rounds to nearest even; to bool: value != 0.
struct Cast : ExprOf<Cast, ExprKind::Cast> {
  Expr value;
  INLAY_FIELDS(value)
  static Expr make(DType type, Expr value, Loc loc = {});
};

/// -a (wraps on integers), !a (bool), ~a (integers).
struct Unary : ExprOf<Unary, ExprKind::Unary> {
  UnaryOp op{};
  Expr a;
  INLAY_FIELDS(op, a)
  static Expr make(UnaryOp op, Expr a, Loc loc = {});
};

/// a op b; both of one type. Integer arithmetic wraps. Floor division by zero is a fault of the
/// program: the interpreter reports it, compiled code does not promise anything. && and || evaluate
/// both sides.
struct Binary : ExprOf<Binary, ExprKind::Binary> {
  BinaryOp op{};
  Expr a, b;
  INLAY_FIELDS(op, a, b)
  static Expr make(BinaryOp op, Expr a, Expr b, Loc loc = {});
};

/// condition ? a : b. Only the chosen side is evaluated when the condition is scalar, so a guarded
/// load may stand in it.
struct Select : ExprOf<Select, ExprKind::Select> {
  Expr condition, a, b;
  INLAY_FIELDS(condition, a, b)
  static Expr make(Expr condition, Expr a, Expr b, Loc loc = {});
};

/// buffer[indices]. At most the last index may be a vector of indices: then the load has as many
/// lanes (Ramp with stride 1 is a contiguous vector load).
struct Load : ExprOf<Load, ExprKind::Load> {
  Buffer buffer;
  std::vector<Expr> indices;
  INLAY_FIELDS(buffer, indices)
  static Expr make(Buffer buffer, std::vector<Expr> indices, Loc loc = {});
};

/// (base, base + stride, ..., base + (lanes-1) * stride).
struct Ramp : ExprOf<Ramp, ExprKind::Ramp> {
  Expr base, stride;
  INLAY_FIELDS(base, stride)
  static Expr make(Expr base, Expr stride, int lanes, Loc loc = {});
};

/// `lanes` copies of a scalar.
struct Broadcast : ExprOf<Broadcast, ExprKind::Broadcast> {
  Expr value;
  INLAY_FIELDS(value)
  static Expr make(Expr value, int lanes, Loc loc = {});
};

/// One dimension of a view: the range [min, min + extent), or, without extent, the one index min,
/// which drops the dimension.
struct ViewDim {
  Expr min;
  Expr extent;  ///< null: dropped
};

/// Part of a buffer, passed to a call: `A[i0..i0+6, k]`, `&A[i, j]` (every dimension dropped), or
/// `A` (the whole). Type kPointer. To an extern it is the address of its first element; to an
/// intrinsic, a buffer with the kept dimensions' extents and strides.
struct View : ExprOf<View, ExprKind::View> {
  Buffer buffer;
  std::vector<ViewDim> dims;
  INLAY_FIELDS(buffer, dims)
  static Expr make(Buffer buffer, std::vector<ViewDim> dims, Loc loc = {});
  static Expr whole(Buffer buffer, Loc loc = {});
  bool is_whole() const;
};

/// A pure math function; see operators.def.
struct CallMath : ExprOf<CallMath, ExprKind::CallMath> {
  MathOp op{};
  std::vector<Expr> args;
  INLAY_FIELDS(op, args)
  static Expr make(MathOp op, std::vector<Expr> args, Loc loc = {});
};

/// Call of an imported symbol by the C ABI: scalars by value, views as addresses. `type` is its
/// result (kVoid: none). May read and write what its views reach; otherwise has no side effect that
/// the program may rely on.
struct CallExtern : ExprOf<CallExtern, ExprKind::CallExtern> {
  std::string symbol;
  std::vector<Expr> args;
  INLAY_FIELDS(symbol, args)
  static Expr make(DType result, std::string symbol, std::vector<Expr> args, Loc loc = {});
};

/// Call of an intrinsic: `sgemm_tile<6, 16>(k, Ap[...], ...)`; no result. `constants` are index
/// expressions that fold to constants once program parameters are bound.
struct CallIntrin : ExprOf<CallIntrin, ExprKind::CallIntrin> {
  std::string name;
  std::vector<Expr> constants;
  std::vector<Expr> args;
  INLAY_FIELDS(name, constants, args)
  static Expr make(std::string name, std::vector<Expr> constants, std::vector<Expr> args,
                   Loc loc = {});
};

/// Inline assembly with LLVM's template syntax and constraints
/// (https://llvm.org/docs/LangRef.html#inline-assembler-expressions). `is_volatile`: not removed,
/// not merged, not moved; a void one always is.
struct InlineAsm : ExprOf<InlineAsm, ExprKind::InlineAsm> {
  std::string text;
  std::string constraints;
  bool is_volatile = false;
  std::vector<Expr> args;
  INLAY_FIELDS(text, constraints, is_volatile, args)
  static Expr make(DType result, std::string text, std::string constraints, bool is_volatile,
                   std::vector<Expr> args, Loc loc = {});
};

/// Where `expr` is written. A variable knows only where it is declared, and what a builder made
/// nothing at all: for those, `otherwise`, the place of what it is part of.
const Loc& place_of(const Expr& expr, const Loc& otherwise);

/// The value, if `expr` is an integer constant.
const IntImm* as_int(const Expr& expr);
bool is_const(const Expr& expr, int64_t value);

// Builders' shorthand; each checks types as Binary::make does. Division and modulo of integers are
// the floor ones, of floats the IEEE one.
Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator%(Expr a, Expr b);
Expr min(Expr a, Expr b);
Expr max(Expr a, Expr b);
Expr lt(Expr a, Expr b);
Expr le(Expr a, Expr b);
Expr eq(Expr a, Expr b);
Expr logical_and(Expr a, Expr b);

}  // namespace inlay
