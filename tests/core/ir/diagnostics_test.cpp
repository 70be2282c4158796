// Diagnostics: how they are shown, counted and guessed at.
#include "core/support/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace inlay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Ref<const SourceFile> file_of(const std::string& text) {
  return Ref<const SourceFile>(new SourceFile("dir/a.inlay", text));
}

TEST(SourceFiles, Lines) {
  auto file = file_of("one\r\ntwo\n\nfour");
  EXPECT_EQ(file->line(1), "one");
  EXPECT_EQ(file->line(2), "two");
  EXPECT_EQ(file->line(3), "");
  EXPECT_EQ(file->line(4), "four");
  EXPECT_EQ(file->line(5), "");
  EXPECT_EQ(file_of("")->line(1), "");
}

TEST(Render, ShowsAllParts) {
  Diagnostic told{Severity::Error, "some-rule",   "it is wrong", {file_of("a\n  bc d\n"), 2, 6},
                  "f/for i",       "do it right", "one\ntwo",    {}};
  told.notes.push_back(
      {Severity::Note, "", "it began here", {file_of("a\n"), 1, 1}, "", "", "", {}});
  EXPECT_EQ(render(told),
            "dir/a.inlay:2:6: error: it is wrong [some-rule]\n"
            " 2 |   bc d\n"
            "   |      ^\n"
            "  in f/for i\n"
            "  one\n"
            "  two\n"
            "  help: do it right\n"
            "dir/a.inlay:1:1: note: it began here\n"
            " 1 | a\n"
            "   | ^\n");
  EXPECT_THAT(render(told, true), HasSubstr("\033[1;31merror: \033[0m"));
}

TEST(Render, PlacesAreOptional) {
  EXPECT_EQ(render({Severity::Warning, "r", "careful", {}, "", "", "", {}}),
            "warning: careful [r]\n");
  EXPECT_EQ(render({Severity::Error, "r", "gone", {file_of(""), 0, 0}, "", "", "", {}}),
            "dir/a.inlay: error: gone [r]\n");
}

TEST(Render, ColumnsAreBytesAndTheCaretIsNot) {
  Diagnostic told{Severity::Error, "r", "m", {file_of("\xc3\xa9\xc3\xa9 x"), 1, 6}, "", "", "", {}};
  EXPECT_THAT(render(told), HasSubstr("   |    ^\n"));
  told.loc = {file_of("\tx"), 1, 2};
  EXPECT_THAT(render(told), HasSubstr(" 1 |  x\n   |  ^\n"));
}

TEST(Render, ALongLineIsShownAroundTheCaret) {
  std::string line(100'000, 'a');
  line[70'000] = 'b';
  Diagnostic told{Severity::Error, "r", "m", {file_of(line), 1, 70'001}, "", "", "", {}};
  std::string text = render(told);
  EXPECT_LT(text.size(), 400u);
  EXPECT_THAT(text, HasSubstr("...a"));
  EXPECT_THAT(text, HasSubstr("b"));
}

TEST(Collector, KeepsAHundredErrorsAndCountsAll) {
  Diagnostics all;
  EXPECT_NO_THROW(all.throw_if_errors());
  all.warning("w", {}, "a warning");
  EXPECT_FALSE(all.has_errors());
  EXPECT_NO_THROW(all.throw_if_errors());
  for (int i = 0; i < 130; ++i) all.error("e", {}, std::to_string(i)).ir_path = "f";
  all.add({Severity::Error, "e", "last", {}, "", "", "", {}});
  EXPECT_EQ(all.error_count(), 131u);
  EXPECT_EQ(all.all().size(), 101u);
  try {
    all.throw_if_errors();
    FAIL();
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics().size(), 102u);
    EXPECT_THAT(error.what(), HasSubstr("31 more errors are not shown"));
    EXPECT_THAT(error.what(), HasSubstr("warning: a warning"));
  }
}

TEST(NearestNames, GuessWhatWasMeant) {
  std::vector<std::string> names = {"count", "counter", "sqrt", "K", "_Z4sqrtf", "uk_f32_6x16"};
  EXPECT_THAT(nearest_names("cuont", names), ElementsAre("count"));
  EXPECT_THAT(nearest_names("countr", names), ElementsAre("count", "counter"));
  EXPECT_THAT(nearest_names("countr", names, 1), ElementsAre("count"));
  EXPECT_THAT(nearest_names("sqrt", names), ElementsAre("_Z4sqrtf", "sqrt"));
  EXPECT_THAT(nearest_names("uk_f32_6x61", names), ElementsAre("uk_f32_6x16"));
  EXPECT_THAT(nearest_names("completely_else", names), IsEmpty());
  // Of one letter only the case is a likely slip.
  EXPECT_THAT(nearest_names("k", names), ElementsAre("K"));
  EXPECT_THAT(nearest_names("j", names), IsEmpty());
  EXPECT_EQ(did_you_mean({"a", "b"}), "did you mean `a`, `b`?");
  EXPECT_EQ(did_you_mean({}), "");
}

}  // namespace
}  // namespace inlay
