// Cases of a row's conformance test: sizes, strides, placement and data, made from the meaning
// alone, and what has to come out.
#pragma once

#include <inlay/runtime.h>

#include <random>

#include "tools/conform/meaning.h"

namespace inlay::conform {

/// What the floats of a case look like.
enum class Data : uint8_t {
  Whole,     ///< small whole numbers: every sum is exact in any order
  Random,    ///< in [-1, 1)
  Denormal,  ///< multiples of the least positive number, times small whole numbers
  Mixed,     ///< operands of very different sizes
  Huge,      ///< near the greatest number, without reaching it
  Tiny,      ///< products below the least positive number
  Overflow,  ///< positive, and too large
  Nan,       ///< one NaN among small numbers
  Infinite,  ///< one infinity among small numbers
};
inline constexpr Data kAllData[] = {Data::Whole,    Data::Random, Data::Denormal,
                                    Data::Mixed,    Data::Huge,   Data::Tiny,
                                    Data::Overflow, Data::Nan,    Data::Infinite};
const char* to_string(Data data);

struct CaseTensor {
  std::string name;
  DType type;
  std::vector<int64_t> shape, strides;
  int alignment = 1;              ///< bytes; what the row may rely on
  std::vector<uint8_t> bytes;     ///< from element 0 to the last; gaps between rows are NaNs
  std::vector<int64_t> elements;  ///< offset of each element, in elements, row-major order
  bool written = false;
};

struct CaseArgument {
  std::string name;
  bool is_tensor = false;
  size_t tensor = 0;   ///< into Case::tensors
  ScalarValue scalar;  ///< int64_t, bool or double
};

/// Where the arrays of a case lie; the numbers are those of runtime/src/tools/cases.h.
enum class Place : uint8_t {
  End,      ///< a guard page lies behind the last byte
  Start,    ///< a guard page lies before the first byte
  Crooked,  ///< between, at an address that is aligned to what is promised and to no more
};

struct Case {
  std::string description;  ///< "k=17, c.stride0=23, small whole numbers, end at a guard page"
  Data data{};
  Place place = Place::End;
  std::vector<CaseArgument> arguments;
  std::vector<CaseTensor> tensors;
};

/// Makes cases; the same for the same meaning and seed.
class CaseMaker {
 public:
  CaseMaker(const Meaning& meaning, const std::vector<int64_t>& constants, uint64_t seed);

  /// Values of the integer and bool parameters and of the symbols in shapes. They are those for
  /// which the meaning runs without a fault: a tile of at most mr rows is not asked for more. Each
  /// value occurs with whole tiles around it; then combinations that bring new pairs of values, at
  /// most `most` in all, small ones preferred. Empty if the meaning runs for none: `why_none` says
  /// what stopped it.
  std::vector<std::map<std::string, int64_t>> sizes(size_t most, std::string* why_none);

  /// All parameters that no other bounds at one value, the bounded ones at their greatest, bools at
  /// true, for values from 256 down; only those for which the meaning runs.
  std::vector<std::map<std::string, int64_t>> even_sizes();

  /// `variant` chooses strides and placement.
  Case make(const std::map<std::string, int64_t>& sizes, Data data, int variant);

  /// Smallest and largest value of each size that sizes() found, "k 0..257, m 0..6".
  static std::string ranges(const std::vector<std::map<std::string, int64_t>>& sizes);

 private:
  struct Size {
    std::string name;
    bool is_bool = false;
    std::vector<int64_t> values;  ///< possible ones
  };
  std::vector<Size> sizes_of_parameters() const;
  std::vector<int64_t> candidates() const;
  std::vector<int64_t> sample(const std::vector<Size>& sizes);
  bool runs(const std::map<std::string, int64_t>& sizes, std::string* why_not);
  void lay_out(Case& made, const std::map<std::string, int64_t>& sizes, int variant);
  void fill(Case& made, Data data);

  const Meaning& meaning_;
  std::vector<int64_t> constants_;
  std::mt19937_64 random_;
  std::vector<bool> read_, written_;  ///< of each parameter
};

DLDataType dlpack_type(DType type);

/// Says what is wrong with the results of cases.
class Judge {
 public:
  explicit Judge(const Meaning& meaning) : meaning_(meaning) {}

  /// The bytes that came back, of each tensor; empty if nothing is wrong with them.
  std::string verdict(const Case& asked, const std::vector<std::vector<uint8_t>>& returned);

  /// The largest error so far, over its bound.
  double worst() const { return worst_; }
  /// Why there was no bound for some case; empty if there was for each.
  const std::string& why_unbounded() const { return why_unbounded_; }

 private:
  const Meaning& meaning_for(const Case& asked);

  const Meaning& meaning_;
  std::map<std::vector<double>, Meaning> special_;  ///< by float scalars
  double worst_ = 0;
  std::string why_unbounded_;
};

}  // namespace inlay::conform
