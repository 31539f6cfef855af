# SPDX-License-Identifier: Apache-2.0
# Every library that the project links, found in one place. ci/setup installs them.
find_package(PkgConfig REQUIRED)
foreach(spec
    "GRPC grpc" "PROTOBUF_C libprotobuf-c" "PCAP libpcap" "NGHTTP2 libnghttp2>=1.52" "JANSSON jansson>=2.14"
    "OPENSSL openssl>=3" "ZLIB zlib" "ZSTD libzstd" "UV libuv>=1.44" "MICROHTTPD libmicrohttpd" "CURL libcurl>=7.88")
  separate_arguments(parts UNIX_COMMAND "${spec}")
  list(GET parts 0 name)
  list(GET parts 1 module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
endforeach()
# Debian's snappy has no .pc file everywhere.
find_path(SNAPPY_INCLUDE snappy-c.h REQUIRED)
find_library(SNAPPY_LIBRARY snappy REQUIRED)
find_program(PROTOC protoc REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)
# The folder that holds google/protobuf/*.proto (package libprotobuf-dev).
find_path(PROTOBUF_INCLUDE google/protobuf/descriptor.proto PATHS /usr/include REQUIRED)
