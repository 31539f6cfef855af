/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/certificates.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/tls_files.h"

enum {
    MANY_ROOTS = 400,
    LARGE = 2 * 1024 * 1024,
};

static struct test_tls_files files;

static void encrypt_key(const char *from, const char *to)
{
    FILE *file = fopen(test_tls_path(&files, from), "r");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    file = fopen(test_tls_path(&files, to), "w");
    assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(),
                                          (const unsigned char *)"pass", 4, NULL, NULL),
                     1);
    fclose(file);
    EVP_PKEY_free(key);
}

/* The file of name, then text. */
static void append(const char *name, const char *to, const char *text, size_t times)
{
    char *content = sl_alloc(LARGE);
    FILE *file = fopen(test_tls_path(&files, name), "r");
    size_t len = fread(content, 1, LARGE, file);
    fclose(file);
    file = fopen(test_tls_path(&files, to), "w");
    for (size_t i = 0; i < times; i++) {
        fwrite(content, 1, len, file);
    }
    fputs(text, file);
    fclose(file);
    sl_free(content);
}

static int make_all(void **state)
{
    (void)state;
    test_tls_files_init(&files);
    test_tls_make(&files, &(struct test_tls_wish){.name = "ca"});
    test_tls_make(&files, &(struct test_tls_wish){.name = "own", .issuer = "ca"});
    test_tls_make(&files, &(struct test_tls_wish){.name = "other", .issuer = "ca"});
    test_tls_make(&files, &(struct test_tls_wish){.name = "past", .from_s = -7200, .to_s = -60});
    encrypt_key("own.key", "encrypted.key");
    append("own.crt", "half-a-chain.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n", 1);
    append("own.crt", "chain.crt", "a comment behind it\n", 2);
    append("ca.crt", "large.crt", "", 3000);
    append("ca.crt", "broken-ca.crt",
           "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1);
    test_tls_write(&files, "empty", "");
    test_tls_write(&files, "text", "no PEM here\n");
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    test_tls_files_remove(&files);
    return 0;
}

static enum sl_status read_of(const char *cert, const char *key, const char *client_ca,
                              struct srv_certificates *certificates, struct sl_error *error)
{
    const struct srv_tls_files names = {test_tls_path(&files, cert), test_tls_path(&files, key),
                                        client_ca == NULL ? NULL
                                                          : test_tls_path(&files, client_ca)};
    return srv_certificates_read(&names, certificates, error);
}

struct file_case {
    const char *cert, *key, *client_ca;
    const char *named; /* by the error */
    const char *text;  /* of it */
};

static void a_file_that_cannot_be_used_is_named(void **state)
{
    static const struct file_case cases[] = {
        {"none", "own.key", NULL, "none", "No such file"},
        {"own.crt", "none", NULL, "none", "No such file"},
        {"own.crt", "own.key", "none", "none", "No such file"},
        {".", "own.key", NULL, ".", "not a regular file"},
        {"large.crt", "own.key", NULL, "large.crt", "larger than 1 MiB"},
        {"empty", "own.key", NULL, "empty", "is no certificate"},
        {"text", "own.key", NULL, "text", "is no certificate"},
        {"own.key", "own.key", NULL, "own.key", "is no certificate"},
        {"half-a-chain.crt", "own.key", NULL, "half-a-chain.crt", "in its chain"},
        {"own.crt", "empty", NULL, "empty", "is no key"},
        {"own.crt", "own.crt", NULL, "own.crt", "is no key"},
        {"own.crt", "encrypted.key", NULL, "encrypted.key", "is no key"},
        {"own.crt", "other.key", NULL, "other.key", "is not the key of"},
        {"own.crt", "own.key", "empty", "empty", "no bundle"},
        {"own.crt", "own.key", "text", "text", "no bundle"},
        {"own.crt", "own.key", "broken-ca.crt", "broken-ca.crt", "no bundle"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct srv_certificates certificates;
        struct sl_error error = {0};
        enum sl_status status =
            read_of(cases[i].cert, cases[i].key, cases[i].client_ca, &certificates, &error);
        if (status != SL_IO || strstr(error.text, cases[i].text) == NULL ||
            strstr(error.text, test_tls_path(&files, cases[i].named)) == NULL) {
            fail_msg("%zu: status %d, \"%s\"", i, status, error.text);
        }
        assert_null(certificates.key.data);
    }
}

static void good_files_are_kept_as_they_are(void **state)
{
    static const char *const certs[] = {"own.crt", "chain.crt"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct srv_certificates certificates;
        struct sl_error error = {0};
        enum sl_status status = read_of(certs[i], "own.key", "ca.crt", &certificates, &error);
        if (status != SL_OK) {
            fail_msg("%s: %s", certs[i], error.text);
        }
        assert_true(sl_span_starts(sl_buf_span(&certificates.cert), "-----BEGIN CERTIFICATE"));
        assert_true(sl_span_starts(sl_buf_span(&certificates.key), "-----BEGIN PRIVATE KEY"));
        assert_true(certificates.client_ca.len > 0);
        srv_certificates_release(&certificates);
    }
}

/* Its clock or its owner may be wrong: a warning, but it is served. */
static void an_expired_certificate_is_served(void **state)
{
    (void)state;
    struct srv_certificates certificates;
    struct sl_error error = {0};
    assert_int_equal(read_of("past.crt", "past.key", NULL, &certificates, &error), SL_OK);
    srv_certificates_release(&certificates);
}

/* The names of the roots go into one message of the handshake, which has a limit. */
static void names_of_too_many_roots_are_not_sent(void **state)
{
    (void)state;
    FILE *bundle = fopen(test_tls_path(&files, "bundle.crt"), "w");
    for (int i = 0; i < MANY_ROOTS; i++) {
        char name[64]; /* the longest common name */
        (void)snprintf(name, sizeof name, "%063d", i);
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *root = X509_new();
        X509_set_version(root, 2);
        X509_gmtime_adj(X509_getm_notBefore(root), 0);
        X509_gmtime_adj(X509_getm_notAfter(root), 3600);
        X509_NAME *subject = X509_get_subject_name(root);
        for (int j = 0; j < 2; j++) {
            X509_NAME_add_entry_by_txt(subject, j == 0 ? "CN" : "OU", MBSTRING_ASC,
                                       (const unsigned char *)name, -1, -1, 0);
        }
        X509_set_issuer_name(root, subject);
        X509_set_pubkey(root, key);
        X509_sign(root, key, EVP_sha256());
        PEM_write_X509(bundle, root);
        X509_free(root);
        EVP_PKEY_free(key);
    }
    fclose(bundle);
    static const char *const bundles[] = {"ca.crt", "bundle.crt"};
    for (size_t i = 0; i < 2; i++) {
        struct srv_certificates certificates;
        struct sl_error error = {0};
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());
        assert_int_equal(read_of("own.crt", "own.key", bundles[i], &certificates, &error), SL_OK);
        assert_int_equal(srv_certificates_use(&certificates, context, &error), SL_OK);
        assert_int_equal(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(context)) > 0, i == 0);
        assert_int_equal(SSL_CTX_get_verify_mode(context),
                         SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
        srv_certificates_release(&certificates);
        SSL_CTX_free(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_cannot_be_used_is_named),
        cmocka_unit_test(good_files_are_kept_as_they_are),
        cmocka_unit_test(an_expired_certificate_is_served),
        cmocka_unit_test(names_of_too_many_roots_are_not_sent),
    };
    return cmocka_run_group_tests_name("certificates", tests, make_all, remove_all);
}
