#include "core/interp/interp.h"

#include "core/interp/compiler.h"

namespace inlay {

void interpret(const Program& program, const Function& function, const std::vector<ArgValue>& args,
               const InterpOptions& options) {
  // Program parameters are bound in a copy, so the function must be found again there.
  Program bound;
  const Program* source = &program;
  const Function* entry = &function;
  if (!program.params().empty()) {
    bound = bind_params(program, nullptr, {});
    source = &bound;
    entry = bound.find_function(function.name);
    INLAY_CHECK(entry, "the function is none of the program's");
  }
  interp::CompiledFunction compiled;
  interp::Compiler(*source, *entry, compiled).compile();
  interp::Machine machine(compiled.code, options);
  try {
    interp::bind_arguments(machine, *entry, compiled.formals, compiled.scalar_regs,
                           compiled.written, args);
    interp::Pc pc = 0;
    machine.run(pc);
  } catch (const std::bad_alloc&) {
    throw CompileError("out-of-memory", entry->loc,
                       "there is no memory to interpret `" + entry->name + "`",
                       "run a smaller case, or leave checks out");
  }
}

}  // namespace inlay
