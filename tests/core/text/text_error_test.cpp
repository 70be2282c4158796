// What the parser says of a faulty text: place, rule and sentence, and that one fault is told once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/text/text.h"

namespace inlay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> errors_of(const std::string& text) {
  ParseResult result = parse_program(text, "dir/test.inlay");
  std::vector<std::string> list;
  for (const Diagnostic& d : result.diagnostics.all()) {
    list.push_back(std::to_string(d.loc.line) + ":" + std::to_string(d.loc.column) + " " + d.rule +
                   " " + d.message);
  }
  return list;
}

std::string help_of(const std::string& text) {
  ParseResult result = parse_program(text, "test.inlay");
  EXPECT_EQ(result.diagnostics.all().size(), 1u) << render(result.diagnostics.all());
  return result.diagnostics.all().empty() ? "" : result.diagnostics.all()[0].help;
}

struct Case {
  const char* text;
  const char* error;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.text;
}

class Item : public testing::TestWithParam<Case> {};
TEST_P(Item, OneError) {
  EXPECT_THAT(errors_of(GetParam().text), ElementsAre(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    TextError, Item,
    testing::Values(
        Case{"fun f() {}",
             "1:1 parse expected func, intrin, implement, schedule, param, import or include, "
             "found `fun`"},
        Case{"}",
             "1:1 parse expected func, intrin, implement, schedule, param, import or include, "
             "found `}`"},
        Case{"func f( {}", "1:9 parse expected a parameter, found `{`"},
        Case{"func f", "1:7 parse expected `(`, found the end of the file"},
        Case{"func f()", "1:9 parse expected `{`, found the end of the file"},
        Case{"func f() {", "1:11 parse expected `}`, found the end of the file"},
        Case{"func for() {}",
             "1:6 parse expected a name for the function, found the reserved word `for`"},
        Case{"func f32() {}", "1:6 parse expected a name for the function, found the type `f32`"},
        Case{"func f(a: i3) {}", "1:11 parse expected a type, found `i3`"},
        Case{"func f(a: f32, a: f32) {}", "1:16 redeclared `a` is declared already"},
        Case{"func f(a: f32, a: f32[4]) {}", "1:16 redeclared `a` is declared already"},
        Case{"func f() {}\nintrin f() {}",
             "2:8 redeclared intrinsic `f` has the name of another function or intrinsic"},
        Case{"func f(A: f32x4[3]) {}",
             "1:8 type-mismatch buffer `A` can't hold elements of type f32x4"},
        Case{"func f(A: f32[3] in local) {}",
             "1:21 parse expected a memory space: global, shared or private, found `local`"},
        Case{"func f(A: f32[3] align 3) {}",
             "1:24 parse alignment 3 is no power of two from 1 to 4096"},
        Case{"func f(A: f32[3] align 8 align 8) {}", "1:26 parse alignment of `A` is given twice"},
        Case{"func f(A: f32[3, 3] strides [1]) {}",
             "1:21 type-mismatch buffer `A` has 2 dimensions, but 1 strides"},
        Case{"func f(s: f32, A: f32[s]) {}",
             "1:16 type-mismatch extent has type f32, expected index"},
        Case{"param m", "1:8 parse expected `=`, found the end of the file"},
        Case{"param m = 1.5",
             "1:11 parse expected its value, an integer, an integer without suffix"},
        Case{"param m = 9223372036854775808", "1:11 parse integer does not fit into 64 bits"},
        Case{"param m = 1 { x86_64 2 }", "1:22 parse expected `:`, found `2`"},
        Case{"param m = 1\nparam m = 2", "2:7 redeclared `m` is declared already"},
        Case{"import d \"x\"", "1:8 parse expected the kind of the import, found `d`"},
        Case{"import c", "1:9 parse expected a path, a string, found the end of the file"},
        Case{"import c \"\"", "1:10 parse the path of the import is empty"},
        Case{"import c \"\"\"\nint x;\"\"\"",
             "1:10 parse a path is a string on one line; this looks like code"},
        Case{"import object inline \"x\"",
             "1:15 parse an import of kind object can't be given inline"},
        Case{"import llvm \"a\" flags \"b\"",
             "1:17 parse flags are for Clang; an import of kind llvm takes none"},
        Case{"implement t<1> for any { x(zz) zz[0] = yy }",
             "1:11 undeclared intrinsic `t` is not declared"},
        Case{"intrin t<m>() {}\nimplement t<m> for any {}",
             "2:13 parse expected an integer, found `m`"},
        Case{"intrin t() {}\nimplement t for {}",
             "2:17 parse expected an architecture, such as x86_64 or aarch64, or `any`, found "
             "`{`"},
        Case{"intrin t() {}\nimplement t for any(,) {}",
             "2:21 parse expected a feature of the target, found `,`"},
        Case{"func f() {\n  for i in 0..3 {\n    let x = 1\nfunc g() {}\n}",
             "4:1 parse expected `}`, found the reserved word `func`"},
        Case{"func f() { require vgprs 3 }", "1:26 parse expected <=, <, ==, >= or >, found `3`"},
        Case{"func f() { require regs <= 3, lds == 1 }", "1:20 parse a GPU has no resource `regs`"},
        Case{"func f() {}\nschedule f {\n  require lds <\n  require lds < 4\n}",
             "4:3 parse expected a number, found `require`"},
        Case{"func f() {}\nschedule f {\n  parallel i\n  require lds < 4\n  parallel j\n}",
             "4:3 parse expected a step, found `require`"},
        // Bytes.
        Case{"func f() {} \x01", "1:13 parse control character outside a string"},
        Case{"// \xff\nfunc f() {}", "1:4 encoding file is not UTF-8"},
        Case{"// a\n\n \xc0\xaf", "3:2 encoding file is not UTF-8"},
        Case{"func \xc3\xa9() {}", "1:6 parse text outside comments and strings must be ASCII"},
        Case{"/* a\n/* b */", "1:1 parse comment is not closed"},
        Case{"import c \"abc\nfunc f() {}", "1:10 parse string is not closed"},
        Case{"import c inline \"\"\"abc\n", "1:17 parse raw string is not closed"},
        Case{"import c \"a\\qb\"",
             "1:12 parse unknown escape in a string: known are \\n \\t \\\\ \\\" \\xHH"},
        Case{"import c \"a\\x0g\"", "1:12 parse \\x needs two hexadecimal digits"}));

class Statement : public testing::TestWithParam<Case> {};
TEST_P(Statement, OneError) {
  std::string text = "func f(A: f32[M, 8], n: index, x: f32) {\n" + std::string(GetParam().text) +
                     "\n  A[0, 0] = 1.0\n}\nfunc g() {}";
  EXPECT_THAT(errors_of(text), ElementsAre(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    TextError, Statement,
    testing::Values(
        // Names.
        Case{"let a = yy + 1\nlet b = yy * a", "2:9 undeclared name `yy` is not declared"},
        Case{"alloc T: f32[yy]\nT[0] = 1.0\nlet c = T[3] + T[n]",
             "2:14 undeclared name `yy` is not declared"},
        Case{"for i in 0..yy { A[i, 0] = 1.0 }", "2:13 undeclared name `yy` is not declared"},
        Case{"for i in 0..n { let a = 1 }\nlet b = a", "3:9 undeclared name `a` is not declared"},
        Case{"Q[0] = 1.0\nQ[1] = 2.0", "2:1 undeclared buffer `Q` is not declared"},
        Case{"let n = 1", "2:5 redeclared `n` is declared already"},
        Case{"for M in 0..n {}", "2:5 redeclared `M` is declared already"},
        Case{"for i in 0..n { for i in 0..n {} }", "2:21 redeclared `i` is declared already"},
        Case{"let a = exq(x)", "2:9 undeclared `exq` is no function of the language"},
        Case{"let a = g(x)", "2:9 undeclared `g` is no function of the language"},
        Case{"let a = n[0]", "2:9 type-mismatch `n` is a variable, no buffer"},
        Case{"let a = A + 1.0", "2:9 type-mismatch `A` is a buffer; a value is needed here"},
        // Types.
        Case{"A[0, 0] = n", "2:1 type-mismatch value of type i64 stored to buffer `A` of type f32"},
        Case{"A[0] = 1.0", "2:1 type-mismatch buffer `A` has 2 dimensions, found 1 indices"},
        Case{"A[0, 1.0] = 1.0", "2:6 type-mismatch index has type f32, expected index"},
        Case{"let a = x + n", "2:11 type-mismatch operands of + have types f32 and i64"},
        Case{"let a = broadcast(1.0, 4) + 1.0",
             "2:27 type-mismatch operands of + have types f32x4 and f32"},
        Case{"let a = 1.0 | 2.0", "2:13 type-mismatch operator | does not take f32"},
        Case{"let a = ~1.0", "2:9 type-mismatch operator ~ does not take f32"},
        Case{"let a = !n", "2:9 type-mismatch operator ! does not take i64"},
        Case{"let a = 1 && true", "2:11 type-mismatch operands of && have types i64 and bool"},
        Case{"let a: f32 = n", "2:1 type-mismatch `a` of type f32 is given a value of type i64"},
        Case{"let a: i32 = 1.5", "2:14 type-mismatch `a` of type i32 is given a value of type f32"},
        Case{"let a = 300i8", "2:9 type-mismatch constant 300 does not fit into i8"},
        Case{"let a: u8 = -1", "2:13 type-mismatch constant -1 does not fit into u8"},
        Case{"let a: u64 = -1", "2:14 type-mismatch constant -1 does not fit into u64"},
        Case{"let a = -1u64", "2:9 type-mismatch constant -1 does not fit into u64"},
        Case{"let a = 9223372036854775808i64",
             "2:9 type-mismatch constant 9223372036854775808 does not fit into i64"},
        Case{"let a = 1e99", "2:9 type-mismatch constant does not fit into f32"},
        Case{"let a = x * 9007199254740993",
             "2:13 type-mismatch integer 9007199254740993 stands for a f32, which may not hold it"},
        Case{"if n { }", "2:1 type-mismatch condition has type i64, expected bool"},
        Case{"if n + 1 { }", "2:6 type-mismatch condition has type i64, expected bool"},
        Case{"for i in 0..x {}",
             "2:11 type-mismatch bound of a range has type f32, expected index"},
        Case{"let a = select(n > 0, x, n)",
             "2:9 type-mismatch the two values of select have types f32 and i64"},
        Case{"let a = exp(n)", "2:9 type-mismatch exp does not take i64"},
        Case{"let a = pow(x)", "2:9 type-mismatch pow takes 2 arguments, found 1"},
        Case{"let a = ramp(0, 1, 1)", "2:9 type-mismatch ramp of 1 lanes, expected 2 to 1024"},
        Case{"let a = f32x4(n)",
             "2:9 type-mismatch cast from i64 to f32x4 changes the number of lanes"},
        Case{"let a = stride(A, 2)",
             "2:19 type-mismatch buffer `A` has 2 dimensions; there is no dimension 2"},
        Case{"let a = call g()", "2:9 type-mismatch the value of `a` has no type"},
        Case{"call g(A[0..3, 1] + 1.0)",
             "2:19 type-mismatch left operand is a view of a buffer; a value is needed"},
        Case{"call g(call h())", "2:8 type-mismatch argument has no value"},
        // Numbers.
        Case{"let a = 3q",
             "2:9 parse `3q` has no such suffix; a suffix is a type, as in 3i32 or 1.5f64"},
        Case{"let a = 1.5i32", "2:9 parse `1.5i32` is no integer"},
        Case{"let a = 1e999", "2:9 parse `1e999` is too large"},
        Case{"let a = 0x", "2:9 parse `0x` has no digits"},
        Case{"let a = 0x1.8", "2:9 parse `0x1.8` needs an exponent, such as p0"},
        Case{"let a = 1_", "2:9 parse `1_` has a `_` that is not between digits"},
        Case{"let a = 18446744073709551616",
             "2:9 parse `18446744073709551616` does not fit into 64 bits"},
        Case{"let a = 1e", "2:9 parse `1e` has an exponent without digits"},
        // Syntax.
        Case{"fro i in 0..n { A[i, 0] = 1.0 }", "2:1 parse expected a statement, found `fro`"},
        Case{"for i in 0.. {\n  A[i, 0] = 1.0 }", "2:14 parse expected an expression, found `{`"},
        Case{"for i in n { A[i, 0] = 1.0 }", "2:12 parse expected `..`, found `{`"},
        Case{"grid(w) for i in 0..n { }", "2:6 parse expected x, y or z, found `w`"},
        Case{"if n = 3 { A[n, 0] = 1.0 }", "2:6 parse expected `{`, found `=`"},
        Case{"n = 4", "2:1 parse `n` can't be assigned: variables never change"},
        Case{"A = 4", "2:1 parse a store needs indices: A[...] = ..."},
        Case{"let a = 1 < n < 3", "2:15 parse comparisons do not chain"},
        Case{"let a = (1 + 2\nlet b = a", "3:1 parse expected `)`, found the reserved word `let`"},
        Case{"let a = $ 3", "2:9 parse `$` begins nothing here"},
        Case{"let a = \"s\"", "2:9 parse expected an expression, found a string"},
        Case{"let a = \nlet b = a",
             "3:1 parse expected an expression, found the reserved word `let`"},
        Case{"let a = &A[0, 0]",
             "2:9 parse `&` makes a view, which only the argument of a call takes"},
        Case{"let a = A[0..2, 0]",
             "2:12 parse a range makes a view, which only the argument of a call takes"},
        Case{"A[0..2, 0] = 1.0", "2:4 parse a store goes to single elements, not to a range"},
        Case{"assert n > 3", "3:3 parse expected `,`, found `A`"},
        Case{"else { }", "2:1 parse `else` without an `if` before it"},
        Case{"alloc T: f32", "3:3 parse expected `[`, found `A`"},
        Case{"alloc T: f32[3] strided",
             "2:17 parse `strided` is for parameters: nothing gives this buffer its strides"},
        Case{"call min(3)", "2:6 parse the symbol's name `min` is a reserved word"},
        Case{"asm (1, 2)", "2:6 parse expected the assembly, a string, found `1`"}));

TEST(TextError, AllOfAFileAreReported) {
  EXPECT_THAT(errors_of(R"(func f(A: f32[4]) {
  let a = b
  A[0] = true
  for i in 0..4 {
    A[i] = c
    if A[i] { A[i] = }
  }
  A[1] = ]
}
func g( { }
import x "y"
func h(A: f32[4]) { A[z] = 1.0 }
)"),
              ElementsAre("2:11 undeclared name `b` is not declared",
                          "3:10 type-mismatch value of type bool stored to buffer `A` of type f32",
                          "5:12 undeclared name `c` is not declared",
                          "6:22 parse expected an expression, found `}`",
                          "6:8 type-mismatch condition has type f32, expected bool",
                          "8:10 parse expected an expression, found `]`",
                          "10:9 parse expected a parameter, found `{`",
                          "11:8 parse expected the kind of the import, found `x`",
                          "12:23 undeclared name `z` is not declared"));
}

TEST(TextError, ShowsTheLineAndACaret) {
  ParseResult result = parse_program("func f(n: index) {\n\tlet a = n + m2\n}", "dir/a.inlay");
  EXPECT_EQ(render(result.diagnostics.all()),
            "dir/a.inlay:2:14: error: name `m2` is not declared [undeclared]\n"
            " 2 |  let a = n + m2\n"
            "   |              ^\n");
}

TEST(TextError, HelpNamesTheWayOut) {
  EXPECT_EQ(help_of("func f(count: index) { let a = cuont }"), "did you mean `count`?");
  EXPECT_EQ(help_of("fnuc f() {}"), "did you mean `func`?");
  EXPECT_EQ(help_of("func f() { fro i in 0..3 {} }"), "did you mean `for`?");
  EXPECT_EQ(help_of("func f(x: f32) { let a = sqtr(x) }"), "did you mean `sqrt`?");
  EXPECT_EQ(help_of("import lvm \"a\""), "did you mean `llvm`?");
  EXPECT_EQ(help_of("intrin tile() {}\nimplement tiel for any {}"), "did you mean `tile`?");
  EXPECT_EQ(help_of("func f(x: f32) { let a = foo(x) }"),
            "write `call f32 foo(...)` for an imported symbol");
  EXPECT_EQ(help_of("func f(x: f32, n: index) { let a = x * n }"), "cast one of them: f32(...)");
}

TEST(TextError, RedeclarationPointsAtTheFirst) {
  ParseResult result = parse_program("func f(n: index) {\n  let n = 1\n}", "a.inlay");
  ASSERT_EQ(result.diagnostics.all().size(), 1u);
  const Diagnostic& told = result.diagnostics.all()[0];
  ASSERT_EQ(told.notes.size(), 1u);
  EXPECT_EQ(told.notes[0].loc.line, 1u);
  EXPECT_EQ(told.notes[0].loc.column, 8u);
}

TEST(TextError, GivesUpAfterAThousand) {
  std::string text = "func f() {\n";
  for (int i = 0; i < 5000; ++i) text += "let a" + std::to_string(i) + " = 1 + true\n";
  ParseResult result = parse_program(text + "}", "a.inlay");
  EXPECT_EQ(result.diagnostics.error_count(), 1000u);
  EXPECT_EQ(result.diagnostics.all().size(), Diagnostics::kMaxErrors + 1);
  EXPECT_EQ(result.diagnostics.all().back().rule, "too-many-errors");
}

TEST(TextAccepts, WhatFilesHold) {
  EXPECT_THAT(errors_of(""), IsEmpty());
  EXPECT_THAT(errors_of("\n\r\n \t// nothing"), IsEmpty());
  EXPECT_THAT(errors_of("\xef\xbb\xbf// a byte order mark\nfunc f() {}"), IsEmpty());
  EXPECT_THAT(errors_of("func f() {\r\n  let a = 1 // caf\xc3\xa9\r\n}\r\n"), IsEmpty());
  EXPECT_THAT(errors_of("func f() { let a = 1; let b = 2;; }; func g() {}"), IsEmpty());
  EXPECT_THAT(errors_of("param mr = 6\nintrin t<mr>(a: f32[mr]) {}\nfunc f(mr: index) {}"),
              IsEmpty());
}

TEST(TextAccepts, ReportsANulByteWithItsPlace) {
  EXPECT_THAT(errors_of(std::string("func f() {}\n \0", 14)),
              ElementsAre("2:2 encoding file holds a NUL byte"));
}

// Imports: where relative paths start, and where inline code lies in the file.
TEST(TextImports, KnowTheirPlace) {
  ParseResult result = parse_program(
      "import c \"k.c\"\nimport c inline \"\"\"\nint a;\n\"\"\"\nimport c inline \"int b;\"\n"
      "import c inline \"\"\"int c;\"\"\"",
      "dir/sub/a.inlay");
  ASSERT_FALSE(result.diagnostics.has_errors());
  EXPECT_EQ(result.program.name, "a");
  std::vector<Import> imports = all_imports(result.program);
  ASSERT_EQ(imports.size(), 4u);
  EXPECT_EQ(resolved_path(imports[0]), "dir/sub/k.c");
  auto place = [](const Loc& loc) {
    return std::to_string(loc.line) + ":" + std::to_string(loc.column);
  };
  EXPECT_EQ(imports[1]->payload, "int a;\n");
  EXPECT_EQ(place(imports[1]->payload_loc), "3:1");
  EXPECT_EQ(place(imports[1]->loc), "2:1");
  EXPECT_EQ(place(imports[2]->payload_loc), "5:18");
  EXPECT_EQ(imports[3]->payload, "int c;");
  EXPECT_EQ(place(imports[3]->payload_loc), "6:20");
}

TEST(LoadProgram, SaysWhyItFails) {
  auto failure = [](const std::string& path) {
    try {
      load_program(path);
    } catch (const CompileError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(failure("/no/such/file.inlay"),
              HasSubstr("/no/such/file.inlay: error: there is no such file [file]"));
  EXPECT_THAT(failure("/"), HasSubstr("this is a directory"));
  std::string path = testing::TempDir() + "/inlay_load_test.inlay";
  auto write = [&](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    return failure(path);
  };
  EXPECT_THAT(write("func f() { x }"), HasSubstr("inlay_load_test.inlay:1:12: error: "));
  EXPECT_THAT(write("func f(A: f32[4]) { A[4] = 1.0 }"), HasSubstr("[out-of-bounds]"));
  EXPECT_THAT(write("\x7f"
                    "ELF\x02\x01"),
              HasSubstr("error: control character"));
  EXPECT_EQ(write("func f(A: f32[4]) { A[3] = 1.0 }"), "no error");
  EXPECT_EQ(load_program(path).name, "inlay_load_test");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace inlay
