// Loading: variants, versions, damaged and foreign files, tables with a fault, linked-in objects.
#include <elf.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <functional>

#include "tests/runtime/support.h"

extern "C" const InlayCodeObject inlay_code_object_fixture;
extern "C" int32_t inlay_sgemm(const DLTensor*, const DLTensor*, const DLTensor*);

namespace inlay::test {
namespace {

// Loads, expects this status; returns the sentence without the path.
std::string refused(const std::string& path, int32_t status) {
  InlayModule* module = nullptr;
  EXPECT_EQ(inlay_module_load(path.c_str(), &module), status) << inlay_last_error();
  EXPECT_EQ(module, nullptr);
  inlay_module_unload(module);
  std::string sentence = inlay_last_error();
  EXPECT_EQ(sentence.rfind(path, 0), 0u) << sentence;
  return sentence.substr(std::min(sentence.size(), path.size() + 2));
}

struct Environment {
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  const char* name_;
};

int64_t which(const Module& module) {
  Tensor<int64_t> out({1});
  EXPECT_EQ(module.call("which", {out.value()}), INLAY_OK) << inlay_last_error();
  return out[0];
}

TEST(Load, describes) {
  Module module;
  const InlayCodeObject* object = inlay_module_object(module.get());
  EXPECT_STREQ(object->program, "fixture");
  EXPECT_EQ(object->n_functions, 10u);
  const InlayCallable* function = nullptr;
  ASSERT_EQ(inlay_module_function(module.get(), "sgemm", &function), INLAY_OK);
  EXPECT_STREQ(inlay_callable_describe(function)->params[2].name, "C");
  EXPECT_EQ(inlay_module_function(module.get(), "dgemm", &function), INLAY_ERROR_NOT_FOUND);
  EXPECT_STREQ(inlay_last_error(),
               "fixture: has no function dgemm; it has sgemm, copy, shapes, scalars, parallel, "
               "workspace, libc, special, which, layout");
  void* entry = nullptr;
  EXPECT_EQ(inlay_module_entry(module.get(), "copy", &entry), INLAY_ERROR_NOT_FOUND);
  EXPECT_STREQ(inlay_last_error(), "fixture: does not export inlay_copy");
}

TEST(Load, takes_the_first_variant_that_the_cpu_can_run) {
  Module module;
  EXPECT_STREQ(inlay_module_variant(module.get())->name, "fast");
  EXPECT_EQ(which(module), 1);
}

TEST(Load, forced_variant) {
  {
    Environment force("INLAY_VARIANT", "plain");
    Module module;
    EXPECT_EQ(which(module), 2);
    setenv("INLAY_VARIANT", "fast", 1);
    EXPECT_EQ(refused(kFixture, INLAY_ERROR_INVALID_ARGUMENT),
              "is loaded already with variant plain, and cannot run fast too; unload it first");
  }
  Environment force("INLAY_VARIANT", "future");
  EXPECT_EQ(refused(kFixture, INLAY_ERROR_UNSUPPORTED_CPU),
            "INLAY_VARIANT asks for future, but this CPU lacks vec4096 (unknown to this runtime)");
  setenv("INLAY_VARIANT", "fasst", 1);
  EXPECT_EQ(refused(kFixture, INLAY_ERROR_NOT_FOUND),
            "INLAY_VARIANT asks for fasst, which it does not have; it has future, fast, plain");
}

TEST(Load, no_variant_fits) {
  EXPECT_EQ(
      refused(INLAY_FIXTURE_DIR "/unreachable.so", INLAY_ERROR_UNSUPPORTED_CPU),
      "this CPU can run none of its variants: future lacks vec4096 (unknown to this runtime)");
}

TEST(Load, features_of_this_machine) {
#if defined(__x86_64__)
  for (const char* name : {"sse2", "avx", "avx2", "fma", "f16c", "bmi2", "avx512f"}) {
    bool expected = strcmp(name, "sse2") == 0   ? __builtin_cpu_supports("sse2")
                    : strcmp(name, "avx") == 0  ? __builtin_cpu_supports("avx")
                    : strcmp(name, "avx2") == 0 ? __builtin_cpu_supports("avx2")
                    : strcmp(name, "fma") == 0  ? __builtin_cpu_supports("fma")
                    : strcmp(name, "f16c") == 0 ? __builtin_cpu_supports("f16c")
                    : strcmp(name, "bmi2") == 0 ? __builtin_cpu_supports("bmi2")
                                                : __builtin_cpu_supports("avx512f");
    EXPECT_EQ(inlay_cpu_has_feature(name) != 0, expected) << name;
  }
#else
  EXPECT_EQ(inlay_cpu_has_feature("neon"), 1);
#endif
  EXPECT_EQ(inlay_cpu_has_feature("no-such-feature"), 0);
  EXPECT_EQ(inlay_cpu_has_feature(nullptr), 0);
}

TEST(Load, bad_thread_count_is_an_error) {
  // The count is read once, so in a process of its own.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("INLAY_NUM_THREADS", "many", 1);
        InlayModule* module = nullptr;
        int32_t status = inlay_module_load(kFixture.c_str(), &module);
        fprintf(stderr, "%s", inlay_last_error());
        _exit(status);
      },
      testing::ExitedWithCode(INLAY_ERROR_INVALID_ARGUMENT),
      "INLAY_NUM_THREADS is 'many', expected a number from 1 to 1024");
}

TEST(Load, thread_count_of_the_environment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("INLAY_NUM_THREADS", "3", 1);
        _exit(inlay_num_threads());
      },
      testing::ExitedWithCode(3), "");
}

TEST(Load, files_that_are_none) {
  EXPECT_EQ(refused("/nonexistent/x.so", INLAY_ERROR_IO),
            "cannot open it: No such file or directory");
  EXPECT_EQ(refused("/tmp", INLAY_ERROR_IO), "is no regular file");
  EXPECT_EQ(refused(TempFile({}).path(), INLAY_ERROR_BAD_CODE_OBJECT), "the file is empty");
  TempFile text(std::vector<unsigned char>(100, 'x'));
  EXPECT_EQ(refused(text.path(), INLAY_ERROR_BAD_CODE_OBJECT), "is no ELF file");
  EXPECT_EQ(refused(INLAY_RUNTIME_FILE, INLAY_ERROR_BAD_CODE_OBJECT),
            "is no Inlay code object (it has no Inlay note)");
  InlayModule* module = nullptr;
  EXPECT_EQ(inlay_module_load(nullptr, &module), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "inlay_module_load: path is NULL");
  EXPECT_EQ(inlay_module_load("x", nullptr), INLAY_ERROR_INVALID_ARGUMENT);
}

TEST(Load, truncated_anywhere) {
  std::vector<unsigned char> good = read_bytes(kFixture);
  ASSERT_EQ(inlay_object_verify(good.data(), good.size(), nullptr), INLAY_OK) << inlay_last_error();
  for (size_t size = 0; size < good.size(); ++size) {
    // A buffer of its own, so that AddressSanitizer sees a read beyond the end.
    std::vector<unsigned char> part(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    ASSERT_EQ(inlay_object_verify(part.data(), size, nullptr), size == 0 && part.data() == nullptr
                                                                   ? INLAY_ERROR_INVALID_ARGUMENT
                                                                   : INLAY_ERROR_BAD_CODE_OBJECT)
        << size;
  }
}

TEST(Load, every_changed_byte_is_found) {
  std::vector<unsigned char> bytes = read_bytes(kFixture);
  size_t note = find_note(bytes.data(), bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned char change : {0x01, 0x80, 0xff}) {
      bytes[i] ^= change;
      int32_t status = inlay_object_verify(bytes.data(), bytes.size(), nullptr);
      bool version =
          i >= note + offsetof(InlayNote, abi_version) && i < note + offsetof(InlayNote, checksum);
      EXPECT_EQ(status, version ? INLAY_ERROR_VERSION : INLAY_ERROR_BAD_CODE_OBJECT)
          << "byte " << i;
      bytes[i] ^= change;
    }
  }
  TempFile damaged([&] {
    std::vector<unsigned char> copy = bytes;
    copy[copy.size() / 2] ^= 4;
    return copy;
  }());
  EXPECT_EQ(refused(damaged.path(), INLAY_ERROR_BAD_CODE_OBJECT).substr(0, 28),
            "is damaged: its checksum is ");
}

TEST(Load, versions_and_machines) {
  std::vector<unsigned char> good = read_bytes(kFixture);
  size_t note = find_note(good.data(), good.size());
  std::vector<unsigned char> newer = good;
  newer[note + offsetof(InlayNote, abi_version)] = 9;
  EXPECT_EQ(refused(TempFile(newer).path(), INLAY_ERROR_VERSION),
            std::string("has ABI version 9, this runtime (") + inlay_version() + ") reads " +
                std::to_string(INLAY_ABI_VERSION) + "; use a newer runtime");
  std::vector<unsigned char> foreign = good;
  foreign[offsetof(Elf64_Ehdr, e_machine)] = EM_RISCV;
  EXPECT_EQ(refused(TempFile(foreign).path(), INLAY_ERROR_BAD_CODE_OBJECT),
            "is for ELF machine 243, expected x86-64 (62) or AArch64 (183)");
  foreign[offsetof(Elf64_Ehdr, e_machine)] =
      good[offsetof(Elf64_Ehdr, e_machine)] == EM_X86_64 ? EM_AARCH64 : EM_X86_64;
  seal(foreign.data(), foreign.size());
#if defined(__x86_64__)
  EXPECT_EQ(refused(TempFile(foreign).path(), INLAY_ERROR_UNSUPPORTED_CPU),
            "is for AArch64, this machine is x86-64");
#endif
}

// Faults in the ELF file with the checksum made right again: found by the checks of the structure.
TEST(Load, resealed_faults) {
  struct Case {
    const char* sentence;
    std::function<void(std::vector<unsigned char>&)> put;
  };
  auto header = [](std::vector<unsigned char>& b) {
    return reinterpret_cast<Elf64_Ehdr*>(b.data());
  };
  auto segment = [&](std::vector<unsigned char>& b, uint32_t type) {
    auto* at = reinterpret_cast<Elf64_Phdr*>(b.data() + header(b)->e_phoff);
    while (at->p_type != type) ++at;
    return at;
  };
  auto dynamic = [&](std::vector<unsigned char>& b, int64_t tag) {
    auto* at = reinterpret_cast<Elf64_Dyn*>(b.data() + segment(b, PT_DYNAMIC)->p_offset);
    while (at->d_tag != tag) ++at;
    return at;
  };
  const Case cases[] = {
      {"is no 64-bit little-endian ELF file", [&](auto& b) { b[EI_CLASS] = ELFCLASS32; }},
      {"has an unknown ELF version", [&](auto& b) { header(b)->e_version = 7; }},
      {"is an ELF file, but no shared object", [&](auto& b) { header(b)->e_type = ET_CORE; }},
      {"is a relocatable object; link it into the program, or build a .so",
       [&](auto& b) { header(b)->e_type = ET_REL; }},
      {"has no fit table of program headers", [&](auto& b) { header(b)->e_phentsize = 32; }},
      {"is truncated: the program headers lie outside of the file",
       [&](auto& b) { header(b)->e_phoff = UINT64_MAX - 8; }},
      {"is truncated: a segment lies outside of the file",
       [&](auto& b) { segment(b, PT_LOAD)->p_filesz = UINT64_MAX; }},
      {"is truncated: a segment lies outside of the file",
       [&](auto& b) { segment(b, PT_DYNAMIC)->p_offset = UINT64_MAX; }},
      {"has a segment of unfit size or place", [&](auto& b) { segment(b, PT_LOAD)->p_memsz = 1; }},
      {"has a segment of unfit size or place",
       [&](auto& b) { segment(b, PT_LOAD)->p_vaddr = UINT64_MAX - 4095; }},
      {"has a segment of unfit alignment", [&](auto& b) { segment(b, PT_LOAD)->p_align = 3; }},
      {"has a segment of unfit alignment", [&](auto& b) { segment(b, PT_LOAD)->p_align = 16; }},
      {"is a program, not a code object",
       [&](auto& b) { segment(b, PT_GNU_STACK)->p_type = PT_INTERP; }},
      {"asks for an executable stack", [&](auto& b) { segment(b, PT_GNU_STACK)->p_flags |= PF_X; }},
      {"has nothing to load",
       [&](auto& b) {
         auto* at = reinterpret_cast<Elf64_Phdr*>(b.data() + header(b)->e_phoff);
         for (int i = 0; i < header(b)->e_phnum; ++i) {
           if (at[i].p_type == PT_LOAD) at[i].p_type = PT_NULL;
         }
       }},
      {"has an Inlay note that is not loaded", [&](auto& b) { segment(b, PT_NOTE)->p_vaddr += 4; }},
      {"has no dynamic section", [&](auto& b) { segment(b, PT_DYNAMIC)->p_type = PT_NULL; }},
      {"has a dynamic section that is not loaded",
       [&](auto& b) { segment(b, PT_DYNAMIC)->p_vaddr += 1 << 20; }},
      {"has a dynamic section without an end",
       [&](auto& b) { segment(b, PT_DYNAMIC)->p_filesz = 2 * sizeof(Elf64_Dyn); }},
      {"needs another library, so it is no Inlay code object",
       [&](auto& b) { dynamic(b, DT_STRSZ)->d_tag = DT_NEEDED; }},
      {"has text relocations", [&](auto& b) { dynamic(b, DT_STRSZ)->d_tag = DT_TEXTREL; }},
      {"has dynamic tables outside of the file",
       [&](auto& b) { dynamic(b, DT_STRSZ)->d_un.d_val = 1 << 30; }},
      {"has dynamic tables outside of the file",
       [&](auto& b) { dynamic(b, DT_SYMTAB)->d_un.d_ptr = UINT64_MAX - 4; }},
  };
  const std::vector<unsigned char> good = read_bytes(kFixture);
  for (const Case& c : cases) {
    std::vector<unsigned char> bytes = good;
    c.put(bytes);
    ASSERT_TRUE(seal(bytes.data(), bytes.size()));
    EXPECT_EQ(inlay_object_verify(bytes.data(), bytes.size(), nullptr),
              INLAY_ERROR_BAD_CODE_OBJECT);
    EXPECT_EQ(inlay_last_error(), std::string("the code object: ") + c.sentence);
  }
}

TEST(Load, a_library_of_somebody_else_is_refused) {
  EXPECT_EQ(refused(INLAY_FIXTURE_DIR "/needs_libc.so", INLAY_ERROR_BAD_CODE_OBJECT),
            "needs another library, so it is no Inlay code object");
}

TEST(Load, a_replaced_file_is_not_taken_for_the_old_one) {
  std::vector<unsigned char> good = read_bytes(kFixture);
  TempFile file(good);
  std::vector<unsigned char> other = good;
  // Another program name, somewhere in the read-only data.
  for (size_t i = 0; i + 7 <= other.size(); ++i) {
    if (memcmp(&other[i], "by hand", 7) == 0) memcpy(&other[i], "by foot", 7);
  }
  ASSERT_TRUE(seal(other.data(), other.size()));
  {
    Module first(file.path());
    file.write(other);
    EXPECT_EQ(
        refused(file.path(), INLAY_ERROR_BAD_CODE_OBJECT),
        "another file of this name is loaded; unload that first, or give the new one a name of "
        "its own");
  }
  Module second(file.path());
  EXPECT_STREQ(inlay_module_object(second.get())->compiler, "by foot");
}

TEST(Load, two_handles_share_the_code) {
  auto* first = new Module;
  Module second;
  EXPECT_EQ(inlay_module_object(first->get()), inlay_module_object(second.get()));
  delete first;
  EXPECT_EQ(which(second), 1);
}

TEST(Load, a_relative_path_is_not_searched_for) {
  size_t slash = kFixture.rfind('/');
  char before[4096];
  ASSERT_NE(getcwd(before, sizeof before), nullptr);
  ASSERT_EQ(chdir(kFixture.substr(0, slash).c_str()), 0);
  {
    Module module(kFixture.substr(slash + 1));
  }
  ASSERT_EQ(chdir(before), 0);
}

TEST(Static, loads_and_runs) {
  Tensor<float> a({2, 2}), b({2, 2}), c({2, 2});
  a[0] = a[3] = 1;
  b[0] = 5;
  EXPECT_EQ(inlay_sgemm(&a.dl, &b.dl, &c.dl), INLAY_ERROR_NOT_LOADED);
  InlayModule* handle = nullptr;
  {
    ASSERT_EQ(inlay_module_load_static(&inlay_code_object_fixture, &handle), INLAY_OK)
        << inlay_last_error();
    Module module(handle);
    ASSERT_EQ(inlay_sgemm(&a.dl, &b.dl, &c.dl), INLAY_OK) << inlay_last_error();
    EXPECT_EQ(c[0], 5);
    void* entry = nullptr;
    EXPECT_EQ(inlay_module_entry(handle, "sgemm", &entry), INLAY_ERROR_NOT_FOUND);
    EXPECT_STREQ(inlay_last_error(),
                 "fixture: is linked into the program; call inlay_sgemm directly");
  }
  EXPECT_EQ(inlay_sgemm(&a.dl, &b.dl, &c.dl), INLAY_ERROR_NOT_LOADED);
  EXPECT_EQ(std::string(inlay_last_error()).substr(0, 40),
            "fixture: the code object is not loaded; ");
  Environment force("INLAY_VARIANT", "plain");  // unloaded, so it may change its variant
  ASSERT_EQ(inlay_module_load_static(&inlay_code_object_fixture, &handle), INLAY_OK)
      << inlay_last_error();
  EXPECT_EQ(which(Module(handle)), 2);
}

// A code object in memory with one thing wrong.
class Tables : public testing::Test {
 protected:
  std::string refused(int32_t status = INLAY_ERROR_BAD_CODE_OBJECT) {
    InlayModule* module = nullptr;
    EXPECT_EQ(inlay_module_load_static(&object, &module), status);
    inlay_module_unload(module);
    std::string sentence = inlay_last_error();
    std::string start = "the linked-in code object: ";
    EXPECT_EQ(sentence.rfind(start, 0), 0u) << sentence;
    return sentence.substr(std::min(start.size(), sentence.size()));
  }

  static int32_t nothing(void* const*, const int64_t*, const InlayScalar*) { return INLAY_OK; }

  InlayObjectState state{};
  std::vector<int64_t> code = {INLAY_EXPR_SYMBOL, 0};
  const char* symbols[2] = {"M", "N"};
  InlayDim dims[2] = {{0, nullptr, INLAY_DIM_SYMBOL, 0}, {1, nullptr, INLAY_DIM_SYMBOL, 0}};
  InlayParam param = {
      "A", INLAY_PARAM_TENSOR, INLAY_PARAM_READ, {kDLFloat, 32, 1}, 2, 0, kDLCPU, dims, nullptr};
  InlayFunction function = {"f", &param, symbols, 1, 2};
  InlayInvoke invoke[1] = {nothing};
  InlayVariant variant = {"v", nullptr, invoke, 0, 0};
  InlayCodeObject object = {INLAY_OBJECT_MAGIC,
                            INLAY_ABI_VERSION,
                            sizeof(InlayCodeObject),
                            sizeof(InlayRuntimeTable),
                            sizeof(InlayLibcTable),
                            "tables",
                            "test",
                            &function,
                            &variant,
                            nullptr,
                            &state,
                            1,
                            1,
                            0,
                            inlay_code_object_fixture.machine};
};

TEST_F(Tables, right_ones_load) {
  InlayModule* module = nullptr;
  ASSERT_EQ(inlay_module_load_static(&object, &module), INLAY_OK) << inlay_last_error();
  inlay_module_unload(module);
}

TEST_F(Tables, head) {
  object.runtime_table_size += 8;
  EXPECT_EQ(refused(INLAY_ERROR_VERSION).substr(0, 37), "needs a newer runtime than this one (");
  object.runtime_table_size -= 8;
  object.n_variants = 0;
  EXPECT_EQ(refused(), "the code object lacks a table, a variant or a name");
  object.n_variants = 1;
  object.state = nullptr;
  EXPECT_EQ(refused(), "the code object lacks a table, a variant or a name");
  object.state = &state;
  object.abi_version = 9;
  EXPECT_EQ(refused(INLAY_ERROR_VERSION).substr(0, 19), "has ABI version 9 (");
  object.magic = 0;
  EXPECT_EQ(refused(), "inlay_code_object is no Inlay code object (wrong magic)");
}

TEST_F(Tables, machine) {
  object.machine = EM_S390;
  EXPECT_EQ(refused(INLAY_ERROR_UNSUPPORTED_CPU).substr(0, 22), "is for an unknown mach");
}

TEST_F(Tables, variants) {
  invoke[0] = nullptr;
  EXPECT_EQ(refused(), "variant v lacks function f");
  variant.invoke = nullptr;
  EXPECT_EQ(refused(), "variant 0 lacks its name, features or functions");
}

TEST_F(Tables, functions) {
  function.n_params = INLAY_MAX_PARAMS + 1;
  EXPECT_EQ(refused(), "function f has 65 parameters and 2 symbols, at most 64 and 64");
  function.n_params = 0;
  EXPECT_EQ(refused(), "function f: no extent or stride is the symbol M alone");
}

TEST_F(Tables, params) {
  auto at = [&] { return refused().substr(strlen("function f, parameter A: ")); };
  param.rank = 17;
  EXPECT_EQ(at(), "the rank is too high");
  param.rank = 2;
  param.alignment = 12;
  EXPECT_EQ(at(), "the alignment is not a power of two");
  param.alignment = 0;
  param.dtype.bits = 4;
  EXPECT_EQ(at(), "the dtype has no whole number of bytes");
  param.dtype.bits = 32;
  param.flags = 8;
  EXPECT_EQ(at(), "unknown flags");
  param.flags = 0;
  dims[0].value = 2;
  EXPECT_EQ(at(), "an extent or stride names a symbol that does not exist");
  dims[0] = {-4, nullptr, INLAY_DIM_CONST, 0};
  EXPECT_EQ(at(), "a constant extent or stride is negative");
  dims[0].kind = 9;
  EXPECT_EQ(at(), "an extent or stride is of unknown kind");
  param.dims = nullptr;
  EXPECT_EQ(at(), "there are no dims");
  param.kind = 7;
  EXPECT_EQ(at(), "unknown kind of parameter");
  param.kind = INLAY_PARAM_SCALAR;
  param.dtype = {kDLFloat, 8, 1};
  EXPECT_EQ(at(), "a scalar has an unknown dtype");
}

TEST_F(Tables, expressions) {
  auto with = [&](std::vector<int64_t> words) {
    code = std::move(words);
    dims[0] = {0, code.data(), INLAY_DIM_EXPR, static_cast<uint32_t>(code.size())};
    return refused().substr(strlen("function f, parameter A: "));
  };
  EXPECT_EQ(with({}), "an expression has no code, or too much");
  EXPECT_EQ(with({INLAY_EXPR_CONST}), "an expression ends within an operation");
  EXPECT_EQ(with({INLAY_EXPR_SYMBOL, 2}), "an expression names a symbol that does not exist");
  EXPECT_EQ(with({INLAY_EXPR_SCALAR, 0}),
            "an expression names a parameter that is no integer scalar");
  EXPECT_EQ(with({INLAY_EXPR_CONST, 1, INLAY_EXPR_ADD}), "an expression lacks an operand");
  EXPECT_EQ(with({INLAY_EXPR_CONST, 1, INLAY_EXPR_CONST, 1}),
            "an expression leaves no single value");
  EXPECT_EQ(with({99}), "an expression has an unknown operation");
  std::vector<int64_t> deep;
  for (uint32_t i = 0; i <= INLAY_MAX_EXPR_STACK; ++i) {
    deep.insert(deep.end(), {INLAY_EXPR_CONST, 1});
  }
  EXPECT_EQ(with(deep), "an expression is too deep");
}

}  // namespace
}  // namespace inlay::test
