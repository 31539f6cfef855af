/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_EXPECT_H
#define HAR_EXPECT_H

/* What messages must be, as JSON (harness/messages/json_match.h): the keys that `call`, `receive` and the check
 * `messages` share. */
#include "harness/messages/json_message.h"
#include "harness/scenario/model.h"

struct har_expect_args {
    json_t *each;     /* every one has this */
    json_t *sequence; /* array: the first has the first ... */
    bool is_exact;    /* and nothing else */
};
/* For a table of fields: a struct har_expect_args at this offset. */
#define HAR_EXPECT_ROWS(offset)                                                             \
    {"each", HAR_FIELD_JSON, (offset) + offsetof(struct har_expect_args, each),             \
     .help = "every message has these fields; see \"Your own service\""},                   \
        {"sequence", HAR_FIELD_JSON, (offset) + offsetof(struct har_expect_args, sequence), \
         .help = "an array: so many messages, each with the fields of its member"},         \
    {                                                                                       \
        "exact", HAR_FIELD_BOOL, (offset) + offsetof(struct har_expect_args, is_exact),     \
            .help = "no other fields than those"                                            \
    }

/* NULL, or what is wrong with the keys. */
const char *har_expect_problem(const struct har_expect_args *args);
/* Members of the sequence; 0: none is wanted. */
size_t har_expect_length(const struct har_expect_args *args);

/* One message that came, as number `number` (from 0) of those that are judged together. */
struct har_expect_item {
    const struct sl_message_type *type;
    struct sl_span payload;
    uint32_t number;
    struct har_message_place place; /* for templates in what is wanted */
};
/* False with why ("$.seq is 3, wanted 4"). */
bool har_expect_holds(const struct har_play *play, const struct har_expect_args *args,
                      const struct har_expect_item *item, char *why, size_t size);
/* One JSON value against the message; the same. wanted is a template. */
bool har_expect_value(const struct har_play *play, json_t *wanted, bool is_exact,
                      const struct har_expect_item *item, char *why, size_t size);

/* Could messages of this type be so? False with why. */
bool har_expect_fits(const struct sl_message_type *type, const struct har_expect_args *args,
                     struct sl_error *reterr_error);
/* The same of one value; NULL fits. key: of the scenario. */
bool har_expect_value_fits(const struct sl_message_type *type, json_t *wanted, const char *key,
                           struct sl_error *reterr_error);

#endif
