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

/* One value as it stands on the wire: text, or {"base64": "..."}. */
static json_t *value_of(struct ins_redact *redact, struct sl_span name, struct sl_span value)
{
    bool is_redacted = ins_redact_has_name(redact, name);
    json_t *made = NULL;
    redact->replaced += is_redacted ? 1 : 0;
    if (!is_binary(name)) {
        char *text =
            is_redacted ? ins_redact_text(value) : sl_strndup((const char *)value.data, value.len);
        made = strlen(text) == value.len ? json_string(text) : NULL;
        sl_free(text);
        return made;
    }
    struct sl_buf bytes;
    struct sl_buf quoted; /* "..." */
    struct sl_json_out out;
    sl_buf_init(&bytes, BIN_MAX);
    sl_buf_init(&quoted, BIN_MAX * 2);
    if (ins_metadata_decode(value, &bytes) == SL_OK) {
        if (is_redacted && bytes.len > 0) {
            memset(bytes.data, 0, bytes.len);
        }
        sl_json_out_init(&out, &quoted);
        sl_json_out_base64(&out, sl_buf_span(&bytes));
        made = json_pack("{s:o}", "base64",
                         json_loadb((const char *)quoted.data, quoted.len, JSON_DECODE_ANY, NULL));
    }
    sl_buf_release(&bytes);
    sl_buf_release(&quoted);
    return made;
}

/* value under name, beside what is there; an unusable one as null. */
static void put(json_t *metadata, const char *name, json_t *value)
{
    json_t *before = json_object_get(metadata, name);
    value = value == NULL ? json_null() : value;
    if (json_is_array(before)) {
        (void)json_array_append_new(before, value);
    } else if (before != NULL) {
        (void)json_object_set_new_nocheck(metadata, name, json_pack("[O,o]", before, value));
    } else {
        (void)json_object_set_new_nocheck(metadata, name, value);
    }
}

json_t *ins_export_metadata(struct ins_redact *redact, const struct sl_headers *headers)
{
    json_t *metadata = json_object();
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        struct sl_span rest = field->value;
        if (!is_own(field->name)) {
            continue;
        }
        char *name = sl_strndup((const char *)field->name.data, field->name.len);
        bool is_joined = is_binary(field->name) && (rest.len == 0 || rest.data[0] != '\0');
        for (bool has_more = true; has_more;) {
            struct sl_span first = is_joined ? ins_metadata_first(rest) : rest;
            put(metadata, name, value_of(redact, field->name, first));
            has_more = first.len < rest.len;
            rest = sl_span_from(rest, first.len + 1);
        }
        sl_free(name);
    }
    return metadata;
}
