// Verifier, inside: one walk over the program with what is visible, which loops run at once, and
// what is known to be constant.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/analysis/fold.h"
#include "core/ir/visitor.h"
#include "core/verify/verify.h"

namespace inlay {

/// Equal for predicates that match the same targets.
using PredicateKey = std::pair<std::string, std::set<std::string>>;
PredicateKey predicate_key(const TargetPredicate& predicate);

/// Concurrent loops deeper than this are not looked at: a set of them has so many bits.
inline constexpr size_t kTaintBits = 64;

class Verifier : Visitor {
 public:
  explicit Verifier(const Program& program) : program_(program) {}
  Diagnostics run();

 private:
  // Items (verify.cpp).
  void check_names();
  void check_import(const Import& import);
  void check_predicate(const TargetPredicate& predicate);
  void check_param(const ProgramParam& param);
  void check_function(const Function& function);
  void check_intrinsic(const Intrinsic& intrinsic);
  void check_implement(const Implement& row);
  void check_schedule(const ScheduleItem& item);
  void check_schedule_order();
  void check_body(const Stmt& body, const Loc& loc);
  void check_duplicate_rows();
  void check_recursion();
  void check_params(const std::vector<Param>& params, const std::vector<Var>& symbols,
                    bool is_function);
  void check_plain_appearance(const std::vector<Param>& params, const std::vector<Var>& symbols);
  void check_buffer(const Buffer& buffer);
  void check_name(const std::string& name, const char* what, const Loc& loc);
  void check_type(DType type, const std::string& of, const Loc& loc);

  // Scopes (verify_body.cpp).
  struct Scope {
    explicit Scope(Verifier& owner) : verifier(owner), size(owner.defined_.size()) {}
    ~Scope() { verifier.leave(size); }
    Verifier& verifier;
    size_t size;
  };
  void define(const void* node, const std::string& name, const Loc& loc, const char* what);
  void make_visible(const void* node);
  void leave(size_t size);
  void use(const void* node, const std::string& name, const Loc& loc, const char* what);
  Diagnostic& error(const char* rule, const Loc& loc, std::string message, std::string help = "");
  std::string path() const;

  // A value that was read in lane loops, by a statement (a Let, a For for its bounds, an If).
  struct Reading {
    const ExprNode* node;  ///< a Load; or a call or assembly, whose result nobody knows
    const StmtNode* stmt;
  };
  // What a value depends on: variables of concurrent loops, by bit; or on something unknown.
  struct Taint {
    uint64_t loops = 0;
    bool unknown = false;
    std::vector<Reading> read;
    Taint operator|(const Taint& other) const {
      Taint both{loops | other.loops, unknown || other.unknown, read};
      both.read.insert(both.read.end(), other.read.begin(), other.read.end());
      return both;
    }
  };
  struct Loop {
    const For* node;
    bool concurrent;  ///< iterations in any order
    bool many;        ///< not known to run at most once
    size_t defined;   ///< definitions outside it
  };
  Taint taint_of(const Expr& expr, const StmtNode* stmt = nullptr) const;
  void check_store_races(const Store& store);
  void check_nesting(const For& loop);
  void check_index(const Buffer& buffer, const Expr& index, size_t d, const Loc& loc);
  void check_vector_store(const Store& store);

  using Visitor::visit;
  using Visitor::visit_node;
  void visit_node(const VarNode& node) override;
  void visit_node(const Load& node) override;
  void visit_node(const View& node) override;
  void visit_node(const Cast& node) override;
  void visit_node(const CallExtern& node) override;
  void visit_node(const CallIntrin& node) override;
  void visit_node(const InlineAsm& node) override;
  void visit_node(const Block& node) override;
  void visit_node(const For& node) override;
  void visit_node(const If& node) override;
  void visit_node(const Store& node) override;
  void visit_node(const Allocate& node) override;
  void visit_node(const Let& node) override;
  void visit_node(const Evaluate& node) override;
  void visit_node(const Barrier& node) override;
  void visit_node(const ImportPragma& node) override;
  void visit_node(const UnrollPragma& node) override;
  void visit_node(const Prefetch& node) override;
  void visit_node(const Require& node) override;

  // Work-items and their barriers (verify_lanes.cpp).
  struct Agreement {
    Loc loc;  ///< of the barrier
    const Load* load;
    const StmtNode* stmt;
    std::string path;
  };
  bool in_lanes() const;
  void check_divergence(const Barrier& barrier);
  void check_barrier_nest(const For& lane);
  void check_lanes(const Function& function);

  // Calls of intrinsics (verify_calls.cpp).
  void check_argument(const CallIntrin& call, const Intrinsic& intrinsic, size_t i,
                      std::unordered_map<const ExprNode*, int64_t>& known);
  void check_view_argument(const CallIntrin& call, const Intrinsic& intrinsic, const Buffer& formal,
                           const View& view, std::unordered_map<const ExprNode*, int64_t>& known);

  const Program& program_;
  Diagnostics out_;
  std::string item_;                    ///< how the current item is called in paths
  std::vector<const StmtNode*> stmts_;  ///< from the item's body to here
  std::vector<Loop> loops_;
  std::vector<const void*> defined_;                 ///< visible now, in order
  std::unordered_map<const void*, size_t> visible_;  ///< position in defined_
  std::unordered_set<const void*> ever_;
  std::unordered_set<const void*> told_;
  std::unordered_map<const void*, Taint> taints_;
  Taint guard_;
  bool in_function_ = false;
  bool lanes_ = false;                 ///< the item has lane or grid loops
  std::vector<Agreement> agreements_;  ///< barriers are reached by all only if lanes agree here
  int64_t copies_ = 1;                 ///< that unrolled loops around make
  bool dead_ = false;                  ///< below a condition that is false: nothing is proven there
};

}  // namespace inlay
