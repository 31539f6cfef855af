/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/tls.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/tls_wrong.h"

enum {
    RECORD_OVERHEAD_MAX = 64, /* header, nonce, tag, inner type: 29 bytes with our ciphers */
    OWN_MESSAGES_MAX = 512,   /* what TLS may put before plaintext: the answer to a KeyUpdate */
    HOST_MAX = 255,           /* of a name of DNS */
    WRITE_MAX = 1 << 30,      /* OpenSSL counts in int */
};

struct srv_tls {
    SSL *ssl;
    const struct srv_misbehave *wrong; /* NULL: nothing is wrong */
    enum srv_tls_state state;
    enum srv_tls_failure why;
    unsigned idle_messages; /* of TLS itself, since the last plaintext */
    bool has_hello;         /* a ClientHello came */
    bool is_refused;        /* we go no further, though OpenSSL would: read nothing more */
    bool is_closing;        /* we said close_notify */
    struct sl_span in;      /* during a call: cipher bytes not yet read */
    struct sl_buf *out;     /* during a call */
};

/* --- the two ends of OpenSSL's bytes: spans and buffers of the caller, without a copy between --- */

static int bio_read(BIO *bio, char *bytes, int size)
{
    struct srv_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->in.len == 0 || tls->is_refused || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    struct sl_span part = sl_span_first(tls->in, (size_t)size);
    memcpy(bytes, part.data, part.len);
    tls->in = sl_span_from(tls->in, part.len);
    return (int)part.len;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct srv_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (len <= 0 || tls->out == NULL || sl_buf_add(tls->out, bytes, (size_t)len) != SL_OK) {
        BIO_set_retry_write(bio);
        return -1;
    }
    return len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method;
static pthread_once_t bio_method_once = PTHREAD_ONCE_INIT;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_control);
}

/* --- what OpenSSL would put up with, and we do not --- */

/* OpenSSL refuses a renegotiation by a warning and goes on; for HTTP/2 it is the end (RFC 9113 9.2.1). */
static bool is_refusal_to_renegotiate(int is_ours, int type, const uint8_t *bytes, size_t len)
{
    return is_ours && type == SSL3_RT_ALERT && len == 2 && bytes[1] == SSL_AD_NO_RENEGOTIATION;
}

static void on_message(int is_ours, int version, int type, const void *bytes, size_t len, SSL *ssl,
                       void *context)
{
    struct srv_tls *tls = context;
    (void)version;
    (void)ssl;
    if (is_refusal_to_renegotiate(is_ours, type, bytes, len)) {
        tls->why = SRV_TLS_FAILURE_RENEGOTIATION;
        tls->is_refused = true;
    } else if (!is_ours && (type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT)) {
        tls->has_hello = tls->has_hello || type == SSL3_RT_HANDSHAKE;
        if (tls->state == SRV_TLS_OPEN && ++tls->idle_messages > SRV_TLS_IDLE_MESSAGES_MAX) {
            tls->why = SRV_TLS_FAILURE_FLOOD;
            tls->is_refused = true;
        }
    }
}

struct srv_tls *srv_tls_new(SSL_CTX *context)
{
    struct srv_tls *tls = sl_alloc(sizeof(*tls));
    (void)pthread_once(&bio_method_once, make_bio_method);
    BIO *bio = BIO_new(bio_method);
    tls->ssl = SSL_new(context);
    assert(bio != NULL && tls->ssl != NULL);
    tls->wrong = SSL_CTX_get_app_data(context);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_msg_callback(tls->ssl, on_message);
    SSL_set_msg_callback_arg(tls->ssl, tls);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void srv_tls_free(struct srv_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        ERR_clear_error();
        sl_free(tls);
    }
}

/* --- failures --- */

static enum srv_tls_failure classify(const struct srv_tls *tls, int reason)
{
    if (reason >= SSL_AD_REASON_OFFSET) {
        return SRV_TLS_FAILURE_ALERTED;
    }
    if (!tls->has_hello) {
        return SRV_TLS_FAILURE_NO_TLS;
    }
    switch (reason) {
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return SRV_TLS_FAILURE_NO_H2;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return SRV_TLS_FAILURE_CERTIFICATE;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_INAPPROPRIATE_FALLBACK:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return SRV_TLS_FAILURE_NO_COMMON;
    default:
        return SRV_TLS_FAILURE_PROTOCOL;
    }
}

/* By the oldest error of OpenSSL, which is the cause of the others. */
static const char *explain(struct srv_tls *tls, int error)
{
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_WRITE) {
        tls->why = SRV_TLS_FAILURE_LIMIT;
        return "the buffer of what is to be sent is full";
    }
    tls->why = classify(tls, ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0);
    if (tls->why == SRV_TLS_FAILURE_CERTIFICATE) {
        long verified = SSL_get_verify_result(tls->ssl);
        return verified == X509_V_OK ? "the client has no certificate"
                                     : X509_verify_cert_error_string(verified);
    }
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    return reason == NULL ? "unknown error" : reason;
}

static enum sl_status fail(struct srv_tls *tls, int error, struct sl_error *reterr)
{
    const char *text = tls->is_refused ? "" : explain(tls, error);
    tls->state = SRV_TLS_FAILED;
    if (tls->why == SRV_TLS_FAILURE_RENEGOTIATION) {
        text = "the client asked for a renegotiation";
    } else if (tls->why == SRV_TLS_FAILURE_FLOOD) {
        text = "too many messages without data";
    }
    return sl_error_set(reterr, SL_IO, "TLS: %s", text);
}

/* --- bytes in --- */

static enum sl_status shake_hands(struct srv_tls *tls, struct sl_error *reterr)
{
    int done = SSL_do_handshake(tls->ssl);
    if (done == 1) {
        tls->state = SRV_TLS_OPEN;
        return SL_OK;
    }
    int error = SSL_get_error(tls->ssl, done);
    return error == SSL_ERROR_WANT_READ ? SL_AGAIN : fail(tls, error, reterr);
}

static enum sl_status decrypt(struct srv_tls *tls, struct sl_buf *plain, struct sl_error *reterr)
{
    int error = SSL_ERROR_NONE;
    /* What waits may have been read into OpenSSL's buffer, also with the handshake's last bytes. */
    while (error == SSL_ERROR_NONE && (tls->in.len > 0 || SSL_has_pending(tls->ssl))) {
        uint8_t *room = sl_buf_reserve(plain, SRV_TLS_RECORD_MAX);
        if (room == NULL) {
            return fail(tls, SSL_ERROR_WANT_WRITE, reterr);
        }
        int got = SSL_read(tls->ssl, room, SRV_TLS_RECORD_MAX);
        if (got > 0) {
            bool is_lost = srv_tls_loses(tls->wrong, sl_span(room, (size_t)got));
            sl_buf_commit(plain, is_lost ? 0 : (size_t)got);
            tls->idle_messages = 0;
        } else {
            error = SSL_get_error(tls->ssl, got);
        }
    }
    if (!tls->is_refused && error == SSL_ERROR_ZERO_RETURN) {
        tls->state = SRV_TLS_ENDED;
        return SL_CLOSED;
    }
    bool is_good = error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ;
    return is_good && !tls->is_refused ? SL_OK : fail(tls, error, reterr);
}

enum sl_status srv_tls_feed(struct srv_tls *tls, struct sl_span cipher, struct sl_buf *plain,
                            struct sl_buf *out, struct sl_error *reterr_error)
{
    if (tls->state == SRV_TLS_FAILED) {
        return sl_error_set(reterr_error, SL_IO, "TLS: failed before");
    }
    if (tls->state == SRV_TLS_ENDED) {
        return SL_CLOSED;
    }
    enum sl_status status = SL_OK;
    tls->in = cipher;
    tls->out = out;
    ERR_clear_error();
    if (tls->state == SRV_TLS_SHAKING) {
        status = shake_hands(tls, reterr_error);
    }
    if (status == SL_OK) {
        status = decrypt(tls, plain, reterr_error);
    }
    tls->in = sl_span(NULL, 0);
    tls->out = NULL;
    return status == SL_AGAIN ? SL_OK : status;
}

/* --- bytes out --- */

size_t srv_tls_cipher_max(size_t plain_len)
{
    size_t records = plain_len / SRV_TLS_RECORD_MAX + 1;
    return plain_len + records * RECORD_OVERHEAD_MAX + OWN_MESSAGES_MAX;
}

static bool may_write(const struct srv_tls *tls)
{
    bool is_open = tls->state == SRV_TLS_OPEN || tls->state == SRV_TLS_ENDED;
    return (is_open || tls->is_refused) && !tls->is_closing;
}

enum sl_status srv_tls_write(struct srv_tls *tls, struct sl_span plain, struct sl_buf *out)
{
    if (!may_write(tls)) {
        return SL_STATE;
    }
    if (plain.len > WRITE_MAX || sl_buf_reserve(out, srv_tls_cipher_max(plain.len)) == NULL) {
        return SL_LIMIT;
    }
    if (plain.len == 0) {
        return SL_OK;
    }
    tls->out = out;
    ERR_clear_error();
    int written = SSL_write(tls->ssl, plain.data, (int)plain.len);
    tls->out = NULL;
    if (written != (int)plain.len) {
        tls->is_refused = false;
        return fail(tls, SSL_get_error(tls->ssl, written), NULL);
    }
    return SL_OK;
}

void srv_tls_close(struct srv_tls *tls, struct sl_buf *out)
{
    if (may_write(tls)) {
        tls->out = out;
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
        tls->out = NULL;
        tls->is_closing = true;
    }
}

/* --- what can be asked --- */

enum srv_tls_state srv_tls_state(const struct srv_tls *tls)
{
    return tls->state;
}

enum srv_tls_failure srv_tls_why(const struct srv_tls *tls)
{
    return tls->why;
}

const char *srv_tls_failure_word(enum srv_tls_failure failure)
{
    static const char *const words[] = {
#define X(name, word, meaning) [SRV_TLS_FAILURE_##name] = (word),
        SRV_TLS_FAILURES(X)
#undef X
    };
    return words[failure];
}

bool srv_tls_is_for(const struct srv_tls *tls, struct sl_span authority)
{
    char host[HOST_MAX + 1];
    X509 *own = SSL_get_certificate(tls->ssl);
    bool is_bracketed = authority.len > 0 && authority.data[0] == '[';
    struct sl_span rest = sl_span_from(authority, is_bracketed);
    const uint8_t *end =
        rest.len == 0 ? NULL : memchr(rest.data, is_bracketed ? ']' : ':', rest.len);
    size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);
    if (own == NULL || len == 0 || len > HOST_MAX || memchr(rest.data, '\0', len) != NULL) {
        return false;
    }
    memcpy(host, rest.data, len);
    host[len] = '\0';
    bool is_ours =
        X509_check_ip_asc(own, host, 0) == 1 || X509_check_host(own, host, len, 0, NULL) == 1;
    ERR_clear_error();
    return is_ours;
}

const char *srv_tls_version(const struct srv_tls *tls)
{
    return SSL_get_version(tls->ssl);
}

const char *srv_tls_cipher(const struct srv_tls *tls)
{
    return SSL_get_cipher_name(tls->ssl);
}
