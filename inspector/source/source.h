/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SOURCE_H
#define INS_SOURCE_H

/*
 * A capture as a sequence of packets, whatever its format.
 *
 * Damage does not end a source: next() tells it once, and the call after it goes on where the format
 * lets it find a packet again. A new format is one struct ins_source_ops and one line in source.c.
 */
#include "inspector/source/input.h"
#include "inspector/source/packet.h"

/* What was wrong, and where. */
struct ins_damage {
    uint64_t packet;        /* the packet that it concerns, from 1 in its source */
    uint64_t offset;        /* in the file */
    uint64_t skipped_bytes; /* passed over to find the next packet */
    bool is_end;            /* nothing can be read after it */
    char text[160];
};

struct ins_source;

struct ins_source_ops {
    const char *format; /* "pcap", "pcapng" */
    /* SL_OK a packet; SL_CLOSED the end; SL_MALFORMED damage, call again. packet->number counts from 1. */
    enum sl_status (*next)(struct ins_source *source, struct ins_packet *ret_packet,
                           struct ins_damage *ret_damage);
    /* TLS secrets that the capture itself has carried so far, in key log form. May be NULL. */
    struct sl_span (*secrets)(const struct ins_source *source);
    void (*free)(struct ins_source *source);
};

/* The head of each format's own struct. */
struct ins_source {
    const struct ins_source_ops *ops;
    struct ins_input *input; /* owned */
};

/* Recognises the format by its first bytes, inside gzip or zstd too. Takes input, also on failure. SL_MALFORMED when it is no
 * known capture format, or its header is cut. */
SL_MUST_USE enum sl_status ins_source_new(struct ins_input *input, struct ins_source **ret_source,
                                          struct sl_error *reterr_error);
void ins_source_free(struct ins_source *source);

SL_MUST_USE enum sl_status ins_source_next(struct ins_source *source, struct ins_packet *ret_packet,
                                           struct ins_damage *ret_damage);

/* For the formats, when no more is in view: after a failure goes on behind it, where the input can. True
 * when it does. Of the first failure it sets ret_damage->text and clears *is_readable. */
bool ins_source_resume(struct ins_input *input, struct ins_damage *ret_damage, bool *is_readable);

/* Decryption Secrets seen so far (pcapng DSB, TLS key log lines); empty where there are none. */
struct sl_span ins_source_secrets(const struct ins_source *source);

#endif
