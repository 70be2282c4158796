#include "tools/driver/files/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/support/diagnostic.h"

namespace inlay {

namespace fs = std::filesystem;

namespace {

// What a signal is to remove. A handler may neither lock nor allocate: a path stands in a slot from
// before its file is made until after it is gone. What finds no slot is not removed by a signal.
constexpr int kSlots = 32;
std::atomic<const char*> unfinished[kSlots];

int hold(const std::string& path) {
  char* copy = strdup(path.c_str());
  for (int i = 0; copy && i < kSlots; ++i) {
    const char* expected = nullptr;
    if (unfinished[i].compare_exchange_strong(expected, copy)) return i;
  }
  free(copy);
  return -1;
}

void release(int slot) {
  if (slot >= 0) free(const_cast<char*>(unfinished[slot].exchange(nullptr)));
}

void remove_and_end(int number) {
  for (auto& slot : unfinished) {
    if (const char* path = slot.load()) unlink(path);
  }
  // Its own action was put back when the handler began.
  raise(number);
}

}  // namespace

void remove_files_on_signals() {
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    if (sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action.sa_handler = remove_and_end;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(number, &action, nullptr);
  }
}

std::string temporary_folder() {
  std::error_code failed;
  fs::path folder = fs::temp_directory_path(failed);
  if (failed) {
    const char* asked = std::getenv("TMPDIR");
    throw CompileError("output", {},
                       "TMPDIR is `" + std::string(asked ? asked : "") + "`, which is no folder",
                       "name a writable folder in TMPDIR, or unset it for /tmp");
  }
  return folder.string();
}

TemporaryFile::TemporaryFile(const std::string& suffix) {
  std::string folder = temporary_folder();
  path_ = (fs::path(folder) / "inlay-XXXXXX").string() + suffix;
  int file = mkstemps(path_.data(), static_cast<int>(suffix.size()));
  if (file < 0) {
    throw CompileError("output", {},
                       "can't make a temporary file in " + folder + ": " + std::strerror(errno),
                       "name a writable folder in TMPDIR");
  }
  close(file);
  slot_ = hold(path_);
}

TemporaryFile::~TemporaryFile() {
  unlink(path_.c_str());
  release(slot_);
}

OutputFile::OutputFile(std::string path, const char* option, bool executable)
    : path_(std::move(path)), final_(path_), written_(path_), option_(option) {
  struct stat there;
  if (stat(path_.c_str(), &there) == 0) {
    if (S_ISDIR(there.st_mode)) fail(EISDIR);
    if (!S_ISREG(there.st_mode)) return;
    std::error_code failed;
    fs::path real = fs::canonical(path_, failed);
    if (!failed) final_ = real.string();
  }
  written_ = final_ + ".tmp" + std::to_string(getpid());
  slot_ = hold(written_);
  int file =
      open(written_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, executable ? 0777 : 0666);
  if (file < 0) {
    int error = errno;
    release(slot_);
    fail(error);
  }
  close(file);
}

OutputFile::~OutputFile() {
  if (written_ != final_) unlink(written_.c_str());
  release(slot_);
}

void OutputFile::commit() {
  if (written_ == final_) return;
  if (rename(written_.c_str(), final_.c_str()) != 0) fail(errno);
  written_ = final_;
}

void OutputFile::fail(int error) const {
  throw CompileError("output", {}, "can't write " + path_ + ": " + std::strerror(error),
                     std::string("choose another place with ") + option_);
}

void write_file(const std::string& path, const std::string& bytes, bool executable,
                const char* option) {
  OutputFile output(path, option, executable);
  int file = open(output.path().c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) output.fail(errno);
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = write(file, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      int error = n < 0 ? errno : EIO;
      close(file);
      output.fail(error);
    }
    done += static_cast<size_t>(n);
  }
  if (close(file) != 0) output.fail(errno);
  output.commit();
}

}  // namespace inlay
