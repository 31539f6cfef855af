/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TLS_KIT_H
#define HAR_TLS_KIT_H

/*
 * Certificates made for one run: an authority, a server of 127.0.0.1, ::1 and localhost, and clients, right and wrong.
 * They are PEM files in a folder of their own, which only the user may read and which goes when the run ends. Keys are of
 * P-256; nothing is valid for longer than a day.
 */
#include "lib/base/status.h"

struct har_tls_kit;

/* The files: NAME.pem, and NAME.key where there is a key. */
#define HAR_TLS_KIT_FILES(X)                                             \
    X(CA, "ca", "the authority")                                         \
    X(SERVER, "server", "of the server under test")                      \
    X(CLIENT, "client", "of a client")                                   \
    X(EXPIRED, "expired", "of a client, an hour too late")               \
    X(SERVER_ONLY, "server-only", "for servers only, shown by a client") \
    X(OTHER_CA, "other-ca", "of a client, by an authority of the same name that nobody knows")

enum har_tls_kit_file {
#define X(id, name, what) HAR_TLS_KIT_##id,
    HAR_TLS_KIT_FILES(X)
#undef X
        HAR_TLS_KIT_COUNT,
};

/* SL_IO, with the reason, when the folder cannot be made or written. */
SL_MUST_USE enum sl_status har_tls_kit_new(struct har_tls_kit **ret_kit,
                                           struct sl_error *reterr_error);
/* Removes the files. NULL is fine. */
void har_tls_kit_free(struct har_tls_kit *kit);

/* The certificate, and its key. */
const char *har_tls_kit_cert(const struct har_tls_kit *kit, enum har_tls_kit_file file);
const char *har_tls_kit_key(const struct har_tls_kit *kit, enum har_tls_kit_file file);

#endif
