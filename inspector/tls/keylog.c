/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/keylog.h"

#include <openssl/crypto.h>

#include "lib/base/hex.h"

enum {
    MASTER_SIZE = 48, /* RFC 5246 8.1 */
    SHA256_SIZE = 32,
    SHA384_SIZE = 48,
};

static const struct {
    const char *label;
    enum ins_secret kind;
} labels[] = {
    {"CLIENT_RANDOM", INS_SECRET_MASTER},
    {"CLIENT_EARLY_TRAFFIC_SECRET", INS_SECRET_CLIENT_EARLY},
    {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", INS_SECRET_CLIENT_HANDSHAKE},
    {"SERVER_HANDSHAKE_TRAFFIC_SECRET", INS_SECRET_SERVER_HANDSHAKE},
    {"CLIENT_TRAFFIC_SECRET_0", INS_SECRET_CLIENT_TRAFFIC},
    {"SERVER_TRAFFIC_SECRET_0", INS_SECRET_SERVER_TRAFFIC},
};

void ins_keylog_init(struct ins_keylog *keylog, struct ins_keys *keys)
{
    *keylog = (struct ins_keylog){.keys = keys};
    sl_buf_init(&keylog->line, INS_KEYLOG_LINE_MAX);
}

void ins_keylog_release(struct ins_keylog *keylog)
{
    sl_buf_release(&keylog->line);
}

static struct sl_span take_word(struct sl_span *line)
{
    size_t len = 0;
    while (len < line->len && line->data[len] != ' ') {
        len++;
    }
    struct sl_span word = sl_span_first(*line, len);
    *line = sl_span_from(*line, len + 1);
    return word;
}

/* The bytes of exactly size hex digits twice over; false otherwise. */
static bool decode(struct sl_span text, size_t size, struct sl_buf *out)
{
    sl_buf_clear(out);
    return text.len == 2 * size && sl_hex_decode(text, out) == SL_OK;
}

static bool decode_secret(enum ins_secret kind, struct sl_span text, struct sl_buf *out)
{
    if (kind == INS_SECRET_MASTER) {
        return decode(text, MASTER_SIZE, out);
    }
    return decode(text, SHA256_SIZE, out) || decode(text, SHA384_SIZE, out);
}

/* True when the line is a key log's, whether of use here or not. */
static bool read_line(struct ins_keylog *keylog, struct sl_span line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len == 0 || line.data[0] == '#') {
        return true;
    }
    struct sl_span label = take_word(&line);
    struct sl_span random_hex = take_word(&line);
    struct sl_span secret_hex = take_word(&line);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (!sl_span_is(label, labels[i].label)) {
            continue;
        }
        struct sl_buf random;
        struct sl_buf secret;
        sl_buf_init(&random, INS_KEYS_ID);
        sl_buf_init(&secret, INS_KEYS_SECRET);
        bool is_good =
            line.len == 0 && decode(random_hex, INS_KEYS_ID, &random) &&
            decode_secret(labels[i].kind, secret_hex, &secret) &&
            ins_keys_add(keylog->keys, labels[i].kind, sl_buf_span(&random), sl_buf_span(&secret));
        sl_buf_release(&random);
        sl_buf_release(&secret);
        return is_good;
    }
    return random_hex.len > 0 && secret_hex.len > 0;
}

static void end_line(struct ins_keylog *keylog, struct sl_span line)
{
    if (keylog->is_too_long || !read_line(keylog, line)) {
        keylog->lines_bad++;
    }
    keylog->is_too_long = false;
    sl_buf_clear(&keylog->line);
}

void ins_keylog_feed(struct ins_keylog *keylog, struct sl_span text)
{
    while (text.len > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.len);
        size_t len = newline == NULL ? text.len : (size_t)(newline - text.data);
        struct sl_span piece = sl_span_first(text, len);
        bool is_whole = newline != NULL && keylog->line.len == 0;
        if (!is_whole && !keylog->is_too_long) {
            keylog->is_too_long = sl_buf_add_span(&keylog->line, piece) != SL_OK;
        }
        if (newline != NULL) {
            keylog->is_too_long = keylog->is_too_long || piece.len > INS_KEYLOG_LINE_MAX;
            end_line(keylog, is_whole ? piece : sl_buf_span(&keylog->line));
        }
        text = sl_span_from(text, len + 1);
    }
}

void ins_keylog_peek(struct ins_keylog *keylog)
{
    if (keylog->line.len > 0 && !keylog->is_too_long) {
        (void)read_line(keylog, sl_buf_span(&keylog->line));
    }
}

void ins_keylog_end(struct ins_keylog *keylog)
{
    if (keylog->line.len > 0 || keylog->is_too_long) {
        end_line(keylog, sl_buf_span(&keylog->line));
    }
}
