/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"

enum {
    CHUNK =
        16 *
        1024, /* most files are read by one, and so a key is not left behind in memory that was outgrown */
    PEM_MAX = 1024 * 1024 + CHUNK,
    /* Names of roots that are sent to a client to choose its certificate by; the list of a message holds 65535 bytes
     * (RFC 5246 7.4.4, RFC 8446 4.2.4). */
    CA_NAMES_MAX = 32 * 1024,
};

static enum sl_status read_file(const char *path, struct sl_buf *pem, struct sl_error *reterr)
{
    struct stat stat;
    const char *why = NULL;
    sl_buf_init(pem, PEM_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &stat) != 0) {
        why = strerror(errno);
    } else if (!S_ISREG(stat.st_mode)) {
        why = "not a regular file";
    } else {
        ssize_t got = 0;
        uint8_t *room = NULL;
        while ((room = sl_buf_reserve(pem, CHUNK)) != NULL && (got = read(fd, room, CHUNK)) > 0) {
            sl_buf_commit(pem, (size_t)got);
        }
        why = room == NULL ? "larger than 1 MiB" : got < 0 ? strerror(errno) : NULL;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return why == NULL ? SL_OK : sl_error_set(reterr, SL_IO, "cannot read '%s': %s", path, why);
}

/* What OpenSSL has against the file; its queue is empty afterwards. */
static enum sl_status refuse(const char *path, const char *what, struct sl_error *reterr)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    return sl_error_set(reterr, SL_IO, "'%s' %s%s%s", path, what, reason == NULL ? "" : ": ",
                        reason == NULL ? "" : reason);
}

/* An encrypted key is refused instead of asked for at a terminal. */
static int no_password(char *text, int size, int is_writing, void *context)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)context;
    return -1;
}

static BIO *reader(const struct sl_buf *pem)
{
    return BIO_new_mem_buf(pem->data == NULL ? (const void *)"" : pem->data, (int)pem->len);
}

/* The next certificate of pem, yours; NULL at the end. ret_is_bad: there is one that cannot be read. */
static X509 *next_certificate(BIO *pem, bool *ret_is_bad)
{
    ERR_clear_error();
    X509 *certificate = PEM_read_bio_X509(pem, NULL, no_password, NULL);
    unsigned long code = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    *ret_is_bad = certificate == NULL && !is_end;
    return certificate;
}

static enum sl_status use_chain(const struct srv_certificates *from, SSL_CTX *context,
                                struct sl_error *reterr)
{
    BIO *pem = reader(&from->cert);
    bool is_bad = false;
    enum sl_status status = SL_OK;
    X509 *certificate = next_certificate(pem, &is_bad);
    if (certificate == NULL || SSL_CTX_use_certificate(context, certificate) != 1) {
        status = refuse(from->files.cert, "is no certificate", reterr);
        X509_free(certificate);
        goto out;
    }
    X509_free(certificate);
    while ((certificate = next_certificate(pem, &is_bad)) != NULL) {
        if (SSL_CTX_add0_chain_cert(context, certificate) != 1) {
            X509_free(certificate);
            is_bad = true;
            break;
        }
    }
    if (is_bad) {
        status = refuse(from->files.cert, "has a certificate in its chain that is none", reterr);
    }
out:
    BIO_free(pem);
    ERR_clear_error();
    return status;
}

static enum sl_status use_key(const struct srv_certificates *from, SSL_CTX *context,
                              struct sl_error *reterr)
{
    BIO *pem = reader(&from->key);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_password, NULL);
    enum sl_status status = SL_OK;
    BIO_free(pem);
    if (key == NULL) {
        status = refuse(from->files.key, "is no key", reterr);
    } else if (SSL_CTX_use_PrivateKey(context, key) != 1 ||
               SSL_CTX_check_private_key(context) != 1) {
        char text[256];
        (void)snprintf(text, sizeof(text), "is not the key of '%s'", from->files.cert);
        status = refuse(from->files.key, text, reterr);
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

static enum sl_status use_roots(const struct srv_certificates *from, SSL_CTX *context,
                                struct sl_error *reterr)
{
    BIO *pem = reader(&from->client_ca);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    size_t names_len = 0;
    size_t count = 0;
    bool is_bad = false;
    X509 *root = NULL;
    while (!is_bad && (root = next_certificate(pem, &is_bad)) != NULL) {
        int name_len = i2d_X509_NAME(X509_get_subject_name(root), NULL);
        names_len += name_len > 0 ? (size_t)name_len + 2 : 0;
        is_bad = X509_STORE_add_cert(store, root) != 1 ||
                 (names_len <= CA_NAMES_MAX && SSL_CTX_add_client_CA(context, root) != 1);
        X509_free(root);
        count++;
    }
    BIO_free(pem);
    if (count == 0 || is_bad) {
        return refuse(from->files.client_ca, "is no bundle of certificates", reterr);
    }
    if (names_len > CA_NAMES_MAX) {
        SSL_CTX_set_client_CA_list(context, NULL); /* none is better than some: it means any */
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    ERR_clear_error();
    return SL_OK;
}

enum sl_status srv_certificates_use(const struct srv_certificates *certificates, SSL_CTX *context,
                                    struct sl_error *reterr_error)
{
    ERR_clear_error();
    enum sl_status status = use_chain(certificates, context, reterr_error);
    if (status == SL_OK) {
        status = use_key(certificates, context, reterr_error);
    }
    if (status == SL_OK && certificates->files.client_ca != NULL) {
        status = use_roots(certificates, context, reterr_error);
    }
    return status;
}

/* A certificate that has expired serves nobody, but that is the operator's to know: the clock may be wrong. */
static void warn_of_expiry(const struct srv_certificates *certificates, const SSL_CTX *context)
{
    const X509 *own = SSL_CTX_get0_certificate(context);
    if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0) {
        sl_log(SL_LOG_WARN, "tls", "the certificate has expired file=%s", certificates->files.cert);
    }
}

enum sl_status srv_certificates_read(const struct srv_tls_files *files,
                                     struct srv_certificates *ret_certificates,
                                     struct sl_error *reterr_error)
{
    struct srv_certificates *read = ret_certificates;
    *read = (struct srv_certificates){.files = *files};
    enum sl_status status = read_file(files->cert, &read->cert, reterr_error);
    if (status == SL_OK) {
        status = read_file(files->key, &read->key, reterr_error);
    }
    if (status == SL_OK && files->client_ca != NULL) {
        status = read_file(files->client_ca, &read->client_ca, reterr_error);
    }
    if (status == SL_OK) {
        SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
        status = trial == NULL ? refuse(files->cert, "cannot be used", reterr_error)
                               : srv_certificates_use(read, trial, reterr_error);
        if (status == SL_OK) {
            warn_of_expiry(read, trial);
        }
        SSL_CTX_free(trial);
    }
    if (status != SL_OK) {
        srv_certificates_release(read);
    }
    return status;
}

void srv_certificates_release(struct srv_certificates *certificates)
{
    if (certificates->key.data != NULL) {
        OPENSSL_cleanse(certificates->key.data, certificates->key.capacity);
    }
    sl_buf_release(&certificates->cert);
    sl_buf_release(&certificates->key);
    sl_buf_release(&certificates->client_ca);
}
