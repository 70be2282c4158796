// Text form of a program: parser and printer. parse(print(p)) equals p.
#pragma once

#include <functional>
#include <string>

#include "core/ir/program.h"

namespace inlay {

struct ParseResult {
  Program program;          ///< what could be understood; whole only without errors
  Diagnostics diagnostics;  ///< all errors of the file, not only the first
};

/// Gives the text of the file at a path, or throws CompileError.
using SourceReader = std::function<std::string(const std::string& path)>;

/// Parses `text`, called `path` in diagnostics; relative imports start at the path's folder. Never
/// throws for any input, never recurses deeper than the IR's own limits. `include` asks `reader`;
/// without one it is an error.
ParseResult parse_program(std::string text, std::string path, SourceReader reader = {});

/// Steps of a schedule, as between its braces. Throws CompileError with all diagnostics.
std::vector<ScheduleStep> parse_steps(std::string text, std::string path);

/// Reads and parses a file and verifies the result; throws CompileError with all diagnostics.
Program load_program(const std::string& path);

/// The text of a program, function, statement or expression; ends with a newline except for
/// expressions. Names that clash in one scope are made distinct with a suffix.
std::string print(const Program& program);
std::string print(const Function& function);
std::string print(const Stmt& stmt);
std::string print(const Expr& expr);
/// One line, without a newline.
std::string print(const ScheduleStep& step);

}  // namespace inlay
