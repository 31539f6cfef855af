/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/grpc/credentials.h"

#include <grpc/grpc_security.h>
#include <pthread.h>

#include "lib/base/alloc.h"
#include "reference-server/frontend/certificates.h"

struct srv_credentials {
    struct srv_tls_files files; /* files.cert NULL: no TLS */
    pthread_mutex_t lock;       /* of what follows */
    bool has_fresh;
    struct srv_certificates fresh; /* read, but not yet handed to the C core */
};

static enum sl_status read_fresh(struct srv_credentials *credentials, struct sl_error *reterr)
{
    struct srv_certificates read;
    enum sl_status status = srv_certificates_read(&credentials->files, &read, reterr);
    if (status == SL_OK) {
        pthread_mutex_lock(&credentials->lock);
        if (credentials->has_fresh) {
            srv_certificates_release(&credentials->fresh);
        }
        credentials->fresh = read;
        credentials->has_fresh = true;
        pthread_mutex_unlock(&credentials->lock);
    }
    return status;
}

struct srv_credentials *srv_credentials_new(const struct srv_frontend_config *config,
                                            struct sl_error *reterr_error)
{
    struct srv_credentials *credentials = sl_alloc(sizeof(*credentials));
    credentials->files =
        (struct srv_tls_files){config->cert_file, config->key_file, config->client_ca_file};
    pthread_mutex_init(&credentials->lock, NULL);
    if (config->cert_file != NULL && read_fresh(credentials, reterr_error) != SL_OK) {
        srv_credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

void srv_credentials_free(struct srv_credentials *credentials)
{
    if (credentials != NULL) {
        if (credentials->has_fresh) {
            srv_certificates_release(&credentials->fresh);
        }
        pthread_mutex_destroy(&credentials->lock);
        sl_free(credentials);
    }
}

/* The C core asks before each handshake. */
static grpc_ssl_certificate_config_reload_status
fetch(void *context, grpc_ssl_server_certificate_config **ret_config)
{
    struct srv_credentials *credentials = context;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    pthread_mutex_lock(&credentials->lock);
    if (credentials->has_fresh) {
        struct srv_certificates *fresh = &credentials->fresh;
        const grpc_ssl_pem_key_cert_pair pair = {.private_key = sl_buf_str(&fresh->key),
                                                 .cert_chain = sl_buf_str(&fresh->cert)};
        /* The C core wants roots also where no client is asked for a certificate: our own serve as well as any. */
        bool is_mutual = fresh->files.client_ca != NULL;
        *ret_config = grpc_ssl_server_certificate_config_create(
            sl_buf_str(is_mutual ? &fresh->client_ca : &fresh->cert), &pair, 1);
        status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
        srv_certificates_release(fresh);
        credentials->has_fresh = false;
    }
    pthread_mutex_unlock(&credentials->lock);
    return status;
}

grpc_server_credentials *srv_credentials_give(struct srv_credentials *credentials)
{
    if (credentials->files.cert == NULL) {
        return grpc_insecure_server_credentials_create();
    }
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            credentials->files.client_ca == NULL
                ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
            fetch, credentials));
}

enum sl_status srv_credentials_reload(struct srv_credentials *credentials,
                                      struct sl_error *reterr_error)
{
    return credentials->files.cert == NULL ? SL_OK : read_fresh(credentials, reterr_error);
}
