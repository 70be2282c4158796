# Tests: one executable, one CTest test. A test that starts once is fast; GoogleTest's own filter
# (`build/test-bin/NAME --gtest_filter=...`) serves the rest.
#
#   inlay_add_test(NAME source.cpp... [LABELS unit|slow ...] [LIBS lib...] [DEFS X=1...]
#                  [ARGS arg...] [ENV VAR=value...] [DEPENDS target...] [TIMEOUT seconds] [NO_MAIN])
#   inlay_add_command_test(NAME COMMAND program arg... [LABELS ...] [ENV ...] [TIMEOUT seconds]
#                          [WORKING_DIRECTORY dir])
#   inlay_add_fuzz_test(NAME source.cpp... CORPUS dir|file... [LIBS lib...] [DEFS ...] [RUNS n]
#                       [LABELS ...] [TIMEOUT seconds])
#
# LABELS defaults to `unit`, and must hold `unit` (all of them together under a minute) or `slow`.
# LIBS: GoogleTest, GoogleMock and, unless NO_MAIN, gmock's main() are linked by themselves.
# DEPENDS: targets that the test runs or loads but does not link.
# Every test may use the macros INLAY_SOURCE_DIR and INLAY_BINARY_DIR (no trailing slash) and
# includes by repository path. Its environment keeps the user's cache and plugins out of reach and
# sets the sanitizers up. Executables lie in build/test-bin, from where ../lib/inlay/backends is
# what it is from build/bin: the folder of the backend plugins.
# A fuzz test defines LLVMFuzzerTestOneInput. As a rule it runs the corpus and RUNS (2000) seeded
# mutations of it; under INLAY_SANITIZE with `fuzzer` it is a libFuzzer program, which the test runs for
# RUNS inputs, and which explores as long as one lets it: build-fuzz/test-bin/NAME CORPUS.
include_guard(GLOBAL)

# Options that hold in every test. container-overflow is off because the shared LLVM is not
# instrumented: a std::vector that crosses that border is annotated on one side only. So it is with
# the memory that LLVM's allocators poison in headers, and that the static LLD then uses: no poison.
set(INLAY_TEST_ENVIRONMENT
    "XDG_CACHE_HOME=${PROJECT_BINARY_DIR}/test-cache"
    "ASAN_OPTIONS=detect_container_overflow=0:allow_user_poisoning=0:strict_string_checks=1"
    "LSAN_OPTIONS=print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
find_program(INLAY_LLVM_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer)
if(INLAY_LLVM_SYMBOLIZER)
  foreach(sanitizer ASAN UBSAN TSAN)
    list(APPEND INLAY_TEST_ENVIRONMENT "${sanitizer}_SYMBOLIZER_PATH=${INLAY_LLVM_SYMBOLIZER}")
  endforeach()
endif()

# Properties that all tests share: labels, time limit, environment.
function(_inlay_test_properties name labels timeout env)
  if(NOT labels)
    set(labels unit)
  endif()
  if(NOT "unit" IN_LIST labels AND NOT "slow" IN_LIST labels)
    message(FATAL_ERROR "test ${name}: LABELS must hold `unit` or `slow`, it has: ${labels}")
  endif()
  if(NOT timeout)
    if("slow" IN_LIST labels)
      set(timeout 600)
    else()
      set(timeout 60)
    endif()
  endif()
  if(INLAY_SANITIZE)
    math(EXPR timeout "${timeout} * 6")
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout}
                       ENVIRONMENT "${INLAY_TEST_ENVIRONMENT};${env}"
                       ENVIRONMENT_MODIFICATION "INLAY_BACKEND_PATH=unset:")
endfunction()

function(inlay_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_MAIN" "TIMEOUT" "LABELS;LIBS;DEFS;ARGS;ENV;DEPENDS")
  if(NOT arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "inlay_add_test(${name}): no source file")
  endif()
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test-bin)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE INLAY_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             INLAY_BINARY_DIR="${PROJECT_BINARY_DIR}" ${arg_DEFS})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gmock GTest::gtest)
  if(NOT arg_NO_MAIN)
    target_link_libraries(${name} PRIVATE GTest::gmock_main)
  endif()
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  inlay_layer(${name} tests)
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  _inlay_test_properties(${name} "${arg_LABELS}" "${arg_TIMEOUT}" "${arg_ENV}")
endfunction()

function(inlay_add_command_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;WORKING_DIRECTORY" "COMMAND;LABELS;ENV")
  if(NOT arg_COMMAND OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "inlay_add_command_test(${name}): needs COMMAND, and knows no: "
                        "${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_WORKING_DIRECTORY)
    set(arg_WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${arg_WORKING_DIRECTORY})
  _inlay_test_properties(${name} "${arg_LABELS}" "${arg_TIMEOUT}" "${arg_ENV}")
endfunction()

function(inlay_add_fuzz_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;RUNS" "CORPUS;LABELS;LIBS;DEFS")
  if(NOT arg_UNPARSED_ARGUMENTS OR NOT arg_CORPUS)
    message(FATAL_ERROR "inlay_add_fuzz_test(${name}): needs a source file and CORPUS")
  endif()
  if(NOT DEFINED arg_RUNS)
    set(arg_RUNS 2000)
  endif()
  set(corpus "")
  foreach(path IN LISTS arg_CORPUS)
    get_filename_component(path ${path} ABSOLUTE)
    if(NOT EXISTS ${path})
      message(FATAL_ERROR "inlay_add_fuzz_test(${name}): no corpus ${path}")
    endif()
    list(APPEND corpus ${path})
  endforeach()
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  if("fuzzer" IN_LIST INLAY_SANITIZE)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # libFuzzer adds what it finds to its first folder, which must not be the source tree.
    set(found ${PROJECT_BINARY_DIR}/fuzz-corpus/${name})
    file(MAKE_DIRECTORY ${found})
    set(arguments -runs=${arg_RUNS} -seed=1 -rss_limit_mb=4096 ${found} ${corpus})
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/house/fuzz/fuzz_main.cpp)
    set(arguments --runs=${arg_RUNS} ${corpus})
  endif()
  set_target_properties(${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test-bin)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE ${arg_DEFS})
  target_link_libraries(${name} PRIVATE ${arg_LIBS})
  inlay_layer(${name} tests)
  add_test(NAME ${name} COMMAND ${name} ${arguments})
  _inlay_test_properties(${name} "${arg_LABELS}" "${arg_TIMEOUT}" "")
endfunction()
