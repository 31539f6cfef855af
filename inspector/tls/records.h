/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_RECORDS_H
#define INS_TLS_RECORDS_H

/*
 * The records of one direction, out of pieces of any size (RFC 8446 5.1). A record that lies whole in a piece is not
 * copied.
 *
 * After a gap the beginning of the next record is looked for: what has the form of a header is a candidate, and whoever
 * can open it says whether it was one.
 * Limits: INS_TLS_RECORDS_HELD bytes are held.
 */
#include "inspector/tls/protect.h"
#include "lib/base/buf.h"

enum {
    INS_TLS_CHANGE_CIPHER_SPEC = 20,
    INS_TLS_ALERT = 21,
    INS_TLS_HANDSHAKE = 22,
    INS_TLS_APPLICATION_DATA = 23,
    INS_TLS_HEARTBEAT = 24,
    INS_TLS_RECORDS_HELD = INS_TLS_HEADER_SIZE + INS_TLS_FRAGMENT_MAX,
};

struct ins_tls_record {
    const uint8_t *header;
    struct sl_span fragment;
};

/* Starts zeroed. */
struct ins_tls_records {
    struct sl_buf held; /* a record that has begun; the bytes that are looked through */
    bool is_searching;
    uint64_t skipped; /* bytes in which no record was found */
};

void ins_tls_records_release(struct ins_tls_records *records);

/* Finds the next record. It and bytes stay as they are until take or reject; but what has to be held is moved from
 * bytes. SL_AGAIN: all bytes are held, more are needed. SL_MALFORMED: here is no record, call gap. */
SL_MUST_USE enum sl_status ins_tls_records_peek(struct ins_tls_records *records,
                                                struct sl_span *bytes,
                                                struct ins_tls_record *ret_record);
/* The record that peek found is done with; the next one is right behind it. */
void ins_tls_records_take(struct ins_tls_records *records, struct sl_span *bytes);
/* It was none: looks further. */
void ins_tls_records_reject(struct ins_tls_records *records);
/* Bytes are missing, or what follows is no record: what is held is of no use, and a record is looked for. */
void ins_tls_records_gap(struct ins_tls_records *records);

/* Whether bytes may begin with a record's header, as far as they go; false of nothing. */
bool ins_tls_records_is_header(struct sl_span bytes);

#endif
