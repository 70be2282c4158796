# cmake -P: configures the project beside this file once per edge, and expects the verdict.
# Wants INLAY_CMAKE_DIR and WORK_DIR.
function(expect verdict from to via)
  file(REMOVE_RECURSE ${WORK_DIR})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK_DIR}
            "-DEDGE=${from};${to}" -DVIA=${via} -DINLAY_CMAKE_DIR=${INLAY_CMAKE_DIR}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(status EQUAL 0)
    set(got accepted)
  elseif(output MATCHES "upward dependency" AND output MATCHES "layer ${from}")
    set(got refused)
  else()
    set(got "failed otherwise")
  endif()
  if(NOT got STREQUAL verdict)
    message(FATAL_ERROR "${from} -> ${to} (${via}): ${got}, expected ${verdict}\n${output}")
  endif()
endfunction()

expect(accepted tools backends link)
expect(accepted tools runtime alias)
expect(refused core backends link)
expect(refused core tools alias)
expect(refused runtime core link)
expect(refused runtime backends dependency)
expect(refused backends runtime unlayered)
