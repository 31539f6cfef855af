/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTOC_H
#define SL_PROTOC_H

/*
 * Runs protoc over files of some include folders, for sources.c.
 *
 * It runs in a temporary folder where each include is a link with a short name, as protoc gives ':' and
 * '=' in a folder's name a meaning; the built-in files are there for imports that no include holds.
 */
#include "lib/base/buf.h"

enum {
    SL_PROTOC_INCLUDES_MAX = 64,
    SL_PROTOC_BATCH_MAX = 128, /* files of one run */
};

struct sl_protoc;

/* A temporary folder with the includes linked into it. SL_IO, SL_LIMIT, SL_NOT_FOUND (a folder). */
SL_MUST_USE enum sl_status sl_protoc_new(const char *const *includes, size_t count,
                                         struct sl_protoc **ret_protoc,
                                         struct sl_error *reterr_error);
/* Removes the folder; NULL is fine. */
void sl_protoc_free(struct sl_protoc *protoc);

/* One more include folder, after those that are there. As sl_protoc_new(). */
SL_MUST_USE enum sl_status sl_protoc_add_include(struct sl_protoc *protoc, const char *folder,
                                                 struct sl_error *reterr_error);

/* Compiles the files (names below an include) with all imports into ret_set, one FileDescriptorSet.
 * SL_MALFORMED with what protoc told of the first file
 * when one does not compile, SL_NOT_FOUND without protoc,
 * SL_IO, SL_LIMIT. */
SL_MUST_USE enum sl_status sl_protoc_compile(struct sl_protoc *protoc, const char *const *files,
                                             size_t count, struct sl_buf *ret_set,
                                             struct sl_error *reterr_error);

/* Appends the content of a file to out. SL_NOT_FOUND, SL_IO, SL_LIMIT (more than out holds). */
SL_MUST_USE enum sl_status sl_protoc_read_file(const char *path, struct sl_buf *out,
                                               struct sl_error *reterr_error);

#endif
