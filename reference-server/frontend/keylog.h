/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_KEYLOG_H
#define SRV_KEYLOG_H

/*
 * The key log of --keylog: the secrets of every TLS connection that is served, in the format of NSS, which Wireshark and
 * tshark read. Who has the file can read the traffic.
 *
 * Appended to, a line by one write(2), so that lines of several threads and processes do not mix. A new file may be
 * read by its owner only; the mode of one that exists stays. A line that cannot be written is lost, and the first one
 * is told in the log: the server goes on.
 *
 * Threads: any.
 */
#include <openssl/types.h>

#include "lib/base/status.h"

struct srv_keylog;

/* NULL with an error naming the file. A FIFO must have its reader. */
struct srv_keylog *srv_keylog_open(const char *path, struct sl_error *reterr_error);

/* Connections of context are logged, until the key log is closed. NULL logs nothing. */
void srv_keylog_use(struct srv_keylog *keylog, SSL_CTX *context);

/*
 * The connections of every context that serves in this process are logged from now on, whoever made it.
 *
 * This is how the front end on the C core gets its key log. The C core has one of its own only for credentials that are
 * experimental, ends its lines by CR and truncates the file; but it runs on the same OpenSSL, which tells of each new
 * connection before the handshake (CRYPTO_get_ex_new_index). Of several key logs that watch, the first one gets a
 * context. A watch cannot be taken back, and so its few bytes stay until the process ends.
 */
void srv_keylog_watch(struct srv_keylog *keylog);

/* Nothing is logged any more. At any time, also while connections are open; NULL is fine. */
void srv_keylog_close(struct srv_keylog *keylog);

#endif
