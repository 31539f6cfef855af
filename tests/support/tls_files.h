/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TLS_FILES_H
#define TEST_TLS_FILES_H

/*
 * Certificates and keys for tests, as PEM files in a temporary folder: P-256, valid for localhost and 127.0.0.1.
 *
 * Ends the program when the system does not let it. Threads: one.
 */
#include <stddef.h>

enum {
    TEST_TLS_PATH_MAX = 128,
};

struct test_tls_files {
    char folder[64];
};

struct test_tls_wish {
    const char *name; /* of the files NAME.crt and NAME.key, and the common name */
    const char
        *issuer; /* the name of one that was made before; NULL: itself, and it may sign others */
    const char *usage; /* extendedKeyUsage such as "clientAuth"; NULL: none */
    long from_s, to_s; /* validity in seconds from now; both 0: an hour ago to an hour ahead */
};

void test_tls_files_init(struct test_tls_files *files);

/* Makes NAME.crt and NAME.key. */
void test_tls_make(const struct test_tls_files *files, const struct test_tls_wish *wish);

/* The path of a file of the folder; one of the last few texts that were given, to be used at once. */
const char *test_tls_path(const struct test_tls_files *files, const char *name);

/* A file with any text. */
void test_tls_write(const struct test_tls_files *files, const char *name, const char *text);

/* Removes the folder and what is in it. */
void test_tls_files_remove(const struct test_tls_files *files);

#endif
