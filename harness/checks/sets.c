/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on sets of messages: delivered, fifo, nodup, backlog, gaps. */
#include <stdlib.h>
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/engine/actor.h"
#include "harness/engine/declared.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"

/* ---- what one subscriber has of one sender's messages ---- */

/* The accepted messages that concern a subscriber, in the order sent, and which of them came. */
struct pair {
    const struct har_actor *receiver, *sender;
    uint32_t *sequences;
    bool *has;
    size_t count, received;
};

static bool concerns(const struct har_check *check, const struct har_actor *receiver,
                     const struct har_actor *sender, const struct har_sent *sent)
{
    struct har_play *play = check->play;
    if (!sent->is_accepted || sent->is_partial ||
        !har_phase_matches(play, &check->common->phase, sent->phase)) {
        return false;
    }
    uint32_t sequence = (uint32_t)(sent - sender->sent);
    bool is_chat = sender->spec->kind == HAR_CHAT;
    if (is_chat && (!har_profile_has(play->config.profile, "chat_broadcast") ||
                    !har_actor_has_text(sender, sequence))) {
        return false;
    }
    if (har_is_repeated(sender, sequence)) {
        return false;
    }
    char *owned = NULL;
    const char *room = har_actor_room_of(sender, sequence, &owned);
    bool is_same = strcmp(room, receiver->room) == 0 && (!is_chat || room[0] != '\0');
    sl_free(owned);
    return is_same;
}

static struct pair make_pair(const struct har_check *check, const struct har_actor *receiver,
                             const struct har_actor *sender)
{
    struct pair pair = {.receiver = receiver, .sender = sender};
    bool *came = sl_calloc(sender->sent_count + 1, sizeof(bool));
    for (uint32_t i = 0; i < receiver->received_count; i++) {
        if (receiver->received[i].publisher == sender->number) {
            came[receiver->received[i].sequence] = true;
        }
    }
    pair.sequences = sl_calloc(sender->sent_count + 1, sizeof(uint32_t));
    pair.has = sl_calloc(sender->sent_count + 1, sizeof(bool));
    for (uint32_t i = 0; i < sender->sent_count; i++) {
        if (concerns(check, receiver, sender, &sender->sent[i])) {
            pair.sequences[pair.count] = i;
            pair.has[pair.count] = came[i];
            pair.received += came[i];
            pair.count++;
        }
    }
    sl_free(came);
    return pair;
}

static void release_pair(struct pair *pair)
{
    sl_free(pair->sequences);
    sl_free(pair->has);
}

static size_t prefix_length(const struct pair *pair)
{
    size_t length = 0;
    while (length < pair->count && pair->has[length]) {
        length++;
    }
    return length;
}

static size_t suffix_length(const struct pair *pair)
{
    size_t length = 0;
    while (length < pair->count && pair->has[pair->count - 1 - length]) {
        length++;
    }
    return length;
}

/* ---- delivered ---- */

enum part { PART_ALL, PART_NONE, PART_PREFIX, PART_SUFFIX, PART_SUBSEQUENCE, PART_SEGMENTS };
static const char *const parts[] = {"all",         "none",     "prefix", "suffix",
                                    "subsequence", "segments", NULL};

struct delivered_args {
    struct har_check_common common;
    int part;
    struct har_expr at_least;
    struct har_strings unless;
};
static const struct har_field delivered_fields[] = {
    HAR_CHECK_COMMON,
    {"delivered", HAR_FIELD_CHOICE, offsetof(struct delivered_args, part), .choices = parts,
     .is_required = true,
     .help = "which part of the accepted messages came; segments: each of its streams, while it "
             "was open, got a run without a hole"},
    {"at_least", HAR_FIELD_EXPR, offsetof(struct delivered_args, at_least),
     .help = "and how many of them"},
    {"unless", HAR_FIELD_STRINGS, offsetof(struct delivered_args, unless),
     .help = "a subscriber whose last stream the server ended with one of these is excused"},
};

/* The first message before `to` and not before `from` that never came, and was answered before that one was sent: calls
 * that were under way together may be taken in any order. `to` when there is none. */
static size_t hole_between(const struct pair *pair, size_t from, size_t to)
{
    const struct har_sent *sent = pair->sender->sent;
    for (size_t i = from; i < to; i++) {
        if (!pair->has[i] &&
            sent[pair->sequences[i]].replied_ns <= sent[pair->sequences[to]].sent_ns) {
            return i;
        }
    }
    return to;
}

/* The first message missing between two that came on one stream of the receiver; count: none. Order is
 * checked anyway. */
static size_t first_hole(const struct pair *pair)
{
    uint32_t *number_of = sl_calloc(pair->sender->sent_count + 1, sizeof(uint32_t));
    for (size_t i = 0; i < pair->count; i++) {
        number_of[pair->sequences[i]] = (uint32_t)i + 1;
    }
    size_t hole = pair->count;
    uint32_t last = 0;
    unsigned generation = 0;
    for (uint32_t i = 0; i < pair->receiver->received_count && hole == pair->count; i++) {
        const struct har_received *received = &pair->receiver->received[i];
        uint32_t number =
            received->publisher == pair->sender->number ? number_of[received->sequence] : 0;
        if (number == 0) {
            continue;
        }
        if (last != 0 && generation == received->generation && number > last + 1) {
            size_t found = hole_between(pair, last, number - 1);
            hole = found == number - 1 ? hole : found;
        }
        last = number;
        generation = received->generation;
    }
    sl_free(number_of);
    return hole;
}

static void judge_pair(const struct har_check *check, const struct pair *pair, int part,
                       double at_least)
{
    size_t prefix = prefix_length(pair);
    bool is_good = (double)pair->received >= at_least;
    if (part == PART_ALL) {
        is_good &= pair->received == pair->count;
    } else if (part == PART_NONE) {
        is_good &= pair->received == 0;
    } else if (part == PART_PREFIX) {
        is_good &= prefix == pair->received;
    } else if (part == PART_SUFFIX) {
        is_good &= suffix_length(pair) == pair->received;
    } else if (part == PART_SEGMENTS) {
        prefix = first_hole(pair);
        is_good &= prefix == pair->count;
    }
    if (!is_good) {
        har_check_fail(check,
                       "%s[%u] received %zu of %zu messages of %s[%u]; wanted: %s; the first one "
                       "missing is number %zu of them",
                       pair->receiver->spec->name, pair->receiver->index, pair->received,
                       pair->count, pair->sender->spec->name, pair->sender->index, parts[part],
                       prefix + 1);
    }
}

static bool is_excused(const struct har_actor *receiver, const struct har_strings *statuses)
{
    const char *name = sl_grpc_status_name(receiver->end_code);
    for (size_t i = 0; i < statuses->count && name != NULL; i++) {
        if (receiver->state == HAR_STREAM_ENDED && strcmp(statuses->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void run_delivered(const struct har_check *check)
{
    const struct delivered_args *args = check->node->args;
    struct har_play *play = check->play;
    double at_least = har_play_value(play, &args->at_least, 0);
    size_t looked_at = 0;
    HAR_FOR_ACTORS (play, check->common->of_mask, receiver) {
        HAR_FOR_ACTORS (play, check->common->from_mask, sender) {
            if (receiver->spec->kind != HAR_SUBSCRIBER) {
                continue;
            }
            struct pair pair = make_pair(check, receiver, sender);
            looked_at += pair.count;
            if (pair.count > 0 && !is_excused(receiver, &args->unless)) {
                judge_pair(check, &pair, args->part, at_least);
            }
            release_pair(&pair);
        }
    }
    if (looked_at == 0) {
        har_check_fail(check, "no message was accepted that %s should have received",
                       check->common->of == NULL ? "anybody" : check->common->of);
    }
}

const struct har_check_type har_check_delivered = {
    .name = "delivered",
    .help = "of the messages accepted for its room, each subscriber received this part",
    .example = "{\"delivered\": \"suffix\", \"at_least\": \"B\", \"of\": \"sub\", \"phase\": \""
               "burst\"}",
    .rule = "SEND-03",
    HAR_CHECK_ARGS(struct delivered_args, delivered_fields),
    .run = run_delivered,
};

/* ---- fifo and nodup ---- */

/* Order is promised between two messages of one publisher only when the second was sent after the
 * reply to the first: for each message, was one sent after its reply delivered before it? */
static void judge_order(const struct har_check *check, const struct har_actor *receiver,
                        const struct har_actor *sender)
{
    uint64_t latest_sent_ns = 0;
    uint32_t latest = 0;
    unsigned epoch = 0;
    for (uint32_t i = 0; i < receiver->received_count; i++) {
        const struct har_received *received = &receiver->received[i];
        if (received->publisher != sender->number) {
            continue;
        }
        if (received->epoch != epoch) {
            epoch = received->epoch;
            latest_sent_ns = latest = 0;
        }
        const struct har_sent *sent = &sender->sent[received->sequence];
        bool is_chat = sender->spec->kind == HAR_CHAT; /* one stream: always in order */
        bool is_late = is_chat ? received->sequence < latest && latest_sent_ns != 0
                               : sent->replied_ns != 0 && sent->replied_ns < latest_sent_ns;
        if (is_late && received->sequence != latest) {
            har_check_fail(check, "%s[%u] received message %u of %s[%u] after message %u",
                           receiver->spec->name, receiver->index, received->sequence,
                           sender->spec->name, sender->index, latest);
            return;
        }
        if (sent->sent_ns > latest_sent_ns) {
            latest_sent_ns = sent->sent_ns;
            latest = received->sequence;
        }
    }
}

static void judge_duplicates(const struct har_check *check, const struct har_actor *receiver,
                             const struct har_actor *sender)
{
    unsigned *seen = sl_calloc(sender->sent_count + 1, sizeof(unsigned));
    uint32_t doubled = 0;
    uint32_t first = 0;
    for (uint32_t i = 0; i < receiver->received_count; i++) {
        const struct har_received *received = &receiver->received[i];
        if (received->publisher != sender->number) {
            continue;
        }
        /* The epoch in which it came last, plus one. */
        if (seen[received->sequence] == received->epoch + 1) {
            first = doubled++ == 0 ? received->sequence : first;
        }
        seen[received->sequence] = received->epoch + 1;
    }
    if (doubled > 0) {
        har_check_fail(check,
                       "%s[%u] received %u messages of %s[%u] more than once, first number %u",
                       receiver->spec->name, receiver->index, doubled, sender->spec->name,
                       sender->index, first);
    }
    sl_free(seen);
}

void har_check_order(const struct har_check *check, uint64_t mask)
{
    HAR_FOR_ACTORS (check->play, mask, receiver) {
        for (size_t i = 0; i < check->play->actor_count && receiver->received_count > 0; i++) {
            if (check->play->actors[i].sent_count > 0) {
                judge_order(check, receiver, &check->play->actors[i]);
            }
        }
    }
}

void har_check_duplicates(const struct har_check *check, uint64_t mask)
{
    HAR_FOR_ACTORS (check->play, mask, receiver) {
        for (size_t i = 0; i < check->play->actor_count && receiver->received_count > 0; i++) {
            if (check->play->actors[i].sent_count > 0) {
                judge_duplicates(check, receiver, &check->play->actors[i]);
            }
        }
    }
}

struct flag_args {
    struct har_check_common common;
    bool is_on;
    const char *key; /* of the messages of streams; NULL: stamped messages */
};
static const struct har_field fifo_fields[] = {
    HAR_CHECK_COMMON,
    {"fifo", HAR_FIELD_BOOL, offsetof(struct flag_args, is_on), .is_required = true,
     .help = "true"},
    {"key", HAR_FIELD_STRING, offsetof(struct flag_args, key),
     .help = "of streams of any service: the JSON path of the number that orders their messages, "
             "such as "
             "\"$.seq\""},
};
static const struct har_field nodup_fields[] = {
    HAR_CHECK_COMMON,
    {"nodup", HAR_FIELD_BOOL, offsetof(struct flag_args, is_on), .is_required = true,
     .help = "true"},
    {"key", HAR_FIELD_STRING, offsetof(struct flag_args, key),
     .help = "of streams of any service: the JSON path of the number that orders their messages, "
             "such as "
             "\"$.seq\""},
};

static void run_fifo(const struct har_check *check)
{
    const struct flag_args *args = check->node->args;
    if (args->key != NULL) {
        har_check_keys(check, args->key, HAR_KEY_RISING);
    } else {
        har_check_order(check, check->common->of_mask);
    }
}

static void run_nodup(const struct har_check *check)
{
    const struct flag_args *args = check->node->args;
    if (args->key != NULL) {
        har_check_keys(check, args->key, HAR_KEY_UNIQUE);
    } else {
        har_check_duplicates(check, check->common->of_mask);
    }
}

const struct har_check_type har_check_fifo = {
    .name = "fifo",
    .help = "one publisher's messages came in the order sent (checked of every subscriber anyway)",
    .example = "{\"fifo\": true, \"of\": \"feed\", \"key\": \"$.seq\"}",
    .rule = "SUB-01",
    HAR_CHECK_ARGS(struct flag_args, fifo_fields),
    .run = run_fifo,
};
const struct har_check_type har_check_nodup = {
    .name = "nodup",
    .help = "no message came twice (checked of every subscriber anyway)",
    .example = "{\"nodup\": true, \"of\": \"sub\", \"why\": \"a message that comes twice "
               "is shown twice\"}",
    .rule = "SUB-01",
    HAR_CHECK_ARGS(struct flag_args, nodup_fields),
    .run = run_nodup,
};

/* ---- backlog ---- */

struct backlog_args {
    struct har_check_common common;
    struct har_range between;
};
static const struct har_field backlog_fields[] = {
    HAR_CHECK_COMMON,
    {"backlog", HAR_FIELD_RANGE, offsetof(struct backlog_args, between), .is_required = true,
     .help = "[how many the buffer holds, how many buffer and stack may hold together]"},
};

static void judge_backlog(const struct har_check *check, const struct pair *pair, double low,
                          double high)
{
    bool is_oldest = check->play->config.profile->drop_policy == HAR_DROP_OLDEST;
    size_t kept = is_oldest ? suffix_length(pair) : prefix_length(pair);
    const struct har_actor *receiver = pair->receiver;
    struct har_check size = *check;
    size.rule = "SUB-05"; /* how many is of the buffer, which ones is of the policy */
    if ((double)pair->received > high) {
        har_check_fail(
            &size,
            "%s[%u] was held back %zu of %zu messages; a bounded buffer and the stack hold at "
            "most %g",
            receiver->spec->name, receiver->index, pair->received, pair->count, high);
    } else if ((double)pair->received < low) {
        har_check_fail(&size, "%s[%u] was held back %zu of %zu messages; the buffer holds %g",
                       receiver->spec->name, receiver->index, pair->received, pair->count, low);
    } else if ((double)kept < low) {
        har_check_fail(check,
                       "%s[%u] received %zu messages after the stall, but only %zu of the %s ones "
                       "without a hole; the declared policy drops the %s and keeps %g",
                       receiver->spec->name, receiver->index, pair->received, kept,
                       is_oldest ? "last" : "first", is_oldest ? "oldest" : "newest", low);
    }
}

static void run_backlog(const struct har_check *check)
{
    const struct backlog_args *args = check->node->args;
    double low = har_play_value(check->play, &args->between.low, 0);
    double high = har_play_value(check->play, &args->between.high, 0);
    HAR_FOR_ACTORS (check->play, check->common->of_mask, receiver) {
        HAR_FOR_ACTORS (check->play, check->common->from_mask, sender) {
            struct pair pair = make_pair(check, receiver, sender);
            if (pair.count > 0) {
                judge_backlog(check, &pair, low, high);
            }
            release_pair(&pair);
        }
    }
}

const struct har_check_type har_check_backlog = {
    .name = "backlog",
    .help =
        "after a stall came at least `low` messages without a hole from the end that the declared "
        "drop policy keeps, and at most `high` in all",
    .example = "{\"backlog\": [\"B\", \"B + H + 1\"], \"of\": \"slow\", \"phase\": \"burst\"}",
    .rule = "SUB-06",
    HAR_CHECK_ARGS(struct backlog_args, backlog_fields),
    .run = run_backlog,
};

/* ---- gaps ---- */

struct gaps_args {
    struct har_check_common common;
    int equal_to;
};
static const char *const equals[] = {"reported", NULL};
static const struct har_field gaps_fields[] = {
    HAR_CHECK_COMMON,
    {"gaps", HAR_FIELD_CHOICE, offsetof(struct gaps_args, equal_to), .choices = equals,
     .is_required = true, .help = "\"reported\": what the trailing metadata `chat-dropped` says"},
};

/* The messages of this sender that were accepted while the receiver's last stream was open, and did not come. */
static uint64_t count_missing(const struct har_check *check, const struct har_actor *receiver,
                              const struct har_actor *sender)
{
    struct pair pair = make_pair(check, receiver, sender);
    uint64_t missing = 0;
    for (size_t i = 0; i < pair.count; i++) {
        const struct har_sent *sent = &sender->sent[pair.sequences[i]];
        missing += !pair.has[i] && sent->sent_ns >= receiver->opened_ns &&
                   sent->sent_ns < receiver->ended_ns;
    }
    release_pair(&pair);
    return missing;
}

static void run_gaps(const struct har_check *check)
{
    HAR_FOR_ACTORS (check->play, check->common->of_mask, receiver) {
        const struct har_past *past = &receiver->past;
        uint64_t missing = 0;
        HAR_FOR_ACTORS (check->play, check->common->from_mask, sender) {
            missing += count_missing(check, receiver, sender);
        }
        if (receiver->state != HAR_STREAM_ENDED || !receiver->is_end_of_status) {
            har_check_fail(check, "the server did not end the stream of %s[%u] with a status",
                           receiver->spec->name, receiver->index);
        } else if (!past->has_report && missing > 0) {
            har_check_fail(check,
                           "%llu messages did not come to %s[%u], and nothing reports them "
                           "(trailing metadata chat-dropped)",
                           (unsigned long long)missing, receiver->spec->name, receiver->index);
        } else if (past->has_report && past->reported != missing) {
            har_check_fail(check, "%llu messages did not come to %s[%u]; reported are %s%llu",
                           (unsigned long long)missing, receiver->spec->name, receiver->index,
                           past->reported == UINT64_MAX ? "no number, taken for " : "",
                           (unsigned long long)past->reported);
        }
    }
}

const struct har_check_type har_check_gaps = {
    .name = "gaps",
    .help =
        "of the messages accepted for its room while its stream was open, each subscriber misses "
        "exactly as many as the server reported at the stream's end; nothing may be waiting when "
        "the "
        "server ends it. Where none is missing the report may be, too",
    .example = "{\"gaps\": \"reported\", \"of\": \"slow\"}",
    .rule = "SUB-14",
    HAR_CHECK_ARGS(struct gaps_args, gaps_fields),
    .run = run_gaps,
};
