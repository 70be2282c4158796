# Tests of imports: loading, linking, inlining, proof. The fixture holds LLVM's headers, so that the
# tests themselves compile quickly.
add_library(inlay_imports_fixture STATIC imports_fixture.cpp)
target_include_directories(inlay_imports_fixture PUBLIC ${PROJECT_SOURCE_DIR})
target_compile_definitions(inlay_imports_fixture PRIVATE INLAY_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                           INLAY_BINARY_DIR="${PROJECT_BINARY_DIR}")
target_link_libraries(inlay_imports_fixture PUBLIC inlay_backend_llvm GTest::gmock GTest::gtest)
inlay_layer(inlay_imports_fixture tests)

# An older writer of IR and bitcode; without it the tests that need one say that they are skipped.
find_program(INLAY_CLANG_14 clang-14)
set(INLAY_IMPORT_TEST_TOOLS INLAY_CLANG="${INLAY_CLANG}" INLAY_CLANG_14="${INLAY_CLANG_14}"
    INLAY_LLVM_TOOLS="${LLVM_TOOLS_BINARY_DIR}")

file(GLOB import_tests CONFIGURE_DEPENDS imports_*_test.cpp link_*_test.cpp)
list(FILTER import_tests EXCLUDE REGEX "/imports_program_test\\.cpp$")
foreach(source IN LISTS import_tests)
  get_filename_component(name ${source} NAME_WE)
  inlay_add_test(${name} ${source} LIBS inlay_imports_fixture DEFS ${INLAY_IMPORT_TEST_TOOLS})
endforeach()

inlay_add_test(imports_program_test imports_program_test.cpp code_object_runner.cpp
               LIBS inlay_backend_cpu inlay_runtime)
