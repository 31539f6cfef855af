/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_MESSAGES_H
#define INS_TLS_MESSAGES_H

/*
 * The handshake messages of one direction (RFC 8446 4), which may share a record or span several. Only those whose
 * content matters to a reader are put together; certificates and their like are passed over.
 * Limits: INS_TLS_MESSAGE_MAX bytes of a message are held.
 */
#include "lib/base/buf.h"

enum {
    INS_TLS_CLIENT_HELLO = 1,
    INS_TLS_SERVER_HELLO = 2,
    INS_TLS_NEW_SESSION_TICKET = 4,
    INS_TLS_END_OF_EARLY_DATA = 5,
    INS_TLS_ENCRYPTED_EXTENSIONS = 8,
    INS_TLS_FINISHED = 20,
    INS_TLS_KEY_UPDATE = 24,
    INS_TLS_MESSAGE_HEADER = 4,
    INS_TLS_MESSAGE_MAX =
        64 * 1024, /* a ClientHello with ECH and post-quantum keys has some 4 KiB */
};

/* Starts zeroed. */
struct ins_tls_messages {
    uint8_t header[INS_TLS_MESSAGE_HEADER];
    size_t header_len;
    size_t left; /* bytes of the body that are still to come */
    struct sl_buf body;
    bool is_kept;
};

struct ins_tls_message {
    uint8_t type;
    struct sl_span body; /* empty unless is_kept; until the next call */
    bool is_kept;
};

void ins_tls_messages_release(struct ins_tls_messages *messages);

/* Takes from bytes as far as the end of the next message; false when all is taken and it is not whole yet. */
bool ins_tls_messages_next(struct ins_tls_messages *messages, struct sl_span *bytes,
                           struct ins_tls_message *ret_message);
/* Bytes are missing: the next ones begin a message. */
void ins_tls_messages_reset(struct ins_tls_messages *messages);
/* A message has begun and is not whole. */
bool ins_tls_messages_is_inside(const struct ins_tls_messages *messages);

#endif
