/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_REFUSAL_H
#define SRV_H2_REFUSAL_H

/* How a request is answered that is not served. What found it out (request.h, message_in.h) only says so;
 * srv_h2_reply_refusal() (reply.h) makes the fields. */
#include "lib/wire/grpc_status.h"

enum srv_h2_how {
    SRV_H2_SERVED,    /* not refused */
    SRV_H2_GRPC,      /* a gRPC status: Trailers-Only, or trailers where headers have gone */
    SRV_H2_HTTP,      /* an HTTP status without a body or a gRPC status */
    SRV_H2_MALFORMED, /* RST_STREAM(PROTOCOL_ERROR), RFC 9113 8.1.1 */
};

struct srv_h2_refusal {
    enum srv_h2_how how;
    enum sl_grpc_status status; /* GRPC */
    unsigned http_status;       /* HTTP: 400, 405 or 415 */
    const char *text;           /* static; of GRPC the grpc-message, of the others for the log */
    bool has_encodings;         /* GRPC: the answer says which encodings are taken */
};

static inline struct srv_h2_refusal srv_h2_grpc_refusal(enum sl_grpc_status status,
                                                        const char *text)
{
    return (struct srv_h2_refusal){.how = SRV_H2_GRPC, .status = status, .text = text};
}

#endif
