// Schedule: rewrites of one function, each of which keeps what the function computes, or is
// refused.
//
// A step finds its loops by the names of their variables (`i`; of several named so, `i#2` is the
// second in the text), rewrites the body and records itself. A step that is not proven safe throws
// CompileError and leaves the schedule as it was; the diagnostic names the loop, the two accesses
// that stand in the way with their places (notes), and which step would help. Results stay bit for
// bit, except that sums may be added up in another order: reassociates() tells.
//
// Loops of a copy are called by their old names and a suffix (`_tail`, `_edge`); where such a name
// is taken the suffix gets a number (`_tail2`).
//
// Program parameters must be bound (bind_params) first: factors and tiles are then numbers.
// Thread safety: one Schedule belongs to one thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/analysis/dependence.h"
#include "core/ir/program.h"

namespace inlay {

/// Into how large blocks a loop is split.
struct Factor {
  Expr size;            ///< a number, or an index expression of what is visible at the loop
  int64_t at_most = 0;  ///< else: blocks of nearly one size of at most so many iterations,
  int64_t multiple =
      1;  ///< which is a multiple of this (and then may exceed at_most by less than it)

  Factor(int64_t number) : size(number) {}                  // NOLINT: reads as the number
  Factor(int number) : size(number) {}                      // NOLINT
  Factor(Expr expression) : size(std::move(expression)) {}  // NOLINT
  /// A named symbol, scalar parameter or `let` that is visible at the loop.
  static Factor symbol(std::string name);
  static Factor even(int64_t at_most, int64_t multiple = 1);

  std::string symbol_name;
};

/// Copies what a loop's body reads of one buffer into panels, in the order in which it reads.
struct Pack {
  std::string buffer;             ///< what is read
  std::string at;                 ///< the loop at the start of whose body the copy is made
  std::vector<std::string> dims;  ///< loops inside, outermost dimension of the panel first
  std::vector<std::string>
      padded;        ///< of these, those filled up with zeros to their greatest extent
  std::string name;  ///< of the new buffer; its loops are NAME.DIM
  int alignment = 64;
  MemorySpace space = MemorySpace::Global;
};

/// Copies the part of a buffer that a loop's body touches into a buffer of its own, and back. At a
/// loop inside of lane loops a copy in shared memory is the workgroup's: all its work-items copy
/// what all of them read in one iteration, first from memory into registers (`NAME.in`), then into
/// the copy, with barriers where one reads what another copied.
struct Stage {
  std::string buffer;
  std::string at;  ///< the loop whose body works on the copy
  std::string name;
  MemorySpace space = MemorySpace::Private;
  int alignment = 64;
  /// Private: the copy is as large as the part can be, zeros where there is less, and all its loops
  /// have constant bounds. A copy that a workgroup shares is always so.
  bool pad = false;
  /// Of a copy that a workgroup shares: the last two dimensions change places, ...
  bool transposed = false;
  int64_t pitch = 0;  ///< ... its rows lie so many elements apart (0: as long as they are), ...
  int64_t width = 0;  ///< ... and a work-item copies so many elements at once (0: is chosen).
};

/// Asks, at the start of each iteration, for what a later one will touch of a buffer.
struct PrefetchHint {
  std::string loop;
  std::string buffer;
  int64_t ahead = 1;   ///< iterations
  bool write = false;  ///< it will be written
  int level = 1;       ///< into the cache of that level
};

class Schedule {
 public:
  /// Throws CompileError (rule "unknown-function").
  Schedule(Program program, const std::string& function);

  const Function& function() const { return function_; }
  /// The program with the rewritten function.
  Program program() const;
  /// True once a step may have changed the order of a sum or product of floats.
  bool reassociates() const { return reassociates_; }

  /// loop -> outer { inner }: var = min + outer * factor + inner. Rules "bad-factor",
  /// "illegal-split".
  Schedule& split(const std::string& loop, Factor factor, const std::string& outer,
                  const std::string& inner, Tail tail = Tail::Bound);
  /// The named loops of one perfect nest, outermost first; loops between them stay in their places.
  Schedule& reorder(const std::vector<std::string>& loops);
  /// Two loops, one directly in the other, become one of all pairs.
  Schedule& fuse(const std::string& outer, const std::string& inner, const std::string& name);
  Schedule& unroll(const std::string& loop);     ///< needs a constant extent
  Schedule& vectorize(const std::string& loop);  ///< rule "illegal-vectorize"
  Schedule& parallel(const std::string& loop);   ///< rule "illegal-parallel"

  /// Iterations become workgroups of a launch (a grid kind) or work-items of a workgroup (a lane
  /// kind). The extent of a lane loop is a number, or known to be at most one: then the loop gets
  /// that extent, and the work-items beyond do nothing. Rule "illegal-bind".
  Schedule& bind(const std::string& loop, ForKind kind);

  /// Takes the nest of `loops` (a chain, outermost first) apart before the statement of its body
  /// that holds loop `at`, or after it. Loops of the part without `at` are called NAME + suffix.
  Schedule& fission(const std::vector<std::string>& loops, const std::string& at,
                    const std::string& suffix = "_0", bool after = false);
  /// Statements that stand before `loop` in its block move into its first iteration; a loop that
  /// may be empty then runs once, without effect of its own.
  Schedule& sink(const std::string& loop);
  /// Ends `loop` where `inner`, whose extent is min(F, rest), stops being whole; the rest runs in a
  /// copy `LOOP_tail`, the loops of which are called NAME + "_tail".
  Schedule& peel(const std::string& loop, const std::string& inner);
  /// Body of `loop` becomes: if all of `whole` have their full extents, the body with these as
  /// constants, else a copy, the loops of which are called NAME + "_edge". If `loop` itself is one
  /// of them, there are two of it.
  Schedule& specialize(const std::string& loop, const std::vector<std::string>& whole);
  /// Lets the loops, which end earlier at an edge, run to their greatest extents. What the further
  /// iterations compute goes into parts of private copies (Stage::pad) that nobody looks at, of
  /// operands that are whole copies too. Rule "illegal-whole".
  Schedule& whole(const std::vector<std::string>& loops);
  /// Copies for the next iteration, which stage put into shared memory at `loop`, are on their way
  /// from memory while this one computes: two halves of the buffers, one barrier. Rule
  /// "illegal-pipeline".
  Schedule& pipeline(const std::string& loop);
  /// Work-items wait for each other before (after) the loop. Rule "illegal-barrier".
  Schedule& barrier(const std::string& loop, bool after = false);
  /// The intrinsic calls inside `loop` are replaced by their meaning.
  Schedule& inline_call(const std::string& loop);

  Schedule& pack(const Pack& spec);
  Schedule& stage(const Stage& spec);
  /// Moves the allocation or `let` called `name` out of `loop`, to just before it.
  Schedule& hoist(const std::string& name, const std::string& loop);
  /// Replaces `loop` and what is in it by a call of the intrinsic, if it means the same. Template
  /// constants that the loops don't tell may be given by name.
  Schedule& tensorize(const std::string& loop, const std::string& intrinsic,
                      const std::vector<int64_t>& constants, Edge edge = Edge::Whole);
  /// The same for the statements of one block from loop `first` to loop `last`, which one call does
  /// together, such as a panel that is packed while it is used for the first time.
  Schedule& tensorize_run(const std::string& first, const std::string& last,
                          const std::string& intrinsic, const std::vector<int64_t>& constants,
                          Edge edge = Edge::Whole);
  /// Puts an import at the start of the loop's body.
  Schedule& pragma_import(const std::string& loop, Import import);
  /// Asks the backend to make one iteration of `count` (1: to leave the loop).
  Schedule& pragma_unroll(const std::string& loop, int64_t count);
  /// One prefetch for each access of the buffer: of its first element, where loops inside begin; a
  /// part of constant size that a call is given, line by line (of 64 bytes, at most 64). Rules
  /// "unknown-buffer", "bad-pragma".
  Schedule& pragma_prefetch(const PrefetchHint& hint);

  struct Step {
    std::string text;  ///< as the schedule's text form spells it
    Function after;
  };
  const std::vector<Step>& steps() const { return steps_; }

 private:
  /// Ends a step: takes the new body over.
  Schedule& commit(std::string text, Stmt body);
  /// Refuses a name that a loop of the function has already.
  void require_new_name(const std::string& name, const Loc& loc) const;
  /// `suffix`, with a number if a loop of `copied` would get a name that is taken.
  std::string free_suffix(const Stmt& copied, const std::string& suffix) const;
  Schedule& stage_shared(const Stage& spec);
  Schedule& set_kind(const std::string& name, ForKind kind, const char* step);

  Program program_;
  Function function_;
  bool reassociates_ = false;
  std::vector<Step> steps_;
  /// Dimensions of packed buffers that are filled up with zeros.
  std::map<const BufferNode*, std::set<size_t>> padded_;
  /// Copies that are written from end to end, zeros where their original has no element: how much
  /// of each dimension the original has.
  std::map<const BufferNode*, std::vector<Expr>> whole_;
  /// How a workgroup's copy in shared memory is made.
  struct SharedCopy {
    Buffer registers;   ///< through which a work-item's part goes
    bool waits = true;  ///< others read what a work-item copied
  };
  std::map<const BufferNode*, SharedCopy> shared_;
  /// The body of a loop at which copies are made: see memory/shared.cpp.
  struct CopyParts {
    std::vector<Stmt> loads, stores, rest;
    bool waits_before = false, waits = false;  ///< before and after the stores
  };
  CopyParts copy_parts(const std::vector<Stmt>& body) const;
};

}  // namespace inlay
