# cmake -P: PROGRAM, a faulty target, passes its CORPUS unmutated, aborts with mutations, and aborts
# again on the input that it kept.
file(REMOVE ${PROGRAM}.crash)
execute_process(COMMAND ${PROGRAM} --runs=0 ${CORPUS} RESULT_VARIABLE plain)
execute_process(COMMAND ${PROGRAM} --runs=20000 ${CORPUS} RESULT_VARIABLE mutated)
if(NOT plain EQUAL 0 OR mutated EQUAL 0 OR NOT EXISTS ${PROGRAM}.crash)
  message(FATAL_ERROR "unmutated: ${plain}, mutated: ${mutated}, or no ${PROGRAM}.crash")
endif()
execute_process(COMMAND ${PROGRAM} --runs=0 ${PROGRAM}.crash RESULT_VARIABLE repeated)
if(repeated EQUAL 0)
  message(FATAL_ERROR "${PROGRAM}.crash does not repeat the crash")
endif()
