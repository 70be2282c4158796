// Parser: statements and blocks.
#include <utility>

#include "core/text/parser.h"

namespace inlay::text {

namespace {

const std::unordered_set<std::string_view>& item_words() {
  static const std::unordered_set<std::string_view> words = {"func",  "intrin",   "implement",
                                                             "param", "schedule", "include"};
  return words;
}

const std::unordered_set<std::string_view>& stmt_words() {
  static const std::unordered_set<std::string_view> words = {
      "for", "parallel", "unrolled", "vectorized", "grid", "lane", "if",
      "let", "alloc",    "assert",   "barrier",    "call", "asm",  "import"};
  return words;
}

bool is_item_word(const Token& token) {
  return token.kind == TokenKind::Keyword && item_words().count(token.text);
}
bool is_stmt_word(const Token& token) {
  return token.kind == TokenKind::Keyword && stmt_words().count(token.text);
}

}  // namespace

Stmt Parser::parse_block() {
  Loc open = here();
  expect("{");
  return parse_block_rest(open, {});
}

Stmt Parser::parse_block_rest(const Loc& open, std::vector<Stmt> stmts) {
  DepthGuard guard(block_depth_);
  if (block_depth_ > StmtNode::kMaxDepth) {
    too_deep(open);
    skip_to_block_end();
    take("}");
    return {};
  }
  Scope scope(*this);
  parse_stmts(stmts, open);
  return guarded([&] { return Block::make(std::move(stmts), open); });
}

// Up to the closing brace, which it takes.
void Parser::parse_stmts(std::vector<Stmt>& stmts, const Loc& open) {
  for (;;) {
    if (take("}")) return;
    if (take(";")) continue;
    if (cur_.kind == TokenKind::End || is_item_word(cur_)) {
      // The innermost block tells it for all around it.
      if (!unclosed_told_) {
        unclosed_told_ = braces_told_ = true;
        Diagnostic& told = error("parse", here(), "expected `}`, found " + describe(cur_));
        told.notes.push_back(
            {Severity::Note, "", "the block that begins here is not closed", open, "", "", "", {}});
      }
      return;
    }
    if (Stmt stmt = parse_stmt_or_recover()) stmts.push_back(std::move(stmt));
  }
}

Stmt Parser::parse_stmt_or_recover() {
  size_t begin = cur_.offset;
  try {
    return parse_stmt();
  } catch (const SyntaxError&) {
    recover_stmt(begin);
    return {};
  }
}

// Skips to where a statement may begin. `begin`: where the faulty one began, to get ahead at all.
void Parser::recover_stmt(size_t begin, bool stop_at_brace) {
  values_.clear();
  operators_.clear();
  in_shape_ = false;
  int depth = 0;
  for (;; advance()) {
    if (cur_.kind == TokenKind::End || is_item_word(cur_)) return;
    if (cur_.is("{")) {
      if (stop_at_brace && depth == 0) return;
      ++depth;
    } else if (cur_.is("}")) {
      if (depth == 0) return;
      if (--depth == 0) {
        advance();
        return;
      }
    } else if (depth == 0 && cur_.offset > begin) {
      bool named = cur_.kind == TokenKind::Name && cur_.first_on_line;
      bool word = is_stmt_word(cur_) && (cur_.first_on_line || !cur_.is("call"));
      if (cur_.is(";") || named || word) return;
    }
  }
}

void Parser::too_deep(const Loc& loc) {
  if (std::exchange(deep_told_, true)) return;
  error("too-deep", loc,
        "statements nest more than " + std::to_string(StmtNode::kMaxDepth) + " levels");
}

void Parser::skip_to_block_end() {
  for (size_t depth = 0; cur_.kind != TokenKind::End; advance()) {
    if (cur_.is("{")) ++depth;
    if (cur_.is("}") && depth-- == 0) return;
  }
}

Stmt Parser::parse_stmt() {
  if (cur_.is("{")) return parse_block();
  if (cur_.kind == TokenKind::Keyword) {
    std::string_view word = cur_.text;
    if (word == "for" || word == "parallel" || word == "unrolled" || word == "vectorized" ||
        word == "grid" || word == "lane") {
      return parse_for();
    }
    if (word == "if") return parse_if();
    if (word == "let") return parse_let();
    if (word == "alloc") return parse_alloc();
    if (word == "assert") return parse_assert();
    if (word == "import") {
      Loc loc = here();
      Import import = parse_import();
      return import ? guarded([&] { return ImportPragma::make(import, loc); }) : Stmt();
    }
    if (word == "barrier") {
      Loc loc = here();
      advance();
      return Barrier::make(loc);
    }
    if (word == "call" || word == "asm") {
      Loc loc = here();
      Value value = word == "call" ? parse_call() : parse_asm();
      return value ? guarded([&] { return Evaluate::make(value.expr, loc); }) : Stmt();
    }
    if (word == "else") syntax("`else` without an `if` before it");
    expected("a statement");
  }
  if (cur_.kind == TokenKind::Name) {
    const Token& next = peek();
    if (next.is("[")) return parse_store();
    // No statement begins with two names but these.
    if (cur_.text == "prefetch" && next.kind == TokenKind::Name) return parse_prefetch();
    if (at_require()) {
      auto requirement = parse_require();
      return requirement ? Require::make(std::move(*requirement)) : Stmt();
    }
    if (cur_.text == "pragma" && next.kind == TokenKind::Name) return parse_unroll_pragma();
    if (next.is("(") || next.is("<")) return parse_intrin_call();
    if (next.is("=") || next.is("+=") || next.is("-=") || next.is("*=")) {
      const Binding* binding = find(cur_.text);
      bool buffer = binding && std::holds_alternative<Buffer>(binding->meaning);
      std::string name(cur_.text);
      syntax(buffer ? "a store needs indices: " + name + "[...] = ..."
                    : "`" + name + "` can't be assigned: variables never change",
             buffer ? "a buffer without dimensions is stored to as " + name + "[] = ..."
                    : "declare another with `let`, or keep the value in a buffer");
    }
    std::vector<std::string> words(stmt_words().begin(), stmt_words().end());
    words.insert(words.end(), {"else", "func", "intrin", "implement", "param"});
    std::vector<std::string> near = nearest_names(cur_.text, words, 1);
    expected("a statement", did_you_mean(near));
  }
  expected("a statement");
}

ForKind Parser::parse_for_kind() {
  std::string_view word = cur_.text;
  if (word == "for") return ForKind::Serial;
  advance();
  if (word == "parallel") return ForKind::Parallel;
  if (word == "unrolled") return ForKind::Unrolled;
  if (word == "vectorized") return ForKind::Vectorized;
  expect("(");
  bool known =
      cur_.kind == TokenKind::Name && (cur_.text == "x" || cur_.text == "y" || cur_.text == "z");
  if (!known) expected("x, y or z");
  int axis = cur_.text[0] - 'x';
  advance();
  expect(")");
  int base = static_cast<int>(word == "grid" ? ForKind::GridX : ForKind::LaneX);
  return static_cast<ForKind>(base + axis);
}

bool Parser::at_loop() {
  return cur_.is("for") && peek().kind == TokenKind::Name && peek_second().is("in");
}

Stmt Parser::parse_for() {
  DepthGuard guard(block_depth_);
  Loc loc = here();
  size_t begin = cur_.offset;
  ForKind kind{};
  Token name;
  Expr min, extent;
  try {
    kind = parse_for_kind();
    expect("for");
    name = expect_name("a name for the loop variable");
    expect("in");
    min = parse_index_expr();
    Loc dots = here();
    if (!cur_.is("..")) expected("`..`", "a loop runs over a range: for i in 0..n");
    advance();
    extent = extent_of_range(min, parse_index_expr(), dots);
    if (!cur_.is("{")) expected("`{`");
  } catch (const SyntaxError&) {
    // The body is worth reading all the same.
    recover_stmt(begin, true);
    if (!cur_.is("{")) return {};
    min = extent = {};
  }
  Var var(std::string(name.text), kIndex, loc_of(name));
  Stmt body;
  {
    Scope scope(*this);
    if (!name.text.empty()) {
      declare(std::string(name.text), loc_of(name), var, Level::Local);
    }
    body = parse_block();
  }
  if (!min || !extent || !body) return {};
  return guarded([&] { return For::make(kind, var, min, extent, body, loc); });
}

Stmt Parser::parse_if() {
  DepthGuard guard(block_depth_);
  Loc loc = here();
  size_t begin = cur_.offset;
  advance();
  Expr condition;
  try {
    condition = settle(parse_expr());
    if (cur_.is("=")) syntax("expected `{`, found `=`", "equality is ==");
    if (!cur_.is("{")) expected("`{`");
  } catch (const SyntaxError&) {
    recover_stmt(begin, true);
    if (!cur_.is("{")) return {};
    condition = {};
  }
  Stmt then_body = parse_block(), else_body;
  bool has_else = take("else");
  if (has_else) {
    if (cur_.is("if")) {
      // An else-if is in a block of its own in the IR.
      DepthGuard block(block_depth_);
      if (block_depth_ > StmtNode::kMaxDepth) {
        too_deep(here());
        skip_to_block_end();
        return {};
      }
      else_body = parse_if();
    } else {
      else_body = parse_block();
    }
  }
  if (!condition || !then_body || (has_else && !else_body)) return {};
  return guarded([&] { return If::make(condition, then_body, else_body, loc); });
}

Stmt Parser::parse_let() {
  Loc loc = here();
  advance();
  Token name = expect_name("a name for the value");
  Expr value;
  auto bind = [&] {
    Meaning meaning;
    Var var;
    if (value && !value.type().is_void() && !value.type().is_pointer()) {
      var = Var(std::string(name.text), value.type(), loc_of(name));
      meaning = var;
    }
    declare(std::string(name.text), loc_of(name), meaning, Level::Local);
    return var;
  };
  try {
    std::optional<DType> type;
    if (take(":")) type = expect_type();
    expect("=");
    Value parsed = parse_expr();
    Loc at = parsed ? place_of(parsed.expr, loc) : loc;
    value = type ? adapt(std::move(parsed), *type) : settle(std::move(parsed));
    if (value && type && value.type() != *type) {
      error("type-mismatch", at,
            "`" + std::string(name.text) + "` of type " + to_string(*type) +
                " is given a value of type " + to_string(value.type()),
            value.type().lanes == type->lanes ? "cast it: " + to_string(*type) + "(...)" : "");
      value = {};
    }
  } catch (const SyntaxError&) {
    value = {};
    bind();  // so that its uses are no further faults
    throw;
  }
  Var var = bind();
  if (!value) return {};
  if (!var) {
    error("type-mismatch", place_of(value, loc),
          value.type().is_void() ? "the value of `" + std::string(name.text) + "` has no type"
                                 : "`let` names values; this is a view of a buffer",
          value.as<CallExtern>() ? "say what the call returns: call f32 name(...)" : "");
    return {};
  }
  return guarded([&] { return Let::make(var, value, loc); });
}

Stmt Parser::parse_alloc() {
  Loc loc = here();
  advance();
  Token name = expect_name("a name for the buffer");
  Buffer buffer;
  try {
    expect(":");
    DType type = expect_type();
    if (!cur_.is("[")) {
      expected("`[`", "a buffer has a shape, and one element is " + to_string(type) + "[]");
    }
    buffer = parse_buffer_type(name, type, false);
  } catch (const SyntaxError&) {
    declare(std::string(name.text), loc_of(name), {}, Level::Local);
    throw;
  }
  Meaning meaning;
  if (buffer) meaning = buffer;
  declare(std::string(name.text), loc_of(name), meaning, Level::Local);
  return buffer ? guarded([&] { return Allocate::make(buffer, loc); }) : Stmt();
}

Stmt Parser::parse_assert() {
  Loc loc = here();
  advance();
  Expr condition = settle(parse_expr());
  if (!cur_.is(","))
    expected("`,`", "an assert has a message: assert n > 0, \"n is not positive\"");
  advance();
  std::string message = expect_string("the message, a string");
  return condition ? guarded([&] { return Assert::make(condition, message, loc); }) : Stmt();
}

Stmt Parser::parse_unroll_pragma() {
  Loc loc = here();
  advance();
  if (cur_.text != "unroll") expected("`unroll`", "pragmas of a body are: pragma unroll 4");
  advance();
  int64_t count = expect_integer("how often");
  return guarded([&] { return UnrollPragma::make(count, loc); });
}

bool Parser::at_require() {
  return cur_.kind == TokenKind::Name && cur_.text == "require" && peek().kind == TokenKind::Name;
}

// require RESOURCE OP INTEGER, ... [for PREDICATE]
std::optional<Requirement> Parser::parse_require() {
  Requirement requirement;
  requirement.loc = here();
  advance();
  do {
    Budget budget;
    budget.loc = here();
    Token name = expect_name("what is bounded: vgprs, sgprs, lds, scratch, spills or occupancy");
    std::optional<Resource> resource = resource_of(name.text);
    if (!resource) {
      error("parse", loc_of(name), "a GPU has no resource `" + std::string(name.text) + "`",
            "require bounds vgprs, sgprs, lds, scratch, spills or occupancy");
    }
    static constexpr std::pair<const char*, BinaryOp> kComparisons[] = {{"<=", BinaryOp::Le},
                                                                        {"<", BinaryOp::Lt},
                                                                        {"==", BinaryOp::Eq},
                                                                        {">=", BinaryOp::Ge},
                                                                        {">", BinaryOp::Gt}};
    bool compared = false;
    for (const auto& [spelled, op] : kComparisons) {
      if (!compared && take(spelled)) {
        budget.op = op;
        compared = true;
      }
    }
    if (!compared) expected("<=, <, ==, >= or >", "as in `require vgprs <= 128`");
    budget.limit = expect_integer("a number");
    if (!resource) continue;
    budget.resource = *resource;
    requirement.budgets.push_back(std::move(budget));
  } while (take(","));
  // A loop may stand right behind.
  if (!at_loop() && take("for")) requirement.target = parse_predicate();
  if (requirement.budgets.empty()) return std::nullopt;
  return requirement;
}

// `l1`, `l2` or `l3`.
int Parser::parse_cache_level() {
  std::string_view word = cur_.text;
  bool level = word.size() == 2 && word[0] == 'l' && word[1] >= '1' && word[1] <= '3';
  if (cur_.kind != TokenKind::Name || !level) expected("a cache: l1, l2 or l3");
  advance();
  return word[1] - '0';
}

Stmt Parser::parse_prefetch() {
  Loc loc = here();
  advance();
  bool write = cur_.text == "write" && peek().kind == TokenKind::Name;
  if (write) advance();
  int level = 1;
  if (cur_.text == "into" && peek().kind == TokenKind::Name) {
    advance();
    level = parse_cache_level();
  }
  Token name = expect_name("a buffer");
  Buffer buffer = find_buffer(name, "buffer");
  if (!cur_.is("[")) expected("`[`", "name the element: prefetch A[i + 8]");
  advance();
  auto indices = settle_all(parse_list("]"));
  if (!buffer || !indices) return {};
  return guarded([&] { return Prefetch::make(buffer, std::move(*indices), write, level, loc); });
}

Stmt Parser::parse_store() {
  Token name = cur_;
  Loc loc = here();
  advance();
  Buffer buffer = find_buffer(name, "buffer");
  expect("[");
  std::vector<Value> parsed;
  if (!take("]")) {
    do {
      parsed.push_back(parse_expr());
      if (cur_.is("..")) {
        syntax("a store goes to single elements, not to a range",
               "loop over it, or use a vector index: ramp(base, 1, lanes)");
      }
    } while (take(","));
    expect("]");
  }
  auto indices = settle_all(std::move(parsed));
  Token sign = cur_;
  std::optional<BinaryOp> op;
  if (sign.is("+=")) op = BinaryOp::Add;
  if (sign.is("-=")) op = BinaryOp::Sub;
  if (sign.is("*=")) op = BinaryOp::Mul;
  if (!op && !sign.is("=")) expected("`=`, `+=`, `-=` or `*=`");
  advance();
  Value value = parse_expr();
  if (!buffer || !indices || !value) return {};
  Expr target = guarded([&] { return Load::make(buffer, *indices, loc); });
  if (!target) return {};
  if (op) {
    value = combine(*op, {target, Value::Fixed}, std::move(value), loc_of(sign));
    if (!value) return {};
  }
  Expr stored = adapt(std::move(value), target.type());
  if (!stored) return {};
  return guarded([&] { return Store::make(buffer, std::move(*indices), stored, loc); });
}

Stmt Parser::parse_intrin_call() {
  Token name = cur_;
  Loc loc = here();
  advance();
  std::optional<std::vector<Expr>> constants;
  constants.emplace();
  if (take("<")) {
    std::vector<Value> values;
    int above_comparison = precedence(BinaryOp::Lt) + 1;
    do {
      values.push_back(parse_expr(above_comparison));
    } while (take(","));
    expect(">");
    constants = settle_all(std::move(values));
  }
  expect("(");
  auto args = parse_args();
  if (!constants || !args) return {};
  return guarded([&] {
    return Evaluate::make(
        CallIntrin::make(std::string(name.text), std::move(*constants), std::move(*args), loc),
        loc);
  });
}

}  // namespace inlay::text
