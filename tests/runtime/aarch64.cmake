# The runtime cross-built for AArch64, and the fixture run there under qemu's user emulation.
include(ExternalProject)
find_program(INLAY_AARCH64_GCC aarch64-linux-gnu-gcc)
find_program(INLAY_QEMU_AARCH64 qemu-aarch64-static)
if(NOT INLAY_AARCH64_GCC OR NOT INLAY_QEMU_AARCH64)
  message(STATUS "runtime tests for AArch64 are left out: they need aarch64-linux-gnu-gcc and "
                 "qemu-aarch64-static")
  return()
endif()

# inlay_runtime_aarch64: other tests may depend on it; its files lie in bin and lib of
# INLAY_AARCH64_DIR.
set(INLAY_AARCH64_DIR ${PROJECT_BINARY_DIR}/aarch64 CACHE INTERNAL "")
ExternalProject_Add(inlay_runtime_aarch64
  SOURCE_DIR ${PROJECT_SOURCE_DIR}
  BINARY_DIR ${INLAY_AARCH64_DIR}
  PREFIX ${CMAKE_CURRENT_BINARY_DIR}/aarch64-project
  CMAKE_ARGS -DCMAKE_TOOLCHAIN_FILE=${PROJECT_SOURCE_DIR}/cmake/aarch64-linux-gnu.cmake
             -DINLAY_RUNTIME_ONLY=ON -DCMAKE_BUILD_TYPE=Release
  BUILD_ALWAYS ON
  BUILD_BYPRODUCTS ${INLAY_AARCH64_DIR}/bin/inlay-exec
  INSTALL_COMMAND ""
  TEST_COMMAND "")

set(fixtures "")
inlay_fixture(fixture-aarch64.so --target=aarch64-linux-gnu -mno-outline-atomics
              -isystem ${INLAY_AARCH64_DIR}/runtime/dlpack-include)
add_custom_target(inlay_test_fixtures_aarch64 ALL DEPENDS ${fixtures})
add_dependencies(inlay_test_fixtures_aarch64 inlay_runtime_aarch64)

set(emulated ${INLAY_QEMU_AARCH64} -L /usr/aarch64-linux-gnu ${INLAY_AARCH64_DIR}/bin/inlay-exec)
inlay_add_command_test(runtime_exec_aarch64
  COMMAND ${CMAKE_COMMAND} "-DEXEC=${emulated}" -DPROGRAM=${fixture_dir}/fixture-aarch64.so
          -DSCRATCH=${fixture_dir}/exec-aarch64 -P ${CMAKE_CURRENT_SOURCE_DIR}/check_exec.cmake)
