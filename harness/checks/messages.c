/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on what came on streams of any service: messages, trailers, and order by a field of theirs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/engine/actor.h"
#include "harness/messages/expect.h"
#include "lib/base/alloc.h"

/* ---- messages ---- */

struct which {
    struct har_expect_args expect;
    json_t *first, *last, *some;
};
struct messages_args {
    struct har_check_common common;
    struct which which;
};
#define AT(member) offsetof(struct which, member)
static const struct har_field which_fields[] = {
    HAR_EXPECT_ROWS(AT(expect)),
    {"first", HAR_FIELD_JSON, AT(first), .help = "the first one has these fields"},
    {"last", HAR_FIELD_JSON, AT(last), .help = "the last one has these fields"},
    {"some", HAR_FIELD_JSON, AT(some), .help = "at least one has these fields"},
};
#undef AT
static const struct har_field messages_fields[] = {
    HAR_CHECK_COMMON,
    {"messages", HAR_FIELD_OBJECT, offsetof(struct messages_args, which), .fields = which_fields,
     .field_count = sizeof(which_fields) / sizeof(which_fields[0]), .is_required = true,
     .help = "what they are, of those that came in these phases"},
};

static bool is_judged(const struct har_check *check, const struct har_actor *actor, uint32_t index)
{
    return har_phase_matches(check->play, &check->common->phase, actor->received[index].phase);
}

static uint32_t count_of(const struct har_check *check, const struct har_actor *actor)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < actor->received_count; i++) {
        count += is_judged(check, actor, i);
    }
    return count;
}

/* One message; false when it ended the judgement of this actor. */
static bool judge_message(const struct har_check *check, const struct har_actor *actor,
                          const struct har_expect_item *item, uint32_t count)
{
    const struct messages_args *args = check->node->args;
    const struct which *which = &args->which;
    char why[HAR_MATCH_TEXT_MAX + 200];
    bool is_exact = which->expect.is_exact;
    bool is_good = har_expect_holds(check->play, &which->expect, item, why, sizeof(why));
    if (is_good && item->number == 0 && which->first != NULL) {
        is_good = har_expect_value(check->play, which->first, is_exact, item, why, sizeof(why));
    }
    if (is_good && item->number + 1 == count && which->last != NULL) {
        is_good = har_expect_value(check->play, which->last, is_exact, item, why, sizeof(why));
    }
    if (!is_good) {
        har_check_fail(check, "message %u of %s[%u]: %.380s", item->place.sequence,
                       actor->spec->name, actor->index, why);
    }
    return is_good;
}

static void judge_actor(const struct har_check *check, const struct har_actor *actor)
{
    const struct messages_args *args = check->node->args;
    const struct which *which = &args->which;
    uint32_t count = count_of(check, actor);
    size_t length = har_expect_length(&which->expect);
    struct har_expect_item item = {.type = actor->method->output};
    bool has_some = which->some == NULL;
    if (which->expect.sequence != NULL && count != length) {
        har_check_fail(check, "%u messages came to %s[%u], wanted %zu", count, actor->spec->name,
                       actor->index, length);
        return;
    }
    for (uint32_t i = 0; i < actor->received_count; i++) {
        char why[HAR_MATCH_TEXT_MAX + 200];
        if (!is_judged(check, actor, i)) {
            continue;
        }
        item.payload = har_inbox_at(actor->inbox, i);
        item.place = (struct har_message_place){actor->index, i};
        if (!judge_message(check, actor, &item, count)) {
            return;
        }
        has_some = has_some || har_expect_value(check->play, which->some, which->expect.is_exact,
                                                &item, why, sizeof(why));
        item.number++;
    }
    bool wants_one = which->first != NULL || which->last != NULL || which->expect.each != NULL;
    if (count == 0 && wants_one) {
        har_check_fail(check, "no message came to %s[%u]", actor->spec->name, actor->index);
    } else if (!has_some) {
        har_check_fail(check, "none of %u messages of %s[%u] is as 'some' wants one", count,
                       actor->spec->name, actor->index);
    }
}

/* The actors of the check that had a stream; what is not one is told. */
static bool has_stream(const struct har_check *check, const struct har_actor *actor)
{
    bool is_one = actor->spec->kind == HAR_STREAM && actor->method != NULL;
    if (!is_one) {
        har_check_fail(check, "%s[%u] opened no stream of a service", actor->spec->name,
                       actor->index);
    }
    return is_one;
}

static void run_messages(const struct har_check *check)
{
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        if (has_stream(check, actor)) {
            judge_actor(check, actor);
        }
    }
}

static bool messages_fit(const void *node_args, const struct sl_message_type *type,
                         struct sl_error *reterr_error)
{
    const struct messages_args *args = node_args;
    return har_expect_fits(type, &args->which.expect, reterr_error) &&
           har_expect_value_fits(type, args->which.first, "first", reterr_error) &&
           har_expect_value_fits(type, args->which.last, "last", reterr_error) &&
           har_expect_value_fits(type, args->which.some, "some", reterr_error);
}

const struct har_check_type har_check_messages = {
    .name = "messages",
    .help = "the messages that came on each stream are so",
    .example = "{\"messages\": {\"first\": {\"status\": \"SERVING\"}, \"each\": {\"status\":"
               " {\"$in\": [\"SERVING\", \"NOT_SERVING\"]}}}, \"of\": \"stream\"}",
    HAR_CHECK_ARGS(struct messages_args, messages_fields),
    .run = run_messages,
    .fits = messages_fit,
};

/* ---- order by a field ---- */

/* The value of the key in message number index, as a number; false, and told, when it has none. */
static bool key_of(const struct har_check *check, const struct har_actor *actor, uint32_t index,
                   const char *key, int64_t *ret_value)
{
    char why[160] = "";
    json_t *json = har_json_decode(check->play->config.pool, actor->method->output,
                                   har_inbox_at(actor->inbox, index), why, sizeof(why));
    json_t *value = json == NULL ? NULL : har_json_at(json, key);
    const char *text = json_string_value(value);
    char *end = NULL;
    *ret_value = json_is_integer(value) ? json_integer_value(value)
                 : text != NULL         ? strtoll(text, &end, 10)
                                        : 0;
    /* Proto3 JSON leaves out a zero. */
    bool is_good = json != NULL && (value == NULL || json_is_integer(value) ||
                                    (text != NULL && end != text && *end == '\0'));
    json_decref(json);
    if (!is_good) {
        har_check_fail(check, "message %u of %s[%u]: %s is no whole number%s%s", index,
                       actor->spec->name, actor->index, key, why[0] == '\0' ? "" : ": ", why);
    }
    return is_good;
}

/* The keys of the messages that are judged, in the order they came; NULL when one has none. Yours. */
static int64_t *keys_of(const struct har_check *check, const struct har_actor *actor,
                        const char *key, uint32_t *ret_count)
{
    int64_t *keys = sl_calloc((size_t)actor->received_count + 1, sizeof(int64_t));
    *ret_count = 0;
    for (uint32_t i = 0; i < actor->received_count; i++) {
        if (!is_judged(check, actor, i)) {
            continue;
        }
        if (!key_of(check, actor, i, key, &keys[*ret_count])) {
            sl_free(keys);
            return NULL;
        }
        (*ret_count)++;
    }
    return keys;
}

static int ascending(const void *left, const void *right)
{
    const int64_t *a = left;
    const int64_t *b = right;
    return (*a > *b) - (*a < *b);
}

static void judge_rising(const struct har_check *check, const struct har_actor *actor,
                         const char *key, const int64_t *keys, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (keys[i] < keys[i - 1]) {
            har_check_fail(check, "%s[%u]: %s is %lld behind %lld", actor->spec->name, actor->index,
                           key, (long long)keys[i], (long long)keys[i - 1]);
            return;
        }
    }
}

/* Sorted, so that neighbours tell of two alike and of holes. */
static void judge_set(const struct har_check *check, const struct har_actor *actor,
                      enum har_key_order order, const char *key, int64_t *keys, uint32_t count)
{
    qsort(keys, count, sizeof(keys[0]), ascending);
    for (uint32_t i = 1; i < count; i++) {
        if (order == HAR_KEY_UNIQUE && keys[i] == keys[i - 1]) {
            har_check_fail(check, "%s[%u] received %s %lld twice", actor->spec->name, actor->index,
                           key, (long long)keys[i]);
            return;
        }
        if (order == HAR_KEY_WHOLE && (uint64_t)keys[i] - (uint64_t)keys[i - 1] > 1) {
            har_check_fail(check, "%s[%u]: nothing came between %s %lld and %lld",
                           actor->spec->name, actor->index, key, (long long)keys[i - 1],
                           (long long)keys[i]);
            return;
        }
    }
}

void har_check_keys(const struct har_check *check, const char *key, enum har_key_order order)
{
    const char *problem = har_json_path_problem(key);
    if (problem != NULL) {
        har_check_fail(check, "the key '%.100s': %s", key, problem);
        return;
    }
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        uint32_t count = 0;
        int64_t *keys = has_stream(check, actor) ? keys_of(check, actor, key, &count) : NULL;
        if (keys == NULL) {
            return;
        }
        if (order == HAR_KEY_RISING) {
            judge_rising(check, actor, key, keys, count);
        } else {
            judge_set(check, actor, order, key, keys, count);
        }
        sl_free(keys);
    }
}

struct nogap_args {
    struct har_check_common common;
    bool is_on;
    const char *key;
};
static const struct har_field nogap_fields[] = {
    HAR_CHECK_COMMON,
    {"nogap", HAR_FIELD_BOOL, offsetof(struct nogap_args, is_on), .is_required = true,
     .help = "true"},
    {"key", HAR_FIELD_STRING, offsetof(struct nogap_args, key), .is_required = true,
     .help = "the JSON path of their number, such as \"$.seq\""},
};

static void run_nogap(const struct har_check *check)
{
    const struct nogap_args *args = check->node->args;
    har_check_keys(check, args->key, HAR_KEY_WHOLE);
}

const struct har_check_type har_check_nogap = {
    .name = "nogap",
    .help = "between the lowest and the highest number that came on a stream none is missing",
    .example = "{\"nogap\": true, \"key\": \"$.seq\", \"of\": \"feed\"}",
    HAR_CHECK_ARGS(struct nogap_args, nogap_fields),
    .run = run_nogap,
};

/* ---- trailers ---- */

struct trailers_args {
    struct har_check_common common;
    json_t *trailers;
};
static const struct har_field trailers_fields[] = {
    HAR_CHECK_COMMON,
    {"trailers", HAR_FIELD_JSON, offsetof(struct trailers_args, trailers), .is_required = true,
     .help = "{\"name\": \"value\"} that the trailing metadata has"},
};

static void run_trailers(const struct har_check *check)
{
    const struct trailers_args *args = check->node->args;
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        struct har_mismatch mismatch = {0};
        if (has_stream(check, actor) &&
            !har_json_matches(NULL, args->trailers, actor->trailers, false, &mismatch)) {
            har_check_fail(check, "trailers of %s[%u]: %s %s", actor->spec->name, actor->index,
                           mismatch.path, mismatch.text);
        }
    }
}

const struct har_check_type har_check_trailers = {
    .name = "trailers",
    .help = "the server ended each stream with these trailers",
    .example = "{\"trailers\": {\"x-served-by\": \"a\"}, \"of\": \"feed\"}",
    HAR_CHECK_ARGS(struct trailers_args, trailers_fields),
    .run = run_trailers,
};
