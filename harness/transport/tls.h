/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TLS_H
#define HAR_TLS_H

/*
 * TLS of a client, by OpenSSL over memory: bytes in, bytes out, no socket.
 *
 * The server's certificate is verified against the CA file or the system's roots and against the host;
 * ALPN offers h2 and nothing else, and a server that does not choose it is refused (RFC 9113 3.2), unless a scenario
 * asks for another client on purpose.
 */
#include "harness/transport/tls_kit.h"
#include "lib/base/buf.h"

struct har_tls;
struct har_tls_session;

struct har_tls_config {
    const char *ca_file;     /* PEM; NULL: the system's roots */
    const char *cert_file;   /* PEM chain of the client; NULL: none */
    const char *key_file;    /* PEM; needed with cert_file */
    const char *server_name; /* for SNI and verification; NULL: the host that is connected to */
    const struct har_tls_kit *kit; /* certificates made for this run; NULL: none; kept */
    /* What a client does otherwise on purpose. */
    const char
        *alpn; /* names with commas between, "" for no ALPN; what the server makes of them is let
                            pass. NULL: h2, which the server must choose */
    const char *version; /* "1.0" ... "1.3": this and no other; NULL: 1.2 and 1.3 */
    const char *ciphers; /* below 1.3, by OpenSSL's names, weak ones too; NULL: its default */
    size_t record;       /* plaintext of one record at most; 0: as much as there is */
    bool is_trusting;    /* the server's certificate is not verified */
    bool renegotiates;   /* asked for once, behind the first plaintext that came; below 1.3 */
};

/* The set-up that many connections share. SL_USAGE when a file cannot be used. */
SL_MUST_USE enum sl_status har_tls_new(const struct har_tls_config *config,
                                       struct har_tls **ret_tls, struct sl_error *reterr_error);
/* NULL is fine. Sessions keep what they need. */
void har_tls_free(struct har_tls *tls);
/* What it was made from, so that another process can make the same. */
const struct har_tls_config *har_tls_files(const struct har_tls *tls);

/* A session about to shake hands with host. */
struct har_tls_session *har_tls_session_new(const struct har_tls *tls, const char *host);
/* Before the handshake: the keys of the session are wanted, so that others can read what goes over it. */
void har_tls_session_keep_keys(struct har_tls_session *session);
/* Lines of the NSS key log since the last call, as far as they are kept; borrowed until the handshake goes on. */
struct sl_span har_tls_session_keys(struct har_tls_session *session);
void har_tls_session_free(struct har_tls_session *session);

/* Bytes that came from the peer. */
void har_tls_session_receive(struct har_tls_session *session, struct sl_span cipher);
/* Moves the bytes due to the peer to the end of out. */
enum sl_status har_tls_session_output(struct har_tls_session *session, struct sl_buf *out);

/* SL_OK once the handshake is done, SL_AGAIN while more is needed, SL_IO when it failed, SL_UNSUPPORTED when it would
 * fail again: a certificate, the name, the protocol. The text says what to do. */
SL_MUST_USE enum sl_status har_tls_session_handshake(struct har_tls_session *session,
                                                     struct sl_error *reterr_error);
/* Plaintext that came: at most size bytes. SL_AGAIN when there is none yet, SL_CLOSED after the peer's
 * close_notify, SL_IO on a failure, SL_UNSUPPORTED on one that would come again: TLS 1.3 refuses a client's
 * certificate, or that there is none, behind the handshake. */
SL_MUST_USE enum sl_status har_tls_session_read(struct har_tls_session *session, void *bytes,
                                                size_t size, size_t *ret_len,
                                                struct sl_error *reterr_error);
/* Encrypts all of plain. */
SL_MUST_USE enum sl_status har_tls_session_write(struct har_tls_session *session,
                                                 struct sl_span plain,
                                                 struct sl_error *reterr_error);
/* Queues close_notify. */
void har_tls_session_finish(struct har_tls_session *session);

#endif
