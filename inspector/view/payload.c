/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/payload.h"

#include "inspector/view/content.h"
#include "inspector/view/names.h"
#include "lib/wire/content.h"

enum {
    KEEP_CAPACITY = 1024 * 1024,
    FLAG_COMPRESSED = 1,
};

void ins_payload_init(struct ins_payload *payload, const struct sl_pool *pool)
{
    payload->pool = pool;
    sl_buf_init(&payload->decoded, INS_PAYLOAD_DECODED_MAX);
    sl_buf_init(&payload->json, INS_PAYLOAD_JSON_MAX);
    sl_buf_init(&payload->unknown, INS_PAYLOAD_UNKNOWN_MAX);
    sl_buf_init(&payload->head, INS_PAYLOAD_DECODED_MAX + INS_PAYLOAD_HEAD_ROOM);
}

void ins_payload_release(struct ins_payload *payload)
{
    sl_buf_release(&payload->decoded);
    sl_buf_release(&payload->json);
    sl_buf_release(&payload->unknown);
    sl_buf_release(&payload->head);
}

/* The payload without its compression; *is_head: only what comes before a damage, a limit or its cut end. */
static struct sl_span decompress(struct ins_payload *payload, struct sl_span encoding,
                                 const struct sl_message *message, bool *is_head,
                                 struct ins_complaint *complaint)
{
    sl_buf_clear(&payload->decoded);
    enum sl_status status =
        encoding.len == 0 ? SL_UNSUPPORTED
                          : sl_message_decompress(encoding, message->payload, &payload->decoded);
    if (encoding.len == 0) {
        ins_complain(complaint, "encoding_unknown", "compressed, but no encoding was seen");
    } else if (status == SL_UNSUPPORTED) {
        ins_complain(complaint, "encoding_unknown", "its encoding cannot be decoded here");
    } else if (status == SL_LIMIT) {
        ins_complain(complaint, "message_too_large",
                     "it is larger than the limit when decompressed");
    } else if (status != SL_OK && !*is_head) {
        ins_complain(complaint, "message_not_decompressed", "its compressed payload is damaged");
    }
    *is_head = *is_head || status != SL_OK;
    return sl_buf_span(&payload->decoded);
}

/* A message of unusual size leaves no memory behind. */
static void shrink(struct sl_buf *buf)
{
    if (buf->capacity > KEEP_CAPACITY) {
        sl_buf_release(buf);
    }
}

void ins_payload_write(struct ins_payload *payload, struct sl_json_out *out,
                       const struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, bool has_encoding,
                       struct ins_problems *problems)
{
    struct ins_complaint complaint = {0};
    const struct sl_message_type *type = ins_call_type(call, dir);
    bool is_compressed = (message->flag & FLAG_COMPRESSED) != 0 && message->has_prefix;
    struct sl_span encoding = {0};
    struct sl_span bytes = message->payload;
    bool is_head = !message->is_complete || message->is_cut;
    if (message->is_cut && message->is_complete) {
        ins_complain(&complaint, "message_too_large", "it is larger than the limit for decoding");
    }
    if (is_compressed) {
        encoding = sl_content_encoding(call->call, dir);
        bytes = decompress(payload, encoding, message, &is_head, &complaint);
    }
    sl_json_out_key_u64(out, "bytes", message->received);
    sl_json_out_key_bool(out, "compressed", is_compressed);
    if (is_compressed) {
        sl_json_out_key(out, "encoding");
        ins_write_span_or_null(out, encoding);
        sl_json_out_key(out, "bytes_decoded");
        if (is_head) {
            sl_json_out_null(out);
        } else {
            sl_json_out_u64(out, bytes.len);
        }
    } else if (has_encoding) {
        sl_json_out_key_str(out, "encoding", "identity");
    }
    sl_json_out_key_str(out, "message_type", type == NULL ? NULL : type->full_name);
    if (!is_head || bytes.len > 0) {
        ins_content_write(payload, out, call, dir, bytes, is_head, &complaint);
    }
    sl_json_out_key_bool(out, "complete", message->is_complete);
    shrink(&payload->decoded);
    shrink(&payload->json);
    shrink(&payload->unknown);
    shrink(&payload->head);
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
