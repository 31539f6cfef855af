/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/export/redact.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "lib/base/alloc.h"

enum {
    PATH_MAX_LEN = 512,
    DEPTH_MAX = 100, /* messages in messages; what is deeper is replaced whole */
};

static const char metadata_prefix[] = "metadata:";

enum sl_status ins_redact_add(struct ins_redact *redact, const char *path,
                              struct sl_error *reterr_error)
{
    size_t prefix_len = sizeof(metadata_prefix) - 1;
    bool is_name = strncmp(path, metadata_prefix, prefix_len) == 0;
    const char *what = is_name ? path + prefix_len : path;
    const char **list = is_name ? redact->names : redact->fields;
    size_t *count = is_name ? &redact->name_count : &redact->field_count;
    if (*what == '\0' || strlen(what) >= PATH_MAX_LEN) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "give Type.field, a path of fields, or metadata:NAME");
    }
    if (*count == INS_REDACT_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "more than %d are given", INS_REDACT_MAX);
    }
    list[(*count)++] = what;
    return SL_OK;
}

static bool holds(struct sl_span name, const char *part)
{
    return memmem(name.data, name.len, part, strlen(part)) != NULL;
}

bool ins_redact_has_name(const struct ins_redact *redact, struct sl_span name)
{
    static const char *const secrets[] = {"authorization", "proxy-authorization", "cookie",
                                          "set-cookie", "x-api-key"};
    static const char *const parts[] = {"token", "secret", "password"};
    for (size_t i = 0; i < redact->name_count; i++) {
        size_t len = strlen(redact->names[i]);
        if (len == name.len &&
            strncasecmp(redact->names[i], (const char *)name.data, name.len) == 0) {
            return true;
        }
    }
    bool is_secret = false;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        is_secret |= sl_span_is(name, secrets[i]);
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        is_secret |= holds(name, parts[i]);
    }
    return is_secret && !redact->keeps_secrets;
}

char *ins_redact_text(struct sl_span value)
{
    char *text = sl_strndup((const char *)value.data, value.len);
    for (char *c = text; *c != '\0'; c++) {
        if (isdigit((unsigned char)*c)) {
            *c = '0';
        } else if (isupper((unsigned char)*c)) {
            *c = 'X';
        } else if (isalpha((unsigned char)*c) || (*c & 0x80) != 0) {
            *c = 'x';
        }
    }
    return text;
}

static json_t *text_of_base64(const char *value, size_t len)
{
    char *text = sl_strndup(value, len);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '=' ? '=' : 'A';
    }
    json_t *json = json_string(text);
    sl_free(text);
    return json;
}

static bool is_time(const struct sl_field *field)
{
    return field != NULL && field->message != NULL &&
           field->message->well_known == SL_WKT_TIMESTAMP;
}

static bool is_duration(const struct sl_field *field)
{
    return field != NULL && field->message != NULL && field->message->well_known == SL_WKT_DURATION;
}

static bool is_number(const struct sl_field *field)
{
    return field != NULL && field->type != SL_TYPE_STRING && field->type != SL_TYPE_BYTES &&
           field->message == NULL;
}

/* What takes the place of value; field is NULL where it is not known, or the value is deeper than its field. */
static json_t *placeholder(const json_t *value, const struct sl_field *field, unsigned depth)
{
    const char *key = NULL;
    json_t *member = NULL;
    json_t *made = NULL;
    size_t at = 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        const struct sl_message_type *type = field == NULL ? NULL : field->message;
        made = json_object();
        json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
            const struct sl_field *inner =
                type == NULL ? NULL : sl_message_type_field_named(type, sl_span_str(key));
            json_t *put = depth < DEPTH_MAX ? placeholder(member, inner, depth + 1) : json_null();
            bool is_kept = key[0] == '@'; /* the type of an Any */
            (void)json_object_set_new_nocheck(made, key, is_kept ? json_deep_copy(member) : put);
            if (is_kept) {
                json_decref(put);
            }
        }
        return made;
    }
    case JSON_ARRAY:
        made = json_array();
        json_array_foreach (value, at, member) {
            (void)json_array_append_new(
                made, depth < DEPTH_MAX ? placeholder(member, field, depth + 1) : json_null());
        }
        return made;
    case JSON_STRING:
        if (is_time(field)) {
            return json_string("1970-01-01T00:00:00Z");
        }
        if (is_duration(field)) {
            return json_string("0s");
        }
        if (is_number(field)) {
            return json_integer(0);
        }
        if (field != NULL && field->type == SL_TYPE_BYTES) {
            return text_of_base64(json_string_value(value), json_string_length(value));
        }
        {
            char *text =
                ins_redact_text(sl_span(json_string_value(value), json_string_length(value)));
            made = json_string_nocheck(text);
            sl_free(text);
        }
        return made;
    case JSON_INTEGER:
    case JSON_REAL:
        return json_integer(0);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_false();
    case JSON_NULL:
        break;
    }
    return json_null();
}

/* The last part of a full name. */
static const char *last_name(const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot == NULL ? full : dot + 1;
}

/* True when pattern is prefix, a dot, and name. */
static bool is_path(const char *pattern, const char *prefix, const char *name)
{
    size_t len = strlen(prefix);
    if (len == 0) {
        return strcmp(pattern, name) == 0;
    }
    return strncmp(pattern, prefix, len) == 0 && pattern[len] == '.' &&
           strcmp(pattern + len + 1, name) == 0;
}

static bool is_asked(const struct ins_redact *redact, const struct sl_message_type *type,
                     const char *path, const char *key, const struct sl_field *field)
{
    const char *names[2] = {key, field == NULL ? key : field->name};
    for (size_t i = 0; i < redact->field_count; i++) {
        for (size_t j = 0; j < 2; j++) {
            const char *pattern = redact->fields[i];
            if (is_path(pattern, path, names[j]) ||
                (type != NULL && (is_path(pattern, type->full_name, names[j]) ||
                                  is_path(pattern, last_name(type->full_name), names[j])))) {
                return true;
            }
        }
    }
    return false;
}

/* path: of message, from the top; names as in JSON. */
static void walk(struct ins_redact *redact, const struct sl_message_type *type, json_t *message,
                 const char *path, unsigned depth)
{
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    size_t at = 0;
    if (depth > DEPTH_MAX) {
        return;
    }
    json_t *item = NULL;
    json_array_foreach (message, at, item) {
        walk(redact, type, item, path, depth + 1);
    }
    json_object_foreach_safe(message, next, key, value)
    {
        const struct sl_field *field =
            type == NULL ? NULL : sl_message_type_field_named(type, sl_span_str(key));
        if (is_asked(redact, type, path, key, field)) {
            (void)json_object_set_new_nocheck(message, key, placeholder(value, field, 0));
            redact->replaced++;
            continue;
        }
        char below[PATH_MAX_LEN * 2];
        int len = snprintf(below, sizeof(below), "%s%s%s", path, path[0] == '\0' ? "" : ".", key);
        if (len < (int)sizeof(below)) {
            walk(redact, field == NULL ? NULL : field->message, value, below, depth + 1);
        }
    }
}

void ins_redact_message(struct ins_redact *redact, const struct sl_message_type *type,
                        json_t *message)
{
    if (redact->field_count > 0) {
        walk(redact, type, message, "", 0);
    }
}
