/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tls_files.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATHS = 8,
    HOUR_S = 3600,
};

static void must(int is_done, const char *what)
{
    if (!is_done) {
        perror(what);
        abort();
    }
}

void test_tls_files_init(struct test_tls_files *files)
{
    (void)snprintf(files->folder, sizeof files->folder, "/tmp/sluice-tls-XXXXXX");
    must(mkdtemp(files->folder) != NULL, "mkdtemp");
}

const char *test_tls_path(const struct test_tls_files *files, const char *name)
{
    static char paths[PATHS][TEST_TLS_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % PATHS];
    (void)snprintf(path, TEST_TLS_PATH_MAX, "%s/%s", files->folder, name);
    return path;
}

static FILE *open_file(const struct test_tls_files *files, const char *name, const char *suffix,
                       const char *mode)
{
    char full[TEST_TLS_PATH_MAX];
    (void)snprintf(full, sizeof full, "%s%s", name, suffix);
    FILE *file = fopen(test_tls_path(files, full), mode);
    must(file != NULL, full);
    return file;
}

void test_tls_write(const struct test_tls_files *files, const char *name, const char *text)
{
    FILE *file = open_file(files, name, "", "w");
    must(fputs(text, file) >= 0, name);
    must(fclose(file) == 0, name);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension != NULL, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *unsigned_certificate(const struct test_tls_wish *wish, EVP_PKEY *key)
{
    static long serial;
    bool is_given = wish->from_s != 0 || wish->to_s != 0;
    X509 *certificate = X509_new();
    must(certificate != NULL, "X509_new");
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), is_given ? wish->from_s : -HOUR_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), is_given ? wish->to_s : HOUR_S);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)wish->name, -1, -1, 0);
    return certificate;
}

static void sign(X509 *certificate, const struct test_tls_files *files,
                 const struct test_tls_wish *wish, EVP_PKEY *own_key)
{
    X509 *issuer = certificate;
    EVP_PKEY *key = own_key;
    if (wish->issuer != NULL) {
        FILE *file = open_file(files, wish->issuer, ".crt", "r");
        issuer = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        file = open_file(files, wish->issuer, ".key", "r");
        key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        must(issuer != NULL && key != NULL, wish->issuer);
    }
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    add_extension(certificate, issuer, NID_basic_constraints,
                  wish->issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, issuer, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    if (wish->usage != NULL) {
        add_extension(certificate, issuer, NID_ext_key_usage, wish->usage);
    }
    must(X509_sign(certificate, key, EVP_sha256()) > 0, "X509_sign");
    if (wish->issuer != NULL) {
        X509_free(issuer);
        EVP_PKEY_free(key);
    }
}

void test_tls_make(const struct test_tls_files *files, const struct test_tls_wish *wish)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL, "EVP_EC_gen");
    X509 *certificate = unsigned_certificate(wish, key);
    sign(certificate, files, wish, key);
    FILE *file = open_file(files, wish->name, ".crt", "w");
    must(PEM_write_X509(file, certificate), wish->name);
    must(fclose(file) == 0, wish->name);
    file = open_file(files, wish->name, ".key", "w");
    must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), wish->name);
    must(fclose(file) == 0, wish->name);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void test_tls_files_remove(const struct test_tls_files *files)
{
    DIR *folder = opendir(files->folder);
    must(folder != NULL, files->folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        (void)unlink(test_tls_path(files, entry->d_name));
    }
    (void)closedir(folder);
    (void)rmdir(files->folder);
}
