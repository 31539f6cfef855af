/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTO_TIME_H
#define SL_PROTO_TIME_H

/*
 * google.protobuf.Timestamp and Duration as their JSON strings, and back (protobuf.dev "ProtoJSON
 * Format"; timestamp.proto, duration.proto). Fractions are written with 0, 3, 6 or 9 digits.
 */
#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    SL_PROTO_TIME_MAX = 64, /* bytes of a text with its NUL */
};

struct sl_proto_time {
    int64_t seconds;
    int32_t nanos;
};

/* SL_LIMIT outside 0001-01-01 to 9999-12-31, or nanos outside [0, 999999999]. */
SL_MUST_USE enum sl_status sl_proto_time_timestamp_text(struct sl_proto_time time,
                                                        char out[SL_PROTO_TIME_MAX]);
/* RFC 3339 with any offset. SL_MALFORMED, SL_LIMIT. */
SL_MUST_USE enum sl_status sl_proto_time_timestamp_read(struct sl_span text,
                                                        struct sl_proto_time *ret_time);

/* SL_LIMIT outside +-315576000000 s, or when the signs of both parts differ. */
SL_MUST_USE enum sl_status sl_proto_time_duration_text(struct sl_proto_time time,
                                                       char out[SL_PROTO_TIME_MAX]);
/* Digits, at most nine decimals, "s". SL_MALFORMED, SL_LIMIT. */
SL_MUST_USE enum sl_status sl_proto_time_duration_read(struct sl_span text,
                                                       struct sl_proto_time *ret_time);

#endif
