# inlay-exec on a GPU: cmake -DEXEC=.. -DPROGRAM=gpu.so -DCPU_PROGRAM=fixture.so -DSCRATCH=dir -P ..
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})

# run(CODE PATTERN arguments...): inlay-exec must exit with CODE and say PATTERN.
function(run code pattern)
  execute_process(COMMAND ${EXEC} ${ARGN} RESULT_VARIABLE result
                  OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT result STREQUAL code OR NOT out MATCHES "${pattern}")
    message(FATAL_ERROR "${EXEC} ${ARGN}\nexit code ${result}, expected ${code}; said:\n${out}\n"
                        "expected: ${pattern}")
  endif()
endfunction()

run(2 "expected a device and a program" --device emulator)
run(2 "expected cpu, hip" --device cuda ${PROGRAM})
run(2 "is no device" --device hip:x ${PROGRAM})
run(0 "runs variant plain; GPU code for gfx906, gfx900" ${PROGRAM})
run(0 "runs GPU entry gfx900; GPU code for gfx906, gfx900.*reverse.x: in of rank 1, y: out"
    --device emulator ${PROGRAM})
run(1 "fixture: has no code for a GPU" --device emulator ${CPU_PROGRAM})

# y = 0 + 3 * x on the emulator, x from a file, y into one and from there to the CPU.
run(0 "^$" ${CPU_PROGRAM} parallel grain=1 nested=0 fail_at=-1 out=zeros:i64[4]
    --out out=${SCRATCH}/ones.npy)
run(1 "x has dtype i64, expected f32" --device emulator ${PROGRAM} axpy a=3 x=${SCRATCH}/ones.npy
    y=zeros:f32[4])
run(0 "^$" --device emulator ${PROGRAM} geometry out=zeros:i32[6] --out out=${SCRATCH}/sizes.npy)
run(0 "^$" --device cpu ${PROGRAM} geometry out=zeros:i32[6] --out out=${SCRATCH}/cpu.npy)
file(READ ${SCRATCH}/sizes.npy sizes HEX)
file(READ ${SCRATCH}/cpu.npy cpu HEX)
if(NOT sizes STREQUAL cpu OR NOT sizes MATCHES "080000000400000002000000180000000800000002000000$")
  message(FATAL_ERROR "sizes.npy holds ${sizes}, cpu.npy ${cpu}")
endif()
run(1 "rocm:7: there is no such GPU; there is 1" --device hip:7 ${PROGRAM} geometry
    out=zeros:i32[6])
run(0 "cpu: .*hip:0: Inlay emulator .gfx900., .*target gfx900:xnack-, 64 compute units" --devices)
set(ENV{INLAY_HIP_LIBRARY} /nonexistent.so)
run(0 "cpu: .*hip: no GPU .*emulator.*/nonexistent.so: No such file" --devices)
run(1 "no GPU .*emulator" --device hip ${PROGRAM})
