# cmake -P: the generated ids follow the text of their sources, and stay untouched while it stays.
# Wants SCRIPT (hash_sources.cmake), TEMPLATE and WORK_DIR.
file(REMOVE_RECURSE ${WORK_DIR})
file(WRITE ${WORK_DIR}/files "a.h\nb.h\n")
file(WRITE ${WORK_DIR}/a.h "struct A { int x; };\n")
file(WRITE ${WORK_DIR}/b.h "struct B {};\n")
set(header ${WORK_DIR}/out.h)

function(hash out)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D SOURCE_DIR=${WORK_DIR} -D FILES=${WORK_DIR}/files
            -D TEMPLATE=${TEMPLATE} -D OUTPUT=${header} -D MACRO=THE_MACRO -D PREFIX=pre- -D SUFFIX=
            -P ${SCRIPT}
    COMMAND_ERROR_IS_FATAL ANY)
  file(STRINGS ${header} lines REGEX "#define THE_MACRO \"pre-[0-9a-f]+\"")
  if(NOT lines)
    message(FATAL_ERROR "${header} defines no THE_MACRO")
  endif()
  string(REGEX MATCH "pre-[0-9a-f]+" value "${lines}")
  set(${out} ${value} PARENT_SCOPE)
endfunction()

hash(first)
file(TIMESTAMP ${header} time_first "%s")
execute_process(COMMAND ${CMAKE_COMMAND} -E sleep 1.1)
hash(again)
file(TIMESTAMP ${header} time_again "%s")
if(NOT first STREQUAL again OR NOT time_first EQUAL time_again)
  message(FATAL_ERROR "an equal source gave ${again} after ${first}, or the header was rewritten")
endif()

file(WRITE ${WORK_DIR}/a.h "struct A { long x; };\n")
hash(changed)
file(WRITE ${WORK_DIR}/a.h "struct A { int x; };\n")
hash(back)
file(RENAME ${WORK_DIR}/b.h ${WORK_DIR}/c.h)
file(WRITE ${WORK_DIR}/files "a.h\nc.h\n")
hash(renamed)
if(changed STREQUAL first OR renamed STREQUAL first OR NOT back STREQUAL first)
  message(FATAL_ERROR "first ${first}, changed ${changed}, back ${back}, renamed ${renamed}")
endif()
