/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/predicate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/names.h"

/* Of the counters of expressions; % is the actors. */
static const struct {
    const char *name, *words;
} counters[] = {
    {"received", "the number of messages that % received"},
    {"least_received", "the least number that one of % received"},
    {"sent", "the number of messages that % sent"},
    {"accepted", "the number of messages of % that were accepted"},
    {"replied", "the number of replies that % got"},
    {"acked", "the number of acks that % got"},
    {"pings", "the number of pings that % got"},
    {"open", "the number of open streams of %"},
    {"ended", "the number of streams of % that the server ended"},
    {"client_messages", "the number of messages of clients that % received, each once"},
    {"client_repeats", "the number of messages of clients that % received again"},
    {"running", "the number of clients of % that run"},
    {"connects", "the number of connections that came from %"},
    {"open_connections", "the number of connections of % that are open"},
    {"left", "the number of connections that % closed"},
    {"sends", "the number of calls of SendMessage of %"},
    {"connected", "the number of connections of % that are up"},
    {"closed", "the number of connections of % that the server ended"},
    {"unreadable", "the number of connections of % on which the server sent what is no HTTP/2"},
    {"goaways", "the number of GOAWAYs that % got"},
    {"told_to_go", "the number of connections of % that got a GOAWAY"},
    {"resets", "the number of RST_STREAMs that % got"},
    {"refused", "the number of REFUSED_STREAMs that % got"},
    {"settings_acks", "the number of SETTINGS acks that % got"},
    {"ping_acks", "the number of PING acks that % got"},
    {"data_frames", "the number of DATA frames that % got"},
    {"headers_frames", "the number of HEADERS frames that % got"},
    {"settings_frames", "the number of SETTINGS frames that % got"},
    {"ping_frames", "the number of PING frames that % got"},
    {"window_updates", "the number of WINDOW_UPDATEs that % got"},
    {"statuses", "the number of statuses that % got"},
    {"served", "the number of calls of % that ended with status OK"},
    {"data_frames_sent", "the number of DATA frames that % sent"},
    {"data_bytes", "the number of bytes of DATA that % got"},
    {"data_bytes_sent", "the number of bytes of DATA that % sent"},
    {"frame_limit", "the longest frame that the server takes of %"},
    {"stream_limit", "the number of streams that the server allows %"},
    {"stream_window", "the window that the server gives each new stream of %"},
    {"stream_credit", "the bytes by which the server widened windows of streams of %"},
    {"credit", "the bytes that the server's connection window has allowed %"},
    {"table_limit", "the bytes of the HPACK table that the server allows %"},
    {"goaway_last", "the last stream that GOAWAY told %"},
};
static const struct {
    const char *sign, *words;
} signs[] = {
    {"&&", "and"},         {"||", "or"},         {"==", "is"},          {"!=", "is not"},
    {">=", "is at least"}, {"<=", "is at most"}, {">", "is more than"}, {"<", "is less than"},
};

bool har_selector_words(struct sl_buf *out, const char *selector)
{
    if (strcmp(selector, "*") == 0) {
        (void)sl_buf_add_str(out, "everybody");
        return false;
    }
    bool is_several = strchr(selector, ',') != NULL;
    const char *last = strrchr(selector, ',');
    for (const char *c = selector; *c != '\0'; c++) {
        if (*c == ',') {
            (void)sl_buf_add_str(out, c == last ? " and " : ", ");
        } else {
            (void)sl_buf_add_u8(out, (uint8_t)*c);
        }
    }
    return is_several;
}

/* "received(a,b)" at text, into out; the bytes that it took, 0 where it is none. */
static size_t add_counter(struct sl_buf *out, const char *text)
{
    size_t name_len = 0;
    while (isalnum((unsigned char)text[name_len]) || text[name_len] == '_') {
        name_len++;
    }
    const char *end = text[name_len] == '(' ? strchr(text + name_len, ')') : NULL;
    for (size_t i = 0; end != NULL && i < sizeof(counters) / sizeof(counters[0]); i++) {
        if (strlen(counters[i].name) != name_len ||
            strncmp(counters[i].name, text, name_len) != 0) {
            continue;
        }
        char actors[256];
        const char *mark = strchr(counters[i].words, '%');
        (void)snprintf(actors, sizeof(actors), "%.*s", (int)(end - text - (long)name_len - 1),
                       text + name_len + 1);
        (void)sl_buf_add(out, counters[i].words, (size_t)(mark - counters[i].words));
        (void)har_selector_words(out, actors);
        (void)sl_buf_add_str(out, mark + 1);
        return (size_t)(end - text) + 1;
    }
    return 0;
}

static size_t add_sign(struct sl_buf *out, const char *text)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (strncmp(text, signs[i].sign, strlen(signs[i].sign)) == 0) {
            (void)sl_buf_add_str(out, signs[i].words);
            return strlen(signs[i].sign);
        }
    }
    return 0;
}

void har_predicate_words(struct sl_buf *out, const char *text)
{
    bool is_in_word = false;
    while (*text != '\0') {
        size_t len = is_in_word ? 0 : add_counter(out, text);
        len = len > 0 ? len : add_sign(out, text);
        if (len == 0) {
            (void)sl_buf_add_u8(out, (uint8_t)*text);
            len = 1;
        }
        is_in_word = isalnum((unsigned char)text[len - 1]) || text[len - 1] == '_';
        text += len;
    }
}

static bool is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

bool har_predicate_next(const char **text, struct sl_span *ret_name)
{
    for (const char *c = *text; *c != '\0';) {
        size_t len = 0;
        while (is_of_name(c[len])) {
            len++;
        }
        if (len == 0) {
            c++;
            continue;
        }
        struct sl_span name = sl_span(c, len);
        const char *end = c[len] == '(' ? strchr(c + len, ')') : NULL;
        bool is_counter = end != NULL && har_counter_find(name) != HAR_COUNTERS;
        if (is_counter) {
            name.len = (size_t)(end - c) + 1;
        }
        if (is_counter || (c[len] != '(' && isalpha((unsigned char)c[0]))) {
            *ret_name = name;
            *text = c + name.len;
            return true;
        }
        c += len;
    }
    return false;
}
