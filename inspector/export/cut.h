/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_EXPORT_CUT_H
#define INS_EXPORT_CUT_H

/*
 * The packets of some connections, cut out of captures: read twice, first to learn which TCP connections the selected
 * calls are on, then to copy their packets as they are: bytes, times, link types, names of interfaces.
 *
 * Secrets of TLS go along (Decryption Secrets Blocks): those lines of key logs and of the captures' own blocks that are
 * for these connections.
 *
 * Limits: below; what they leave out is counted.
 */
#include <stdio.h>

#include "inspector/source/packet.h"
#include "inspector/view/views.h"
#include "lib/base/buf.h"

enum {
    INS_CUT_CONNECTIONS_MAX =
        16 * 1024 * 1024,        /* number of the highest TCP connection; a bit each */
    INS_CUT_RANDOMS_MAX = 32768, /* TLS connections whose secrets are looked for; 32 bytes each */
    INS_CUT_INTERFACES_MAX = 1024,
    INS_CUT_LINE_MAX = 1024, /* of a key log */
};

struct ins_cut_interface {
    uint32_t link_type, fcs_size;
    char *name; /* "" when it has none */
};

struct ins_cut {
    uint8_t *wanted; /* a bit a TCP connection, by number */
    size_t wanted_size;
    uint8_t (*randoms)[32]; /* of clients; sorted by ins_cut_begin */
    size_t random_count, random_capacity;
    struct ins_cut_interface *interfaces;
    size_t interface_count;
    FILE *out;          /* borrowed; the second time */
    uint64_t latest_ns; /* for packets without time */
    uint64_t connections, packets, untimed, left_out, secrets;
};

void ins_cut_release(struct ins_cut *cut);

/* The first time: config->task is a struct ins_export with a cut. Writes no record. */
ins_view_new_fn ins_export_cut_new;

/* Between the two: writes the section's head. */
void ins_cut_begin(struct ins_cut *cut, FILE *out);

/* The second time. */
void ins_cut_packet(struct ins_cut *cut, const struct ins_packet *packet,
                    const uint64_t *connections, size_t count);
/* Whole lines of a key log: writes those that are wanted. */
void ins_cut_secrets(struct ins_cut *cut, struct sl_span lines);
/* All of a key log; SL_IO with the system's reason in errno. */
SL_MUST_USE enum sl_status ins_cut_keylog(struct ins_cut *cut, const char *path);

#endif
