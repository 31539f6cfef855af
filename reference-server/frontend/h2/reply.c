/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/reply.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/hex.h"
#include "lib/wire/message.h"
#include "reference-server/services/methods.h"

enum {
    ESCAPE_SIZE = 3,
    DETAILS_MAX = 32 * 1024, /* in base64; longer ones are left out */
};

/* nghttp2 does not write there. */
static uint8_t *bytes_of(struct sl_span span)
{
    return (uint8_t *)(uintptr_t)span.data;
}

static void add(struct srv_h2_fields *fields, struct sl_span name, struct sl_span value,
                uint8_t flags)
{
    assert(fields->count < SRV_H2_FIELDS_MAX);
    fields->nv[fields->count++] =
        (nghttp2_nv){.name = bytes_of(name),
                     .namelen = name.len,
                     .value = bytes_of(value),
                     .valuelen = value.len,
                     .flags = (uint8_t)(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME)};
}

#define LITERAL(text) sl_span((text), sizeof(text) - 1)

/* Both are literals, which nghttp2 need not copy. */
static void add_static(struct srv_h2_fields *fields, struct sl_span name, struct sl_span value)
{
    add(fields, name, value, NGHTTP2_NV_FLAG_NO_COPY_VALUE);
}

/* A value that hardly comes again is kept out of the table of both sides. */
static void add_once(struct srv_h2_fields *fields, struct sl_span name, struct sl_span value)
{
    add(fields, name, value, NGHTTP2_NV_FLAG_NO_INDEX);
}

static void init(struct srv_h2_fields *fields)
{
    fields->count = 0;
    sl_buf_init(&fields->text, (size_t)SRV_H2_TEXT_MAX * ESCAPE_SIZE);
    sl_buf_init(&fields->details, DETAILS_MAX);
}

void srv_h2_fields_release(struct srv_h2_fields *fields)
{
    sl_buf_release(&fields->text);
    sl_buf_release(&fields->details);
}

/* What every gRPC response begins with. */
static void add_head(struct srv_h2_fields *fields, struct sl_span request_id)
{
    add_static(fields, LITERAL(":status"), LITERAL("200"));
    add_static(fields, LITERAL("content-type"), LITERAL("application/grpc"));
    if (request_id.len > 0) {
        add_once(fields, LITERAL("x-request-id"), request_id);
        add_static(fields, LITERAL(SRV_CAPABILITIES_NAME), LITERAL(SRV_CAPABILITIES));
    }
}

void srv_h2_reply_head(struct srv_h2_fields *fields, struct sl_span request_id,
                       enum srv_h2_encoding encoding)
{
    init(fields);
    add_head(fields, request_id);
    if (encoding != SRV_H2_IDENTITY) {
        const char *name = srv_h2_encoding_name(encoding);
        add_static(fields, LITERAL("grpc-encoding"), sl_span_str(name));
        add_static(fields, LITERAL("grpc-accept-encoding"), LITERAL(SRV_H2_ENCODINGS));
    }
}

/* PROTOCOL-HTTP2 "Status": decimal digits without leading zeros. */
static void add_status(struct srv_h2_fields *fields, enum sl_grpc_status status)
{
    static const char digits[] = "012345678910111213141516";
    unsigned code = (unsigned)status;
    assert(code <= SL_GRPC_UNAUTHENTICATED);
    struct sl_span value =
        code < 10 ? sl_span(digits + code, 1) : sl_span(digits + 10 + (size_t)(code - 10) * 2, 2);
    add_static(fields, LITERAL("grpc-status"), value);
}

/* As much of text as is sent, without a part of a UTF-8 character at its end. */
static struct sl_span cut(const char *text)
{
    struct sl_span all = sl_span_str(text);
    struct sl_span kept = sl_span_first(all, SRV_H2_TEXT_MAX);
    while (kept.len > 0 && kept.len < all.len && (all.data[kept.len] & 0xc0) == 0x80) {
        kept.len--;
    }
    return kept;
}

static void add_end(struct srv_h2_fields *fields, const struct srv_h2_end *end)
{
    add_status(fields, end->status);
    if (end->text != NULL && end->text[0] != '\0') {
        (void)sl_grpc_message_encode(cut(end->text), &fields->text);
        add(fields, LITERAL("grpc-message"), sl_buf_span(&fields->text), 0);
    }
    if (end->details != NULL &&
        sl_base64_encode(srv_frame_span(end->details), false, &fields->details) == SL_OK) {
        add_once(fields, LITERAL("grpc-status-details-bin"), sl_buf_span(&fields->details));
    }
    if (end->trailer != NULL) {
        int len = snprintf(fields->number, sizeof fields->number, "%" PRIu64, end->trailer->value);
        add(fields, sl_span_str(end->trailer->name), sl_span(fields->number, (size_t)len), 0);
    }
    if (end->has_encodings) {
        add_static(fields, LITERAL("grpc-accept-encoding"), LITERAL(SRV_H2_ENCODINGS));
    }
}

void srv_h2_reply_trailers(struct srv_h2_fields *fields, const struct srv_h2_end *end)
{
    init(fields);
    add_end(fields, end);
}

void srv_h2_reply_trailers_only(struct srv_h2_fields *fields, const struct srv_h2_end *end)
{
    init(fields);
    add_head(fields, end->request_id);
    add_end(fields, end);
}

void srv_h2_reply_refusal(struct srv_h2_fields *fields, const struct srv_h2_refusal *refusal)
{
    if (refusal->how == SRV_H2_GRPC) {
        srv_h2_reply_trailers_only(fields,
                                   &(struct srv_h2_end){.status = refusal->status,
                                                        .text = refusal->text,
                                                        .has_encodings = refusal->has_encodings});
        return;
    }
    init(fields);
    switch (refusal->http_status) {
    case 405:
        add_static(fields, LITERAL(":status"), LITERAL("405"));
        add_static(fields, LITERAL("allow"), LITERAL("POST")); /* RFC 9110 15.5.6 */
        break;
    case 415:
        add_static(fields, LITERAL(":status"), LITERAL("415"));
        break;
    default:
        add_static(fields, LITERAL(":status"), LITERAL("400"));
        break;
    }
    add_static(fields, LITERAL("content-length"), LITERAL("0"));
}

struct srv_frame *srv_h2_reply_zip(const struct srv_frame *reply)
{
    struct sl_buf zipped;
    struct srv_frame *frame = NULL;
    sl_buf_init(&zipped, UINT32_MAX);
    if (sl_message_compress(LITERAL("gzip"), srv_frame_span(reply), &zipped) == SL_OK) {
        frame = srv_frame_copy(sl_buf_span(&zipped));
    }
    sl_buf_release(&zipped);
    return frame;
}
