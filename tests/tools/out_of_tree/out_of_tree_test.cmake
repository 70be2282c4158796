# Installs Inlay, builds the printer backend against it, and has the installed command load it through
# INLAY_BACKEND_PATH: it lists the target and compiles for it. After a change in an installed header's
# hash the same plugin is refused, with both hashes.
set(prefix ${WORK_DIR}/prefix)
file(REMOVE_RECURSE ${WORK_DIR})

function(run)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "RESULT;OUTPUT" "COMMAND")
  execute_process(COMMAND ${arg_COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL arg_RESULT)
    message(FATAL_ERROR "exit code ${result}, expected ${arg_RESULT}, from: ${arg_COMMAND}\n${output}")
  endif()
  set(${arg_OUTPUT} "${output}" PARENT_SCOPE)
endfunction()

function(expect text pattern)
  if(NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "expected `${pattern}` in:\n${text}")
  endif()
endfunction()

run(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix} RESULT 0 OUTPUT ignored)
macro(build_plugin build flags)
  run(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${SOURCE_DIR} -B ${build} -DCMAKE_PREFIX_PATH=${prefix}
      -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
      "-DCMAKE_CXX_FLAGS=${FLAGS} ${flags}" RESULT 0 OUTPUT ignored)
  run(COMMAND ${CMAKE_COMMAND} --build ${build} RESULT 0 OUTPUT ignored)
endmacro()

set(program ${WORK_DIR}/add.inlay)
file(WRITE ${program} "func add(A: f32[N], B: f32[N]) { for i in 0..N { B[i] = A[i] + 1.0 } }\n")
set(inlay ${prefix}/bin/inlay)

build_plugin(${WORK_DIR}/good "")
set(ENV{INLAY_BACKEND_PATH} ${WORK_DIR}/good)
run(COMMAND ${inlay} targets RESULT 0 OUTPUT text)
expect("${text}" "printer +prints the lowered program")
expect("${text}" "x86-64-v3")  # the installed backends are still found
run(COMMAND ${inlay} build ${program} --target printer --emit=ir -o - RESULT 0 OUTPUT text)
expect("${text}" "// printed.*func add")
run(COMMAND ${inlay} build ${program} --target printer --emit=ir -o - --import c:x.c RESULT 1 OUTPUT text)
expect("${text}" "printer backend honours no `c` import")

file(READ ${prefix}/include/inlay-dev/inlay/abi_hash.h hash_header)
string(REGEX MATCH "\"([0-9a-f]+)\"" ignored "${hash_header}")
set(hash ${CMAKE_MATCH_1})
string(REPLACE "${hash}" "0123456789abcdef" other "${hash_header}")
file(WRITE ${prefix}/include/inlay-dev/inlay/abi_hash.h "${other}")
build_plugin(${WORK_DIR}/other "")
set(ENV{INLAY_BACKEND_PATH} ${WORK_DIR}/other)
run(COMMAND ${inlay} targets RESULT 0 OUTPUT text)
expect("${text}" "refused.*0123456789abcdef.*${hash}")
run(COMMAND ${inlay} build ${program} --target printer RESULT 1 OUTPUT text)
expect("${text}" "no backend knows the target `printer`.*0123456789abcdef")
