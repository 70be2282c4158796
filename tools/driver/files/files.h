// Files that the command writes: outputs that appear whole or not at all, and temporary ones of
// which nothing stays, even if a signal ends the process.
#pragma once

#include <string>

namespace inlay {

/// Where temporary files go: TMPDIR, else /tmp. Throws CompileError (rule "output") if that is no
/// folder.
std::string temporary_folder();

/// A file in temporary_folder(), empty at first, that goes with its object.
class TemporaryFile {
 public:
  /// `suffix`: how the name ends. Throws CompileError (rule "output").
  explicit TemporaryFile(const std::string& suffix);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int slot_;
};

/// A file that replaces what lies at `path` when it is whole. Until then it is a file beside it; a
/// link is followed. A device or a pipe is written to as it is, and never replaced. Throws
/// CompileError (rule "output") with the path and the reason; `option` is what names another place.
class OutputFile {
 public:
  OutputFile(std::string path, const char* option, bool executable = false);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Where to write.
  const std::string& path() const { return written_; }
  /// It is whole.
  void commit();
  /// Throws: it can't be written, for the reason of this errno.
  [[noreturn]] void fail(int error) const;

 private:
  std::string path_, final_, written_;
  const char* option_;
  int slot_ = -1;
};

/// Writes an OutputFile.
void write_file(const std::string& path, const std::string& bytes, bool executable = false,
                const char* option = "-o");

/// From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, remove the files above before
/// they end the process. For main(): a library has no say in signals.
void remove_files_on_signals();

}  // namespace inlay
