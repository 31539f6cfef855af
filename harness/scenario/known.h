/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_KNOWN_H
#define HAR_KNOWN_H

/* Known failures: a JSON array of {"id","reason","expires":"2027-01-31"}. */
#include "harness/scenario/library.h"

struct har_known_entry {
    const char *id, *reason, *expires; /* in root */
    bool is_expired;
};
struct har_known {
    json_t *root;
    struct har_arena arena;
    struct har_known_entry *entries;
    size_t count;
};

/* today: "2026-11-24". SL_MALFORMED with file and line. */
SL_MUST_USE enum sl_status har_known_load(const char *path, const char *today,
                                          struct har_known *ret_known,
                                          struct sl_error *reterr_error);
void har_known_release(struct har_known *known);
/* "2027-01-31". */
bool har_is_date(const char *text);
/* The entry of a scenario that has not expired, or NULL. */
const struct har_known_entry *har_known_find(const struct har_known *known, const char *id);

#endif
