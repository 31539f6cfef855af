/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SOURCES_H
#define SL_SOURCES_H

/*
 * What a user gives as schema on a command line, -I DIR, --proto F and -d SET, becomes a pool.
 *
 * The files of this folder are the only ones of lib/schema that do I/O. They read files and run protoc
 * (package protobuf-compiler), never a shell; what they write lies in a temporary folder of their own
 * that is gone when they return.
 */
#include "lib/schema/pool.h"

enum {
    SL_SOURCES_MISSING_MAX = 8, /* types that are missing and told */
    SL_SOURCES_FAILED_MAX = 16, /* files that do not compile and are told; the others are counted */
};

/* One line for a person about something that was left out. */
typedef void sl_sources_warn_fn(void *context, const char *text);

struct sl_schema_sources {
    const char *const
        *includes; /* -I: all .proto files in and below are compiled, and imports found */
    size_t include_count;
    const char *const *protos; /* --proto: looked up under the includes, then as a path */
    size_t proto_count;
    const char *const *sets; /* -d: files that hold a FileDescriptorSet */
    size_t set_count;
    /* Called when all of the above is in the pool, and before the built-in types are: adds types from elsewhere. May be
     * NULL. */
    enum sl_status (*more)(const void *context, struct sl_pool *pool,
                           struct sl_error *reterr_error);
    const void *more_context;
    sl_sources_warn_fn *warn; /* may be NULL */
    void *warn_context;
};

/*
 * Adds everything to the pool and links it: the sets, then the protos, then what lies under the
 * includes, then more(), then the built-in types. The first of two types with one name wins, so a user's own copy
 * of a well-known one does. A file under an include that does not compile is a warning; so are a type that was declared
 * twice and otherwise, and one that is mentioned and declared by no file.
 *
 * SL_IO, SL_MALFORMED, SL_LIMIT: a set or a --proto that cannot be used; SL_NOT_FOUND: a --proto that
 * is nowhere, a folder that does not exist, or no protoc on this machine.
 */
SL_MUST_USE enum sl_status sl_sources_load(const struct sl_schema_sources *sources,
                                           struct sl_pool *pool, struct sl_error *reterr_error);

#endif
