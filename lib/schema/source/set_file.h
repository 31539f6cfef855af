/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SET_FILE_H
#define SL_SET_FILE_H

/*
 * A file that holds a FileDescriptorSet, as protoc and buf write it: plain, or compressed by gzip or zstd, whatever it
 * is called. For sources.c.
 */
#include "lib/base/buf.h"

/* Appends the set to out, decompressed. SL_NOT_FOUND, SL_IO, SL_LIMIT (more than out holds), SL_MALFORMED (damaged),
 * SL_UNSUPPORTED (the text forms of a set); the text names the file. */
SL_MUST_USE enum sl_status sl_set_file_read(const char *path, struct sl_buf *out,
                                            struct sl_error *reterr_error);

#endif
