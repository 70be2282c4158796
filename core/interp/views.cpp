#include "core/interp/views.h"

#include <algorithm>

#include "core/interp/arith.h"

namespace inlay::interp {

std::string shape_text(const std::vector<int64_t>& numbers) {
  std::string text = "[";
  for (size_t i = 0; i < numbers.size(); ++i) {
    text += (i ? ", " : "") + std::to_string(numbers[i]);
  }
  return text + "]";
}

Region resolve(Machine& machine, const ViewSpec& view) {
  const BufferRef& ref = machine.frame.buffers[view.from.buffer];
  Region region{ref.storage, ref.origin, {}, {}};
  if (view.whole) {
    for (size_t d = 0; d < view.dims.size(); ++d) {
      region.shape.push_back(machine.reg(view.from.dims + 2 * d).i);
      region.strides.push_back(machine.reg(view.from.dims + 2 * d + 1).i);
    }
    return region;
  }
  for (const auto& dim : view.dims) {
    if (dim.extent) region.shape.push_back(dim.extent->eval(machine).i);
  }
  // A view without elements lies nowhere: a loop that does nothing asks for no place either.
  bool empty = std::count(region.shape.begin(), region.shape.end(), 0) > 0;
  size_t kept = 0;
  for (size_t d = 0; d < view.dims.size(); ++d) {
    int64_t size = machine.reg(view.from.dims + 2 * d).i;
    int64_t stride = machine.reg(view.from.dims + 2 * d + 1).i;
    int64_t min = view.dims[d].min->eval(machine).i;
    bool keep = view.dims[d].extent;
    int64_t extent = keep ? region.shape[kept++] : 1;
    bool outside = !empty && (min < 0 || min > size || extent > size - min);
    if (outside || extent < 0) {
      std::string part = std::to_string(min);
      if (keep) part += ".." + std::to_string(arith::add(min, extent));
      machine.fault(view.site, "out-of-bounds",
                    "view of `" + machine.code.sites[view.site].buffer +
                        "` is out of bounds: dimension " + std::to_string(d) + " is " + part +
                        ", the extent is " + std::to_string(size));
    }
    region.origin = arith::add(region.origin, arith::mul(min, stride));
    if (keep) region.strides.push_back(stride);
  }
  return region;
}

namespace {

std::vector<int64_t> evaluate(Machine& machine, const std::vector<Formals::Number>& numbers) {
  std::vector<int64_t> values;
  for (const Formals::Number& number : numbers) values.push_back(number.expected->eval(machine).i);
  return values;
}

std::string labelled(const std::vector<Formals::Number>& numbers,
                     const std::vector<int64_t>& values) {
  std::string text = "[";
  for (size_t i = 0; i < numbers.size(); ++i) {
    text += (i ? ", " : "") + numbers[i].label + std::to_string(values[i]);
  }
  return text + "]";
}

// A stride counts only where there is a second element to step to.
bool strides_fit(const std::vector<int64_t>& shape, const std::vector<int64_t>& found,
                 const std::vector<int64_t>& expected) {
  for (int64_t extent : shape) {
    if (extent == 0) return true;
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] > 1 && found[d] != expected[d]) return false;
  }
  return true;
}

}  // namespace

std::string Formals::bind(Machine& machine, const std::vector<Region>& regions) const {
  for (size_t t = 0; t < tensors.size(); ++t) {
    const BufferSlot& slot = tensors[t].slot;
    BufferRef& ref = machine.frame.buffers[slot.buffer];
    ref.storage = regions[t].storage;
    ref.origin = regions[t].origin;
    for (size_t d = 0; d < regions[t].shape.size(); ++d) {
      machine.reg(slot.dims + 2 * d).i = regions[t].shape[d];
      machine.reg(slot.dims + 2 * d + 1).i = regions[t].strides[d];
      const Number& extent = tensors[t].shape[d];
      const Number& stride = tensors[t].strides[d];
      if (extent.bind_reg >= 0) machine.reg(extent.bind_reg).i = regions[t].shape[d];
      if (stride.bind_reg >= 0) machine.reg(stride.bind_reg).i = regions[t].strides[d];
    }
  }
  for (size_t t = 0; t < tensors.size(); ++t) {
    const Tensor& tensor = tensors[t];
    const Region& region = regions[t];
    std::vector<int64_t> shape = evaluate(machine, tensor.shape);
    if (shape != region.shape) {
      return callee + ": " + tensor.name + " has shape " + shape_text(region.shape) +
             ", expected " + labelled(tensor.shape, shape);
    }
    std::vector<int64_t> strides = evaluate(machine, tensor.strides);
    if (!strides_fit(shape, region.strides, strides)) {
      return callee + ": " + tensor.name + " has strides " + shape_text(region.strides) +
             ", expected " + labelled(tensor.strides, strides) +
             (tensor.compact ? " (compact, row-major)" : "");
    }
    auto address = reinterpret_cast<uintptr_t>(region.storage->data) +
                   static_cast<uintptr_t>(region.origin * tensor.type.bytes());
    if (tensor.alignment > 1 && address % tensor.alignment != 0 && region.storage->count) {
      return callee + ": " + tensor.name + " begins at an address that is " +
             std::to_string(address % tensor.alignment) + " modulo " +
             std::to_string(tensor.alignment) + ", expected a multiple of " +
             std::to_string(tensor.alignment);
    }
  }
  return "";
}

}  // namespace inlay::interp
