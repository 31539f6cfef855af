/* SPDX-License-Identifier: Apache-2.0 */
/* The list of fields of hpack.h. */
#include "lib/base/alloc.h"
#include "lib/wire/hpack.h"

enum {
    FIRST_FIELDS = 16,
};

void sl_headers_release(struct sl_headers *headers)
{
    if (headers != NULL) {
        sl_free(headers->fields);
        sl_buf_release(&headers->bytes);
        *headers = (struct sl_headers){0};
    }
}

void sl_headers_clear(struct sl_headers *headers)
{
    headers->count = 0;
    headers->lost_count = 0;
    headers->is_truncated = false;
    sl_buf_clear(&headers->bytes);
}

/* The buffer moved: the spans follow it. Values lie behind their names, without space between. */
static void rebase(struct sl_headers *headers)
{
    const uint8_t *at = headers->bytes.data;
    for (size_t i = 0; i < headers->count; i++) {
        struct sl_header *field = &headers->fields[i];
        field->name.data = at;
        field->value.data = at + field->name.len;
        at += field->name.len + field->value.len;
    }
}

enum sl_status sl_headers_add(struct sl_headers *headers, struct sl_span name, struct sl_span value)
{
    headers->bytes.max = SL_HPACK_LIST_MAX;
    if (headers->count == SL_HPACK_FIELDS_MAX || name.len > SL_HPACK_LIST_MAX ||
        value.len > SL_HPACK_LIST_MAX - name.len) {
        return SL_LIMIT;
    }
    const uint8_t *before = headers->bytes.data;
    uint8_t *room = sl_buf_reserve(&headers->bytes, name.len + value.len);
    if (room == NULL) {
        return SL_LIMIT;
    }
    if (headers->bytes.data != before) {
        rebase(headers);
    }
    if (headers->count == headers->capacity) {
        headers->capacity = headers->capacity == 0 ? FIRST_FIELDS : headers->capacity * 2;
        headers->fields =
            sl_realloc(headers->fields, headers->capacity * sizeof headers->fields[0]);
    }
    if (name.len > 0) {
        memcpy(room, name.data, name.len);
    }
    if (value.len > 0) {
        memcpy(room + name.len, value.data, value.len);
    }
    sl_buf_commit(&headers->bytes, name.len + value.len);
    headers->fields[headers->count] = (struct sl_header){
        .name = sl_span(room, name.len),
        .value = sl_span(room + name.len, value.len),
    };
    headers->count++;
    return SL_OK;
}

/* Most names differ in length or in their last byte, which is dearer to call memcmp() for. */
static bool is_name(const struct sl_header *field, struct sl_span wanted)
{
    size_t len = wanted.len;
    return field->name.len == len &&
           (len == 0 || (field->name.data[len - 1] == wanted.data[len - 1] &&
                         memcmp(field->name.data, wanted.data, len) == 0));
}

const struct sl_header *sl_headers_find(const struct sl_headers *headers, const char *name)
{
    struct sl_span wanted = sl_span_str(name);
    for (size_t i = 0; i < headers->count; i++) {
        if (is_name(&headers->fields[i], wanted)) {
            return &headers->fields[i];
        }
    }
    return NULL;
}

size_t sl_headers_count(const struct sl_headers *headers, const char *name)
{
    struct sl_span wanted = sl_span_str(name);
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++) {
        count += is_name(&headers->fields[i], wanted) ? 1 : 0;
    }
    return count;
}
