/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SPAN_H
#define SL_SPAN_H

/*
 * A view of bytes that somebody else owns. Not NUL-terminated; may hold any byte. An empty span may
 * have a NULL data pointer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sl_span {
    const uint8_t *data;
    size_t len;
};

/* For printf's "%.*s": the bytes as they are. */
#define SL_SPAN_ARG(span) (int)(span).len, (span).data == NULL ? "" : (const char *)(span).data

static inline struct sl_span sl_span(const void *data, size_t len)
{
    return (struct sl_span){.data = data, .len = len};
}

/* The bytes of a C string, without its NUL. */
static inline struct sl_span sl_span_str(const char *text)
{
    return sl_span(text, strlen(text));
}

static inline bool sl_span_equal(struct sl_span a, struct sl_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool sl_span_is(struct sl_span span, const char *text)
{
    return sl_span_equal(span, sl_span_str(text));
}

static inline bool sl_span_starts(struct sl_span span, const char *text)
{
    size_t len = strlen(text);
    return span.len >= len && memcmp(span.data, text, len) == 0;
}

/* span without its first skip bytes; empty when it has no more than that. */
static inline struct sl_span sl_span_from(struct sl_span span, size_t skip)
{
    return skip >= span.len ? sl_span(NULL, 0) : sl_span(span.data + skip, span.len - skip);
}

/* The first len bytes of span, or all of it. */
static inline struct sl_span sl_span_first(struct sl_span span, size_t len)
{
    return sl_span(span.data, len < span.len ? len : span.len);
}

/* span without the spaces and tabs at both ends (OWS, RFC 9110 5.6.3). */
static inline struct sl_span sl_span_trim(struct sl_span span)
{
    while (span.len > 0 && (span.data[0] == ' ' || span.data[0] == '\t')) {
        span = sl_span_from(span, 1);
    }
    while (span.len > 0 && (span.data[span.len - 1] == ' ' || span.data[span.len - 1] == '\t')) {
        span.len--;
    }
    return span;
}

/* Takes the next item of a list that is separated by commas off *list, with the spaces around it. False at the end, which is
 * a NULL data pointer; behind a last comma there is one more item, which is empty. */
static inline bool sl_span_next_item(struct sl_span *list, struct sl_span *ret_item)
{
    if (list->data == NULL) {
        return false;
    }
    const uint8_t *comma = (const uint8_t *)memchr(list->data, ',', list->len);
    size_t len = comma == NULL ? list->len : (size_t)(comma - list->data);
    *ret_item = sl_span(list->data, len);
    *list = comma == NULL ? sl_span(NULL, 0) : sl_span(comma + 1, list->len - len - 1);
    return true;
}

#endif
