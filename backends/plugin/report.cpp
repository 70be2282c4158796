#include "backends/plugin/report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace inlay {

namespace {

std::string place(const Loc& loc) {
  if (!loc) return "";
  std::string text = loc.file->path();
  if (loc.line) text += ":" + std::to_string(loc.line) + ":" + std::to_string(loc.column);
  return text;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text.empty() ? "-" : text;
}

// Width on a screen: UTF-8 continuation bytes take none.
size_t width(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

// Rows of cells, each column as wide as its widest cell; the last one is not padded.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line = " ";
    for (size_t i = 0; i < row.size(); ++i) {
      line += " " + row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width(row[i]) + 1, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string features(const ImportReport& import) {
  std::string text;
  for (const std::string& feature : import.features_needed) {
    bool had = std::count(import.features_had.begin(), import.features_had.end(), feature) != 0;
    text += (text.empty() ? "" : " ") + feature + (had ? "" : " (missing)");
  }
  return text.empty() ? "-" : text;
}

nlohmann::json json_place(const Loc& loc) {
  return loc ? nlohmann::json(place(loc)) : nlohmann::json(nullptr);
}

std::string shape(const KernelReport& kernel) {
  std::string text;
  for (int64_t extent : kernel.workgroup)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

nlohmann::json to_json(const KernelReport& kernel) {
  return {{"name", kernel.name},
          {"function", kernel.function},
          {"place", json_place(kernel.loc)},
          {"serial", kernel.serial},
          {"ready", kernel.ready},
          {"workgroup", kernel.workgroup},
          {"vgprs", kernel.vgprs},
          {"sgprs", kernel.sgprs},
          {"agprs", kernel.agprs},
          {"lds_bytes", kernel.lds_bytes},
          {"scratch_bytes", kernel.scratch_bytes},
          {"vgpr_spills", kernel.vgpr_spills},
          {"sgpr_spills", kernel.sgpr_spills},
          {"kernarg_bytes", kernel.kernarg_bytes},
          {"occupancy", kernel.occupancy}};
}

nlohmann::json to_json(const BuildReport& report) {
  nlohmann::json out;
  out["target"] = {{"spec", report.target.spec},
                   {"arch", report.target.arch},
                   {"triple", report.target.triple},
                   {"cpu", report.target.cpu},
                   {"features", report.target.features}};
  if (report.code_object_version) {
    out["code_object_version"] = report.code_object_version;
    out["device_libraries"] = report.device_libraries;
    out["kernels"] = nlohmann::json::array();
    for (const KernelReport& kernel : report.kernels) out["kernels"].push_back(to_json(kernel));
  }
  out["imports"] = nlohmann::json::array();
  for (const ImportReport& import : report.imports) {
    nlohmann::json pragmas = nlohmann::json::array();
    for (const Loc& loc : import.pragmas) pragmas.push_back(json_place(loc));
    out["imports"].push_back({{"kind", to_string(import.kind)},
                              {"source", import.source},
                              {"content_hash", import.content_hash},
                              {"stage", import.stage},
                              {"pragmas", pragmas},
                              {"symbols", import.symbols},
                              {"features_needed", import.features_needed},
                              {"features_had", import.features_had},
                              {"from_cache", import.from_cache}});
  }
  out["calls"] = nlohmann::json::array();
  for (const CallReport& call : report.calls) {
    out["calls"].push_back({{"function", call.function},
                            {"symbol", call.symbol},
                            {"import", call.import_index},
                            {"place", json_place(call.loc)},
                            {"verdict", to_string(call.verdict)},
                            {"reason", call.reason}});
  }
  out["selections"] = nlohmann::json::array();
  for (const SelectionReport& selection : report.selections) {
    nlohmann::json rows = nlohmann::json::array();
    for (const RowDecision& row : selection.decisions) {
      rows.push_back({{"row", to_string(row.target)},
                      {"constants", row.constants},
                      {"place", json_place(row.loc)},
                      {"chosen", row.chosen},
                      {"reason", row.reason}});
    }
    out["selections"].push_back(
        {{"intrinsic", selection.intrinsic}, {"chosen", selection.chosen}, {"rows", rows}});
  }
  out["stage_seconds"] = nlohmann::json::object();
  for (auto& [stage, seconds] : report.stage_seconds) out["stage_seconds"][stage] = seconds;
  return out;
}

}  // namespace

const char* to_string(InlineVerdict verdict) {
  switch (verdict) {
    case InlineVerdict::Inlined:
      return "inlined";
    case InlineVerdict::Called:
      return "called";
    case InlineVerdict::Removed:
      return "removed";
  }
  return "";
}

std::string render_text(const BuildReport& report) {
  std::string text = "target " + report.target.spec + " (" + report.target.triple + ", " +
                     report.target.cpu + ")\n";
  if (report.code_object_version) {
    text += "  code object version " + std::to_string(report.code_object_version) +
            "; device libraries: ";
    for (size_t i = 0; i < report.device_libraries.size(); ++i) {
      text += (i ? ", " : "") + report.device_libraries[i];
    }
    text += report.device_libraries.empty() ? "none needed\n" : "\n";
  }
  if (!report.kernels.empty()) {
    text += "kernels\n";
    std::vector<std::vector<std::string>> rows{{"kernel", "place", "workgroup", "VGPR", "SGPR",
                                                "LDS", "scratch", "spills", "occupancy", "note"}};
    for (const KernelReport& kernel : report.kernels) {
      std::string where = place(kernel.loc);
      int64_t spills = kernel.vgpr_spills + kernel.sgpr_spills;
      rows.push_back({kernel.name, where.empty() ? "-" : where, shape(kernel),
                      std::to_string(kernel.vgprs), std::to_string(kernel.sgprs),
                      std::to_string(kernel.lds_bytes), std::to_string(kernel.scratch_bytes),
                      std::to_string(spills),
                      kernel.occupancy ? std::to_string(kernel.occupancy) : "-",
                      kernel.ready    ? "imported, ready"
                      : kernel.serial ? "one work-item"
                                      : ""});
    }
    text += table(rows);
  }
  if (!report.imports.empty()) {
    text += "imports\n";
    std::vector<std::vector<std::string>> rows{
        {"#", "kind", "source", "stage", "features needed", "pragmas", "cached", "symbols"}};
    for (size_t i = 0; i < report.imports.size(); ++i) {
      const ImportReport& import = report.imports[i];
      rows.push_back({std::to_string(i), to_string(import.kind), import.source, import.stage,
                      features(import), std::to_string(import.pragmas.size()),
                      import.from_cache ? "yes" : "no", join(import.symbols)});
    }
    text += table(rows);
  }
  if (!report.calls.empty()) {
    text += "calls\n";
    std::vector<std::vector<std::string>> rows{
        {"function", "symbol", "import", "place", "verdict", "reason"}};
    for (const CallReport& call : report.calls) {
      std::string where = place(call.loc);
      rows.push_back({call.function, call.symbol, "#" + std::to_string(call.import_index),
                      where.empty() ? "-" : where, to_string(call.verdict), call.reason});
    }
    text += table(rows);
  }
  if (!report.selections.empty()) {
    text += "implementations\n";
    std::vector<std::vector<std::string>> rows{{"intrinsic", "chosen", "row", "why"}};
    for (const SelectionReport& selection : report.selections) {
      bool first = true;
      for (const RowDecision& row : selection.decisions) {
        rows.push_back({first ? selection.intrinsic : "", first ? selection.chosen : "",
                        to_string(row.target), row.reason});
        first = false;
      }
      if (first) rows.push_back({selection.intrinsic, selection.chosen, "-", "no row"});
    }
    text += table(rows);
  }
  if (!report.stage_seconds.empty()) {
    text += "stages\n";
    std::vector<std::vector<std::string>> rows;
    for (auto& [stage, seconds] : report.stage_seconds) {
      char time[32];
      std::snprintf(time, sizeof time, "%.1f ms", seconds * 1e3);
      rows.push_back({stage, time});
    }
    text += table(rows);
  }
  return text;
}

std::string render_text(const std::vector<BuildReport>& reports) {
  std::string text;
  for (const BuildReport& report : reports) {
    if (!text.empty()) text += "\n";
    text += render_text(report);
  }
  return text;
}

std::string render_json(const std::vector<BuildReport>& reports) {
  nlohmann::json out;
  out["reports"] = nlohmann::json::array();
  for (const BuildReport& report : reports) out["reports"].push_back(to_json(report));
  // Paths may hold any bytes.
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace inlay
