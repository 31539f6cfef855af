/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_DIFF_DIGEST_H
#define INS_DIFF_DIGEST_H

/*
 * The calls of one capture, as far as two captures can be held against each other: contents, no times, no addresses.
 * Taken from call records (docs/INSPECTOR.md).
 *
 * Limits: below, for each capture. Of calls whose contents are not kept, hashes are; calls past the maximum are counted.
 */
#include <jansson.h>

#include "inspector/output/lines.h"

enum {
    INS_DIGEST_CALLS_MAX = 20000,
    INS_DIGEST_TEXT_MAX = 6 * 1024 * 1024, /* contents of all calls */
    INS_DIGEST_CALL_TEXT_MAX = 256 * 1024, /* of one */
    INS_DIGEST_MESSAGES = 1000,            /* of each side that are compared one by one */
    INS_DIGEST_IGNORE_MAX = 64,
};

/* Names that are not compared, wherever they stand, or paths ("$.response.messages[*].id"). */
struct ins_digest_ignore {
    const char *items[INS_DIGEST_IGNORE_MAX];
    size_t count;
};

struct ins_digest_call {
    uint64_t id;
    double duration_ms; /* negative: not known */
    char *method;       /* "" when it is not known */
    char *status;       /* its name, or number, or "open" */
    char *text;         /* its contents as JSON; NULL: there was no room */
    uint64_t id_hash;   /* of method and x-request-id or traceparent; 0: it has none */
    uint64_t request_hash, contents_hash, method_hash;
    bool is_paired;
};

struct ins_digest {
    struct ins_renderer renderer; /* takes the records; freed by nobody but ins_digest_release */
    const struct ins_digest_ignore *ignore;
    struct ins_digest_call *calls;
    size_t count, capacity, text_bytes;
    uint64_t unkept;    /* calls past the maximum */
    uint64_t hashed;    /* calls of which only the hash is kept */
    uint64_t shortened; /* calls with more messages than are compared one by one */
};

/* Borrows ignore. */
void ins_digest_init(struct ins_digest *digest, const struct ins_digest_ignore *ignore);
void ins_digest_release(struct ins_digest *digest);

/* One record of a call; others are passed over. */
void ins_digest_add(struct ins_digest *digest, struct sl_span record);

#endif
