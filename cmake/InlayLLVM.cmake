# LLVM, Clang and LLD 19.1, for backends/ alone (and the tests of backends).
#
#   inlay_llvm   the shared LLVM, its headers as system headers, its definitions
#   inlay_clang  the shared clang-cpp, and INLAY_CLANG_RESOURCE_DIR, which Clang in process needs
#   inlay_lld    the static ELF linker and its common part, kept out of the exports of what links it
#
# All three come from one installation: on a machine with several LLVMs, Clang's and LLD's packages
# are looked for beside the LLVM that was found. Debian's LLVM has RTTI and no exceptions.
include_guard(GLOBAL)

# LLVM's package looks for CURL, which only its debuginfod client would use.
set(CMAKE_DISABLE_FIND_PACKAGE_CURL TRUE)
# A plain `19` is refused by LLVM's version file, which asks for major.minor to be equal.
find_package(LLVM 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19/lib/cmake/llvm)
get_filename_component(_inlay_llvm_cmake "${LLVM_DIR}" DIRECTORY)
find_package(Clang REQUIRED CONFIG PATHS ${_inlay_llvm_cmake}/clang NO_DEFAULT_PATH)
find_package(LLD REQUIRED CONFIG PATHS ${_inlay_llvm_cmake}/lld NO_DEFAULT_PATH)

unset(CMAKE_DISABLE_FIND_PACKAGE_CURL)

set(INLAY_CLANG "${LLVM_TOOLS_BINARY_DIR}/clang")
if(NOT INLAY_CLANG_RESOURCE_DIR)
  execute_process(COMMAND ${INLAY_CLANG} -print-resource-dir OUTPUT_VARIABLE resource_dir
                  OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed OR NOT EXISTS "${resource_dir}/include/stddef.h")
    message(FATAL_ERROR "`${INLAY_CLANG} -print-resource-dir` gave `${resource_dir}`, where there "
                        "is no include/stddef.h; install clang-19 and libclang-common-19-dev, or "
                        "set INLAY_CLANG_RESOURCE_DIR")
  endif()
  file(REAL_PATH "${resource_dir}" resource_dir)
  set(INLAY_CLANG_RESOURCE_DIR "${resource_dir}" CACHE PATH "headers of Clang itself" FORCE)
endif()
message(STATUS "LLVM ${LLVM_PACKAGE_VERSION} in ${LLVM_INSTALL_PREFIX}, "
               "Clang's resources in ${INLAY_CLANG_RESOURCE_DIR}")

separate_arguments(_inlay_llvm_definitions UNIX_COMMAND "${LLVM_DEFINITIONS}")

add_library(inlay_llvm INTERFACE)
target_include_directories(inlay_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_compile_options(inlay_llvm INTERFACE ${_inlay_llvm_definitions})
target_compile_definitions(inlay_llvm INTERFACE
                           INLAY_LLVM_VERSION="${LLVM_PACKAGE_VERSION}")
target_link_libraries(inlay_llvm INTERFACE LLVM)

add_library(inlay_clang INTERFACE)
target_include_directories(inlay_clang SYSTEM INTERFACE ${CLANG_INCLUDE_DIRS})
target_compile_definitions(inlay_clang INTERFACE
                           INLAY_CLANG_RESOURCE_DIR="${INLAY_CLANG_RESOURCE_DIR}")
target_link_libraries(inlay_clang INTERFACE clang-cpp inlay_llvm)

add_library(inlay_lld INTERFACE)
target_include_directories(inlay_lld SYSTEM INTERFACE ${LLD_INCLUDE_DIRS})
target_link_libraries(inlay_lld INTERFACE lldELF lldCommon inlay_llvm)
target_link_options(inlay_lld INTERFACE
                    "LINKER:--exclude-libs,liblldELF.a:liblldCommon.a")
