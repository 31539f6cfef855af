/* SPDX-License-Identifier: Apache-2.0 */
/* What the handshake messages change. */
#include "inspector/tls/conn.h"

static void keep_name(struct sl_span name, char *out, size_t max)
{
    name = sl_span_first(name, max);
    if (name.len > 0) {
        memcpy(out, name.data, name.len);
    }
    out[name.len] = '\0';
}

/* A renegotiation need not tell it again. */
static void keep_alpn(struct ins_tls *tls, struct sl_span alpn)
{
    if (alpn.len > 0) {
        keep_name(alpn, tls->info->alpn, INS_TLS_ALPN_MAX);
    }
}

static void on_client_hello(struct ins_tls *tls, int side, const struct ins_tls_message *message)
{
    bool is_first = tls->client < 0;
    if (!message->is_kept ||
        ins_tls_read_client_hello(message->body, &tls->client_hello) != SL_OK) {
        ins_tls_give_up(tls, INS_TLS_DAMAGED);
        return;
    }
    if (is_first) {
        tls->client = side;
        keep_name(tls->client_hello.sni, tls->info->sni, INS_TLS_SNI_MAX);
        memcpy(tls->info->client_random, tls->client_hello.random, INS_TLS_RANDOM);
        tls->info->has_client_random = true;
    }
}

static void begin_13(struct ins_tls *tls, int server)
{
    bool has_early = tls->client_hello.has_early_data && !tls->is_retried;
    ins_tls_enter(tls, server, INS_TLS_SHAKING);
    ins_tls_enter(tls, 1 - server, has_early ? INS_TLS_EARLY : INS_TLS_SHAKING);
}

static void on_server_hello(struct ins_tls *tls, int side, const struct ins_tls_message *message)
{
    struct ins_tls_server_hello *hello = &tls->server_hello;
    if (!message->is_kept || ins_tls_read_server_hello(message->body, hello) != SL_OK) {
        ins_tls_give_up(tls, INS_TLS_DAMAGED);
        return;
    }
    tls->info->version = hello->version;
    tls->suite = ins_tls_suite(hello->suite);
    tls->info->suite = tls->suite == NULL ? NULL : tls->suite->name;
    keep_alpn(tls, hello->alpn);
    bool is_13 = hello->version == INS_TLS_VERSION_13;
    if ((!is_13 && hello->version != INS_TLS_VERSION_12) || tls->suite == NULL ||
        ins_tls_suite_is_13(hello->suite) != is_13 || hello->compression != 0) {
        ins_tls_give_up(tls, INS_TLS_UNSUPPORTED);
    } else if (hello->is_retry) {
        tls->is_retried = true;
    } else {
        tls->has_server_hello = true;
        tls->has_ticket = false;
        if (is_13) {
            begin_13(tls, side);
        }
    }
}

static void on_extensions(struct ins_tls *tls, const struct ins_tls_message *message)
{
    struct ins_tls_extensions extensions = {.has_early_data = false};
    if (message->is_kept && ins_tls_read_extensions(message->body, &extensions) == SL_OK) {
        keep_alpn(tls, extensions.alpn);
    }
    tls->early = extensions.has_early_data ? INS_TLS_EARLY_ACCEPTED : INS_TLS_EARLY_REJECTED;
}

static void on_ticket(struct ins_tls *tls, const struct ins_tls_message *message)
{
    if (message->is_kept && ins_tls_read_ticket(message->body, tls->ticket) == SL_OK) {
        tls->has_ticket = true;
        ins_tls_remember(tls);
    }
}

static bool is_13(const struct ins_tls *tls)
{
    return tls->has_server_hello && tls->server_hello.version == INS_TLS_VERSION_13;
}

static void on_message(struct ins_tls *tls, int side, const struct ins_tls_message *message)
{
    enum ins_tls_epoch epoch = tls->sides[side].epoch;
    bool is_client = side == tls->client || tls->client < 0;
    if (message->type == INS_TLS_CLIENT_HELLO && is_client && !is_13(tls)) {
        on_client_hello(tls, side, message);
    } else if (tls->client < 0) {
        ins_tls_give_up(tls, INS_TLS_MIDWAY);
    } else if (is_13(tls)) {
        if (message->type == INS_TLS_ENCRYPTED_EXTENSIONS && epoch == INS_TLS_SHAKING &&
            !is_client) {
            on_extensions(tls, message);
        } else if (message->type == INS_TLS_FINISHED && epoch == INS_TLS_SHAKING) {
            ins_tls_enter(tls, side, INS_TLS_TRAFFIC);
        } else if (message->type == INS_TLS_END_OF_EARLY_DATA && epoch == INS_TLS_EARLY) {
            ins_tls_enter(tls, side, INS_TLS_SHAKING);
        } else if (message->type == INS_TLS_KEY_UPDATE && epoch == INS_TLS_TRAFFIC) {
            ins_tls_update(tls, side);
        }
    } else if (message->type == INS_TLS_SERVER_HELLO && !is_client) {
        on_server_hello(tls, side, message);
    } else if (message->type == INS_TLS_NEW_SESSION_TICKET && !is_client) {
        on_ticket(tls, message);
    }
}

void ins_tls_follow(struct ins_tls *tls, int side, struct sl_span handshake)
{
    struct ins_tls_message message;
    struct ins_tls_side *from = &tls->sides[side];
    while (!tls->is_over && !from->is_deaf &&
           ins_tls_messages_next(&from->messages, &handshake, &message)) {
        on_message(tls, side, &message);
    }
}
