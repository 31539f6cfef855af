/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_REPLY_H
#define SRV_H2_REPLY_H

/*
 * The field lists of responses (PROTOCOL-HTTP2 "Responses"), as nghttp2 wants them.
 *
 * A list lives on the stack, is filled by one of the functions below, submitted, and released: nghttp2 copies what
 * is not static. The lists of a usual reply allocate nothing.
 *
 * Encodings: replies are identity, but a unary reply goes as gzip where its request came as gzip and the client
 * offers it (srv_h2_reply_zip()). Messages of streams are shared by all subscribers and stay identity.
 */
#include <nghttp2/nghttp2.h>

#include "reference-server/chat/frame.h"
#include "reference-server/chat/stream.h"
#include "reference-server/frontend/h2/refusal.h"
#include "reference-server/frontend/h2/request.h"

enum {
    SRV_H2_FIELDS_MAX = 10,
    SRV_H2_TEXT_MAX =
        1024, /* bytes of a text that grpc-message carries; cut there, between characters */
    SRV_H2_PREFIX_SIZE = 5,
};

/* What goes into grpc-encoding and grpc-accept-encoding. */
#define SRV_H2_ENCODINGS "identity,deflate,gzip"

struct srv_h2_fields {
    nghttp2_nv nv[SRV_H2_FIELDS_MAX];
    size_t count;
    char number[24];
    struct sl_buf text;    /* grpc-message */
    struct sl_buf details; /* grpc-status-details-bin */
};

/* Initial metadata of a response with a body. request_id may be empty; with one, chat-capabilities goes too.
 * reply_encoding is IDENTITY or GZIP. */
void srv_h2_reply_head(struct srv_h2_fields *fields, struct sl_span request_id,
                       enum srv_h2_encoding reply_encoding);

/* How a call ends. text may be NULL or "" ; details, a google.rpc.Status, and trailer may be NULL. */
struct srv_h2_end {
    enum sl_grpc_status status;
    const char *text;
    const struct srv_frame *details;
    const struct srv_trailer *trailer;
    struct sl_span request_id; /* TRAILERS_ONLY: as in srv_h2_reply_head() */
    bool has_encodings;        /* grpc-accept-encoding too */
};

/* Trailers, behind initial metadata. */
void srv_h2_reply_trailers(struct srv_h2_fields *fields, const struct srv_h2_end *end);

/* The one block of a response without a body (PROTOCOL-HTTP2 "Trailers-Only"). */
void srv_h2_reply_trailers_only(struct srv_h2_fields *fields, const struct srv_h2_end *end);

/* The one block that answers a request that is not served; how is GRPC or HTTP. */
void srv_h2_reply_refusal(struct srv_h2_fields *fields, const struct srv_h2_refusal *refusal);

/* After the list was submitted. */
void srv_h2_fields_release(struct srv_h2_fields *fields);

/* The prefix of a message. */
static inline void srv_h2_reply_prefix(uint8_t ret_prefix[SRV_H2_PREFIX_SIZE], bool is_zipped,
                                       uint32_t len)
{
    ret_prefix[0] = is_zipped ? 1 : 0;
    ret_prefix[1] = (uint8_t)(len >> 24);
    ret_prefix[2] = (uint8_t)(len >> 16);
    ret_prefix[3] = (uint8_t)(len >> 8);
    ret_prefix[4] = (uint8_t)len;
}

/* reply in gzip, yours, to be sent with flag 1 under grpc-encoding gzip; NULL: send it as it is. */
struct srv_frame *srv_h2_reply_zip(const struct srv_frame *reply);

#endif
