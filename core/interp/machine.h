// The machine that runs compiled code: registers, buffers with their shadows, and the levels of
// parallelism that are active.
//
// Expressions are trees of Op, statements a flat list of Step; variables and buffers are slots that
// were resolved when compiling. Statements are flat so that a work-item can stop at a barrier and
// go on later: all of its state is its Frame and a position in the list.
//
// How races are found. A counter `now` grows at the start of each parallel loop and of each of its
// iterations. Iterations run one after another, so the loops and iterations that are active split
// time into intervals: start of loop 0 <= start of its present iteration <= start of loop 1 <= ...
// An earlier access belongs to another iteration of loop l exactly if its time lies between
// `start` and `iteration` of level l. For each element the shadow keeps the time of the last write,
// and for each level that of the first read since that level's loop began; more would tell no more:
// if an older write conflicts with the present access, it conflicted with the newer write too.
// A barrier starts a new loop of the level at which the work-items are the iterations.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "core/interp/interp.h"

namespace inlay::interp {

class Machine;

/// A scalar, or one lane of a vector; carriers are those of arith.h.
union Value {
  int64_t i;
  double f;
};

/// Memory that buffers lie in: a tensor of the caller, or an allocation. Positions in it count
/// elements.
struct Storage {
  DType type;
  int64_t count = 0;
  std::byte* data = nullptr;
  std::vector<uint8_t> written;  ///< by element; empty: all were
  bool of_caller = false;        ///< a tensor: what lies in it is seen from outside
  std::vector<uint64_t> stamps;  ///< by element 1 + levels words; empty: not watched
  std::unique_ptr<std::byte[]> owned;
  int64_t capacity = 0;  ///< bytes owned
};

/// What a buffer slot holds at present. Extents and strides lie in registers: the slot's `dims`.
struct BufferRef {
  Storage* storage = nullptr;
  int64_t origin = 0;              ///< position of element 0
  std::shared_ptr<Storage> owner;  ///< of an allocation
};

/// The whole state of one thread of execution, but for its place in the code.
struct Frame {
  std::vector<Value> regs;
  std::vector<BufferRef> buffers;
};

/// No allocation or tensor is larger, in bytes.
inline constexpr int64_t kMaxBytes = int64_t{1} << 40;

/// Where a piece of code stands: "sgemm/for i/for j", innermost last.
struct Path {
  uint32_t parent = 0;
  std::string label;
  std::string variable;  ///< of a loop
  uint32_t variable_reg = 0;
};

/// A place that may fault.
struct Site {
  Loc loc;
  uint32_t path = 0;
  std::string buffer;  ///< of an access
  bool write = false;
};

/// A compiled expression. Scalars are asked for by eval(), vectors by eval_lanes().
class Op {
 public:
  virtual ~Op() = default;
  virtual Value eval(Machine& machine) const;
  virtual void eval_lanes(Machine& machine, Value* out) const;
};

/// Where an access goes: slots, index expressions, and who to name if it is wrong.
struct Access {
  /// A plain variable is read straight from its register: most indices are one.
  struct Index {
    const Op* op;
    int64_t reg = -1;
  };
  uint32_t buffer = 0;
  uint32_t dims = 0;  ///< register of extent 0; then stride 0, extent 1, ...
  uint32_t site = 0;
  std::vector<Index> indices;
  int lanes = 1;  ///< of the last index
};

using Pc = uint32_t;
/// Instead of a next position: the code is done; a barrier was reached.
inline constexpr Pc kDone = ~Pc{0};
inline constexpr Pc kAtBarrier = ~Pc{1};

/// A compiled statement.
class Step {
 public:
  virtual ~Step() = default;
  /// Runs it; returns the position of the next.
  virtual Pc run(Machine& machine, Pc pc) const = 0;
};

struct Code {
  std::string function;
  std::vector<std::unique_ptr<Op>> ops;
  std::vector<std::unique_ptr<Step>> steps;
  std::deque<Site> sites;
  std::vector<Path> paths;
  uint32_t regs = 0, buffers = 0, scratch = 0;
  uint32_t max_levels = 0;  ///< deepest nest of parallel loops
  int max_lanes = 1;        ///< of an access
};

/// An active parallel loop, or the work-items of a workgroup between two barriers.
struct Level {
  uint64_t start = 0;      ///< time at which the loop began
  uint64_t iteration = 0;  ///< time at which its present iteration began
  uint32_t path = 0;
  /// Start and value of the loop variable (or number of the work-item) of each iteration so far.
  std::vector<std::pair<uint64_t, int64_t>> history;
  /// Work-items: what to call number n. Null for a loop.
  std::function<std::string(int64_t)> name_item;
};

class Machine {
 public:
  Machine(const Code& code, const InterpOptions& options);

  /// Runs from `pc` until kDone or kAtBarrier; after kAtBarrier `pc` is where to go on.
  Pc run(Pc& pc);

  const Code& code;
  const InterpOptions& options;
  Frame frame;
  std::vector<Value> scratch;
  std::vector<Level> levels;  ///< the first `active` are
  size_t active = 0;
  /// How many levels are active in a work-item outside of its own loops; 0: no work-item runs.
  size_t item_levels = 0;
  /// By lane of the value that a StoreStep is about to store: the access that read an element which
  /// nobody wrote, or null.
  std::vector<const Access*> unwritten;

  Value& reg(uint32_t index) { return frame.regs[index]; }

  void begin_level(uint32_t path);
  void begin_iteration(int64_t value) {
    Level& level = levels[active - 1];
    level.iteration = ++now_;
    level.history.push_back({now_, value});
  }
  /// Work-items go on after a barrier.
  void begin_phase() {
    levels[active - 1].start = ++now_;
    levels[active - 1].history.clear();
  }
  void end_level() { --active; }

  /// Position of a scalar access; throws if it is out of bounds.
  int64_t locate(const Access& access);
  /// Positions of the lanes of a vector access.
  void locate_lanes(const Access& access, std::vector<int64_t>& positions);
  /// Checks an access that is in bounds, and remembers it.
  void note_read(const Access& access, Storage& storage, int64_t position, int lane = 0) {
    if (!storage.written.empty() && !storage.written[position]) uninitialised(access, lane);
    if (active != 0 && !storage.stamps.empty()) watch_read(access, storage, position, lane);
  }
  /// The same, where the element is only copied: that it was never written goes with it.
  void note_copied(const Access& access, Storage& storage, int64_t position, int lane = 0) {
    if (!storage.written.empty() && !storage.written[position]) unwritten[lane] = &access;
    if (active != 0 && !storage.stamps.empty()) watch_read(access, storage, position, lane);
  }
  /// After note_write(), for a value whose reads were noted by note_copied().
  void hand_on(const Access& to, Storage& storage, int64_t position, int lane = 0) {
    const Access* from = std::exchange(unwritten[lane], nullptr);
    if (!from) return;
    if (storage.of_caller) uninitialised(*from, lane, &to);
    storage.written[position] = 0;
  }
  void note_write(const Access& access, Storage& storage, int64_t position, int lane = 0) {
    if (!storage.written.empty()) storage.written[position] = 1;
    if (active != 0 && !storage.stamps.empty()) watch_write(access, storage, position, lane);
  }

  /// Fresh contents and shadow for an allocation of `count` elements.
  void allocate(BufferRef& ref, DType type, int64_t count, int alignment, bool watched);

  /// Throws CompileError: `rule` broken at `site`.
  [[noreturn]] void fault(uint32_t site, std::string rule, std::string message,
                          std::string help = "", std::vector<Diagnostic> notes = {});

 private:
  int64_t evaluate(const Access::Index& index) {
    return index.reg >= 0 ? frame.regs[index.reg].i : index.op->eval(*this).i;
  }
  void watch_read(const Access& access, Storage& storage, int64_t position, int lane);
  void watch_write(const Access& access, Storage& storage, int64_t position, int lane);
  [[noreturn]] void uninitialised(const Access& access, int lane,
                                  const Access* stored_to = nullptr);
  std::string indices_text(const Access& access, int lane);
  std::string path_text(uint32_t path) const;
  std::string variables_text(uint32_t path);
  [[noreturn]] void out_of_bounds(const Access& access, size_t dim, int64_t index, int64_t extent,
                                  int lane);
  void check_conflict(const Access& access, uint64_t word, int lane);
  [[noreturn]] void race(const Access& access, size_t level, uint64_t word, int lane);

  uint64_t now_ = 0;
  uint64_t steps_run_ = 0;
};

// ---- inner loop of the interpreter, kept inline ----

inline int64_t Machine::locate(const Access& access) {
  int64_t position = frame.buffers[access.buffer].origin;
  for (size_t d = 0; d < access.indices.size(); ++d) {
    int64_t index = evaluate(access.indices[d]);
    const Value* dim = &frame.regs[access.dims + 2 * d];
    if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(dim[0].i)) {
      out_of_bounds(access, d, index, dim[0].i, 0);
    }
    position += index * dim[1].i;
  }
  return position;
}

// A word of the shadow is the time of the access and, in the lowest bits, its site.
inline constexpr int kSiteBits = 24;

}  // namespace inlay::interp
