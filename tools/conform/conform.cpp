#include "tools/conform/conform.h"

#include <fmt/format.h>
#include <inlay/runtime.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/text/text.h"
#include "tools/conform/cases.h"

namespace inlay::conform {

namespace {

namespace fs = std::filesystem;

// The formats of runtime/src/tools/cases.h.
class Writer {
 public:
  template <typename T>
  void number(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void raw(const void* bytes, size_t size) { text_.append(static_cast<const char*>(bytes), size); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Reader {
 public:
  explicit Reader(std::string text) : text_(std::move(text)) {}
  bool at_end() const { return at_ >= text_.size(); }
  bool has(size_t size) const { return text_.size() - at_ >= size; }
  template <typename T>
  T number() {
    T value{};
    if (has(sizeof value)) std::memcpy(&value, text_.data() + at_, sizeof value);
    at_ += std::min(sizeof value, text_.size() - at_);
    return value;
  }
  std::string raw(size_t size) {
    size = std::min(size, text_.size() - at_);
    at_ += size;
    return text_.substr(at_ - size, size);
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

void write_case(Writer& out, const Case& one) {
  out.number(static_cast<uint32_t>(std::strlen(kCallOnce)));
  out.raw(kCallOnce, std::strlen(kCallOnce));
  out.number(static_cast<uint32_t>(one.arguments.size()));
  for (const CaseArgument& argument : one.arguments) {
    if (!argument.is_tensor) {
      bool is_float = std::holds_alternative<double>(argument.scalar);
      out.number(static_cast<uint8_t>(is_float ? 1 : 0));
      if (is_float) {
        out.number(std::get<double>(argument.scalar));
      } else {
        out.number(std::get<int64_t>(argument.scalar));
      }
      continue;
    }
    const CaseTensor& tensor = one.tensors[argument.tensor];
    out.number(uint8_t{2});
    out.number(dlpack_type(tensor.type).code);
    out.number(dlpack_type(tensor.type).bits);
    out.number(static_cast<uint8_t>(tensor.shape.size()));
    out.number(static_cast<uint8_t>(one.touch_start ? 1 : 0));
    out.number(static_cast<uint32_t>(tensor.alignment));
    for (int64_t extent : tensor.shape) out.number(extent);
    for (int64_t stride : tensor.strides) out.number(stride);
    out.number(static_cast<uint64_t>(tensor.bytes.size()));
    out.raw(tensor.bytes.data(), tensor.bytes.size());
  }
}

// What is wrong with the next result; `*ended` if there is none.
std::string read_result(Reader& in, const Meaning& meaning, const Case& asked, double* worst,
                        bool* ended) {
  *ended = in.at_end();
  if (*ended) return "it ended the process";
  auto outcome = in.number<uint8_t>();
  if (outcome == 1) return "the runtime refused the call: " + in.raw(in.number<uint32_t>());
  if (outcome == 2) {
    auto signal_number = in.number<int32_t>();
    auto index = in.number<int32_t>();
    auto offset = in.number<int64_t>();
    std::string what =
        fmt::format("stopped by signal {} ({})", signal_number, strsignal(signal_number));
    if (index < 0 || static_cast<size_t>(index) >= asked.arguments.size()) return what;
    const CaseArgument& argument = asked.arguments[static_cast<size_t>(index)];
    size_t size = asked.tensors[argument.tensor].bytes.size();
    return what + fmt::format(": it touched {}, {} bytes {}", argument.name,
                              offset < 0 ? -offset : offset - static_cast<int64_t>(size),
                              offset < 0 ? "before its first element" : "past its last element");
  }
  std::vector<std::vector<uint8_t>> returned;
  std::string damage;
  for (const CaseTensor& tensor : asked.tensors) {
    auto changed = in.number<int64_t>();
    std::string bytes = in.raw(tensor.bytes.size());
    if (bytes.size() != tensor.bytes.size()) {
      *ended = true;
      return "its results end too early";
    }
    if (changed != INT64_MIN && damage.empty()) {
      damage = fmt::format("it wrote outside of {}, at byte {} of its {}", tensor.name, changed,
                           tensor.bytes.size());
    }
    returned.emplace_back(bytes.begin(), bytes.end());
  }
  if (!damage.empty()) return damage;
  return judge(meaning, asked, returned, worst);
}

std::string quoted(const std::string& path) {
  return "'" + path + "'";  // temporary files and our own programs: no quotes in them
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Empty if the process ended well; else how it did not, with what it said.
std::string execute(const std::string& command) {
  TemporaryFile said(".txt");
  int status = std::system((command + " >" + quoted(said.path()) + " 2>&1").c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  std::string text = read_all(said.path());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? fmt::format("`{}` ended with status {:#x}", command, status) : text;
}

std::vector<Case> make_cases(const Meaning& meaning, const Row& row, const Options& options,
                             RowReport* report) {
  CaseMaker maker(meaning, row.implement->constants, options.seed);
  std::string why_none;
  std::vector<std::map<std::string, int64_t>> sizes = maker.sizes(options.most_sizes, &why_none);
  if (sizes.empty()) {
    report->failures.push_back("the meaning runs for no sizes that were tried: " + why_none);
    return {};
  }
  report->sizes = CaseMaker::ranges(sizes);
  std::vector<Case> cases;
  int variant = 0;
  bool has_floats = meaning.epsilon > 0;
  size_t repeats = std::max<size_t>(1, 16 / sizes.size());
  for (size_t i = 0; i < sizes.size() * repeats; ++i) {
    const std::map<std::string, int64_t>& chosen = sizes[i % sizes.size()];
    // Whole numbers find every wrong index, at every size, at both ends. The rest goes round; few
    // sizes get all of it.
    for (Data data : kAllData) {
      bool always = data == Data::Whole || data == Data::Random;
      if (!has_floats && !always) continue;
      bool turn = sizes.size() <= 40 || i % 3 == static_cast<size_t>(data) % 3;
      if (always || turn) cases.push_back(maker.make(chosen, data, variant++));
      if (data == Data::Whole) cases.push_back(maker.make(chosen, data, variant++));
    }
    ++variant;  // so that no kind of data keeps to one side
  }
  return cases;
}

// Judges the row by its results; the process goes on behind a case that ended it.
void run_cases(const std::string& command, const std::string& object, const Meaning& meaning,
               const std::vector<Case>& cases, const Options& options, RowReport* report) {
  size_t done = 0;
  while (done < cases.size()) {
    Writer out;
    out.raw("INLAYCS1", 8);
    out.number(static_cast<uint32_t>(cases.size() - done));
    for (size_t i = done; i < cases.size(); ++i) write_case(out, cases[i]);
    TemporaryFile in_file(".cases"), out_file(".results");
    write_file(in_file.path(), out.text());
    std::string why = execute(fmt::format("{} {} --cases {} {}", command, quoted(object),
                                          quoted(in_file.path()), quoted(out_file.path())));
    Reader in(read_all(out_file.path()));
    bool ended = false;
    while (done < cases.size() && !ended) {
      std::string wrong = read_result(in, meaning, cases[done], &report->worst, &ended);
      if (ended && !why.empty()) wrong += ": " + why;
      ++report->cases;
      if (!wrong.empty()) {
        ++report->failed;
        if (report->failures.size() < options.most_failures)
          report->failures.push_back(cases[done].description + ": " + wrong);
      }
      ++done;
    }
    // A program that fails at once, or again and again, need not be asked for every case.
    if (ended && report->failed > 20) break;
  }
}

void check_code(const Meaning& meaning, const BuildOutput& output, const Target& target,
                const TargetPredicate& predicate, RowReport* row) {
  auto found = output.artifacts.find(Artifact::Assembly);
  if (found == output.artifacts.end()) return;
  CodeReport& code = row->code = inspect(found->second, target.arch);
  code.inlined = true;
  for (const nlohmann::json& report : nlohmann::json::parse(output.report_json)["reports"]) {
    for (const nlohmann::json& call : report["calls"])
      code.inlined = code.inlined && call["verdict"] != "called";
  }
  if (!code.inlined) return;
  // A row that asks for the feature is expected to use it.
  bool asks = std::any_of(predicate.features.begin(), predicate.features.end(), [](const auto& f) {
    return f == "fma" || f == "avx512f" || f == "neon";
  });
  if (asks && meaning.adds_products && code.fused == 0)
    row->failures.push_back("its code has no fused multiply-add of vectors");
  if (code.calls) row->failures.push_back(fmt::format("its code calls out {} times", code.calls));
  if (code.spills) {
    row->failures.push_back(fmt::format(
        "its code spills vector registers {} times: the register block is too large", code.spills));
  }
}

}  // namespace

CodeReport inspect(const std::string& assembly, const std::string& arch) {
  CodeReport report;
  std::string begin = std::string("\ninlay.fn.") + kCallOnce + ":";
  size_t from = assembly.find(begin);
  size_t to = assembly.find("\n.Lfunc_end", from == std::string::npos ? 0 : from);
  if (from == std::string::npos) return report;
  std::string text = assembly.substr(from + begin.size(), to - from - begin.size());
  bool x86 = arch == "x86_64";
  size_t position = 0;
  while (position < text.size()) {
    size_t end = std::min(text.find('\n', position), text.size());
    std::string line = text.substr(position, end - position);
    position = end + 1;
    size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '.' || line[start] == '#') continue;
    std::string word = line.substr(start, line.find_first_of(" \t", start) - start);
    bool vector_register =
        x86 ? line.find("mm") != std::string::npos : line.find("q") != std::string::npos;
    if (line.find("Spill") != std::string::npos && vector_register) ++report.spills;
    bool call = x86 ? word.rfind("call", 0) == 0 : word == "bl" || word == "blr";
    if (call) ++report.calls;
    bool packed =
        word.size() > 2 && (word.ends_with("ps") || word.ends_with("pd") || word.ends_with("ph"));
    bool fused = x86 ? word.rfind("vf", 0) == 0 && word.find("add") != std::string::npos && packed
                     : word == "fmla" || word == "fmls";
    if (!fused) continue;
    ++report.fused;
    std::string registers = !x86                                     ? "v"
                            : line.find("%zmm") != std::string::npos ? "zmm"
                            : line.find("%ymm") != std::string::npos ? "ymm"
                                                                     : "xmm";
    // "zmm" > "ymm" > "xmm"
    report.registers = std::max(report.registers, registers);
  }
  return report;
}

RowReport check_row(const Program& program, const Row& row, PluginRegistry& plugins,
                    const Options& options) {
  RowReport report;
  report.name = row.name;
  const Loc& loc = row.implement->loc;
  if (loc) report.place = fmt::format("{}:{}", loc.file->path(), loc.line);
  std::optional<Target> target = target_of(row, plugins);
  if (!target) {
    report.not_run =
        "no backend here compiles for " + row.implement->target.arch + ", so it was not even built";
    return report;
  }
  report.target = target->spec;
  std::string text = row_program(program, row, false);
  ParseResult parsed = parse_program(text, row.intrinsic->name + " alone");
  parsed.diagnostics.throw_if_errors();
  Meaning meaning = meaning_of(parsed.program);
  report.unbounded = meaning.bounded ? "" : meaning.why_unbounded;
  BuildOutput output = build_row(text, *target, plugins);
  check_code(meaning, output, *target, row.implement->target, &report);
  std::vector<Case> cases = make_cases(meaning, row, options, &report);
  if (cases.empty()) return report;

  TemporaryFile object(".so");
  write_file(object.path(), output.artifacts[Artifact::SharedObject], true);
  std::string command;
  auto given = options.exec_of.find(target->arch);
  if (given != options.exec_of.end()) {
    command = given->second;
  } else {
    // Loading tells whether this machine is of the kind, and has the features.
    InlayModule* module = nullptr;
    if (inlay_module_load(object.path().c_str(), &module) != INLAY_OK) {
      // "/tmp/....so: is for AArch64, this machine is x86-64"
      std::string why = inlay_last_error();
      std::string prefix = object.path() + ": ";
      report.not_run = why.rfind(prefix, 0) == 0 ? "it " + why.substr(prefix.size()) : why;
      return report;
    }
    inlay_module_unload(module);
    if (!fs::exists(options.exec)) {
      throw CompileError("conformance", {}, "there is no inlay-exec at " + options.exec,
                         "it is installed beside inlay");
    }
    command = quoted(options.exec);
  }
  run_cases(command, object.path(), meaning, cases, options, &report);
  report.ran = true;
  return report;
}

std::string render(const RowReport& r) {
  std::string verdict = !r.ok() ? "WRONG" : r.ran ? "ok" : "not run";
  std::string text = fmt::format("{}: {}\n", r.name, verdict);
  std::string where = r.target.empty() ? "" : ", built for " + r.target;
  text += fmt::format("  {}{}\n", r.place, where);
  if (r.ran) {
    text += fmt::format("  {} cases{}; {} failed; largest error {:.2g} of what is allowed\n",
                        r.cases, r.sizes.empty() ? "" : " (" + r.sizes + ")", r.failed, r.worst);
  } else if (!r.not_run.empty()) {
    text += "  not run here: " + r.not_run + "\n";
  }
  if (!r.unbounded.empty()) {
    text += fmt::format(
        "  its meaning has {}: compared with the interpreter's values within 1e-5 of "
        "the largest\n",
        r.unbounded);
  }
  if (!r.target.empty()) {
    text += r.code.inlined
                ? fmt::format("  code: {} fused multiply-adds{}, {} calls, {} vector spills\n",
                              r.code.fused,
                              r.code.fused ? " in " + r.code.registers + " registers" : "",
                              r.code.calls, r.code.spills)
                : "  code: called, not inlined, so its instructions were not looked at\n";
  }
  for (const std::string& failure : r.failures) text += "  WRONG " + failure + "\n";
  if (r.failed > r.failures.size())
    text += fmt::format("  and {} more\n", r.failed - r.failures.size());
  return text;
}

std::string exec_beside_this_program() {
  std::error_code failed;
  fs::path program = fs::read_symlink("/proc/self/exe", failed);
  return (program.parent_path() / "inlay-exec").string();
}

}  // namespace inlay::conform
