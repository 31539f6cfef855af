/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: what of a request they take, lose or refuse. Requests are made right, or wrong, before the session sees them. */
#include <ctype.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "reference-server/frontend/h2/wire/deviation.h"

enum { SEND_BYTES = 1024 };

static bool is_request(const struct srv_wire_stream *stream)
{
    return stream != NULL && stream->blocks[SRV_WIRE_IN] == 0;
}

static struct sl_span value_of(const struct srv_wire_block *block, const char *name)
{
    size_t at = srv_wire_find(block, name);
    return at < block->count ? block->fields[at].value : sl_span(NULL, 0);
}

static void put_block(struct srv_wire *wire, const struct srv_wire_block *block)
{
    srv_wire_put_block(wire, SRV_WIRE_IN, block);
}

/* Passes the block with another path; text is borrowed no longer. */
static bool put_path(struct srv_wire *wire, struct srv_wire_block *block, const char *path)
{
    srv_wire_set(block, ":path", path);
    put_block(wire, block);
    return true;
}

/* --- paths --- */

SRV_WIRE_BLOCK_HOOK(path_without_slash)
{
    char path[SRV_WIRE_PATH];
    struct sl_span value = value_of(block, ":path");
    if (!is_request(stream) || value.len == 0 || value.data[0] == '/' ||
        value.len > sizeof(path) - 2) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "/%.*s", SL_SPAN_ARG(value));
    return put_path(wire, block, path);
}

SRV_WIRE_BLOCK_HOOK(path_in_any_case)
{
    static const char *const methods[] = {"SendMessage", "SubscribeToRoom", "ChatRoom"};
    char path[SRV_WIRE_PATH];
    struct sl_span value = value_of(block, ":path");
    for (size_t i = 0; is_request(stream) && i < 3; i++) {
        int len = snprintf(path, sizeof(path), "/chat.v1.ChatService/%s", methods[i]);
        bool is_same = value.len == (size_t)len;
        for (size_t j = 0; is_same && j < value.len; j++) {
            is_same = tolower(path[j]) == tolower(value.data[j]);
        }
        if (is_same) {
            return put_path(wire, block, path);
        }
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(path_slashes_joined)
{
    char path[SRV_WIRE_PATH];
    size_t len = 0;
    struct sl_span value = value_of(block, ":path");
    if (!is_request(stream) || value.len >= sizeof(path)) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] != '/' || i == 0 || value.data[i - 1] != '/') {
            path[len++] = (char)value.data[i];
        }
    }
    path[len] = '\0';
    return put_path(wire, block, path);
}

SRV_WIRE_BLOCK_HOOK(path_query_cut)
{
    char path[SRV_WIRE_PATH];
    struct sl_span value = value_of(block, ":path");
    if (!is_request(stream) || value.len >= sizeof(path)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%.*s", SL_SPAN_ARG(value));
    path[strcspn(path, "?")] = '\0';
    return put_path(wire, block, path);
}

/* The first escape of a path is taken for the character that it stands for. */
SRV_WIRE_BLOCK_HOOK(path_unescaped)
{
    char path[SRV_WIRE_PATH];
    struct sl_span value = value_of(block, ":path");
    if (!is_request(stream) || value.len >= sizeof(path)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%.*s", SL_SPAN_ARG(value));
    char *escape = strchr(path, '%');
    if (escape == NULL || strlen(escape) < 3) {
        return false;
    }
    int byte = sl_hex_value((uint8_t)escape[1]) << 4 | sl_hex_value((uint8_t)escape[2]);
    *escape = (char)byte;
    memmove(escape + 1, escape + 3, strlen(escape + 3) + 1);
    return put_path(wire, block, path);
}

SRV_WIRE_BLOCK_HOOK(service_ignored)
{
    static const char *const methods[] = {"SendMessage", "SubscribeToRoom", "ChatRoom"};
    char path[SRV_WIRE_PATH];
    struct sl_span value = value_of(block, ":path");
    for (size_t i = 0; is_request(stream) && i < 3; i++) {
        size_t len = strlen(methods[i]);
        if (value.len > len && value.data[value.len - len - 1] == '/' &&
            memcmp(value.data + value.len - len, methods[i], len) == 0) {
            (void)snprintf(path, sizeof(path), "/chat.v1.ChatService/%s", methods[i]);
            return put_path(wire, block, path);
        }
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(any_method_served)
{
    struct sl_span value = value_of(block, ":path");
    if (is_request(stream) && sl_span_starts(value, "/chat.v1.ChatService/") &&
        !sl_span_is(value, "/chat.v1.ChatService/SubscribeToRoom") &&
        !sl_span_is(value, "/chat.v1.ChatService/ChatRoom")) {
        return put_path(wire, block, "/chat.v1.ChatService/SendMessage");
    }
    return false;
}

/* --- malformed requests, taken (RFC 9113 8.1.1) --- */

SRV_WIRE_BLOCK_HOOK(get_served)
{
    (void)wire;
    if (is_request(stream)) {
        srv_wire_set(block, ":method", "POST");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(any_content_type_served)
{
    (void)wire;
    if (is_request(stream)) {
        srv_wire_set(block, "content-type", "application/grpc");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(any_te_served)
{
    (void)wire;
    if (is_request(stream)) {
        srv_wire_set(block, "te", "trailers");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(connection_field_taken)
{
    static const char *const names[] = {"connection", "proxy-connection", "keep-alive",
                                        "transfer-encoding", "upgrade"};
    (void)wire;
    (void)stream;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        srv_wire_remove(block, names[i]);
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(uppercase_name_taken)
{
    (void)stream;
    struct sl_buf names;
    sl_buf_init(&names, SRV_WIRE_BLOCK_MAX);
    for (size_t i = 0; i < block->count; i++) {
        (void)sl_buf_add_span(&names, block->fields[i].name);
    }
    size_t at = 0;
    for (size_t i = 0; i < names.len; i++) {
        names.data[i] = (uint8_t)tolower(names.data[i]);
    }
    for (size_t i = 0; i < block->count; i++) {
        block->fields[i].name.data = names.data + at;
        at += block->fields[i].name.len;
    }
    put_block(wire, block);
    sl_buf_release(&names);
    return true;
}

/* Fields whose name has a byte that no name may have are dropped, and the rest is served. */
SRV_WIRE_BLOCK_HOOK(bad_names_dropped)
{
    size_t count = 0;
    (void)wire;
    (void)stream;
    for (size_t i = 0; i < block->count; i++) {
        struct sl_span name = block->fields[i].name;
        bool is_bad = false;
        for (size_t j = 0; j < name.len; j++) {
            is_bad |= name.data[j] <= ' ' || name.data[j] >= 0x7f || (j > 0 && name.data[j] == ':');
        }
        if (!is_bad) {
            block->fields[count++] = block->fields[i];
        }
    }
    block->count = count;
    return false;
}

static bool is_pseudo(const struct sl_header *field)
{
    return field->name.len > 0 && field->name.data[0] == ':';
}

/* Pseudo-header fields come first; of each the first one stays, and unknown ones go. */
SRV_WIRE_BLOCK_HOOK(pseudo_headers_in_any_order)
{
    static const char *const names[] = {":method", ":scheme", ":path", ":authority"};
    struct sl_header fields[SRV_WIRE_FIELDS];
    size_t count = 0;
    (void)wire;
    (void)stream;
    for (size_t i = 0; i < 4; i++) {
        size_t at = srv_wire_find(block, names[i]);
        if (at < block->count) {
            fields[count++] = block->fields[at];
        }
    }
    for (size_t i = 0; i < block->count; i++) {
        if (!is_pseudo(&block->fields[i])) {
            fields[count++] = block->fields[i];
        }
    }
    memcpy(block->fields, fields, count * sizeof(fields[0]));
    block->count = count;
    return false;
}

SRV_WIRE_BLOCK_HOOK(pseudo_headers_filled_in)
{
    static const char *const defaults[][2] = {{":authority", "localhost"},
                                              {":path", "/chat.v1.ChatService/SendMessage"},
                                              {":scheme", "http"},
                                              {":method", "POST"}};
    (void)wire;
    for (size_t i = 0; is_request(stream) && i < 4; i++) {
        size_t at = srv_wire_find(block, defaults[i][0]);
        if (at == block->count) {
            srv_wire_insert(block, 0, defaults[i][0], defaults[i][1]);
        } else if (block->fields[at].value.len == 0) {
            srv_wire_set(block, defaults[i][0], defaults[i][1]);
        }
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(pseudo_headers_in_trailers_taken)
{
    (void)wire;
    if (is_request(stream)) {
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < block->count; i++) {
        if (!is_pseudo(&block->fields[i])) {
            block->fields[count++] = block->fields[i];
        }
    }
    block->count = count;
    return false;
}

SRV_WIRE_BLOCK_HOOK(content_length_ignored)
{
    (void)wire;
    (void)stream;
    srv_wire_remove(block, "content-length");
    return false;
}

SRV_WIRE_BLOCK_HOOK(bad_values_cleaned)
{
    (void)wire;
    (void)stream;
    size_t count = 0;
    for (size_t i = 0; i < block->count; i++) {
        struct sl_span value = block->fields[i].value;
        bool is_bad = block->fields[i].name.len == 0;
        for (size_t j = 0; j < value.len; j++) {
            is_bad |= value.data[j] == '\r' || value.data[j] == '\n' || value.data[j] == '\0';
        }
        if (!is_bad) {
            block->fields[count++] = block->fields[i];
        }
    }
    block->count = count;
    return false;
}

SRV_WIRE_BLOCK_HOOK(trailers_without_end_taken)
{
    (void)wire;
    return stream != NULL && stream->blocks[SRV_WIRE_IN] > 0 && !block->is_end;
}

/* --- right requests, refused or lost --- */

static void refuse(struct srv_wire *wire, uint32_t stream, uint32_t code)
{
    (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], stream, code);
}

static bool refuse_where(struct srv_wire *wire, const struct srv_wire_block *block, bool is_so)
{
    if (is_so) {
        refuse(wire, block->stream, SL_H2_PROTOCOL_ERROR);
    }
    return is_so;
}

SRV_WIRE_BLOCK_HOOK(content_type_proto_refused)
{
    return refuse_where(wire, block,
                        is_request(stream) &&
                            sl_span_is(value_of(block, "content-type"), "application/grpc+proto"));
}

SRV_WIRE_BLOCK_HOOK(content_type_parameter_refused)
{
    struct sl_span value = value_of(block, "content-type");
    return refuse_where(wire, block,
                        is_request(stream) && value.len > 0 &&
                            memchr(value.data, ';', value.len) != NULL);
}

SRV_WIRE_BLOCK_HOOK(repeated_field_refused)
{
    bool is_repeated = false;
    for (size_t i = 0; i < block->count; i++) {
        for (size_t j = i + 1; j < block->count; j++) {
            is_repeated |= sl_span_equal(block->fields[i].name, block->fields[j].name);
        }
    }
    return refuse_where(wire, block, is_request(stream) && is_repeated);
}

static bool is_binary(const struct sl_header *field)
{
    return field->name.len > 4 && memcmp(field->name.data + field->name.len - 4, "-bin", 4) == 0;
}

static bool has_binary_with(const struct srv_wire_block *block, int byte)
{
    bool has = false;
    for (size_t i = 0; i < block->count; i++) {
        has |= is_binary(&block->fields[i]) && block->fields[i].value.len > 0 &&
               memchr(block->fields[i].value.data, byte, block->fields[i].value.len) != NULL;
    }
    return has;
}

SRV_WIRE_BLOCK_HOOK(binary_padding_refused)
{
    return refuse_where(wire, block, is_request(stream) && has_binary_with(block, '='));
}

SRV_WIRE_BLOCK_HOOK(binary_list_refused)
{
    return refuse_where(wire, block, is_request(stream) && has_binary_with(block, ','));
}

SRV_WIRE_BLOCK_HOOK(bad_binary_ends_connection)
{
    if (is_request(stream) && has_binary_with(block, '*')) {
        (void)sl_h2_write_goaway(wire->to[SRV_WIRE_OUT], 0, SL_H2_PROTOCOL_ERROR, sl_span(NULL, 0));
        wire->is_raw[SRV_WIRE_IN] = true;
        srv_wire_put_data(wire, SRV_WIRE_IN, 0, 0,
                          sl_span(NULL, 0)); /* which ends the session's connection */
        return true;
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(non_ascii_value_hangs)
{
    bool has = false;
    for (size_t i = 0; i < block->count; i++) {
        for (size_t j = 0; j < block->fields[i].value.len; j++) {
            has |= block->fields[i].value.data[j] > 0x7E;
        }
    }
    (void)wire;
    if (is_request(stream) && has) {
        stream->note[0] = 1;
    }
    return is_request(stream) && has;
}

/* The session has not heard of the stream. */
SRV_WIRE_FRAME_HOOK(rest_of_non_ascii)
{
    (void)wire;
    (void)frame;
    return stream != NULL && stream->note[0] == 1;
}

/* 8 KiB of metadata are taken by everybody (PROTOCOL-HTTP2). */
SRV_WIRE_BLOCK_HOOK(metadata_limit_small)
{
    size_t size = 0;
    for (size_t i = 0; i < block->count; i++) {
        size += block->fields[i].name.len + block->fields[i].value.len;
    }
    return refuse_where(wire, block, is_request(stream) && size > SEND_BYTES);
}

SRV_WIRE_BLOCK_HOOK(headers_with_end_hang)
{
    (void)wire;
    return is_request(stream) && block->is_end;
}

SRV_WIRE_BLOCK_HOOK(unknown_encoding_taken)
{
    (void)wire;
    if (is_request(stream) && !srv_wire_has(block, "grpc-encoding", "gzip")) {
        srv_wire_remove(block, "grpc-encoding");
    }
    return false;
}

/* --- deadlines --- */

/* The timeout with its unit changed from one to another; what else it has is right. */
static bool change_unit(struct srv_wire *wire, struct srv_wire_block *block, char from, char to)
{
    char text[16];
    struct sl_span value = value_of(block, "grpc-timeout");
    if (value.len < 2 || value.len >= sizeof(text) || value.data[value.len - 1] != (uint8_t)from) {
        return false;
    }
    (void)snprintf(text, sizeof(text), "%.*s%c", (int)value.len - 1, (const char *)value.data, to);
    srv_wire_set(block, "grpc-timeout", text);
    put_block(wire, block);
    return true;
}

SRV_WIRE_BLOCK_HOOK(timeout_micro_is_milli)
{
    (void)stream;
    return change_unit(wire, block, 'u', 'm');
}

SRV_WIRE_BLOCK_HOOK(timeout_nano_is_micro)
{
    (void)stream;
    return change_unit(wire, block, 'n', 'u');
}

SRV_WIRE_BLOCK_HOOK(timeout_minute_is_milli)
{
    (void)stream;
    return change_unit(wire, block, 'M', 'm');
}

SRV_WIRE_BLOCK_HOOK(timeout_hour_is_nano)
{
    (void)stream;
    return change_unit(wire, block, 'H', 'n');
}

SRV_WIRE_BLOCK_HOOK(timeout_in_seconds_only)
{
    (void)wire;
    (void)stream;
    struct sl_span value = value_of(block, "grpc-timeout");
    if (value.len > 0 && value.data[value.len - 1] != 'S') {
        srv_wire_remove(block, "grpc-timeout");
    }
    return false;
}

/* PROTOCOL-HTTP2 "Timeout": one to eight digits and a unit. */
SRV_WIRE_BLOCK_HOOK(timeout_malformed_ignored)
{
    struct sl_span value = value_of(block, "grpc-timeout");
    bool is_good = value.len >= 2 && value.len <= 9 &&
                   memchr("HMSmun", value.data[value.len - 1], strlen("HMSmun")) != NULL;
    (void)wire;
    (void)stream;
    for (size_t i = 0; is_good && i + 1 < value.len; i++) {
        is_good = isdigit(value.data[i]) != 0;
    }
    if (!is_good) {
        srv_wire_remove(block, "grpc-timeout");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(timeout_twice_ignored)
{
    size_t count = 0;
    (void)wire;
    (void)stream;
    for (size_t i = 0; i < block->count; i++) {
        count += sl_span_is(block->fields[i].name, "grpc-timeout");
    }
    for (; count > 1 && srv_wire_find(block, "grpc-timeout") < block->count;) {
        srv_wire_remove(block, "grpc-timeout");
    }
    return false;
}

/* What is more nanoseconds than 64 bits hold has wrapped to next to nothing. */
SRV_WIRE_BLOCK_HOOK(timeout_overflows)
{
    enum { LONGEST = 9 }; /* eight digits and a unit */
    (void)wire;
    (void)stream;
    struct sl_span value = value_of(block, "grpc-timeout");
    if (value.len == LONGEST && value.data[value.len - 1] == 'H') {
        srv_wire_set(block, "grpc-timeout", "1n");
    }
    return false;
}

#define BLOCK(name) SRV_WIRE_DEVIATION(name, .block[SRV_WIRE_IN] = (name))

static const struct srv_wire_deviation deviations[] = {
    BLOCK(path_without_slash),
    BLOCK(path_in_any_case),
    BLOCK(path_slashes_joined),
    BLOCK(path_query_cut),
    BLOCK(path_unescaped),
    BLOCK(service_ignored),
    BLOCK(any_method_served),
    BLOCK(get_served),
    BLOCK(any_content_type_served),
    BLOCK(any_te_served),
    BLOCK(connection_field_taken),
    BLOCK(uppercase_name_taken),
    BLOCK(bad_names_dropped),
    BLOCK(pseudo_headers_in_any_order),
    BLOCK(pseudo_headers_filled_in),
    BLOCK(pseudo_headers_in_trailers_taken),
    BLOCK(content_length_ignored),
    BLOCK(bad_values_cleaned),
    BLOCK(trailers_without_end_taken),
    BLOCK(content_type_proto_refused),
    BLOCK(content_type_parameter_refused),
    BLOCK(repeated_field_refused),
    BLOCK(binary_padding_refused),
    BLOCK(binary_list_refused),
    BLOCK(bad_binary_ends_connection),
    SRV_WIRE_DEVIATION(non_ascii_value_hangs, .block[SRV_WIRE_IN] = non_ascii_value_hangs,
                       .frame[SRV_WIRE_IN] = rest_of_non_ascii),
    BLOCK(metadata_limit_small),
    BLOCK(headers_with_end_hang),
    BLOCK(unknown_encoding_taken),
    BLOCK(timeout_micro_is_milli),
    BLOCK(timeout_nano_is_micro),
    BLOCK(timeout_minute_is_milli),
    BLOCK(timeout_hour_is_nano),
    BLOCK(timeout_in_seconds_only),
    BLOCK(timeout_malformed_ignored),
    BLOCK(timeout_twice_ignored),
    BLOCK(timeout_overflows),
};
const struct srv_wire_group srv_wire_group_request = {deviations,
                                                      sizeof(deviations) / sizeof(deviations[0])};
