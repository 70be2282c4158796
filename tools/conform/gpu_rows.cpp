// Programs around rows for GPUs: operands in the memories where the intrinsic wants them.
#include <fmt/format.h>

#include "core/passes/passes.h"
#include "core/text/text.h"
#include "tools/conform/rows.h"

namespace inlay::conform {

namespace {

constexpr int kWorkItems = 64;

// One buffer of the intrinsic: its extents as text, and the room that a copy has.
struct Operand {
  const BufferNode* buffer;
  std::vector<std::string> extents;
  std::vector<int64_t> room;
  bool whole = true;  // the copy has just these extents
  std::string copy() const { return "copy." + buffer->name; }
};

Operand operand_of(const Buffer& buffer, const Substitution& constants, std::string& asserts) {
  Operand operand{buffer.get(), {}, {}, true};
  for (const Expr& declared : buffer->shape) {
    Expr extent = simplify(substitute(declared, constants));
    operand.extents.push_back(print(extent));
    const IntImm* number = as_int(extent);
    operand.room.push_back(number ? number->value : kGpuExtent);
    operand.whole &= number != nullptr;
    if (!number) {
      asserts += fmt::format("  assert {} <= {}, \"room for copies\"\n", print(extent), kGpuExtent);
    }
  }
  if (is_strided_form(buffer) && operand.room.size() > 1) {
    operand.room.back() += 16 / buffer->type.bytes();  // rows apart, and still aligned
    operand.whole = false;
  }
  return operand;
}

// Loops over the operand's elements around `body`, in which `{0}` stands for their indices; those
// of the first loop are shared out among `share` work-items.
std::string over_elements(const Operand& operand, int share, const std::string& assignment) {
  std::string text, close, indices;
  for (size_t d = 0; d < operand.extents.size(); ++d) {
    text += fmt::format("for e{} in 0..{} {{ ", d, operand.extents[d]);
    if (d == 0 && share > 1) {
      text += fmt::format("if e0 % {} == work_item {{ ", share);
      close += " }";
    }
    indices += fmt::format("{}e{}", d ? ", " : "", d);
    close += " }";
  }
  return text + fmt::format(fmt::runtime(assignment), indices) + close;
}

}  // namespace

std::string gpu_row_program(const Program& program, const Row& row) {
  Substitution constants = constants_of(row);
  std::string asserts, params, arguments, shared, poison, fill, before, behind;
  bool alone = false;
  for (const Param& param : row.intrinsic->params) {
    auto* buffer = std::get_if<Buffer>(&param);
    alone |= buffer && (*buffer)->space == MemorySpace::Global;
  }
  int items = alone ? 1 : kWorkItems;
  for (const Param& param : row.intrinsic->params) {
    if (!params.empty()) params += ", ", arguments += ", ";
    std::string name = param_name(param);
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) {
      params += name + ": " + to_string(std::get<Var>(param).type());
      arguments += name;
      continue;
    }
    if ((*buffer)->space == MemorySpace::Global) {
      params += name + ": " + buffer_type(*buffer, constants);
      arguments += name;
      continue;
    }
    Operand operand = operand_of(*buffer, constants, asserts);
    bool is_private = (*buffer)->space == MemorySpace::Private;
    std::string type = to_string((*buffer)->type);
    std::string align =
        (*buffer)->alignment ? fmt::format(" align {}", (*buffer)->alignment) : std::string();
    params +=
        fmt::format("{}: {}[{}{}]", name, type, is_private ? std::to_string(items) + ", " : "",
                    fmt::join(operand.extents, ", "));
    std::string alloc =
        fmt::format("alloc {}: {}[{}]{} in {}\n", operand.copy(), type,
                    fmt::join(operand.room, ", "), align, to_string((*buffer)->space));
    if (is_private) {
      before += alloc +
                over_elements(operand, 1, operand.copy() + "[{0}] = " + name + "[work_item, {0}]") +
                "\n";
      behind +=
          over_elements(operand, 1, name + "[work_item, {0}] = " + operand.copy() + "[{0}]") + "\n";
    } else {
      shared += alloc;
      // Around the operand lies what spoils any result.
      Operand all = operand;
      for (size_t d = 0; d < all.room.size(); ++d) all.extents[d] = std::to_string(all.room[d]);
      bool is_float = (*buffer)->type.is_float();
      std::string spoil = is_float ? "nan(" + type + ")" : type + "(99)";
      if (type != "bool") {
        poison += over_elements(all, items, operand.copy() + "[{0}] = " + spoil) + "\n";
      }
      fill += over_elements(operand, items, operand.copy() + "[{0}] = " + name + "[{0}]") + "\n";
    }
    arguments += operand.copy();
    if (operand.whole) continue;
    std::string view;
    for (const std::string& extent : operand.extents)
      view += (view.empty() ? "0.." : ", 0..") + extent;
    arguments += "[" + view + "]";
  }
  std::string loop = fmt::format("lane(x) for work_item in 0..{} {{\n", items);
  std::string call = row.intrinsic->name;
  if (!row.implement->constants.empty()) {
    call += fmt::format("<{}>", fmt::join(row.implement->constants, ", "));
  }
  return items_around(program, row) +
         fmt::format("func {}({}) {{\n{}  grid(x) for group in 0..1 {{\n{}", kCallOnce, params,
                     asserts, shared) +
         (poison.empty() ? "" : loop + poison + "}\n") + (fill.empty() ? "" : loop + fill + "}\n") +
         loop + before + call + "(" + arguments + ")\n" + behind + "}\n  }\n}\n";
}

}  // namespace inlay::conform
