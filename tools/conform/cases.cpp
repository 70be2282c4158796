#include "tools/conform/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "tools/conform/floats.h"
#include "tools/driver/accuracy.h"

namespace inlay::conform {

namespace {

using Sizes = std::map<std::string, int64_t>;

class Accesses : public Visitor {
 public:
  std::set<const BufferNode*> read, written;

 protected:
  using Visitor::visit_node;
  void visit_node(const Load& node) override {
    read.insert(node.buffer.get());
    Visitor::visit_node(node);
  }
  void visit_node(const Store& node) override {
    written.insert(node.buffer.get());
    Visitor::visit_node(node);
  }
};

void collect_vars(const Expr& expr, std::set<const ExprNode*>& into) {
  class Vars : public Visitor {
   public:
    explicit Vars(std::set<const ExprNode*>& found) : found_(found) {}

   protected:
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override { found_.insert(&node); }

   private:
    std::set<const ExprNode*>& found_;
  } vars(into);
  vars.visit(expr);
}

// Symbols that only strides have: they follow from the case's layout.
bool is_stride_symbol(const Function& function, const Var& symbol) {
  std::set<const ExprNode*> in_shapes;
  for (const Param& param : function.params) {
    if (const Buffer* buffer = std::get_if<Buffer>(&param)) {
      for (const Expr& extent : (*buffer)->shape) collect_vars(extent, in_shapes);
    }
  }
  return !in_shapes.count(symbol.get());
}

int64_t value_of(const Expr& expr, const Substitution& known) {
  Expr folded = simplify(substitute(expr, known));
  const IntImm* value = as_int(folded);
  if (!value) {
    throw CompileError("conformance", expr.loc(),
                       "a shape or stride can't be computed from the sizes alone",
                       "use parameters and symbols in it, nothing else");
  }
  return value->value;
}

// The bytes of each tensor after the meaning ran, types as they are.
std::vector<std::vector<uint8_t>> interpret_plainly(const Meaning& meaning, const Case& asked) {
  std::vector<std::vector<uint8_t>> bytes;
  for (const CaseTensor& tensor : asked.tensors) bytes.push_back(tensor.bytes);
  std::vector<ArgValue> values;
  for (const CaseArgument& argument : asked.arguments) {
    if (!argument.is_tensor) {
      values.emplace_back(argument.scalar);
      continue;
    }
    const CaseTensor& tensor = asked.tensors[argument.tensor];
    values.emplace_back(TensorRef{tensor.type, tensor.shape, tensor.strides,
                                  bytes[argument.tensor].data(), tensor.alignment, false});
  }
  interpret(meaning.plain, meaning.function(), values);
  return bytes;
}

// Of one tensor; and with gaps between its rows. The interpreter has to manage all cases of a row.
constexpr int64_t kMostElements = 1 << 18, kMostPadded = 1 << 16;

// Strides that a variant gives to outer dimensions, beyond what is needed.
constexpr int64_t kPadding[] = {0, 1, 7, 16, 61, 1000};

// Fills the tensor's strides, its shape being known; stride symbols without a value get one.
// Returns the elements from the first to the last.
int64_t choose_strides(const BufferNode& node, int64_t padding, CaseTensor& tensor,
                       Substitution& known) {
  int64_t inner = 1, span = 1;
  for (size_t d = node.rank(); d-- > 0;) {
    int64_t stride = inner;
    if (!node.strides.empty()) {
      const VarNode* symbol = node.strides[d].as<VarNode>();
      if (symbol && !known.vars.count(symbol)) {
        stride = inner + padding;
        known.vars[symbol] = Expr(stride);
      } else {
        stride = value_of(node.strides[d], known);
      }
    }
    tensor.strides[d] = stride;
    inner = std::max<int64_t>(1, stride * tensor.shape[d]);
    span += std::max<int64_t>(0, tensor.shape[d] - 1) * stride;
  }
  return span;
}

}  // namespace

const char* to_string(Data data) {
  switch (data) {
    case Data::Whole:
      return "small whole numbers";
    case Data::Random:
      return "random numbers";
    case Data::Denormal:
      return "denormal numbers";
    case Data::Mixed:
      return "numbers of different sizes";
    case Data::Huge:
      return "huge numbers";
    case Data::Tiny:
      return "tiny numbers";
    case Data::Overflow:
      return "numbers that overflow";
    case Data::Nan:
      return "one NaN";
    case Data::Infinite:
      return "one infinity";
  }
  return "";
}

DLDataType dlpack_type(DType type) {
  uint8_t code = type.is_int()                   ? kDLInt
                 : type.is_uint()                ? kDLUInt
                 : type.is_bool()                ? INLAY_DTYPE_BOOL
                 : type.code == TypeCode::BFloat ? kDLBfloat
                                                 : kDLFloat;
  return {code, static_cast<uint8_t>(type.is_bool() ? 8 : type.bits), 1};
}

CaseMaker::CaseMaker(const Meaning& meaning, const std::vector<int64_t>& constants, uint64_t seed)
    : meaning_(meaning), constants_(constants), random_(seed) {
  Accesses accesses;
  accesses.visit(meaning.function().body);
  for (const Param& param : meaning.function().params) {
    const Buffer* buffer = std::get_if<Buffer>(&param);
    read_.push_back(buffer && accesses.read.count(buffer->get()));
    written_.push_back(buffer && accesses.written.count(buffer->get()));
  }
}

std::vector<CaseMaker::Size> CaseMaker::sizes_of_parameters() const {
  std::vector<Size> sizes;
  const Function& function = meaning_.function();
  for (const Param& param : function.params) {
    const Var* var = std::get_if<Var>(&param);
    if (var && !var->type().is_float()) sizes.push_back({var->name(), var->type().is_bool(), {}});
  }
  for (const Var& symbol : function.symbols()) {
    if (!is_stride_symbol(function, symbol)) sizes.push_back({symbol.name(), false, {}});
  }
  return sizes;
}

std::vector<int64_t> CaseMaker::candidates() const {
  std::set<int64_t> values;
  for (int64_t value = 0; value <= 9; ++value) values.insert(value);
  for (int64_t value : {12, 15, 16, 17, 31, 33, 64, 100, 257}) values.insert(value);
  for (int64_t constant : constants_) {
    // Every value below a small constant: tiles of fewer rows or columns.
    if (constant <= 64)
      for (int64_t value = 0; value <= constant; ++value) values.insert(value);
    for (int64_t value : {constant - 1, constant, constant + 1, 2 * constant}) {
      if (value >= 0 && value <= 1024) values.insert(value);
    }
  }
  return {values.begin(), values.end()};
}

bool CaseMaker::runs(const Sizes& sizes, std::string* why_not) {
  try {
    Case made;
    lay_out(made, sizes, 0);
    fill(made, Data::Whole);
    interpret_plainly(meaning_, made);
    return true;
  } catch (const CompileError& error) {
    if (why_not->empty()) *why_not = error.diagnostics().front().message;
    return false;
  }
}

// One combination; small values are likelier than large ones.
std::vector<int64_t> CaseMaker::sample(const std::vector<Size>& sizes) {
  std::vector<int64_t> values;
  for (const Size& size : sizes) {
    size_t n = size.values.size(), at = random_() % n;
    if (random_() % 4) at = std::min<size_t>(at, random_() % n);
    values.push_back(size.values[at]);
  }
  return values;
}

std::vector<Sizes> CaseMaker::even_sizes() {
  std::vector<Sizes> found;
  std::string why_not;
  std::vector<Size> all = sizes_of_parameters();
  Sizes at_one;
  for (const Size& size : all) at_one[size.name] = 1;
  std::map<std::string, int64_t> bound;
  for (const Size& size : all) {
    for (int64_t value : candidates()) {
      Sizes tried = at_one;
      tried[size.name] = value;
      if ((!size.is_bool || value <= 1) && runs(tried, &why_not)) bound[size.name] = value;
    }
  }
  for (int64_t value : {256, 192, 128, 96, 64, 48, 32, 24, 16, 8, 4}) {
    Sizes sizes;
    for (auto& [name, greatest] : bound) sizes[name] = std::min(greatest, value);
    if (sizes.size() == all.size() && runs(sizes, &why_not)) found.push_back(std::move(sizes));
  }
  return found;
}

std::vector<Sizes> CaseMaker::sizes(size_t most, std::string* why_none) {
  std::vector<Size> all = sizes_of_parameters();
  std::string why_not;
  if (all.empty()) {
    if (runs({}, why_none)) return {{}};
    return {};
  }
  auto named = [&](const std::vector<int64_t>& values) {
    Sizes sizes;
    for (size_t i = 0; i < all.size(); ++i) sizes[all[i].name] = values[i];
    return sizes;
  };
  // Values of one size that are possible while the others are 1; 0 only where 1 is not: a tile
  // whose sum is empty touches no operand, and would seem to allow any number of rows.
  for (size_t i = 0; i < all.size(); ++i) {
    for (int64_t other : {1, 0}) {
      for (int64_t value : all[i].is_bool ? std::vector<int64_t>{0, 1} : candidates()) {
        std::vector<int64_t> tried(all.size(), other);
        tried[i] = value;
        if (runs(named(tried), &why_not)) all[i].values.push_back(value);
      }
      if (!all[i].values.empty()) break;
    }
    if (all[i].values.empty()) {
      *why_none = all[i].name + ": " + why_not;
      return {};
    }
  }
  std::vector<Sizes> chosen;
  std::set<Sizes> taken;
  using Pair = std::tuple<size_t, int64_t, size_t, int64_t>;
  std::set<Pair> seen;
  auto take = [&](const std::vector<int64_t>& values, double most_operations) {
    std::vector<Pair> pairs;
    bool is_new = false;
    for (size_t i = 0; i < values.size(); ++i) {
      for (size_t j = i; j < values.size(); ++j) {
        pairs.emplace_back(i, values[i], j, values[j]);
        is_new = is_new || !seen.count(pairs.back());
      }
    }
    Sizes sizes = named(values);
    if (!is_new || chosen.size() >= most || taken.count(sizes)) return;
    if (float_operations(meaning_, sizes) > most_operations || !runs(sizes, &why_not)) return;
    taken.insert(sizes);
    seen.insert(pairs.begin(), pairs.end());
    chosen.push_back(std::move(sizes));
  };
  // Each value within a whole tile: sizes that have a bound at theirs, the others at a few.
  std::vector<int64_t> whole;
  for (const Size& size : all) {
    int64_t greatest = size.values.back();
    bool is_bounded = greatest < candidates().back();
    whole.push_back(is_bounded ? greatest
                               : size.values[std::min<size_t>(3, size.values.size() - 1)]);
  }
  constexpr double kMostOfTiles = 1e6, kMostOfOthers = 5e4;  // the interpreter runs them all
  size_t longest = 0;
  for (const Size& size : all) longest = std::max(longest, size.values.size());
  // In turns, from both ends, and no more than half of all: `most` may be few for many parameters.
  for (size_t at = 0; at < longest; ++at) {
    for (size_t i = 0; i < all.size(); ++i) {
      size_t n = all[i].values.size();
      if (at >= n || chosen.size() * 2 > most) continue;
      std::vector<int64_t> values = whole;
      values[i] = all[i].values[at % 2 ? n - 1 - at / 2 : at / 2];
      take(values, kMostOfTiles);
    }
  }
  for (int tries = 0; tries < 3000 && chosen.size() < most; ++tries)
    take(sample(all), kMostOfOthers);
  if (chosen.empty()) *why_none = why_not;
  // Small ones first: they are what a person wants to be told of.
  auto key = [](const Sizes& sizes) {
    int64_t total = 0;
    for (const auto& [name, value] : sizes) total += value;
    return std::make_pair(total, sizes);
  };
  std::sort(chosen.begin(), chosen.end(),
            [&](const Sizes& a, const Sizes& b) { return key(a) < key(b); });
  return chosen;
}

std::string CaseMaker::ranges(const std::vector<Sizes>& sizes) {
  std::string text;
  if (sizes.empty()) return text;
  for (const auto& [name, first] : sizes.front()) {
    int64_t least = first, most = first;
    for (const Sizes& values : sizes) {
      least = std::min(least, values.at(name));
      most = std::max(most, values.at(name));
    }
    text += fmt::format("{}{} {}..{}", text.empty() ? "" : ", ", name, least, most);
  }
  return text;
}

void CaseMaker::lay_out(Case& made, const Sizes& sizes, int variant) {
  const Function& function = meaning_.function();
  Substitution known;
  auto bind = [&](const Var& var) {
    auto found = sizes.find(var.name());
    if (found != sizes.end()) known.vars[var.get()] = Expr(found->second);
  };
  for (const Param& param : function.params) {
    if (const Var* var = std::get_if<Var>(&param)) bind(*var);
  }
  for (const Var& symbol : function.symbols()) bind(symbol);
  for (const auto& [name, value] : sizes) made.description += fmt::format("{}={}, ", name, value);
  size_t index = 0;
  for (const Param& param : function.params) {
    CaseArgument argument;
    argument.name = param_name(param);
    const Buffer* buffer = std::get_if<Buffer>(&param);
    if (!buffer) {
      const Var& var = std::get<Var>(param);
      if (var.type().is_integer()) {
        argument.scalar = sizes.at(var.name());
      } else if (var.type().is_bool()) {
        argument.scalar = sizes.at(var.name()) != 0;
      } else if (var.type().is_float()) {
        argument.scalar = 1.0;
      } else {
        throw CompileError("conformance", var.loc(),
                           "the parameter `" + var.name() + "` of type " + to_string(var.type()) +
                               " can't be given values",
                           "scalars of a row are integers, floats or bools");
      }
      made.arguments.push_back(std::move(argument));
      ++index;
      continue;
    }
    const BufferNode& node = **buffer;
    CaseTensor tensor;
    tensor.name = node.name;
    tensor.type = node.type;
    tensor.alignment = std::max(node.alignment, node.type.bytes());
    tensor.written = written_[index];
    tensor.shape.resize(node.rank());
    tensor.strides.resize(node.rank());
    int64_t count = 1;
    for (size_t d = node.rank(); d-- > 0;) {
      int64_t extent = tensor.shape[d] = value_of(node.shape[d], known);
      if (extent < 0 || (extent > 0 && count > kMostElements / extent)) {
        throw CompileError("conformance", node.loc, "an extent is negative or too large");
      }
      count *= extent;
    }
    // Wide strides in several dimensions would ask for gaps of gigabytes.
    Substitution before = known;
    int64_t span = choose_strides(
        node, kPadding[static_cast<size_t>(variant) % std::size(kPadding)], tensor, known);
    if (span > kMostPadded) {
      known = before;
      span = choose_strides(node, 0, tensor, known);
    }
    if (count == 0) span = 0;
    if (span > kMostElements) {
      throw CompileError("conformance", node.loc, "a tensor of the case is too large");
    }
    for (size_t d = 0; d < node.strides.size(); ++d) {
      const VarNode* symbol = node.strides[d].as<VarNode>();
      if (symbol && !before.vars.count(symbol))
        made.description += fmt::format("{}={}, ", symbol->name, tensor.strides[d]);
    }
    // NaNs of any type, and a pattern that integers show.
    tensor.bytes.assign(static_cast<size_t>(span) * static_cast<size_t>(node.type.bytes()), 0xff);
    tensor.elements.reserve(static_cast<size_t>(count));
    std::vector<int64_t> at(node.rank(), 0);
    for (int64_t i = 0; i < count; ++i) {
      int64_t offset = 0;
      for (size_t d = 0; d < at.size(); ++d) offset += at[d] * tensor.strides[d];
      tensor.elements.push_back(offset);
      for (size_t d = at.size(); d-- > 0;) {
        if (++at[d] < tensor.shape[d]) break;
        at[d] = 0;
      }
    }
    argument.is_tensor = true;
    argument.tensor = made.tensors.size();
    made.tensors.push_back(std::move(tensor));
    made.arguments.push_back(std::move(argument));
    ++index;
  }
}

void CaseMaker::fill(Case& made, Data data) {
  auto uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  };
  auto whole = [&](int64_t most) {
    return static_cast<double>(
        static_cast<int64_t>(random_() % static_cast<uint64_t>(2 * most + 1)) - most);
  };
  // Of a type of the size of f32, the exponents below; a 16-bit float has fewer.
  auto scaled = [&](int exponent, const CaseTensor& tensor) {
    bool small_range = tensor.type.code == TypeCode::Float && tensor.type.bits == 16;
    double value = std::ldexp(uniform(1, 2), small_range ? exponent / 9 : exponent);
    return random_() & 1 ? value : -value;
  };
  size_t inputs = 0;
  for (const CaseArgument& argument : made.arguments) {
    if (!argument.is_tensor) continue;
    CaseTensor& tensor = made.tensors[argument.tensor];
    size_t index = static_cast<size_t>(&argument - made.arguments.data());
    if (written_[index] && !read_[index]) continue;  // whatever lies there: NaNs
    bool both = written_[index];
    // Of the operands that are only read, the first and the others play different parts; which is
    // the first changes from case to case.
    bool first = !both && inputs++ % 2 == (made.place == Place::Start ? 1 : 0);
    for (int64_t element : tensor.elements) {
      double value = 0;
      switch (data) {
        case Data::Whole:
        case Data::Nan:
        case Data::Infinite:
          value = whole(4);
          break;
        case Data::Random:
          value = uniform(-1, 1);
          break;
        case Data::Denormal:
          value = first || both ? whole(7) * least_positive(tensor.type) : whole(4);
          break;
        case Data::Mixed:
          value = both ? scaled(10, tensor) : scaled(first ? 100 : -90, tensor);
          break;
        case Data::Huge:
          value = both ? scaled(116, tensor) : scaled(first ? 60 : 56, tensor);
          break;
        case Data::Tiny:
          value = both ? scaled(-140, tensor) : scaled(first ? -75 : -65, tensor);
          break;
        case Data::Overflow:
          value = std::abs(scaled(both ? 30 : 72, tensor));
          break;
      }
      if (tensor.type.is_float()) {
        store_float(tensor.type, tensor.bytes.data(), element, value);
      } else if (data == Data::Whole || tensor.type.is_bool()) {
        store_integer(tensor.type, tensor.bytes.data(), element,
                      static_cast<int64_t>(whole(4)) & (tensor.type.is_bool() ? 1 : -1));
      } else {
        store_integer(tensor.type, tensor.bytes.data(), element, static_cast<int64_t>(random_()));
      }
    }
  }
  if (data == Data::Nan || data == Data::Infinite) {
    std::vector<CaseTensor*> eligible;
    for (const CaseArgument& argument : made.arguments) {
      size_t index = static_cast<size_t>(&argument - made.arguments.data());
      if (!argument.is_tensor || !read_[index]) continue;
      CaseTensor& tensor = made.tensors[argument.tensor];
      if (tensor.type.is_float() && !tensor.elements.empty()) eligible.push_back(&tensor);
    }
    if (!eligible.empty()) {
      CaseTensor& tensor = *eligible[random_() % eligible.size()];
      double value = data == Data::Nan ? std::nan("") : random_() & 1 ? HUGE_VAL : -HUGE_VAL;
      store_float(tensor.type, tensor.bytes.data(),
                  tensor.elements[random_() % tensor.elements.size()], value);
    }
  }
  // Scalars: those that kernels treat apart (0, 1), and others.
  for (CaseArgument& argument : made.arguments) {
    if (argument.is_tensor || !std::holds_alternative<double>(argument.scalar)) continue;
    // 0 last: where a sum overflows, 0 times that sum is a NaN, and the sum of 0 times each term
    // none.
    constexpr double kScalars[] = {1, -1, 2, 0.5, -3, 0};
    size_t choices = std::size(kScalars) - (data == Data::Overflow ? 1 : 0);
    double value = kScalars[random_() % choices];
    argument.scalar = value;
    made.description += fmt::format("{}={}, ", argument.name, value);
  }
}

Case CaseMaker::make(const Sizes& sizes, Data data, int variant) {
  Case made;
  made.data = data;
  // Arrays of whole vectors that touch a page are aligned to vectors. Random numbers come with
  // every size, and nothing else depends on where they lie.
  made.place = data == Data::Random ? Place::Crooked : variant % 2 == 1 ? Place::Start : Place::End;
  lay_out(made, sizes, variant / 2);
  fill(made, data);
  made.description +=
      fmt::format("{}, {}", to_string(data),
                  made.place == Place::Crooked ? "aligned to no more than is promised"
                  : made.place == Place::Start ? "start at a guard page"
                                               : "end at a guard page");
  return made;
}

namespace {

// Inputs in double, laid out as in the case, and the program run on them.
struct WideRun {
  std::vector<std::vector<double>> floats;  ///< of each tensor; empty of integers
  std::vector<std::vector<uint8_t>> others;

  WideRun(const Program& program, const Case& asked, bool magnitudes, bool zeros) {
    std::vector<ArgValue> values;
    floats.resize(asked.tensors.size());
    others.resize(asked.tensors.size());
    for (const CaseArgument& argument : asked.arguments) {
      if (!argument.is_tensor) {
        ScalarValue scalar = argument.scalar;
        if (double* number = std::get_if<double>(&scalar))
          *number = zeros ? 0 : magnitudes ? std::abs(*number) : *number;
        values.emplace_back(scalar);
        continue;
      }
      const CaseTensor& tensor = asked.tensors[argument.tensor];
      if (!tensor.type.is_float()) {
        others[argument.tensor] = tensor.bytes;
        values.emplace_back(TensorRef{tensor.type, tensor.shape, tensor.strides,
                                      others[argument.tensor].data(), 0, false});
        continue;
      }
      std::vector<double>& wide = floats[argument.tensor];
      wide.assign(tensor.bytes.size() / static_cast<size_t>(tensor.type.bytes()), 0);
      for (int64_t element : tensor.elements) {
        double value = load_float(tensor.type, tensor.bytes.data(), element);
        wide[static_cast<size_t>(element)] = zeros ? 0 : magnitudes ? std::abs(value) : value;
      }
      values.emplace_back(TensorRef{kF64, tensor.shape, tensor.strides, wide.data(), 0, false});
    }
    interpret(program, *program.functions().front(), values);
  }
};

// Row-major position -> "[2, 5]".
std::string place_of(const CaseTensor& tensor, size_t position) {
  std::vector<int64_t> at(tensor.shape.size());
  for (size_t d = at.size(); d-- > 0;) {
    at[d] = static_cast<int64_t>(position) % tensor.shape[d];
    position /= static_cast<size_t>(tensor.shape[d]);
  }
  return fmt::format("{}[{}]", tensor.name, fmt::join(at, ", "));
}

// Bytes between the elements, and tensors that are only read, must be what they were.
std::string untouched(const CaseTensor& tensor, const std::vector<uint8_t>& bytes) {
  size_t size = static_cast<size_t>(tensor.type.bytes());
  std::vector<bool> ours(bytes.size() / size, false);
  if (tensor.written) {
    for (int64_t element : tensor.elements) ours[static_cast<size_t>(element)] = true;
  }
  for (size_t i = 0; i < ours.size(); ++i) {
    if (ours[i] || std::memcmp(&bytes[i * size], &tensor.bytes[i * size], size) == 0) continue;
    return fmt::format("{}, which it must not change, was written {} elements from its start",
                       tensor.written ? "a gap between the rows of " + tensor.name : tensor.name,
                       i);
  }
  return "";
}

}  // namespace

const Meaning& Judge::meaning_for(const Case& asked) {
  std::vector<double> scalars;
  for (const CaseArgument& argument : asked.arguments) {
    const double* number = std::get_if<double>(&argument.scalar);
    if (!argument.is_tensor && number) scalars.push_back(*number);
  }
  if (scalars.empty()) return meaning_;
  auto found = special_.find(scalars);
  if (found == special_.end())
    found = special_.emplace(scalars, specialize(meaning_, scalars)).first;
  return found->second;
}

std::string Judge::verdict(const Case& asked, const std::vector<std::vector<uint8_t>>& returned) {
  const Meaning& meaning = meaning_for(asked);
  if (!meaning.bounded) why_unbounded_ = meaning.why_unbounded;
  for (size_t t = 0; t < asked.tensors.size(); ++t) {
    std::string why = untouched(asked.tensors[t], returned[t]);
    if (!why.empty()) return why;
  }
  WideRun value(meaning.value, asked, false, false);
  std::vector<std::vector<uint8_t>> interpreted;
  if (!meaning.bounded) interpreted = interpret_plainly(meaning, asked);
  std::optional<WideRun> magnitude, roundings;
  if (meaning.bounded) {
    magnitude.emplace(meaning.magnitude, asked, true, false);
    roundings.emplace(meaning.roundings, asked, false, true);
  }
  for (size_t t = 0; t < asked.tensors.size(); ++t) {
    const CaseTensor& tensor = asked.tensors[t];
    if (!tensor.written) continue;
    double largest = 0;
    if (!meaning.bounded) {
      for (int64_t element : tensor.elements) {
        if (!tensor.type.is_float()) break;
        double each = std::abs(load_float(tensor.type, interpreted[t].data(), element));
        if (std::isfinite(each)) largest = std::max(largest, each);
      }
    }
    for (size_t i = 0; i < tensor.elements.size(); ++i) {
      int64_t element = tensor.elements[i];
      size_t at = static_cast<size_t>(element);
      if (!tensor.type.is_float()) {
        size_t size = static_cast<size_t>(tensor.type.bytes());
        if (std::memcmp(&returned[t][at * size], &value.others[t][at * size], size) == 0) continue;
        return fmt::format("{} is {}, expected {}", place_of(tensor, i),
                           load_integer(tensor.type, returned[t].data(), element),
                           load_integer(tensor.type, value.others[t].data(), element));
      }
      double got = load_float(tensor.type, returned[t].data(), element);
      double want = meaning.bounded ? value.floats[t][at]
                                    : load_float(tensor.type, interpreted[t].data(), element);
      auto wrong = [&](const std::string& allowed) {
        return fmt::format("{} is {:.9g}, expected {:.9g}{}", place_of(tensor, i), got, want,
                           allowed);
      };
      if (std::isnan(want)) {
        if (!std::isnan(got)) return wrong("");
        continue;
      }
      if (std::isinf(want)) {
        if (got != want) return wrong("");
        continue;
      }
      double bound = 0;
      if (meaning.bounded) {
        double sum = magnitude->floats[t][at], count = roundings->floats[t][at];
        // Whole multiples of one number, few enough: nothing is rounded, in whatever order.
        double unit = asked.data == Data::Whole      ? 1
                      : asked.data == Data::Denormal ? meaning.smallest
                                                     : 0;
        bool exact = unit > 0 && meaning.whole_constants && sum <= meaning.exact_below * unit &&
                     std::fmod(sum, unit) == 0 && std::fmod(want, unit) == 0;
        if (!exact) {
          bound = sum_error_bound(count, sum, meaning.epsilon) + 2 * count * meaning.smallest;
        }
        if (sum + bound > meaning.largest) {
          // An intermediate sum may overflow in one order and not in another. With one sign the
          // result itself does, in every order.
          bool certain = std::abs(want) == sum && sum > 1.01 * greatest(tensor.type);
          if (certain && got != std::copysign(HUGE_VAL, want)) return wrong(": it overflows");
          if (!std::isfinite(got)) continue;
        }
      } else {
        bound = std::max({1e-5 * largest, 4 * meaning.epsilon * std::abs(want), meaning.smallest});
      }
      double error = std::abs(got - want);
      if (!(error <= bound))
        return wrong(fmt::format(": off by {:.3g}, allowed {:.3g}", error, bound));
      if (bound > 0) worst_ = std::max(worst_, error / bound);
    }
  }
  return "";
}

}  // namespace inlay::conform
