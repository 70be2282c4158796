// Text form of a program: parser and printer. parse(print(p)) equals p.
#pragma once

#include <string>

#include "core/ir/program.h"

namespace inlay {

struct ParseResult {
  Program program;          ///< what could be understood; whole only without errors
  Diagnostics diagnostics;  ///< all errors of the file, not only the first
};

/// Parses `text`, called `path` in diagnostics; relative imports start at the path's folder. Never
/// throws for any input, never recurses deeper than the IR's own limits.
ParseResult parse_program(std::string text, std::string path);

/// Reads and parses a file and verifies the result; throws CompileError with all diagnostics.
Program load_program(const std::string& path);

/// The text of a program, function, statement or expression; ends with a newline except for
/// expressions. Names that clash in one scope are made distinct with a suffix.
std::string print(const Program& program);
std::string print(const Function& function);
std::string print(const Stmt& stmt);
std::string print(const Expr& expr);

}  // namespace inlay
