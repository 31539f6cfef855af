/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http1/head.h"

#include <strings.h>

#include "lib/base/buf.h"

enum {
    NAME_MAX_BYTES = 1024, /* of a field */
    CHUNK_DIGITS_MAX = 16, /* 64 bits in hex */
    SIZE_DIGITS_MAX = 18,  /* of Content-Length: below 2^63 */
};

/* RFC 9110 5.6.2 */
static bool is_token_char(uint8_t c)
{
    bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_alnum || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct sl_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_char(text.data[i])) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_same(struct sl_span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.data, word, text.len) == 0;
}

/* The next line without its end; text becomes the rest. */
static struct sl_span next_line(struct sl_span *text)
{
    const uint8_t *end = text->len == 0 ? NULL : memchr(text->data, '\n', text->len);
    size_t len = end == NULL ? text->len : (size_t)(end - text->data);
    struct sl_span line = sl_span_first(*text, len);
    *text = sl_span_from(*text, len + 1);
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

/* The part of text up to a space; text becomes what is behind it. */
static struct sl_span next_word(struct sl_span *text)
{
    const uint8_t *space = text->len == 0 ? NULL : memchr(text->data, ' ', text->len);
    size_t len = space == NULL ? text->len : (size_t)(space - text->data);
    struct sl_span word = sl_span_first(*text, len);
    *text = sl_span_from(*text, len + 1);
    return word;
}

static bool is_version(struct sl_span text)
{
    return sl_span_is(text, "HTTP/1.1") || sl_span_is(text, "HTTP/1.0");
}

/* --- start lines --- */

/* RFC 9112 3.2: origin-form as it is; of absolute-form what is behind the authority. */
static struct sl_span path_of(struct sl_span target, struct sl_span *ret_authority)
{
    for (size_t i = 0; i + 2 < target.len && i < SIZE_DIGITS_MAX; i++) {
        if (memcmp(target.data + i, "://", 3) == 0) {
            struct sl_span rest = sl_span_from(target, i + 3);
            const uint8_t *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
            size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.data);
            *ret_authority = sl_span_first(rest, len);
            return sl_span_from(rest, len);
        }
    }
    return target;
}

static bool has_control(struct sl_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static const char *read_request_line(struct sl_span line, struct sl_headers *fields)
{
    struct sl_span authority = {0};
    struct sl_span method = next_word(&line);
    struct sl_span target = next_word(&line);
    if (!is_token(method) || target.len == 0 || has_control(target) || !is_version(line)) {
        return "a request line is malformed";
    }
    struct sl_span path = path_of(target, &authority);
    bool is_added = sl_headers_add(fields, sl_span_str(":method"), method) == SL_OK &&
                    sl_headers_add(fields, sl_span_str(":path"), path) == SL_OK &&
                    (authority.len == 0 ||
                     sl_headers_add(fields, sl_span_str(":authority"), authority) == SL_OK);
    return is_added ? NULL : "a head is too large";
}

static const char *read_status_line(struct sl_span line, struct sl_headers *fields,
                                    struct ins_h1_parsed *parsed)
{
    struct sl_span version = next_word(&line);
    struct sl_span status = next_word(&line);
    if (!is_version(version) || status.len != 3 || has_control(line)) {
        return "a status line is malformed";
    }
    for (size_t i = 0; i < 3; i++) {
        uint8_t c = status.data[i];
        if (c < '0' || c > '9') {
            return "a status line is malformed";
        }
        parsed->status = parsed->status * 10 + (unsigned)(c - '0');
    }
    if (parsed->status < 100) {
        return "a status line is malformed";
    }
    (void)sl_headers_add(fields, sl_span_str(":status"), status);
    return NULL;
}

/* --- fields --- */

static const char *read_field(struct sl_span line, struct sl_headers *fields)
{
    uint8_t name[NAME_MAX_BYTES];
    const uint8_t *colon = memchr(line.data, ':', line.len);
    size_t name_len = colon == NULL ? 0 : (size_t)(colon - line.data);
    if (name_len > sizeof(name)) {
        return "the name of a field is too long";
    }
    if (!is_token(sl_span_first(line, name_len))) {
        return "a field line is malformed";
    }
    for (size_t i = 0; i < name_len; i++) {
        uint8_t c = line.data[i];
        name[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    struct sl_span value = sl_span_trim(sl_span_from(line, name_len + 1));
    if (has_control(value)) {
        return "a field line holds control characters";
    }
    struct sl_span key = sl_span(name, name_len);
    if (sl_span_is(key, "host")) {
        if (sl_headers_find(fields, ":authority") != NULL) {
            return NULL; /* RFC 9112 3.2.2: that of the target goes before it */
        }
        key = sl_span_str(":authority");
    }
    return sl_headers_add(fields, key, value) == SL_OK ? NULL : "a head is too large";
}

static const char *read_fields(struct sl_span text, struct sl_headers *fields)
{
    while (text.len > 0) {
        struct sl_span line = next_line(&text);
        if (line.len == 0) {
            break;
        }
        const char *problem = read_field(line, fields);
        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}

const char *ins_h1_trailers_read(struct sl_span text, struct sl_headers *fields)
{
    sl_headers_clear(fields);
    return read_fields(text, fields);
}

/* --- length --- */

static bool read_decimal(struct sl_span text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > SIZE_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret_value = value;
    return true;
}

/* The next member of a list, RFC 9110 5.6.1. */
static struct sl_span next_member(struct sl_span *list)
{
    const uint8_t *comma = list->len == 0 ? NULL : memchr(list->data, ',', list->len);
    size_t len = comma == NULL ? list->len : (size_t)(comma - list->data);
    struct sl_span member = sl_span_trim(sl_span_first(*list, len));
    *list = sl_span_from(*list, len + 1);
    return member;
}

/* RFC 9112 6.3: all values of all Content-Length fields are the same number. */
static const char *read_lengths(const struct sl_headers *fields, bool *ret_is_there,
                                uint64_t *ret_count)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct sl_span list = fields->fields[i].value;
        if (!sl_span_is(fields->fields[i].name, "content-length")) {
            continue;
        }
        do {
            uint64_t count = 0;
            if (!read_decimal(next_member(&list), &count)) {
                return "a Content-Length is no number";
            }
            if (*ret_is_there && count != *ret_count) {
                return "its Content-Lengths contradict each other";
            }
            *ret_is_there = true;
            *ret_count = count;
        } while (list.len > 0);
    }
    return NULL;
}

/* True when the last coding is "chunked"; *ret_is_there when there is any. */
static bool ends_in_chunked(const struct sl_headers *fields, bool *ret_is_there)
{
    bool is_chunked = false;
    for (size_t i = 0; i < fields->count; i++) {
        struct sl_span list = fields->fields[i].value;
        if (!sl_span_is(fields->fields[i].name, "transfer-encoding")) {
            continue;
        }
        while (list.len > 0) {
            is_chunked = is_same(next_member(&list), "chunked");
            *ret_is_there = true;
        }
    }
    return is_chunked;
}

/* RFC 9112 6.3, but for what depends on the request. */
static const char *read_length(bool is_request, const struct sl_headers *fields,
                               struct ins_h1_parsed *parsed)
{
    bool has_length = false;
    bool has_coding = false;
    const char *problem = read_lengths(fields, &has_length, &parsed->count);
    bool is_chunked = ends_in_chunked(fields, &has_coding);
    bool is_bodiless = parsed->status / 100 == 1 || parsed->status == 204 || parsed->status == 304;
    if (is_bodiless) {
        parsed->length = INS_H1_EMPTY;
        return NULL;
    }
    if (has_coding && has_length) {
        parsed->problem = "both Transfer-Encoding and Content-Length are there";
    } else if (!has_coding && problem != NULL) {
        return problem;
    }
    if (has_coding && !is_chunked && is_request) {
        return "the length of a request is not told: its last coding is not chunked";
    }
    if (has_coding) {
        parsed->length = is_chunked ? INS_H1_CHUNKED : INS_H1_UNTIL_CLOSE;
    } else if (has_length) {
        parsed->length = parsed->count == 0 ? INS_H1_EMPTY : INS_H1_COUNTED;
    } else {
        parsed->length = is_request ? INS_H1_EMPTY : INS_H1_UNTIL_CLOSE;
    }
    return NULL;
}

const char *ins_h1_head_read(bool is_request, struct sl_span text, struct sl_headers *fields,
                             struct ins_h1_parsed *ret_parsed)
{
    *ret_parsed = (struct ins_h1_parsed){0};
    sl_headers_clear(fields);
    struct sl_span line = next_line(&text);
    const char *problem =
        is_request ? read_request_line(line, fields) : read_status_line(line, fields, ret_parsed);
    if (problem == NULL) {
        problem = read_fields(text, fields);
    }
    return problem == NULL ? read_length(is_request, fields, ret_parsed) : problem;
}

bool ins_h1_chunk_size(struct sl_span line, uint64_t *ret_size)
{
    size_t digits = 0;
    uint64_t size = 0;
    for (; digits < line.len; digits++) {
        uint8_t c = line.data[digits];
        uint8_t low = c | 0x20;
        if (c >= '0' && c <= '9') {
            size = size << 4 | (uint64_t)(c - '0');
        } else if (low >= 'a' && low <= 'f') {
            size = size << 4 | (uint64_t)(low - 'a' + 10);
        } else {
            break;
        }
    }
    struct sl_span rest = sl_span_trim(sl_span_from(line, digits));
    if (digits == 0 || digits > CHUNK_DIGITS_MAX || (rest.len > 0 && rest.data[0] != ';')) {
        return false;
    }
    *ret_size = size;
    return !has_control(rest);
}
