/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/failure_parts.h"

#include <stdarg.h>
#include <stdio.h>

#include "harness/report/shown.h"
#include "lib/base/clock.h"

enum {
    LINE_BYTES = 16 * 1024,
    ACTORS_SHOWN = 40,
    NAME_WIDTH = 24,
};

void har_readme_line(struct sl_buf *out, const char *label, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)sl_buf_addf(out, "    %s", label);
    har_shown_add(out, sl_span_str(text));
    (void)sl_buf_add_u8(out, '\n');
}

/* How many backticks in a row text has at most. */
static size_t ticks(const char *text)
{
    size_t most = 0;
    for (; *text != '\0'; text++) {
        size_t here = strspn(text, "`");
        most = here > most ? here : most;
        text += here > 0 ? here - 1 : 0;
    }
    return most;
}

static void add_ticks(struct sl_buf *out, size_t count)
{
    while (count-- > 0) {
        (void)sl_buf_add_u8(out, '`');
    }
}

void har_readme_word(struct sl_buf *out, const char *text)
{
    size_t count = ticks(text) + 1;
    add_ticks(out, count);
    (void)sl_buf_add_str(out, count > 1 ? " " : "");
    har_shown_add(out, sl_span_str(text));
    (void)sl_buf_add_str(out, count > 1 ? " " : "");
    add_ticks(out, count);
}

void har_readme_fenced(struct sl_buf *out, struct sl_buf *lines)
{
    const char *text = sl_buf_str(lines);
    size_t count = ticks(text) < 3 ? 3 : ticks(text) + 1;
    add_ticks(out, count);
    (void)sl_buf_add_str(out, "sh\n");
    (void)sl_buf_add_str(out, text);
    (void)sl_buf_add_str(out, "\n");
    add_ticks(out, count);
    (void)sl_buf_add_str(out, "\n\n");
    sl_buf_clear(lines);
}

/* ---- the story ---- */

static double ms(uint64_t ns)
{
    return (double)ns / (double)SL_MS;
}

static unsigned long long total(const struct har_story_actor *actor, enum har_story_flow flow)
{
    return (unsigned long long)actor->totals[flow];
}

static void add_actors(struct sl_buf *out, const struct har_story *story)
{
    if (story->actor_count == 0) {
        return;
    }
    har_readme_line(out, "", "%-*s %-10s %8s %8s %8s  end", NAME_WIDTH, "actor", "kind", "sent",
                    "received", "lost");
    for (size_t i = 0; i < story->actor_count && i < ACTORS_SHOWN; i++) {
        const struct har_story_actor *actor = &story->actors[i];
        char end[LINE_BYTES] = "";
        if (actor->has_end) {
            (void)snprintf(end, sizeof(end), "%s at %.0f ms%s%.300s",
                           actor->end_status == NULL ? "" : actor->end_status, ms(actor->end_ns),
                           actor->end_text == NULL || actor->end_text[0] == '\0' ? "" : ": ",
                           actor->end_text == NULL ? "" : actor->end_text);
        }
        har_readme_line(out, "", "%-*s %-10s %8llu %8llu %8llu  %s", NAME_WIDTH, actor->name,
                        actor->kind, total(actor, HAR_STORY_SENT), total(actor, HAR_STORY_RECEIVED),
                        total(actor, HAR_STORY_LOST), end);
    }
    size_t left_out = story->actors_left_out;
    left_out += story->actor_count > ACTORS_SHOWN ? story->actor_count - ACTORS_SHOWN : 0;
    if (left_out > 0) {
        har_readme_line(out, "", "... and %zu more", left_out);
    }
}

static void add_affected(struct sl_buf *out, const struct har_story_affected *affected,
                         const char *scope)
{
    char names[LINE_BYTES / 2] = "";
    size_t len = 0;
    for (size_t i = 0; i < affected->actor_count && len + 128 < sizeof(names); i++) {
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.100s", i == 0 ? ": " : ", ",
                                affected->actors[i]);
    }
    if (affected->of > 0) {
        har_readme_line(out, "  ", "%-16s %zu of %zu hit%s%s%s", scope, affected->count,
                        affected->of, names, affected->text == NULL ? "" : "; ",
                        affected->text == NULL ? "" : affected->text);
    }
}

static void add_faults(struct sl_buf *out, const struct har_story *story)
{
    for (size_t i = 0; i < story->fault_count; i++) {
        const struct har_story_fault *fault = &story->faults[i];
        (void)sl_buf_add_str(out, i == 0 ? "\n" : "");
        har_readme_line(out, "", "%.1f ms: %s%s%s %s", ms(fault->at_ns), fault->what,
                        fault->actor == NULL ? "" : " of ",
                        fault->actor == NULL ? "" : fault->actor,
                        fault->text == NULL ? "" : fault->text);
        for (int scope = 0; scope < HAR_SCOPES; scope++) {
            add_affected(out, &fault->affected[scope], har_story_scope_names[scope]);
        }
    }
}

void har_readme_story(struct sl_buf *out, const struct har_story *story)
{
    (void)sl_buf_addf(out,
                      "## What happened\n\nIn %.0f ms, times from the beginning of the play:\n\n",
                      ms(story->duration_ns));
    add_actors(out, story);
    for (size_t i = 0; i < story->phase_count; i++) {
        const struct har_story_phase *phase = &story->phases[i];
        (void)sl_buf_add_str(out, i == 0 ? "\n" : "");
        har_readme_line(out, "", "phase %s: %.1f ms to %.1f ms", phase->name, ms(phase->at_ns),
                        ms(phase->until_ns));
    }
    add_faults(out, story);
    (void)sl_buf_add_str(out, "\n");
}
