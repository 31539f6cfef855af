/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a play, as JSON. Its schema: harness/report/report_schema.json. */
#include "harness/report/story_json.h"

#include "lib/base/clock.h"

/* As sl_json_out_ms, no finer than a microsecond: more digits would only cost. */
static void add_ms(struct sl_json_out *json, const char *key, uint64_t ns)
{
    sl_json_out_key(json, key);
    sl_json_out_ms(json, ns / SL_US * SL_US);
}

static void add_phases(struct sl_json_out *json, const struct har_story *story)
{
    sl_json_out_key(json, "phases");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->phase_count; i++) {
        const struct har_story_phase *phase = &story->phases[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "name", phase->name);
        add_ms(json, "at", phase->at_ns);
        add_ms(json, "until", phase->until_ns);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
}

static void add_marks(struct sl_json_out *json, const struct har_story *story)
{
    sl_json_out_key(json, "marks");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->mark_count; i++) {
        const struct har_story_mark *mark = &story->marks[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "name", mark->name);
        add_ms(json, "at", mark->at_ns);
        if (mark->has_resources) {
            sl_json_out_key_u64(json, "rss_bytes", mark->rss_bytes);
            sl_json_out_key_u64(json, "fds", mark->fds);
        }
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
}

static void add_spans(struct sl_json_out *json, const char *key, const struct har_story_span *spans,
                      size_t count)
{
    sl_json_out_key(json, key);
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        const struct har_story_span *span = &spans[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "what", span->what);
        add_ms(json, "at", span->at_ns);
        add_ms(json, "until", span->until_ns);
        sl_json_out_key_str(json, "phase", span->phase);
        sl_json_out_key_str(json, "text", span->text);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
}

static void add_flows(struct sl_json_out *json, const struct har_story *story,
                      const struct har_story_actor *actor)
{
    static const char *const keys[HAR_STORY_FLOWS] = {"sent", "received", "lost"};
    for (int flow = 0; flow < HAR_STORY_FLOWS; flow++) {
        const uint32_t *buckets = actor->flows[flow];
        sl_json_out_key(json, keys[flow]);
        sl_json_out_begin_array(json);
        for (size_t i = 0; i < story->bucket_count && buckets != NULL; i++) {
            sl_json_out_u64(json, buckets[i]);
        }
        sl_json_out_end_array(json);
    }
    sl_json_out_key(json, "totals");
    sl_json_out_begin_object(json);
    for (int flow = 0; flow < HAR_STORY_FLOWS; flow++) {
        sl_json_out_key_u64(json, keys[flow], actor->totals[flow]);
    }
    sl_json_out_end_object(json);
}

static void add_end(struct sl_json_out *json, const struct har_story_actor *actor)
{
    sl_json_out_key(json, "end");
    if (!actor->has_end) {
        sl_json_out_null(json);
        return;
    }
    sl_json_out_begin_object(json);
    add_ms(json, "at", actor->end_ns);
    sl_json_out_key_str(json, "status", actor->end_status);
    sl_json_out_key_str(json, "text", actor->end_text);
    sl_json_out_end_object(json);
}

static void add_number_or_null(struct sl_json_out *json, const char *key, uint32_t number)
{
    sl_json_out_key(json, key);
    if (number == 0) {
        sl_json_out_null(json);
    } else {
        sl_json_out_u64(json, number);
    }
}

static void add_actors(struct sl_json_out *json, const struct har_story *story)
{
    sl_json_out_key(json, "actors");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->actor_count; i++) {
        const struct har_story_actor *actor = &story->actors[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "name", actor->name);
        sl_json_out_key_str(json, "kind", actor->kind);
        sl_json_out_key_str(json, "room", actor->room);
        add_number_or_null(json, "connection", actor->connection);
        sl_json_out_key_str(json, "transport", actor->transport);
        add_spans(json, "spans", actor->spans, actor->span_count);
        sl_json_out_key_u64(json, "spans_left_out", actor->spans_left_out);
        add_ms(json, "bucket_ms", story->bucket_ns);
        add_flows(json, story, actor);
        add_end(json, actor);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_u64(json, "actors_left_out", story->actors_left_out);
}

static void add_affected(struct sl_json_out *json, const struct har_story_fault *fault)
{
    sl_json_out_key(json, "affected");
    sl_json_out_begin_array(json);
    for (int scope = 0; scope < HAR_SCOPES; scope++) {
        const struct har_story_affected *affected = &fault->affected[scope];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "scope", har_story_scope_names[scope]);
        sl_json_out_key(json, "actors");
        sl_json_out_begin_array(json);
        for (size_t i = 0; i < affected->actor_count; i++) {
            sl_json_out_str(json, affected->actors[i]);
        }
        sl_json_out_end_array(json);
        sl_json_out_key_u64(json, "count", affected->count);
        sl_json_out_key_u64(json, "judged", affected->judged);
        sl_json_out_key_u64(json, "of", affected->of);
        sl_json_out_key_str(json, "text", affected->text == NULL ? "" : affected->text);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
}

static void add_faults(struct sl_json_out *json, const struct har_story *story)
{
    sl_json_out_key(json, "faults");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->fault_count; i++) {
        const struct har_story_fault *fault = &story->faults[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "what", fault->what);
        add_ms(json, "at", fault->at_ns);
        if (fault->has_until) {
            add_ms(json, "until", fault->until_ns);
        } else {
            sl_json_out_key_str(json, "until", NULL);
        }
        sl_json_out_key_str(json, "actor", fault->actor);
        add_number_or_null(json, "connection", fault->connection);
        sl_json_out_key_u64(json, "count", fault->count);
        sl_json_out_key_str(json, "text", fault->text);
        add_affected(json, fault);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_u64(json, "faults_left_out", story->faults_left_out);
}

static void add_windows(struct sl_json_out *json, const struct har_story *story)
{
    sl_json_out_key(json, "windows");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->window_count; i++) {
        const struct har_story_window *window = &story->windows[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "actor", window->actor);
        sl_json_out_key_u64(json, "connection", window->connection);
        sl_json_out_key_u64(json, "stream", window->stream);
        sl_json_out_key(json, "at");
        sl_json_out_begin_array(json);
        for (size_t k = 0; k < window->count; k++) {
            sl_json_out_ms(json, window->at_ns[k] / SL_US * SL_US);
        }
        sl_json_out_end_array(json);
        sl_json_out_key(json, "bytes");
        sl_json_out_begin_array(json);
        for (size_t k = 0; k < window->count; k++) {
            sl_json_out_i64(json, window->bytes[k]);
        }
        sl_json_out_end_array(json);
        sl_json_out_key_u64(json, "points_left_out", window->left_out);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_u64(json, "windows_left_out", story->windows_left_out);
}

void har_story_json(const struct har_story *story, struct sl_json_out *json)
{
    if (story == NULL) {
        sl_json_out_null(json);
        return;
    }
    sl_json_out_begin_object(json);
    add_ms(json, "duration_ms", story->duration_ns);
    add_phases(json, story);
    add_marks(json, story);
    add_spans(json, "steps", story->steps, story->step_count);
    sl_json_out_key_u64(json, "steps_left_out", story->steps_left_out);
    add_actors(json, story);
    add_faults(json, story);
    add_windows(json, story);
    sl_json_out_end_object(json);
}
