# SPDX-License-Identifier: Apache-2.0
# Generated code stays in the build tree; nothing generated is kept in git.

# sl_protobuf_c(name ROOT dir PROTOS a.proto ...): a static library of the code that protoc-c generates.
# Include as "chat/v1/chat.pb-c.h".
function(sl_protobuf_c name)
  cmake_parse_arguments(ARG "" "ROOT" "PROTOS" ${ARGN})
  set(out ${PROJECT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out})
  set(sources)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h
      COMMAND ${PROTOC_C} --c_out=${out} -I${ARG_ROOT} -I${PROTOBUF_INCLUDE} ${ARG_ROOT}/${proto}
      DEPENDS ${ARG_ROOT}/${proto} VERBATIM)
    list(APPEND sources ${out}/${stem}.pb-c.c)
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  target_link_libraries(${name} PUBLIC PkgConfig::PROTOBUF_C)
  if(SLUICE_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${SLUICE_SANITIZE})
  endif()
endfunction()

# sl_descriptor_set(name SYMBOL s INCLUDES dir ... PROTOS a.proto ...): a static library that holds, as
# `const unsigned char s[]` and `const size_t s_size`, the serialised FileDescriptorSet with all imports.
function(sl_descriptor_set name)
  cmake_parse_arguments(ARG "" "SYMBOL" "INCLUDES;PROTOS;DEPENDS" ${ARGN})
  set(set ${CMAKE_CURRENT_BINARY_DIR}/${ARG_SYMBOL}.binpb)
  set(code ${CMAKE_CURRENT_BINARY_DIR}/${ARG_SYMBOL}.c)
  list(TRANSFORM ARG_INCLUDES PREPEND -I OUTPUT_VARIABLE includes)
  add_custom_command(
    OUTPUT ${set}
    COMMAND ${PROTOC} ${includes} --include_imports --descriptor_set_out=${set} ${ARG_PROTOS}
    DEPENDS ${ARG_DEPENDS} VERBATIM)
  add_custom_command(
    OUTPUT ${code}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${set} -DOUTPUT=${code} -DSYMBOL=${ARG_SYMBOL} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${set} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  add_library(${name} STATIC ${code})
endfunction()
