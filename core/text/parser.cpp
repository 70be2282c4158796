// Parser: tokens, names, faults, and the way back after a fault. Grammar: parser_*.cpp.
#include "core/text/parser.h"

#include <algorithm>
#include <filesystem>

#include "core/target_facts.h"

namespace inlay::text {

Parser::Parser(std::string text, std::string path, SourceReader reader)
    : file_(new SourceFile(std::move(path), std::move(text))),
      program_file_(file_.get()),
      reader_(std::move(reader)),
      sink_([this](uint32_t line, uint32_t column, std::string message, std::string help) {
        error("parse", {file_, line, column}, std::move(message), std::move(help));
      }),
      lexer_(file_->text(), &sink_, &reported_up_to_) {
  std::filesystem::path where(file_->path());
  directory_ = where.parent_path().string();
  program_.name = where.stem().string();
  std::error_code failed;
  std::filesystem::path identity = std::filesystem::weakly_canonical(where, failed);
  including_.push_back({failed ? file_->path() : identity.string(), file_->path(), {}, {}});
}

ParseResult Parser::run() {
  try {
    Scope scope(*this);
    parse_file();
  } catch (const TooMany&) {
    diagnostics_.add({Severity::Note,
                      "too-many-errors",
                      "reading stopped here: more than " + std::to_string(kGiveUpAfter) + " errors",
                      here(),
                      "",
                      "",
                      "",
                      {}});
  }
  return {std::move(program_), std::move(diagnostics_)};
}

void Parser::parse_file() {
  size_t bad = find_bad_byte(file_->text());
  if (bad != std::string::npos) {
    const std::string& text = file_->text();
    auto line = static_cast<uint32_t>(1 + std::count(text.begin(), text.begin() + bad, '\n'));
    size_t newline = bad == 0 ? std::string::npos : text.rfind('\n', bad - 1);
    size_t start = newline == std::string::npos ? 0 : newline + 1;
    error("encoding", {file_, line, static_cast<uint32_t>(bad - start + 1)},
          text[bad] ? "file is not UTF-8" : "file holds a NUL byte",
          text[bad] ? "write other bytes as \\xHH in a string" : "write \\x00 in a string");
    cur_ = Token();
    return;
  }
  cur_ = lexer_.next();
  while (cur_.kind != TokenKind::End) parse_item();
}

void Parser::advance() {
  if (ahead_) {
    cur_ = *ahead_;
    ahead_.reset();
  } else {
    cur_ = lexer_.next();
  }
}

const Token& Parser::peek() {
  if (!ahead_) ahead_ = lexer_.next();
  return *ahead_;
}

// The faults of a token are told once, whoever reads it first.
Token Parser::peek_second() {
  peek();
  Lexer further = lexer_;
  return further.next();
}

bool Parser::take(std::string_view spelling) {
  if (!cur_.is(spelling)) return false;
  advance();
  return true;
}

void Parser::expect(std::string_view spelling) {
  if (!take(spelling)) expected("`" + std::string(spelling) + "`");
}

std::string Parser::describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::End:
      return "the end of the file";
    case TokenKind::String:
    case TokenKind::RawString:
      return "a string";
    case TokenKind::Keyword:
      return "the reserved word `" + std::string(token.text) + "`";
    case TokenKind::Type:
      return "the type `" + std::string(token.text) + "`";
    default:
      break;
  }
  std::string text(token.text.substr(0, 60));
  return "`" + text + (token.text.size() > 60 ? "...`" : "`");
}

Token Parser::expect_name(const char* what) {
  if (cur_.kind != TokenKind::Name) {
    bool reserved = cur_.kind == TokenKind::Keyword || cur_.kind == TokenKind::Type;
    expected(what, reserved ? "choose another name: this one is reserved" : "");
  }
  Token name = cur_;
  advance();
  return name;
}

std::string Parser::expect_string(const char* what, Loc* contents) {
  if (!is_string()) expected(what, "it stands in quotes: \"...\"");
  Token token = cur_;
  if (contents) {
    *contents = loc_of(token);
    size_t begin = string_contents_begin(token);
    contents->column += static_cast<uint32_t>(begin);
    if (begin > 3) {  // behind the newline that is no part of it
      contents->line += 1;
      contents->column = 1;
    }
  }
  std::string value = string_value(token, [&](size_t offset, std::string message) {
    Loc loc = loc_of(token);
    loc.column += static_cast<uint32_t>(offset);
    error("parse", loc, std::move(message));
  });
  advance();
  return value;
}

int64_t Parser::expect_integer(const char* what) {
  bool negative = cur_.is("-") && peek().kind == TokenKind::Number;
  if (negative) advance();
  if (cur_.kind != TokenKind::Number) expected(what);
  Number number = read_number(cur_.text);
  Loc loc = here();
  advance();
  uint64_t limit = uint64_t{1} << 63;
  if (!number.fault.empty()) {
    error("parse", loc, number.fault);
  } else if (number.is_float || !(number.suffix.is_void() || number.suffix == kIndex)) {
    error("parse", loc, "expected " + std::string(what) + ", an integer without suffix");
  } else if (number.magnitude > limit - (negative ? 0 : 1)) {
    error("parse", loc, "integer does not fit into 64 bits");
  } else {
    return static_cast<int64_t>(negative ? 0 - number.magnitude : number.magnitude);
  }
  return 1;
}

Diagnostic& Parser::error(std::string rule, const Loc& loc, std::string message, std::string help) {
  if (diagnostics_.error_count() >= kGiveUpAfter) throw TooMany{};
  return diagnostics_.error(std::move(rule), loc, std::move(message), std::move(help));
}

void Parser::syntax(std::string message, std::string help) {
  // An unterminated string is told by the lexer, and whatever follows from it is not.
  bool told = (is_string() && !cur_.terminated);
  if (!told) error("parse", here(), std::move(message), std::move(help));
  throw SyntaxError{};
}

void Parser::expected(const std::string& what, std::string help) {
  syntax("expected " + what + ", found " + describe(cur_), std::move(help));
}

void Parser::collect(const CompileError& fault) {
  for (const Diagnostic& diagnostic : fault.diagnostics()) {
    if (diagnostics_.error_count() >= kGiveUpAfter) throw TooMany{};
    diagnostics_.add(diagnostic);
  }
}

void Parser::declare(const std::string& name, const Loc& loc, Meaning meaning, Level level) {
  if (target_fact(name)) {
    error("reserved-name", loc,
          "`" + name + "` is a fact of the target, which schedules may ask for",
          "choose another name");
  }
  std::vector<Binding>& stack = names_[name];
  if (!stack.empty()) {
    const Binding& old = stack.back();
    bool hides_param = old.level == Level::Program && level == Level::Item;
    if (!hides_param) {
      Diagnostic& told = error("redeclared", loc, "`" + name + "` is declared already",
                               "choose another name: no declaration may hide another");
      if (old.loc)
        told.notes.push_back({Severity::Note, "", "first declared here", old.loc, "", "", "", {}});
    }
  }
  stack.push_back({std::move(meaning), loc, level});
  scopes_.back().push_back(name);
}

void Parser::pop_scope() {
  for (const std::string& name : scopes_.back()) {
    auto found = names_.find(name);
    found->second.pop_back();
    if (found->second.empty()) names_.erase(found);
  }
  scopes_.pop_back();
}

const Parser::Binding* Parser::find(std::string_view name) const {
  auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second.back();
}

std::vector<std::string> Parser::visible_names() const {
  std::vector<std::string> names;
  for (const auto& [name, stack] : names_) {
    if (!std::holds_alternative<std::monostate>(stack.back().meaning)) names.push_back(name);
  }
  if (in_schedule_) {
    names.insert(names.end(), target_fact_names().begin(), target_fact_names().end());
  }
  return names;
}

void Parser::undeclared(const Token& token, const char* what) {
  std::string name(token.text);
  if (unknown_names_ || !told_.insert(name).second) return;
  error("undeclared", loc_of(token), std::string(what) + " `" + name + "` is not declared",
        did_you_mean(nearest_names(name, visible_names())));
}

}  // namespace inlay::text

namespace inlay {

ParseResult parse_program(std::string text, std::string path, SourceReader reader) {
  return text::Parser(std::move(text), std::move(path), std::move(reader)).run();
}

}  // namespace inlay
