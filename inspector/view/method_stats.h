/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_METHOD_STATS_H
#define INS_METHOD_STATS_H

/*
 * What the summary says of each method: its calls, and percentiles of how long they took.
 *
 * Limits: INS_METHOD_TABLE_MAX methods with names of INS_METHOD_TABLE_NAME_MAX bytes; calls of further ones count
 * together as "(other methods)". Memory of a method: that of its percentiles (latency.h).
 */
#include "inspector/view/view.h"
#include "lib/base/json_out.h"

enum {
    INS_METHOD_TABLE_MAX = 512,
    INS_METHOD_TABLE_NAME_MAX = 1024,
};

struct ins_method_stats; /* in method_stats.c */

/* A zeroed struct is empty. */
struct ins_method_table {
    struct ins_method_stats *all;
    struct ins_method_stats *latest; /* asked for last, or NULL */
};

void ins_method_table_release(struct ins_method_table *methods);

/* Counts a call that has ended. */
void ins_method_table_call(struct ins_method_table *methods, const struct ins_call *call);

/* As an array of objects, sorted by name. */
void ins_method_table_write(struct ins_method_table *methods, struct sl_json_out *out);

#endif
