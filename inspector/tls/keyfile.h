/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_KEYFILE_H
#define INS_KEYFILE_H

/*
 * The key log file of --keylog, which may still be written: what was added to it is read when a secret is missed, and
 * by ins_keyfile_read. A file that became shorter is read anew.
 *
 * Limits: INS_KEYFILE_READ bytes are read at a time.
 */
#include "inspector/tls/keylog.h"
#include "lib/base/status.h"

enum {
    INS_KEYFILE_READ = 64 * 1024,
};

struct ins_keyfile;

/* Reads what is there into keys, which must live as long. SL_IO when it cannot be read. */
SL_MUST_USE enum sl_status ins_keyfile_open(const char *path, struct ins_keys *keys,
                                            struct ins_keyfile **ret_keyfile,
                                            struct sl_error *reterr_error);
/* NULL is fine. */
void ins_keyfile_free(struct ins_keyfile *keyfile);

/* Reads what was added. */
void ins_keyfile_read(struct ins_keyfile *keyfile);

/* Lines that were none of a key log. */
uint64_t ins_keyfile_bad(const struct ins_keyfile *keyfile);

#endif
