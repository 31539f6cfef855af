/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_JSON_MATCH_H
#define HAR_JSON_MATCH_H

/*
 * Is a message, as canonical proto3 JSON, what a scenario wants? What is wanted is JSON too:
 *
 *     {"status": "SERVING"}          the message has this; it may have more, unless is_exact
 *     {"count": 5} {"count": "5"}    numbers may be strings, as in proto3 JSON
 *     {"user_id": 1} {"userId": 1}   both names of a field
 *     {"seq": {"$ge": 3}}            $lt $le $gt $ge $ne $in $set $has in place of a value
 *
 * A field that is absent counts as its default value. Arrays are compared member by member.
 *
 * Ownership: borrows everything.      Limits: HAR_MATCH_DEPTH_MAX values inside values.
 */
#include <jansson.h>

#include "lib/schema/pool.h"

enum {
    HAR_MATCH_DEPTH_MAX = 64,
    HAR_MATCH_TEXT_MAX = 400,
};

/* The first difference. */
struct har_mismatch {
    char path[160];                /* "$.items[2].seq" */
    char text[HAR_MATCH_TEXT_MAX]; /* "is 3, wanted 4" */
};

/* True when got is as wanted. type: of the message, NULL where it is not known. */
bool har_json_matches(const struct sl_message_type *type, json_t *wanted, json_t *got,
                      bool is_exact, struct har_mismatch *ret_mismatch);

/* False, with the place, when wanted names a field that the type does not have, or an operator that there
 * is not. */
bool har_json_can_match(const struct sl_message_type *type, json_t *wanted,
                        struct har_mismatch *ret_mismatch);

/* The value at a path such as "$.item.seq" or "$.rows[0].key" in JSON; NULL when there is none. */
json_t *har_json_at(json_t *json, const char *path);
/* NULL, or what is wrong with such a path. */
const char *har_json_path_problem(const char *path);

#endif
