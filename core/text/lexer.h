// Lexer of `.inlay` text: tokens on demand, in a cursor that may be copied to look ahead.
//
// Faults (a stray byte, an unterminated string) go to a sink once, even when a copy of the cursor
// passes the place again. Tokens are views into the text.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/ir/dtype.h"
#include "core/support/diagnostic.h"

namespace inlay::text {

enum class TokenKind : uint8_t {
  End,
  Name,     ///< identifier that is no reserved word and no type
  Keyword,  ///< reserved word
  Type,     ///< name of a value type
  Number,
  String,     ///< "..."
  RawString,  ///< """..."""
  Punct,
};

struct Token {
  TokenKind kind = TokenKind::End;
  bool first_on_line = false;
  bool terminated = true;  ///< strings: the closing quotes are there
  DType type;              ///< of TokenKind::Type
  size_t offset = 0;
  std::string_view text;  ///< with quotes
  uint32_t line = 1;
  uint32_t column = 1;

  bool is(std::string_view spelling) const {
    return (kind == TokenKind::Punct || kind == TokenKind::Keyword) && text == spelling;
  }
};

bool is_reserved_word(std::string_view text);
/// One identifier token that is neither reserved nor a type.
bool is_plain_name(std::string_view text);
/// Letters, digits and `_`, in parts joined by single `-` or `.`: a target feature.
bool is_feature_name(std::string_view text);
const std::vector<std::string>& reserved_words();

class Lexer {
 public:
  /// Called with offset, line, column, message, help.
  using Sink =
      std::function<void(uint32_t line, uint32_t column, std::string message, std::string help)>;

  Lexer(std::string_view text, Sink* sink, size_t* reported_up_to);

  Token next();
  /// Reads a target feature that begins where `token` begins, and goes on behind it.
  Token feature_at(const Token& token);

 private:
  char at(size_t ahead = 0) const { return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : 0; }
  void skip_blanks();
  void advance_lines(size_t end);
  void fault(size_t offset, uint32_t line, uint32_t column, std::string message,
             std::string help = "");
  Token token(TokenKind kind, size_t end);
  Token string_token();
  Token raw_string_token();
  size_t name_end(size_t begin) const;
  size_t checked_name_end();
  size_t number_end(size_t begin) const;

  std::string_view text_;
  Sink* sink_;
  size_t* reported_up_to_;  ///< shared by copies: no fault before it is told again
  size_t pos_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
  bool first_on_line_ = true;
};

/// Contents of a string token (escapes resolved for "..."). A bad escape goes to `on_fault` with
/// its offset in the token, and is kept as written.
std::string string_value(const Token& token,
                         const std::function<void(size_t, std::string)>& on_fault);
/// Offset of the first byte of the contents in the token.
size_t string_contents_begin(const Token& token);

/// A number token, read.
struct Number {
  bool is_float = false;
  uint64_t magnitude = 0;  ///< integers
  double value = 0;        ///< floats, to the nearest double
  float value_f32 = 0;     ///< floats, to the nearest float: rounding `value` may miss it
  DType suffix;            ///< kVoid: none
  std::string fault;       ///< why it is no number; empty: it is one
};
Number read_number(std::string_view text);

/// Offset of the first byte that is NUL or not UTF-8; npos if there is none.
size_t find_bad_byte(std::string_view text);

}  // namespace inlay::text
