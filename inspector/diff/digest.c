/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/diff/digest.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/alloc.h"

enum {
    PATH_LEN_MAX = 1024,
    DEPTH_MAX = 200,
};

static void on_record(struct ins_renderer *renderer, struct sl_span record, struct sl_buf *out)
{
    (void)out;
    ins_digest_add((struct ins_digest *)renderer, record); /* its first member */
}

static void on_end(struct ins_renderer *renderer, struct sl_span summary, struct sl_buf *out)
{
    (void)renderer;
    (void)summary;
    (void)out;
}

static void on_free(struct ins_renderer *renderer)
{
    (void)renderer; /* the digest outlives the run */
}

void ins_digest_init(struct ins_digest *digest, const struct ins_digest_ignore *ignore)
{
    *digest = (struct ins_digest){.renderer = {.record = on_record, .end = on_end, .free = on_free},
                                  .ignore = ignore};
}

void ins_digest_release(struct ins_digest *digest)
{
    for (size_t i = 0; i < digest->count; i++) {
        sl_free(digest->calls[i].method);
        sl_free(digest->calls[i].status);
        sl_free(digest->calls[i].text);
    }
    sl_free(digest->calls);
    *digest = (struct ins_digest){0};
}

/* ---- what is compared ---- */

/* Does pattern, in which [*] is any index, mean path? */
static bool is_path(const char *pattern, const char *path)
{
    while (*pattern != '\0' && *path != '\0') {
        if (strncmp(pattern, "[*]", 3) == 0 && *path == '[') {
            const char *end = strchr(path, ']');
            if (end == NULL) {
                return false;
            }
            pattern += 3;
            path = end + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == *path;
}

static bool is_ignored(const struct ins_digest_ignore *ignore, const char *key, const char *path)
{
    for (size_t i = 0; i < ignore->count; i++) {
        const char *item = ignore->items[i];
        if (item[0] == '$' ? is_path(item, path) : strcmp(item, key) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes what is ignored out of value, which is at path. */
static void strip(const struct ins_digest_ignore *ignore, json_t *value, char path[PATH_LEN_MAX],
                  unsigned depth)
{
    size_t len = strlen(path);
    const char *key = NULL;
    json_t *member = NULL;
    void *next = NULL;
    size_t at = 0;
    if (depth > DEPTH_MAX) {
        return;
    }
    json_array_foreach (value, at, member) {
        (void)snprintf(path + len, PATH_LEN_MAX - len, "[%zu]", at);
        strip(ignore, member, path, depth + 1);
        path[len] = '\0';
    }
    json_object_foreach_safe(value, next, key, member)
    {
        (void)snprintf(path + len, PATH_LEN_MAX - len, ".%s", key);
        if (is_ignored(ignore, key, path)) {
            (void)json_object_del(value, key);
        } else {
            strip(ignore, member, path, depth + 1);
        }
        path[len] = '\0';
    }
}

/* What one side of the call had to say. */
static json_t *side_of(struct ins_digest *digest, const json_t *side)
{
    json_t *made = json_object();
    json_t *messages = json_array();
    const json_t *shown = json_object_get(side, "messages");
    size_t at = 0;
    json_t *message = NULL;
    json_array_foreach (shown, at, message) {
        static const char *const contents[] = {"json", "raw", "text", "data"};
        json_t *content = NULL;
        for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]) && content == NULL; i++) {
            content = json_object_get(message, contents[i]);
        }
        (void)json_array_append(messages, content == NULL ? json_null() : content);
    }
    (void)json_object_set(made, "metadata", json_object_get(side, "metadata"));
    (void)json_object_set_new(made, "messages", messages);
    (void)json_object_set(made, "message_count", json_object_get(side, "message_count"));
    json_int_t count = json_integer_value(json_object_get(side, "message_count"));
    if ((size_t)count > json_array_size(shown)) {
        (void)json_object_set(made, "bytes", json_object_get(side, "bytes"));
        digest->shortened++;
    }
    if (json_object_get(side, "trailers") != NULL) {
        (void)json_object_set(made, "trailers", json_object_get(side, "trailers"));
    }
    /* They tell of the way and not of the call. */
    (void)json_object_del(json_object_get(made, "metadata"), "grpc-timeout");
    (void)json_object_del(json_object_get(made, "metadata"), "date");
    return made;
}

static json_t *contents_of(struct ins_digest *digest, const json_t *record)
{
    json_t *made = json_object();
    json_t *aborted = json_object_get(record, "aborted");
    (void)json_object_set(made, "method", json_object_get(record, "method"));
    (void)json_object_set(made, "status", json_object_get(record, "status"));
    if (aborted != NULL) {
        (void)json_object_set(made, "aborted", aborted);
    }
    (void)json_object_set(made, "http_status", json_object_get(record, "http_status"));
    (void)json_object_set_new(made, "request", side_of(digest, json_object_get(record, "request")));
    (void)json_object_set_new(made, "response",
                              side_of(digest, json_object_get(record, "response")));
    char path[PATH_LEN_MAX] = "$";
    strip(digest->ignore, made, path, 0);
    return made;
}

/* ---- hashes ---- */

static uint64_t hash_more(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return hash;
}

static uint64_t hash_of(const char *a, const char *b)
{
    uint64_t hash = hash_more(hash_more(UINT64_C(0xcbf29ce484222325), a) + 1, b);
    return hash == 0 ? 1 : hash;
}

static uint64_t hash_json(const char *method, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    uint64_t hash = hash_of(method, text == NULL ? "" : text);
    free(text);
    return hash;
}

/* Of what names this call on all its way. */
static uint64_t hash_id(const char *method, const json_t *record)
{
    static const char *const names[] = {"x-request-id", "traceparent"};
    const json_t *metadata = json_object_get(json_object_get(record, "request"), "metadata");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = json_string_value(json_object_get(metadata, names[i]));
        if (value != NULL && value[0] != '\0') {
            return hash_of(method, value);
        }
    }
    return 0;
}

static char *status_of(const json_t *record)
{
    const json_t *status = json_object_get(record, "status");
    const char *name = json_string_value(json_object_get(status, "name"));
    if (!json_is_object(status)) {
        return sl_strdup("open");
    }
    return name != NULL ? sl_strdup(name)
                        : sl_asprintf("%" JSON_INTEGER_FORMAT,
                                      json_integer_value(json_object_get(status, "code")));
}

static void add_call(struct ins_digest *digest, const json_t *record)
{
    if (digest->count == digest->capacity) {
        digest->capacity = digest->capacity * 2 + 64;
        digest->calls = sl_realloc(digest->calls, digest->capacity * sizeof(digest->calls[0]));
    }
    struct ins_digest_call *call = &digest->calls[digest->count++];
    const char *method = json_string_value(json_object_get(record, "method"));
    const json_t *duration = json_object_get(record, "duration_ms");
    *call = (struct ins_digest_call){
        .id = (uint64_t)json_integer_value(json_object_get(record, "id")),
        .duration_ms = json_is_number(duration) ? json_number_value(duration) : -1,
        .method = sl_strdup(method == NULL ? "" : method),
        .status = status_of(record),
    };
    json_t *contents = contents_of(digest, record);
    char *text = json_dumps(contents, JSON_COMPACT | JSON_SORT_KEYS);
    size_t len = text == NULL ? 0 : strlen(text);
    call->id_hash = hash_id(call->method, record);
    call->method_hash = hash_of(call->method, "");
    call->contents_hash = hash_of("", text == NULL ? "" : text);
    call->request_hash =
        hash_json(call->method, json_object_get(json_object_get(contents, "request"), "messages"));
    if (text != NULL && len <= INS_DIGEST_CALL_TEXT_MAX &&
        digest->text_bytes + len <= INS_DIGEST_TEXT_MAX) {
        call->text = sl_strndup(text, len);
        digest->text_bytes += len;
    } else {
        digest->hashed++;
    }
    free(text);
    json_decref(contents);
}

void ins_digest_add(struct ins_digest *digest, struct sl_span record)
{
    json_t *json = json_loadb((const char *)record.data, record.len, JSON_ALLOW_NUL, NULL);
    const char *type = json_string_value(json_object_get(json, "type"));
    digest->unkept += json == NULL; /* a NUL in a key */
    if (type != NULL && strcmp(type, "call") == 0) {
        if (digest->count == INS_DIGEST_CALLS_MAX) {
            digest->unkept++;
        } else {
            add_call(digest, json);
        }
    }
    json_decref(json);
}
