/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/end_message.h"

#include <jansson.h>

#include "lib/wire/content.h"
#include "lib/wire/grpc_status.h"

enum {
    FLAG_COMPRESSED = 1,
    NAME_MAX_BYTES = 256, /* of a field; longer ones are left out */
};

/* The name in lower case, as everywhere in HTTP/2. */
static void add_field(struct sl_headers *trailers, struct sl_span name, struct sl_span value)
{
    uint8_t lower[NAME_MAX_BYTES];
    if (name.len == 0 || name.len > sizeof lower) {
        return;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    (void)sl_headers_add(trailers, sl_span(lower, name.len), value);
}

/* --- gRPC-Web --- */

/* One line without its end: "name: value". */
static void add_line(struct sl_headers *trailers, struct sl_span line)
{
    const uint8_t *colon = line.len == 0 ? NULL : memchr(line.data, ':', line.len);
    if (colon == NULL || colon == line.data) {
        return;
    }
    size_t name_len = (size_t)(colon - line.data);
    struct sl_span value = sl_span_from(line, name_len + 1);
    while (value.len > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
        value = sl_span_from(value, 1);
    }
    while (value.len > 0 && strchr(" \t\r", value.data[value.len - 1]) != NULL) {
        value.len--;
    }
    add_field(trailers, sl_span_first(line, name_len), value);
}

static void take_lines(struct sl_headers *trailers, struct sl_span text)
{
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        add_line(trailers, sl_span_first(text, len));
        text = sl_span_from(text, len + 1);
    }
}

/* --- Connect --- */

/* connectrpc.com "Error Codes": the names of gRPC's, in lower case; "canceled" with one l. */
enum sl_status sl_connect_code(struct sl_span name, uint32_t *ret_code)
{
    char upper[32];
    if (sl_span_is(name, "canceled")) {
        *ret_code = SL_GRPC_CANCELLED;
        return SL_OK;
    }
    if (name.len == 0 || name.len > sizeof upper || sl_span_is(name, "cancelled") ||
        sl_span_is(name, "ok")) {
        return SL_NOT_FOUND;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (c != '_' && (c < 'a' || c > 'z')) {
            return SL_NOT_FOUND;
        }
        upper[i] = (char)(c == '_' ? c : c & ~0x20);
    }
    return sl_grpc_status_parse(sl_span(upper, name.len), ret_code);
}

/* Notes the error object of a call; false when json is none. */
static bool take_error(struct sl_call *call, json_t *error)
{
    const char *name = json_string_value(json_object_get(error, "code"));
    if (!json_is_object(error)) {
        return false;
    }
    uint32_t code = SL_GRPC_UNKNOWN;
    if (name == NULL || sl_connect_code(sl_span_str(name), &code) != SL_OK) {
        /* An unknown code is that of the HTTP status (connectrpc.com "Unary-Response"). */
        code = sl_grpc_status_from_http(call->http_status);
    }
    call->has_connect_error = true;
    call->connect_code = code;
    return true;
}

/* {"name": ["value", ...]} */
static void take_metadata(struct sl_headers *trailers, json_t *metadata)
{
    const char *name = NULL;
    json_t *values = NULL;
    json_object_foreach (metadata, name, values) {
        size_t index = 0;
        json_t *value = NULL;
        json_array_foreach (values, index, value) {
            if (json_is_string(value)) {
                add_field(trailers, sl_span_str(name),
                          sl_span(json_string_value(value), json_string_length(value)));
            }
        }
    }
}

static json_t *parse(struct sl_span text)
{
    return text.len == 0 ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
}

static void keep_error(struct sl_call *call, struct sl_span document)
{
    call->connect_error.max = SL_END_MESSAGE_MAX;
    sl_buf_clear(&call->connect_error);
    (void)sl_buf_add_span(&call->connect_error, document);
}

static void take_end_stream(struct sl_call *call, struct sl_headers *trailers,
                            struct sl_span document)
{
    json_t *root = parse(document);
    if (json_is_object(root)) {
        take_metadata(trailers, json_object_get(root, "metadata"));
        call->has_end_message = true;
        if (take_error(call, json_object_get(root, "error"))) {
            keep_error(call, document);
        }
    }
    json_decref(root);
}

/* --- both --- */

/* The payload without its compression, in plain where there was one; cut and damaged ones as far as
 * they can be read. */
static struct sl_span plain_payload(const struct sl_call *call, enum sl_dir dir,
                                    const struct sl_message *message, struct sl_buf *plain)
{
    sl_buf_init(plain, SL_END_MESSAGE_MAX);
    if ((message->flag & FLAG_COMPRESSED) == 0) {
        return message->payload;
    }
    enum sl_status status =
        sl_message_decompress(sl_content_encoding(call, dir), message->payload, plain);
    (void)status;
    return sl_buf_span(plain);
}

void sl_end_message_take(struct sl_call *call, enum sl_dir dir, const struct sl_message *message)
{
    struct sl_call_side *side = dir == SL_DIR_REQUEST ? &call->request : &call->response;
    struct sl_buf plain;
    struct sl_span text = plain_payload(call, dir, message, &plain);
    if (!side->has_trailers) {
        sl_headers_clear(&side->trailers);
    }
    if ((message->flag & 0x80) != 0) {
        take_lines(&side->trailers, text);
        call->has_end_message = call->has_end_message || dir == SL_DIR_RESPONSE;
    } else if (dir == SL_DIR_RESPONSE) {
        take_end_stream(call, &side->trailers, text);
    }
    side->has_trailers = true;
    sl_buf_release(&plain);
}

void sl_end_message_take_error(struct sl_call *call, const struct sl_message *message)
{
    struct sl_buf plain;
    struct sl_span text = plain_payload(call, SL_DIR_RESPONSE, message, &plain);
    json_t *root = parse(text);
    if (json_object_get(root, "code") != NULL && take_error(call, root)) {
        keep_error(call, text);
    }
    json_decref(root);
    sl_buf_release(&plain);
}
