/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/schedule.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "lib/base/buf.h"

enum {
    RANDOM_SIZE = 32,
    SHA256_SIZE = 32,
    SHA384_SIZE = 48,
    LABEL_MAX = 64,
};

/* OpenSSL takes what it only reads as void *. */
static OSSL_PARAM octets(const char *key, const void *bytes, size_t len)
{
    union {
        const void *in;
        void *out;
    } pointer = {.in = bytes};
    return OSSL_PARAM_construct_octet_string(key, pointer.out, len);
}

static OSSL_PARAM text(const char *key, const char *value)
{
    union {
        const char *in;
        char *out;
    } pointer = {.in = value};
    return OSSL_PARAM_construct_utf8_string(key, pointer.out, 0);
}

static bool derive(const char *algorithm, const OSSL_PARAM *params, uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, algorithm, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    bool is_good = context != NULL && EVP_KDF_derive(context, out, len, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return is_good;
}

bool ins_tls_key_block(const char *hash, struct sl_span master, const uint8_t *client_random,
                       const uint8_t *server_random, uint8_t *out, size_t len)
{
    static const char label[] = "key expansion";
    const OSSL_PARAM params[] = {
        text(OSSL_KDF_PARAM_DIGEST, hash),
        octets(OSSL_KDF_PARAM_SECRET, master.data, master.len),
        octets(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
        octets(OSSL_KDF_PARAM_SEED, server_random, RANDOM_SIZE),
        octets(OSSL_KDF_PARAM_SEED, client_random, RANDOM_SIZE),
        OSSL_PARAM_construct_end(),
    };
    return derive("TLS1-PRF", params, out, len);
}

bool ins_tls_expand(const char *hash, struct sl_span secret, const char *label, uint8_t *out,
                    size_t len)
{
    struct sl_buf info;
    sl_buf_init(&info, LABEL_MAX);
    (void)sl_buf_add_be16(&info, (uint16_t)len);
    (void)sl_buf_add_u8(&info, (uint8_t)(strlen("tls13 ") + strlen(label)));
    (void)sl_buf_add_str(&info, "tls13 ");
    (void)sl_buf_add_str(&info, label);
    (void)sl_buf_add_u8(&info, 0); /* no context */
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        text(OSSL_KDF_PARAM_DIGEST, hash),
        octets(OSSL_KDF_PARAM_KEY, secret.data, secret.len),
        octets(OSSL_KDF_PARAM_INFO, info.data, info.len),
        OSSL_PARAM_construct_end(),
    };
    bool is_good = derive("HKDF", params, out, len);
    sl_buf_release(&info);
    return is_good;
}

size_t ins_tls_secret_size(const struct ins_tls_suite *suite)
{
    return strcmp(suite->hash, "SHA384") == 0 ? SHA384_SIZE : SHA256_SIZE;
}
