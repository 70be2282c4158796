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
#include <set>
#include <sstream>

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
      if (const double* number = std::get_if<double>(&argument.scalar)) {
        out.number(uint8_t{1});
        out.number(*number);
      } else {
        const bool* truth = std::get_if<bool>(&argument.scalar);
        out.number(uint8_t{0});
        out.number(truth ? int64_t{*truth} : std::get<int64_t>(argument.scalar));
      }
      continue;
    }
    const CaseTensor& tensor = one.tensors[argument.tensor];
    out.number(uint8_t{2});
    out.number(dlpack_type(tensor.type).code);
    out.number(dlpack_type(tensor.type).bits);
    out.number(static_cast<uint8_t>(tensor.shape.size()));
    out.number(static_cast<uint8_t>(one.place));
    out.number(static_cast<uint32_t>(tensor.alignment));
    for (int64_t extent : tensor.shape) out.number(extent);
    for (int64_t stride : tensor.strides) out.number(stride);
    out.number(static_cast<uint64_t>(tensor.bytes.size()));
    out.raw(tensor.bytes.data(), tensor.bytes.size());
  }
}

// What is wrong with the next result; `*ended` if there is none.
std::string read_result(Reader& in, Judge& judge, const Case& asked, bool* ended) {
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
  return judge.verdict(asked, returned);
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
void run_cases(const std::string& command, const std::string& object, Judge& judge,
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
      std::string wrong = read_result(in, judge, cases[done], &ended);
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
  const nlohmann::json all = nlohmann::json::parse(output.report_json);
  for (const nlohmann::json& report : all["reports"]) {
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
  if (!code.foreign.empty()) {
    row->failures.push_back(fmt::format("its code calls {}, which it does not bring along",
                                        fmt::join(code.foreign, ", ")));
  }
  if (code.loop_calls)
    row->failures.push_back("an innermost loop of its fused multiply-adds has a call in it");
  if (code.hot_spills) {
    row->failures.push_back(
        fmt::format("the main loop of its fused multiply-adds moves vector registers to and "
                    "from the stack, "
                    "{} times: the register block is too large",
                    code.hot_spills));
  }
}

// A vector register moved to or from the stack less often than this is no loss worth a word.
constexpr int kFusedPerSpill = 8;

// A basic block of the assembly, as far as it matters.
struct Block {
  std::string loop;  ///< label of the header of the innermost loop that it is in, "BB0_7"
  int fused = 0, calls = 0, spills = 0;
};

// What one line of code is, in LLVM's spelling.
struct Line {
  std::string word, rest;
  bool x86;

  bool is_fused() const {
    if (!x86) return word == "fmla" || word == "fmls";
    bool packed = word.ends_with("ps") || word.ends_with("pd") || word.ends_with("ph");
    return packed && word.rfind("vf", 0) == 0 && word.find("add") != std::string::npos;
  }
  bool is_call() const { return x86 ? word.rfind("call", 0) == 0 : word == "bl" || word == "blr"; }
  // To or from the stack, of a whole vector: "# 32-byte Spill", "// 16-byte Folded Reload".
  bool is_spill() const {
    bool spill =
        rest.find(" Spill") != std::string::npos || rest.find(" Reload") != std::string::npos;
    size_t bytes = rest.find("-byte ");
    if (!spill || bytes == std::string::npos) return false;
    size_t from = rest.find_last_not_of("0123456789", bytes - 1) + 1;
    return std::atoi(rest.c_str() + from) >= 16;
  }
  std::string registers() const {  // "zmm" > "ymm" > "xmm"
    for (const char* name : {"zmm", "ymm", "xmm"})
      if (x86 && rest.find(name) != std::string::npos) return name;
    return "v";
  }
};

}  // namespace

CodeReport inspect(const std::string& assembly, const std::string& arch) {
  CodeReport report;
  std::set<std::string> defined, innermost;
  std::vector<std::string> called;
  std::vector<Block> blocks(1);
  bool ours = false;     // in a function of the row's, not in the entry that unpacks arguments
  bool heading = false;  // in the comments behind a label, which tell of loops
  std::istringstream text(assembly);
  std::string line, last_label;
  while (std::getline(text, line)) {
    size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos) continue;
    bool label = start == 0 && line.find(':') != std::string::npos;
    bool comment = line[start] == '#' || line.compare(start, 2, "//") == 0;
    if (label && !comment && line[0] != '.') {
      std::string name = line.substr(0, line.find(':'));
      defined.insert(name);
      ours = name.rfind("inlay.invoke.", 0) != 0;
    }
    if (label || (comment && line.find("%bb.") != std::string::npos)) {
      blocks.emplace_back();
      heading = true;
      if (line.rfind(".L", 0) == 0) last_label = line.substr(2, line.find(':') - 2);
    }
    if (heading) {
      size_t in_loop = line.find("in Loop: Header=");
      if (in_loop != std::string::npos) {
        size_t from = in_loop + std::strlen("in Loop: Header=");
        blocks.back().loop = line.substr(from, line.find(' ', from) - from);
      }
      if (line.find("This Inner Loop Header") != std::string::npos) {
        blocks.back().loop = last_label;
        innermost.insert(last_label);
      }
    }
    if (label || comment || line[start] == '.') continue;
    heading = false;
    if (!ours) continue;
    size_t end = std::min(line.find_first_of(" \t", start), line.size());
    Line code{line.substr(start, end - start), line.substr(end), arch == "x86_64"};
    Block& block = blocks.back();
    block.spills += code.is_spill();
    if (code.is_call()) {
      ++block.calls;
      size_t from = code.rest.find_first_not_of(" \t");
      if (from != std::string::npos)
        called.push_back(code.rest.substr(from, code.rest.find_first_of(" \t@", from) - from));
    }
    if (!code.is_fused()) continue;
    ++block.fused;
    report.registers = std::max(report.registers, code.registers());
  }
  int main_loop = 0;
  for (const Block& block : blocks) {
    report.fused += block.fused;
    if (!block.fused || !innermost.count(block.loop)) continue;
    report.loop_calls += block.calls;
    report.loop_spills += block.spills;
    main_loop = std::max(main_loop, block.fused);
  }
  // Loops for whole tiles, or not much less; those for edges may need more registers than there
  // are.
  for (const Block& block : blocks) {
    bool is_main = innermost.count(block.loop) && block.fused * 2 > main_loop;
    if (is_main && block.spills * kFusedPerSpill > block.fused) report.hot_spills += block.spills;
  }
  for (const std::string& name : called)
    if (!defined.count(name)) report.foreign.push_back(name);
  return report;
}

// Operands in the memory of a workgroup or in registers, and code for another device.
std::string why_not_callable(const Row& row) {
  if (row.implement->target.arch == "amdgpu") {
    return "code for a GPU is called by kernels: --device emulator, or hip, makes one and runs it";
  }
  for (const Param& param : row.intrinsic->params) {
    const Buffer* buffer = std::get_if<Buffer>(&param);
    if (buffer && (*buffer)->space != MemorySpace::Global) {
      return fmt::format("`{}` lies in {} memory, which no caller from outside can pass",
                         (*buffer)->name, to_string((*buffer)->space));
    }
  }
  return "";
}

RowReport check_row(const Program& program, const Row& row, PluginRegistry& plugins,
                    const Options& options) {
  RowReport report;
  report.name = row.name;
  const Loc& loc = row.implement->loc;
  if (loc) report.place = fmt::format("{}:{}", loc.file->path(), loc.line);
  report.not_run = why_not_callable(row);
  if (!report.not_run.empty()) return report;
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
  Judge judge(meaning);
  run_cases(command, object.path(), judge, cases, options, &report);
  report.worst = judge.worst();
  report.unbounded = judge.why_unbounded();
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
                ? fmt::format(
                      "  code: {} fused multiply-adds{}; in their innermost loops {} calls and {} "
                      "vector spills\n",
                      r.code.fused, r.code.fused ? " in " + r.code.registers + " registers" : "",
                      r.code.loop_calls, r.code.loop_spills)
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
