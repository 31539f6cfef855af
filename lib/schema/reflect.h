/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REFLECT_H
#define SL_REFLECT_H

/*
 * The client's side of server reflection (doc/server-reflection.md of gRPC; OPS-02), without I/O: asks for the
 * files that declare some symbols, then for what those import, until the pool has all of them. v1 and v1alpha have
 * the same messages.
 *
 *     want_symbol ... or want_services (all that the server lists), then
 *     next ---> request to be sent ---> answer (or not_found) ---> next ... until false
 *
 * One request is out at a time. Nothing that a server answers is trusted: files, bytes, names and the depth of
 * imports are bounded, a file is asked for once, and cycles end. What a server does not know is left out, as the
 * pool can do without it.
 *
 * Ownership: borrows the pool until sl_reflect_free. The pool is linked by the caller, after the last answer.
 */
#include "lib/base/buf.h"
#include "lib/schema/pool.h"

enum {
    SL_REFLECT_NAMES_MAX = 4096,             /* symbols and files that are asked for or answered */
    SL_REFLECT_BYTES_MAX = 32 * 1024 * 1024, /* of all answers together */
    SL_REFLECT_DEPTH_MAX = 64,               /* imports of imports that had to be asked for */
    SL_REFLECT_NAME_MAX = 1024,              /* bytes of a name */
    SL_REFLECT_TEXT_MAX = 256,
};

/* The methods to call, the newest first. */
#define SL_REFLECT_V1      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define SL_REFLECT_V1ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

struct sl_reflect;

struct sl_reflect *sl_reflect_new(struct sl_pool *pool);
void sl_reflect_free(struct sl_reflect *reflect); /* NULL is fine */

/* The file that declares this symbol (full name without a leading dot) is wanted. SL_LIMIT. */
SL_MUST_USE enum sl_status sl_reflect_want_symbol(struct sl_reflect *reflect, struct sl_span symbol,
                                                  struct sl_error *reterr_error);

/* The files that declare the services which the server lists are wanted. */
void sl_reflect_want_services(struct sl_reflect *reflect);

/* Appends the next ServerReflectionRequest. False when everything was asked for, or one is out already. */
bool sl_reflect_next(struct sl_reflect *reflect, struct sl_buf *request);

/* The ServerReflectionResponse to the request that is out. SL_MALFORMED, SL_LIMIT, SL_STATE (none is out): the
 * server is not to be asked any more; what it gave before stays in the pool. */
SL_MUST_USE enum sl_status sl_reflect_answer(struct sl_reflect *reflect, struct sl_span response,
                                             struct sl_error *reterr_error);
/* In place of an answer: the server ended the call, as it does not know what was asked for. */
void sl_reflect_not_found(struct sl_reflect *reflect);
/* The request that is out is the next one again: the call ended before it was answered. */
void sl_reflect_ask_again(struct sl_reflect *reflect);
/* Whether a request is out. */
bool sl_reflect_is_waiting(const struct sl_reflect *reflect);

/* What the server did not give, the first of it, as text for a person; "" when it gave all. Files that are built
 * into the program are not missed. */
const char *sl_reflect_left_out(const struct sl_reflect *reflect);
/* How many symbols and files that are. */
size_t sl_reflect_left_out_count(const struct sl_reflect *reflect);

#endif
