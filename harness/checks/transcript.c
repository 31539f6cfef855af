/* SPDX-License-Identifier: Apache-2.0 */
/* same_transcript: two subscribers were told the same. */
#include "harness/checks/checks.h"
#include "harness/engine/actor.h"

struct transcript_args {
    struct har_check_common common;
    const char *other;
};
static const struct har_field transcript_fields[] = {
    HAR_CHECK_COMMON,
    {"same_transcript", HAR_FIELD_STRING, offsetof(struct transcript_args, other),
     .is_required = true, .help = "the actor that they are compared with (its first instance)"},
};

/* The next message of sender that the actor received, from *index on; NULL at the end. */
static const struct har_received *next_of(const struct har_check *check,
                                          const struct har_actor *actor, uint16_t sender,
                                          uint32_t *index)
{
    while (*index < actor->received_count) {
        const struct har_received *received = &actor->received[(*index)++];
        const struct har_actor *from = har_play_actor(check->play, sender);
        if (received->publisher == sender &&
            har_phase_matches(check->play, &check->common->phase,
                              from->sent[received->sequence].phase)) {
            return received;
        }
    }
    return NULL;
}

static void compare(const struct har_check *check, const struct har_actor *actor,
                    const struct har_actor *other, const struct har_actor *sender)
{
    uint32_t index = 0;
    uint32_t other_index = 0;
    for (;;) {
        const struct har_received *one = next_of(check, actor, sender->number, &index);
        const struct har_received *two = next_of(check, other, sender->number, &other_index);
        if (one == NULL && two == NULL) {
            return;
        }
        if (one == NULL || two == NULL || one->sequence != two->sequence) {
            const struct har_received *late = one != NULL ? one : two;
            har_check_fail(check, "%s[%u] and %s differ from message %u of %s on",
                           actor->spec->name, actor->index, other->spec->name, late->sequence,
                           sender->spec->name);
            return;
        }
    }
}

static void run_same_transcript(const struct har_check *check)
{
    const struct transcript_args *args = check->node->args;
    uint64_t mask = 0;
    if (!har_select_actors(check->play->scenario, args->other, &mask)) {
        har_check_fail(check, "there is no actor '%.100s'", args->other);
        return;
    }
    HAR_FOR_ACTORS (check->play, mask, other) {
        if (other->index != 0) {
            continue;
        }
        HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
            HAR_FOR_ACTORS (check->play, check->common->from_mask, sender) {
                compare(check, actor, other, sender);
            }
        }
    }
}

const struct har_check_type har_check_same_transcript = {
    .name = "same_transcript",
    .help = "of each sender came the same messages in the same order, however the bytes came",
    .example = "{\"same_transcript\": \"sub\", \"of\": \"far\"}",
    .rule = "SUB-01",
    HAR_CHECK_ARGS(struct transcript_args, transcript_fields),
    .run = run_same_transcript,
};
