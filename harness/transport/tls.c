/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "harness/transport/tls_explain.h"
#include "lib/base/alloc.h"

enum {
    KEYS_MAX = 4096, /* bytes of key log lines of one handshake */
    ALPN_MAX = 256,  /* bytes of the list of protocols */
    HELD_MAX = 1024 * 1024,
};

/* The strings of struct har_tls_config. */
#define STRINGS(X) X(ca_file) X(cert_file) X(key_file) X(server_name) X(alpn) X(version) X(ciphers)
enum {
#define X(member) STRING_##member,
    STRINGS(X)
#undef X
        STRING_COUNT,
};

struct har_tls {
    SSL_CTX *context;
    struct har_tls_config files; /* its strings are those of kept */
    char *kept[STRING_COUNT];
};

struct har_tls_session {
    SSL *ssl;
    BIO *in;            /* from the peer; owned by ssl */
    BIO *out;           /* to the peer; owned by ssl */
    struct sl_buf keys; /* key log lines, of which keys_told bytes were handed out */
    size_t keys_told;
    size_t record;      /* plaintext of one at most; 0: no matter */
    struct sl_buf held; /* plaintext that waits for a renegotiation */
    bool is_any_protocol;
    bool keeps_keys;
    bool will_renegotiate;
    bool is_renegotiating;
    bool has_certificate;           /* of the client */
    char *name;                     /* that the certificate has to be for */
    struct har_tls_refusal refusal; /* of the server's certificate, by the library */
};

/* OpenSSL asks at each certificate of the chain, and once more where one was refused. */
static int on_verify(int is_fine, X509_STORE_CTX *context)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct har_tls_session *session = ssl == NULL ? NULL : SSL_get_app_data(ssl);
    if (is_fine == 0 && session != NULL) {
        har_tls_note_refusal(&session->refusal, context);
    }
    return is_fine;
}

/* OpenSSL has a key; line is of the NSS key log. */
static void on_key(const SSL *ssl, const char *line)
{
    struct har_tls_session *session = SSL_get_app_data(ssl);
    if (session != NULL && session->keeps_keys) {
        (void)sl_buf_addf(&session->keys, "%s\n", line);
    }
}

/* The oldest error of OpenSSL's queue as text; the queue is empty afterwards. */
static const char *error_text(void)
{
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(code)) { /* a file that is not there: OpenSSL has no words for it */
        return strerror(ERR_GET_REASON(code));
    }
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    return reason == NULL ? "unknown error" : reason;
}

static enum sl_status use_roots(SSL_CTX *context, const char *ca_file, struct sl_error *reterr)
{
    if (ca_file == NULL) {
        return SSL_CTX_set_default_verify_paths(context) == 1
                   ? SL_OK
                   : sl_error_set(reterr, SL_IO, "cannot load the system's root certificates");
    }
    if (SSL_CTX_load_verify_locations(context, ca_file, NULL) != 1) {
        return sl_error_set(reterr, SL_USAGE, "cannot use CA file %s: %s", ca_file, error_text());
    }
    return SL_OK;
}

static enum sl_status use_certificate(SSL_CTX *context, const struct har_tls_config *config,
                                      struct sl_error *reterr)
{
    if (config->cert_file == NULL) {
        return SL_OK;
    }
    if (config->key_file == NULL) {
        return sl_error_set(reterr, SL_USAGE, "a client certificate needs its key");
    }
    if (SSL_CTX_use_certificate_chain_file(context, config->cert_file) != 1) {
        return sl_error_set(reterr, SL_USAGE, "cannot use certificate %s: %s", config->cert_file,
                            error_text());
    }
    if (SSL_CTX_use_PrivateKey_file(context, config->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return sl_error_set(reterr, SL_USAGE, "cannot use key %s: %s", config->key_file,
                            error_text());
    }
    return SL_OK;
}

static void keep_files(struct har_tls *tls, const struct har_tls_config *config)
{
    tls->files = *config;
#define X(member)                                                                           \
    tls->kept[STRING_##member] = config->member == NULL ? NULL : sl_strdup(config->member); \
    tls->files.member = tls->kept[STRING_##member];
    STRINGS(X)
#undef X
}

/* The list of RFC 7301 3.1 out of names with commas between. */
static bool offer_protocols(SSL_CTX *context, const char *names)
{
    unsigned char list[ALPN_MAX];
    size_t len = 0;
    while (*names != '\0') {
        size_t name = strcspn(names, ",");
        if (name == 0 || len + 1 + name > sizeof(list)) {
            return false;
        }
        list[len++] = (unsigned char)name;
        memcpy(list + len, names, name);
        len += name;
        names += name + (names[name] == ',');
    }
    return len == 0 || SSL_CTX_set_alpn_protos(context, list, (unsigned)len) == 0;
}

/* Whether name is in the list; NULL is h2 alone. */
static bool has_protocol(const char *names, const char *name)
{
    size_t len = strlen(name);
    bool has = names == NULL;
    for (const char *next = names; next != NULL && !has;) {
        size_t own = strcspn(next, ",");
        has = own == len && strncmp(next, name, len) == 0;
        next = next[own] == ',' ? next + own + 1 : NULL;
    }
    return has;
}

/* 0 for a text that is no version. */
static int version_of(const char *text)
{
    static const struct {
        const char *text;
        int version;
    } versions[] = {{"1.0", TLS1_VERSION},
                    {"1.1", TLS1_1_VERSION},
                    {"1.2", TLS1_2_VERSION},
                    {"1.3", TLS1_3_VERSION}};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (strcmp(versions[i].text, text) == 0) {
            return versions[i].version;
        }
    }
    return 0;
}

/* What a client does otherwise on purpose, it does whatever the system thinks of it. */
static enum sl_status choose(SSL_CTX *context, const struct har_tls_config *config,
                             struct sl_error *reterr)
{
    int version = config->version == NULL ? 0 : version_of(config->version);
    bool is_set = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1; /* RFC 9113 9.2 */
    if (config->version != NULL) {
        SSL_CTX_set_security_level(context, 0);
        is_set = version != 0 && SSL_CTX_set_min_proto_version(context, version) == 1 &&
                 SSL_CTX_set_max_proto_version(context, version) == 1;
    }
    if (!is_set) {
        return sl_error_set(reterr, SL_USAGE, "this machine has no TLS %s", config->version);
    }
    if (config->ciphers != NULL) {
        SSL_CTX_set_security_level(context, 0);
        if (SSL_CTX_set_cipher_list(context, config->ciphers) != 1) {
            ERR_clear_error();
            return sl_error_set(reterr, SL_USAGE, "this machine has no cipher of %.120s",
                                config->ciphers);
        }
    }
    if (!offer_protocols(context, config->alpn == NULL ? "h2" : config->alpn)) {
        return sl_error_set(reterr, SL_USAGE, "cannot offer these protocols by ALPN");
    }
    return SL_OK;
}

enum sl_status har_tls_new(const struct har_tls_config *config, struct har_tls **ret_tls,
                           struct sl_error *reterr_error)
{
    struct har_tls *tls = sl_alloc(sizeof *tls);
    enum sl_status status = SL_OK;

    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->context == NULL) {
        status = sl_error_set(reterr_error, SL_IO, "cannot set up TLS: %s", error_text());
        goto out;
    }
    SSL_CTX_set_keylog_callback(tls->context, on_key);
    SSL_CTX_set_verify(tls->context, config->is_trusting ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       on_verify);
    SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    /* A server that closes without close_notify ends the connection in order all the same. */
    SSL_CTX_set_options(tls->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    status = choose(tls->context, config, reterr_error);
    if (status == SL_OK) {
        status = use_roots(tls->context, config->ca_file, reterr_error);
    }
    if (status == SL_OK) {
        status = use_certificate(tls->context, config, reterr_error);
    }
    keep_files(tls, config);
out:
    if (status != SL_OK) {
        har_tls_free(tls);
        return status;
    }
    *ret_tls = tls;
    return SL_OK;
}

void har_tls_free(struct har_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        for (size_t i = 0; i < STRING_COUNT; i++) {
            sl_free(tls->kept[i]);
        }
        sl_free(tls);
    }
}

const struct har_tls_config *har_tls_files(const struct har_tls *tls)
{
    return &tls->files;
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

struct har_tls_session *har_tls_session_new(const struct har_tls *tls, const char *host)
{
    struct har_tls_session *session = sl_alloc(sizeof *session);
    const char *name = tls->files.server_name == NULL ? host : tls->files.server_name;
    session->ssl = SSL_new(tls->context);
    session->name = sl_strdup(name);
    session->record = tls->files.record;
    session->is_any_protocol = !has_protocol(tls->files.alpn, "h2");
    session->has_certificate = tls->files.cert_file != NULL;
    session->will_renegotiate = tls->files.renegotiates;
    SSL_set_app_data(session->ssl, session);
    sl_buf_init(&session->keys, KEYS_MAX);
    sl_buf_init(&session->held, HELD_MAX);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    SSL_set_bio(session->ssl, session->in, session->out);
    if (is_address(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), name);
    } else {
        /* RFC 6066 3: server_name holds names only, never addresses. */
        SSL_ctrl(session->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 (void *)(uintptr_t)name); /* its macro casts const away, which clang refuses */
        SSL_set1_host(session->ssl, name);
    }
    SSL_set_connect_state(session->ssl);
    return session;
}

void har_tls_session_keep_keys(struct har_tls_session *session)
{
    session->keeps_keys = true;
}

struct sl_span har_tls_session_keys(struct har_tls_session *session)
{
    struct sl_span lines = sl_span_from(sl_buf_span(&session->keys), session->keys_told);
    session->keys_told = session->keys.len;
    return lines;
}

void har_tls_session_free(struct har_tls_session *session)
{
    if (session != NULL) {
        OPENSSL_cleanse(session->keys.data, session->keys.len);
        sl_buf_release(&session->keys);
        sl_buf_release(&session->held);
        SSL_free(session->ssl);
        sl_free(session->name);
        sl_free(session);
    }
}

void har_tls_session_receive(struct har_tls_session *session, struct sl_span cipher)
{
    while (cipher.len > 0) {
        int count = cipher.len > INT_MAX ? INT_MAX : (int)cipher.len;
        int written = BIO_write(session->in, cipher.data, count);
        if (written <= 0) {
            return; /* a memory BIO refuses nothing but for want of memory */
        }
        cipher = sl_span_from(cipher, (size_t)written);
    }
}

enum sl_status har_tls_session_output(struct har_tls_session *session, struct sl_buf *out)
{
    size_t waiting = BIO_ctrl_pending(session->out);
    if (waiting == 0) {
        return SL_OK;
    }
    uint8_t *room = sl_buf_reserve(out, waiting);
    if (room == NULL || waiting > INT_MAX) {
        return SL_LIMIT;
    }
    int count = BIO_read(session->out, room, (int)waiting);
    sl_buf_commit(out, count > 0 ? (size_t)count : 0);
    return SL_OK;
}

static enum sl_status check_alpn(const struct har_tls_session *session, struct sl_error *reterr)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(session->ssl, &chosen, &len);
    if (session->is_any_protocol || sl_span_equal(sl_span(chosen, len), sl_span("h2", 2))) {
        return SL_OK;
    }
    return sl_error_set(
        reterr, SL_UNSUPPORTED,
        "the server did not choose h2 by ALPN: it speaks TLS, but not HTTP/2, which gRPC "
        "needs; is it the right port, and has HTTP/2 been turned on there?");
}

static enum sl_status explain(const struct har_tls_session *session, struct sl_error *reterr)
{
    unsigned long code = ERR_peek_error();
    return har_tls_explain(code, session->has_certificate, error_text(), reterr);
}

enum sl_status har_tls_session_handshake(struct har_tls_session *session,
                                         struct sl_error *reterr_error)
{
    ERR_clear_error();
    int done = SSL_do_handshake(session->ssl);
    if (done == 1) {
        return check_alpn(session, reterr_error);
    }
    int why = SSL_get_error(session->ssl, done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        return SL_AGAIN;
    }
    if (session->refusal.code != X509_V_OK) {
        ERR_clear_error();
        return har_tls_explain_refusal(&session->refusal, session->name, reterr_error);
    }
    return explain(session, reterr_error);
}

/* Asks for it, and later sends what waited for it, whichever is due. */
static enum sl_status renegotiate(struct har_tls_session *session, bool has_plain,
                                  struct sl_error *reterr)
{
    if (session->will_renegotiate && has_plain) {
        session->will_renegotiate = false;
        session->is_renegotiating = SSL_renegotiate(session->ssl) == 1;
        (void)SSL_do_handshake(session->ssl); /* a failure shows at the next read */
    } else if (session->is_renegotiating && SSL_renegotiate_pending(session->ssl) == 0) {
        session->is_renegotiating = false;
        enum sl_status status = har_tls_session_write(session, sl_buf_span(&session->held), reterr);
        sl_buf_release(&session->held);
        return status;
    }
    return SL_OK;
}

enum sl_status har_tls_session_read(struct har_tls_session *session, void *bytes, size_t size,
                                    size_t *ret_len, struct sl_error *reterr_error)
{
    *ret_len = 0;
    ERR_clear_error();
    int count = SSL_read(session->ssl, bytes, size > INT_MAX ? INT_MAX : (int)size);
    int why = SSL_get_error(session->ssl, count);
    if (count > 0) {
        *ret_len = (size_t)count;
        return renegotiate(session, true, reterr_error);
    }
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        enum sl_status status = renegotiate(session, false, reterr_error);
        return status == SL_OK ? SL_AGAIN : status;
    }
    if (why == SSL_ERROR_ZERO_RETURN) {
        return SL_CLOSED;
    }
    return explain(session, reterr_error);
}

enum sl_status har_tls_session_write(struct har_tls_session *session, struct sl_span plain,
                                     struct sl_error *reterr_error)
{
    if (session->is_renegotiating) {
        return sl_buf_add_span(&session->held, plain);
    }
    while (plain.len > 0) {
        ERR_clear_error();
        size_t most = session->record == 0 ? INT_MAX : session->record;
        int count = plain.len > most ? (int)most : (int)plain.len;
        int written = SSL_write(session->ssl, plain.data, count);
        if (written <= 0) {
            return sl_error_set(reterr_error, SL_IO, "TLS: %s", error_text());
        }
        plain = sl_span_from(plain, (size_t)written);
    }
    return SL_OK;
}

void har_tls_session_finish(struct har_tls_session *session)
{
    ERR_clear_error();
    if (SSL_is_init_finished(session->ssl)) {
        SSL_shutdown(session->ssl);
    }
    ERR_clear_error();
}
