// load_program: a file from the disk, with every way in which that fails said in one sentence.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "core/text/text.h"
#include "core/verify/verify.h"

namespace inlay {

namespace {

constexpr uintmax_t kMaxBytes = uintmax_t{64} << 20;

[[noreturn]] void fail(const std::string& path, const std::string& message,
                       const std::string& help = "") {
  throw CompileError("file", {Ref<const SourceFile>(new SourceFile(path, "")), 0, 0}, message,
                     help);
}

std::string read_source(const std::string& path) {
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error && error != std::errc::no_such_file_or_directory &&
      error != std::errc::not_a_directory) {
    fail(path, "can't be opened: " + error.message());
  }
  if (!std::filesystem::exists(status)) {
    fail(path, "there is no such file", "relative paths start at the current directory");
  }
  if (std::filesystem::is_directory(status)) fail(path, "this is a directory, not a .inlay file");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, std::string("can't be opened: ") + std::strerror(errno));
  std::string text;
  std::string chunk(1 << 16, '\0');
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    text.append(chunk, 0, static_cast<size_t>(in.gcount()));
    if (text.size() > kMaxBytes) {
      fail(path, "the file is larger than " + std::to_string(kMaxBytes >> 20) + " MiB");
    }
  }
  if (in.bad()) fail(path, std::string("can't be read: ") + std::strerror(errno));
  return text;
}

}  // namespace

Program load_program(const std::string& path) {
  ParseResult parsed = parse_program(read_source(path), path, read_source);
  parsed.diagnostics.throw_if_errors();
  verify(parsed.program).throw_if_errors();
  return std::move(parsed.program);
}

}  // namespace inlay
