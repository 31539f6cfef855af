/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_KEYS_H
#define INS_KEYS_H

/*
 * The secrets by which TLS connections are decrypted, as key logs and Decryption Secrets Blocks tell them, and what
 * earlier connections of the capture left for those that resume their sessions.
 *
 * Pure but for the random seed of its hash: who writes a key log cannot make it slow.
 * Limits: INS_KEYS_MAX secrets of key logs, INS_KEYS_SESSIONS of sessions; the oldest goes when one too many comes.
 */
#include "lib/base/span.h"

enum {
    INS_KEYS_MAX = 65536, /* 88 bytes each */
    INS_KEYS_SESSIONS = 4096,
    INS_KEYS_ID =
        32, /* bytes of a client random, a session id (shorter ones: zeros behind), a ticket's SHA-256 */
    INS_KEYS_SECRET = 48, /* at most */
};

enum ins_secret {
    INS_SECRET_MASTER,           /* CLIENT_RANDOM: TLS 1.2 and before */
    INS_SECRET_CLIENT_EARLY,     /* CLIENT_EARLY_TRAFFIC_SECRET */
    INS_SECRET_CLIENT_HANDSHAKE, /* CLIENT_HANDSHAKE_TRAFFIC_SECRET */
    INS_SECRET_SERVER_HANDSHAKE,
    INS_SECRET_CLIENT_TRAFFIC, /* CLIENT_TRAFFIC_SECRET_0 */
    INS_SECRET_SERVER_TRAFFIC,
    /* the master secret of a session, found by */
    INS_SECRET_SESSION_ID,
    INS_SECRET_TICKET,
};

struct ins_keys;

struct ins_keys *ins_keys_new(void);
/* Wipes the secrets. NULL is fine. */
void ins_keys_free(struct ins_keys *keys);

/* A secret that is known already is replaced. Longer ids and secrets than the limits are not taken: false. */
bool ins_keys_add(struct ins_keys *keys, enum ins_secret kind, struct sl_span id,
                  struct sl_span secret);

/* The secret, borrowed until the next add; empty when it is not known. NULL knows none. */
struct sl_span ins_keys_find(struct ins_keys *keys, enum ins_secret kind, struct sl_span id);

/* fn is called when a secret is not known, and may add some: the file that is still written. */
typedef void ins_keys_miss_fn(void *owner, struct ins_keys *keys);
void ins_keys_on_miss(struct ins_keys *keys, ins_keys_miss_fn *fn, void *owner);

/* Changes with every secret of a key log that is new. */
uint64_t ins_keys_generation(const struct ins_keys *keys);
/* Secrets of key logs that are known; and that were known but had to make room. */
uint64_t ins_keys_count(const struct ins_keys *keys);
uint64_t ins_keys_dropped(const struct ins_keys *keys);

#endif
