# inlay_add_code_object(NAME PROGRAM.inlay [TARGETS target...] [OPTIONS option...] [DEPENDS file...])
#
# Compiles PROGRAM at build time into NAME.so, and writes NAME.h with its typed C prototypes, both in
# the current binary folder. TARGETS are as for `inlay build --target` (several: variants that the
# runtime chooses from); without any, the command's own default. OPTIONS go to `inlay build` as they
# are. Everything beside and below PROGRAM that can be an import is a dependency; DEPENDS adds more.
#
# NAME is then a library to link: it brings inlay::runtime, the header's folder, and the macro
# NAME_CODE_OBJECT (upper case), the path of NAME.so, to be loaded with the runtime. The property
# INLAY_CODE_OBJECT of NAME holds that path too, for install(FILES).
#
# Works in a project that found the package, and within Inlay's own tree.
include_guard(GLOBAL)

function(inlay_add_code_object name program)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "TARGETS;OPTIONS;DEPENDS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "inlay_add_code_object(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(program "${program}" ABSOLUTE)
  if(NOT EXISTS "${program}")
    message(FATAL_ERROR "inlay_add_code_object(${name}): no such file: ${program}")
  endif()
  set(command inlay)
  if(NOT TARGET inlay)
    set(command inlay::inlay)
    if(NOT TARGET inlay::inlay)
      message(FATAL_ERROR "inlay_add_code_object(${name}): the inlay command is not part of this "
                          "installation; build it on a host with the compiler")
    endif()
  endif()

  get_filename_component(folder "${program}" DIRECTORY)
  set(globs "")
  foreach(suffix inlay c cc cpp cxx h hpp ll bc s S o a)
    list(APPEND globs ${folder}/*.${suffix})
  endforeach()
  file(GLOB_RECURSE imports CONFIGURE_DEPENDS ${globs})

  set(targets "")
  foreach(target IN LISTS arg_TARGETS)
    list(APPEND targets --target ${target})
  endforeach()
  set(plugins "")
  get_property(layered GLOBAL PROPERTY INLAY_LAYERED_TARGETS)
  foreach(target IN LISTS layered)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "MODULE_LIBRARY")
      list(APPEND plugins ${target})
    endif()
  endforeach()

  set(base ${CMAKE_CURRENT_BINARY_DIR}/${name})
  add_custom_command(
    OUTPUT ${base}.so ${base}.h
    COMMAND ${command} build ${program} ${targets} ${arg_OPTIONS} -o ${base}.so
    COMMAND ${command} build ${program} ${targets} ${arg_OPTIONS} --emit=header -o ${base}.h
    DEPENDS ${program} ${imports} ${arg_DEPENDS} ${command} ${plugins}
    COMMENT "Inlaying ${name}.so"
    VERBATIM)
  add_custom_target(${name}_code_object ALL DEPENDS ${base}.so ${base}.h)

  string(MAKE_C_IDENTIFIER "${name}" macro)
  string(TOUPPER "${macro}" macro)
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_code_object)
  target_include_directories(${name} INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_compile_definitions(${name} INTERFACE ${macro}_CODE_OBJECT="${base}.so")
  if(TARGET inlay_runtime)
    target_link_libraries(${name} INTERFACE inlay_runtime)
  else()
    target_link_libraries(${name} INTERFACE inlay::runtime)
  endif()
  set_target_properties(${name} PROPERTIES INLAY_CODE_OBJECT ${base}.so)
endfunction()
