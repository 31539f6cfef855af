/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TLS_TALK_H
#define TEST_TLS_TALK_H

/*
 * Real TLS connections, OpenSSL on both ends and memory between them: what passes the wire, what was sent, and the key
 * log. Fails the running cmocka test when OpenSSL does not do what is asked.
 */
#include <openssl/ssl.h>

#include "lib/base/buf.h"

enum {
    TEST_TLS_WIRE_MAX = 8 * 1024 * 1024,
    TEST_TLS_PIECES_MAX = 4096,
    TEST_TLS_CLIENT = 0,
    TEST_TLS_SERVER = 1,
};

struct test_tls_wish_list {
    int version;         /* TLS1_2_VERSION, ... */
    const char *ciphers; /* as OpenSSL names them; NULL: its default */
    const char *groups;  /* of the server, to make it ask for another hello; NULL: its default */
    bool is_ecdsa, has_no_tickets, has_no_encrypt_then_mac, may_renegotiate;
    size_t padding; /* TLS 1.3: records become a multiple of so many bytes */
    uint32_t early_data_max;
};

/* A client's and a server's context; sessions go from one of their talks to the next. */
struct test_tls_peers {
    SSL_CTX *contexts[2];
    SSL_SESSION *session; /* the last one that the client got */
    struct sl_buf keylog; /* of the client */
};

void test_tls_peers_init(struct test_tls_peers *peers, const struct test_tls_wish_list *wishes);
void test_tls_peers_release(struct test_tls_peers *peers);

/* What one side sent at once. */
struct test_tls_piece {
    int side;
    size_t end; /* in wire */
};

struct test_tls_talk {
    struct test_tls_peers *peers;
    SSL *ssl[2]; /* by side */
    struct sl_buf wire;
    struct test_tls_piece pieces[TEST_TLS_PIECES_MAX];
    size_t count;
    struct sl_buf sent[2]; /* plaintext, by side */
};

/* Before the handshake. is_resuming: the client offers the peers' session. */
void test_tls_talk_init(struct test_tls_talk *talk, struct test_tls_peers *peers, bool is_resuming);
void test_tls_talk_release(struct test_tls_talk *talk);

/* Until both sides are done, tickets included. */
void test_tls_talk_shake(struct test_tls_talk *talk);
/* The client does not trust the server: an alert ends it. */
void test_tls_talk_shake_in_vain(struct test_tls_talk *talk);
/* text goes from side to the other one, which reads it. */
void test_tls_talk_say(struct test_tls_talk *talk, int side, struct sl_span text);
/* Before the handshake, by the client. */
void test_tls_talk_say_early(struct test_tls_talk *talk, struct sl_span text);
void test_tls_talk_update_keys(struct test_tls_talk *talk, int side, bool is_both);
void test_tls_talk_renegotiate(struct test_tls_talk *talk);
void test_tls_talk_close(struct test_tls_talk *talk, int side);

#endif
