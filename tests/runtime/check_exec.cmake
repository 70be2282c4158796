# inlay-exec end to end: cmake -DEXEC=.. -DPROGRAM=.. -DSCRATCH=dir -P check_exec.cmake
# EXEC may be a list: an emulator and the program.
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

run(2 "usage: inlay-exec" )
run(0 "usage: inlay-exec" --help)
run(0 "fixture, built by by hand, runs variant fast.*sgemm.A: in of rank 2, B: in of rank 2, C: out"
    ${PROGRAM})
run(1 "cannot open it" /nonexistent.so)
run(1 "has no function dgemm" ${PROGRAM} dgemm)
run(2 "B: has no value" ${PROGRAM} sgemm A=zeros:f32[2,3])
run(2 "D=1: expected NAME=" ${PROGRAM} sgemm D=1)
run(1 "expected zeros:DTYPE" ${PROGRAM} sgemm A=zeros:f31[2])
run(1 "C has shape .2, 5., expected .M=2, N=4." ${PROGRAM} sgemm A=zeros:f32[2,3] B=zeros:f32[3,4]
    C=zeros:f32[2,5])
run(1 "a is a scalar of i8, which cannot hold 300" ${PROGRAM} scalars
    a=300 b=1 c=1 d=1 e=1 f=1 g=1 h=1 out=zeros:i64[8])

# Through a file and back: [1, 1, 1, 1], then what is stored is used again.
run(0 "^$" ${PROGRAM} parallel grain=1 nested=0 fail_at=-1 out=zeros:i64[4]
    --out out=${SCRATCH}/a.npy)
run(0 "^$" ${PROGRAM} parallel grain=1 nested=1 fail_at=-1 out=${SCRATCH}/a.npy
    --out out=${SCRATCH}/b.npy)
file(READ ${SCRATCH}/b.npy bytes HEX)
if(NOT bytes MATCHES "0a0200000000000000020000000000000002000000000000000200000000000000$")
  message(FATAL_ERROR "b.npy holds ${bytes}")
endif()
string(LENGTH "${bytes}" digits)
math(EXPR rest "(${digits} / 2 - 32) % 64")
if(NOT rest EQUAL 0)
  message(FATAL_ERROR "the data of b.npy does not begin at a multiple of 64 bytes")
endif()
file(WRITE ${SCRATCH}/text.npy "text")
run(1 "is no .npy file" ${PROGRAM} sgemm A=${SCRATCH}/text.npy)
run(1 "cannot be created" ${PROGRAM} which out=zeros:i64[1] --out out=${SCRATCH}/no/such/dir.npy)

# Cases: what is no such file is told, whatever is in it.
run(2 "expected two files" ${PROGRAM} --cases)
run(1 "can't be opened" ${PROGRAM} --cases ${SCRATCH}/missing ${SCRATCH}/out)
run(1 "the file of cases is none" ${PROGRAM} --cases ${SCRATCH}/text.npy ${SCRATCH}/out)
string(ASCII 1 one)
file(WRITE ${SCRATCH}/short.cases "INLAYCS1${one}")
run(1 "the file of cases ends too early" ${PROGRAM} --cases ${SCRATCH}/short.cases ${SCRATCH}/out)
file(WRITE ${SCRATCH}/name.cases "INLAYCS1aaaabbbbcccc")
run(1 "name is too long" ${PROGRAM} --cases ${SCRATCH}/name.cases ${SCRATCH}/out)
run(1 "can't be written" ${PROGRAM} --cases ${SCRATCH}/name.cases ${SCRATCH}/no/such/file)
