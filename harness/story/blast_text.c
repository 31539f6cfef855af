/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/blast_text.h"

#include <stdio.h>

#include "harness/story/rows.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"

void har_blast_note(struct har_blast_scope *scope, struct har_story *story,
                    const struct har_actor *actor, const struct har_blast_actor *seen)
{
    scope->of++;
    scope->slow += seen->is_slow && !seen->is_judged;
    if (!seen->is_judged) {
        return;
    }
    struct har_blast_group *group = &scope->groups[!seen->is_affected][!seen->is_reader];
    bool is_listed = seen->is_affected && scope->actor_count < HAR_STORY_NAMES_MAX;
    bool is_named = group->count < HAR_BLAST_NAMES;
    const char *name = is_listed || is_named ? har_story_actor_name(story, actor) : "";
    scope->judged++;
    scope->affected += seen->is_affected;
    if (is_listed) {
        scope->actors[scope->actor_count++] = name;
    }
    if (is_named) {
        group->names[group->count] = name;
    }
    group->count++;
    const struct har_account *both[2] = {&seen->before, &seen->after};
    for (int i = 0; i < 2; i++) {
        group->wanted[i] += both[i]->wanted;
        group->got[i] += both[i]->got;
        bool is_longer = both[i]->p99_ns > group->p99_ns[i];
        group->p99_ns[i] = is_longer ? both[i]->p99_ns : group->p99_ns[i];
    }
    group->unanswered += seen->after.unanswered;
    group->errors += seen->after.errors;
    group->ends += seen->end != NULL;
    group->end = group->end == NULL ? seen->end : group->end;
}

static double ms(uint64_t ns)
{
    return (double)ns / (double)SL_MS;
}

static void add_names(struct sl_buf *text, const struct har_blast_group *group)
{
    size_t named = group->count < HAR_BLAST_NAMES ? group->count : HAR_BLAST_NAMES;
    for (size_t i = 0; i < named; i++) {
        bool is_last = i + 1 == named && named == group->count;
        (void)sl_buf_addf(text, "%s%s", i == 0 ? "" : is_last ? " and " : ", ", group->names[i]);
    }
    if (group->count > named) {
        (void)sl_buf_addf(text, " and %zu more", group->count - named);
    }
}

/* "live and other got 300 of 300 messages (100 of 100 before), p99 1.4 ms (1.3 ms before)" */
static void add_group(struct sl_buf *text, const struct har_blast_group *group, bool is_reader)
{
    const uint64_t *got = group->got;
    const uint64_t *wanted = group->wanted;
    if (group->count == 0) {
        return;
    }
    (void)sl_buf_add_str(text, text->len == 0 ? "" : "; ");
    add_names(text, group);
    if (wanted[1] > 0) {
        (void)sl_buf_addf(text,
                          is_reader ? " got %llu of %llu messages" : " had %llu of %llu answered",
                          (unsigned long long)got[1], (unsigned long long)wanted[1]);
    } else if (group->unanswered > 0) {
        (void)sl_buf_addf(text, " got nothing of %llu %s without an answer",
                          (unsigned long long)group->unanswered,
                          group->unanswered == 1 ? "message" : "messages");
    } else {
        (void)sl_buf_add_str(text, is_reader ? " had nothing to get" : " sent nothing");
    }
    if (wanted[0] > 0) {
        (void)sl_buf_addf(text, " (%llu of %llu before)", (unsigned long long)got[0],
                          (unsigned long long)wanted[0]);
    }
    if (got[1] > 0) {
        (void)sl_buf_addf(text, ", p99 %.1f ms", ms(group->p99_ns[1]));
    }
    if (got[1] > 0 && got[0] > 0) {
        (void)sl_buf_addf(text, " (%.1f ms before)", ms(group->p99_ns[0]));
    }
    if (group->errors > 0) {
        (void)sl_buf_addf(text, ", %llu errors", (unsigned long long)group->errors);
    }
    if (group->ends > 0) {
        (void)sl_buf_addf(text, ", %zu unasked %s: %s", group->ends,
                          group->ends == 1 ? "end" : "ends", group->end);
    }
}

void har_blast_tell(struct har_story *story, const struct har_blast_scope *scope,
                    struct har_story_affected *ret_affected, const char *nobody)
{
    struct sl_buf text;
    sl_buf_init(&text, 4 * HAR_STORY_TEXT_MAX);
    *ret_affected = (struct har_story_affected){.of = scope->of,
                                                .judged = scope->judged,
                                                .count = scope->affected,
                                                .actor_count = scope->actor_count};
    memcpy(ret_affected->actors, scope->actors, sizeof(scope->actors));
    for (int is_well = 0; is_well < 2; is_well++) {
        add_group(&text, &scope->groups[is_well][0], true);
        add_group(&text, &scope->groups[is_well][1], false);
    }
    size_t unjudged = scope->of - scope->judged;
    if (scope->of == 0) {
        (void)sl_buf_add_str(&text, nobody);
    } else if (unjudged > 0) {
        (void)sl_buf_addf(&text, "%s%zu not judged: %s", text.len == 0 ? "" : "; ", unjudged,
                          scope->slow == unjudged ? "slow by the scenario's own doing"
                          : scope->slow > 0       ? "slow by the scenario's own doing, or with "
                                                    "nothing to get"
                                                  : "nothing was to come");
    }
    ret_affected->text = har_story_text(story, sl_buf_str(&text), HAR_STORY_TEXT_MAX);
    sl_buf_release(&text);
}
