/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/payload.h"

#include "inspector/view/names.h"
#include "lib/schema/protojson.h"

enum {
    FLAG_COMPRESSED = 1,
};

void ins_payload_init(struct ins_payload *payload, const struct sl_pool *pool)
{
    payload->pool = pool;
    sl_buf_init(&payload->decoded, INS_PAYLOAD_DECODED_MAX);
    sl_buf_init(&payload->json, INS_PAYLOAD_JSON_MAX);
    sl_buf_init(&payload->unknown, INS_PAYLOAD_JSON_MAX);
}

void ins_payload_release(struct ins_payload *payload)
{
    sl_buf_release(&payload->decoded);
    sl_buf_release(&payload->json);
    sl_buf_release(&payload->unknown);
}

/* What is the matter with one message: told in the record, under a code. */
struct complaint {
    const char *code; /* NULL: nothing */
    char text[INS_PROBLEM_TEXT_MAX];
};

static void complain(struct complaint *complaint, const char *code, const char *text)
{
    struct ins_problems one = {0};
    ins_problems_add(&one, code, "%s", text);
    complaint->code = code;
    memcpy(complaint->text, one.items[0].text, sizeof(complaint->text));
}

static struct sl_span encoding_of(const struct ins_call *call, enum sl_dir dir)
{
    const struct sl_call_side *side =
        dir == SL_DIR_REQUEST ? &call->call->request : &call->call->response;
    const struct sl_header *field = sl_headers_find(&side->headers, "grpc-encoding");
    return field == NULL ? sl_span(NULL, 0) : field->value;
}

/* The JSON by the schema, into payload->json and payload->unknown. */
static void by_schema(struct ins_payload *payload, const struct sl_message_type *type,
                      struct sl_span bytes, struct complaint *complaint)
{
    struct sl_protojson_result result = {0};
    enum sl_status status =
        sl_protojson_write(payload->pool, type, bytes, &payload->out, &payload->unknown, &result);
    if (status != SL_OK || result.is_malformed) {
        complain(complaint, "message_malformed",
                 result.problem[0] == '\0' ? sl_status_text(status) : result.problem);
    }
}

static void write_content(struct ins_payload *payload, struct sl_json_out *out,
                          const struct sl_message_type *type, struct sl_span bytes,
                          struct complaint *complaint)
{
    sl_buf_clear(&payload->json);
    sl_buf_clear(&payload->unknown);
    sl_json_out_init(&payload->out, &payload->json);
    if (type != NULL) {
        by_schema(payload, type, bytes, complaint);
    } else if (sl_raw_write(bytes, &payload->out) != SL_OK) {
        complain(complaint, "message_not_protobuf", "the payload is no protobuf message");
    }
    if (payload->json.is_full || payload->unknown.is_full) {
        complain(complaint, "message_too_large", "its JSON is larger than the limit");
        return;
    }
    sl_json_out_key(out, type != NULL ? "json" : "raw");
    sl_json_out_raw(out, sl_buf_span(&payload->json));
    if (type == NULL) {
        sl_json_out_key_bool(out, "guess", true);
    } else if (payload->unknown.len > 0) {
        sl_json_out_key(out, "unknown");
        sl_json_out_raw(out, sl_buf_span(&payload->unknown));
    }
}

/* The payload without its compression, or an empty span with a complaint. */
static struct sl_span decompress(struct ins_payload *payload, struct sl_span encoding,
                                 const struct sl_message *message, struct complaint *complaint)
{
    sl_buf_clear(&payload->decoded);
    enum sl_status status =
        encoding.len == 0 ? SL_UNSUPPORTED
                          : sl_message_decompress(encoding, message->payload, &payload->decoded);
    if (status == SL_OK) {
        return sl_buf_span(&payload->decoded);
    }
    if (encoding.len == 0) {
        complain(complaint, "encoding_unknown", "compressed, but no grpc-encoding was seen");
    } else if (status == SL_UNSUPPORTED) {
        complain(complaint, "encoding_unknown", "its grpc-encoding cannot be decoded here");
    } else if (status == SL_LIMIT) {
        complain(complaint, "message_too_large", "it is larger than the limit when decompressed");
    } else {
        complain(complaint, "message_not_decompressed", "its compressed payload is damaged");
    }
    return sl_span(NULL, 0);
}

void ins_payload_write(struct ins_payload *payload, struct sl_json_out *out,
                       const struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, bool has_encoding,
                       struct ins_problems *problems)
{
    struct complaint complaint = {0};
    const struct sl_message_type *type = ins_call_type(call, dir);
    bool is_compressed = (message->flag & FLAG_COMPRESSED) != 0 && message->has_prefix;
    struct sl_span encoding = encoding_of(call, dir);
    struct sl_span bytes = message->payload;
    bool is_whole = message->is_complete && !message->is_cut;
    if (message->is_cut) {
        complain(&complaint, "message_too_large", "it is larger than the limit for decoding");
    } else if (is_whole && is_compressed) {
        bytes = decompress(payload, encoding, message, &complaint);
        is_whole = complaint.code == NULL;
    }
    sl_json_out_key_u64(out, "bytes", message->received);
    sl_json_out_key_bool(out, "compressed", is_compressed);
    if (is_compressed) {
        sl_json_out_key(out, "encoding");
        ins_write_span_or_null(out, encoding);
        sl_json_out_key(out, "bytes_decoded");
        if (is_whole) {
            sl_json_out_u64(out, bytes.len);
        } else {
            sl_json_out_null(out);
        }
    } else if (has_encoding) {
        sl_json_out_key_str(out, "encoding", "identity");
    }
    sl_json_out_key_str(out, "message_type", type == NULL ? NULL : type->full_name);
    if (is_whole) {
        write_content(payload, out, type, bytes, &complaint);
    }
    sl_json_out_key_bool(out, "complete", message->is_complete);
    if (complaint.code == NULL) {
        return;
    }
    struct ins_problems own = {0};
    ins_problems_add(&own, complaint.code, "%s", complaint.text);
    sl_json_out_key(out, "problems");
    ins_problems_write(&own, out);
    if (problems != NULL) {
        ins_problems_add(problems, complaint.code, "%s message %llu: %s", ins_dir_name(dir),
                         (unsigned long long)message->index, complaint.text);
    }
}
