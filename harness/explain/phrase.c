/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/phrase.h"

#include <stdio.h>
#include <string.h>

#include "harness/scenario/predicate.h"
#include "lib/base/units.h"

enum {
    VALUE_MAX = 300, /* bytes of one value in a sentence */
    DEPTH_MAX = 8,
    KEY_MAX = 128,
};

/* ---- values ---- */

static void add_value(struct sl_buf *out, const json_t *value, unsigned depth);

static void add_array(struct sl_buf *out, const json_t *value, unsigned depth)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)sl_buf_add_str(out, i == 0 ? "" : ", ");
        add_value(out, json_array_get(value, i), depth + 1);
    }
}

/* "PING (opaque 7)" where it has a type, else "opaque 7, count 2". */
static void add_object(struct sl_buf *out, const json_t *value, unsigned depth)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    const char *key = NULL;
    json_t *item = NULL;
    bool is_first = true;
    if (type != NULL) {
        (void)sl_buf_add_str(out, type);
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        if (type != NULL && strcmp(key, "type") == 0) {
            continue;
        }
        (void)sl_buf_addf(out, "%s%s ", is_first ? type != NULL ? " (" : "" : ", ", key);
        add_value(out, item, depth + 1);
        is_first = false;
    }
    (void)sl_buf_add_str(out, type != NULL && !is_first ? ")" : "");
}

static void add_value(struct sl_buf *out, const json_t *value, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        (void)sl_buf_add_str(out, "...");
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        (void)sl_buf_add_str(out, text[0] == '\0' ? "\"\"" : text);
    } else if (json_is_integer(value)) {
        (void)sl_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)sl_buf_addf(out, "%.10g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        (void)sl_buf_add_str(out, json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value)) {
        add_array(out, value, depth);
    } else if (json_is_object(value)) {
        add_object(out, value, depth);
    } else {
        (void)sl_buf_add_str(out, "null");
    }
}

void har_phrase_value(struct sl_buf *out, const json_t *value)
{
    size_t start = out->len;
    add_value(out, value, 0);
    if (out->len > start + VALUE_MAX) {
        sl_buf_truncate(out, start + VALUE_MAX);
        while (out->len > start && (out->data[out->len - 1] & 0xc0) == 0x80) {
            sl_buf_truncate(out, out->len - 1); /* not inside a character */
        }
        if (out->len > start && out->data[out->len - 1] >= 0xc0) {
            sl_buf_truncate(out, out->len - 1);
        }
        (void)sl_buf_add_str(out, "...");
    }
}

/* Numbers and expressions of times are in milliseconds. */
static void add_time(struct sl_buf *out, const json_t *value)
{
    const char *text = json_string_value(value);
    uint64_t ns = 0;
    bool has_unit = text != NULL && sl_units_duration(sl_span_str(text), &ns) == SL_OK;
    har_phrase_value(out, value);
    (void)sl_buf_add_str(out, has_unit ? "" : " ms");
}

static void add_range(struct sl_buf *out, const json_t *value)
{
    if (json_array_size(value) == 2) {
        har_phrase_value(out, json_array_get(value, 0));
        (void)sl_buf_add_str(out, " to ");
        har_phrase_value(out, json_array_get(value, 1));
    } else {
        (void)sl_buf_add_str(out, "exactly ");
        har_phrase_value(out, value);
    }
}

/* ---- templates ---- */

/* One "{key:text|else}" or "{key=value:text|else}", without its braces. */
struct slot {
    struct sl_span key, wanted, yes, no;
};

static struct sl_span cut(struct sl_span *rest, char at)
{
    const uint8_t *found = rest->len == 0 ? NULL : memchr(rest->data, at, rest->len);
    size_t len = found == NULL ? rest->len : (size_t)(found - rest->data);
    struct sl_span head = sl_span(rest->data, len);
    *rest = sl_span_from(*rest, len + (found != NULL));
    return head;
}

static struct slot read_slot(struct sl_span text)
{
    struct slot slot = {.key = cut(&text, ':')};
    slot.yes = cut(&text, '|');
    slot.no = text;
    struct sl_span key = slot.key;
    slot.key = cut(&key, '=');
    slot.wanted = key;
    return slot;
}

static const json_t *find(const json_t *args, struct sl_span path)
{
    while (path.len > 0 && args != NULL) {
        char key[KEY_MAX];
        struct sl_span head = cut(&path, '.');
        (void)snprintf(key, sizeof(key), "%.*s", (int)head.len, (const char *)head.data);
        args = json_object_get(args, key);
    }
    return args;
}

static void add_text(struct sl_buf *out, struct sl_span text, const json_t *value)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t next = i + 1 < text.len ? text.data[i + 1] : 0;
        if (text.data[i] != '%') {
            (void)sl_buf_add_u8(out, text.data[i]);
        } else if (next == 't') {
            add_time(out, value);
            i++;
        } else if (next == '~') {
            add_range(out, value);
            i++;
        } else if (next == 'w' && json_is_string(value)) {
            har_predicate_words(out, json_string_value(value));
            i++;
        } else {
            har_phrase_value(out, value);
            i += next == 'w';
        }
    }
}

/* "!a,b": none of them is there. */
static bool has_none(const json_t *args, struct sl_span keys)
{
    bool has_any = false;
    for (keys = sl_span_from(keys, 1); keys.len > 0;) {
        has_any |= find(args, cut(&keys, ',')) != NULL;
    }
    return !has_any;
}

static void add_slot(struct sl_buf *out, struct sl_span text, const json_t *args)
{
    struct slot slot = read_slot(text);
    if (slot.key.len > 0 && slot.key.data[0] == '!') {
        add_text(out, has_none(args, slot.key) ? slot.yes : slot.no, NULL);
        return;
    }
    const json_t *value = find(args, slot.key);
    bool is_so = value != NULL;
    if (is_so && slot.wanted.len > 0) {
        struct sl_buf shown;
        sl_buf_init(&shown, VALUE_MAX + 16);
        har_phrase_value(&shown, value);
        is_so = sl_span_equal(sl_buf_span(&shown), slot.wanted);
        sl_buf_release(&shown);
    }
    if (value != NULL || slot.wanted.len == 0) {
        add_text(out, is_so ? slot.yes : slot.no, value);
    }
}

/* True where the template says something of the key. */
static bool is_told(const char *template, const char *key)
{
    size_t len = strlen(key);
    for (const char *c = strchr(template, '{'); c != NULL; c = strchr(c + 1, '{')) {
        if (strncmp(c + 1, key, len) == 0 && strchr(":=.", c[1 + len]) != NULL) {
            return true;
        }
    }
    return false;
}

static void add_others(struct sl_buf *out, const char *template, const json_t *args,
                       const char *const *names)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)args, key, value) {
        bool is_elsewhere = false;
        for (size_t i = 0; names[i] != NULL; i++) {
            is_elsewhere |= strcmp(names[i], key) == 0;
        }
        if (!is_elsewhere && !is_told(template, key)) {
            (void)sl_buf_addf(out, "; %s ", key);
            har_phrase_value(out, value);
        }
    }
}

void har_phrase_add(struct sl_buf *out, const char *template, const json_t *args, bool is_plural,
                    const char *const *names)
{
    for (struct sl_span rest = sl_span_str(template); rest.len > 0;) {
        uint8_t c = rest.data[0];
        rest = sl_span_from(rest, 1);
        if (c == '{') {
            add_slot(out, cut(&rest, '}'), args);
        } else if (c == '[') {
            struct sl_span many = cut(&rest, ']');
            struct sl_span one = cut(&many, '/');
            (void)sl_buf_add_span(out, is_plural ? many : one);
        } else {
            (void)sl_buf_add_u8(out, c);
        }
    }
    add_others(out, template, args, names);
}
