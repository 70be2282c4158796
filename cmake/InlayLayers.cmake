# Layered libraries: a target names its layer, and the build refuses an edge that points upwards.
#
# Layers, lowest first (ARCHITECTURE.md, "The house"):
#   runtime_abi, core, runtime, emulator  know nothing of each other but what ALLOWED says
#   backends                              may use core and runtime_abi
#   tools                                 may use core, backends (by dlopen), runtime
#   tests                                 may use everything
include_guard(GLOBAL)

set(INLAY_LAYER_ALLOWED_runtime_abi "")
set(INLAY_LAYER_ALLOWED_core        "")
set(INLAY_LAYER_ALLOWED_runtime     "runtime_abi")
set(INLAY_LAYER_ALLOWED_emulator    "runtime_abi")
set(INLAY_LAYER_ALLOWED_backends    "core;runtime_abi")
set(INLAY_LAYER_ALLOWED_tools       "core;backends;runtime;runtime_abi")
set(INLAY_LAYER_ALLOWED_tests       "core;backends;runtime;runtime_abi;emulator;tools")

# inlay_layer(TARGET LAYER): puts TARGET into LAYER; inlay_check_layers() holds it to that.
function(inlay_layer target layer)
  if(NOT DEFINED INLAY_LAYER_ALLOWED_${layer})
    message(FATAL_ERROR "inlay_layer(${target} ${layer}): no such layer; see cmake/InlayLayers.cmake")
  endif()
  set_property(TARGET ${target} PROPERTY INLAY_LAYER ${layer})
  set_property(GLOBAL APPEND PROPERTY INLAY_LAYERED_TARGETS ${target})
endfunction()

# inlay_check_layers(): called once, last; fails the configure step at an upward edge.
function(inlay_check_layers)
  get_property(targets GLOBAL PROPERTY INLAY_LAYERED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(layer ${target} INLAY_LAYER)
    set(edges "")
    foreach(kind LINK_LIBRARIES INTERFACE_LINK_LIBRARIES MANUALLY_ADDED_DEPENDENCIES)
      get_target_property(libs ${target} ${kind})
      if(libs)
        list(APPEND edges ${libs})
      endif()
    endforeach()
    list(REMOVE_DUPLICATES edges)
    foreach(lib IN LISTS edges)
      string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" lib "${lib}")
      if(TARGET ${lib})
        get_target_property(aliased ${lib} ALIASED_TARGET)
        if(aliased)
          set(lib ${aliased})
        endif()
        get_target_property(other ${lib} INLAY_LAYER)
        if(other AND NOT other STREQUAL layer AND NOT other IN_LIST INLAY_LAYER_ALLOWED_${layer})
          message(FATAL_ERROR
            "upward dependency: ${target} (layer ${layer}) must not use ${lib} (layer ${other}); "
            "${layer} may use: ${INLAY_LAYER_ALLOWED_${layer}}. See ARCHITECTURE.md, 'The house'.")
        endif()
      endif()
    endforeach()
  endforeach()
endfunction()
