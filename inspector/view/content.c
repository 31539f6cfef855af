/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/content.h"

#include "inspector/view/head.h"
#include "inspector/view/names.h"
#include "lib/base/json_text.h"
#include "lib/schema/protojson.h"
#include "lib/wire/content.h"

void ins_complain(struct ins_complaint *complaint, const char *code, const char *text)
{
    if (complaint->code == NULL) {
        struct ins_problems one = {0};
        ins_problems_add(&one, code, "%s", text);
        complaint->code = code;
        memcpy(complaint->text, one.items[0].text, sizeof(complaint->text));
    }
}

/* The JSON by the schema, into payload->json and payload->unknown. */
static void by_schema(struct ins_payload *payload, const struct sl_message_type *type,
                      struct sl_span bytes, bool is_head, struct ins_complaint *complaint)
{
    struct sl_protojson_result result = {0};
    enum sl_status status =
        sl_protojson_write(payload->pool, type, bytes, &payload->out, &payload->unknown, &result);
    if ((status != SL_OK || result.is_malformed) && !is_head) {
        ins_complain(complaint, "message_malformed",
                     result.problem[0] == '\0' ? sl_status_text(status) : result.problem);
    }
}

static bool is_full(const struct ins_payload *payload)
{
    return payload->json.is_full || payload->unknown.is_full;
}

/* One attempt; answers whether its JSON is within the limits. */
static bool decode(struct ins_payload *payload, const struct sl_message_type *type,
                   struct sl_span bytes, bool is_head, struct ins_complaint *complaint)
{
    sl_buf_clear(&payload->json);
    sl_buf_clear(&payload->unknown);
    sl_json_out_init(&payload->out, &payload->json);
    if (is_head) {
        bytes = ins_head_as_message(bytes, &payload->head);
    }
    if (type != NULL) {
        by_schema(payload, type, bytes, is_head, complaint);
    } else if (sl_raw_write(bytes, &payload->out) != SL_OK && !is_full(payload)) {
        ins_complain(complaint, "message_not_protobuf", "the payload is no protobuf message");
    }
    return !is_full(payload);
}

static bool write_protobuf(struct ins_payload *payload, struct sl_json_out *out,
                           const struct sl_message_type *type, struct sl_span bytes, bool is_head,
                           struct ins_complaint *complaint)
{
    while (!decode(payload, type, bytes, is_head, complaint)) {
        /* Its first half fits more likely; JSON grows with the bytes. */
        ins_complain(complaint, "message_too_large", "its JSON is larger than the limit");
        bytes = sl_span_first(bytes, bytes.len / 2);
        is_head = true;
    }
    sl_json_out_key(out, type != NULL ? "json" : "raw");
    sl_json_out_raw(out, sl_buf_span(&payload->json));
    if (type == NULL) {
        sl_json_out_key_bool(out, "guess", true);
    } else if (payload->unknown.len > 0) {
        sl_json_out_key(out, "unknown");
        sl_json_out_raw(out, sl_buf_span(&payload->unknown));
    }
    return is_head;
}

/* Bytes as they are, as far as the limit goes. */
static bool write_bytes(struct sl_json_out *out, bool is_text, struct sl_span bytes, bool is_head,
                        struct ins_complaint *complaint)
{
    struct sl_span shown = sl_span_first(bytes, INS_CONTENT_BYTES_MAX);
    sl_json_out_key(out, is_text ? "text" : "data");
    if (is_text) {
        sl_json_out_span(out, shown);
    } else {
        sl_json_out_base64(out, shown);
    }
    if (shown.len < bytes.len) {
        ins_complain(complaint, "message_too_large", "only its first 64 KiB are shown");
    }
    return is_head || shown.len < bytes.len;
}

static bool write_json(struct ins_payload *payload, struct sl_json_out *out, struct sl_span bytes,
                       bool is_head, struct ins_complaint *complaint)
{
    sl_buf_clear(&payload->json);
    enum sl_status status = is_head ? SL_AGAIN : sl_json_compact(bytes, &payload->json);
    if (status == SL_OK) {
        sl_json_out_key(out, "json");
        sl_json_out_raw(out, sl_buf_span(&payload->json));
        return false;
    }
    if (status == SL_MALFORMED) {
        ins_complain(complaint, "message_not_json", "the payload is not JSON");
    }
    return write_bytes(out, true, bytes, is_head, complaint);
}

void ins_content_write(struct ins_payload *payload, struct sl_json_out *out,
                       const struct ins_call *call, enum sl_dir dir, struct sl_span bytes,
                       bool is_head, struct ins_complaint *complaint)
{
    struct sl_span name = {0};
    bool is_truncated = is_head;
    switch (sl_content_codec(call->call, dir, &name)) {
    case SL_CODEC_PROTO:
        is_truncated =
            write_protobuf(payload, out, ins_call_type(call, dir), bytes, is_head, complaint);
        break;
    case SL_CODEC_JSON:
        sl_json_out_key_str(out, "codec", "json");
        is_truncated = write_json(payload, out, bytes, is_head, complaint);
        break;
    case SL_CODEC_OTHER:
        sl_json_out_key(out, "codec");
        sl_json_out_span(out, name);
        is_truncated = write_bytes(out, false, bytes, is_head, complaint);
        break;
    }
    if (is_truncated) {
        sl_json_out_key_bool(out, "truncated", true);
    }
}
