/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/metadata.h"

#include <stdlib.h>

#include "inspector/view/names.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"

enum {
    FEW = 32, /* up to here, looking for a name again and again costs less than sorting */
};

static bool is_binary(struct sl_span name)
{
    return name.len > 4 && memcmp(name.data + name.len - 4, "-bin", 4) == 0;
}

static bool is_true_binary(struct sl_span value)
{
    return value.len > 0 && value.data[0] == 0;
}

enum sl_status ins_metadata_decode(struct sl_span value, struct sl_buf *out)
{
    if (is_true_binary(value)) {
        return sl_buf_add_span(out, sl_span_from(value, 1));
    }
    return sl_base64_decode(value, out);
}

/* One value of a "-bin" field. What is no base64 stays as it came. */
static void write_binary(struct sl_json_out *out, struct sl_span value)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, SL_HPACK_LIST_MAX);
    if (ins_metadata_decode(value, &bytes) == SL_OK) {
        sl_json_out_base64(out, sl_buf_span(&bytes));
    } else {
        sl_json_out_span(out, value);
    }
    sl_buf_release(&bytes);
}

/* The part of value up to the next comma; value becomes the rest. */
static struct sl_span next_part(struct sl_span *value)
{
    const uint8_t *comma = memchr(value->data, ',', value->len);
    struct sl_span part = *value;
    if (comma == NULL) {
        *value = sl_span(NULL, 0);
        return part;
    }
    part.len = (size_t)(comma - value->data);
    *value = sl_span_from(*value, part.len + 1);
    while (value->len > 0 && value->data[0] == ' ') {
        *value = sl_span_from(*value, 1);
    }
    return part;
}

struct sl_span ins_metadata_first(struct sl_span value)
{
    return value.len == 0 || is_true_binary(value) ? value : next_part(&value);
}

static bool is_joined(const struct sl_header *field)
{
    return is_binary(field->name) && !is_true_binary(field->value) && field->value.len > 0 &&
           memchr(field->value.data, ',', field->value.len) != NULL;
}

static void write_value(struct sl_json_out *out, const struct sl_header *field)
{
    if (!is_binary(field->name)) {
        sl_json_out_span(out, field->value);
    } else if (!is_joined(field)) {
        write_binary(out, field->value);
    } else {
        struct sl_span rest = field->value;
        while (rest.len > 0) {
            write_binary(out, next_part(&rest));
        }
    }
}

/* Which fields have the same name: next[i] is the next one after i, or count. */
struct chains {
    size_t *next;
    bool *is_later; /* has one of its name before it */
};

static int compare_fields(const void *a, const void *b)
{
    const struct sl_header *const *left = a;
    const struct sl_header *const *right = b;
    size_t left_len = (*left)->name.len;
    size_t right_len = (*right)->name.len;
    size_t len = left_len < right_len ? left_len : right_len;
    int order = len == 0 ? 0 : memcmp((*left)->name.data, (*right)->name.data, len);
    if (order == 0 && left_len != right_len) {
        order = left_len < right_len ? -1 : 1;
    }
    if (order == 0) {
        order = *left < *right ? -1 : 1; /* wire order */
    }
    return order;
}

static void chain_many(const struct sl_headers *headers, struct chains *chains)
{
    const struct sl_header **sorted = sl_calloc(headers->count, sizeof(sorted[0]));
    for (size_t i = 0; i < headers->count; i++) {
        sorted[i] = &headers->fields[i];
    }
    qsort(sorted, headers->count, sizeof(sorted[0]), compare_fields);
    for (size_t i = 0; i + 1 < headers->count; i++) {
        if (sl_span_equal(sorted[i]->name, sorted[i + 1]->name)) {
            size_t later = (size_t)(sorted[i + 1] - headers->fields);
            chains->next[sorted[i] - headers->fields] = later;
            chains->is_later[later] = true;
        }
    }
    sl_free(sorted);
}

static void chain_few(const struct sl_headers *headers, struct chains *chains)
{
    for (size_t i = 0; i < headers->count; i++) {
        for (size_t j = i + 1; j < headers->count; j++) {
            if (sl_span_equal(headers->fields[i].name, headers->fields[j].name)) {
                chains->next[i] = j;
                chains->is_later[j] = true;
                break;
            }
        }
    }
}

static void write_named(struct sl_json_out *out, const struct sl_headers *headers,
                        const struct chains *chains, size_t first)
{
    const struct sl_header *field = &headers->fields[first];
    sl_json_out_key_span(out, field->name);
    if (chains->next[first] == headers->count && !is_joined(field)) {
        write_value(out, field);
        return;
    }
    sl_json_out_begin_array(out);
    for (size_t i = first; i < headers->count; i = chains->next[i]) {
        write_value(out, &headers->fields[i]);
    }
    sl_json_out_end_array(out);
}

void ins_metadata_write(struct sl_json_out *out, const struct sl_headers *headers)
{
    size_t few_next[FEW];
    bool few_later[FEW] = {false};
    bool is_many = headers->count > FEW;
    struct chains chains = {.next = few_next, .is_later = few_later};
    if (is_many) {
        chains.next = sl_calloc(headers->count, sizeof(chains.next[0]));
        chains.is_later = sl_calloc(headers->count, sizeof(chains.is_later[0]));
    }
    for (size_t i = 0; i < headers->count; i++) {
        chains.next[i] = headers->count;
    }
    if (is_many) {
        chain_many(headers, &chains);
    } else {
        chain_few(headers, &chains);
    }
    sl_json_out_begin_object(out);
    for (size_t i = 0; i < headers->count; i++) {
        struct sl_span name = headers->fields[i].name;
        if (!chains.is_later[i] && !sl_span_starts(name, ":")) {
            write_named(out, headers, &chains, i);
        }
    }
    sl_json_out_end_object(out);
    if (is_many) {
        sl_free(chains.next);
        sl_free(chains.is_later);
    }
}

void ins_metadata_write_pairs(struct sl_json_out *out, const struct sl_headers *headers)
{
    sl_json_out_begin_array(out);
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        if (sl_header_is_inferred(field)) {
            continue; /* frames show what is in them */
        }
        sl_json_out_begin_array(out);
        sl_json_out_span(out, field->name);
        if (is_binary(field->name) && !is_joined(field)) {
            write_binary(out, field->value);
        } else {
            sl_json_out_span(out, field->value);
        }
        sl_json_out_end_array(out);
    }
    sl_json_out_end_array(out);
}
