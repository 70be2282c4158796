# inlay_dlpack: DLPack's one header, alone in a folder of the build tree. The system's include folder
# as such must not reach a cross compiler, whose own C headers it would shadow.
include_guard(GLOBAL)

find_path(INLAY_DLPACK_INCLUDE_DIR dlpack/dlpack.h PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH)
if(NOT INLAY_DLPACK_INCLUDE_DIR)
  message(FATAL_ERROR "no dlpack/dlpack.h: install libdlpack-dev, or set INLAY_DLPACK_INCLUDE_DIR")
endif()
configure_file(${INLAY_DLPACK_INCLUDE_DIR}/dlpack/dlpack.h
               ${PROJECT_BINARY_DIR}/generated-dlpack/dlpack/dlpack.h COPYONLY)

# Installed, it is the folder that the package file finds on the user's machine.
add_library(inlay_dlpack INTERFACE)
target_include_directories(inlay_dlpack SYSTEM INTERFACE
                           $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated-dlpack>)
set_target_properties(inlay_dlpack PROPERTIES EXPORT_NAME dlpack)
install(TARGETS inlay_dlpack EXPORT inlayTargets)
