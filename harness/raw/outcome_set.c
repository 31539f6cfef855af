/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/raw/outcome_set.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/wire/grpc_status.h"

enum { HTTP_ERRORS = 400 }; /* and above (RFC 9110 15.5, 15.6) */

/* The word behind "stream " and so on; NULL when it is not that kind. */
static const char *after(const char *word, const char *kind)
{
    size_t len = strlen(kind);
    return strncmp(word, kind, len) == 0 && word[len] == ' ' ? word + len + 1 : NULL;
}

static bool is_error(const char *name, uint32_t code)
{
    const char *seen = sl_h2_error_name(code);
    return strcmp(name, "*") == 0 || (seen != NULL && strcmp(seen, name) == 0);
}

static bool is_status(const char *name, uint32_t code)
{
    const char *seen = sl_grpc_status_name(code);
    return strcmp(name, "*") == 0 || (strcmp(name, "error") == 0 && code != SL_GRPC_OK) ||
           (seen != NULL && strcmp(seen, name) == 0);
}

/* An answer of HTTP alone: a response that has ended, by a block or DATA, without a grpc-status. */
static bool is_http(const char *name, const struct har_wire_stream *stream)
{
    char status[16];
    if (!stream->is_ended || stream->http_status == 0) {
        return false;
    }
    (void)snprintf(status, sizeof(status), "%u", stream->http_status);
    return strcmp(name, "error") == 0 ? !stream->has_status && stream->http_status >= HTTP_ERRORS
                                      : strcmp(name, status) == 0;
}

static const char *error_of(const char *word)
{
    static const char *const kinds[] = {"stream", "connection", "goaway"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (after(word, kinds[i]) != NULL) {
            return after(word, kinds[i]);
        }
    }
    return NULL;
}

bool har_outcome_is_valid(const char *word)
{
    static const char *const plain[] = {"served", "closed", "ignored", "unreadable"};
    uint32_t code = 0;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (strcmp(word, plain[i]) == 0) {
            return true;
        }
    }
    const char *error = error_of(word);
    for (uint32_t i = 0; error != NULL && sl_h2_error_name(i) != NULL; i++) {
        if (is_error(error, i)) {
            return true;
        }
    }
    const char *status = after(word, "status");
    if (status != NULL) {
        return strcmp(status, "*") == 0 || strcmp(status, "error") == 0 ||
               sl_grpc_status_parse(sl_span_str(status), &code) == SL_OK;
    }
    const char *http = after(word, "http");
    return http != NULL &&
           (strcmp(http, "error") == 0 || (strlen(http) == 3 && strspn(http, "0123456789") == 3));
}

bool har_outcome_may_close(const char *word)
{
    return strcmp(word, "closed") == 0 || strcmp(word, "unreadable") == 0 || error_of(word) != NULL;
}

struct har_wire_outcome har_outcome_of(const struct har_actor *actor)
{
    const struct har_link *link = actor->link;
    const struct har_wire *wire = &link->wire;
    struct har_wire_outcome seen = {.end_text = link->end_text};
    struct har_wire_stream *stream = NULL;
    HASH_FIND(hh, wire->streams, &actor->raw_told, sizeof(actor->raw_told), stream);
    bool is_answered = stream != NULL && (stream->is_ended || stream->has_status);
    seen.stream = is_answered ? stream : NULL;
    seen.has_goaway = wire->frames[SL_H2_GOAWAY] > 0;
    seen.goaway = wire->goaway_code;
    seen.is_unreadable = link->has_ended && link->how == HAR_CONN_ERROR;
    seen.is_closed = link->has_ended && !seen.is_unreadable;
    seen.is_ending = seen.has_goaway && seen.goaway == SL_H2_NO_ERROR && !link->has_ended;
    seen.is_anything = is_answered || seen.has_goaway || link->has_ended;
    return seen;
}

/* A reset with NO_ERROR behind a status of OK asks for no more of the request, and is no outcome. */
static bool is_served(const struct har_wire_stream *stream)
{
    return stream->has_status && stream->status == SL_GRPC_OK &&
           stream->reset_code == SL_H2_NO_ERROR;
}

/* NO_ERROR is no error (RFC 9113 7): behind an answer that tells of one it asks for no more of the request (8.1), by itself it
 * only is right where a scenario names it. */
static bool tells_error(const char *name, const struct har_wire_stream *stream)
{
    bool is_failed =
        stream->has_status ? stream->status != SL_GRPC_OK : stream->http_status >= HTTP_ERRORS;
    return stream->reset_code != SL_H2_NO_ERROR || strcmp(name, "*") != 0 || is_failed;
}

bool har_outcome_matches(const char *word, const struct har_wire_outcome *seen)
{
    const struct har_wire_stream *stream = seen->stream;
    const char *error = error_of(word);
    bool is_gone = error != NULL && seen->has_goaway && is_error(error, seen->goaway);
    /* A GOAWAY without an error tells of none: the end behind it does. */
    if (is_gone && seen->is_ending && strcmp(error, "*") == 0) {
        is_gone = after(word, "goaway") != NULL;
    }
    if (seen->is_unreadable) {
        return strcmp(word, "unreadable") == 0;
    }
    if (strcmp(word, "closed") == 0) {
        return seen->is_closed;
    }
    if (strcmp(word, "served") == 0) {
        return stream != NULL && stream->has_status && stream->status == SL_GRPC_OK;
    }
    if (after(word, "status") != NULL) {
        return stream != NULL && stream->has_status &&
               is_status(after(word, "status"), stream->status);
    }
    if (after(word, "http") != NULL) {
        return stream != NULL && is_http(after(word, "http"), stream);
    }
    if (after(word, "stream") != NULL) {
        return is_gone || (stream != NULL && stream->is_reset && !is_served(stream) &&
                           is_error(error, stream->reset_code) && tells_error(error, stream));
    }
    if (after(word, "connection") != NULL) {
        return is_gone || (seen->is_closed && !seen->has_goaway);
    }
    return is_gone;
}

void har_outcome_read(const char *word, char *text, size_t size)
{
    static const struct {
        const char *word, *text;
    } words[] = {
        {"served", "grpc-status 0"},
        {"status *", "any grpc-status"},
        {"status error", "the grpc-status of an error"},
        {"http error", "an HTTP error"},
        {"stream *", "RST_STREAM"},
        {"connection *", "GOAWAY or the end of the connection"},
        {"goaway *", "GOAWAY"},
        {"closed", "the end of the connection"},
        {"unreadable", "an answer that is no HTTP/2"},
        {"ignored", "no answer to it"},
    };
    static const struct {
        const char *kind, *before, *behind;
    } kinds[] = {
        {"status", "grpc-status ", ""}, {"http", "HTTP ", ""},
        {"stream", "RST_STREAM(", ")"}, {"connection", "GOAWAY(", ") or the end of the connection"},
        {"goaway", "GOAWAY(", ")"},
    };
    (void)snprintf(text, size, "%s", word);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (after(word, kinds[i].kind) != NULL) {
            (void)snprintf(text, size, "%s%s%s", kinds[i].before, after(word, kinds[i].kind),
                           kinds[i].behind);
        }
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i].word) == 0) {
            (void)snprintf(text, size, "%s", words[i].text);
        }
    }
}

static void name_error(const char *frame, uint32_t code, char *text, size_t size)
{
    const char *name = sl_h2_error_name(code);
    if (name == NULL) {
        (void)snprintf(text, size, "%s(%u)", frame, code);
    } else {
        (void)snprintf(text, size, "%s(%s)", frame, name);
    }
}

void har_outcome_say(const char *word, const struct har_wire_outcome *seen, char *text, size_t size)
{
    const char *about = word == NULL ? "" : word;
    const struct har_wire_stream *stream = seen->stream;
    bool is_connection = strcmp(about, "closed") == 0 || after(about, "connection") != NULL ||
                         after(about, "goaway") != NULL;
    bool is_reset = stream != NULL && stream->is_reset &&
                    (!stream->has_status || after(about, "stream") != NULL);
    if (strcmp(about, "ignored") == 0) {
        (void)snprintf(text, size, "nothing");
    } else if (seen->is_unreadable) {
        (void)snprintf(text, size, "bytes that are no HTTP/2");
    } else if (is_reset && !is_connection) {
        name_error("RST_STREAM", stream->reset_code, text, size);
    } else if (stream != NULL && !is_connection && after(about, "stream") == NULL) {
        const char *what = stream->has_status ? "grpc-status" : "HTTP";
        (void)snprintf(text, size, "%s %u", what,
                       stream->has_status ? stream->status : stream->http_status);
    } else if (seen->has_goaway) {
        name_error("GOAWAY", seen->goaway, text, size);
    } else {
        (void)snprintf(text, size, seen->is_closed ? "connection closed" : "nothing in time");
    }
}

/* Behind what text holds, with a comma between. */
static void add(char *text, size_t size, const char *format, ...) SL_PRINTF(3, 4);
static void add(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t at = strlen(text);
    if (at > 0) {
        (void)snprintf(text + at, size - at, ", ");
        at = strlen(text);
    }
    va_start(arguments, format);
    (void)vsnprintf(text + at, size - at, format, arguments);
    va_end(arguments);
}

static const char *error_name(uint32_t code)
{
    const char *name = sl_h2_error_name(code);
    return name == NULL ? "of unknown code" : name;
}

void har_outcome_tell(const struct har_wire_outcome *seen, char *text, size_t size)
{
    const struct har_wire_stream *stream = seen->stream;
    text[0] = '\0';
    if (stream != NULL && stream->has_status) {
        const char *name = sl_grpc_status_name(stream->status);
        add(text, size, "status %s", name == NULL ? "unknown" : name);
    } else if (stream != NULL && !stream->is_reset) {
        add(text, size, "HTTP %u without grpc-status", stream->http_status);
    }
    if (stream != NULL && stream->is_reset) {
        add(text, size, "RST_STREAM %s", error_name(stream->reset_code));
    }
    if (seen->has_goaway) {
        add(text, size, "GOAWAY %s", error_name(seen->goaway));
    }
    if (seen->is_closed || seen->is_unreadable) {
        add(text, size, "connection ended (%.60s)", seen->end_text);
    }
}
