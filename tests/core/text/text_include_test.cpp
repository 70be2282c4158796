// include: what comes in, where its paths start, and what goes wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/text/text.h"
#include "core/verify/verify.h"

namespace inlay {
namespace {

using Files = std::map<std::string, std::string>;
using testing::ElementsAre;
using testing::HasSubstr;

ParseResult parse(const std::string& text, const Files& files) {
  return parse_program(text, "ops/main.inlay", [files](const std::string& path) {
    auto found = files.find(path);
    if (found == files.end()) throw CompileError("file", {}, "there is no such file");
    return found->second;
  });
}

std::vector<std::string> errors(const std::string& text, const Files& files) {
  std::vector<std::string> found;
  ParseResult result = parse(text, files);
  for (const Diagnostic& diagnostic : result.diagnostics.all()) {
    found.push_back(diagnostic.loc.file->path() + ":" + std::to_string(diagnostic.loc.line) + " " +
                    diagnostic.rule + " " + diagnostic.message);
  }
  return found;
}

const char* kTile = R"(param mr = 6
intrin tile<m>(a: f32[m]) { for i in 0..m { a[i] = 0.0 } }
implement tile<6> for x86_64 {
  import c "x86/tile.c"
  call uk(a)
}
)";

TEST(Include, BringsInWhatIsNotAFunction) {
  Files files{{"ops/lib/tile.inlay", std::string("include \"../base.inlay\"\n") + kTile},
              {"ops/base.inlay",
               "param nr = 16\nfunc helper(A: f32[n]) { for i in 0..n { A[i] = 0.0 } }\n"
               "schedule helper { split i by nr into o, v }\n"}};
  ParseResult result = parse(
      "include \"lib/tile.inlay\"\n"
      "func f(A: f32[6]) { tile<mr>(A) for j in 0..nr { let x = j } }\n"
      "func helper(B: f32[4]) { for q in 0..4 { B[q] = 1.0 } }\n"
      "schedule helper { unroll q }\n",
      files);
  ASSERT_FALSE(result.diagnostics.has_errors()) << render(result.diagnostics.all());
  const Program& program = result.program;
  EXPECT_EQ(program.name, "main");
  EXPECT_EQ(program.params().size(), 2u);
  ASSERT_EQ(program.functions().size(), 2u) << "those of the included file are its own";
  EXPECT_EQ(param_name(program.functions()[1]->params[0]), "B");
  ASSERT_EQ(program.schedules().size(), 1u);
  EXPECT_EQ(program.schedules()[0]->loc.file->path(), "ops/main.inlay");
  EXPECT_THAT(program.included, ElementsAre("ops/lib/tile.inlay", "ops/base.inlay"));
  std::vector<Import> imports = all_imports(program);
  ASSERT_EQ(imports.size(), 1u);
  EXPECT_EQ(resolved_path(imports[0]), "ops/lib/x86/tile.c");
  EXPECT_FALSE(verify(program).has_errors()) << render(verify(program).all());
  // What is printed stands alone.
  ParseResult again = parse(print(program), {});
  EXPECT_FALSE(again.diagnostics.has_errors()) << render(again.diagnostics.all());
}

TEST(Include, SchedulesMayStandInAFileOfTheirOwn) {
  Files files{{"ops/fast.inlay", "schedule f { unroll i }\n"}};
  ParseResult result =
      parse("func f(A: f32[4]) { for i in 0..4 { A[i] = 0.0 } }\ninclude \"fast.inlay\"\n", files);
  EXPECT_FALSE(result.diagnostics.has_errors());
  EXPECT_EQ(result.program.schedules().size(), 1u);
}

TEST(Include, AFileThatTwoNeedIsReadOnce) {
  Files files{{"ops/a.inlay", "include \"c.inlay\"\n"},
              {"ops/b.inlay", "include \"./c.inlay\"\n"},
              {"ops/c.inlay", "param one = 1\n"}};
  ParseResult result = parse("include \"a.inlay\"\ninclude \"b.inlay\"\n", files);
  EXPECT_FALSE(result.diagnostics.has_errors()) << render(result.diagnostics.all());
  EXPECT_EQ(result.program.params().size(), 1u);
}

TEST(Include, Faults) {
  Files files{{"ops/self.inlay", "\ninclude \"self.inlay\"\n"},
              {"ops/a.inlay", "include \"b.inlay\"\n"},
              {"ops/b.inlay", "include \"main.inlay\"\n"},
              {"ops/bad.inlay", "param x = \nparam y = 1\nfunc g() { q }\n}\n}"},
              {"ops/nul.inlay", std::string("param z = 1\0", 12)},
              {"ops/names.inlay", "param n = 1\nfunc f() { }\n"}};
  EXPECT_THAT(errors("include \"none.inlay\"", files),
              ElementsAre("ops/main.inlay:1 include can't include `none.inlay`: there is no such "
                          "file"));
  EXPECT_THAT(errors("include \"self.inlay\"", files),
              ElementsAre("ops/self.inlay:2 include `self.inlay` includes itself, by way of this "
                          "line"));
  EXPECT_THAT(errors("include \"a.inlay\"", files),
              ElementsAre("ops/b.inlay:1 include `main.inlay` includes itself, by way of this "
                          "line"));
  EXPECT_THAT(errors("include \"names.inlay\"\ninclude \"./names.inlay\"", files),
              ElementsAre("ops/main.inlay:2 include `./names.inlay` is included already"));
  // Reading goes on behind a file with faults, and each is told once, in its file.
  EXPECT_THAT(
      errors("include \"bad.inlay\"\nfunc f() { }\n}\nparam y = 2", files),
      ElementsAre(HasSubstr("ops/bad.inlay:2 parse expected its value"),
                  HasSubstr("ops/bad.inlay:3 "), HasSubstr("ops/bad.inlay:4 parse"),
                  HasSubstr("ops/main.inlay:3 parse"), HasSubstr("ops/main.inlay:4 redeclared")));
  EXPECT_THAT(errors("include \"nul.inlay\"\nparam z = 2", files),
              ElementsAre("ops/nul.inlay:1 encoding file holds a NUL byte"));
  EXPECT_THAT(errors("include \"names.inlay\"\nparam n = 2\nfunc f() { }", files),
              ElementsAre("ops/main.inlay:2 redeclared `n` is declared already"));
  EXPECT_THAT(errors("include x", files),
              ElementsAre("ops/main.inlay:1 parse expected the path of a .inlay file, found `x`"));
  EXPECT_THAT(errors("include \"\"", files),
              ElementsAre("ops/main.inlay:1 include the path is empty"));
  ParseResult alone = parse_program("include \"a.inlay\"", "text");
  ASSERT_TRUE(alone.diagnostics.has_errors());
  EXPECT_THAT(alone.diagnostics.all()[0].message, HasSubstr("without access to files"));
}

TEST(Include, EndlessChainsEnd) {
  int made = 0;
  ParseResult result = parse_program("include \"1.inlay\"", "main.inlay", [&](const std::string&) {
    return "include \"" + std::to_string(++made + 1) + ".inlay\"";
  });
  ASSERT_TRUE(result.diagnostics.has_errors());
  EXPECT_THAT(result.diagnostics.all()[0].message, HasSubstr("levels deep"));
}

TEST(Include, FromTheDisk) {
  namespace fs = std::filesystem;
  fs::path folder = fs::path(testing::TempDir()) / "inlay_include_test";
  fs::create_directories(folder / "lib");
  std::ofstream(folder / "main.inlay")
      << "include \"lib/tile.inlay\"\nfunc f(A: f32[6]) { tile<mr>(A) }\n";
  std::ofstream(folder / "lib/tile.inlay") << kTile;
  Program program = load_program((folder / "main.inlay").string());
  EXPECT_EQ(program.included.size(), 1u);
  // Through a link it is the same file.
  fs::create_symlink("lib", folder / "link");
  std::ofstream(folder / "main.inlay")
      << "include \"lib/tile.inlay\"\ninclude \"link/tile.inlay\"\n";
  EXPECT_THROW(load_program((folder / "main.inlay").string()), CompileError);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace inlay
