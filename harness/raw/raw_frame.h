/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RAW_FRAME_H
#define HAR_RAW_FRAME_H

/*
 * One HTTP/2 frame as a scenario writes it (RFC 9113 6), right or wrong on purpose.
 *
 * The payload is, in this order: the fixed fields of its type, header block or part of the body, then
 * what `hex` and `text` say, `repeat` times. Nothing is checked against the RFC.
 */
#include "harness/engine/actor.h"

struct har_raw_frame {
    json_t *type, *flags, *stream, *headers, *settings, *code;
    const char *request;        /* a method; its usual header fields stand before `headers` */
    struct har_strings without; /* of these fields */
    struct har_expr increment;  /* WINDOW_UPDATE */
    struct har_expr last_id;    /* GOAWAY */
    struct har_expr opaque;     /* PING */
    struct har_expr depends_on; /* PRIORITY */
    struct har_expr weight;     /* PRIORITY, as on the wire */
    struct har_range part;      /* of the header block, or of the body */
    struct har_expr slice;      /* DATA: many frames of at most so many bytes */
    struct har_expr pad;        /* bytes of padding */
    struct har_expr length;     /* announced in place of the true one */
    const char *hex, *head;
    bool is_reserved; /* the bit before the stream's number */
    struct har_text text;
    struct har_expr repeat;
};
enum {
    HAR_RAW_FRAME_FIELDS = 22,
};
extern const struct har_field har_raw_frame_fields[HAR_RAW_FRAME_FIELDS];

/* What is wrong with a frame as written, or NULL. */
const char *har_raw_frame_problem(const struct har_raw_frame *frame);

/* Appends the frame as actor would send it now; "next" takes a stream's number. body: what DATA takes
 * its parts of. SL_LIMIT when out is full, SL_STATE when no stream is there. */
enum sl_status har_raw_frame_write(struct har_actor *actor, const struct har_raw_frame *frame,
                                   struct sl_span body, struct sl_buf *out);

/* An HTTP/2 error: its name of RFC 9113 7, or a number. False for anything else. */
bool har_h2_error_read(json_t *json, uint32_t *ret_code);

#endif
