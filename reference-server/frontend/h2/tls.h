/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TLS_H
#define SRV_TLS_H

/*
 * TLS of one connection of the h2 front end: bytes in, bytes out, no socket.
 *
 *     socket --> cipher bytes --> srv_tls_feed  --> plaintext  --> HTTP/2
 *     socket <-- cipher bytes <-- srv_tls_write <-- plaintext  <-- HTTP/2
 *
 * Both may have something to send: after each call the caller sends what is in out. What is to be written is best
 * gathered first and written at once: a record holds up to 16 KiB of it, and each record costs 22 to 29 bytes and one
 * pass of the cipher. The buffers are the caller's, so that one pair serves every connection of a loop in turn; what
 * stays here between two calls is a record of which not all bytes came, at most 16 KiB and a little.
 *
 *     SHAKING --> OPEN --> ENDED     the peer said close_notify: it sends no more, but may be sent to
 *        |         |         |
 *        +---------+---------+-----> FAILED     send what is in out (an alert) and close the socket
 *
 * Threads: one at a time.
 */
#include <openssl/types.h>

#include "lib/base/buf.h"

#define SRV_TLS_STATES(X)                               \
    X(SHAKING, "the handshake is not done")             \
    X(OPEN, "plaintext passes both ways")               \
    X(ENDED, "the peer has said that it sends no more") \
    X(FAILED, "nothing passes any more")

enum srv_tls_state {
#define X(name, meaning) SRV_TLS_##name,
    SRV_TLS_STATES(X)
#undef X
};

/* Why a connection failed, in the words of logs and metrics. */
#define SRV_TLS_FAILURES(X)                                                             \
    X(NONE, "none", "it has not")                                                       \
    X(NO_TLS, "no_tls", "the first bytes are no TLS, but HTTP, for example")            \
    X(NO_H2, "no_h2", "the client offers no h2 by ALPN")                                \
    X(NO_COMMON, "no_common", "no version, cipher, group or signature that both know")  \
    X(CERTIFICATE, "certificate", "the client has none, or one that is refused")        \
    X(ALERTED, "alerted", "the client said by an alert that it does not go on")         \
    X(RENEGOTIATION, "renegotiation", "the client asked for it (RFC 9113 9.2.1)")       \
    X(FLOOD, "flood", "the client sent messages of TLS without end that carry nothing") \
    X(PROTOCOL, "protocol", "anything else that breaks TLS")                            \
    X(LIMIT, "limit", "a buffer of ours was full")

enum srv_tls_failure {
#define X(name, word, meaning) SRV_TLS_FAILURE_##name,
    SRV_TLS_FAILURES(X)
#undef X
};

enum {
    SRV_TLS_RECORD_MAX = 16 * 1024, /* plaintext of one record (RFC 8446 5.1) */
    /* Room that a feed wants in plain beside as many bytes as it was given: for what waited for the rest of its record,
     * and for the record that may come next. */
    SRV_TLS_PLAIN_SPARE = 2 * SRV_TLS_RECORD_MAX,
    /* Messages of TLS that one connection may send without a byte of plaintext in between, once it is open. */
    SRV_TLS_IDLE_MESSAGES_MAX = 32,
};

struct srv_tls;

/* A connection of which nothing has come yet. It keeps what it needs of context. */
struct srv_tls *srv_tls_new(SSL_CTX *context);

/* NULL is fine. */
void srv_tls_free(struct srv_tls *tls);

/*
 * Takes all of cipher, which came from the peer. What it decrypts to is added to plain, which must have room for
 * cipher.len + SRV_TLS_PLAIN_SPARE; what TLS itself has to say is added to out.
 *
 * SL_OK also when nothing could be decrypted yet. SL_CLOSED: the state is ENDED; what came before is in plain. SL_IO:
 * the state is FAILED, srv_tls_why tells the kind and the error says it to a person. Then, too, plain has what came
 * before. Bytes that come after either are dropped and give the same status.
 */
SL_MUST_USE enum sl_status srv_tls_feed(struct srv_tls *tls, struct sl_span cipher,
                                        struct sl_buf *plain, struct sl_buf *out,
                                        struct sl_error *reterr_error);

/* Encrypts all of plain to the end of out, in as few records as possible. SL_LIMIT: out has no room for it, and is
 * unchanged. SL_STATE: the connection is not open, or has failed; but after RENEGOTIATION and FLOOD a last GOAWAY may
 * be written. SL_IO: it has failed now. */
SL_MUST_USE enum sl_status srv_tls_write(struct srv_tls *tls, struct sl_span plain,
                                         struct sl_buf *out);

/* Room in out that srv_tls_write needs for so many bytes of plaintext, at most. */
size_t srv_tls_cipher_max(size_t plain_len);

/* Adds close_notify to out, if there is a connection to close. Nothing can be written afterwards. */
void srv_tls_close(struct srv_tls *tls, struct sl_buf *out);

enum srv_tls_state srv_tls_state(const struct srv_tls *tls);
enum srv_tls_failure srv_tls_why(const struct srv_tls *tls);
const char *srv_tls_failure_word(enum srv_tls_failure failure);

/* Whether our certificate is for this authority, a name or an address with a port or without, so that requests for it may be
 * answered on this connection (RFC 9110 7.4). */
bool srv_tls_is_for(const struct srv_tls *tls, struct sl_span authority);

/* For the log, once the state is OPEN: "TLSv1.3" and "TLS_AES_128_GCM_SHA256". */
const char *srv_tls_version(const struct srv_tls *tls);
const char *srv_tls_cipher(const struct srv_tls *tls);

#endif
