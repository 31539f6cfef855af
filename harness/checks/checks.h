/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHECKS_H
#define HAR_CHECKS_H

/* All check types; table.c lists them. */
#include "harness/checks/check.h"

#define HAR_CHECK_ARGS(args_type, field_table)                                              \
    .fields = (field_table), .field_count = sizeof(field_table) / sizeof((field_table)[0]), \
    .args_size = sizeof(args_type)

/* clang-format off */
#define HAR_CHECKS(X) \
    X(delivered) X(fifo) X(nodup) X(backlog) X(gaps) X(count) X(rate_max) X(rate_min) X(acks) \
    X(pings) X(status) X(open) X(latency) X(p) X(jain) X(max_over_median) X(never) \
    X(eventually) X(rss_growth) X(rss_peak) X(fd) X(threads) X(same_transcript) \
    X(spread) X(backoff) X(messages) X(nogap) X(trailers)
/* clang-format on */

#define X(name) extern const struct har_check_type har_check_##name;
HAR_CHECKS(X)
#undef X

/* Always-on: order and duplicates of every subscriber. */
void har_check_order(const struct har_check *check, uint64_t mask);
void har_check_duplicates(const struct har_check *check, uint64_t mask);

/* Order of the messages of streams by a number of theirs, at a JSON path. */
enum har_key_order {
    HAR_KEY_RISING, /* never lower than the one before */
    HAR_KEY_UNIQUE, /* none twice */
    HAR_KEY_WHOLE,  /* none missing between the lowest and the highest */
};
void har_check_keys(const struct har_check *check, const char *key, enum har_key_order order);

#endif
