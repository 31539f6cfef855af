/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_REQUEST_H
#define SRV_H2_REQUEST_H

/*
 * The head of a request: its fields go in one by one, and at the end of the block it is told whether the
 * request is served, or how it is answered.
 *
 * nghttp2 has refused before what RFC 9113 8.2 and 8.3 call malformed: upper-case names, connection-specific
 * fields, pseudo-header fields that are late, repeated, unknown or (almost all) missing, a content-length that
 * lies. What it only skips, invalid names and values, the session must make it refuse (its
 * on_invalid_header_callback answers NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE). Judged here, in this order:
 *
 *     more than SRV_H2_HEAD_BYTES_MAX bytes, or too many fields        RESOURCE_EXHAUSTED
 *     pseudo-header fields missing, repeated or empty                  malformed
 *     :scheme, :authority, host                                        HTTP 400
 *     an authority that our certificate is not for                     HTTP 421
 *     :method is not POST                                              HTTP 405
 *     content-type is not application/grpc[+proto][;...]               HTTP 415
 *     te is missing or not "trailers"                                  INTERNAL
 *     :path does not begin with "/"                                    UNIMPLEMENTED
 *     grpc-encoding is not taken                                       UNIMPLEMENTED, with grpc-accept-encoding
 *     grpc-timeout has another grammar                                 INTERNAL
 *     a -bin value is not base64                                       INTERNAL
 *
 * The texts leave open what a missing te, a malformed grpc-timeout and a damaged -bin value get; all three are what
 * a broken peer or proxy does, which is INTERNAL. Of a repeated grpc-timeout the last one counts.
 *
 * Header blocks do not interleave (RFC 9113 4.3), so one of these serves all streams of a connection: it is cleared when
 * a block begins, and whoever needs a value for longer than to the next block copies it.
 *
 * Ownership: owns what it keeps; allocates for x-request-id only.    Threads: one at a time.
 */
#include "lib/base/buf.h"
#include "reference-server/frontend/h2/refusal.h"

enum {
    /* Names, values and 32 bytes for each field (RFC 9113 6.5.2): to be announced as
     * SETTINGS_MAX_HEADER_LIST_SIZE. PROTOCOL-HTTP2 asks for 8 KiB at least. */
    SRV_H2_HEAD_BYTES_MAX = 16 * 1024,
    SRV_H2_HEAD_FIELDS_MAX = 256,
    /* Blocks larger than this are no mistake any more; see srv_h2_request_field(). */
    SRV_H2_HEAD_BYTES_ABUSE = 64 * 1024,
    SRV_H2_PATH_MAX = 128, /* no method's path is as long */
    SRV_H2_TRACEPARENT_LEN = 55,
};

#define SRV_H2_NO_TIMEOUT UINT64_MAX

enum srv_h2_encoding {
    SRV_H2_IDENTITY,
    SRV_H2_GZIP,
    SRV_H2_DEFLATE,
};

struct srv_tls;

struct srv_h2_request {
    const struct srv_tls
        *tls; /* of the connection: its certificate says which authorities are ours; NULL: any is */
    uint64_t own_hash;   /* of an authority that was found to be ours; 0: none yet */
    uint64_t timeout_ns; /* of grpc-timeout; SRV_H2_NO_TIMEOUT when there is none */
    enum srv_h2_encoding encoding;
    bool accepts_gzip; /* grpc-accept-encoding names it */
    bool has_traceparent;
    uint8_t path_len; /* 0 where the path is longer than SRV_H2_PATH_MAX */
    char path[SRV_H2_PATH_MAX];
    char traceparent
        [SRV_H2_TRACEPARENT_LEN]; /* well-formed; the first 55 bytes of a later version */
    struct sl_buf request_id;     /* x-request-id, if it may be sent back as it is (ASCII-Value) */
    /* Of the block while it comes. */
    uint32_t bytes; /* as RFC 9113 6.5.2 counts them, saturated */
    uint32_t field_count;
    uint32_t seen;     /* bits of request.c */
    uint32_t problems; /* bits of request.c */
    uint64_t authority_hash;
    bool is_trailers;
};

void srv_h2_request_init(struct srv_h2_request *request);
void srv_h2_request_release(struct srv_h2_request *request);

/* A block begins: the head of a request, or its trailers, whose fields are counted and nothing else. */
void srv_h2_request_clear(struct srv_h2_request *request, bool is_trailers);

/* One field. False when the block has grown beyond SRV_H2_HEAD_BYTES_ABUSE: then the connection is not worth keeping
 * (GOAWAY, ENHANCE_YOUR_CALM), as each field costs time to decode. */
SL_MUST_USE bool srv_h2_request_field(struct srv_h2_request *request, struct sl_span name,
                                      struct sl_span value);

/* The head is whole. */
struct srv_h2_refusal srv_h2_request_judge(struct srv_h2_request *request);

static inline struct sl_span srv_h2_request_path(const struct srv_h2_request *request)
{
    return sl_span(request->path, request->path_len);
}

/* The name of an encoding, as in grpc-encoding. */
const char *srv_h2_encoding_name(enum srv_h2_encoding encoding);

#endif
