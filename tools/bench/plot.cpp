// The plot: a slot for each row of shapes, a bar for Inlay, a dot for each peer, a line at the best
// of them. Colours follow the page (prefers-color-scheme); the background stays transparent.
#include <fmt/format.h>

#include <algorithm>

#include "tools/bench/results.h"

namespace inlay::bench {

namespace {

constexpr double kSlot = 17, kGap = 26, kLeft = 46, kTop = 64, kHeight = 250, kLabels = 112;

// Colours from Okabe and Ito's set, which most colour-blind people can tell apart.
constexpr const char* kStyle = R"(<style>
text { font: 11px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d; }
.title { font-size: 15px; font-weight: 600; fill: #1f2328; }
.group { font-size: 12px; font-weight: 600; fill: #1f2328; }
.small { font-size: 10px; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.axis { stroke: #818b98; stroke-width: 1; }
.ours { fill: #0f766e; }
.best { stroke: #1f2328; stroke-width: 2; }
.p0 { fill: #e69f00; } .p1 { fill: #cc79a7; } .p2 { fill: #0072b2; } .p3 { fill: #d55e00; }
.p4 { fill: #6f42c1; } .p5 { fill: #818b98; }
.peer { stroke: #ffffff; stroke-width: 0.8; }
@media (prefers-color-scheme: dark) {
text { fill: #b1bac4; } .title, .group { fill: #f0f6fc; } .grid { stroke: #2f3742; }
.axis { stroke: #656c76; } .ours { fill: #178f82; } .best { stroke: #f0f6fc; }
.p2 { fill: #56b4e9; } .p4 { fill: #b083f0; } .peer { stroke: #0d1117; }
}
</style>
)";

std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string text_at(double x, double y, const char* style, const char* anchor,
                    const std::string& text, const std::string& more = "") {
  return fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, style,
      anchor, more, escaped(text));
}

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2,
      y2, style);
}

// "square", of which a reader who has not seen the shapes file knows nothing.
std::string title_of(const std::string& group) {
  if (group == "square" || group == "small" || group == "large") return "GEMM, " + group;
  if (group == "mobilenet") return "MobileNet";
  if (group == "resnet18") return "ResNet-18";
  if (group == "resnet50") return "ResNet-50";
  if (group == "nchw") return "Convolution, NCHW";
  if (group == "depthwise") return "Depthwise";
  if (group == "dense") return "Dense";
  return group;
}

struct Group {
  std::string name;
  std::vector<Summary> rows;
};

class Plot {
 public:
  Plot(const std::vector<Result>& results, const Machine& machine)
      : libraries_(libraries_of(results)), machine_(machine) {
    std::vector<Summary> all = summarize(results);
    if (all.empty()) return;
    isa_ = all.front().isa;
    threads_ = all.front().threads;
    for (const Summary& summary : all) {
      if (summary.isa != isa_ || summary.threads != threads_) continue;  // one panel, one machine
      if (groups_.empty() || groups_.back().name != summary.group)
        groups_.push_back({summary.group, {}});
      groups_.back().rows.push_back(summary);
      for (const Result* peer : summary.peers) top_ = std::max(top_, peer->fraction);
      if (summary.ours) top_ = std::max(top_, summary.ours->fraction);
    }
  }

  std::string draw() {
    double x = kLeft;
    std::string body;
    for (const Group& group : groups_) {
      // A group of one row still needs room for its title.
      double width = std::max(kSlot * static_cast<double>(group.rows.size()),
                              6.6 * static_cast<double>(title_of(group.name).size()));
      body += draw_group(group, x, width);
      x += width + kGap;
    }
    double right = std::max(x - kGap, 640.0);
    double bottom = kTop + kHeight + kLabels;
    std::string grid;
    for (int percent = 0; percent <= static_cast<int>(top_ * 100 + 0.5); percent += 20) {
      double y = y_of(percent / 100.0);
      grid += line(kLeft - 4, y, right, y, percent ? "grid" : "axis");
      grid += text_at(kLeft - 8, y + 4, "small", "end", fmt::format("{} %", percent));
    }
    std::string head = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
        "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\">\n<title>Inlay against the best of its "
        "peers, as a fraction of the FMA peak</title>\n",
        right + 14, bottom);
    std::string caption =
        fmt::format("{}, {} thread{}, {}", machine_.cpu, threads_, threads_ > 1 ? "s" : "", isa_);
    return head + kStyle +
           text_at(8, 18, "title", "start", "Fraction of the FMA peak, f32, higher is better") +
           text_at(right, 18, "small", "end", caption) + legend() + grid + body + "</svg>\n";
  }

 private:
  double y_of(double fraction) const { return kTop + kHeight * (1 - fraction / top_); }

  std::string dot(double x, double y, size_t library) const {
    return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.1\" class=\"peer p{}\"/>\n", x, y,
                       std::min<size_t>(library, 5));
  }

  std::string legend() const {
    std::string text =
        fmt::format("<rect x=\"8\" y=\"30\" width=\"9\" height=\"11\" class=\"ours\"/>\n");
    text += text_at(22, 40, "", "start", "Inlay");
    text += line(64, 36, 78, 36, "best") + text_at(83, 40, "", "start", "best peer");
    double x = 154;
    for (size_t i = 0; i < libraries_.size(); ++i) {
      text += dot(x, 36, i) + text_at(x + 8, 40, "", "start", libraries_[i]);
      x += 26 + 6.4 * static_cast<double>(libraries_[i].size());
    }
    return text;
  }

  std::string draw_group(const Group& group, double left, double width) const {
    std::string text;
    std::vector<double> ratios;
    double x = left;
    for (const Summary& row : group.rows) {
      double middle = x + kSlot / 2;
      if (row.ours) {
        double y = y_of(row.ours->fraction);
        text += fmt::format(
            "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"9\" height=\"{:.1f}\" class=\"ours\"/>\n",
            middle - 4.5, y, kTop + kHeight - y);
      }
      for (const Result* peer : row.peers) {
        auto at = std::find(libraries_.begin(), libraries_.end(), peer->library);
        text += dot(middle, y_of(peer->fraction), static_cast<size_t>(at - libraries_.begin()));
      }
      if (row.best_peer) {
        double y = y_of(row.best_peer->fraction);
        text += line(middle - 7, y, middle + 7, y, "best");
        if (row.ours) ratios.push_back(row.best_peer->speed_of_ours);
      }
      double foot = kTop + kHeight + 10;
      text += text_at(middle + 3, foot, "small", "end", row.row,
                      fmt::format(" transform=\"rotate(-60 {:.1f} {:.1f})\"", middle + 3, foot));
      x += kSlot;
    }
    text += text_at(left, kTop - 8, "group", "start", title_of(group.name));
    if (!ratios.empty()) {
      text += text_at(left, kTop + kHeight + kLabels - 8, "small", "start",
                      fmt::format("{:.2f} x the best peer", geometric_mean(ratios)));
    }
    return text + line(left, kTop + kHeight, left + width, kTop + kHeight, "axis");
  }

  std::vector<std::string> libraries_;
  const Machine& machine_;
  std::vector<Group> groups_;
  std::string isa_;
  int threads_ = 1;
  double top_ = 1;  ///< fraction at the upper end of the axis
};

}  // namespace

std::string to_svg(const std::vector<Result>& results, const Machine& machine) {
  return Plot(results, machine).draw();
}

}  // namespace inlay::bench
