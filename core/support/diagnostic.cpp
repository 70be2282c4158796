#include "core/support/diagnostic.h"

#include <algorithm>

#include "core/text/lexer.h"

namespace inlay {

std::string_view SourceFile::line(uint32_t line) const {
  std::string_view rest = text_;
  for (uint32_t at = 1; at < line; ++at) {
    size_t newline = rest.find('\n');
    if (newline == std::string_view::npos) return {};
    rest.remove_prefix(newline + 1);
  }
  std::string_view found = rest.substr(0, rest.find('\n'));
  if (!found.empty() && found.back() == '\r') found.remove_suffix(1);
  return found;
}

Diagnostic& Diagnostics::error(std::string rule, const Loc& loc, std::string message,
                               std::string help) {
  ++errors_;
  Diagnostic diagnostic{
      Severity::Error, std::move(rule), std::move(message), loc, "", std::move(help), "", {}};
  if (errors_ > kMaxErrors) return overflow_ = std::move(diagnostic);
  return list_.emplace_back(std::move(diagnostic));
}

Diagnostic& Diagnostics::warning(std::string rule, const Loc& loc, std::string message,
                                 std::string help) {
  return list_.emplace_back(Diagnostic{
      Severity::Warning, std::move(rule), std::move(message), loc, "", std::move(help), "", {}});
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::Error && ++errors_ > kMaxErrors) return;
  list_.push_back(std::move(diagnostic));
}

void Diagnostics::throw_if_errors() const {
  if (!has_errors()) return;
  std::vector<Diagnostic> thrown = list_;
  if (errors_ > kMaxErrors) {
    thrown.push_back({Severity::Note,
                      "too-many-errors",
                      std::to_string(errors_ - kMaxErrors) + " more errors are not shown",
                      {},
                      "",
                      "",
                      "",
                      {}});
  }
  throw CompileError(std::move(thrown));
}

CompileError::CompileError(std::vector<Diagnostic> diagnostics)
    : diagnostics_(std::move(diagnostics)), text_(render(diagnostics_)) {}

CompileError::CompileError(std::string rule, const Loc& loc, std::string message, std::string help)
    : CompileError(std::vector<Diagnostic>{{Severity::Error,
                                            std::move(rule),
                                            std::move(message),
                                            loc,
                                            "",
                                            std::move(help),
                                            "",
                                            {}}}) {}

namespace {

struct Colours {
  const char *bold, *red, *magenta, *cyan, *green, *reset;
};
constexpr Colours kColours{"\033[1m",  "\033[1;31m", "\033[1;35m",
                           "\033[36m", "\033[1;32m", "\033[0m"};
constexpr Colours kPlain{"", "", "", "", "", ""};

// A source line may hold megabytes; a person reads a window of it around the caret.
constexpr size_t kExcerptWidth = 120;

void render_excerpt(const Loc& loc, const Colours& c, std::string& out) {
  std::string_view line = loc.file->line(loc.line);
  size_t caret = loc.column > 0 ? loc.column - 1 : 0;
  if (line.empty() || caret > line.size()) return;
  size_t begin = caret > kExcerptWidth - 20 ? caret - (kExcerptWidth - 20) : 0;
  std::string_view window = line.substr(begin, kExcerptWidth);
  std::string number = std::to_string(loc.line);
  std::string shown, pad;
  // Of a line that is not UTF-8 a terminal is shown the ASCII.
  bool utf8 = text::find_bad_byte(line) == std::string::npos;
  for (size_t i = 0; i < window.size(); ++i) {
    unsigned char byte = window[i];
    bool tab = byte == '\t';
    bool shows = byte >= 0x20 && byte != 0x7f && (utf8 || byte < 0x80);
    shown += tab ? ' ' : shows ? char(byte) : '?';
    // UTF-8 continuation bytes take no column on the screen.
    if (begin + i < caret && (byte & 0xc0) != 0x80) pad += ' ';
  }
  out += " " + number + " | " + (begin ? "..." : "") + shown + "\n";
  out += std::string(number.size() + 1, ' ') + " | " + (begin ? "   " : "") + pad + c.green + "^" +
         c.reset + "\n";
}

void render_one(const Diagnostic& d, const Colours& c, std::string& out) {
  if (d.loc) {
    out += c.bold + d.loc.file->path();
    if (d.loc.line) {
      out += ":" + std::to_string(d.loc.line) + ":" + std::to_string(d.loc.column);
    }
    out += std::string(": ") + c.reset;
  }
  switch (d.severity) {
    case Severity::Note:
      out += std::string(c.cyan) + "note: " + c.reset;
      break;
    case Severity::Warning:
      out += std::string(c.magenta) + "warning: " + c.reset;
      break;
    case Severity::Error:
      out += std::string(c.red) + "error: " + c.reset;
      break;
  }
  out += c.bold + d.message + c.reset;
  if (!d.rule.empty() && d.severity != Severity::Note) out += " [" + d.rule + "]";
  out += "\n";
  if (d.loc && d.loc.line) render_excerpt(d.loc, c, out);
  if (!d.ir_path.empty()) out += "  in " + d.ir_path + "\n";
  if (!d.detail.empty()) {
    std::string_view rest = d.detail;
    while (!rest.empty()) {
      size_t newline = rest.find('\n');
      out += "  " + std::string(rest.substr(0, newline)) + "\n";
      if (newline == std::string_view::npos) break;
      rest.remove_prefix(newline + 1);
    }
  }
  if (!d.help.empty()) out += std::string(c.cyan) + "  help: " + c.reset + d.help + "\n";
  for (const Diagnostic& note : d.notes) render_one(note, c, out);
}

}  // namespace

std::string render(const Diagnostic& diagnostic, bool colour) {
  std::string out;
  render_one(diagnostic, colour ? kColours : kPlain, out);
  return out;
}

std::string render(const std::vector<Diagnostic>& diagnostics, bool colour) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    render_one(diagnostic, colour ? kColours : kPlain, out);
  }
  return out;
}

namespace {

size_t alignment_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

bool same_letters(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string did_you_mean(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "did you mean `" : ", `") + name + "`";
  }
  return text.empty() ? text : text + "?";
}

std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& candidates, size_t count) {
  std::vector<std::pair<size_t, std::string>> scored;
  for (const std::string& candidate : candidates) {
    // A C++-mangled name holds the plain one; that is the commonest slip of all.
    bool mangled = wanted.size() >= 3 && candidate.rfind("_Z", 0) == 0 &&
                   candidate.find(wanted) != std::string::npos;
    if (candidate.size() > 200 || wanted.size() > 200) continue;
    size_t distance = mangled                           ? 0
                      : same_letters(wanted, candidate) ? 1
                                                        : alignment_distance(wanted, candidate);
    size_t limit = std::max<size_t>(1, wanted.size() / 3);
    bool short_name = wanted.size() < 3 && !same_letters(wanted, candidate);
    if (distance <= limit && !short_name) scored.push_back({distance, candidate});
  }
  std::sort(scored.begin(), scored.end());
  std::vector<std::string> names;
  for (auto& [distance, name] : scored) {
    if (names.size() == count) break;
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace inlay
