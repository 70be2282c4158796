// Parser: imports, program parameters, intrinsics and their rows, functions.
#include <utility>

#include "core/text/parser.h"

namespace inlay::text {

void Parser::recover_item(size_t begin) {
  values_.clear();
  operators_.clear();
  in_shape_ = false;
  in_schedule_ = false;
  int depth = 0;
  for (; cur_.kind != TokenKind::End; advance()) {
    if (cur_.is("{")) ++depth;
    if (cur_.is("}") && depth > 0) --depth;
    if (cur_.offset == begin || cur_.kind != TokenKind::Keyword) continue;
    bool item = cur_.text == "func" || cur_.text == "intrin" || cur_.text == "implement" ||
                cur_.text == "param" || cur_.text == "schedule" || cur_.text == "include";
    // `import` also stands in blocks.
    if (item || (depth == 0 && cur_.text == "import" && cur_.first_on_line)) return;
  }
}

void Parser::parse_item() {
  if (take(";")) return;
  size_t begin = cur_.offset;
  told_.clear();
  unclosed_told_ = false;
  deep_told_ = false;
  unknown_names_ = false;
  block_depth_ = 0;
  try {
    if (cur_.is("import")) {
      if (Import import = parse_import()) program_.items.emplace_back(std::move(import));
    } else if (cur_.is("param")) {
      parse_program_param();
    } else if (cur_.is("intrin")) {
      parse_intrin();
    } else if (cur_.is("implement")) {
      parse_implement();
    } else if (cur_.is("func")) {
      parse_func();
    } else if (cur_.is("schedule")) {
      parse_schedule();
    } else if (cur_.is("include")) {
      parse_include();
    } else {
      std::string help;
      if (cur_.kind == TokenKind::Name) {
        help = did_you_mean(nearest_names(
            cur_.text, {"func", "intrin", "implement", "import", "param", "schedule", "include"},
            1));
      } else if (cur_.is("}")) {
        // Braces out of balance are told once.
        if (std::exchange(braces_told_, true)) return advance();
        help = "there is a `}` too many";
      }
      expected("func, intrin, implement, schedule, param, import or include", help);
    }
  } catch (const SyntaxError&) {
    recover_item(begin);
  }
}

Import Parser::parse_import() {
  Loc loc = here();
  advance();
  bool word = cur_.kind == TokenKind::Name || cur_.is("asm");
  auto kind = word ? parse_import_kind(cur_.text) : std::nullopt;
  if (!kind) {
    std::vector<std::string> kinds = {"llvm", "bitcode", "c",       "cxx",
                                      "asm",  "object",  "archive", "hsaco"};
    auto near = word ? nearest_names(cur_.text, kinds, 1) : std::vector<std::string>{};
    syntax("expected the kind of the import, found " + describe(cur_),
           near.empty() ? "kinds: llvm bitcode c cxx asm object archive hsaco"
                        : "did you mean `" + near[0] + "`?");
  }
  advance();
  bool is_inline = cur_.is("inline");
  bool ok = true;
  if (is_inline && !is_text_kind(*kind)) {
    error("parse", here(),
          "an import of kind " + std::string(to_string(*kind)) + " can't be given inline",
          "name its file: import " + std::string(to_string(*kind)) + " \"path\"");
    ok = false;
  }
  if (is_inline) advance();
  Loc contents;
  Loc payload_at = here();
  bool raw = cur_.kind == TokenKind::RawString;
  std::string payload =
      expect_string(is_inline ? "the code, a string" : "a path, a string", &contents);
  bool is_code = raw || payload.find_first_of(std::string("\n\0", 2)) != std::string::npos;
  if (!is_inline && is_code) {
    error("parse", payload_at, "a path is a string on one line; this looks like code",
          "write `inline` before code: import " + std::string(to_string(*kind)) +
              " inline \"\"\"...\"\"\"");
    ok = false;
  } else if (!is_inline && payload.empty()) {
    error("parse", payload_at, "the path of the import is empty");
    ok = false;
  }
  std::vector<std::string> flags;
  bool may_call = false;
  for (;;) {
    Loc at = here();
    if (take("flags")) {
      bool taken = *kind == ImportKind::C || *kind == ImportKind::Cxx || *kind == ImportKind::Asm;
      if (!taken) {
        error("parse", at,
              "flags are for Clang; an import of kind " + std::string(to_string(*kind)) +
                  " takes none");
        ok = false;
      }
      flags.push_back(expect_string("a flag, a string"));
    } else if (take("may_call")) {
      may_call = true;
    } else {
      break;
    }
  }
  if (!ok) return {};
  if (is_inline) {
    return Import::inline_text(*kind, std::move(payload), std::move(flags), may_call, loc,
                               contents);
  }
  return Import::path(*kind, std::move(payload), directory_, std::move(flags), may_call, loc);
}

TargetPredicate Parser::parse_predicate(bool params_follow) {
  TargetPredicate predicate;
  predicate.loc = here();
  if (take("any")) {
    predicate.arch = "any";
  } else {
    predicate.arch = expect_name("an architecture, such as x86_64 or aarch64, or `any`").text;
  }
  if ((params_follow && at_schedule_params()) || !take("(")) return predicate;
  do {
    // A feature has its own spelling (sse4.2, dot1-insts, 16-bit-insts).
    bool begins = cur_.kind != TokenKind::End && cur_.kind != TokenKind::Punct && !is_string();
    if (!begins) expected("a feature of the target");
    ahead_.reset();
    Token feature = lexer_.feature_at(cur_);
    predicate.features.emplace_back(feature.text);
    advance();
  } while (take(","));
  expect(")");
  return predicate;
}

void Parser::parse_program_param() {
  Loc loc = here();
  advance();
  Token name = expect_name("a name for the parameter");
  Var var = Var::constant(std::string(name.text), loc_of(name));
  declare(std::string(name.text), loc_of(name), var, Level::Program);
  ProgramParam param{var, 0, {}, loc};
  expect("=");
  param.value = expect_integer("its value, an integer");
  if (take("{")) {
    while (!take("}")) {
      if (take(",") || take(";")) continue;
      TargetPredicate predicate = parse_predicate();
      expect(":");
      param.rows.emplace_back(std::move(predicate), expect_integer("a value, an integer"));
    }
  }
  program_.items.emplace_back(std::move(param));
}

// Functions and intrinsics share one name space.
void Parser::check_item_name(const Token& name, bool is_function) {
  auto [old, fresh] = item_names_.emplace(std::string(name.text), loc_of(name));
  if (fresh) return;
  Diagnostic& told =
      error("redeclared", loc_of(name),
            std::string(is_function ? "function" : "intrinsic") + " `" + std::string(name.text) +
                "` has the name of another function or intrinsic");
  told.notes.push_back({Severity::Note, "", "first declared here", old->second, "", "", "", {}});
}

// Scalars may be named in shapes that come before them, so they are declared first. The faults of
// what is skipped here are told when it is read.
void Parser::declare_scalars() {
  Lexer lexer = lexer_;
  Token cur = cur_;
  std::optional<Token> ahead = ahead_;
  int depth = 0;
  for (bool begins = true; cur_.kind != TokenKind::End && !cur_.is("{"); advance()) {
    if (depth == 0 && cur_.is(")")) break;
    if (cur_.is("(") || cur_.is("[")) ++depth;
    if (cur_.is(")") || cur_.is("]")) --depth;
    if (begins && cur_.kind == TokenKind::Name && peek().is(":")) {
      Token name = cur_;
      advance();
      if (peek().kind == TokenKind::Type) {
        advance();
        if (!peek().is("[")) {
          Var var(std::string(name.text), cur_.type, loc_of(name));
          declare(std::string(name.text), loc_of(name), var, Level::Item);
        }
      }
    }
    begins = depth == 0 && cur_.is(",");
  }
  lexer_ = lexer;
  cur_ = cur;
  ahead_ = ahead;
}

std::vector<Param> Parser::parse_params() {
  std::vector<Param> params;
  expect("(");
  declare_scalars();
  if (take(")")) return params;
  do {
    Token name = expect_name("a parameter");
    expect(":");
    DType type = expect_type();
    if (!cur_.is("[")) {
      // The declaration that declare_scalars made for this very place.
      auto stack = names_.find(name.text);
      if (stack == names_.end()) continue;
      for (const Binding& binding : stack->second) {
        bool this_one = binding.loc.line == name.line && binding.loc.column == name.column;
        if (this_one) params.emplace_back(std::get<Var>(binding.meaning));
      }
      continue;
    }
    Buffer buffer = parse_buffer_type(name, type, true);
    Meaning meaning;
    if (buffer) {
      meaning = buffer;
      params.emplace_back(buffer);
    }
    declare(std::string(name.text), loc_of(name), meaning, Level::Item);
  } while (take(","));
  expect(")");
  return params;
}

Expr Parser::symbol(const std::string& name, const Loc& loc) {
  Var var(name, kIndex, loc);
  declare(name, loc, var, Level::Item);
  return var;
}

std::vector<Expr> Parser::parse_shape(bool symbols) {
  std::vector<Expr> exprs;
  expect("[");
  if (take("]")) return exprs;
  in_shape_ = symbols;
  do {
    exprs.push_back(settle(parse_expr()));
  } while (take(","));
  in_shape_ = false;
  expect("]");
  return exprs;
}

Buffer Parser::parse_buffer_type(const Token& name, DType type, bool is_param) {
  Loc loc = loc_of(name);
  std::string text(name.text);
  std::vector<Expr> shape = parse_shape(is_param), strides;
  MemorySpace space = MemorySpace::Global;
  int alignment = 0;
  bool has_strides = false, has_align = false, has_space = false, ok = true;
  auto once = [&](bool& seen, const char* what) {
    if (seen) error("parse", here(), std::string(what) + " of `" + text + "` is given twice");
    seen = true;
  };
  for (;;) {
    if (cur_.is("strided")) {
      once(has_strides, "layout");
      Loc at = here();
      advance();
      if (!is_param) {
        error("parse", at, "`strided` is for parameters: nothing gives this buffer its strides",
              "write the strides: strides [n, 1]");
        ok = false;
        continue;
      }
      strides.clear();
      for (size_t d = 0; d + 1 < shape.size(); ++d) {
        std::string stride = text + ".stride" + std::to_string(d);
        const Binding* known = find(stride);
        auto* var = known ? std::get_if<Var>(&known->meaning) : nullptr;
        strides.push_back(var ? Expr(*var) : symbol(stride, loc));
      }
      if (!shape.empty()) strides.push_back(Expr(1));
    } else if (cur_.is("strides")) {
      once(has_strides, "layout");
      Loc at = here();
      advance();
      strides = parse_shape(is_param);
      if (strides.size() != shape.size()) {
        error("type-mismatch", at,
              "buffer `" + text + "` has " + std::to_string(shape.size()) + " dimensions, but " +
                  std::to_string(strides.size()) + " strides");
        ok = false;
      }
    } else if (cur_.is("align")) {
      once(has_align, "alignment");
      advance();
      Loc at = here();
      int64_t bytes = expect_integer("an alignment in bytes");
      if (bytes < 1 || bytes > 4096 || (bytes & (bytes - 1)) != 0) {
        error("parse", at,
              "alignment " + std::to_string(bytes) + " is no power of two from 1 to 4096");
        ok = false;
      } else {
        alignment = static_cast<int>(bytes);
      }
    } else if (cur_.is("in")) {
      once(has_space, "memory space");
      advance();
      if (cur_.kind == TokenKind::Name && cur_.text == "global") {
        space = MemorySpace::Global;
      } else if (cur_.kind == TokenKind::Name && cur_.text == "shared") {
        space = MemorySpace::Shared;
      } else if (cur_.kind == TokenKind::Name && cur_.text == "private") {
        space = MemorySpace::Private;
      } else {
        expected("a memory space: global, shared or private");
      }
      advance();
    } else {
      break;
    }
  }
  for (const Expr& extent : shape) ok &= bool(extent);
  for (const Expr& stride : strides) ok &= bool(stride);
  if (!ok) return {};
  return guarded([&] {
    return Buffer::make(text, type, std::move(shape), std::move(strides), space, alignment, loc);
  });
}

// The block of an item. A run of imports at its start goes to `imports`, if given; a `;` ends it.
Stmt Parser::parse_item_body(std::vector<Import>* imports) {
  Loc open = here();
  expect("{");
  std::vector<Stmt> stmts;
  while (imports && cur_.is("import")) {
    size_t begin = cur_.offset;
    try {
      if (Import import = parse_import()) imports->push_back(std::move(import));
    } catch (const SyntaxError&) {
      recover_stmt(begin);
    }
  }
  return parse_block_rest(open, std::move(stmts));
}

void Parser::parse_intrin() {
  Intrinsic intrinsic;
  intrinsic.loc = here();
  advance();
  Token name = expect_name("a name for the intrinsic");
  intrinsic.name = name.text;
  check_item_name(name, false);
  Scope scope(*this);
  if (take("<")) {
    do {
      Token constant = expect_name("a template parameter");
      Var var = Var::constant(std::string(constant.text), loc_of(constant));
      declare(std::string(constant.text), loc_of(constant), var, Level::Item);
      intrinsic.constants.push_back(var);
    } while (take(","));
    expect(">");
  }
  intrinsic.params = parse_params();
  // What its rows may name.
  auto& meanings = intrinsics_[intrinsic.name];
  meanings.clear();
  for (const std::string& declared : scopes_.back()) {
    meanings.emplace_back(declared, *find(declared));
  }
  intrinsic.body = parse_item_body(nullptr);
  if (intrinsic.body) program_.items.emplace_back(std::move(intrinsic));
}

void Parser::parse_implement() {
  Implement row;
  row.loc = here();
  advance();
  Token name = expect_name("the name of an intrinsic");
  row.intrinsic = name.text;
  auto known = intrinsics_.find(row.intrinsic);
  if (known == intrinsics_.end()) {
    std::vector<std::string> names;
    for (const auto& [intrinsic, meanings] : intrinsics_) names.push_back(intrinsic);
    auto near = nearest_names(row.intrinsic, names, 1);
    error("undeclared", loc_of(name), "intrinsic `" + row.intrinsic + "` is not declared",
          near.empty() ? "an intrinsic stands before its `implement` rows"
                       : "did you mean `" + near[0] + "`?");
    unknown_names_ = true;
  }
  if (take("<")) {
    do {
      row.constants.push_back(expect_integer("an integer"));
    } while (take(","));
    expect(">");
  }
  if (!cur_.is("for")) expected("`for`", "say where: implement NAME<...> for x86_64(avx2) { ... }");
  advance();
  row.target = parse_predicate();
  Scope scope(*this);
  if (known != intrinsics_.end()) {
    for (const auto& [declared, binding] : known->second) {
      names_[declared].push_back(binding);
      scopes_.back().push_back(declared);
    }
  }
  row.body = parse_item_body(&row.imports);
  if (row.body && known != intrinsics_.end()) program_.items.emplace_back(std::move(row));
}

void Parser::parse_func() {
  Function function;
  function.loc = here();
  advance();
  Token name = expect_name("a name for the function");
  function.name = name.text;
  bool exported = file_.get() == program_file_;
  if (exported) check_item_name(name, true);
  Scope scope(*this);
  function.params = parse_params();
  KnownFunction known{{}, file_.get()};
  for (const std::string& declared : scopes_.back()) {
    known.names.emplace_back(declared, *find(declared));
  }
  functions_[function.name] = std::move(known);
  function.body = parse_item_body(&function.imports);
  // An included file's functions are read, so that its faults are told, but belong to it.
  if (function.body && exported) program_.items.emplace_back(std::move(function));
}

}  // namespace inlay::text
