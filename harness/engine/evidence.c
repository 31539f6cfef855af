/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness/engine/actor.h"
#include "harness/engine/target.h"
#include "harness/engine/via.h"
#include "harness/evidence/decisions.h"
#include "harness/steps/step.h"
#include "lib/base/alloc.h"
#include "lib/base/json_out.h"

enum {
    RECORDS_MAX = 64 * 1024 * 1024, /* bytes of one records.jsonl */
    PATH_BYTES = 4096,
    HEAD_MAX = 16 * 1024 * 1024, /* bytes of the first line: every id there can be */
};

enum sl_status har_make_folders(const char *path, struct sl_error *reterr_error)
{
    char part[PATH_BYTES];
    size_t len = strlen(path);
    for (size_t i = 1; i <= len && len < sizeof(part); i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return sl_error_set(reterr_error, SL_IO, "%s cannot be created: %s", part,
                                strerror(errno));
        }
    }
    return SL_OK;
}

char *har_evidence_decisions(struct har_play *play)
{
    struct sl_buf all;
    struct har_decisions log = {0};
    sl_buf_init(&all, (size_t)HAR_DECISIONS_MAX * 2);
    har_track_collect(play->root, &log);
    har_decisions_sorted(&log, &all);
    har_decisions_release(&log);
    har_via_decisions(play, &all);
    return (char *)sl_buf_take(&all, NULL);
}

static void add_time(struct sl_json_out *json, const char *key, const struct har_play *play,
                     uint64_t at_ns)
{
    if (at_ns >= play->begin_ns) {
        sl_json_out_key(json, key);
        sl_json_out_ms(json, at_ns - play->begin_ns);
    }
}

static void add_phase(struct sl_json_out *json, const struct har_play *play, int phase)
{
    if (phase >= 0) {
        sl_json_out_key_str(json, "phase", play->scenario->phases[phase]);
    }
}

static void add_actor(struct sl_json_out *json, const char *event, const struct har_actor *actor)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "event", event);
    sl_json_out_key_str(json, "actor", actor->spec->name);
    sl_json_out_key_u64(json, "index", actor->index);
}

static void write_actor(const struct har_play *play, const struct har_actor *actor,
                        struct sl_buf *out)
{
    struct sl_json_out json;
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        sl_json_out_init(&json, out);
        add_actor(&json, "sent", actor);
        sl_json_out_key_u64(&json, "sequence", i);
        add_phase(&json, play, sent->phase);
        add_time(&json, "intended_ms", play, sent->intended_ns);
        add_time(&json, "sent_ms", play, sent->sent_ns);
        add_time(&json, "answered_ms", play, sent->replied_ns);
        sl_json_out_key_bool(&json, "accepted", sent->is_accepted);
        sl_json_out_end_object(&json);
        (void)sl_buf_add_u8(out, '\n');
    }
    for (uint32_t i = 0; i < actor->received_count; i++) {
        const struct har_received *received = &actor->received[i];
        sl_json_out_init(&json, out);
        add_actor(&json, "received", actor);
        sl_json_out_key_u64(&json, "publisher", received->publisher);
        sl_json_out_key_u64(&json, "sequence", received->sequence);
        add_phase(&json, play, received->phase);
        add_time(&json, "at_ms", play, received->at_ns);
        sl_json_out_end_object(&json);
        (void)sl_buf_add_u8(out, '\n');
    }
    if (actor->generation > 0) {
        sl_json_out_init(&json, out);
        add_actor(&json, "stream", actor);
        add_time(&json, "opened_ms", play, actor->opened_ns);
        add_time(&json, "ended_ms", play, actor->ended_ns);
        sl_json_out_key_str(&json, "end", actor->end_text);
        sl_json_out_key_u64(&json, "pings", actor->pings);
        sl_json_out_key_u64(&json, "acks", actor->acked);
        sl_json_out_end_object(&json);
        (void)sl_buf_add_u8(out, '\n');
    }
}

/* What the server wrote so far, the scenario's own one where it had one. */
static void write_server_log(const struct har_result *result, const struct har_play *play)
{
    const struct har_target *target = play->config.target;
    struct sl_span output = target == NULL ? sl_span(NULL, 0) : har_target_output(target);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/server.log", result->evidence);
    FILE *file = output.len == 0 ? NULL : fopen(path, "wb");
    if (file != NULL) {
        (void)fwrite(output.data, 1, output.len, file);
        (void)fclose(file);
    }
}

void har_evidence_write(const struct har_suite *suite, struct har_result *result,
                        const struct har_play *play)
{
    if (suite->config.evidence == NULL || result->outcome == HAR_PASS) {
        return;
    }
    (void)snprintf(result->evidence, sizeof(result->evidence), "%.300s/%.250s",
                   suite->config.evidence, result->scenario->id);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/records.jsonl", result->evidence);
    FILE *file = har_make_folders(result->evidence, NULL) == SL_OK ? fopen(path, "wb") : NULL;
    if (file == NULL) {
        result->evidence[0] = '\0';
        return;
    }
    struct sl_buf out;
    sl_buf_init(&out, RECORDS_MAX);
    for (size_t i = 0; i < play->actor_count; i++) {
        write_actor(play, &play->actors[i], &out);
        (void)fwrite(out.data, 1, out.len, file);
        sl_buf_clear(&out);
    }
    (void)fclose(file);
    sl_buf_release(&out);
    write_server_log(result, play);
}

/* What a run of the same needs: not where the target is, nor what it was like. */
static void write_head(const struct har_suite *suite, FILE *out)
{
    const struct har_suite_config *config = &suite->config;
    struct sl_buf line;
    struct sl_json_out json;
    char seed[24];
    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)config->seed);
    sl_buf_init(&line, HEAD_MAX);
    sl_json_out_init(&json, &line);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "schema", HAR_DECISIONS_SCHEMA);
    sl_json_out_key_str(&json, "seed", seed); /* of 64 bits */
    sl_json_out_key_str(&json, "profile", config->profile_name);
    sl_json_out_key_bool(&json, "strict", config->is_strict);
    sl_json_out_key_u64(&json, "repeat", config->repeat);
    sl_json_out_key(&json, "scenarios");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < config->count; i++) {
        sl_json_out_str(&json, config->scenarios[i]->id);
    }
    sl_json_out_end_array(&json);
    sl_json_out_end_object(&json);
    (void)fprintf(out, "%s\n", sl_buf_str(&line));
    sl_buf_release(&line);
}

void har_evidence_decided(const struct har_suite *suite, FILE *out)
{
    write_head(suite, out);
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        if (result->decisions != NULL) {
            (void)fputs(result->decisions, out);
        } else {
            (void)fprintf(out, "{\"scenario\":\"%s\",\"verdict\":\"%s\"}\n", result->scenario->id,
                          har_outcome_name(result->outcome));
        }
    }
}

enum sl_status har_evidence_finish(const struct har_suite *suite, struct sl_error *reterr_error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/decisions.jsonl", suite->config.evidence);
    enum sl_status status = har_make_folders(suite->config.evidence, reterr_error);
    if (status != SL_OK) {
        return status;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return sl_error_set(reterr_error, SL_IO, "%s cannot be written: %s", path, strerror(errno));
    }
    har_evidence_decided(suite, file);
    bool is_bad = ferror(file) != 0;
    is_bad |= fclose(file) != 0;
    return is_bad ? sl_error_set(reterr_error, SL_IO, "%s cannot be written", path) : SL_OK;
}
