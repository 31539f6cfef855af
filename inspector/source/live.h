/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_LIVE_H
#define INS_LIVE_H

/*
 * Packets of a network interface, by libpcap. The BPF filter runs in the kernel. What the kernel had no
 * room for is counted (ins_intake_dropped).
 *
 * A stop ends it when the packets that came before it are read.
 */
#include "inspector/source/intake.h"

enum {
    INS_LIVE_BUFFER = 8 * 1024 * 1024,
    INS_LIVE_BUFFER_MIN = 64 * 1024,
    INS_LIVE_BUFFER_MAX = 1024 * 1024 * 1024, /* it is the kernel's memory, and the user's wish */
};

struct ins_live_config {
    const char *interface; /* "any": all of them */
    const char *filter;    /* BPF; NULL: none */
    uint64_t buffer_size;  /* bytes, at most INS_LIVE_BUFFER_MAX */
};

/* Borrows handler and the interface's name. SL_IO with what to do about it when it may not be opened or
 * is not there; SL_USAGE when the filter does not compile for it. */
SL_MUST_USE enum sl_status ins_live_new(const struct ins_intake_handler *handler,
                                        const struct ins_live_config *config,
                                        struct ins_intake **ret_live,
                                        struct sl_error *reterr_error);

#endif
