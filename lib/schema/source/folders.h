/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_FOLDERS_H
#define SL_FOLDERS_H

/*
 * The .proto files below some folders, each with the name that others import it by. For sources.c.
 *
 * Often a folder is given that is not the one that imports are relative to, as the root of a repository whose protos lie in
 * proto/. Where an import is found below no folder, but a file of that name lies deeper, that one's folder is added.
 *
 * A folder that lies in another one is searched once, for its own.
 */
#include "lib/base/buf.h"

enum {
    SL_FOLDERS_FILES_MAX = 20000,
    SL_FOLDERS_DEPTH_MAX = 32,       /* folders inside a folder */
    SL_FOLDERS_ADDED_MAX = 16,       /* folders that are found to be those of imports */
    SL_FOLDERS_SCAN_MAX = 64 * 1024, /* bytes of a file in which imports are looked for */
    SL_FOLDERS_MISSING_MAX = 256,    /* imports that are looked for deeper */
};

struct sl_folders_file {
    char *name; /* below its folder */
    char *path;
};

struct sl_folders {
    char **folders; /* those that were given, then those that were added */
    size_t folder_count, given_count;
    struct sl_folders_file *files; /* folder by folder, in a fixed order */
    size_t file_count, file_capacity;
    size_t left_out; /* names that begin with '-', which protoc would take as an option */
};

/* ret_folders: released by the caller, also after a failure. SL_IO, SL_LIMIT. */
SL_MUST_USE enum sl_status sl_folders_find(const char *const *folders, size_t count,
                                           struct sl_folders *ret_folders,
                                           struct sl_error *reterr_error);
void sl_folders_release(struct sl_folders *folders);

#endif
