#include "core/schedule/steps.h"

#include <algorithm>
#include <functional>

namespace inlay {

namespace {

enum class TokenKind : uint8_t { Word, Number, Sign, End };

struct Token {
  TokenKind kind{};
  std::string text;
  int64_t number = 0;
  Loc loc;
};

[[noreturn]] void syntax_error(const Loc& loc, const std::string& message,
                               const std::string& help = "") {
  throw CompileError("parse", loc, message, help);
}

bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Words may have parts joined by dots (`b_packed.jp`) and end in a number of appearance (`i#2`).
std::vector<Token> tokenize(const Ref<const SourceFile>& file) {
  std::vector<Token> tokens;
  const std::string& text = file->text();
  uint32_t line = 1;
  size_t line_start = 0, at = 0;
  auto loc = [&](size_t position) {
    return Loc{file, line, static_cast<uint32_t>(position - line_start + 1)};
  };
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n') {
      ++line;
      line_start = ++at;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == ';') {
      ++at;
    } else if (c == '/' && at + 1 < text.size() && text[at + 1] == '/') {
      while (at < text.size() && text[at] != '\n') ++at;
    } else if (starts_word(c)) {
      size_t start = at;
      while (at < text.size() &&
             (starts_word(text[at]) || is_digit(text[at]) || text[at] == '.' || text[at] == '#')) {
        ++at;
      }
      tokens.push_back({TokenKind::Word, text.substr(start, at - start), 0, loc(start)});
    } else if (is_digit(c)) {
      size_t start = at;
      int64_t number = 0;
      for (; at < text.size() && is_digit(text[at]); ++at) {
        if (__builtin_mul_overflow(number, int64_t{10}, &number) ||
            __builtin_add_overflow(number, int64_t{text[at] - '0'}, &number)) {
          syntax_error(loc(start), "this number does not fit into an index");
        }
      }
      tokens.push_back({TokenKind::Number, text.substr(start, at - start), number, loc(start)});
    } else if (std::string("(),<>[]=").find(c) != std::string::npos) {
      tokens.push_back({TokenKind::Sign, std::string(1, c), 0, loc(at)});
      ++at;
    } else {
      unsigned char byte = static_cast<unsigned char>(c);
      bool shown = byte > 0x20 && byte < 0x7f;
      syntax_error(loc(at), shown ? std::string("a step can't contain `") + c + "`"
                                  : "a step can't contain this character");
    }
  }
  tokens.push_back({TokenKind::End, "", 0, loc(at)});
  return tokens;
}

class StepReader {
 public:
  StepReader(Schedule& schedule, std::vector<Token> tokens, std::map<std::string, int64_t> values)
      : schedule_(schedule), tokens_(std::move(tokens)), values_(std::move(values)) {}

  void run() {
    while (peek().kind != TokenKind::End) {
      Loc loc = peek().loc;
      std::function<void()> step = read_step();
      try {
        step();
      } catch (const CompileError& error) {
        std::vector<Diagnostic> diagnostics = error.diagnostics();
        diagnostics.front().notes.push_back(
            {Severity::Note, "", "in this step", loc, "", "", "", {}});
        throw CompileError(std::move(diagnostics));
      }
    }
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  Token take() {
    Token token = tokens_[at_];
    if (token.kind != TokenKind::End) ++at_;
    return token;
  }
  static std::string shown(const Token& token) {
    return token.kind == TokenKind::End ? "the end" : "`" + token.text + "`";
  }
  bool accept(const std::string& text) {
    if (peek().kind == TokenKind::End || peek().text != text) return false;
    ++at_;
    return true;
  }
  void expect(const std::string& text) {
    if (!accept(text)) {
      syntax_error(peek().loc, "expected `" + text + "`, found " + shown(peek()));
    }
  }
  std::string word(const char* what) {
    Token token = take();
    if (token.kind != TokenKind::Word) {
      syntax_error(token.loc, std::string("expected ") + what + ", found " + shown(token));
    }
    return token.text;
  }
  std::vector<std::string> words(const char* what) {
    std::vector<std::string> list{word(what)};
    while (accept(",")) list.push_back(word(what));
    return list;
  }
  // A number, or a name that stands for one.
  int64_t number(const char* what) {
    Token token = take();
    if (token.kind == TokenKind::Number) return token.number;
    if (token.kind == TokenKind::Word) {
      auto known = values_.find(token.text);
      if (known != values_.end()) return known->second;
      std::vector<std::string> names;
      for (auto& [name, value] : values_) names.push_back(name);
      auto nearest = nearest_names(token.text, names);
      syntax_error(token.loc, "`" + token.text + "` is no parameter of the schedule",
                   nearest.empty() ? "" : "did you mean `" + nearest[0] + "`?");
    }
    syntax_error(token.loc, std::string("expected ") + what + ", found " + shown(token));
  }

  Factor factor() {
    if (accept("even")) {
      expect("(");
      int64_t most = number("the size of a block");
      int64_t multiple = accept(",") ? number("a multiple") : 1;
      expect(")");
      // 0 would read as "no such limit".
      if (most < 1) syntax_error(peek().loc, "a block has at least one iteration");
      return Factor::even(most, multiple);
    }
    if (peek().kind == TokenKind::Word && !values_.count(peek().text)) {
      return Factor::symbol(take().text);
    }
    return Factor(number("a factor"));
  }

  MemorySpace space() {
    Token token = take();
    for (MemorySpace each : {MemorySpace::Global, MemorySpace::Shared, MemorySpace::Private}) {
      if (token.text == to_string(each)) return each;
    }
    syntax_error(token.loc, "expected global, shared or private, found " + shown(token));
  }

  template <typename Spec>
  void placement(Spec& spec) {
    while (true) {
      if (accept("align")) {
        Loc loc = peek().loc;
        int64_t bytes = number("an alignment");
        if (bytes < 0 || bytes > 4096 || (bytes & (bytes - 1))) {
          syntax_error(loc, "an alignment is a power of two of at most 4096");
        }
        spec.alignment = static_cast<int>(bytes);
      } else if (accept("in")) {
        spec.space = space();
      } else {
        return;
      }
    }
  }

  std::function<void()> read_step() {
    Token head = take();
    if (head.text == "split") {
      std::string loop = word("a loop");
      expect("by");
      Factor by = factor();
      expect("into");
      std::string outer = word("a name");
      expect(",");
      std::string inner = word("a name");
      Tail tail = Tail::Bound;
      if (accept("tail")) {
        Token name = take();
        const std::pair<const char*, Tail> tails[] = {{"perfect", Tail::Perfect},
                                                      {"guard", Tail::Guard},
                                                      {"bound", Tail::Bound},
                                                      {"peel", Tail::Peel}};
        auto found = std::find_if(std::begin(tails), std::end(tails),
                                  [&](auto& row) { return name.text == row.first; });
        if (found == std::end(tails)) {
          syntax_error(name.loc, "expected perfect, guard, bound or peel, found " + shown(name));
        }
        tail = found->second;
      }
      return [=, this] { schedule_.split(loop, by, outer, inner, tail); };
    }
    if (head.text == "reorder") {
      auto loops = words("a loop");
      return [=, this] { schedule_.reorder(loops); };
    }
    if (head.text == "fuse") {
      std::string outer = word("a loop");
      expect(",");
      std::string inner = word("a loop");
      expect("into");
      std::string name = word("a name");
      return [=, this] { schedule_.fuse(outer, inner, name); };
    }
    if (head.text == "unroll" || head.text == "vectorize" || head.text == "parallel") {
      std::string loop = word("a loop");
      if (head.text == "unroll") return [=, this] { schedule_.unroll(loop); };
      if (head.text == "vectorize") return [=, this] { schedule_.vectorize(loop); };
      return [=, this] { schedule_.parallel(loop); };
    }
    if (head.text == "fission") {
      auto loops = words("a loop");
      expect("before");
      std::string before = word("a loop");
      std::string suffix = accept("suffix") ? word("a suffix") : "_0";
      return [=, this] { schedule_.fission(loops, before, suffix); };
    }
    if (head.text == "sink") {
      expect("into");
      std::string loop = word("a loop");
      return [=, this] { schedule_.sink(loop); };
    }
    if (head.text == "peel") {
      std::string loop = word("a loop");
      expect("for");
      std::string inner = word("a loop");
      return [=, this] { schedule_.peel(loop, inner); };
    }
    if (head.text == "specialize") {
      std::string loop = word("a loop");
      expect("for");
      auto whole = words("a loop");
      return [=, this] { schedule_.specialize(loop, whole); };
    }
    if (head.text == "hoist") {
      std::string name = word("an allocation or a `let`");
      expect("out");
      expect("of");
      std::string loop = word("a loop");
      return [=, this] { schedule_.hoist(name, loop); };
    }
    if (head.text == "inline_call") {
      std::string loop = word("a loop");
      return [=, this] { schedule_.inline_call(loop); };
    }
    if (head.text == "pack") {
      Pack spec;
      spec.buffer = word("a buffer");
      expect("at");
      spec.at = word("a loop");
      expect("as");
      spec.name = word("a name");
      expect("[");
      spec.dims = words("a loop");
      expect("]");
      if (accept("pad")) spec.padded = words("a loop");
      placement(spec);
      return [=, this] { schedule_.pack(spec); };
    }
    if (head.text == "stage") {
      Stage spec;
      spec.buffer = word("a buffer");
      expect("at");
      spec.at = word("a loop");
      expect("as");
      spec.name = word("a name");
      placement(spec);
      return [=, this] { schedule_.stage(spec); };
    }
    if (head.text == "tensorize") {
      std::string loop = word("a loop");
      expect("as");
      std::string intrinsic = word("an intrinsic");
      std::vector<int64_t> constants;
      if (accept("<")) {
        do {
          constants.push_back(number("a constant"));
        } while (accept(","));
        expect(">");
      }
      Edge edge = Edge::Whole;
      if (accept("edge")) {
        if (accept("pad")) {
          edge = Edge::Pad;
        } else {
          expect("whole");
        }
      }
      return [=, this] { schedule_.tensorize(loop, intrinsic, constants, edge); };
    }
    if (head.text == "set") {
      std::string name = word("a name");
      expect("=");
      values_.try_emplace(name, number("a number"));
      return [] {};
    }
    const std::vector<std::string> steps = {
        "split", "reorder",    "fuse",  "unroll",      "vectorize", "parallel",  "fission", "sink",
        "peel",  "specialize", "hoist", "inline_call", "pack",      "tensorize", "stage",   "set"};
    auto nearest = nearest_names(head.text, steps);
    std::string all;
    for (const std::string& step : steps) all += (all.empty() ? "" : ", ") + step;
    syntax_error(head.loc, "expected a step, found " + shown(head),
                 nearest.empty() ? "steps are: " + all : "did you mean `" + nearest[0] + "`?");
  }

  Schedule& schedule_;
  std::vector<Token> tokens_;
  std::map<std::string, int64_t> values_;
  size_t at_ = 0;
};

}  // namespace

void apply_steps(Schedule& schedule, const std::string& text, const std::string& path,
                 std::map<std::string, int64_t> values) {
  Ref<const SourceFile> file(new SourceFile(path, text));
  StepReader(schedule, tokenize(file), std::move(values)).run();
}

}  // namespace inlay
