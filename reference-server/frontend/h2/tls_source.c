/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/tls_source.h"

#include <openssl/ssl.h>
#include <pthread.h>

#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/tls_wrong.h"

struct srv_tls_source {
    struct srv_tls_files files;
    struct srv_keylog *keylog;
    const struct srv_misbehave *wrong;
    pthread_mutex_t lock; /* of context */
    SSL_CTX *context;
};

static SSL_CTX *make(const struct srv_tls_files *files, struct srv_keylog *keylog,
                     const struct srv_misbehave *wrong, struct sl_error *reterr)
{
    SSL_CTX *context = srv_tls_context_new(files, keylog, reterr);
    if (context != NULL && !srv_tls_spoil(context, wrong)) {
        (void)sl_error_set(reterr, SL_IO, "OpenSSL does not let TLS be so wrong");
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

struct srv_tls_source *srv_tls_source_new(const struct srv_tls_files *files,
                                          struct srv_keylog *keylog,
                                          const struct srv_misbehave *wrong,
                                          struct sl_error *reterr_error)
{
    SSL_CTX *context = make(files, keylog, wrong, reterr_error);
    if (context == NULL) {
        return NULL;
    }
    struct srv_tls_source *source = sl_alloc(sizeof(*source));
    source->files = *files;
    source->keylog = keylog;
    source->wrong = wrong;
    source->context = context;
    pthread_mutex_init(&source->lock, NULL);
    return source;
}

void srv_tls_source_free(struct srv_tls_source *source)
{
    if (source != NULL) {
        SSL_CTX_free(source->context);
        pthread_mutex_destroy(&source->lock);
        sl_free(source);
    }
}

struct srv_tls *srv_tls_source_accept(struct srv_tls_source *source)
{
    pthread_mutex_lock(&source->lock);
    struct srv_tls *tls = srv_tls_new(source->context);
    pthread_mutex_unlock(&source->lock);
    return tls;
}

enum sl_status srv_tls_source_reload(struct srv_tls_source *source, struct sl_error *reterr_error)
{
    SSL_CTX *fresh = make(&source->files, source->keylog, source->wrong, reterr_error);
    if (fresh == NULL) {
        return SL_IO;
    }
    pthread_mutex_lock(&source->lock);
    SSL_CTX *old = source->context;
    source->context = fresh;
    pthread_mutex_unlock(&source->lock);
    SSL_CTX_free(old);
    return SL_OK;
}
