/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/protect.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>

#include "inspector/tls/schedule.h"
#include "lib/base/alloc.h"

enum {
    NONCE_SIZE = 12,
    SALT_SIZE = 4,     /* of GCM and CCM in TLS 1.2 (RFC 5288 3, RFC 6655 3) */
    EXPLICIT_SIZE = 8, /* the rest of the nonce, in the record */
    TAG_SIZE = 16,
    SHORT_TAG_SIZE = 8,
    BLOCK_SIZE = 16, /* of AES */
    KEY_MAX = 32,
    MAC_MAX = 48,
    KEY_BLOCK_MAX = 2 * (MAC_MAX + KEY_MAX + NONCE_SIZE),
    AAD_12_SIZE = 13, /* sequence number, type, version, length */
};

struct ins_tls_protect {
    const struct ins_tls_suite *suite;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac; /* of CBC */
    size_t mac_size;
    uint8_t key[KEY_MAX];
    uint8_t nonce[NONCE_SIZE]; /* the fixed part, first */
    bool is_13, is_encrypt_then_mac;
};

static size_t tag_size(const struct ins_tls_suite *suite)
{
    return suite->mode == INS_TLS_CCM_8 ? SHORT_TAG_SIZE : TAG_SIZE;
}

static bool is_ccm(const struct ins_tls_suite *suite)
{
    return suite->mode == INS_TLS_CCM || suite->mode == INS_TLS_CCM_8;
}

/* Sets up the cipher with the key, so that a record needs its nonce only. */
static bool prepare(struct ins_tls_protect *protect, const uint8_t *key)
{
    const struct ins_tls_suite *suite = protect->suite;
    memcpy(protect->key, key, suite->key_size);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suite->cipher, NULL);
    protect->cipher = EVP_CIPHER_CTX_new();
    bool is_good = cipher != NULL && protect->cipher != NULL &&
                   EVP_DecryptInit_ex2(protect->cipher, cipher, NULL, NULL, NULL) == 1;
    if (is_good && suite->mode != INS_TLS_CBC) {
        is_good =
            EVP_CIPHER_CTX_ctrl(protect->cipher, EVP_CTRL_AEAD_SET_IVLEN, NONCE_SIZE, NULL) == 1;
    }
    if (is_good && is_ccm(suite)) {
        is_good = EVP_CIPHER_CTX_ctrl(protect->cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag_size(suite),
                                      NULL) == 1;
    }
    is_good = is_good && EVP_DecryptInit_ex2(protect->cipher, NULL, key, NULL, NULL) == 1;
    if (is_good && suite->mode == INS_TLS_CBC) {
        is_good = EVP_CIPHER_CTX_set_padding(protect->cipher, 0) == 1;
    }
    EVP_CIPHER_free(cipher);
    return is_good;
}

static bool prepare_mac(struct ins_tls_protect *protect, const uint8_t *key)
{
    char digest[16];
    (void)snprintf(digest, sizeof(digest), "%s", protect->suite->mac);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    protect->mac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return protect->mac != NULL && EVP_MAC_init(protect->mac, key, protect->mac_size, params) == 1;
}

static struct ins_tls_protect *new_protect(const struct ins_tls_suite *suite)
{
    struct ins_tls_protect *protect = sl_alloc(sizeof(*protect));
    protect->suite = suite;
    if (suite->mac != NULL) {
        protect->mac_size = strcmp(suite->mac, "SHA1") == 0     ? 20
                            : strcmp(suite->mac, "SHA256") == 0 ? 32
                                                                : MAC_MAX;
    }
    return protect;
}

void ins_tls_protect_free(struct ins_tls_protect *protect)
{
    if (protect != NULL) {
        EVP_CIPHER_CTX_free(protect->cipher);
        EVP_MAC_CTX_free(protect->mac);
        OPENSSL_cleanse(protect, sizeof(*protect));
        sl_free(protect);
    }
}

/* Fixed bytes of the nonce that the key block holds: CBC has its IV in each record (RFC 5246 6.2.3.2). */
static size_t fixed_nonce_size(const struct ins_tls_suite *suite)
{
    switch (suite->mode) {
    case INS_TLS_CHACHA20:
        return NONCE_SIZE;
    case INS_TLS_CBC:
        return 0;
    case INS_TLS_GCM:
    case INS_TLS_CCM:
    case INS_TLS_CCM_8:
        break;
    }
    return SALT_SIZE;
}

struct ins_tls_protect *ins_tls_protect_new_12(const struct ins_tls_suite *suite,
                                               bool is_encrypt_then_mac, bool is_client,
                                               struct sl_span master, const uint8_t *client_random,
                                               const uint8_t *server_random)
{
    struct ins_tls_protect *protect = new_protect(suite);
    protect->is_encrypt_then_mac = is_encrypt_then_mac;
    /* client's MAC key, server's; client's key, server's; client's IV, server's */
    uint8_t block[KEY_BLOCK_MAX];
    size_t iv_size = fixed_nonce_size(suite);
    size_t keys_at = 2 * protect->mac_size;
    size_t ivs_at = keys_at + 2U * suite->key_size;
    size_t which = is_client ? 0 : 1;
    bool is_good = ins_tls_key_block(suite->hash, master, client_random, server_random, block,
                                     ivs_at + 2 * iv_size) &&
                   prepare(protect, block + keys_at + which * suite->key_size) &&
                   (suite->mac == NULL || prepare_mac(protect, block + which * protect->mac_size));
    if (is_good) {
        memcpy(protect->nonce, block + ivs_at + which * iv_size, iv_size);
    }
    OPENSSL_cleanse(block, sizeof(block));
    if (!is_good) {
        ins_tls_protect_free(protect);
        return NULL;
    }
    return protect;
}

struct ins_tls_protect *ins_tls_protect_new_13(const struct ins_tls_suite *suite,
                                               struct sl_span secret)
{
    struct ins_tls_protect *protect = new_protect(suite);
    uint8_t key[KEY_MAX];
    protect->is_13 = true;
    bool is_good =
        ins_tls_expand(suite->hash, secret, "key", key, suite->key_size) &&
        ins_tls_expand(suite->hash, secret, "iv", protect->nonce, sizeof(protect->nonce)) &&
        prepare(protect, key);
    OPENSSL_cleanse(key, sizeof(key));
    if (!is_good) {
        ins_tls_protect_free(protect);
        return NULL;
    }
    return protect;
}

static void put_be64(uint8_t *out, uint64_t value)
{
    for (size_t i = 0; i < sizeof(value); i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

/* What a TLS 1.2 record authenticates beside its content of len bytes. */
static void put_aad_12(uint8_t *out, uint64_t sequence, const uint8_t *header, size_t len)
{
    put_be64(out, sequence);
    memcpy(out + 8, header, 3);
    out[11] = (uint8_t)(len >> 8);
    out[12] = (uint8_t)len;
}

static bool decrypt_aead(struct ins_tls_protect *protect, const uint8_t *nonce, struct sl_span aad,
                         struct sl_span sealed, uint8_t *out)
{
    EVP_CIPHER_CTX *cipher = protect->cipher;
    size_t tag_len = tag_size(protect->suite);
    size_t len = sealed.len - tag_len;
    uint8_t tag[TAG_SIZE];
    memcpy(tag, sealed.data + len, tag_len);
    int written = 0;
    if (is_ccm(protect->suite)) {
        /* CCM has the tag and the length before all else, and verifies as it decrypts */
        return EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, tag) == 1 &&
               EVP_DecryptInit_ex2(cipher, NULL, protect->key, nonce, NULL) == 1 &&
               EVP_DecryptUpdate(cipher, NULL, &written, NULL, (int)len) == 1 &&
               EVP_DecryptUpdate(cipher, NULL, &written, aad.data, (int)aad.len) == 1 &&
               EVP_DecryptUpdate(cipher, out, &written, sealed.data, (int)len) == 1;
    }
    return EVP_DecryptInit_ex2(cipher, NULL, NULL, nonce, NULL) == 1 &&
           EVP_DecryptUpdate(cipher, NULL, &written, aad.data, (int)aad.len) == 1 &&
           EVP_DecryptUpdate(cipher, out, &written, sealed.data, (int)len) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, tag) == 1 &&
           EVP_DecryptFinal_ex(cipher, out + len, &written) == 1;
}

/* The whole nonce mixed with the sequence number (RFC 8446 5.3, RFC 7905 2). */
static void mixed_nonce(const struct ins_tls_protect *protect, uint64_t sequence, uint8_t *out)
{
    uint8_t number[8];
    put_be64(number, sequence);
    memcpy(out, protect->nonce, NONCE_SIZE);
    for (size_t i = 0; i < sizeof(number); i++) {
        out[NONCE_SIZE - sizeof(number) + i] ^= number[i];
    }
}

static bool open_13(struct ins_tls_protect *protect, uint64_t sequence, const uint8_t *header,
                    struct sl_span fragment, uint8_t *out, struct sl_span *ret_plain,
                    uint8_t *ret_type)
{
    uint8_t nonce[NONCE_SIZE];
    if (fragment.len <= tag_size(protect->suite)) {
        return false;
    }
    mixed_nonce(protect, sequence, nonce);
    if (!decrypt_aead(protect, nonce, sl_span(header, INS_TLS_HEADER_SIZE), fragment, out)) {
        return false;
    }
    /* content, its type, zeros (RFC 8446 5.4) */
    size_t len = fragment.len - tag_size(protect->suite);
    while (len > 0 && out[len - 1] == 0) {
        len--;
    }
    *ret_type = len == 0 ? 0 : out[len - 1];
    *ret_plain = sl_span(out, len == 0 ? 0 : len - 1);
    return true;
}

static bool open_aead_12(struct ins_tls_protect *protect, uint64_t sequence, const uint8_t *header,
                         struct sl_span fragment, uint8_t *out, struct sl_span *ret_plain)
{
    uint8_t nonce[NONCE_SIZE];
    uint8_t aad[AAD_12_SIZE];
    bool is_explicit = protect->suite->mode != INS_TLS_CHACHA20;
    size_t before = is_explicit ? EXPLICIT_SIZE : 0;
    size_t tag_len = tag_size(protect->suite);
    if (fragment.len < before + tag_len) {
        return false;
    }
    if (is_explicit) {
        memcpy(nonce, protect->nonce, SALT_SIZE);
        memcpy(nonce + SALT_SIZE, fragment.data, EXPLICIT_SIZE);
    } else {
        mixed_nonce(protect, sequence, nonce);
    }
    size_t len = fragment.len - before - tag_len;
    put_aad_12(aad, sequence, header, len);
    *ret_plain = sl_span(out, len);
    return decrypt_aead(protect, nonce, sl_span(aad, sizeof(aad)), sl_span_from(fragment, before),
                        out);
}

static bool mac_is(struct ins_tls_protect *protect, struct sl_span aad, struct sl_span content,
                   const uint8_t *expected)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    return EVP_MAC_init(protect->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(protect->mac, aad.data, aad.len) == 1 &&
           (content.len == 0 || EVP_MAC_update(protect->mac, content.data, content.len) == 1) &&
           EVP_MAC_final(protect->mac, mac, &len, sizeof(mac)) == 1 && len == protect->mac_size &&
           memcmp(mac, expected, len) == 0;
}

/* RFC 5246 6.2.3.2: IV, then encrypted content, MAC and padding; RFC 7366: the MAC behind, over all before it. */
static bool open_cbc(struct ins_tls_protect *protect, uint64_t sequence, const uint8_t *header,
                     struct sl_span fragment, uint8_t *out, struct sl_span *ret_plain)
{
    uint8_t aad[AAD_12_SIZE];
    size_t outer_mac = protect->is_encrypt_then_mac ? protect->mac_size : 0;
    size_t inner_mac = protect->mac_size - outer_mac;
    if (fragment.len < 2U * BLOCK_SIZE + outer_mac ||
        (fragment.len - outer_mac) % BLOCK_SIZE != 0) {
        return false;
    }
    struct sl_span sealed = sl_span_first(fragment, fragment.len - outer_mac);
    if (outer_mac > 0) {
        put_aad_12(aad, sequence, header, sealed.len);
        if (!mac_is(protect, sl_span(aad, sizeof(aad)), sealed, sealed.data + sealed.len)) {
            return false;
        }
    }
    struct sl_span body = sl_span_from(sealed, BLOCK_SIZE);
    int written = 0;
    if (EVP_DecryptInit_ex2(protect->cipher, NULL, NULL, sealed.data, NULL) != 1 ||
        EVP_DecryptUpdate(protect->cipher, out, &written, body.data, (int)body.len) != 1) {
        return false;
    }
    size_t padding = out[body.len - 1]; /* that many bytes of this value, and it */
    if (padding + 1 + inner_mac > body.len) {
        return false;
    }
    for (size_t i = 0; i < padding; i++) {
        if (out[body.len - 2 - i] != padding) {
            return false;
        }
    }
    size_t len = body.len - padding - 1 - inner_mac;
    *ret_plain = sl_span(out, len);
    if (inner_mac > 0) {
        put_aad_12(aad, sequence, header, len);
        return mac_is(protect, sl_span(aad, sizeof(aad)), *ret_plain, out + len);
    }
    return true;
}

bool ins_tls_protect_open(struct ins_tls_protect *protect, uint64_t sequence, const uint8_t *header,
                          struct sl_span fragment, uint8_t *out, struct sl_span *ret_plain,
                          uint8_t *ret_type)
{
    if (protect->is_13) {
        return open_13(protect, sequence, header, fragment, out, ret_plain, ret_type);
    }
    *ret_type = header[0];
    return protect->suite->mode == INS_TLS_CBC
               ? open_cbc(protect, sequence, header, fragment, out, ret_plain)
               : open_aead_12(protect, sequence, header, fragment, out, ret_plain);
}
