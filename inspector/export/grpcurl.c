/* SPDX-License-Identifier: Apache-2.0 */
/* A line of shell a call: the grpcurl command that makes it again. */
#include <inttypes.h>

#include "inspector/export/export.h"
#include "inspector/export/message.h"
#include "inspector/tls/info.h"
#include "inspector/view/names.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    CALL_MAX = 1024 * 1024,     /* bytes of the messages of one call */
    ALL_MAX = 12 * 1024 * 1024, /* of all open calls */
};

struct grpcurl {
    struct ins_view base;
    struct ins_view_config config;
    struct ins_export *task;
    struct ins_payload payload;
    size_t kept_bytes;
};

/* What is kept of a call until it ends. */
struct kept {
    json_t *messages;
    const char *problem;
    bool has_unknown;
    size_t bytes;
};

static void on_message(struct ins_view *view, struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct grpcurl *grpcurl = (struct grpcurl *)view;
    struct kept *kept = call->view_data;
    (void)at;
    if (!call->is_selected || dir != SL_DIR_REQUEST || (kept != NULL && kept->problem != NULL)) {
        return;
    }
    if (kept == NULL) {
        kept = sl_alloc(sizeof(*kept));
        kept->messages = json_array();
        call->view_data = kept;
    }
    struct ins_export_message made =
        ins_export_message(&grpcurl->payload, &grpcurl->task->redact, call, dir, message);
    kept->problem = made.problem;
    if (made.hex != NULL) {
        kept->problem = "its messages have no schema: give -I, -d or --reflect";
    } else if (kept->bytes + made.size > CALL_MAX || grpcurl->kept_bytes + made.size > ALL_MAX) {
        kept->problem = "its messages are too many or too large for a command";
    } else if (made.json != NULL) {
        (void)json_array_append(kept->messages, made.json);
        kept->has_unknown |= made.has_unknown;
        kept->bytes += made.size;
        grpcurl->kept_bytes += made.size;
    }
    ins_export_message_release(&made);
}

/* text as one word of a POSIX shell. */
static void add_word(struct sl_buf *out, struct sl_span text)
{
    (void)sl_buf_add_u8(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'') {
            (void)sl_buf_add_str(out, "'\\''");
        } else {
            (void)sl_buf_add_u8(out, text.data[i]);
        }
    }
    (void)sl_buf_add_u8(out, '\'');
}

/* For comments: what could end the line, or be taken for an escape sequence by a terminal, is '?'. */
static void add_comment(struct sl_buf *out, struct sl_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_plain = text.data[i] >= 0x20 && text.data[i] < 0x7f;
        (void)sl_buf_add_u8(out, is_plain ? text.data[i] : '?');
    }
}

static bool is_shown(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

static const char *problem_of(const struct ins_call *own, const struct kept *kept)
{
    struct sl_span method = ins_call_method(own);
    if (kept != NULL && kept->problem != NULL) {
        return kept->problem;
    }
    if (own->call->protocol != SL_PROTOCOL_GRPC) {
        return "grpcurl speaks gRPC only";
    }
    if (method.data == NULL || method.len < 2 || method.data[0] != '/') {
        return "its method is not known";
    }
    if (own->call->has_gap || own->call->has_lost_headers || own->call->is_midway) {
        return "not all of it was captured";
    }
    if (own->call->request.message_count != (kept == NULL ? 0 : json_array_size(kept->messages))) {
        return "not all of its messages are there";
    }
    return memchr(method.data, '\0', method.len) == NULL ? NULL : "its method holds a NUL";
}

/* The messages, in JSON and one after the other: what grpcurl takes for a stream. */
static void add_messages(struct sl_buf *out, const struct kept *kept)
{
    size_t at = 0;
    json_t *message = NULL;
    struct sl_buf all;
    sl_buf_init(&all, CALL_MAX * 2);
    json_array_foreach (kept == NULL ? NULL : kept->messages, at, message) {
        char *text = json_dumps(message, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)sl_buf_add_str(&all, at == 0 ? "" : " ");
        (void)sl_buf_add_str(&all, text == NULL ? "{}" : text);
        free(text);
    }
    (void)sl_buf_add_str(out, " -d ");
    add_word(out, sl_buf_span(&all));
    sl_buf_release(&all);
}

static void add_field(struct sl_buf *out, const char *name, const json_t *value)
{
    const char *text =
        json_string_value(json_is_object(value) ? json_object_get(value, "base64") : value);
    if (text == NULL || !is_shown(name) || !is_shown(text)) {
        return; /* no field of HTTP holds these */
    }
    char *field = sl_asprintf("%s: %s", name, text);
    (void)sl_buf_add_str(out, " -H ");
    add_word(out, sl_span_str(field));
    sl_free(field);
}

static void add_metadata(struct grpcurl *grpcurl, struct sl_buf *out, const struct ins_call *own)
{
    json_t *metadata = ins_export_metadata(&grpcurl->task->redact, &own->call->request.headers);
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (metadata, key, value) {
        size_t at = 0;
        json_t *one = NULL;
        json_array_foreach (value, at, one) {
            add_field(out, key, one);
        }
        if (!json_is_array(value)) {
            add_field(out, key, value);
        }
    }
    json_decref(metadata);
}

static void write_command(struct grpcurl *grpcurl, struct sl_buf *out, const struct ins_call *own,
                          const struct kept *kept)
{
    char server[INS_ENDPOINT_TEXT_MAX];
    struct sl_span method = ins_call_method(own);
    const struct sl_header *authority = sl_headers_find(&own->call->request.headers, ":authority");
    const char *address = ins_endpoint_text(&own->connection->server, server);
    (void)sl_buf_add_str(out, own->connection->tls == NULL ? "grpcurl -plaintext" : "grpcurl");
    if (authority != NULL && authority->value.len > 0 && !sl_span_is(authority->value, address)) {
        (void)sl_buf_add_str(out, " -authority ");
        add_word(out, authority->value);
    }
    add_metadata(grpcurl, out, own);
    if (own->call->timeout_ns != UINT64_MAX) {
        uint64_t ms = own->call->timeout_ns / SL_MS;
        (void)sl_buf_addf(out, " -max-time %" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
    }
    add_messages(out, kept);
    (void)sl_buf_add_u8(out, ' ');
    add_word(out, sl_span_str(address));
    (void)sl_buf_add_u8(out, ' ');
    add_word(out, sl_span_from(method, 1));
}

static void on_call_end(struct ins_view *view, struct ins_call *own)
{
    struct grpcurl *grpcurl = (struct grpcurl *)view;
    struct kept *kept = own->view_data;
    if (own->is_selected) {
        struct sl_buf *out = &grpcurl->config.lines->buf;
        const char *problem = problem_of(own, kept);
        (void)ins_lines_begin(grpcurl->config.lines);
        if (problem != NULL) {
            (void)sl_buf_addf(out, "# call %" PRIu64 " (", own->id);
            add_comment(out, ins_call_method(own));
            (void)sl_buf_addf(out, ") is left out: %s", problem);
            grpcurl->task->left_out++;
        } else {
            if (kept != NULL && kept->has_unknown) {
                (void)sl_buf_addf(
                    out, "# call %" PRIu64 ": fields that the schema does not know are left out\n",
                    own->id);
            }
            write_command(grpcurl, out, own, kept);
            grpcurl->task->has_exported = true;
        }
        ins_lines_end(grpcurl->config.lines);
    }
    if (kept != NULL) {
        grpcurl->kept_bytes -= kept->bytes;
        json_decref(kept->messages);
        sl_free(kept);
        own->view_data = NULL;
    }
}

static void grpcurl_free(struct ins_view *view)
{
    ins_payload_release(&((struct grpcurl *)view)->payload);
    sl_free(view);
}

static const struct ins_view_ops grpcurl_ops = {
    .name = "grpcurl",
    .message = on_message,
    .call_end = on_call_end,
    .free = grpcurl_free,
    .keep_message_max = INS_VIEW_MESSAGE_MAX,
};

struct ins_view *ins_export_grpcurl_new(const struct ins_view_config *config)
{
    struct grpcurl *grpcurl = sl_alloc(sizeof(*grpcurl));
    grpcurl->base.ops = &grpcurl_ops;
    grpcurl->config = *config;
    grpcurl->task = config->task;
    ins_payload_init(&grpcurl->payload, config->pool);
    return &grpcurl->base;
}
