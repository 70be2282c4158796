# INLAY_SANITIZE: a list out of address, undefined, leak, thread, memory, fuzzer; applied to all we
# compile and link. `fuzzer` instruments everything and leaves main() to the fuzz targets, which
# link with -fsanitize=fuzzer themselves.
include_guard(GLOBAL)
set(INLAY_SANITIZE "" CACHE STRING "sanitizers for everything, e.g. address;undefined or thread")

if(INLAY_SANITIZE)
  foreach(sanitizer IN LISTS INLAY_SANITIZE)
    if(NOT sanitizer MATCHES "^(address|undefined|leak|thread|memory|fuzzer)$")
      message(FATAL_ERROR "INLAY_SANITIZE: `${sanitizer}` is none of address, undefined, leak, "
                          "thread, memory, fuzzer")
    endif()
  endforeach()
  if("thread" IN_LIST INLAY_SANITIZE AND "address" IN_LIST INLAY_SANITIZE)
    message(FATAL_ERROR "INLAY_SANITIZE: address and thread exclude each other")
  endif()
  if("fuzzer" IN_LIST INLAY_SANITIZE AND NOT "address" IN_LIST INLAY_SANITIZE)
    message(FATAL_ERROR "INLAY_SANITIZE: fuzzer needs address, whose runtime all programs link")
  endif()
  set(compiled ${INLAY_SANITIZE})
  set(linked ${INLAY_SANITIZE})
  list(TRANSFORM compiled REPLACE "^fuzzer$" "fuzzer-no-link")
  list(REMOVE_ITEM linked fuzzer)
  list(JOIN compiled "," compiled)
  list(JOIN linked "," linked)
  add_compile_options(-fsanitize=${compiled} -fno-omit-frame-pointer)
  if(linked)
    add_link_options(-fsanitize=${linked})
  endif()
  if("undefined" IN_LIST INLAY_SANITIZE)
    # vptr and function compare type information, which the runtime (no RTTI) and the uninstrumented
    # shared LLVM do not have in the form that these two checks expect.
    add_compile_options(-fno-sanitize=vptr,function -fno-sanitize-recover=undefined)
    add_link_options(-fno-sanitize=vptr,function)
  endif()
  # The sanitizers' runtime lies in the executable: a shared library keeps its references open.
  string(REPLACE "-Wl,--no-undefined" "" CMAKE_SHARED_LINKER_FLAGS "${CMAKE_SHARED_LINKER_FLAGS}")
endif()
