/* SPDX-License-Identifier: Apache-2.0 */
/* The list of fields of hpack.h. */
#include "lib/base/alloc.h"
#include "lib/wire/headers_inside.h"

enum {
    FIRST_FIELDS = 16,
    NOTED_MAX = 256, /* a place is a byte, from 1 */

    CUT_FIELD_MAX = 512, /* name and value of a field that a cut leaves */
    CUT_KNOWN_MAX = 2048,
    CUT_OTHERS_MAX = 1024,
};

static struct sl_headers_memory *memory_of(struct sl_headers *headers)
{
    if (headers->memory == NULL) {
        headers->memory = sl_calloc(1, sizeof(*headers->memory));
        headers->memory->lists = 1;
    }
    return headers->memory;
}

void sl_headers_release(struct sl_headers *headers)
{
    if (headers == NULL) {
        return;
    }
    struct sl_headers_memory *memory = headers->memory;
    bool has_memory = memory != NULL || headers->fields != NULL || headers->lost != NULL ||
                      headers->places != NULL || headers->bytes.data != NULL;
    if (has_memory && (memory == NULL || --memory->lists == 0)) {
        if (memory != NULL && memory->total != NULL) {
            *memory->total -= memory->bytes;
        }
        sl_free(headers->fields);
        sl_free(headers->lost);
        sl_free(memory);
        sl_free(headers->places);
        sl_buf_release(&headers->bytes);
    }
    *headers = (struct sl_headers){0};
}

void sl_headers_share(struct sl_headers *to, struct sl_headers *from)
{
    sl_headers_release(to);
    memory_of(from)->lists++;
    *to = *from;
}

void sl_headers_clear(struct sl_headers *headers)
{
    if (headers->memory != NULL) {
        sl_headers_release(headers);
        return;
    }
    headers->count = 0;
    headers->lost_count = 0;
    headers->is_truncated = false;
    headers->is_noted = false;
    sl_buf_clear(&headers->bytes);
}

/* A span of the bytes that were at old moves with them; constant ones stay. */
static void follow(struct sl_span *span, uintptr_t old, size_t old_len, const uint8_t *bytes)
{
    uintptr_t offset = (uintptr_t)span->data - old;
    if (span->len > 0 && offset < old_len) {
        span->data = bytes + offset;
    }
}

static void rebase(struct sl_headers *headers, uintptr_t old)
{
    const struct sl_buf *bytes = &headers->bytes;
    for (size_t i = 0; i < headers->count; i++) {
        follow(&headers->fields[i].name, old, bytes->len, bytes->data);
        follow(&headers->fields[i].value, old, bytes->len, bytes->data);
    }
    for (size_t i = 0; i < headers->lost_count; i++) {
        follow(&headers->lost[i].value, old, bytes->len, bytes->data);
    }
}

uint8_t *sl_headers_grow(struct sl_headers *headers, size_t len)
{
    headers->bytes.max = SL_HPACK_LIST_MAX + SL_HEADERS_SLACK;
    uintptr_t old = (uintptr_t)headers->bytes.data;
    uint8_t *room = sl_buf_reserve(&headers->bytes, len);
    if (room != NULL && (uintptr_t)headers->bytes.data != old) {
        rebase(headers, old);
    }
    return room;
}

struct sl_header *sl_headers_more(struct sl_headers *headers)
{
    if (headers->count >= SL_HPACK_FIELDS_MAX) {
        return NULL;
    }
    headers->capacity = headers->capacity == 0 ? FIRST_FIELDS : headers->capacity * 2;
    headers->fields = sl_realloc(headers->fields, headers->capacity * sizeof headers->fields[0]);
    return &headers->fields[headers->count++];
}

struct sl_lost_field *sl_headers_add_lost(struct sl_headers *headers)
{
    if (headers->lost_count >= SL_HPACK_FIELDS_MAX) {
        return NULL;
    }
    if (headers->lost_count == headers->lost_capacity) {
        headers->lost_capacity =
            headers->lost_capacity == 0 ? FIRST_FIELDS : headers->lost_capacity * 2;
        headers->lost = sl_realloc(headers->lost, headers->lost_capacity * sizeof headers->lost[0]);
    }
    struct sl_lost_field *lost = &headers->lost[headers->lost_count++];
    *lost = (struct sl_lost_field){.before = headers->count};
    return lost;
}

enum sl_status sl_headers_add(struct sl_headers *headers, struct sl_span name, struct sl_span value)
{
    if (headers->count >= SL_HPACK_FIELDS_MAX || headers->bytes.len > SL_HPACK_LIST_MAX ||
        name.len > SL_HPACK_LIST_MAX - headers->bytes.len ||
        value.len > SL_HPACK_LIST_MAX - headers->bytes.len - name.len) {
        return SL_LIMIT;
    }
    uint8_t *room = sl_headers_room(headers, name.len + value.len);
    struct sl_header *field = sl_headers_next(headers);
    if (room == NULL || field == NULL) {
        return SL_LIMIT;
    }
    if (name.len > 0) {
        memcpy(room, name.data, name.len);
    }
    if (value.len > 0) {
        memcpy(room + name.len, value.data, value.len);
    }
    headers->bytes.len += name.len + value.len;
    *field = (struct sl_header){
        .name = sl_span(room, name.len),
        .value = sl_span(room + name.len, value.len),
    };
    return SL_OK;
}

enum sl_status sl_headers_recover(struct sl_headers *headers, size_t index, struct sl_span name,
                                  struct sl_span value, enum sl_field_from from)
{
    struct sl_lost_field lost = headers->lost[index];
    /* The value may be the lost field's own, whose bytes move when they grow. */
    bool is_own = lost.has_value && value.data == lost.value.data;
    if (name.len <= SL_HPACK_LIST_MAX && value.len <= SL_HPACK_LIST_MAX &&
        sl_headers_room(headers, name.len + value.len) != NULL && is_own) {
        value.data = headers->lost[index].value.data;
    }
    enum sl_status status = sl_headers_add(headers, name, value);
    if (status != SL_OK) {
        return status;
    }
    struct sl_header field = headers->fields[headers->count - 1];
    field.slot = lost.slot;
    field.is_never_indexed = lost.is_never_indexed;
    field.from = (uint8_t)from;
    memmove(&headers->fields[lost.before + 1], &headers->fields[lost.before],
            (headers->count - 1 - lost.before) * sizeof headers->fields[0]);
    headers->fields[lost.before] = field;
    headers->lost_count--;
    memmove(&headers->lost[index], &headers->lost[index + 1],
            (headers->lost_count - index) * sizeof headers->lost[0]);
    for (size_t i = index; i < headers->lost_count; i++) {
        headers->lost[i].before++;
    }
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

void sl_headers_note(struct sl_headers *headers)
{
    headers->is_noted = headers->count < NOTED_MAX;
    if (!headers->is_noted) {
        return;
    }
    if (headers->places == NULL) {
        headers->places = sl_alloc(SL_HEADERS_MARKS);
    }
    memset(headers->places, 0, SL_HEADERS_MARKS);
    for (size_t i = headers->count; i > 0; i--) { /* so that the first of a mark stays */
        struct sl_span name = headers->fields[i - 1].name;
        headers->places[sl_headers_mark((const char *)name.data, name.len)] = (uint8_t)i;
    }
}

const struct sl_header *sl_headers_search(const struct sl_headers *headers, struct sl_span name)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (is_name(&headers->fields[i], name)) {
            return &headers->fields[i];
        }
    }
    return NULL;
}

size_t sl_headers_tally(const struct sl_headers *headers, struct sl_span name)
{
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++) {
        count += is_name(&headers->fields[i], name) ? 1 : 0;
    }
    return count;
}

size_t sl_headers_size(const struct sl_headers *headers)
{
    return headers->capacity * sizeof headers->fields[0] + headers->bytes.capacity +
           headers->lost_capacity * sizeof headers->lost[0];
}

/* How many bytes of a list that is cut may stand before this field, for it to be kept. */
static size_t room_before(const struct sl_header *field)
{
    if (field->name.len + field->value.len > CUT_FIELD_MAX) {
        return 0;
    }
    bool is_known = sl_span_starts(field->name, ":") || sl_span_starts(field->name, "grpc-") ||
                    sl_span_equal(field->name, sl_span_str("content-type"));
    return is_known ? CUT_KNOWN_MAX : CUT_OTHERS_MAX;
}

static void cut(struct sl_headers *headers)
{
    struct sl_headers kept = {.is_truncated = true};
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        size_t before = kept.bytes.len + kept.count * sizeof kept.fields[0];
        if (before < room_before(field) &&
            sl_headers_add(&kept, field->name, field->value) == SL_OK) {
            struct sl_header *copy = &kept.fields[kept.count - 1];
            copy->slot = field->slot;
            copy->is_never_indexed = field->is_never_indexed;
            copy->from = field->from;
        }
    }
    sl_headers_release(headers);
    *headers = kept;
}

bool sl_headers_keep(struct sl_headers *headers, size_t *total, size_t max)
{
    size_t size = sl_headers_size(headers);
    if (size <= SL_HEADERS_SMALL || (headers->memory != NULL && headers->memory->total != NULL)) {
        return true;
    }
    if (size > max || *total > max - size) {
        cut(headers);
        return false;
    }
    struct sl_headers_memory *memory = memory_of(headers);
    memory->total = total;
    memory->bytes = size;
    *total += size;
    return true;
}
