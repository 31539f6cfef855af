/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_KEYLOG_H
#define INS_KEYLOG_H

/*
 * Reads key logs in the format of NSS, as SSLKEYLOGFILE, the TLS libraries and pcapng's Decryption Secrets Blocks have
 * them (draft-ietf-tls-keylogfile): lines "LABEL <hex of the client random> <hex of the secret>", comments behind '#'.
 *
 * Text comes in pieces of any size. Labels that do not help to decrypt records are passed over.
 * Limits: INS_KEYLOG_LINE_MAX bytes a line; a longer one is passed over and counted.
 */
#include "inspector/tls/keys.h"
#include "lib/base/buf.h"

enum {
    INS_KEYLOG_LINE_MAX = 512, /* the longest known one has 195 */
};

struct ins_keylog {
    struct ins_keys *keys; /* borrowed */
    struct sl_buf line;    /* the beginning of one */
    bool is_too_long;      /* it; its rest is passed over */
    uint64_t lines_bad;    /* are no lines of a key log, or hold no secret of the right size */
};

void ins_keylog_init(struct ins_keylog *keylog, struct ins_keys *keys);
void ins_keylog_release(struct ins_keylog *keylog);

void ins_keylog_feed(struct ins_keylog *keylog, struct sl_span text);
/* The line that is not ended counts, if it is whole: its writer may be about to end it, or never will. */
void ins_keylog_peek(struct ins_keylog *keylog);
/* Whatever comes next begins a line. */
void ins_keylog_end(struct ins_keylog *keylog);

#endif
