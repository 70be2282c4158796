// Fuzz target of the parser, in libFuzzer's form: whatever the bytes are, the parser answers with
// a program or with errors inside the file, and a program survives printing, parsing and verifying.
//
// parse_fuzz_test.cpp runs it on mutations that know the grammar.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/ir/equal.h"
#include "core/text/text.h"
#include "core/verify/verify.h"

namespace {

// Tells why and dies, as libFuzzer and a death in CTest expect it.
void require(bool condition, const char* why, const std::string& text) {
  if (condition) return;
  std::fprintf(stderr, "parse_fuzz: %s\n----\n%s\n----\n", why, text.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace inlay;
  std::string text(reinterpret_cast<const char*>(data), size);
  ParseResult first = parse_program(text, "fuzz.inlay");
  for (const Diagnostic& told : first.diagnostics.all()) {
    require(bool(told.loc) && told.loc.line > 0, "an error without a place", text);
    std::string_view line = told.loc.file->line(told.loc.line);
    // One past the end is where something is missing; a line may also end in a carriage return.
    require(told.loc.column >= 1 && told.loc.column <= line.size() + 2, "an error beyond its line",
            text);
    require(!told.message.empty() && !told.rule.empty(), "an error without a word", text);
  }
  (void)render(first.diagnostics.all());
  if (first.diagnostics.has_errors()) return 0;
  (void)verify(first.program);
  std::string printed = print(first.program);
  ParseResult second = parse_program(printed, "fuzz.inlay");
  if (second.diagnostics.has_errors()) {
    require(false, ("printed text does not parse: " + render(second.diagnostics.all())).c_str(),
            text + "\n---- printed:\n" + printed);
  }
  require(equal(first.program, second.program), "printed text is another program",
          text + "\n---- printed:\n" + printed);
  require(printed == print(second.program), "printed twice is printed otherwise", text);
  return 0;
}
