/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/raw/raw_head.h"

#include <ctype.h>
#include <string.h>

#include "harness/binding/bound.h"
#include "lib/base/hex.h"
#include "lib/wire/hpack_huffman.h"

enum {
    LENGTH_MAX = 0x7f, /* of the 7 bits before a string (RFC 7541 5.1) */
    STRING_MAX = 64 * 1024,
    CODED = 0x80,
};
static const char huffman[] = "huffman:";

enum form {
    AS_IT_IS,
    IN_CAPITALS,
    OTHER_CASE,
};
struct variable {
    const char *name;
    bool is_method;
    enum form form;
};
static const struct variable variables[] = {
    {"$service", false, AS_IT_IS},         {"$method", true, AS_IT_IS},
    {"$SERVICE", false, IN_CAPITALS},      {"$METHOD", true, IN_CAPITALS},
    {"$other-service", false, OTHER_CASE}, {"$other-method", true, OTHER_CASE},
};

static const struct variable *variable_at(const char *text)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (strncmp(text, variables[i].name, strlen(variables[i].name)) == 0) {
            return &variables[i];
        }
    }
    return NULL;
}

const char *har_raw_head_problem(const char *head)
{
    for (const char *at = head; at != NULL && *at != '\0';) {
        if (*at == '{') {
            const char *end = strchr(at, '}');
            for (const char *in = at; end != NULL && in < end; in++) {
                if (*in == '$' && variable_at(in) == NULL) {
                    return "behind $ in head comes service, method, SERVICE, METHOD, other-service "
                           "or other-method";
                }
            }
            if (end == NULL) {
                return "a '{' in head has no '}'";
            }
            at = end + 1;
        } else if (isxdigit((unsigned char)at[0]) && isxdigit((unsigned char)at[1])) {
            at += 2;
        } else {
            return "head must be an even number of hex digits, and strings in braces";
        }
    }
    return NULL;
}

static char flipped(char letter)
{
    unsigned char byte = (unsigned char)letter;
    return (char)(isupper(byte) ? tolower(byte) : toupper(byte));
}

static void add_variable(const struct har_play *play, const struct variable *variable,
                         struct sl_buf *out)
{
    const char *path = har_bound_method(play, HAR_ROLE_UNARY);
    const char *slash = strrchr(path, '/');
    struct sl_span part = variable->is_method ? sl_span_str(slash + 1)
                                              : sl_span(path + 1, (size_t)(slash - path) - 1);
    size_t last = 0; /* where its last word begins */
    for (size_t i = 0; i < part.len; i++) {
        last = part.data[i] == '.' ? i + 1 : last;
    }
    for (size_t i = 0; i < part.len; i++) {
        char letter = (char)part.data[i];
        bool is_flipped = variable->form == OTHER_CASE && i == last;
        bool is_capital = variable->form == IN_CAPITALS;
        letter = is_flipped ? flipped(letter) : letter;
        (void)sl_buf_add_u8(out, (uint8_t)(is_capital ? toupper((unsigned char)letter) : letter));
    }
}

/* The string literal: its length, and itself. */
static void add_string(const struct har_play *play, struct sl_span text, struct sl_buf *out)
{
    struct sl_buf plain;
    struct sl_buf coded;
    sl_buf_init(&plain, STRING_MAX);
    sl_buf_init(&coded, 4 * STRING_MAX);
    bool is_coded = sl_span_starts(text, huffman);
    text = sl_span_from(text, is_coded ? sizeof(huffman) - 1 : 0);
    for (size_t i = 0; i < text.len;) {
        const char *at = (const char *)text.data + i;
        const struct variable *variable = *at == '$' ? variable_at(at) : NULL;
        if (variable == NULL) {
            (void)sl_buf_add_u8(&plain, text.data[i++]);
        } else {
            add_variable(play, variable, &plain);
            i += strlen(variable->name);
        }
    }
    if (is_coded) {
        sl_huffman_encode(sl_buf_span(&plain), &coded);
    } else {
        (void)sl_buf_add_span(&coded, sl_buf_span(&plain));
    }
    size_t len = coded.len;
    uint8_t mark = is_coded ? CODED : 0;
    if (len < LENGTH_MAX) {
        (void)sl_buf_add_u8(out, (uint8_t)(mark | len));
    } else {
        (void)sl_buf_add_u8(out, (uint8_t)(mark | LENGTH_MAX));
        for (len -= LENGTH_MAX; len >= 0x80; len >>= 7) {
            (void)sl_buf_add_u8(out, (uint8_t)(len | 0x80));
        }
        (void)sl_buf_add_u8(out, (uint8_t)len);
    }
    (void)sl_buf_add_span(out, sl_buf_span(&coded));
    sl_buf_release(&plain);
    sl_buf_release(&coded);
}

void har_raw_head_write(const struct har_play *play, const char *head, struct sl_buf *out)
{
    while (*head != '\0') {
        size_t len = strcspn(head, "{");
        if (len > 0 && sl_hex_decode(sl_span(head, len), out) != SL_OK) {
            return; /* the parser has refused it */
        }
        head += len;
        const char *end = *head == '{' ? strchr(head, '}') : NULL;
        if (end != NULL) {
            add_string(play, sl_span(head + 1, (size_t)(end - head) - 1), out);
            head = end + 1;
        }
    }
}
