// What the inlay command does where the world does not play along: full disks, devices and pipes as
// outputs, folders that are not there, numbers that are none.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/tools/cli_fixture.h"

namespace inlay::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const char* const kAdd = R"(
func add(A: f32[N], B: f32[N], C: f32[N]) { for i in 0..N { C[i] = A[i] + B[i] } }
)";

class CliErrors : public Cli {
 protected:
  CliErrors() { write(folder_ / "add.inlay", kAdd); }

  bool is(const char* name, mode_t type) const {
    struct stat found;
    return lstat((folder_ / name).c_str(), &found) == 0 && (found.st_mode & S_IFMT) == type;
  }

  // With files of at most `blocks` times 512 bytes, as on a disk that is full then.
  Result limited(int blocks, const std::string& arguments) const {
    return shell("sh -c 'trap \"\" XFSZ; ulimit -f " + std::to_string(blocks) +
                 "; " INLAY_COMMAND " " + arguments + "'");
  }
};

TEST_F(CliErrors, AnOutputThatIsNoFileIsWrittenToAndNotReplaced) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  Result piped = shell("sh -c 'cat pipe >got & " INLAY_COMMAND
                       " build add.inlay -o pipe; s=$?; wait; exit $s'");
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_TRUE(is("pipe", S_IFIFO));
  EXPECT_THAT(read(folder_ / "got"), StartsWith("\x7f"
                                                "ELF"));

  // A link is followed, to a file and to a device.
  write(folder_ / "real.so", "old");
  fs::create_symlink("real.so", folder_ / "link.so");
  EXPECT_EQ(inlay("build add.inlay -o link.so").code, 0);
  EXPECT_TRUE(is("link.so", S_IFLNK));
  EXPECT_THAT(read(folder_ / "real.so"), StartsWith("\x7f"
                                                    "ELF"));
  fs::create_symlink("/dev/full", folder_ / "full");
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  for (const char* command : {"build add.inlay -o full", "run add.inlay N=9 --out C=full"}) {
    Result full = inlay(command);
    EXPECT_EQ(full.code, 1);
    EXPECT_THAT(full.err, HasSubstr("can't write full: No space left on device"));
    EXPECT_TRUE(is("full", S_IFLNK) && fs::is_character_file("/dev/full"));
  }
}

TEST_F(CliErrors, OutputThatGoesNowhereIsNoSuccess) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  for (const char* command : {"--help", "build --help", "targets", "build add.inlay -o -",
                              "explain add.inlay", "run add.inlay N=3", "completion bash"}) {
    Result full = shell(std::string("sh -c '" INLAY_COMMAND " ") + command + " >/dev/full'");
    EXPECT_EQ(full.code, 1) << command;
    EXPECT_THAT(full.err, AnyOf(HasSubstr("stdout"), HasSubstr("standard output"))) << command;
  }
}

TEST_F(CliErrors, NothingIsLeftHalfWritten) {
  ASSERT_EQ(inlay("build add.inlay").code, 0);  // into the cache
  write(folder_ / "old.so", "old");
  write(folder_ / "old.npy", "old");
  for (const char* path : {"old.so", "new.so"}) {
    Result built = limited(4, std::string("build add.inlay -o ") + path);
    EXPECT_EQ(built.code, 1);
    EXPECT_THAT(built.err, HasSubstr(std::string("can't write ") + path + ": File too large"));
  }
  for (const char* path : {"old.npy", "new.npy"}) {
    Result ran = limited(64, std::string("run add.inlay N=50000 --out C=") + path);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr(std::string("can't write ") + path + ": File too large"));
  }
  Result dumped = limited(4, "build add.inlay -o x.so --dump-stages stages");
  EXPECT_EQ(dumped.code, 1);
  EXPECT_THAT(dumped.err, HasSubstr("can't write stages/"));
  for (const auto& entry : fs::directory_iterator(folder_ / "stages")) {
    std::string text = read(entry.path());
    EXPECT_TRUE(text.size() < 2048 && text.back() == '\n') << entry.path();
  }
  fs::remove_all(folder_ / "stages");
  EXPECT_EQ(read(folder_ / "old.so") + read(folder_ / "old.npy"), "oldold");
  EXPECT_THAT(files(), ElementsAre("add.inlay", "add.so", "old.npy", "old.so"));
  // Neither in the cache, which may stay empty.
  fs::remove_all(folder_ / ".cache");
  EXPECT_EQ(limited(64, "build add.inlay").code, 0);
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / ".cache")) {
    EXPECT_THAT(entry.path().filename().string(), Not(StartsWith("tmp.")));
  }
}

TEST_F(CliErrors, FoldersThatAreNotThereAreNamed) {
  ASSERT_EQ(inlay("run add.inlay N=3").code, 0);  // into the cache
  struct Case {
    const char *environment, *arguments;
    int code;
    const char* said;
  };
  for (const Case& each : {
           Case{"TMPDIR=/nowhere", "run add.inlay N=3", 1, "TMPDIR is `/nowhere`"},
           Case{"TMPDIR=/nowhere", "build add.inlay --no-cache", 1, "/nowhere"},
           Case{"INLAY_BACKEND_PATH=/nowhere", "targets", 0, "/nowhere"},
           Case{"A=1", "build add.inlay -I nowhere", 2, "there is no folder nowhere"},
           Case{"A=1", "run add.inlay N=3 --out C=/nowhere/c.npy", 1,
                "can't write /nowhere/c.npy: No such file or directory"},
           Case{"A=1", "build add.inlay -o .", 1, "can't write .: Is a directory"},
           Case{"A=1", "emulate /tmp", 1, "a folder, not a program"},
           Case{"A=1", "emulate ./add.inlay", 1, "chmod +x"},
       }) {
    Result result =
        shell(std::string("env ") + each.environment + " " INLAY_COMMAND " " + each.arguments);
    EXPECT_EQ(result.code, each.code) << each.arguments;
    EXPECT_THAT(result.err + result.out, HasSubstr(each.said)) << each.arguments;
  }
  EXPECT_EQ(files().front(), "add.inlay");
  fs::create_symlink("loop.inlay", folder_ / "loop.inlay");
  EXPECT_THAT(inlay("build loop.inlay").err, HasSubstr("can't be opened"));
}

TEST_F(CliErrors, NumbersAreNumbers) {
  for (const char* arguments :
       {"run add.inlay N=3 --seed -1", "run add.inlay N=3 --seed 1e9",
        "run add.inlay N=3 --check --tolerance nan", "run add.inlay N=3 --check --tolerance -1",
        "bench add.inlay N=3 --seconds nan", "bench add.inlay N=3 --seconds inf",
        "bench add.inlay N=3 --seed -1", "build add.inlay -o \"\"",
        "run add.inlay N=3 --threads 99999999999999999999"}) {
    EXPECT_EQ(inlay(arguments).code, 2) << arguments;
  }
  EXPECT_THAT(inlay("run add.inlay N=3 --check --tolerance nan").err,
              HasSubstr("--tolerance: `nan` is no number from 0 up"));
  for (const char* size : {"-1", "nan", "1e3", "", "99999999999999999999", "9999999999999999"}) {
    Result result = inlay(std::string("run add.inlay N=") + size);
    EXPECT_EQ(result.code, 1) << size;
    EXPECT_THAT(result.err, AllOf(HasSubstr("error: "), HasSubstr(size)));
  }
  for (const char* bytes : {"lots", "-1", "99999999999999999999"}) {
    Result result =
        shell(std::string("env INLAY_CACHE_BYTES=") + bytes + " " INLAY_COMMAND " build add.inlay");
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr(std::string("INLAY_CACHE_BYTES is `") + bytes + "`"));
  }
}

TEST_F(CliErrors, WhatIsWrongIsSaidBeforeTheWork) {
  Result none = inlay("run add.inlay N=3 --out Q=q.npy");
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, AllOf(HasSubstr("add has no tensor `Q`"), HasSubstr("it has A, B, C")));
  EXPECT_THAT(inlay("build add.inlay --import fortran:k.f").err,
              HasSubstr("can't tell the kind of `--import fortran:k.f`"));
  // And in order, where both streams go the same way.
  Result both = shell("sh -c '" INLAY_COMMAND " run add.inlay N=3 --out C=/nowhere/c.npy 2>&1'");
  EXPECT_LT(both.out.find("random A"), both.out.find("error: "));
  // Bytes that are no text are not sent to a terminal.
  write(folder_ / "bytes.inlay", "func \x9b\xff\x80 f() { }\n");
  std::string err = inlay("build bytes.inlay").err;
  EXPECT_THAT(err, HasSubstr(" 1 | func ??? f() { }"));
}

}  // namespace
}  // namespace inlay::testing
