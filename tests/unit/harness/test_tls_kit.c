/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made for a run, against what OpenSSL thinks of them. */
#include "harness/transport/tls_kit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

static X509 *read_cert(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(cert);
    return cert;
}

/* What a server that trusts the kit's authority finds wrong with it; purpose: of a client or a server. */
static int verdict(const struct har_tls_kit *kit, enum har_tls_kit_file which, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *authority = read_cert(har_tls_kit_cert(kit, HAR_TLS_KIT_CA));
    X509 *cert = read_cert(har_tls_kit_cert(kit, which));
    assert_int_equal(X509_STORE_add_cert(store, authority), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, cert, NULL), 1);
    assert_int_equal(X509_STORE_CTX_set_purpose(context, purpose), 1);
    (void)X509_verify_cert(context);
    int error = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(authority);
    X509_free(cert);
    return error;
}

static void each_certificate_is_right_or_wrong_in_its_one_way(void **state)
{
    struct har_tls_kit *kit = NULL;
    struct sl_error error = {0};
    (void)state;
    assert_int_equal(har_tls_kit_new(&kit, &error), SL_OK);
    const int client = X509_PURPOSE_SSL_CLIENT;
    assert_int_equal(verdict(kit, HAR_TLS_KIT_SERVER, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_int_equal(verdict(kit, HAR_TLS_KIT_CLIENT, client), X509_V_OK);
    assert_int_equal(verdict(kit, HAR_TLS_KIT_EXPIRED, client), X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(verdict(kit, HAR_TLS_KIT_SERVER_ONLY, client), X509_V_ERR_INVALID_PURPOSE);
    assert_int_equal(verdict(kit, HAR_TLS_KIT_OTHER_CA, client), X509_V_ERR_CERT_SIGNATURE_FAILURE);
    har_tls_kit_free(kit);
}

static void keys_are_for_the_user_alone_and_the_folder_goes(void **state)
{
    struct har_tls_kit *kit = NULL;
    struct sl_error error = {0};
    struct stat info;
    char folder[4096];
    (void)state;
    assert_int_equal(har_tls_kit_new(&kit, &error), SL_OK);
    (void)snprintf(folder, sizeof folder, "%s", har_tls_kit_key(kit, HAR_TLS_KIT_CLIENT));
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    *strrchr(folder, '/') = '\0';
    har_tls_kit_free(kit);
    assert_int_equal(access(folder, F_OK), -1);
    har_tls_kit_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_certificate_is_right_or_wrong_in_its_one_way),
        cmocka_unit_test(keys_are_for_the_user_alone_and_the_folder_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
