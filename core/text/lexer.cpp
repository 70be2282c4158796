#include "core/text/lexer.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

namespace inlay::text {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c);
}
bool is_beyond_ascii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

const std::unordered_set<std::string_view>& reserved_set() {
  static const std::unordered_set<std::string_view> set(reserved_words().begin(),
                                                        reserved_words().end());
  return set;
}

// Longest first.
constexpr std::string_view kPuncts[] = {
    "==", "!=", "<=", ">=", "<<", ">>", "&&", "||", "+=", "-=", "*=", "..",
    "(",  ")",  "[",  "]",  "{",  "}",  ",",  ";",  ":",  "=",  "<",  ">",
    "+",  "-",  "*",  "/",  "%",  "&",  "|",  "^",  "~",  "!",  "#"};

}  // namespace

const std::vector<std::string>& reserved_words() {
  static const std::vector<std::string> words = {
      "func",     "intrin", "implement", "import",   "param",    "for",    "in",         "if",
      "else",     "let",    "alloc",     "assert",   "barrier",  "call",   "asm",        "parallel",
      "unrolled", "grid",   "lane",      "strided",  "strides",  "align",  "vectorized", "true",
      "false",    "inline", "flags",     "may_call", "min",      "max",    "select",     "ramp",
      "stride",   "extent", "broadcast", "any",      "schedule", "include"};
  return words;
}

bool is_reserved_word(std::string_view text) {
  return reserved_set().count(text) != 0;
}

bool is_plain_name(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return false;
  for (size_t i = 1; i < text.size(); ++i) {
    bool joint = text[i] == '.' && i + 1 < text.size() && is_letter(text[i + 1]);
    if (!is_word(text[i]) && !joint) return false;
  }
  return !is_reserved_word(text) && !parse_dtype(text);
}

bool is_feature_name(std::string_view text) {
  if (text.empty()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    bool joint =
        (text[i] == '-' || text[i] == '.') && i > 0 && i + 1 < text.size() && is_word(text[i + 1]);
    if (!is_word(text[i]) && !joint) return false;
  }
  return true;
}

Lexer::Lexer(std::string_view text, Sink* sink, size_t* reported_up_to)
    : text_(text), sink_(sink), reported_up_to_(reported_up_to) {
  if (text_.substr(0, 3) == "\xef\xbb\xbf") pos_ = 3;  // a byte order mark says nothing here
}

void Lexer::fault(size_t offset, uint32_t line, uint32_t column, std::string message,
                  std::string help) {
  if (offset < *reported_up_to_) return;
  *reported_up_to_ = offset + 1;
  (*sink_)(line, column, std::move(message), std::move(help));
}

void Lexer::advance_lines(size_t end) {
  for (; pos_ < end; ++pos_) {
    if (text_[pos_] == '\n') {
      ++line_;
      line_start_ = pos_ + 1;
      first_on_line_ = true;
    }
  }
}

void Lexer::skip_blanks() {
  while (pos_ < text_.size()) {
    char c = text_[pos_];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v') {
      advance_lines(pos_ + 1);
    } else if (c == '/' && at(1) == '/') {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else if (c == '/' && at(1) == '*') {
      size_t begin = pos_, depth = 0;
      uint32_t line = line_, column = static_cast<uint32_t>(pos_ - line_start_ + 1);
      do {
        if (at() == '/' && at(1) == '*') {
          ++depth;
          pos_ += 2;
        } else if (at() == '*' && at(1) == '/') {
          --depth;
          pos_ += 2;
        } else {
          advance_lines(pos_ + 1);
        }
      } while (depth > 0 && pos_ < text_.size());
      if (depth > 0) {
        fault(begin, line, column, "comment is not closed", "close it with */; comments nest");
      }
    } else {
      return;
    }
  }
}

Token Lexer::token(TokenKind kind, size_t end) {
  Token made;
  made.kind = kind;
  made.offset = pos_;
  made.text = text_.substr(pos_, end - pos_);
  made.line = line_;
  made.column = static_cast<uint32_t>(pos_ - line_start_ + 1);
  made.first_on_line = first_on_line_;
  first_on_line_ = false;
  bool lines = kind == TokenKind::RawString;
  if (lines) {
    advance_lines(end);
    first_on_line_ = false;
  } else {
    pos_ = end;
  }
  return made;
}

size_t Lexer::name_end(size_t begin) const {
  size_t end = begin;
  while (end < text_.size()) {
    bool joint = text_[end] == '.' && end + 1 < text_.size() && is_letter(text_[end + 1]);
    if (!is_word(text_[end]) && !joint) break;
    ++end;
  }
  return end;
}

// A name with letters beyond ASCII is one fault, and one name for the parser.
size_t Lexer::checked_name_end() {
  size_t end = name_end(pos_);
  if (end == text_.size() || !is_beyond_ascii(text_[end])) return end;
  fault(end, line_, static_cast<uint32_t>(end - line_start_ + 1),
        "text outside comments and strings must be ASCII");
  while (end < text_.size() && (is_word(text_[end]) || is_beyond_ascii(text_[end]))) ++end;
  return end;
}

size_t Lexer::number_end(size_t begin) const {
  auto peek = [&](size_t i) { return i < text_.size() ? text_[i] : '\0'; };
  bool hex = peek(begin) == '0' && (peek(begin + 1) == 'x' || peek(begin + 1) == 'X');
  bool dot = false, exponent = false;
  size_t end = begin;
  while (end < text_.size()) {
    char c = text_[end], last = end > begin ? text_[end - 1] : '\0', next = peek(end + 1);
    if (c == '.') {
      bool digit = hex ? hex_digit(next) >= 0 : is_digit(next);
      if (dot || exponent || !digit) break;
      dot = true;
    } else if (c == '+' || c == '-') {
      bool mark = hex ? last == 'p' || last == 'P' : last == 'e' || last == 'E';
      if (!mark || exponent || !is_digit(next)) break;
      exponent = true;
    } else if (!is_word(c)) {
      break;
    }
    ++end;
  }
  return end;
}

Token Lexer::string_token() {
  size_t end = pos_ + 1;
  while (end < text_.size() && text_[end] != '"' && text_[end] != '\n') {
    end += text_[end] == '\\' && end + 1 < text_.size() && text_[end + 1] != '\n' ? 2 : 1;
  }
  bool closed = end < text_.size() && text_[end] == '"';
  Token made = token(TokenKind::String, closed ? end + 1 : end);
  made.terminated = closed;
  if (!closed) {
    fault(made.offset, made.line, made.column, "string is not closed",
          "close it with \" on its line; text over several lines stands in \"\"\"...\"\"\"");
  }
  return made;
}

Token Lexer::raw_string_token() {
  size_t close = text_.find("\"\"\"", pos_ + 3);
  bool closed = close != std::string_view::npos;
  Token made = token(TokenKind::RawString, closed ? close + 3 : text_.size());
  made.terminated = closed;
  if (!closed) {
    fault(made.offset, made.line, made.column, "raw string is not closed", "close it with \"\"\"");
  }
  return made;
}

Token Lexer::next() {
  for (;;) {
    skip_blanks();
    if (pos_ >= text_.size()) return token(TokenKind::End, pos_);
    char c = text_[pos_];
    if (is_letter(c) || is_beyond_ascii(c)) {
      Token made = token(TokenKind::Name, checked_name_end());
      if (is_reserved_word(made.text)) {
        made.kind = TokenKind::Keyword;
      } else if (auto type = parse_dtype(made.text)) {
        made.kind = TokenKind::Type;
        made.type = *type;
      }
      return made;
    }
    if (is_digit(c)) return token(TokenKind::Number, number_end(pos_));
    if (c == '"') {
      return at(1) == '"' && at(2) == '"' ? raw_string_token() : string_token();
    }
    for (std::string_view punct : kPuncts) {
      if (text_.substr(pos_, punct.size()) == punct) {
        return token(TokenKind::Punct, pos_ + punct.size());
      }
    }
    // A run of bytes that begin no token is one fault.
    size_t begin = pos_, end = pos_;
    auto stray = [&](char s) {
      bool blank = s == ' ' || (s >= '\t' && s <= '\r');
      return !is_word(s) && !is_beyond_ascii(s) && s != '"' && !blank &&
             std::none_of(std::begin(kPuncts), std::end(kPuncts),
                          [&](std::string_view punct) { return punct[0] == s; });
    };
    do {
      ++end;
    } while (end < text_.size() && stray(text_[end]) && text_[end] != '.');
    std::string what;
    unsigned char first = static_cast<unsigned char>(c);
    if (first >= 0x20 && first < 0x7f) {
      what = "`" + std::string(1, c) + "` begins nothing here";
    } else {
      what = "control character outside a string";
    }
    fault(begin, line_, static_cast<uint32_t>(begin - line_start_ + 1), std::move(what));
    pos_ = end;
  }
}

Token Lexer::feature_at(const Token& begin) {
  pos_ = begin.offset;
  line_ = begin.line;
  line_start_ = begin.offset - (begin.column - 1);
  size_t end = pos_;
  while (end < text_.size()) {
    char c = text_[end];
    bool joint =
        (c == '-' || c == '.') && end > pos_ && end + 1 < text_.size() && is_word(text_[end + 1]);
    if (!is_word(c) && !joint) break;
    ++end;
  }
  first_on_line_ = begin.first_on_line;
  return token(TokenKind::Name, end);
}

size_t string_contents_begin(const Token& token) {
  if (token.kind == TokenKind::String) return 1;
  std::string_view inner = token.text.substr(3);
  if (inner.substr(0, 1) == "\n") return 4;
  if (inner.substr(0, 2) == "\r\n") return 5;
  return 3;
}

std::string string_value(const Token& token,
                         const std::function<void(size_t, std::string)>& on_fault) {
  size_t quotes = token.kind == TokenKind::RawString ? 3 : 1;
  size_t begin = string_contents_begin(token);
  size_t end = token.text.size() - (token.terminated ? quotes : 0);
  std::string_view inner = token.text.substr(begin, end - begin);
  if (token.kind == TokenKind::RawString) return std::string(inner);
  std::string value;
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] != '\\' || i + 1 == inner.size()) {
      value += inner[i];
      continue;
    }
    char escape = inner[++i];
    switch (escape) {
      case 'n':
        value += '\n';
        break;
      case 't':
        value += '\t';
        break;
      case '\\':
        value += '\\';
        break;
      case '"':
        value += '"';
        break;
      case 'x': {
        int high = i + 1 < inner.size() ? hex_digit(inner[i + 1]) : -1;
        int low = i + 2 < inner.size() ? hex_digit(inner[i + 2]) : -1;
        if (high < 0 || low < 0) {
          on_fault(begin + i - 1, "\\x needs two hexadecimal digits");
        } else {
          value += static_cast<char>(high * 16 + low);
          i += 2;
        }
        break;
      }
      default:
        on_fault(begin + i - 1, "unknown escape in a string: known are \\n \\t \\\\ \\\" \\xHH");
        value += escape;
    }
  }
  return value;
}

namespace {

// Takes digits with `_` between them from the front of `rest`; without the `_`s.
std::string take_digits(std::string_view& rest, int base, bool& stray_underscore) {
  std::string digits;
  size_t i = 0;
  for (; i < rest.size(); ++i) {
    int value = hex_digit(rest[i]);
    if (rest[i] == '_') {
      int next = i + 1 < rest.size() ? hex_digit(rest[i + 1]) : -1;
      if (i == 0 || ((next < 0 || next >= base) && rest.substr(i + 1, 1) != "_")) {
        stray_underscore = true;
      }
      continue;
    }
    if (value < 0 || value >= base) break;
    digits += rest[i];
  }
  rest.remove_prefix(i);
  return digits;
}

// For a number far from 1.
bool is_below_one(std::string_view mantissa, std::string_view exponent, int base) {
  size_t point = std::min(mantissa.find('.'), mantissa.size());
  size_t first = mantissa.find_first_not_of("0.");
  if (first == std::string_view::npos) return true;
  int64_t lead = first < point ? static_cast<int64_t>(point - first - 1)
                               : -static_cast<int64_t>(first - point);
  int64_t scale = 0;
  auto [end, error] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), scale);
  if (error == std::errc::result_out_of_range) return exponent[0] == '-';
  scale = std::clamp<int64_t>(scale, -(int64_t{1} << 40), int64_t{1} << 40);
  return (base == 16 ? 4 * lead : lead) + scale < 0;
}

}  // namespace

Number read_number(std::string_view text) {
  Number number;
  auto fail = [&](std::string why) {
    number.fault =
        "`" + std::string(text.substr(0, 60)) + (text.size() > 60 ? "...` " : "` ") + why;
    return number;
  };
  std::string_view rest = text;
  int base = 10;
  if (rest.size() > 1 && rest[0] == '0') {
    char mark = rest[1];
    if (mark == 'x' || mark == 'X') base = 16;
    if (mark == 'b' || mark == 'B') {
      base = 2;
      if (rest.substr(1, 4) == "bf16") base = 10;  // 0bf16 is a zero
    }
    if (base != 10) rest.remove_prefix(2);
  }
  bool stray = false;
  std::string mantissa = take_digits(rest, base, stray);
  if (mantissa.empty()) return fail("has no digits");
  if (!rest.empty() && rest[0] == '.' && base != 2) {
    rest.remove_prefix(1);
    mantissa += "." + take_digits(rest, base, stray);
    number.is_float = true;
  }
  bool has_exponent = !rest.empty() && (base == 16   ? rest[0] == 'p' || rest[0] == 'P'
                                        : base == 10 ? rest[0] == 'e' || rest[0] == 'E'
                                                     : false);
  std::string exponent;
  if (has_exponent) {
    rest.remove_prefix(1);
    if (!rest.empty() && (rest[0] == '+' || rest[0] == '-')) {
      if (rest[0] == '-') exponent = "-";
      rest.remove_prefix(1);
    }
    std::string digits = take_digits(rest, 10, stray);
    if (digits.empty()) return fail("has an exponent without digits");
    exponent += digits;
    number.is_float = true;
  } else if (base == 16 && number.is_float) {
    return fail("needs an exponent, such as p0");
  }
  if (stray) return fail("has a `_` that is not between digits");
  if (!rest.empty()) {
    auto suffix = parse_dtype(rest);
    bool usable = suffix && suffix->is_scalar() && !suffix->is_bool() && rest != "index";
    if (!usable) return fail("has no such suffix; a suffix is a type, as in 3i32 or 1.5f64");
    number.suffix = *suffix;
    if (suffix->is_integer() && number.is_float) return fail("is no integer");
  }
  if (!number.is_float && !number.suffix.is_float()) {
    auto [end, error] =
        std::from_chars(mantissa.data(), mantissa.data() + mantissa.size(), number.magnitude, base);
    if (error != std::errc()) return fail("does not fit into 64 bits");
    return number;
  }
  if (base == 2) return fail("is binary: a float is decimal or hexadecimal");
  number.is_float = true;
  std::string spelled = mantissa;
  if (has_exponent) spelled += (base == 16 ? "p" : "e") + exponent;
  auto format = base == 16 ? std::chars_format::hex : std::chars_format::general;
  auto read = [&](auto& value) {
    auto [end, error] =
        std::from_chars(spelled.data(), spelled.data() + spelled.size(), value, format);
    if (error == std::errc()) return true;
    // Out of range: below the smallest value is zero, above the largest is a fault.
    value = 0;
    return is_below_one(mantissa, exponent, base);
  };
  if (!read(number.value)) return fail("is too large");
  // Overflow of float alone is told by whoever needs a float.
  if (!read(number.value_f32)) number.value_f32 = static_cast<float>(number.value);
  return number;
}

size_t find_bad_byte(std::string_view text) {
  size_t i = 0;
  auto byte = [&](size_t k) -> unsigned {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
  };
  auto tail = [&](size_t k) { return (byte(k) & 0xc0) == 0x80; };
  while (i < text.size()) {
    unsigned c = byte(i);
    if (c == 0) return i;
    if (c < 0x80) {
      ++i;
    } else if (c >= 0xc2 && c <= 0xdf && tail(i + 1)) {
      i += 2;
    } else if (c >= 0xe0 && c <= 0xef && tail(i + 1) && tail(i + 2) &&
               !(c == 0xe0 && byte(i + 1) < 0xa0) && !(c == 0xed && byte(i + 1) > 0x9f)) {
      i += 3;
    } else if (c >= 0xf0 && c <= 0xf4 && tail(i + 1) && tail(i + 2) && tail(i + 3) &&
               !(c == 0xf0 && byte(i + 1) < 0x90) && !(c == 0xf4 && byte(i + 1) > 0x8f)) {
      i += 4;
    } else {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace inlay::text
