// inlay disasm and inlay emulate, as their users meet them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <zstd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Result {
  int code = -1;
  std::string out, err;
};

class EmulatorCli : public testing::Test {
 protected:
  EmulatorCli() {
    std::string name = (fs::temp_directory_path() / "inlay-emulator-cli-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~EmulatorCli() override { fs::remove_all(folder_); }

  Result shell(const std::string& command) const {
    const fs::path out = folder_ / ".out", err = folder_ / ".err";
    const int status = std::system(("cd '" + folder_.string() + "' && " + command + " >'" +
                                    out.string() + "' 2>'" + err.string() + "'")
                                       .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, read(out), read(err)};
  }
  Result inlay(const std::string& arguments) const { return shell(INLAY_COMMAND " " + arguments); }
  std::string write(const std::string& name, const std::string& data) const {
    std::ofstream(folder_ / name, std::ios::binary) << data;
    return (folder_ / name).string();
  }
  fs::path folder_;
};

// Instructions alone, without what stands beside them.
std::vector<std::string> instructions(const std::string& text) {
  std::vector<std::string> all;
  const std::regex line("\n\\s+([a-z][a-z0-9_]+(?: [^\n]*?)?)(?:  -> [0-9a-f]+)?\\s*//[^\n]*");
  for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at)
    all.push_back((*at)[1]);
  return all;
}

TEST_F(EmulatorCli, DisassemblesAsLlvmDoes) {
  const Result ours = inlay("disasm " CODE_OBJECT);
  ASSERT_EQ(ours.code, 0) << ours.err;
  EXPECT_THAT(ours.out, HasSubstr("gfx900, version 5"));
  EXPECT_THAT(ours.out, HasSubstr("kernel scale:"));
  EXPECT_THAT(ours.out, HasSubstr("variable bias: 4 bytes"));
  EXPECT_THAT(ours.out, HasSubstr("by_value"));
  EXPECT_THAT(ours.out, HasSubstr("s[4:5] kernarg"));
  // clang leaves a bundle; llvm-objdump wants what is in it.
  const std::string bundle = read(CODE_OBJECT);
  const size_t elf = bundle.find(
      "\x7f"
      "ELF");
  ASSERT_NE(elf, std::string::npos);
  const std::string object = write("object.co", bundle.substr(elf));
  const Result theirs = shell(LLVM_OBJDUMP " -d " + object);
  ASSERT_EQ(theirs.code, 0) << theirs.err;
  const std::vector<std::string> a = instructions(ours.out), b = instructions(theirs.out);
  ASSERT_GT(a.size(), 20u);
  // Behind the kernel LLVM prints the padding too.
  ASSERT_GE(b.size(), a.size());
  for (size_t n = 0; n < a.size(); n++)
    if (b[n].rfind("s_cbranch", 0) != 0) EXPECT_EQ(a[n], b[n].substr(0, b[n].find(" // ")));
}

TEST_F(EmulatorCli, FindsDeviceCodeWhereverItIs) {
  const std::string bundle = read(CODE_OBJECT);
  const std::string object =
      bundle.substr(bundle.find("\x7f"
                                "ELF"));
  std::string packed(ZSTD_compressBound(bundle.size()), 0);
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bundle.data(), bundle.size(), 3));
  std::string header("CCOB\x02\x00\x01\x00", 8);
  const auto put = [&](uint64_t v, size_t bytes) {
    header.append(reinterpret_cast<const char*>(&v), bytes);
  };
  put(24 + packed.size(), 4);
  put(bundle.size(), 4);
  put(0, 8);
  for (const std::string& file :
       {write("a.co", object), write("b.hipfb", bundle), write("c.hipfb", header + packed),
        write("d.bin", std::string(1234, 'C') + header + packed + std::string(77, '_') + object)}) {
    const Result r = inlay("disasm --kernel scale " + file);
    EXPECT_EQ(r.code, 0) << file << r.err;
    EXPECT_THAT(r.out, HasSubstr("kernel scale:")) << file;
    EXPECT_THAT(r.out, HasSubstr("s_endpgm")) << file;
  }
  const Result program = inlay("disasm " HIP_PROGRAM);
  EXPECT_EQ(program.code, 0) << program.err;
  EXPECT_THAT(program.out, HasSubstr("hipv4-amdgcn-amd-amdhsa--gfx900"));
  EXPECT_THAT(program.out, HasSubstr("kernel _Z3addPKfS0_Pfi:"));
}

TEST_F(EmulatorCli, DisassemblyNamesSourceLines) {
  Result r = inlay("disasm --source --kernel scale " CODE_OBJECT_WITH_LINES);
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.err, "");
  EXPECT_THAT(r.out, HasSubstr("host/modules.hip:18\n"));
  EXPECT_THAT(r.out, HasSubstr("of 10 wavefronts on a SIMD"));
  // Not asked for, and not there.
  EXPECT_THAT(inlay("disasm " CODE_OBJECT_WITH_LINES).out, Not(HasSubstr("modules.hip:")));
  r = inlay("disasm --source " CODE_OBJECT);
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.err, HasSubstr("built without -g"));
}

TEST_F(EmulatorCli, DisassemblySaysWhatIsWrong) {
  const std::string bundle = read(CODE_OBJECT);
  std::string object =
      bundle.substr(bundle.find("\x7f"
                                "ELF"));
  Result r = inlay("disasm --kernel scael " CODE_OBJECT);
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("did you mean `scale`"));
  r = inlay("disasm missing.co");
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("No such file"));
  EXPECT_EQ(inlay("disasm .").code, 1);
  EXPECT_EQ(inlay("disasm").code, 2);
  r = inlay("disasm " + write("text", "no code at all"));
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("neither a code object nor an offload bundle"));
  EXPECT_EQ(inlay("disasm " + write("empty", "")).code, 1);
  r = inlay("disasm " + write("short.hipfb", bundle.substr(0, bundle.size() / 2)));
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("cut short"));
  object[48] = 0x3f;  // e_flags: gfx90a
  r = inlay("disasm " + write("other.co", object));
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("another chip"));
}

TEST_F(EmulatorCli, EmulatesPrograms) {
  Result r = inlay("emulate " HIP_PROGRAM);
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out, "ok\n");
  r = inlay("emulate --stats --threads 1 --check all " HIP_PROGRAM);
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.err, HasSubstr("_Z3addPKfS0_Pfi"));
  r = inlay("emulate --trace trace.txt " HIP_PROGRAM);
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(read(folder_ / "trace.txt"), HasSubstr("v_add_f32"));
  // Arguments and exit codes belong to the program, options before it to inlay.
  r = inlay(
      "emulate --cus 7 --arch gfx906:xnack+ sh -c 'echo $INLAY_EMULATOR_ARCH "
      "$INLAY_EMULATOR_CUS $0 --arch; exit 5' x");
  EXPECT_EQ(r.code, 5);
  EXPECT_EQ(r.out, "gfx906:xnack+ 7 x --arch\n");
  // A program for gfx900 finds no code on the other chip.
  r = inlay("emulate --arch gfx906 " HIP_PROGRAM);
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("no code for gfx906:sramecc-:xnack- in the offload bundle"));
}

TEST_F(EmulatorCli, EmulateSaysWhatIsWrong) {
  const auto wrong = [&](const std::string& arguments, int code, const char* why) {
    const Result r = inlay("emulate " + arguments);
    EXPECT_EQ(r.code, code) << arguments;
    EXPECT_THAT(r.err + r.out, HasSubstr(why)) << arguments;
  };
  wrong("", 2, "name the PROGRAM");
  wrong("--chek all x", 2, "there is no option `--chek`");
  wrong("--check everything x", 2, "there is no check `everything`; known are");
  wrong("--arch gfx90a x", 2, "known are gfx900 and gfx906");
  wrong("--cus 0 x", 2, "--cus");
  wrong("--trace /nonexistent/file x", 2, "/nonexistent/file");
  wrong("/nonexistent", 1, "no such program");
  wrong("no_such_program_anywhere", 1, "no such program");
  wrong(write("data", "text"), 1, "not executable; chmod +x");
}

}  // namespace
