// Printer: schedules.
#include <algorithm>

#include "core/text/printer.h"

namespace inlay::text {

namespace {

std::string list(const std::vector<std::string>& names, size_t begin = 0,
                 size_t end = std::string::npos) {
  std::string text;
  for (size_t i = begin; i < std::min(end, names.size()); ++i) {
    text += (i > begin ? ", " : "") + names[i];
  }
  return text;
}

std::string number(const StepNumber& number) {
  return number.name.empty() ? std::to_string(number.value) : number.name;
}

std::string numbers(const std::vector<StepNumber>& all) {
  std::vector<std::string> texts;
  for (const StepNumber& each : all) texts.push_back(number(each));
  return list(texts);
}

}  // namespace

void Printer::print_step(const ScheduleStep& step) {
  const std::vector<std::string>& loops = step.loops;
  out_ += std::string(to_string(step.kind)) + " ";
  switch (step.kind) {
    case StepKind::Set:
      out_ += step.object + " = " + number(step.numbers[0]);
      break;
    case StepKind::Split:
      out_ += loops[0] + " by " +
              (step.even ? "even(" + numbers(step.numbers) + ")" : numbers(step.numbers)) +
              " into " + list(step.names) + " tail " + to_string(step.tail);
      break;
    case StepKind::Fuse:
      out_ += list(loops) + " into " + step.names[0];
      break;
    case StepKind::Reorder:
    case StepKind::Unroll:
    case StepKind::Vectorize:
    case StepKind::Parallel:
    case StepKind::InlineCall:
    case StepKind::Whole:
    case StepKind::Pipeline:
      out_ += list(loops);
      break;
    case StepKind::Bind:
      out_ += loops[0] + " to " + to_string(step.bound);
      break;
    case StepKind::Barrier:
      out_ += (step.after ? "after " : "before ") + loops[0];
      break;
    case StepKind::Fission:
      out_ +=
          list(loops, 0, loops.size() - 1) + (step.after ? " after " : " before ") + loops.back();
      if (!step.names.empty()) out_ += " suffix " + step.names[0];
      break;
    case StepKind::Sink:
      out_ += "into " + loops[0];
      break;
    case StepKind::Peel:
    case StepKind::Specialize:
      out_ += loops[0] + " for " + list(loops, 1);
      break;
    case StepKind::Hoist:
      out_ += step.object + " out of " + loops[0];
      break;
    case StepKind::Pack:
    case StepKind::Stage:
      out_ += step.object + " at " + loops[0] + " as " + step.names[0];
      if (step.kind == StepKind::Pack) out_ += "[" + list(loops, 1) + "]";
      if (!step.padded.empty()) out_ += " pad " + list(step.padded);
      if (step.pad) out_ += " pad";
      if (step.transposed) out_ += " transposed";
      if (step.width) out_ += " by " + number(*step.width);
      if (step.pitch) out_ += " pitch " + number(*step.pitch);
      if (step.alignment) out_ += " align " + number(*step.alignment);
      if (step.space) out_ += std::string(" in ") + to_string(*step.space);
      break;
    case StepKind::Tensorize:
      out_ += loops[0] + (loops.size() > 1 ? " to " + loops[1] : "") + " as " + step.object;
      if (!step.numbers.empty()) out_ += "<" + numbers(step.numbers) + ">";
      if (step.edge == Edge::Pad) out_ += " edge pad";
      break;
    case StepKind::Pragma:
      out_ += loops[0] + " ";
      if (step.import) {
        print_import_text(step.import);
      } else if (step.object.empty()) {
        out_ += "unroll " + numbers(step.numbers);
      } else {
        out_ += "prefetch " + step.object + " ahead " + numbers(step.numbers);
        if (step.write) out_ += " write";
        if (step.level != 1) out_ += " into l" + std::to_string(step.level);
      }
      break;
  }
}

void Printer::print_schedule(const ScheduleItem& item) {
  out_ += "schedule " + item.function;
  if (item.target.arch != "any" || !item.target.features.empty()) {
    out_ += " for ";
    print_predicate(item.target);
  }
  namer_.open_scope();
  auto known = functions_.find(item.function);
  if (known != functions_.end()) namer_.adopt(known->second);
  for (size_t i = 0; i < item.params.size(); ++i) {
    const ScheduleParam& param = item.params[i];
    // The value does not see the name.
    std::string head = std::move(out_);
    out_.clear();
    print(param.value);
    std::string value = std::move(out_);
    out_ = std::move(head);
    out_ += i ? ", " : " (";
    out_ += namer_.declare_local(param.var.get(), param.var.name()) + " = " + value;
  }
  if (!item.params.empty()) out_ += ")";
  if (item.condition) {
    out_ += " when ";
    print(item.condition);
  }
  out_ += " {\n";
  ++indent_;
  for (const Requirement& requirement : item.requirements) {
    line();
    out_ += to_string(requirement) + "\n";
  }
  for (const ScheduleStep& step : item.steps) {
    line();
    print_step(step);
    out_ += "\n";
  }
  --indent_;
  out_ += "}\n";
  namer_.close_scope();
}

}  // namespace inlay::text

namespace inlay {

std::string print(const ScheduleStep& step) {
  return text::Printer().step(step);
}

}  // namespace inlay
