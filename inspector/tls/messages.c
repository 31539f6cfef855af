/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/messages.h"

void ins_tls_messages_release(struct ins_tls_messages *messages)
{
    sl_buf_release(&messages->body);
}

void ins_tls_messages_reset(struct ins_tls_messages *messages)
{
    sl_buf_release(&messages->body);
    messages->header_len = 0;
    messages->left = 0;
}

bool ins_tls_messages_is_inside(const struct ins_tls_messages *messages)
{
    return messages->header_len > 0 &&
           (messages->header_len < INS_TLS_MESSAGE_HEADER || messages->left > 0);
}

static bool is_of_use(uint8_t type)
{
    return type == INS_TLS_CLIENT_HELLO || type == INS_TLS_SERVER_HELLO ||
           type == INS_TLS_NEW_SESSION_TICKET || type == INS_TLS_ENCRYPTED_EXTENSIONS ||
           type == INS_TLS_KEY_UPDATE;
}

static void begin_body(struct ins_tls_messages *messages)
{
    const uint8_t *header = messages->header;
    messages->left = (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
    messages->is_kept = is_of_use(header[0]) && messages->left <= INS_TLS_MESSAGE_MAX;
    sl_buf_init(&messages->body, INS_TLS_MESSAGE_MAX);
}

bool ins_tls_messages_next(struct ins_tls_messages *messages, struct sl_span *bytes,
                           struct ins_tls_message *ret_message)
{
    if (messages->header_len == INS_TLS_MESSAGE_HEADER && messages->left == 0) {
        ins_tls_messages_reset(messages);
    }
    while (messages->header_len < INS_TLS_MESSAGE_HEADER) {
        if (bytes->len == 0) {
            return false;
        }
        messages->header[messages->header_len++] = bytes->data[0];
        *bytes = sl_span_from(*bytes, 1);
        if (messages->header_len == INS_TLS_MESSAGE_HEADER) {
            begin_body(messages);
        }
    }
    struct sl_span piece = sl_span_first(*bytes, messages->left);
    if (messages->is_kept) {
        (void)sl_buf_add_span(&messages->body, piece);
    }
    messages->left -= piece.len;
    *bytes = sl_span_from(*bytes, piece.len);
    *ret_message = (struct ins_tls_message){
        .type = messages->header[0],
        .body = sl_buf_span(&messages->body),
        .is_kept = messages->is_kept,
    };
    return messages->left == 0;
}
