# What `cmake --install` lays out, and the package that find_package(inlay) reads:
#
#   bin/inlay                          the command
#   lib/libinlay_runtime.so            inlay::runtime: all that a deployed program needs
#   lib/libinlay_core.so               inlay::core
#   lib/inlay/backends/*.so            backend plugins
#   include/inlay/                     the runtime's public headers
#   include/inlay-dev/{core,backends/plugin,runtime/abi,inlay}/
#                                      inlay::plugin: headers for plugins, by repository path
#   lib/cmake/inlay/                   the package: targets, inlay_add_code_object()
#   share/inlay/kernels/               operators with their micro-kernels
#
# Included after all folders: it installs those of our targets that exist.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(dev_dir ${CMAKE_INSTALL_INCLUDEDIR}/inlay-dev)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/inlay)
set(header_patterns FILES_MATCHING PATTERN "*.h" PATTERN "*.def" PATTERN "*.inc")

# Targets name their include folders in the source tree; the installed ones are given here.
function(_inlay_exported target name include_dir)
  get_target_property(dirs ${target} INTERFACE_INCLUDE_DIRECTORIES)
  set(wrapped "")
  if(dirs)
    foreach(dir IN LISTS dirs)
      if(NOT dir MATCHES "^\\$<(BUILD|INSTALL)_INTERFACE:")
        set(dir "$<BUILD_INTERFACE:${dir}>")
      endif()
      list(APPEND wrapped "${dir}")
    endforeach()
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name}
                        INTERFACE_INCLUDE_DIRECTORIES
                        "${wrapped};$<INSTALL_INTERFACE:${include_dir}>")
  install(TARGETS ${target} EXPORT inlayTargets RUNTIME LIBRARY ARCHIVE)
  if(NOT TARGET inlay::${name})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      add_executable(inlay::${name} ALIAS ${target})
    else()
      add_library(inlay::${name} ALIAS ${target})
    endif()
  endif()
endfunction()

if(TARGET inlay_runtime)
  _inlay_exported(inlay_runtime runtime ${CMAKE_INSTALL_INCLUDEDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          ${header_patterns})
  if(TARGET inlay_runtime_abi)
    _inlay_exported(inlay_runtime_abi runtime_abi ${dev_dir})
  endif()
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/abi DESTINATION ${dev_dir}/runtime
        ${header_patterns})

if(NOT INLAY_RUNTIME_ONLY)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/core DESTINATION ${dev_dir} ${header_patterns})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/backends/plugin DESTINATION ${dev_dir}/backends
          ${header_patterns})
  install(FILES ${INLAY_GENERATED_DIR}/inlay/abi_hash.h DESTINATION ${dev_dir}/inlay)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/kernels/ DESTINATION ${CMAKE_INSTALL_DATADIR}/inlay/kernels
          PATTERN CMakeLists.txt EXCLUDE)

  _inlay_exported(inlay_abi abi ${dev_dir})
  if(TARGET inlay_core)
    _inlay_exported(inlay_core core ${dev_dir})
    # What a plugin outside of this tree links; the backends here may have a target of that kind.
    set(plugin inlay_plugin_interface)
    if(NOT TARGET ${plugin})
      add_library(${plugin} INTERFACE)
      target_link_libraries(${plugin} INTERFACE inlay_core inlay_abi)
    endif()
    _inlay_exported(${plugin} plugin ${dev_dir})
  endif()
  if(TARGET inlay)
    _inlay_exported(inlay inlay ${CMAKE_INSTALL_INCLUDEDIR})
  endif()
  # Other shared libraries of ours that the command or the plugins load: not part of the package.
  get_property(layered GLOBAL PROPERTY INLAY_LAYERED_TARGETS)
  foreach(target IN LISTS layered)
    get_target_property(type ${target} TYPE)
    get_target_property(layer ${target} INLAY_LAYER)
    if(layer STREQUAL "backends" AND type STREQUAL "MODULE_LIBRARY")
      set_target_properties(${target} PROPERTIES PREFIX ""
                            LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${INLAY_PLUGIN_DIR})
      install(TARGETS ${target} LIBRARY DESTINATION ${INLAY_PLUGIN_DIR})
    elseif(layer STREQUAL "backends" AND type STREQUAL "SHARED_LIBRARY")
      install(TARGETS ${target} LIBRARY)
    endif()
  endforeach()
endif()

if(TARGET inlay_runtime OR TARGET inlay_core)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/inlayConfig.cmake.in
                                ${PROJECT_BINARY_DIR}/package/inlayConfig.cmake
                                INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/inlayConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(EXPORT inlayTargets NAMESPACE inlay:: DESTINATION ${package_dir})
  install(FILES ${PROJECT_BINARY_DIR}/package/inlayConfig.cmake
                ${PROJECT_BINARY_DIR}/package/inlayConfigVersion.cmake
                ${PROJECT_SOURCE_DIR}/cmake/InlayCodeObject.cmake
          DESTINATION ${package_dir})
endif()
