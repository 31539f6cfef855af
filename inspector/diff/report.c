/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/diff/report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

enum {
    SHOWN_MAX = 120, /* bytes of a value in text */
};

struct totals {
    uint64_t equal, different, only_a, only_b;
    double *latencies[2]; /* of the pairs, where both are known */
    size_t latency_count;
};

/* ---- pieces ---- */

/* What a terminal may show of text. */
static void put_plain(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        bool is_plain = (unsigned char)*text >= 0x20 && *text != 0x7f && (*text & 0x80) == 0;
        (void)fputc(is_plain ? *text : '?', out);
    }
}

static void put_value(FILE *out, const json_t *value)
{
    char *text = value == NULL
                     ? NULL
                     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (text == NULL) {
        (void)fprintf(out, "-");
    } else {
        (void)fprintf(out, "%.*s%s", SHOWN_MAX, text, strlen(text) > SHOWN_MAX ? ".." : "");
    }
    free(text);
}

static json_t *json_of(const struct ins_digest_call *call)
{
    json_t *json = json_pack("{s:I,s:s}", "call", (json_int_t)call->id, "status", call->status);
    (void)json_object_set_new(json, "duration_ms",
                              call->duration_ms < 0 ? json_null() : json_real(call->duration_ms));
    return json;
}

static void write_line(FILE *out, json_t *record)
{
    (void)json_dumpf(record, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
    (void)fputc('\n', out);
    json_decref(record);
}

static json_t *record_of(const char *found, const struct ins_pair *pair)
{
    const char *method = pair->a != NULL ? pair->a->method : pair->b->method;
    json_t *record = json_pack("{s:s,s:s}", "type", "diff", "found", found);
    (void)json_object_set_new(record, "method",
                              method[0] == '\0' ? json_null() : json_string(method));
    (void)json_object_set_new(record, "a", pair->a == NULL ? json_null() : json_of(pair->a));
    (void)json_object_set_new(record, "b", pair->b == NULL ? json_null() : json_of(pair->b));
    return record;
}

/* ---- one pair ---- */

static void text_of_call(FILE *out, const char *name, const struct ins_digest_call *call)
{
    (void)fprintf(out, "%s #%-6" PRIu64 " %-20s ", name, call->id, call->status);
    if (call->duration_ms >= 0) {
        (void)fprintf(out, "%10.3f ms  ", call->duration_ms);
    } else {
        (void)fprintf(out, "%13s  ", "");
    }
}

static void tell_one(const struct ins_pair *pair, bool is_text, FILE *out)
{
    const struct ins_digest_call *call = pair->a != NULL ? pair->a : pair->b;
    const char *found = pair->a != NULL ? "only_a" : "only_b";
    if (!is_text) {
        write_line(out, record_of(found, pair));
        return;
    }
    text_of_call(out, pair->a != NULL ? "only A" : "only B", call);
    put_plain(out, call->method);
    (void)fputc('\n', out);
}

static void tell_both(const struct ins_pair *pair, bool is_text, FILE *out)
{
    bool is_cut = false;
    json_t *differences = ins_compare_differences(pair, &is_cut);
    if (!is_text) {
        json_t *record = record_of("different", pair);
        (void)json_object_set_new(record, "differences", differences);
        (void)json_object_set_new(record, "are_all_told", json_boolean(!is_cut));
        write_line(out, record);
        return;
    }
    text_of_call(out, "A", pair->a);
    text_of_call(out, "B", pair->b);
    put_plain(out, pair->a->method);
    (void)fputc('\n', out);
    size_t at = 0;
    json_t *one = NULL;
    json_array_foreach (differences, at, one) {
        (void)fprintf(out, "    ");
        put_plain(out, json_string_value(json_object_get(one, "path")));
        (void)fprintf(out, ": ");
        put_value(out, json_object_get(one, "a"));
        (void)fprintf(out, " > ");
        put_value(out, json_object_get(one, "b"));
        (void)fputc('\n', out);
    }
    if (is_cut) {
        (void)fprintf(out, "    %s\n",
                      json_array_size(differences) > 0 ? "... and more"
                                                       : "contents differ; too much to keep them");
    }
    json_decref(differences);
}

/* ---- the end ---- */

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double percentile(const double *sorted, size_t count, unsigned percent)
{
    return count == 0 ? 0 : sorted[(count - 1) * percent / 100];
}

static json_t *latency_json(const double *sorted, size_t count)
{
    return json_pack("{s:f,s:f,s:f}", "p50", percentile(sorted, count, 50), "p99",
                     percentile(sorted, count, 99), "max", percentile(sorted, count, 100));
}

static void tell_total(const struct ins_digest *a, const struct ins_digest *b,
                       const struct totals *totals, bool is_text, FILE *out)
{
    size_t count = totals->latency_count;
    uint64_t unkept = a->unkept + b->unkept;
    if (is_text) {
        (void)fprintf(out,
                      "%zu calls in A, %zu in B: %" PRIu64 " equal, %" PRIu64 " different, %" PRIu64
                      " only in A, %" PRIu64 " only in B\n",
                      a->count, b->count, totals->equal, totals->different, totals->only_a,
                      totals->only_b);
        if (count > 0) {
            (void)fprintf(out, "latency p50 %.3f > %.3f ms, p99 %.3f > %.3f ms\n",
                          percentile(totals->latencies[0], count, 50),
                          percentile(totals->latencies[1], count, 50),
                          percentile(totals->latencies[0], count, 99),
                          percentile(totals->latencies[1], count, 99));
        }
        return;
    }
    json_t *record = json_pack(
        "{s:s,s:s,s:{s:I,s:I},s:I,s:I,s:I,s:I,s:I}", "type", "diff", "found", "total", "calls", "a",
        (json_int_t)a->count, "b", (json_int_t)b->count, "equal", (json_int_t)totals->equal,
        "different", (json_int_t)totals->different, "only_a", (json_int_t)totals->only_a, "only_b",
        (json_int_t)totals->only_b, "not_compared", (json_int_t)unkept);
    if (count > 0) {
        (void)json_object_set_new(record, "latency_ms",
                                  json_pack("{s:o,s:o}", "a",
                                            latency_json(totals->latencies[0], count), "b",
                                            latency_json(totals->latencies[1], count)));
    }
    write_line(out, record);
}

bool ins_diff_report(struct ins_digest *a, struct ins_digest *b, bool is_text, FILE *out)
{
    size_t count = 0;
    struct totals totals = {0};
    struct ins_pair *pairs = ins_compare_pair(a, b, &count);
    totals.latencies[0] = sl_calloc(count + 1, sizeof(double));
    totals.latencies[1] = sl_calloc(count + 1, sizeof(double));
    for (size_t i = 0; i < count; i++) {
        const struct ins_pair *pair = &pairs[i];
        if (pair->a == NULL || pair->b == NULL) {
            *(pair->a != NULL ? &totals.only_a : &totals.only_b) += 1;
            tell_one(pair, is_text, out);
            continue;
        }
        if (pair->a->duration_ms >= 0 && pair->b->duration_ms >= 0) {
            totals.latencies[0][totals.latency_count] = pair->a->duration_ms;
            totals.latencies[1][totals.latency_count++] = pair->b->duration_ms;
        }
        if (ins_compare_is_equal(pair)) {
            totals.equal++;
        } else {
            totals.different++;
            tell_both(pair, is_text, out);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        qsort(totals.latencies[i], totals.latency_count, sizeof(double), compare_doubles);
    }
    tell_total(a, b, &totals, is_text, out);
    sl_free(totals.latencies[0]);
    sl_free(totals.latencies[1]);
    sl_free(pairs);
    return totals.different + totals.only_a + totals.only_b + a->unkept + b->unkept == 0;
}
