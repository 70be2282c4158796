// Parser: schedules and their steps, and `include`.
#include <algorithm>
#include <filesystem>

#include "core/target_facts.h"
#include "core/text/parser.h"

namespace inlay::text {

namespace {

constexpr size_t kDeepestInclude = 64;

}  // namespace

// ---- words of a step ----

std::string Parser::step_loop() {
  std::string name(expect_name("a loop").text);
  if (!take("#")) return name;
  Loc at = here();
  int64_t number = expect_integer("a number: `i#2` is the second loop called i");
  if (number < 1) error("parse", at, "loops of one name are counted from 1");
  return name + "#" + std::to_string(number);
}

void Parser::step_loops(std::vector<std::string>& loops) {
  do {
    loops.push_back(step_loop());
  } while (take(","));
}

bool Parser::take_word(std::string_view word) {
  bool is_word = cur_.kind == TokenKind::Name || cur_.kind == TokenKind::Keyword;
  if (!is_word || cur_.text != word) return false;
  advance();
  return true;
}

void Parser::expect_word(std::string_view word) {
  if (!take_word(word)) expected("`" + std::string(word) + "`");
}

StepNumber Parser::step_number(const char* what) {
  StepNumber number;
  number.loc = here();
  if (cur_.kind == TokenKind::Name) {
    number.name = cur_.text;
    advance();
  } else {
    number.value = expect_integer(what);
  }
  return number;
}

void Parser::step_place(ScheduleStep& step) {
  for (;;) {
    Loc at = here();
    if (take_word("align")) {
      if (step.alignment) error("parse", at, "the alignment is given twice");
      step.alignment = step_number("an alignment in bytes");
    } else if (take_word("in")) {
      if (step.space) error("parse", at, "the memory space is given twice");
      for (MemorySpace space : {MemorySpace::Global, MemorySpace::Shared, MemorySpace::Private}) {
        if (cur_.text == to_string(space)) step.space = space;
      }
      if (!step.space) expected("a memory space: global, shared or private");
      advance();
    } else if (step.kind != StepKind::Stage) {
      return;
    } else if (take_word("pad")) {
      step.pad = true;
    } else if (take_word("transposed")) {
      step.transposed = true;
    } else if (take_word("by")) {
      if (step.width) error("parse", at, "the width is given twice");
      step.width = step_number("how many elements are copied at once");
    } else if (take_word("pitch")) {
      if (step.pitch) error("parse", at, "the pitch is given twice");
      step.pitch = step_number("a number of elements");
    } else {
      return;
    }
  }
}

void Parser::step_factor(ScheduleStep& step) {
  if (cur_.text == "even" && peek().is("(")) {
    advance();
    advance();
    step.even = true;
    step.numbers.push_back(step_number("the size of a block"));
    if (take(",")) step.numbers.push_back(step_number("a multiple"));
    expect(")");
  } else {
    step.numbers.push_back(step_number("a factor"));
  }
}

// ---- steps ----

ScheduleStep Parser::parse_step() {
  ScheduleStep step;
  step.loc = here();
  const std::vector<std::string>& words = step_words();
  auto word = std::find(words.begin(), words.end(), cur_.text);
  if (word == words.end()) {
    std::string help = did_you_mean(nearest_names(cur_.text, words, 1));
    if (cur_.text == "require") help = "`require` stands before the first step";
    if (help.empty()) {
      for (const std::string& each : words) help += (help.empty() ? "steps are: " : ", ") + each;
    }
    expected("a step", help);
  }
  advance();
  step.kind = static_cast<StepKind>(word - words.begin());
  auto new_name = [&](const char* what = "a name") {
    step.names.emplace_back(expect_name(what).text);
  };
  switch (step.kind) {
    case StepKind::Set:
      step.object = expect_name("a name").text;
      expect("=");
      step.numbers.push_back(step_number("a number"));
      break;
    case StepKind::Split:
      step.loops.push_back(step_loop());
      expect_word("by");
      step_factor(step);
      expect_word("into");
      new_name();
      expect(",");
      new_name();
      if (take_word("tail")) {
        const Tail tails[] = {Tail::Perfect, Tail::Guard, Tail::Bound, Tail::Peel};
        auto tail = std::find_if(std::begin(tails), std::end(tails),
                                 [&](Tail each) { return cur_.text == to_string(each); });
        if (tail == std::end(tails)) expected("perfect, guard, bound or peel");
        step.tail = *tail;
        advance();
      }
      break;
    case StepKind::Fuse:
      step.loops.push_back(step_loop());
      expect(",");
      step.loops.push_back(step_loop());
      expect_word("into");
      new_name();
      break;
    case StepKind::Reorder:
    case StepKind::Whole:
      step_loops(step.loops);
      break;
    case StepKind::Unroll:
    case StepKind::Vectorize:
    case StepKind::Parallel:
    case StepKind::InlineCall:
    case StepKind::Pipeline:
      step.loops.push_back(step_loop());
      break;
    case StepKind::Bind:
      step.loops.push_back(step_loop());
      expect_word("to");
      if (!cur_.is("grid") && !cur_.is("lane")) expected("grid(x|y|z) or lane(x|y|z)");
      step.bound = parse_for_kind();
      break;
    case StepKind::Barrier:
      step.after = take_word("after");
      if (!step.after && !take_word("before")) expected("before or after");
      step.loops.push_back(step_loop());
      break;
    case StepKind::Fission:
      step_loops(step.loops);
      step.after = take_word("after");
      if (!step.after) expect_word("before");
      step.loops.push_back(step_loop());
      if (take_word("suffix")) new_name("a suffix");
      break;
    case StepKind::Sink:
      expect_word("into");
      step.loops.push_back(step_loop());
      break;
    case StepKind::Peel:
      step.loops.push_back(step_loop());
      expect_word("for");
      step.loops.push_back(step_loop());
      break;
    case StepKind::Specialize:
      step.loops.push_back(step_loop());
      expect_word("for");
      step_loops(step.loops);
      break;
    case StepKind::Hoist:
      step.object = expect_name("an allocation or a `let`").text;
      expect_word("out");
      expect_word("of");
      step.loops.push_back(step_loop());
      break;
    case StepKind::Pack:
    case StepKind::Stage:
      step.object = expect_name("a buffer").text;
      expect_word("at");
      step.loops.push_back(step_loop());
      expect_word("as");
      new_name();
      if (step.kind == StepKind::Pack) {
        expect("[");
        step_loops(step.loops);
        expect("]");
        if (take_word("pad")) step_loops(step.padded);
      }
      step_place(step);
      break;
    case StepKind::Tensorize:
      step.loops.push_back(step_loop());
      if (take_word("to")) step.loops.push_back(step_loop());
      expect_word("as");
      step.object = expect_name("an intrinsic").text;
      if (take("<")) {
        do {
          step.numbers.push_back(step_number("a constant"));
        } while (take(","));
        expect(">");
      }
      if (take_word("edge")) {
        if (take_word("pad")) {
          step.edge = Edge::Pad;
        } else if (!take_word("whole")) {
          expected("whole or pad");
        }
      }
      break;
    case StepKind::Pragma:
      step.loops.push_back(step_loop());
      if (take_word("unroll")) {
        step.numbers.push_back(step_number("how often"));
      } else if (take_word("prefetch")) {
        step.object = expect_name("a buffer").text;
        expect_word("ahead");
        step.numbers.push_back(step_number("a number of iterations"));
        step.write = take_word("write");
        if (take_word("into")) step.level = parse_cache_level();
      } else if (cur_.is("import")) {
        step.import = parse_import();
        if (!step.import) throw SyntaxError{};
      } else {
        expected("import, unroll or prefetch");
      }
      break;
  }
  return step;
}

// To the next line that begins with a step, `}` or the end.
void Parser::recover_step(size_t begin) {
  const std::vector<std::string>& words = step_words();
  auto resumes = [&] {
    if (cur_.offset == begin || !cur_.first_on_line) return false;
    return cur_.text == "func" || cur_.text == "intrin" || cur_.text == "schedule" ||
           cur_.text == "require" ||
           std::find(words.begin(), words.end(), cur_.text) != words.end();
  };
  while (cur_.kind != TokenKind::End && !cur_.is("}") && !resumes()) advance();
  if (cur_.is("func") || cur_.is("intrin") || cur_.is("schedule")) throw SyntaxError{};
}

// Up to `}` or the end.
void Parser::parse_steps(std::vector<ScheduleStep>& steps) {
  while (cur_.kind != TokenKind::End && !cur_.is("}")) {
    if (take(";")) continue;
    size_t begin = cur_.offset;
    try {
      steps.push_back(parse_step());
    } catch (const SyntaxError&) {
      recover_step(begin);
    }
  }
}

std::vector<ScheduleStep> Parser::run_steps(Diagnostics& diagnostics) {
  std::vector<ScheduleStep> steps;
  try {
    Scope scope(*this);
    cur_ = lexer_.next();
    parse_steps(steps);
    if (cur_.is("}")) expected("a step");
  } catch (const SyntaxError&) {
  } catch (const TooMany&) {
  }
  diagnostics = std::move(diagnostics_);
  return steps;
}

// ---- the item ----

// Behind a predicate: `(` NAME `=`, or `()`, begins the list of parameters, where features might
// stand too. Features are no tokens (sse4.2), so it is the next byte that tells.
bool Parser::at_schedule_params() {
  if (!cur_.is("(") || peek().kind != TokenKind::Name) return cur_.is("(") && peek().is(")");
  const std::string& text = file_->text();
  size_t at = text.find_first_not_of(" \t\r\n", peek().offset + peek().text.size());
  return at != std::string::npos && std::string_view(",).-").find(text[at]) == std::string::npos;
}

// A call of the model of cache blocks stands for the expression over the target's facts that it is.
Value Parser::parse_blis() {
  Token name = cur_;
  advance();
  expect("(");
  auto args = settle_all(parse_list(")"));
  if (!args) return {};
  if (args->size() != *blis_arity(name.text)) {
    error("type-mismatch", loc_of(name),
          "`" + std::string(name.text) + "` takes " + std::to_string(*blis_arity(name.text)) +
              " numbers, found " + std::to_string(args->size()));
    return {};
  }
  for (const Expr& arg : *args) {
    bool plain = arg.type() == kIndex && (as_int(arg) || arg.as<VarNode>());
    if (plain) continue;
    error("type-mismatch", place_of(arg, loc_of(name)),
          "an argument of `" + std::string(name.text) + "` is a number or a parameter",
          "make it a parameter of its own, before this one");
    return {};
  }
  return {blis_call(name.text, *args), Value::Fixed};
}

void Parser::parse_schedule() {
  ScheduleItem item;
  item.loc = here();
  advance();
  Token name = expect_name("the name of a function");
  item.function = name.text;
  auto known = functions_.find(item.function);
  if (known == functions_.end()) {
    std::vector<std::string> names;
    for (const auto& [function, binding] : functions_) names.push_back(function);
    auto near = nearest_names(item.function, names, 1);
    error("undeclared", loc_of(name), "function `" + item.function + "` is not declared",
          near.empty() ? "a function stands before its schedules" : did_you_mean(near));
    unknown_names_ = true;
  }
  if (take("for")) item.target = parse_predicate(true);
  Scope scope(*this);
  if (known != functions_.end()) {
    for (const auto& [declared, binding] : known->second.names) {
      names_[declared].push_back(binding);
      scopes_.back().push_back(declared);
    }
  }
  in_schedule_ = true;
  if (cur_.is("(")) {
    advance();
    while (!take(")")) {
      Token param = expect_name("a parameter of the schedule");
      expect("=");
      Expr value = settle(parse_expr());
      Var var = Var::constant(std::string(param.text), loc_of(param));
      // A parameter of the function may have a name of the program's, one of the schedule not:
      // `--set` could mean both.
      declare(std::string(param.text), loc_of(param), var, Level::Local);
      item.params.push_back({var, value});
      if (!cur_.is(")")) expect(",");
    }
  }
  if (take_word("when")) item.condition = settle(parse_expr());
  in_schedule_ = false;
  expect("{");
  while (cur_.is(";") || at_require()) {
    if (take(";")) continue;
    size_t begin = cur_.offset;
    try {
      if (auto requirement = parse_require()) item.requirements.push_back(std::move(*requirement));
    } catch (const SyntaxError&) {
      recover_step(begin);
    }
  }
  parse_steps(item.steps);
  if (!take("}")) expected("a step or `}`", "the schedule's `{` is not closed");
  bool dropped = known == functions_.end() || known->second.file != program_file_;
  for (const ScheduleParam& param : item.params) dropped |= !param.value;
  if (!dropped) program_.items.emplace_back(std::move(item));
}

// ---- include ----

void Parser::parse_include() {
  Loc loc = here();
  advance();
  Loc path_loc = here();
  if (cur_.kind == TokenKind::RawString) expected("a path", "a path stands in quotes: \"...\"");
  std::string written = expect_string("the path of a .inlay file");
  namespace fs = std::filesystem;
  auto fail = [&](std::string message, std::string help = "") -> Diagnostic& {
    return error("include", path_loc, std::move(message), std::move(help));
  };
  if (written.empty() || written.find('\0') != std::string::npos) {
    fail(written.empty() ? "the path is empty" : "the path holds a NUL byte");
    return;
  }
  if (!reader_) {
    fail("`" + written + "` can't be included: this text was given without access to files",
         "load it as a file");
    return;
  }
  fs::path path(written);
  if (path.is_relative()) path = fs::path(directory_) / path;
  path = path.lexically_normal();
  std::error_code failed;
  std::string identity = fs::weakly_canonical(path, failed).string();
  if (failed) identity = path.string();

  for (const Including& open : including_) {
    if (open.identity != identity) continue;
    Diagnostic& told = fail("`" + written + "` includes itself, by way of this line",
                            "move what both files need into a third");
    for (const Including& each : including_) {
      if (each.from) {
        told.notes.push_back({Severity::Note,
                              "",
                              "`" + each.path + "` is included here",
                              each.from,
                              "",
                              "",
                              "",
                              {}});
      }
    }
    return;
  }
  auto [before, first] = including_.back().included.emplace(identity, loc);
  if (!first) {
    Diagnostic& told = fail("`" + written + "` is included already", "one line is enough");
    told.notes.push_back(
        {Severity::Note, "", "first included here", before->second, "", "", "", {}});
    return;
  }
  // Two files may need a third: it is read once.
  if (!read_already_.insert(identity).second) return;
  if (including_.size() > kDeepestInclude) {
    fail("files include each other more than " + std::to_string(kDeepestInclude) + " levels deep");
    return;
  }
  std::string text;
  try {
    text = reader_(path.string());
  } catch (const CompileError& error) {
    fail("can't include `" + written + "`: " + error.diagnostics().front().message,
         "a relative path starts at the folder of the file that names it: " + path.string());
    return;
  }
  program_.included.push_back(path.string());
  including_.push_back({identity, path.string(), loc, {}});

  Ref<const SourceFile> outer_file = file_;
  std::string outer_directory = directory_;
  Lexer outer_lexer = lexer_;
  Token outer_cur = cur_;
  std::optional<Token> outer_ahead = ahead_;
  size_t outer_reported = reported_up_to_;
  bool outer_braces = braces_told_;
  // The functions of an included file are that file's own.
  auto outer_functions = functions_;

  file_ = Ref<const SourceFile>(new SourceFile(path.string(), std::move(text)));
  directory_ = path.parent_path().string();
  braces_told_ = false;
  reported_up_to_ = 0;
  lexer_ = Lexer(file_->text(), &sink_, &reported_up_to_);
  ahead_.reset();
  parse_file();
  functions_ = std::move(outer_functions);
  file_ = outer_file;
  directory_ = outer_directory;
  lexer_ = outer_lexer;
  cur_ = outer_cur;
  ahead_ = outer_ahead;
  reported_up_to_ = outer_reported;
  braces_told_ = outer_braces;
  including_.pop_back();
}

}  // namespace inlay::text

namespace inlay {

std::vector<ScheduleStep> parse_steps(std::string text, std::string path) {
  Diagnostics diagnostics;
  std::vector<ScheduleStep> steps =
      text::Parser(std::move(text), std::move(path), {}).run_steps(diagnostics);
  diagnostics.throw_if_errors();
  return steps;
}

}  // namespace inlay
