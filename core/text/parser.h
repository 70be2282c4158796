// Parser of `.inlay` text: recursive descent over statements and parentheses, an operator stack
// within one pair of parentheses, so that depth of recursion follows depth of nesting alone.
//
// Errors: a syntax error is told and thrown as SyntaxError to the nearest border (statement, item),
// which skips to where the next one begins. A type error is told at once and leaves a null
// expression behind, which makes everything built from it null, silently. So one fault is told
// once.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "core/text/lexer.h"
#include "core/text/text.h"

namespace inlay::text {

/// An expression on its way up. Literals without suffix, and trees of nothing else, are flexible:
/// held as index and f64 until something says what they are.
struct Value {
  enum Flex : uint8_t { Fixed, Integer, Float };

  Expr expr;  ///< null: a fault was told
  Flex flex = Fixed;

  explicit operator bool() const { return bool(expr); }
};

struct BinaryToken {
  BinaryOp op;
  int precedence;
};

class Parser {
 public:
  Parser(std::string text, std::string path, SourceReader reader);
  ParseResult run();
  /// The text is steps of a schedule.
  std::vector<ScheduleStep> run_steps(Diagnostics& diagnostics);

 private:
  struct SyntaxError {};  ///< told already
  struct TooMany {};      ///< more errors than anyone reads
  static constexpr size_t kGiveUpAfter = 1000;

  // Tokens (parser.cpp).
  void advance();
  const Token& peek();
  Token peek_second();  ///< the one behind peek()'s
  Loc loc_of(const Token& token) const { return {file_, token.line, token.column}; }
  Loc here() const { return loc_of(cur_); }
  bool take(std::string_view spelling);
  void expect(std::string_view spelling);
  Token expect_name(const char* what);
  std::string expect_string(const char* what, Loc* contents = nullptr);
  int64_t expect_integer(const char* what);
  bool is_string() const {
    return cur_.kind == TokenKind::String || cur_.kind == TokenKind::RawString;
  }
  static std::string describe(const Token& token);

  // Faults (parser.cpp).
  Diagnostic& error(std::string rule, const Loc& loc, std::string message, std::string help = "");
  [[noreturn]] void syntax(std::string message, std::string help = "");
  [[noreturn]] void expected(const std::string& what, std::string help = "");
  void collect(const CompileError& fault);
  template <typename Make>
  auto guarded(Make make) -> decltype(make()) {
    try {
      return make();
    } catch (const CompileError& fault) {
      collect(fault);
      return {};
    }
  }

  // Names (scope.cpp).
  using Meaning = std::variant<std::monostate, Var, Buffer>;  ///< monostate: a fault was told
  enum class Level : uint8_t { Program, Item, Local };
  struct Binding {
    Meaning meaning;
    Loc loc;
    Level level;
  };
  class Scope {
   public:
    explicit Scope(Parser& parser) : parser_(parser) { parser_.scopes_.emplace_back(); }
    Scope(const Scope&) = delete;
    ~Scope() { parser_.pop_scope(); }

   private:
    Parser& parser_;
  };
  void declare(const std::string& name, const Loc& loc, Meaning meaning, Level level);
  void pop_scope();
  const Binding* find(std::string_view name) const;
  void undeclared(const Token& name, const char* what);
  std::vector<std::string> visible_names() const;

  // Expressions (parser_expr.cpp).
  Value parse_expr(int min_precedence = 1, Value* first = nullptr);
  Value parse_operand();
  Value parse_primary(const std::optional<Loc>& minus);
  Value parse_number(const std::optional<Loc>& minus);
  Value parse_keyword();
  Value parse_name();
  Value parse_paren();
  Value parse_cast();
  Value parse_indexed(bool view_allowed);
  Value parse_min_max();
  Value parse_select();
  Value parse_lanes();
  Value parse_declared();
  Value parse_math();
  Value parse_blis();
  Value parse_special_float(const std::optional<Loc>& minus);
  Value parse_call();
  Value parse_asm();
  Value parse_arg();
  Value parse_address();
  std::vector<Value> parse_list(std::string_view close);
  /// Arguments up to `)`; nullopt if one is null.
  std::optional<std::vector<Expr>> parse_args();
  std::optional<std::vector<Expr>> settle_all(std::vector<Value> values);
  Expr parse_index_expr() { return settle(parse_expr()); }
  /// `lo..hi` as a start and an extent.
  Expr extent_of_range(const Expr& lo, const Expr& hi, const Loc& loc);
  std::optional<BinaryToken> binary_token() const;
  void reduce();
  Value combine(BinaryOp op, Value a, Value b, const Loc& loc);
  Expr settle(Value value);
  Expr adapt(Value value, DType type);
  Expr retype(const Expr& expr, DType element);
  void unify(Value& a, Value& b);
  Buffer find_buffer(const Token& name, const char* what);
  DType expect_type();

  // Statements (parser_stmt.cpp).
  Stmt parse_block();
  Stmt parse_block_rest(const Loc& open, std::vector<Stmt> stmts);
  void parse_stmts(std::vector<Stmt>& stmts, const Loc& open);
  Stmt parse_stmt_or_recover();
  Stmt parse_stmt();
  Stmt parse_for();
  /// `for NAME in`: no predicate has `in` there.
  bool at_loop();
  Stmt parse_if();
  Stmt parse_let();
  Stmt parse_alloc();
  Stmt parse_assert();
  Stmt parse_store();
  Stmt parse_prefetch();
  Stmt parse_unroll_pragma();
  /// `require` is a name elsewhere: only a name behind it makes it this.
  bool at_require();
  /// nullopt: all of it is wrong, and told.
  std::optional<Requirement> parse_require();
  int parse_cache_level();
  Stmt parse_intrin_call();
  void recover_stmt(size_t begin, bool stop_at_brace = false);
  void skip_to_block_end();
  void too_deep(const Loc& loc);
  ForKind parse_for_kind();

  // Items (parser_item.cpp).
  void parse_item();
  Import parse_import();
  void parse_program_param();
  void parse_intrin();
  void parse_implement();
  void parse_func();
  std::vector<Param> parse_params();
  void declare_scalars();
  Buffer parse_buffer_type(const Token& name, DType type, bool is_param);
  std::vector<Expr> parse_shape(bool symbols);
  Expr parse_plain_or_symbol(bool symbols);
  Expr symbol(const std::string& name, const Loc& loc);
  TargetPredicate parse_predicate(bool params_follow = false);
  Stmt parse_item_body(std::vector<Import>* imports);
  void check_item_name(const Token& name, bool is_function);
  void recover_item(size_t begin);
  /// Items up to the end of the current file.
  void parse_file();

  // Schedules and files (parser_schedule.cpp).
  void parse_schedule();
  void parse_include();
  bool at_schedule_params();
  void parse_steps(std::vector<ScheduleStep>& steps);
  void recover_step(size_t begin);
  ScheduleStep parse_step();
  std::string step_loop();
  void step_loops(std::vector<std::string>& loops);
  StepNumber step_number(const char* what);
  void step_place(ScheduleStep& step);
  void step_factor(ScheduleStep& step);
  /// Words of steps are reserved there alone.
  bool take_word(std::string_view word);
  void expect_word(std::string_view word);

  struct Operator {
    BinaryToken token;
    Loc loc;
  };
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  struct DepthGuard {
    explicit DepthGuard(uint32_t& counter) : depth(counter) { ++depth; }
    ~DepthGuard() { --depth; }
    uint32_t& depth;
  };

  /// A file whose reading has begun.
  struct Including {
    std::string identity;
    std::string path;
    Loc from;  ///< empty: the first one
    std::unordered_map<std::string, Loc> included;
  };

  Ref<const SourceFile> file_;
  const SourceFile* program_file_;  ///< the one whose functions are the program's
  SourceReader reader_;
  std::vector<Including> including_;
  std::unordered_set<std::string> read_already_;
  std::string directory_;
  Program program_;
  Diagnostics diagnostics_;
  Lexer::Sink sink_;
  size_t reported_up_to_ = 0;
  Lexer lexer_;
  Token cur_;
  std::optional<Token> ahead_;

  std::vector<Value> values_;
  std::vector<Operator> operators_;
  uint32_t nesting_ = 0;        ///< of expressions
  uint32_t block_depth_ = 0;    ///< statements of the IR around this place
  bool in_schedule_ = false;    ///< the target's facts are visible
  bool in_shape_ = false;       ///< an undeclared name is a symbol
  bool unknown_names_ = false;  ///< in the row of an unknown intrinsic: say nothing
  bool unclosed_told_ = false;  ///< in this item
  bool deep_told_ = false;      ///< in this item
  bool braces_told_ = false;    ///< in this file

  std::unordered_map<std::string, std::vector<Binding>, NameHash, std::equal_to<>> names_;
  std::vector<std::vector<std::string>> scopes_;
  std::unordered_set<std::string> told_;  ///< undeclared names of this item
  std::unordered_map<std::string, Loc> item_names_;
  std::unordered_map<std::string, std::vector<std::pair<std::string, Binding>>> intrinsics_;
  struct KnownFunction {
    std::vector<std::pair<std::string, Binding>> names;  ///< parameters and symbols
    const SourceFile* file;
  };
  std::unordered_map<std::string, KnownFunction> functions_;
  /// Literals whose nearest float is not the rounding of their nearest double.
  std::unordered_map<const ExprNode*, std::pair<Expr, float>> exact_f32_;
};

}  // namespace inlay::text
