/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_TOTALS_H
#define INS_TLS_TOTALS_H

/* What became of the TLS connections of a capture. */
#include <stdint.h>

#include "lib/base/json_out.h"

/* X(name, as the summary names it, as a person reads it) */
#define INS_TLS_OUTCOMES(X)                                                        \
    X(DECRYPTED, "decrypted", "decrypted")                                         \
    X(NO_KEYS, "no_keys", "without keys")                                          \
    X(MIDWAY, "midway", "began before the capture")                                \
    X(UNSUPPORTED, "unsupported", "of a version or cipher that is not supported")  \
    X(DAMAGED, "damaged", "do not open by their keys, or miss what the keys need") \
    X(LIMIT, "limit", "given up, for there were too many at once")                 \
    X(UNFINISHED, "unfinished", "without a finished handshake")

enum ins_tls_outcome {
#define X(name, key, text) INS_TLS_##name,
    INS_TLS_OUTCOMES(X)
#undef X
        INS_TLS_OUTCOME_COUNT,
};

struct ins_tls_totals {
    uint64_t connections; /* that have ended: the sum of */
    uint64_t outcomes[INS_TLS_OUTCOME_COUNT];
    uint64_t records; /* opened */
    uint64_t
        records_skipped;    /* of decrypted connections that did not open, or came beyond a limit */
    uint64_t bytes_skipped; /* of those connections, that were no records or in one skipped */
    uint64_t alerts[256];   /* that ended a connection, by their description (RFC 8446 6) */
};

/* {"connections":...,"decrypted":...,...,"alerts":{name: count}} */
void ins_tls_totals_write(const struct ins_tls_totals *totals, struct sl_json_out *out);

/* "without keys", as a person reads it. */
const char *ins_tls_outcome_text(enum ins_tls_outcome outcome);

/* "unknown_ca"; NULL when the number has no name. */
const char *ins_tls_alert_name(uint8_t description);

#endif
