/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/messages/expect.h"

#include <stdio.h>

const char *har_expect_problem(const struct har_expect_args *args)
{
    if (args->sequence != NULL && !json_is_array(args->sequence)) {
        return "'sequence' is an array, with a member for each message";
    }
    return NULL;
}

size_t har_expect_length(const struct har_expect_args *args)
{
    return json_array_size(args->sequence);
}

static bool holds(const struct har_play *play, json_t *wanted, bool is_exact,
                  const struct har_expect_item *item, json_t *got, struct har_mismatch *mismatch)
{
    if (wanted == NULL) {
        return true;
    }
    json_t *expanded = har_json_expand(play, wanted, item->place);
    bool is_good = har_json_matches(item->type, expanded, got, is_exact, mismatch);
    json_decref(expanded);
    return is_good;
}

bool har_expect_holds(const struct har_play *play, const struct har_expect_args *args,
                      const struct har_expect_item *item, char *why, size_t size)
{
    struct har_mismatch mismatch = {0};
    char problem[160] = "";
    json_t *got =
        har_json_decode(play->config.pool, item->type, item->payload, problem, sizeof(problem));
    if (got == NULL) {
        (void)snprintf(why, size, "is no %s: %s", item->type->full_name, problem);
        return false;
    }
    json_t *member = json_array_get(args->sequence, item->number);
    bool is_good = holds(play, args->each, args->is_exact, item, got, &mismatch) &&
                   holds(play, member, args->is_exact, item, got, &mismatch);
    json_decref(got);
    if (!is_good) {
        (void)snprintf(why, size, "%s %s", mismatch.path, mismatch.text);
    }
    return is_good;
}

bool har_expect_value(const struct har_play *play, json_t *wanted, bool is_exact,
                      const struct har_expect_item *item, char *why, size_t size)
{
    struct har_expect_args args = {.each = wanted, .is_exact = is_exact};
    return har_expect_holds(play, &args, item, why, size);
}

bool har_expect_value_fits(const struct sl_message_type *type, json_t *wanted, const char *key,
                           struct sl_error *reterr_error)
{
    struct har_mismatch mismatch = {0};
    if (wanted == NULL || har_json_can_match(type, wanted, &mismatch)) {
        return true;
    }
    (void)sl_error_set(reterr_error, SL_MALFORMED, "'%s': %s: %s", key, mismatch.path,
                       mismatch.text);
    return false;
}

bool har_expect_fits(const struct sl_message_type *type, const struct har_expect_args *args,
                     struct sl_error *reterr_error)
{
    size_t at = 0;
    json_t *member = NULL;
    bool is_good = har_expect_value_fits(type, args->each, "each", reterr_error);
    json_array_foreach (args->sequence, at, member) {
        is_good = is_good && har_expect_value_fits(type, member, "sequence", reterr_error);
    }
    return is_good;
}
