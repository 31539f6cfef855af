/* SPDX-License-Identifier: Apache-2.0 */
/* META-02, META-13: binary values of either side, and the details of a status. */
#include "lib/base/hex.h"
#include "lib/base/rd.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"
#include "lib/wire/rules/syntax.h"

#define DETAILS "grpc-status-details-bin"

enum {
    SHOWN_MAX = 40,          /* bytes of a peer's name in a finding */
    DETAILS_MAX = 64 * 1024, /* decoded; what is longer is not looked into */
    STATUS_CODE = 1,         /* google/rpc/status.proto */
    TRUE_BINARY_SETTING = 0xfe03,
    NUMBER_SHIFT = 3,
    WIRE_MASK = 7,
};

/* --- META-02 --- */

/* The C core's SETTINGS that it takes true binary (gRPC proposal G1). */
static void note_setting(struct sl_observer *observer, enum sl_dir dir,
                         const struct sl_h2_setting_pair *pair)
{
    if (pair->id == TRUE_BINARY_SETTING) {
        observer->rules.takes_true_binary[dir] = pair->value == 1;
    }
}

void sl_rules_judge_binary(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                           const struct sl_header *field)
{
    if (!sl_syntax_is_binary(field->name) || sl_header_is_inferred(field) ||
        sl_rules_is_true_binary(observer, dir, field)) {
        return;
    }
    enum sl_base64_kind kind = sl_syntax_base64_list(field->value);
    struct sl_rule_place place = sl_rules_side_place(observer, dir, stream);
    const char *where = dir == SL_DIR_REQUEST ? "client's request" : "response";
    bool is_details = dir == SL_DIR_RESPONSE && sl_span_is(field->name, DETAILS); /* META-13 */
    if (kind == SL_NO_BASE64 && !is_details) {
        sl_rules_report(observer, SL_RULE_META_02, &place,
                        "the value of %.*s in the %s is no base64",
                        SL_SPAN_ARG(sl_span_first(field->name, SHOWN_MAX)), where);
    } else if (kind == SL_BASE64_PADDED && !stream->rules.has_reported_padding[dir]) {
        stream->rules.has_reported_padding[dir] = true;
        place.level = 'S';
        sl_rules_report(observer, SL_RULE_META_02, &place,
                        "the value of %.*s in the %s is sent with padding",
                        SL_SPAN_ARG(sl_span_first(field->name, SHOWN_MAX)), where);
    }
}

void sl_rules_judge_value(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                          const struct sl_header *field)
{
    bool is_request = dir == SL_DIR_REQUEST;
    if (stream->rules.has_told_value || field->name.len == 0 || field->name.data[0] == ':' ||
        sl_syntax_is_binary(field->name) ||
        (!is_request && sl_span_is(field->name, "grpc-message"))) {
        return;
    }
    const char *what =
        is_request && sl_syntax_is_spaced(field->value) ? "begins or ends with white space"
        : sl_syntax_is_printable(field->value)          ? NULL
                                                        : "has a byte that is no printable ASCII";
    if (what != NULL) {
        struct sl_rule_place place = sl_rules_side_place(observer, dir, stream);
        stream->rules.has_told_value = true;
        sl_rules_report(observer, SL_RULE_META_05, &place, "the value of \"%.*s\" in the %s %s",
                        SL_SPAN_ARG(sl_span_first(field->name, SHOWN_MAX)),
                        is_request ? "client's request" : "response", what);
    }
}

static void judge_values(struct sl_observer *observer, struct sl_stream *stream,
                         const struct sl_headers *headers, bool is_first, bool is_last)
{
    (void)is_first;
    (void)is_last;
    if (stream->is_ended[SL_DIR_RESPONSE] || !sl_rules_saw_call(stream)) {
        return;
    }
    for (size_t i = 0; i < headers->count; i++) {
        sl_rules_judge_binary(observer, SL_DIR_RESPONSE, stream, &headers->fields[i]);
    }
}

/* --- META-13 --- */

/* The code of a google.rpc.Status, 0 (OK) where it has none; false where the bytes are no protobuf message. */
static bool read_code(struct sl_span status, uint32_t *code)
{
    struct sl_rd rd;
    *code = SL_GRPC_OK;
    sl_rd_init(&rd, status);
    while (sl_rd_ok(&rd) && sl_rd_left(&rd) > 0) {
        uint64_t tag = sl_rd_varint(&rd);
        uint64_t number = tag >> NUMBER_SHIFT;
        if (number == 0) {
            return false;
        }
        switch (tag & WIRE_MASK) {
        case 0: {
            uint64_t value = sl_rd_varint(&rd);
            *code = number == STATUS_CODE ? (uint32_t)value : *code;
            break;
        }
        case 1:
            (void)sl_rd_take(&rd, 8);
            break;
        case 2: {
            uint64_t len = sl_rd_varint(&rd);
            if (len > sl_rd_left(&rd)) {
                return false;
            }
            (void)sl_rd_take(&rd, (size_t)len);
            break;
        }
        case 5:
            (void)sl_rd_take(&rd, 4);
            break;
        default:
            return false; /* groups: google.rpc.Status has none, nor does any newer version get one */
        }
    }
    return sl_rd_ok(&rd);
}

static void judge_details(struct sl_observer *observer, const struct sl_stream *stream,
                          const struct sl_header *field)
{
    struct sl_span value = field->value;
    bool is_plain = sl_rules_is_true_binary(observer, SL_DIR_RESPONSE, field);
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    struct sl_buf bytes;
    sl_buf_init(&bytes, DETAILS_MAX);
    uint32_t code = SL_GRPC_UNKNOWN;
    bool has_code = sl_rules_status_of(&stream->call->call, &code) != NULL;
    uint32_t told = code;
    if (is_plain) {
        value = sl_span_from(value, 1);
    }
    if (!is_plain && sl_syntax_base64(value) == SL_NO_BASE64) {
        sl_rules_report(observer, SL_RULE_META_13, &place, DETAILS " is no base64");
    } else if (!is_plain && sl_base64_decode(value, &bytes) != SL_OK) {
        /* past DETAILS_MAX */
    } else if (!read_code(is_plain ? value : sl_buf_span(&bytes), &told)) {
        sl_rules_report(observer, SL_RULE_META_13, &place, DETAILS " is no google.rpc.Status");
    } else if (has_code && told != code && value.len > 0) {
        sl_rules_report(observer, SL_RULE_META_13, &place,
                        DETAILS " has the code %u, and grpc-status is %u", told, code);
    }
    sl_buf_release(&bytes);
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    (void)is_on_data;
    if (dir != SL_DIR_RESPONSE || !sl_rules_saw_call(stream)) {
        return;
    }
    const struct sl_call_side *side = &stream->call->call.response;
    const struct sl_headers *last = side->has_trailers ? &side->trailers : &side->headers;
    const struct sl_header *details = sl_headers_find(last, DETAILS);
    if (details != NULL && !sl_header_is_inferred(details)) {
        judge_details(observer, stream, details);
    }
}

const struct sl_rule_group sl_rules_details = {
    .setting = note_setting,
    .answer = judge_values,
    .end_stream = end_stream,
};
