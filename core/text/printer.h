// Printer: names every definition, then writes the text. One object prints one thing.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/text/text.h"

namespace inlay::text {

/// Gives each variable and buffer a name that no other visible one has. Parser and printer agree
/// that a local name hides nothing, and that a name of an intrinsic or function may hide a program
/// parameter.
class Namer {
 public:
  /// Name of a definition that reaches to the end of the current scope.
  const std::string& declare_local(const void* node, const std::string& wanted);
  /// Name of a parameter, symbol or template parameter. `may_hide`: only names of this item count.
  const std::string& declare_item(const void* node, const std::string& wanted, bool may_hide);
  const std::string& declare_program(const void* node, const std::string& wanted);
  /// Of what was declared; a free variable or buffer is declared on the spot, for good.
  const std::string& name_of(const void* node, const std::string& wanted);
  bool is_named(const void* node) const { return names_.count(node) != 0; }
  bool is_taken(const std::string& name) const { return used_.count(name) != 0; }

  void open_scope() { scopes_.emplace_back(); }
  void close_scope();
  /// An item begins, in which the program parameters `reserved` are used.
  void open_item(std::set<std::string> reserved);
  /// What the current scope declared, in order; open_scope() and then adopt() repeats it.
  std::vector<std::pair<const void*, std::string>> scope_names() const;
  void adopt(const std::vector<std::pair<const void*, std::string>>& names);

 private:
  struct Entry {
    const void* node;
    std::string name;
    std::string hidden;  ///< the name that the same node had outside
    std::string base;    ///< what was wanted, made an identifier
    uint32_t last_suffix;
  };
  const std::string& bind(const void* node, std::string base, std::string name,
                          std::vector<Entry>& scope);
  std::string unused(const std::string& base, const std::set<std::string>* against);

  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<std::string, int> used_;
  std::unordered_map<std::string, uint32_t> suffixes_;  ///< last one tried, by base
  std::set<std::string> item_names_;
  std::vector<Entry> globals_;
  std::vector<std::vector<Entry>> scopes_;
};

class Printer {
 public:
  std::string program(const Program& program);
  std::string function(const Function& function);
  std::string stmt(const Stmt& stmt);
  std::string expr(const Expr& expr);
  std::string step(const ScheduleStep& step);

 private:
  // Items.
  void print_item(const Program& program, const Item& item);
  void print_import(const Import& import);
  void print_import_text(const Import& import);
  void print_param(const ProgramParam& param);
  void print_intrinsic(const Program& program, const Intrinsic& intrinsic);
  void print_implement(const Implement& row);
  void print_function(const Function& function);
  void print_schedule(const ScheduleItem& item);
  void print_step(const ScheduleStep& step);
  void print_params(const std::vector<Param>& params, const std::vector<Var>& symbols, bool keep);
  void print_predicate(const TargetPredicate& predicate) { out_ += to_string(predicate); }
  void print_body(const Stmt& body, const std::vector<Import>* imports);
  bool binds_as_strided(const Buffer& buffer);

  // Statements.
  void line() { out_.append(2 * indent_, ' '); }
  void print(const Stmt& stmt);
  void print_block(const Stmt& block);
  void print_stmts(const std::vector<Stmt>& stmts);
#define INLAY_STMT_NODE(Kind, Node) void print_node(const Node& node);
#include "core/ir/ir_nodes.def"

  // Expressions. `outer`: an operator that binds looser needs parentheses.
  void print(const Expr& expr, int outer = 0);
#define INLAY_EXPR_NODE(Kind, Node) void print_node(const Node& node, int outer);
#include "core/ir/ir_nodes.def"
  void print_list(const std::vector<Expr>& exprs, const char* open, const char* close,
                  int outer = 0);
  void print_range(const Expr& min, const Expr& extent);
  void print_buffer_type(const Buffer& buffer, bool strided);
  void print_string(const std::string& text);
  void print_code(const std::string& text);
  const std::string& name(const Buffer& buffer) {
    return namer_.name_of(buffer.get(), buffer.name());
  }

  std::string out_;
  size_t indent_ = 0;
  bool suffixes_ = false;  ///< literals of default type get theirs too
  Namer namer_;
  std::unordered_map<std::string, std::vector<std::pair<const void*, std::string>>> intrinsics_;
  /// Parameters and symbols, for the conditions of schedules.
  std::unordered_map<std::string, std::vector<std::pair<const void*, std::string>>> functions_;
};

}  // namespace inlay::text
