/* SPDX-License-Identifier: Apache-2.0 */
/* A probe as JSON and as Markdown. */
#include "harness/probe/judge.h"
#include "harness/probe/print.h"
#include "harness/report/markdown_text.h"
#include "lib/base/clock.h"
#include "lib/base/json_out.h"

enum {
    MIB = 1024 * 1024,
    TEXT_MAX = 1024,
};

static const char *limit_name(enum har_probe_limit limit)
{
    static const char *const names[] = {"none",         "goaway", "closed",
                                        "stream_reset", "status", "held_back"};
    return names[limit];
}

/* ---- JSON ---- */

static void add_cves(struct sl_json_out *json, const char *cves)
{
    struct sl_span rest = sl_span_str(cves);
    sl_json_out_key(json, "cves");
    sl_json_out_begin_array(json);
    while (rest.len > 0) {
        const uint8_t *comma = memchr(rest.data, ',', rest.len);
        struct sl_span one =
            sl_span(rest.data, comma == NULL ? rest.len : (size_t)(comma - rest.data));
        sl_json_out_span(json, one);
        rest = sl_span_from(rest, one.len + (comma == NULL ? 0 : 2));
    }
    sl_json_out_end_array(json);
}

static void add_limit(struct sl_json_out *json, const struct har_probe_result *result)
{
    struct sl_buf text;
    sl_buf_init(&text, TEXT_MAX);
    har_probe_limit_tell(result, &text);
    sl_json_out_key(json, "limit");
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "seen", limit_name(result->limit));
    sl_json_out_key_str(json, "text", sl_buf_str(&text));
    sl_buf_release(&text);
    sl_json_out_key_str(json, "what", result->limit_text);
    sl_json_out_key_u64(json, "after", result->limit_after);
    sl_json_out_key_u64(json, "after_bytes", result->limit_bytes);
    sl_json_out_key(json, "after_ms");
    sl_json_out_ms(json, result->limit_ns);
    sl_json_out_key_u64(json, "connections", result->links_limited);
    sl_json_out_end_object(json);
}

static void add_sent(struct sl_json_out *json, const struct har_probe_result *result)
{
    sl_json_out_key(json, "sent");
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "what", result->of->sends);
    sl_json_out_key_str(json, "unit", result->of->unit);
    sl_json_out_key_u64(json, "count", result->sent);
    sl_json_out_key_u64(json, "planned", result->planned);
    sl_json_out_key_u64(json, "bytes", result->bytes);
    sl_json_out_key_u64(json, "connections", result->links);
    sl_json_out_key_u64(json, "answered", result->answered);
    sl_json_out_key_bool(json, "served", result->is_served);
    sl_json_out_end_object(json);
}

static void add_tally(struct sl_json_out *json, const char *key,
                      const struct har_probe_tally *tally)
{
    sl_json_out_key(json, key);
    sl_json_out_begin_object(json);
    sl_json_out_key_u64(json, "asked", tally->asked);
    sl_json_out_key_u64(json, "lost", tally->lost);
    sl_json_out_key(json, "worst_ms");
    sl_json_out_ms(json, tally->worst_ns);
    sl_json_out_key_str(json, "text", tally->text);
    sl_json_out_end_object(json);
}

static void add_canary(struct sl_json_out *json, const struct har_probe_result *result)
{
    static const char *const same[] = {"not_asked", "served", "lost"};
    sl_json_out_key(json, "canary");
    sl_json_out_begin_object(json);
    add_tally(json, "before", &result->before);
    add_tally(json, "during", &result->during);
    add_tally(json, "after", &result->after);
    sl_json_out_key_str(json, "same_connection", same[result->same]);
    sl_json_out_end_object(json);
}

static void add_process(struct sl_json_out *json, const struct har_probe_result *result)
{
    sl_json_out_key(json, "memory");
    if (result->has_memory) {
        sl_json_out_begin_object(json);
        sl_json_out_key_u64(json, "before_bytes", result->rss_before);
        sl_json_out_key_u64(json, "peak_bytes", result->rss_peak);
        sl_json_out_key_u64(json, "after_bytes", result->rss_after);
        sl_json_out_key_u64(json, "allowed_growth_bytes", (uint64_t)result->of->growth_mib * MIB);
        sl_json_out_end_object(json);
    } else {
        sl_json_out_null(json);
    }
    sl_json_out_key(json, "alive");
    if (result->has_process) {
        sl_json_out_bool(json, result->is_alive);
    } else {
        sl_json_out_null(json);
    }
}

static void add_result(struct sl_json_out *json, const struct har_probe_result *result)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "class", result->of->name);
    sl_json_out_key_str(json, "title", result->of->title);
    add_cves(json, result->of->cves);
    sl_json_out_key_str(json, "rule", result->of->rule);
    sl_json_out_key_str(json, "verdict", har_probe_verdict_name(result->verdict));
    sl_json_out_key_str(json, "reason", result->reason);
    if (result->verdict != HAR_PROBE_NOT_RUN) {
        add_limit(json, result);
        add_sent(json, result);
        add_canary(json, result);
        add_process(json, result);
        sl_json_out_key(json, "duration_ms");
        sl_json_out_ms(json, result->duration_ns);
    }
    sl_json_out_end_object(json);
}

void har_probe_json(const struct har_probe_report *report, struct sl_buf *out)
{
    struct sl_json_out json;
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "schema", "sluice.probe/1");
    sl_json_out_key_str(&json, "target", report->target);
    sl_json_out_key_str(&json, "method", report->method);
    sl_json_out_key_bool(&json, "method_served", report->is_served);
    sl_json_out_key_u64(&json, "amount_percent", report->percent);
    sl_json_out_key(&json, "patience_ms");
    sl_json_out_ms(&json, report->patience_ns);
    sl_json_out_key(&json, "duration_ms");
    sl_json_out_ms(&json, report->duration_ns);
    sl_json_out_key_u64(&json, "exit_status", (uint64_t)har_probe_exit_status(report));
    sl_json_out_key(&json, "results");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < report->count; i++) {
        add_result(&json, &report->results[i]);
    }
    sl_json_out_end_array(&json);
    sl_json_out_end_object(&json);
    (void)sl_buf_add_str(out, "\n");
}

/* ---- Markdown ---- */

static void add_cell_ms(const struct har_probe_tally *tally, const char *end, struct sl_buf *out)
{
    if (tally->lost > 0) {
        (void)sl_buf_addf(out, "lost%s", end);
    } else {
        (void)sl_buf_addf(out, "%.1f%s", (double)tally->worst_ns / (double)SL_MS, end);
    }
}

static void add_row(const struct har_probe_result *result, struct sl_buf *out)
{
    struct sl_buf text;
    bool is_affected = result->verdict == HAR_PROBE_AFFECTED;
    (void)sl_buf_addf(out, "| %s | %s | %s%s%s | ", result->of->name, result->of->cves,
                      is_affected ? "**" : "", har_probe_verdict_text(result->verdict),
                      is_affected ? "**" : "");
    if (result->verdict == HAR_PROBE_NOT_RUN) {
        har_markdown_str(out, result->reason);
        (void)sl_buf_add_str(out, " | | |\n");
        return;
    }
    sl_buf_init(&text, TEXT_MAX);
    har_probe_limit_tell(result, &text);
    har_markdown_text(out, sl_buf_span(&text));
    sl_buf_release(&text);
    if (is_affected || result->verdict == HAR_PROBE_UNCLEAR) {
        (void)sl_buf_add_str(out, ": ");
        har_markdown_str(out, result->reason);
    }
    (void)sl_buf_add_str(out, " | ");
    add_cell_ms(&result->before, " / ", out);
    add_cell_ms(&result->during, " / ", out);
    add_cell_ms(&result->after, " | ", out);
    double grown = (double)result->rss_peak - (double)result->rss_before;
    if (result->has_memory) {
        (void)sl_buf_addf(out, "%+.1f MiB |\n", grown > 0 ? grown / MIB : 0);
    } else {
        (void)sl_buf_add_str(out, "- |\n");
    }
}

void har_probe_markdown(const struct har_probe_report *report, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "## Probe of ");
    har_markdown_code(out, report->target);
    (void)sl_buf_add_str(out, "\n\n| class | CVE | verdict | limit observed | canary ms before / "
                              "during / after | memory |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < report->count; i++) {
        add_row(&report->results[i], out);
    }
    (void)sl_buf_add_str(out, "\nA limit that is absent from what was sent is no exploit.\n");
}
