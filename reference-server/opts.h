/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_OPTS_H
#define SRV_OPTS_H

/* The command line of sluice-server. Parsing is pure: no file is read, nothing is printed. */
#include "lib/base/cli.h"
#include "lib/base/log.h"
#include "reference-server/frontend/frontend.h"
#include "reference-server/telemetry/call_log.h"

enum {
    SRV_BUFFER_MAX = 1000000,
    SRV_LISTEN_MAX = 256,
    SRV_COUNT_MAX = 1000000000,
    SRV_FRAME_OVERHEAD = 64,   /* more than srv_frame_cost adds */
    SRV_MESSAGES_AT_LEAST = 4, /* of the greatest size, that fit into --memory */
};

/* No machine has more; keeps sums of sizes far from overflowing. */
#define SRV_BYTES_MAX (UINT64_C(1024) * 1024 * 1024 * 1024)

struct srv_opts {
    const struct srv_frontend_ops *frontend;
    char listen[SRV_LISTEN_MAX];
    char metrics[SRV_LISTEN_MAX]; /* empty: none */
    const char *tls_cert;
    const char *tls_key;
    const char *tls_client_ca;
    const char *keylog;
    struct srv_chat_config chat;
    size_t max_message;
    struct srv_connection_limits limits;
    uint64_t drain_grace_ns;
    enum sl_log_format log_format;
    enum srv_log_calls log_calls;
    const char *otlp; /* URL; NULL: no spans */
    bool wants_misbehave_list;
};

extern const struct sl_cli srv_cli;

/* The defaults of every option. */
void srv_opts_init(struct srv_opts *opts);

/* What no single option can tell, such as a certificate without a key. */
SL_MUST_USE enum sl_status srv_opts_check(const struct srv_opts *opts,
                                          struct sl_error *reterr_error);

#endif
