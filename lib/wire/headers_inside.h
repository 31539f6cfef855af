/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HEADERS_INSIDE_H
#define SL_HEADERS_INSIDE_H

/* Internal to headers.c and hpack_decoder.c: how a decoder appends to a list without a copy between. */
#include "lib/wire/hpack.h"

enum {
    SL_HEADERS_SLACK = 32, /* bytes behind what a list may hold, that a copy may run into */
};

/* Of sl_headers_room() and sl_headers_next(), where the list must grow. */
uint8_t *sl_headers_grow(struct sl_headers *headers, size_t len);
struct sl_header *sl_headers_more(struct sl_headers *headers);

/* len writable bytes behind the list's, which are the list's once bytes.len counts them; NULL past
 * SL_HPACK_LIST_MAX + SL_HEADERS_SLACK. The spans of the list move along. */
static inline uint8_t *sl_headers_room(struct sl_headers *headers, size_t len)
{
    if (len < headers->bytes.capacity - headers->bytes.len) {
        return headers->bytes.data + headers->bytes.len;
    }
    return sl_headers_grow(headers, len);
}

/* One field more, not yet filled in; NULL when there are SL_HPACK_FIELDS_MAX. */
static inline struct sl_header *sl_headers_next(struct sl_headers *headers)
{
    headers->is_noted = false;
    if (headers->count < headers->capacity && headers->count < SL_HPACK_FIELDS_MAX) {
        return &headers->fields[headers->count++];
    }
    return sl_headers_more(headers);
}

/* One lost field more, before the field that comes next; NULL when there are SL_HPACK_FIELDS_MAX. */
struct sl_lost_field *sl_headers_add_lost(struct sl_headers *headers);

#endif
