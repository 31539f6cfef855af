/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/binding/binding.h"
#include "harness/engine/target.h"
#include "harness/engine/via.h"
#include "harness/evidence/decisions.h"
#include "harness/evidence/excerpt.h"
#include "harness/evidence/folder.h"
#include "harness/evidence/records.h"
#include "harness/steps/step.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/json_out.h"

enum {
    HEAD_MAX = 16 * 1024 * 1024, /* bytes of the first line: every id there can be */
};

#define DECISIONS "decisions.jsonl"

struct har_evidence {
    char *dir;
    int root;              /* -1: it cannot be opened */
    struct sl_error error; /* the first one; SL_OK: none */
    unsigned errors;
};

struct har_proof {
    struct har_evidence *evidence;
    struct har_trace *trace;
    struct har_excerpt log;
    struct har_watch watch;
    int folder; /* -1: none yet */
};

/* ---- the run ---- */

static void note_error(struct har_evidence *evidence, const struct sl_error *error)
{
    if (evidence->errors++ == 0) {
        evidence->error = *error;
    }
}

struct har_evidence *har_evidence_new(const char *dir)
{
    if (dir == NULL) {
        return NULL;
    }
    struct sl_error error = {0};
    struct har_evidence *evidence = sl_alloc(sizeof(*evidence));
    evidence->dir = sl_strdup(dir);
    evidence->root = har_folder_root(dir, &error);
    if (evidence->root < 0) {
        note_error(evidence, &error);
    }
    return evidence;
}

void har_evidence_free(struct har_evidence *evidence)
{
    if (evidence != NULL) {
        if (evidence->root >= 0) {
            (void)close(evidence->root);
        }
        sl_free(evidence->dir);
        sl_free(evidence);
    }
}

void har_evidence_clean(struct har_evidence *evidence, const struct har_suite *suite)
{
    if (evidence == NULL || evidence->root < 0) {
        return;
    }
    har_folder_sweep(evidence->root);
    for (size_t i = 0; i < suite->config.count; i++) {
        har_folder_clean(evidence->root, suite->config.scenarios[i]->id);
    }
}

/* ---- decisions ---- */

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

/* What a run of the same needs: not where the target is, nor what it was like. */
static void write_head(const struct har_suite *suite, const struct har_scenario *const *scenarios,
                       size_t count, unsigned repeat, FILE *out)
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
    if (config->binding != NULL) {
        sl_json_out_key_str(&json, "binding", config->binding->name);
    }
    sl_json_out_key_bool(&json, "strict", config->is_strict);
    sl_json_out_key_u64(&json, "repeat", repeat);
    sl_json_out_key(&json, "scenarios");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        sl_json_out_str(&json, scenarios[i]->id);
    }
    sl_json_out_end_array(&json);
    sl_json_out_end_object(&json);
    (void)fprintf(out, "%s\n", sl_buf_str(&line));
    sl_buf_release(&line);
}

static void write_result(const struct har_result *result, FILE *out)
{
    struct sl_buf line;
    struct sl_json_out json;
    if (result->decisions != NULL) {
        (void)fputs(result->decisions, out);
        return;
    }
    sl_buf_init(&line, HEAD_MAX);
    sl_json_out_init(&json, &line);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "scenario", result->scenario->id);
    sl_json_out_key_str(&json, "verdict", har_outcome_name(result->outcome));
    sl_json_out_end_object(&json);
    (void)fprintf(out, "%s\n", sl_buf_str(&line));
    sl_buf_release(&line);
}

void har_evidence_decided(const struct har_suite *suite, FILE *out)
{
    const struct har_suite_config *config = &suite->config;
    write_head(suite, config->scenarios, config->count, config->repeat, out);
    for (size_t i = 0; i < suite->result_count; i++) {
        write_result(&suite->results[i], out);
    }
}

/* ---- one play ---- */

static void on_output(void *owner, struct sl_span bytes)
{
    struct har_proof *proof = owner;
    har_excerpt_add(&proof->log, bytes);
}

struct har_proof *har_proof_new(struct har_evidence *evidence)
{
    if (evidence == NULL || evidence->root < 0) {
        return NULL;
    }
    struct har_proof *proof = sl_alloc(sizeof(*proof));
    proof->evidence = evidence;
    proof->folder = -1;
    proof->trace = har_trace_new(evidence->root);
    proof->watch = (struct har_watch){.output = on_output, .owner = proof};
    har_excerpt_init(&proof->log);
    return proof;
}

struct har_trace *har_proof_trace(const struct har_proof *proof)
{
    return proof == NULL ? NULL : proof->trace;
}

void har_proof_watch(struct har_proof *proof, struct har_target *target)
{
    if (proof != NULL) {
        har_target_watch(target, &proof->watch);
    }
}

void har_proof_drop(struct har_proof *proof)
{
    if (proof != NULL) {
        har_target_unwatch(&proof->watch);
        har_excerpt_release(&proof->log);
        har_trace_free(proof->trace);
        if (proof->folder >= 0) {
            (void)close(proof->folder);
        }
        sl_free(proof);
    }
}

/* True when the result has a folder now. */
static bool open_folder(struct har_proof *proof, struct har_result *result)
{
    struct har_evidence *evidence = proof->evidence;
    char path[HAR_FOLDER_PATH_MAX];
    struct sl_error error = {0};
    if (proof->folder >= 0) {
        return true;
    }
    proof->folder = har_folder_claim(evidence->root, result->scenario->id, path, &error);
    if (proof->folder < 0) {
        note_error(evidence, &error);
        return false;
    }
    int len = snprintf(result->evidence, sizeof(result->evidence), "%s/%s", evidence->dir, path);
    if (len >= (int)sizeof(result->evidence)) { /* it could not be named */
        result->evidence[0] = '\0';
        sl_error_set(&error, SL_LIMIT, "the name of the folder for evidence is too long");
        note_error(evidence, &error);
    }
    return result->evidence[0] != '\0';
}

static void note_errno(struct har_proof *proof, const struct har_result *result, const char *name,
                       int why)
{
    struct sl_error error = {0};
    sl_error_set(&error, SL_IO, "%.300s/%s cannot be written: %s", result->evidence, name,
                 strerror(why));
    note_error(proof->evidence, &error);
}

void har_proof_play(struct har_proof *proof, struct har_result *result, const struct har_play *play)
{
    if (proof == NULL) {
        return;
    }
    result->left.begin_wall_ns = sl_clock_wall_ns() - (sl_clock_mono_ns() - play->begin_ns);
    if (result->outcome == HAR_PASS || !open_folder(proof, result)) {
        return;
    }
    int fd = har_folder_create(proof->folder, "records.jsonl");
    int why = fd < 0 ? errno : har_records_write(play, fd);
    result->left.has_records = why == 0;
    if (why != 0) {
        note_errno(proof, result, "records.jsonl", why);
    }
}

static void put(struct har_proof *proof, const struct har_result *result, const char *name,
                struct sl_span content)
{
    struct sl_error error = {0};
    if (har_folder_put(proof->folder, result->evidence, name, content, &error) != SL_OK) {
        note_error(proof->evidence, &error);
    }
}

static void put_log(struct har_proof *proof, struct har_result *result)
{
    struct sl_buf text;
    sl_buf_init(&text, HAR_EXCERPT_HEAD + HAR_EXCERPT_TAIL + 256);
    har_excerpt_write(&proof->log, &text);
    if (text.len > 0) {
        put(proof, result, "server.log", sl_buf_span(&text));
        result->left.has_log = true;
        result->left.log_lost = har_excerpt_lost(&proof->log);
    }
    sl_buf_release(&text);
}

static void put_traffic(struct har_proof *proof, struct har_result *result)
{
    static const char name[] = "traffic.pcapng";
    struct sl_error error = {0};
    char comment[512];
    char path[HAR_FOLDER_PATH_MAX + 32];
    struct har_trace_seen seen = har_trace_seen(proof->trace);
    if (seen.flows == 0) {
        return;
    }
    int fd = har_folder_create(proof->folder, name);
    if (fd < 0) {
        note_errno(proof, result, name, errno);
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", result->evidence, name);
    (void)snprintf(comment, sizeof(comment), "scenario %.300s: %s", result->scenario->id,
                   har_outcome_name(result->outcome));
    if (har_trace_write(proof->trace, fd, path, comment, &error) != SL_OK) {
        note_error(proof->evidence, &error);
    }
    result->left.has_traffic = true;
    result->left.connections = seen.flows;
    result->left.has_keys = seen.has_keys;
    memcpy(result->left.ports, seen.ports, sizeof(seen.ports));
    result->left.traffic_skipped = seen.skipped;
    if (seen.error != 0) {
        note_errno(proof, result, name, seen.error);
    }
}

static void put_decisions(struct har_proof *proof, const struct har_suite *suite,
                          const struct har_result *result)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        return;
    }
    write_head(suite, &result->scenario, 1, 1, out);
    write_result(result, out);
    if (fclose(out) == 0) {
        put(proof, result, DECISIONS, sl_span(text, len));
    }
    free(text);
}

void har_proof_settle(struct har_proof *proof, const struct har_suite *suite,
                      struct har_result *result)
{
    bool is_wanted = result->outcome == HAR_FAIL || result->outcome == HAR_INCONCLUSIVE;
    if (proof != NULL && is_wanted && open_folder(proof, result)) {
        put_decisions(proof, suite, result);
        put_log(proof, result);
        put_traffic(proof, result);
    }
    har_proof_drop(proof);
}

void har_evidence_add(struct har_evidence *evidence, const struct har_result *result,
                      const char *name, struct sl_span content)
{
    struct sl_error error = {0};
    if (evidence == NULL || result->evidence[0] == '\0') {
        return;
    }
    const char *path = result->evidence + strlen(evidence->dir) + 1;
    int folder = har_folder_open(evidence->root, path);
    if (folder < 0) {
        sl_error_set(&error, SL_IO, "%.300s: %s", result->evidence, strerror(errno));
        note_error(evidence, &error);
        return;
    }
    if (har_folder_put(folder, result->evidence, name, content, &error) != SL_OK) {
        note_error(evidence, &error);
    }
    (void)close(folder);
}

/* ---- the end ---- */

static enum sl_status write_decisions(const struct har_suite *suite, struct sl_error *reterr_error)
{
    struct har_evidence *evidence = suite->evidence;
    int fd = har_folder_part(evidence->root, DECISIONS);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    bool is_good = file != NULL;
    if (is_good) {
        har_evidence_decided(suite, file);
        is_good = ferror(file) == 0;
        is_good &= fclose(file) == 0;
    } else if (fd >= 0) {
        (void)close(fd);
    }
    if (!har_folder_part_done(evidence->root, DECISIONS, is_good)) {
        return sl_error_set(reterr_error, SL_IO, "%.300s/" DECISIONS " cannot be written: %s",
                            evidence->dir, strerror(errno));
    }
    return SL_OK;
}

enum sl_status har_evidence_finish(const struct har_suite *suite, struct sl_error *reterr_error)
{
    struct har_evidence *evidence = suite->evidence;
    struct sl_error error = {0};
    if (evidence->root >= 0 && write_decisions(suite, &error) != SL_OK) {
        note_error(evidence, &error);
    }
    if (evidence->errors == 0) {
        return SL_OK;
    }
    *reterr_error = evidence->error;
    size_t len = strlen(reterr_error->text);
    if (evidence->errors > 1) {
        (void)snprintf(reterr_error->text + len, sizeof(reterr_error->text) - len,
                       " (and %u more of the evidence)", evidence->errors - 1);
    }
    return reterr_error->status;
}
