/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <grpc/grpc_security.h>
#include <stdio.h>

#include "reference-server/frontend/grpc/internal.h"

enum {
    PEM_MAX = 1024 * 1024,
};

/* The whole file, which must not be larger than PEM_MAX. */
static enum sl_status read_pem(const char *path, struct sl_buf *pem, struct sl_error *reterr)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return sl_error_set(reterr, SL_IO, "cannot read '%s': %s", path, strerror(errno));
    }
    uint8_t chunk[4096];
    size_t got = 0;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        (void)sl_buf_add(pem, chunk, got);
    }
    bool is_failed = ferror(file) != 0;
    (void)fclose(file);
    if (is_failed || pem->is_full) {
        return sl_error_set(reterr, SL_IO, "cannot read '%s': %s", path,
                            is_failed ? "input failed" : "larger than 1 MiB");
    }
    return SL_OK;
}

static grpc_server_credentials *tls(struct sl_buf *cert, struct sl_buf *key,
                                    struct sl_buf *client_ca)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = sl_buf_str(key),
                                       .cert_chain = sl_buf_str(cert)};
    bool is_mutual = client_ca->len > 0;
    grpc_ssl_server_certificate_config *certificates = grpc_ssl_server_certificate_config_create(
        is_mutual ? sl_buf_str(client_ca) : NULL, &pair, 1);
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config(
            is_mutual ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                      : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            certificates));
}

grpc_server_credentials *srv_credentials_new(const struct srv_frontend_config *config,
                                             struct sl_error *reterr_error)
{
    if (config->cert_file == NULL) {
        return grpc_insecure_server_credentials_create();
    }
    struct sl_buf cert;
    struct sl_buf key;
    struct sl_buf client_ca;
    grpc_server_credentials *credentials = NULL;
    sl_buf_init(&cert, PEM_MAX);
    sl_buf_init(&key, PEM_MAX);
    sl_buf_init(&client_ca, PEM_MAX);
    bool is_read = read_pem(config->cert_file, &cert, reterr_error) == SL_OK &&
                   read_pem(config->key_file, &key, reterr_error) == SL_OK &&
                   (config->client_ca_file == NULL ||
                    read_pem(config->client_ca_file, &client_ca, reterr_error) == SL_OK);
    if (is_read && config->client_ca_file != NULL && client_ca.len == 0) {
        (void)sl_error_set(reterr_error, SL_IO, "'%s' is empty", config->client_ca_file);
    } else if (is_read) {
        credentials = tls(&cert, &key, &client_ca);
        if (credentials == NULL) {
            (void)sl_error_set(reterr_error, SL_IO, "'%s' and '%s' are no certificate and key",
                               config->cert_file, config->key_file);
        }
    }
    sl_buf_release(&cert);
    sl_buf_release(&key);
    sl_buf_release(&client_ca);
    return credentials;
}
