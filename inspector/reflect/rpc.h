/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_RPC_H
#define INS_RPC_H

/*
 * The client's side of one plain HTTP/2 connection (prior knowledge, RFC 9113 3.3) with one gRPC call at a time, without
 * I/O: just enough to ask a server for its schema.
 *
 *     open, send ...  ->  output ---> socket ---> feed  ->  message ..., end  ->  open ...
 *
 * Nothing that the server sends is trusted: frames, header blocks, messages and what is waiting to be sent are bounded.
 * Our requests wait for the server's windows; its answers always find ours open.
 *
 * Ownership: borrows handler and owner until freed.
 */
#include "lib/base/buf.h"

enum {
    INS_RPC_MESSAGE_MAX = 32 * 1024 * 1024, /* bytes of an answer */
    INS_RPC_BLOCK_MAX = 64 * 1024,          /* bytes of a header block, encoded */
    INS_RPC_OUTPUT_MAX = 256 * 1024,        /* bytes that the server has not read yet */
    INS_RPC_TEXT_MAX = 256,
};

struct ins_rpc;

struct ins_rpc_handler {
    void (*message)(void *owner, struct sl_span payload);
    /* The call is over; code: of enum sl_grpc_status. text is the server's, made printable, or says what happened. */
    void (*end)(void *owner, uint32_t code, const char *text);
};

struct ins_rpc *ins_rpc_new(const char *authority, const struct ins_rpc_handler *handler,
                            void *owner);
void ins_rpc_free(struct ins_rpc *rpc); /* NULL is fine */

/* Begins a call, when none is open; both may be done from the handler. SL_CLOSED: the server takes no more calls. */
SL_MUST_USE enum sl_status ins_rpc_open(struct ins_rpc *rpc, const char *path);
/* One message of the open call. */
void ins_rpc_send(struct ins_rpc *rpc, struct sl_span payload);
/* Says goodbye: nothing is wanted any more. */
void ins_rpc_finish(struct ins_rpc *rpc);

/* What is to be written to the socket; borrowed until the next call of any function but this one. */
struct sl_span ins_rpc_output(const struct ins_rpc *rpc);
/* So many bytes of it were written. */
void ins_rpc_wrote(struct ins_rpc *rpc, size_t len);

/* Bytes from the server, cut anywhere. SL_MALFORMED, SL_LIMIT: the connection is of no use any more, and reterr_error
 * says why; SL_UNSUPPORTED: the server does not speak HTTP/2 here. */
SL_MUST_USE enum sl_status ins_rpc_feed(struct ins_rpc *rpc, struct sl_span bytes,
                                        struct sl_error *reterr_error);
/* The server closed the connection while something was wanted of it: says so, or that it is no HTTP/2 server. */
enum sl_status ins_rpc_closed(const struct ins_rpc *rpc, struct sl_error *reterr_error);

#endif
