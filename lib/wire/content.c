/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/content.h"

#include <strings.h>

#include "lib/base/hex.h"

/* Most are written as here: then the compiler's own comparison of so many bytes will do. */
static inline bool starts(struct sl_span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && (memcmp(text.data, prefix, len) == 0 ||
                               strncasecmp((const char *)text.data, prefix, len) == 0);
}

/* Media types are compared without case (RFC 9110 8.3.1). */
static inline bool is_media_type(const struct sl_header *field, const char *type)
{
    size_t len = strlen(type);
    if (field == NULL || !starts(field->value, type)) {
        return false;
    }
    return field->value.len == len || field->value.data[len] == ';' ||
           field->value.data[len] == ' ';
}

/* The type itself or one of its subtypes: "application/grpc", "application/grpc+proto". */
static inline bool has_media_type(const struct sl_header *field, const char *type)
{
    size_t len = strlen(type);
    if (field == NULL || !starts(field->value, type)) {
        return false;
    }
    return field->value.len == len || field->value.data[len] == '+' ||
           field->value.data[len] == ';' || field->value.data[len] == ' ';
}

static bool has_prefix(const struct sl_header *field, const char *prefix)
{
    return field != NULL && starts(field->value, prefix);
}

/* --- the query of a Connect GET --- */

/* The raw value of a parameter; data is NULL without it. */
static struct sl_span parameter(const struct sl_headers *request, const char *name)
{
    const struct sl_header *path = sl_headers_find(request, ":path");
    const uint8_t *mark = path == NULL || path->value.len == 0
                              ? NULL
                              : memchr(path->value.data, '?', path->value.len);
    if (mark == NULL) {
        return sl_span(NULL, 0);
    }
    struct sl_span rest = sl_span_from(path->value, (size_t)(mark + 1 - path->value.data));
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.data, '&', rest.len);
        struct sl_span item = end == NULL ? rest : sl_span(rest.data, (size_t)(end - rest.data));
        rest = sl_span_from(rest, item.len + 1);
        size_t len = strlen(name);
        if (sl_span_starts(item, name) && item.len > len && item.data[len] == '=') {
            return sl_span(item.data + len + 1, item.len - len - 1);
        }
    }
    return sl_span(NULL, 0);
}

bool sl_content_is_get(const struct sl_headers *request)
{
    const struct sl_header *method = sl_headers_find(request, ":method");
    return method != NULL && sl_span_is(method->value, "GET") &&
           sl_span_is(parameter(request, "connect"), "v1");
}

/* Percent-decoding and '+' for a space, as URL queries are written. */
static enum sl_status add_unescaped(struct sl_span text, struct sl_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.len ? sl_hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? sl_hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return SL_MALFORMED;
            }
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (sl_buf_add_u8(out, c) != SL_OK) {
            return SL_LIMIT;
        }
    }
    return SL_OK;
}

enum sl_status sl_content_get_message(const struct sl_headers *request, struct sl_buf *out)
{
    struct sl_span message = parameter(request, "message");
    if (message.data == NULL) {
        return SL_NOT_FOUND;
    }
    if (!sl_span_is(parameter(request, "base64"), "1")) {
        return add_unescaped(message, out);
    }
    struct sl_buf text;
    sl_buf_init(&text, SL_HPACK_LIST_MAX);
    enum sl_status status = add_unescaped(message, &text);
    if (status == SL_OK) {
        status = sl_base64_decode(sl_buf_span(&text), out);
    }
    sl_buf_release(&text);
    return status;
}

/* --- protocol --- */

/* Unary Connect: POST of a bare codec, by a client that says so or in the codec that only it uses; GET
 * by its query. */
static bool is_unary_connect(const struct sl_headers *request, const struct sl_header *type)
{
    const struct sl_header *method = sl_headers_find(request, ":method");
    bool is_post = method == NULL || sl_span_is(method->value, "POST");
    bool is_named = sl_headers_find(request, "connect-protocol-version") != NULL;
    return sl_content_is_get(request) ||
           (is_post && (is_media_type(type, "application/proto") ||
                        (is_named && has_prefix(type, "application/"))));
}

enum sl_protocol sl_content_protocol(const struct sl_headers *request)
{
    const struct sl_header *type = sl_headers_find(request, "content-type");
    if (has_media_type(type, "application/grpc")) {
        return SL_PROTOCOL_GRPC;
    }
    if (has_media_type(type, "application/grpc-web")) {
        return SL_PROTOCOL_GRPC_WEB;
    }
    if (has_media_type(type, "application/grpc-web-text")) {
        return SL_PROTOCOL_GRPC_WEB_TEXT;
    }
    if (has_prefix(type, "application/connect+") || is_unary_connect(request, type)) {
        return SL_PROTOCOL_CONNECT;
    }
    return SL_PROTOCOL_OTHER;
}

enum sl_protocol sl_content_protocol_of_response(const struct sl_headers *response)
{
    const struct sl_header *type = sl_headers_find(response, "content-type");
    if (has_media_type(type, "application/grpc-web")) {
        return SL_PROTOCOL_GRPC_WEB;
    }
    if (has_media_type(type, "application/grpc-web-text")) {
        return SL_PROTOCOL_GRPC_WEB_TEXT;
    }
    if (has_prefix(type, "application/connect+") || is_media_type(type, "application/proto")) {
        return SL_PROTOCOL_CONNECT;
    }
    return type == NULL || has_media_type(type, "application/grpc") ? SL_PROTOCOL_GRPC
                                                                    : SL_PROTOCOL_OTHER;
}

enum sl_framing sl_content_framing(enum sl_protocol protocol, const struct sl_headers *headers)
{
    const struct sl_header *type = sl_headers_find(headers, "content-type");
    if (has_media_type(type, "application/grpc")) {
        return SL_FRAMING_MESSAGES;
    }
    if (has_media_type(type, "application/grpc-web")) {
        return SL_FRAMING_WEB;
    }
    if (has_media_type(type, "application/grpc-web-text")) {
        return SL_FRAMING_WEB_TEXT;
    }
    if (has_prefix(type, "application/connect+")) {
        return SL_FRAMING_CONNECT;
    }
    bool is_get = sl_content_is_get(headers);
    return protocol == SL_PROTOCOL_CONNECT && type != NULL && !is_get ? SL_FRAMING_WHOLE
                                                                      : SL_FRAMING_NONE;
}

/* --- codec and encoding --- */

static const struct sl_headers *side_headers(const struct sl_call *call, enum sl_dir dir)
{
    return dir == SL_DIR_REQUEST ? &call->request.headers : &call->response.headers;
}

enum sl_codec sl_content_codec(const struct sl_call *call, enum sl_dir dir,
                               struct sl_span *ret_name)
{
    struct sl_span name = {0};
    const struct sl_header *type = sl_headers_find(side_headers(call, dir), "content-type");
    if (type == NULL && dir == SL_DIR_RESPONSE) {
        type = sl_headers_find(&call->request.headers, "content-type");
    }
    if (dir == SL_DIR_REQUEST && sl_content_is_get(&call->request.headers)) {
        name = parameter(&call->request.headers, "encoding");
    } else if (type != NULL) {
        size_t end = 0;
        size_t begin = 0;
        for (; end < type->value.len && type->value.data[end] != ';'; end++) {
            uint8_t c = type->value.data[end];
            begin =
                c == '+' || (c == '/' && call->protocol == SL_PROTOCOL_CONNECT) ? end + 1 : begin;
        }
        while (end > begin && type->value.data[end - 1] == ' ') {
            end--;
        }
        name = begin == 0 ? name : sl_span(type->value.data + begin, end - begin);
    }
    *ret_name = name;
    if (name.len == 0 || (name.len == 5 && starts(name, "proto"))) {
        return SL_CODEC_PROTO;
    }
    return name.len == 4 && starts(name, "json") ? SL_CODEC_JSON : SL_CODEC_OTHER;
}

struct sl_span sl_content_encoding(const struct sl_call *call, enum sl_dir dir)
{
    const struct sl_headers *headers = side_headers(call, dir);
    const char *name = "grpc-encoding";
    if (call->protocol == SL_PROTOCOL_CONNECT) {
        const struct sl_header *type = sl_headers_find(headers, "content-type");
        if (dir == SL_DIR_REQUEST && sl_content_is_get(headers)) {
            return parameter(headers, "compression");
        }
        name = has_prefix(type, "application/connect+") ? "connect-content-encoding"
                                                        : "content-encoding";
    }
    const struct sl_header *field = sl_headers_find(headers, name);
    return field == NULL ? sl_span(NULL, 0) : field->value;
}

bool sl_content_accepts(struct sl_span list, struct sl_span encoding)
{
    struct sl_span item;
    while (sl_span_next_item(&list, &item)) {
        item = sl_span_trim(item);
        if (item.len > 0 && sl_span_equal(item, encoding)) {
            return true;
        }
    }
    return false;
}
