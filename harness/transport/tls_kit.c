/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/tls_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"

enum {
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
};

struct har_tls_kit {
    char *folder;
    char *certs[HAR_TLS_KIT_COUNT], *keys[HAR_TLS_KIT_COUNT];
};

/* One certificate and its key, to be signed by an issuer. */
struct identity {
    X509 *cert;
    EVP_PKEY *key;
};

static const char *const names[] = {
#define X(id, name, what) [HAR_TLS_KIT_##id] = (name),
    HAR_TLS_KIT_FILES(X)
#undef X
};

static void identity_free(struct identity *identity)
{
    X509_free(identity->cert);
    EVP_PKEY_free(identity->key);
    *identity = (struct identity){0};
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* usage NULL: an authority. */
static bool fill_in(X509 *cert, X509 *issuer, const char *name, const char *usage)
{
    static long serial;
    bool is_authority = usage == NULL;
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial) == 1 &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                      (const unsigned char *)name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer == NULL ? cert : issuer)) == 1 &&
           add_extension(cert, issuer == NULL ? cert : issuer, NID_basic_constraints,
                         is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
           add_extension(cert, issuer == NULL ? cert : issuer, NID_key_usage,
                         is_authority ? "critical,keyCertSign" : "critical,digitalSignature") &&
           (is_authority || (add_extension(cert, issuer, NID_ext_key_usage, usage) &&
                             add_extension(cert, issuer, NID_subject_alt_name,
                                           "IP:127.0.0.1,IP:::1,DNS:localhost")));
}

/* issuer NULL: it signs itself. Valid from now + from_s to now + to_s. */
static bool make(struct identity *out, const struct identity *issuer, const char *name,
                 const char *usage, long from_s, long to_s)
{
    out->key = EVP_EC_gen("P-256");
    out->cert = X509_new();
    return out->key != NULL && out->cert != NULL &&
           X509_gmtime_adj(X509_getm_notBefore(out->cert), from_s) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(out->cert), to_s) != NULL &&
           X509_set_pubkey(out->cert, out->key) == 1 &&
           fill_in(out->cert, issuer == NULL ? NULL : issuer->cert, name, usage) &&
           X509_sign(out->cert, issuer == NULL ? out->key : issuer->key, EVP_sha256()) > 0;
}

static FILE *create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL && fd >= 0) {
        (void)close(fd);
    }
    return file;
}

static bool write_files(const struct har_tls_kit *kit, enum har_tls_kit_file which,
                        const struct identity *identity)
{
    FILE *cert = create(kit->certs[which]);
    bool is_written = cert != NULL && PEM_write_X509(cert, identity->cert) == 1;
    is_written &= cert != NULL && fclose(cert) == 0;
    FILE *key = create(kit->keys[which]);
    is_written &=
        key != NULL && PEM_write_PrivateKey(key, identity->key, NULL, NULL, 0, NULL, NULL) == 1;
    is_written &= key != NULL && fclose(key) == 0;
    return is_written;
}

static bool make_all(const struct har_tls_kit *kit)
{
    static const char both[] = "serverAuth,clientAuth";
    struct identity authority = {0};
    struct identity stranger = {0};
    bool is_made = make(&authority, NULL, "Sluice test authority", NULL, -HOUR_S, DAY_S) &&
                   make(&stranger, NULL, "Sluice test authority", NULL, -HOUR_S, DAY_S) &&
                   write_files(kit, HAR_TLS_KIT_CA, &authority);
    const struct {
        enum har_tls_kit_file which;
        const struct identity *issuer;
        const char *usage;
        long from_s, to_s;
    } wanted[] = {
        {HAR_TLS_KIT_SERVER, &authority, both, -HOUR_S, DAY_S},
        {HAR_TLS_KIT_CLIENT, &authority, "clientAuth", -HOUR_S, DAY_S},
        {HAR_TLS_KIT_EXPIRED, &authority, "clientAuth", -2L * DAY_S, -HOUR_S},
        {HAR_TLS_KIT_SERVER_ONLY, &authority, "serverAuth", -HOUR_S, DAY_S},
        {HAR_TLS_KIT_OTHER_CA, &stranger, "clientAuth", -HOUR_S, DAY_S},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && is_made; i++) {
        struct identity identity = {0};
        is_made = make(&identity, wanted[i].issuer, names[wanted[i].which], wanted[i].usage,
                       wanted[i].from_s, wanted[i].to_s) &&
                  write_files(kit, wanted[i].which, &identity);
        identity_free(&identity);
    }
    identity_free(&authority);
    identity_free(&stranger);
    return is_made;
}

enum sl_status har_tls_kit_new(struct har_tls_kit **ret_kit, struct sl_error *reterr_error)
{
    const char *parent = getenv("TMPDIR");
    bool has_parent = parent != NULL && parent[0] != '\0';
    char *folder = sl_asprintf("%s/sluice-tls-XXXXXX", has_parent ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) {
        enum sl_status status = sl_error_set(
            reterr_error, SL_IO, "cannot make a folder for certificates: %s", strerror(errno));
        sl_free(folder);
        return status;
    }
    struct har_tls_kit *kit = sl_calloc(1, sizeof(*kit));
    kit->folder = folder;
    for (size_t i = 0; i < HAR_TLS_KIT_COUNT; i++) {
        kit->certs[i] = sl_asprintf("%s/%s.pem", folder, names[i]);
        kit->keys[i] = sl_asprintf("%s/%s.key", folder, names[i]);
    }
    if (!make_all(kit)) {
        enum sl_status status =
            sl_error_set(reterr_error, SL_IO, "cannot make certificates in %s", folder);
        har_tls_kit_free(kit);
        return status;
    }
    *ret_kit = kit;
    return SL_OK;
}

void har_tls_kit_free(struct har_tls_kit *kit)
{
    if (kit == NULL) {
        return;
    }
    for (size_t i = 0; i < HAR_TLS_KIT_COUNT; i++) {
        (void)unlink(kit->certs[i]);
        (void)unlink(kit->keys[i]);
        sl_free(kit->certs[i]);
        sl_free(kit->keys[i]);
    }
    (void)rmdir(kit->folder);
    sl_free(kit->folder);
    sl_free(kit);
}

const char *har_tls_kit_cert(const struct har_tls_kit *kit, enum har_tls_kit_file file)
{
    return kit->certs[file];
}

const char *har_tls_kit_key(const struct har_tls_kit *kit, enum har_tls_kit_file file)
{
    return kit->keys[file];
}
