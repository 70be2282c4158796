# Two generated headers, each rewritten only when its text changes.
#
#   inlay/build_id.h  INLAY_BUILD_ID: version, hash of the compiler's sources, C++ compiler, build
#                     type. Read by core/support/build_id.cpp alone, so that a change recompiles one
#                     file. No revision of a version control system is in it: one source, one id,
#                     from a clone or from an archive, whatever is committed or not.
#   inlay/abi_hash.h  INLAY_CORE_ABI_HASH: a hash of every header that a backend plugin can see
#                     (core, backends/plugin, runtime/abi), and the C++ library's ABI as the
#                     preprocessor sees it. Installed with those headers: a plugin built against them
#                     carries the hash of the driver installed with them, and no other.
#
# Link inlay_abi to get the folder of both and the order of building.
include_guard(GLOBAL)

set(INLAY_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)

# Sources that decide what the compiler does; a new file is seen at the next build.
set(_globs "")
foreach(folder core backends runtime/abi tools)
  foreach(suffix h cpp c def inc)
    list(APPEND _globs ${folder}/*.${suffix})
  endforeach()
endforeach()
file(GLOB_RECURSE _sources CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${_globs})
set(_headers ${_sources})
list(FILTER _headers INCLUDE REGEX "^(core|backends/plugin|runtime/abi)/.*\\.(h|def|inc)$")

function(_inlay_hash_command name macro files)
  list(SORT files)
  list(JOIN files "\n" text)
  set(list_file ${INLAY_GENERATED_DIR}/${name}.files)
  file(CONFIGURE OUTPUT ${list_file} CONTENT "${text}\n" @ONLY)  # written only if changed
  list(TRANSFORM files PREPEND ${PROJECT_SOURCE_DIR}/)
  set(header ${INLAY_GENERATED_DIR}/inlay/${name}.h)
  # The stamp is what Ninja compares; the header keeps its time while its text stays.
  add_custom_command(
    OUTPUT ${INLAY_GENERATED_DIR}/${name}.stamp
    BYPRODUCTS ${header}
    COMMAND ${CMAKE_COMMAND} -D "SOURCE_DIR=${PROJECT_SOURCE_DIR}" -D "FILES=${list_file}"
            -D "TEMPLATE=${PROJECT_SOURCE_DIR}/cmake/${name}.h.in" -D "OUTPUT=${header}"
            -D "MACRO=${macro}" -D "PREFIX=${ARGV3}" -D "SUFFIX=${ARGV4}"
            -P ${PROJECT_SOURCE_DIR}/cmake/hash_sources.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${INLAY_GENERATED_DIR}/${name}.stamp
    DEPENDS ${files} ${list_file} ${PROJECT_SOURCE_DIR}/cmake/${name}.h.in
            ${PROJECT_SOURCE_DIR}/cmake/hash_sources.cmake
    COMMENT "Hashing sources for inlay/${name}.h"
    VERBATIM)
  add_custom_target(inlay_${name} DEPENDS ${INLAY_GENERATED_DIR}/${name}.stamp)
endfunction()

set(_suffix "-${CMAKE_CXX_COMPILER_ID}${CMAKE_CXX_COMPILER_VERSION}-${CMAKE_BUILD_TYPE}")
foreach(_sanitizer IN LISTS INLAY_SANITIZE)
  string(APPEND _suffix "-${_sanitizer}")
endforeach()
_inlay_hash_command(build_id INLAY_BUILD_ID "${_sources}" "${PROJECT_VERSION}-" "${_suffix}")
_inlay_hash_command(abi_hash INLAY_CORE_ABI_HASH "${_headers}" "" "")

add_library(inlay_abi INTERFACE)
target_include_directories(inlay_abi INTERFACE $<BUILD_INTERFACE:${INLAY_GENERATED_DIR}>)
add_dependencies(inlay_abi inlay_build_id inlay_abi_hash)
