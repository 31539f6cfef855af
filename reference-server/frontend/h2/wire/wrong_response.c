/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: header blocks, trailers and messages of responses. */
#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/wire/deviation.h"

enum { PREFIX = 5 /* of a message */, UNARY_MAX = 512 };

static bool is_first(const struct srv_wire_stream *stream)
{
    return stream != NULL && stream->blocks[SRV_WIRE_OUT] == 0;
}

/* The block with the status, alone or behind messages. */
static bool is_last(const struct srv_wire_block *block)
{
    return block->is_end && srv_wire_find(block, "grpc-status") < block->count;
}

static bool is_trailers_only(const struct srv_wire_stream *stream,
                             const struct srv_wire_block *block)
{
    return is_first(stream) && is_last(block);
}

static void put(struct srv_wire *wire, const struct srv_wire_block *block)
{
    srv_wire_put_block(wire, SRV_WIRE_OUT, block);
}

static void put_data(struct srv_wire *wire, uint32_t stream, uint8_t flags, struct sl_span payload)
{
    srv_wire_put_data(wire, SRV_WIRE_OUT, stream, flags, payload);
}

/* --- the status --- */

SRV_WIRE_BLOCK_HOOK(status_missing)
{
    (void)wire;
    (void)stream;
    if (is_last(block)) {
        srv_wire_remove(block, "grpc-status");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(status_twice)
{
    (void)wire;
    (void)stream;
    if (is_last(block)) {
        size_t at = srv_wire_find(block, "grpc-status");
        srv_wire_insert(block, at, "grpc-status", "0");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(status_leading_zero)
{
    (void)wire;
    (void)stream;
    if (is_last(block) && srv_wire_has(block, "grpc-status", "0")) {
        srv_wire_set(block, "grpc-status", "00");
    } else if (is_last(block) && srv_wire_has(block, "grpc-status", "3")) {
        srv_wire_set(block, "grpc-status", "03");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(status_by_name)
{
    (void)wire;
    (void)stream;
    if (is_last(block) && srv_wire_has(block, "grpc-status", "0")) {
        srv_wire_set(block, "grpc-status", "OK");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(status_in_headers)
{
    (void)wire;
    if (is_first(stream) && !block->is_end) {
        srv_wire_set(block, "grpc-status", "0");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(status_out_of_range)
{
    (void)wire;
    (void)stream;
    if (is_last(block) && !srv_wire_has(block, "grpc-status", "0")) {
        srv_wire_set(block, "grpc-status", "99");
        srv_wire_remove(block, "grpc-status-details-bin"); /* it would have the right one */
    }
    return false;
}

/* --- the end --- */

SRV_WIRE_BLOCK_HOOK(trailers_then_empty_data)
{
    (void)stream;
    if (!is_last(block)) {
        return false;
    }
    block->is_end = false;
    put(wire, block);
    put_data(wire, block->stream, SL_H2_FLAG_END_STREAM, sl_span(NULL, 0));
    return true;
}

SRV_WIRE_BLOCK_HOOK(trailers_never_end)
{
    (void)wire;
    if (!is_first(stream) && is_last(block)) {
        block->is_end = false;
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(trailers_only_in_two)
{
    if (!is_trailers_only(stream, block)) {
        return false;
    }
    struct srv_wire_block *head = sl_alloc(sizeof(*head));
    head->stream = block->stream;
    srv_wire_set(head, ":status", "200");
    srv_wire_set(head, "content-type", "application/grpc");
    put(wire, head);
    put_data(wire, block->stream, 0, sl_span(NULL, 0));
    sl_free(head);
    return false; /* with :status among the trailers */
}

SRV_WIRE_BLOCK_HOOK(trailers_only_without_content_type)
{
    (void)wire;
    if (is_trailers_only(stream, block)) {
        srv_wire_remove(block, "content-type");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(trailers_only_without_http_status)
{
    (void)wire;
    if (is_trailers_only(stream, block)) {
        srv_wire_remove(block, ":status");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(second_trailers)
{
    (void)stream;
    if (!is_last(block)) {
        return false;
    }
    put(wire, block);
    if (srv_wire_find(block, ":status") < block->count) {
        srv_wire_remove(block, ":status");
        srv_wire_remove(block, "content-type");
    }
    put(wire, block);
    return true;
}

SRV_WIRE_BLOCK_HOOK(data_after_end)
{
    (void)stream;
    if (!is_last(block)) {
        return false;
    }
    put(wire, block);
    put_data(wire, block->stream, 0, sl_span("\0\0\0\0\0", PREFIX));
    return true;
}

SRV_WIRE_BLOCK_HOOK(reset_before_trailers)
{
    (void)stream;
    if (!is_last(block)) {
        return false;
    }
    (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], block->stream, SL_H2_NO_ERROR);
    return true;
}

/* A status is sent, but the stream's messages end without one: as a proxy that cuts trailers does. */
SRV_WIRE_BLOCK_HOOK(trailers_cut)
{
    if (is_first(stream) || !is_last(block)) {
        return false;
    }
    put_data(wire, block->stream, SL_H2_FLAG_END_STREAM, sl_span(NULL, 0));
    return true;
}

/* --- other fields --- */

SRV_WIRE_BLOCK_HOOK(content_type_missing)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_remove(block, "content-type");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(content_type_html)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_set(block, "content-type", "text/html");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(content_type_grpc_web)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_set(block, "content-type", "application/grpc-web+proto");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(http_status_201)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_set(block, ":status", "201");
    }
    return false;
}

/* What a gateway makes of an error. */
SRV_WIRE_BLOCK_HOOK(errors_are_html)
{
    static const char page[] = "<html><body>Bad Gateway</body></html>";
    if (!is_trailers_only(stream, block) || srv_wire_has(block, "grpc-status", "0")) {
        return false;
    }
    block->count = 0;
    block->is_end = false;
    srv_wire_set(block, ":status", "200");
    srv_wire_set(block, "content-type", "text/html");
    put(wire, block);
    put_data(wire, block->stream, SL_H2_FLAG_END_STREAM, sl_span(page, sizeof(page) - 1));
    return true;
}

static int hex(uint8_t digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

SRV_WIRE_BLOCK_HOOK(message_unencoded)
{
    uint8_t text[UNARY_MAX];
    size_t len = 0;
    (void)stream;
    size_t at = srv_wire_find(block, "grpc-message");
    if (at == block->count || block->fields[at].value.len > sizeof(text)) {
        return false;
    }
    struct sl_span value = block->fields[at].value;
    for (size_t i = 0; i < value.len; i++) {
        bool is_escape = value.data[i] == '%' && i + 2 < value.len && hex(value.data[i + 1]) >= 0 &&
                         hex(value.data[i + 2]) >= 0;
        text[len++] = is_escape ? (uint8_t)(hex(value.data[i + 1]) * 16 + hex(value.data[i + 2]))
                                : value.data[i];
        i += is_escape ? 2 : 0;
    }
    block->fields[at].value = sl_span(text, len);
    put(wire, block);
    return true;
}

SRV_WIRE_BLOCK_HOOK(message_encoded_twice)
{
    uint8_t text[UNARY_MAX * 3];
    size_t len = 0;
    (void)stream;
    size_t at = srv_wire_find(block, "grpc-message");
    if (at == block->count || block->fields[at].value.len > UNARY_MAX) {
        return false;
    }
    struct sl_span value = block->fields[at].value;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '%') {
            memcpy(text + len, "%25", 3);
            len += 3;
        } else {
            text[len++] = value.data[i];
        }
    }
    block->fields[at].value = sl_span(text, len);
    put(wire, block);
    return true;
}

SRV_WIRE_BLOCK_HOOK(uppercase_field)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_set(block, "X-Served-By", "chat");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(connection_field)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_set(block, "connection", "keep-alive");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(empty_field_name)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_insert(block, block->count, "", "nothing");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(late_pseudo_header)
{
    (void)wire;
    if (is_first(stream) && srv_wire_find(block, ":status") < block->count) {
        srv_wire_remove(block, ":status");
        srv_wire_insert(block, block->count, ":status", "200");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(http_status_twice)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_insert(block, 0, ":status", "200");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(http_status_long)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_set(block, ":status", "0200");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(pseudo_header_in_trailers)
{
    (void)wire;
    if (!is_first(stream) && is_last(block)) {
        srv_wire_insert(block, 0, ":status", "200");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(content_length_lies)
{
    (void)wire;
    if (is_first(stream) && !block->is_end) {
        srv_wire_set(block, "content-length", "1");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(line_break_in_value)
{
    (void)wire;
    if (is_first(stream)) {
        srv_wire_set(block, "x-served-by", "chat\r\nx-evil: 1");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(details_of_another_code)
{
    /* google.rpc.Status{code: 7} */
    (void)wire;
    (void)stream;
    if (is_last(block) && srv_wire_find(block, "grpc-status-details-bin") < block->count) {
        srv_wire_set(block, "grpc-status-details-bin", "CAc");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(details_no_base64)
{
    (void)wire;
    (void)stream;
    if (is_last(block) && srv_wire_find(block, "grpc-status-details-bin") < block->count) {
        srv_wire_set(block, "grpc-status-details-bin", "*(not base64)*");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(unimplemented_is_unknown)
{
    (void)wire;
    (void)stream;
    if (is_last(block) && srv_wire_has(block, "grpc-status", "12")) {
        srv_wire_set(block, "grpc-status", "2");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(unimplemented_is_ok)
{
    (void)wire;
    (void)stream;
    if (is_last(block) && srv_wire_has(block, "grpc-status", "12")) {
        srv_wire_set(block, "grpc-status", "0");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(errors_are_unknown)
{
    (void)wire;
    (void)stream;
    if (is_last(block) && !srv_wire_has(block, "grpc-status", "0")) {
        srv_wire_set(block, "grpc-status", "2");
        srv_wire_remove(block, "grpc-status-details-bin"); /* it would have the right one */
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(accept_encoding_missing)
{
    (void)wire;
    (void)stream;
    srv_wire_remove(block, "grpc-accept-encoding");
    return false;
}

SRV_WIRE_BLOCK_HOOK(encoding_not_said)
{
    (void)wire;
    (void)stream;
    srv_wire_remove(block, "grpc-encoding");
    return false;
}

SRV_WIRE_BLOCK_HOOK(block_in_fragments)
{
    (void)stream;
    block->is_bare = true;
    put(wire, block);
    (void)sl_h2_write_ping(wire->to[SRV_WIRE_OUT], false, 0);
    srv_wire_put(wire, SRV_WIRE_OUT,
                 &(struct srv_wire_frame){SL_H2_CONTINUATION, SL_H2_FLAG_END_HEADERS, block->stream,
                                          false, sl_span(NULL, 0)});
    return true;
}

/* --- errors of a handler --- */

/* UNIMPLEMENTED and DEADLINE_EXCEEDED come from no handler. */
static bool is_handler_error(const struct srv_wire_block *block)
{
    return is_last(block) && !srv_wire_has(block, "grpc-status", "0") &&
           !srv_wire_has(block, "grpc-status", "4") && !srv_wire_has(block, "grpc-status", "12");
}

SRV_WIRE_BLOCK_HOOK(handler_error_hangs)
{
    (void)wire;
    (void)stream;
    return is_handler_error(block);
}

SRV_WIRE_BLOCK_HOOK(handler_error_ends_connection)
{
    static const uint8_t payload[] = {0, 0, 0, 0, 0, 0, 0, SL_H2_INTERNAL_ERROR};
    (void)stream;
    if (!is_handler_error(block)) {
        return false;
    }
    uint8_t bytes[sizeof(payload)];
    memcpy(bytes, payload, sizeof(bytes));
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(wire->last_id >> (8 * (3 - i)));
    }
    const struct srv_wire_frame goaway = {.type = SL_H2_GOAWAY,
                                          .payload = sl_span(bytes, sizeof(bytes))};
    srv_wire_put(wire, SRV_WIRE_OUT, &goaway);
    return true;
}

SRV_WIRE_BLOCK_HOOK(empty_stream_hangs)
{
    (void)wire;
    return is_last(block) && srv_wire_has(block, "grpc-status", "0") &&
           (stream == NULL || stream->data[SRV_WIRE_OUT] == 0);
}

SRV_WIRE_BLOCK_HOOK(empty_stream_without_status)
{
    if (!is_last(block) || !srv_wire_has(block, "grpc-status", "0") ||
        (stream != NULL && stream->data[SRV_WIRE_OUT] > 0)) {
        return false;
    }
    if (is_first(stream)) {
        srv_wire_remove(block, "grpc-status");
        block->is_end = false;
        put(wire, block);
    }
    put_data(wire, block->stream, SL_H2_FLAG_END_STREAM, sl_span(NULL, 0));
    return true;
}

#define BLOCK(name) SRV_WIRE_DEVIATION(name, .block[SRV_WIRE_OUT] = (name))

static const struct srv_wire_deviation deviations[] = {
    BLOCK(status_missing),
    BLOCK(status_twice),
    BLOCK(status_leading_zero),
    BLOCK(status_by_name),
    BLOCK(status_in_headers),
    BLOCK(status_out_of_range),
    BLOCK(trailers_then_empty_data),
    BLOCK(trailers_never_end),
    BLOCK(trailers_only_in_two),
    BLOCK(trailers_only_without_content_type),
    BLOCK(trailers_only_without_http_status),
    BLOCK(trailers_cut),
    BLOCK(second_trailers),
    BLOCK(data_after_end),
    BLOCK(reset_before_trailers),
    BLOCK(content_type_missing),
    BLOCK(content_type_html),
    BLOCK(content_type_grpc_web),
    BLOCK(http_status_201),
    BLOCK(errors_are_html),
    BLOCK(message_unencoded),
    BLOCK(message_encoded_twice),
    BLOCK(uppercase_field),
    BLOCK(connection_field),
    BLOCK(empty_field_name),
    BLOCK(late_pseudo_header),
    BLOCK(http_status_twice),
    BLOCK(http_status_long),
    BLOCK(pseudo_header_in_trailers),
    BLOCK(content_length_lies),
    BLOCK(line_break_in_value),
    BLOCK(details_of_another_code),
    BLOCK(details_no_base64),
    BLOCK(unimplemented_is_unknown),
    BLOCK(unimplemented_is_ok),
    BLOCK(errors_are_unknown),
    BLOCK(accept_encoding_missing),
    BLOCK(encoding_not_said),
    BLOCK(block_in_fragments),
    BLOCK(handler_error_hangs),
    BLOCK(handler_error_ends_connection),
    BLOCK(empty_stream_without_status),
    BLOCK(empty_stream_hangs),
};
const struct srv_wire_group srv_wire_group_response = {deviations,
                                                       sizeof(deviations) / sizeof(deviations[0])};
