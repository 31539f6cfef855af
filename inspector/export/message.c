/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/export/message.h"

#include "inspector/view/metadata.h"
#include "inspector/view/names.h"
#include "lib/base/alloc.h"
#include "lib/wire/content.h"

enum {
    BIN_MAX = 64 * 1024,
    FLAG_COMPRESSED = 1,
};

/* The record of the message; NULL when it is too large. */
static json_t *record_of(struct ins_payload *payload, const struct ins_call *call, enum sl_dir dir,
                         const struct sl_message *message)
{
    struct sl_buf text;
    struct sl_json_out out;
    sl_buf_init(&text, INS_PAYLOAD_JSON_MAX);
    sl_json_out_init(&out, &text);
    sl_json_out_begin_object(&out);
    ins_payload_write(payload, &out, call, dir, message, false, NULL);
    sl_json_out_end_object(&out);
    json_t *record = text.is_full ? NULL
                                  : json_loadb((const char *)text.data, text.len,
                                               JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    sl_buf_release(&text);
    return record;
}

static char *hex_of(const struct ins_call *call, enum sl_dir dir, const struct sl_message *message)
{
    static const char digits[] = "0123456789abcdef";
    struct sl_buf plain;
    sl_buf_init(&plain, INS_EXPORT_MESSAGE_MAX);
    bool is_compressed = (message->flag & FLAG_COMPRESSED) != 0 && message->has_prefix;
    enum sl_status status =
        is_compressed
            ? sl_message_decompress(sl_content_encoding(call->call, dir), message->payload, &plain)
            : sl_buf_add_span(&plain, message->payload);
    char *hex = NULL;
    if (status == SL_OK) {
        hex = sl_alloc(plain.len * 2 + 1);
        for (size_t i = 0; i < plain.len; i++) {
            hex[2 * i] = digits[plain.data[i] >> 4];
            hex[2 * i + 1] = digits[plain.data[i] & 15];
        }
    }
    sl_buf_release(&plain);
    return hex;
}

struct ins_export_message ins_export_message(struct ins_payload *payload, struct ins_redact *redact,
                                             const struct ins_call *call, enum sl_dir dir,
                                             const struct sl_message *message)
{
    struct ins_export_message made = {.size = 16};
    if (!message->is_complete || message->is_cut) {
        made.problem = "a message is cut or too large";
        return made;
    }
    const struct sl_message_type *type = ins_call_type(call, dir);
    json_t *record = record_of(payload, call, dir, message);
    json_t *json = json_object_get(record, "json");
    made.has_unknown = json_object_get(record, "unknown") != NULL;
    if (record == NULL || json_object_get(record, "truncated") != NULL ||
        json_object_get(record, "problems") != NULL) {
        made.problem = "a message cannot be decoded whole";
    } else if (json != NULL) {
        made.json = json_deep_copy(json);
        ins_redact_message(redact, type, made.json);
    } else if (redact->field_count > 0) {
        made.problem = "without a schema nothing in its messages can be redacted";
    } else {
        made.hex = hex_of(call, dir, message);
        made.problem = made.hex == NULL ? "a message without a schema is too large" : NULL;
        made.size += made.hex == NULL ? 0 : strlen(made.hex);
    }
    if (made.json != NULL) {
        made.size += json_dumpb(made.json, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    }
    json_decref(record);
    return made;
}

void ins_export_message_release(struct ins_export_message *message)
{
    json_decref(message->json);
    sl_free(message->hex);
    *message = (struct ins_export_message){0};
}

/* ---- metadata ---- */

static bool is_own(struct sl_span name)
{
    static const char *const added[] = {
        "te",
        "user-agent",
        "content-type",
        "content-length",
        "grpc-timeout",
        "grpc-encoding",
        "grpc-accept-encoding",
        "accept-encoding",
        "connection",
        "host",
        "grpc-previous-rpc-attempts",
    };
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
        if (sl_span_is(name, added[i])) {
            return false;
        }
    }
    return name.len > 0 && name.data[0] != ':';
}

static bool is_binary(struct sl_span name)
{
    return name.len > 4 && memcmp(name.data + name.len - 4, "-bin", 4) == 0;
}

/* Appends the value as a client gives it. */
static void add_value(struct ins_redact *redact, const struct sl_header *field, struct sl_buf *out)
{
    struct sl_buf bytes;
    struct sl_json_out json;
    sl_buf_init(&bytes, BIN_MAX);
    if (ins_redact_has_name(redact, field->name)) {
        char *text = ins_redact_text(field->value);
        redact->replaced++;
        (void)sl_buf_add_str(out, is_binary(field->name) ? "AAAA" : text);
        sl_free(text);
    } else if (is_binary(field->name) && field->value.len > 0 && field->value.data[0] == '\0' &&
               ins_metadata_decode(field->value, &bytes) == SL_OK) {
        struct sl_buf quoted; /* "..." */
        sl_buf_init(&quoted, BIN_MAX * 2);
        sl_json_out_init(&json, &quoted);
        sl_json_out_base64(&json, sl_buf_span(&bytes));
        (void)sl_buf_add(out, quoted.data + 1, quoted.len - 2);
        sl_buf_release(&quoted);
    } else {
        (void)sl_buf_add_span(out, field->value);
    }
    sl_buf_release(&bytes);
}

json_t *ins_export_metadata(struct ins_redact *redact, const struct sl_headers *headers)
{
    json_t *metadata = json_object();
    struct sl_buf value;
    sl_buf_init(&value, BIN_MAX * 4);
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        if (!is_own(field->name)) {
            continue;
        }
        char *name = sl_strndup((const char *)field->name.data, field->name.len);
        json_t *before = json_object_get(metadata, name);
        sl_buf_clear(&value);
        if (before != NULL) {
            (void)sl_buf_add(&value, json_string_value(before), json_string_length(before));
            (void)sl_buf_add_str(&value, is_binary(field->name) ? "," : ", ");
        }
        add_value(redact, field, &value);
        json_t *text = json_stringn_nocheck((const char *)value.data, value.len);
        (void)json_object_set_new_nocheck(metadata, name, text != NULL ? text : json_string(""));
        sl_free(name);
    }
    sl_buf_release(&value);
    return metadata;
}
