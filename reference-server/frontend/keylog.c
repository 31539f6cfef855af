/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/log.h"

enum {
    KEYLOG_LINE_MAX = 512, /* the longest known one has 195 bytes */
};

struct srv_keylog {
    pthread_mutex_t lock; /* of all but users */
    int fd;               /* -1: closed */
    bool is_watching;
    bool has_lost;     /* a line could not be written, which was told */
    atomic_uint users; /* who opened it, each context, the watch */
    struct srv_keylog *next_watching;
};

/* Those that OpenSSL tells of new connections, as long as the process lives. */
static struct srv_keylog *watching;

static void release(struct srv_keylog *keylog)
{
    if (atomic_fetch_sub(&keylog->users, 1) == 1) {
        pthread_mutex_destroy(&keylog->lock);
        sl_free(keylog);
    }
}

/* A context is freed. */
static void on_context_free(void *parent, void *keylog, CRYPTO_EX_DATA *data, int index,
                            long number, void *context)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)context;
    if (keylog != NULL) {
        release(keylog);
    }
}

/* Where a context keeps its key log. */
static int context_index;
static pthread_once_t context_index_once = PTHREAD_ONCE_INIT;

static void make_context_index(void)
{
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_free);
}

struct srv_keylog *srv_keylog_open(const char *path, struct sl_error *reterr_error)
{
    /* Not blocking: a FIFO without reader is an error, and a full one costs lines instead of time. */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0) {
        (void)sl_error_set(reterr_error, SL_IO, "cannot write key log '%s': %s", path,
                           strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return NULL;
    }
    if (S_ISREG(stat.st_mode) && (stat.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        sl_log(SL_LOG_WARN, "tls", "others can read the key log file=%s", path);
    }
    struct srv_keylog *keylog = sl_alloc(sizeof(*keylog));
    keylog->fd = fd;
    pthread_mutex_init(&keylog->lock, NULL);
    atomic_init(&keylog->users, 1);
    return keylog;
}

static void log_line(const SSL *ssl, const char *line)
{
    struct srv_keylog *keylog = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);
    char text[KEYLOG_LINE_MAX];
    size_t len = strlen(line);
    if (!SSL_is_server(ssl) || len >= sizeof(text)) {
        return;
    }
    memcpy(text, line, len);
    text[len] = '\n';
    pthread_mutex_lock(&keylog->lock);
    if (keylog->fd >= 0 && write(keylog->fd, text, len + 1) != (ssize_t)(len + 1) &&
        !keylog->has_lost) {
        keylog->has_lost = true;
        sl_log(SL_LOG_ERROR, "tls", "the key log loses lines: %s", strerror(errno));
    }
    pthread_mutex_unlock(&keylog->lock);
    OPENSSL_cleanse(text, sizeof(text));
}

void srv_keylog_use(struct srv_keylog *keylog, SSL_CTX *context)
{
    if (keylog == NULL) {
        return;
    }
    (void)pthread_once(&context_index_once, make_context_index);
    atomic_fetch_add(&keylog->users, 1);
    SSL_CTX_set_ex_data(context, context_index, keylog);
    SSL_CTX_set_keylog_callback(context, log_line);
}

/* OpenSSL made an SSL. Its context is set up by the first one, before any of them can shake hands; later ones change
 * nothing, for other threads may read it by then. */
static void on_new_ssl(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long number,
                       void *context)
{
    struct srv_keylog *keylog = context;
    SSL_CTX *made_from = SSL_get_SSL_CTX(parent);
    (void)ptr;
    (void)data;
    (void)index;
    (void)number;
    if (made_from == NULL) {
        return;
    }
    pthread_mutex_lock(&keylog->lock);
    if (keylog->fd >= 0 && SSL_CTX_get_keylog_callback(made_from) == NULL) {
        srv_keylog_use(keylog, made_from);
    }
    pthread_mutex_unlock(&keylog->lock);
}

void srv_keylog_watch(struct srv_keylog *keylog)
{
    if (keylog != NULL && !keylog->is_watching) {
        keylog->is_watching = true;
        keylog->next_watching = watching;
        watching = keylog;
        atomic_fetch_add(&keylog->users, 1);
        (void)CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, keylog, on_new_ssl, NULL, NULL);
    }
}

void srv_keylog_close(struct srv_keylog *keylog)
{
    if (keylog == NULL) {
        return;
    }
    pthread_mutex_lock(&keylog->lock);
    (void)close(keylog->fd);
    keylog->fd = -1;
    pthread_mutex_unlock(&keylog->lock);
    release(keylog);
}
