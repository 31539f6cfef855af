/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/judge.h"

#include <stdio.h>

#include "lib/base/clock.h"

enum {
    MIB = 1024 * 1024,
};

const char *har_probe_verdict_text(enum har_probe_verdict verdict)
{
    static const char *const texts[] = {"bounded", "not bounded in what was sent", "affected",
                                        "unclear", "not run"};
    return texts[verdict];
}

const char *har_probe_verdict_name(enum har_probe_verdict verdict)
{
    static const char *const names[] = {"bounded", "not_bounded", "affected", "unclear", "not_run"};
    return names[verdict];
}

const char *har_probe_number(uint64_t number, char text[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    char *out = text;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}

/* A connection is what ended, or a stream's error is what the class takes for a limit. */
static bool is_cut(const struct har_probe_result *result)
{
    return result->limit == HAR_PROBE_GOAWAY || result->limit == HAR_PROBE_CLOSED;
}

/* "1,010 streams", "1 stream". */
static void add_units(const struct har_probe_class *of, uint64_t count, struct sl_buf *out)
{
    char number[32];
    size_t len = strlen(of->unit) - (count == 1);
    (void)sl_buf_addf(out, "%s %.*s", har_probe_number(count, number), (int)len, of->unit);
}

static void tell_none(const struct har_probe_result *result, struct sl_buf *out)
{
    const struct har_probe_class *of = result->of;
    char number[32];
    if ((of->flags & HAR_PROBE_WAITS) != 0) {
        (void)sl_buf_addf(out, "none of %u connections ended in %.1f s", result->links,
                          (double)result->duration_ns / 1e9);
        return;
    }
    (void)sl_buf_add_str(out, "none in ");
    add_units(of, result->sent, out);
    if (result->answered > 0) {
        (void)sl_buf_addf(out, "; %s answered", har_probe_number(result->answered, number));
    }
    (void)sl_buf_add_str(out, result->is_served ? "; served" : "");
}

static void tell_limit(const struct har_probe_result *result, struct sl_buf *out)
{
    const struct har_probe_class *of = result->of;
    char number[32];
    (void)sl_buf_add_str(out, result->limit_text);
    if ((of->flags & HAR_PROBE_WAITS) != 0) {
        (void)sl_buf_addf(out, " on %u of %u connections after %.1f s", result->links_limited,
                          result->links, (double)result->limit_ns / 1e9);
        return;
    }
    if (of->count > 1) {
        (void)sl_buf_add_str(out, " after ");
        add_units(of, result->limit_after, out);
    }
    if ((of->flags & HAR_PROBE_UNREAD) != 0) {
        (void)sl_buf_addf(out, ", seen when it was read; %s answered",
                          har_probe_number(result->answered, number));
    } else if (of->begin == har_probe_begin_block && of->write == har_probe_write_fields) {
        (void)sl_buf_addf(out, " (%s bytes)", har_probe_number(result->limit_bytes, number));
    }
    (void)sl_buf_add_str(out, result->is_late ? ", at the end of the block only" : "");
}

void har_probe_limit_tell(const struct har_probe_result *result, struct sl_buf *out)
{
    if (result->limit == HAR_PROBE_NO_LIMIT) {
        tell_none(result, out);
    } else {
        tell_limit(result, out);
    }
}

static uint64_t growth(const struct har_probe_result *result)
{
    bool has_grown = result->has_memory && result->rss_peak > result->rss_before;
    return has_grown ? result->rss_peak - result->rss_before : 0;
}

#define SAY(result, ...) (void)snprintf((result)->reason, sizeof((result)->reason), __VA_ARGS__)

/* The harm that there is, if any. */
static bool is_affected(struct har_probe_result *result)
{
    const struct har_probe_class *of = result->of;
    bool is_mere_cut = (of->flags & HAR_PROBE_NEVER_CUT) != 0 && is_cut(result);
    if (result->has_process && !result->is_alive) {
        SAY(result, "the process ended: %.180s", result->death);
    } else if (result->after.lost > 0) {
        SAY(result, "afterwards new connections are not served: %.160s", result->after.text);
    } else if (result->during.lost > 0) {
        SAY(result, "meanwhile new connections were not served: %.160s", result->during.text);
    } else if (growth(result) > (uint64_t)of->growth_mib * MIB) {
        SAY(result, "memory grew by %.1f MiB for %.1f KiB that were sent; %u MiB were allowed for",
            (double)growth(result) / MIB, (double)result->bytes / 1024, of->growth_mib);
    } else if ((of->flags & HAR_PROBE_NEVER_SERVED) != 0 && result->is_served) {
        SAY(result, "the call was served with OK");
    } else if (is_mere_cut) {
        SAY(result, "the connection ended, with the calls of others on it: %.90s",
            result->limit_text);
    } else {
        return false;
    }
    return true;
}

static bool is_bounded(struct har_probe_result *result)
{
    unsigned flags = result->of->flags;
    if (result->links_limited == result->links && result->limit != HAR_PROBE_NO_LIMIT &&
        !result->is_late) {
        SAY(result, "%s", result->limit == HAR_PROBE_HELD ? "it is held back" : "it is cut");
    } else if ((flags & HAR_PROBE_ANSWERED) != 0 && result->answered >= result->sent) {
        SAY(result, "each one is answered, and nothing is kept");
    } else if ((flags & (HAR_PROBE_SURVIVES | HAR_PROBE_NEVER_SERVED)) != 0 &&
               (result->is_served || result->limit != HAR_PROBE_NO_LIMIT)) {
        SAY(result, "answered, and it lives");
    } else if ((flags & HAR_PROBE_BY_MEMORY) != 0 && result->has_memory) {
        SAY(result, "all of it is taken, and memory grew by %.1f MiB only",
            (double)growth(result) / MIB);
    } else {
        return false;
    }
    return true;
}

void har_probe_judge(struct har_probe_result *result)
{
    bool by_memory = (result->of->flags & HAR_PROBE_BY_MEMORY) != 0;
    bool is_timing =
        result->after.lost + result->during.lost > 0 && !(result->has_process && !result->is_alive);
    if (is_timing && result->is_noisy) {
        result->verdict = HAR_PROBE_UNCLEAR;
        SAY(result, "others were not served, while the machine itself paused");
    } else if (is_affected(result)) {
        result->verdict = HAR_PROBE_AFFECTED;
    } else if (result->has_failed) {
        result->verdict = HAR_PROBE_UNCLEAR;
        SAY(result, "its connections did not come up");
    } else if (is_bounded(result)) {
        result->verdict = HAR_PROBE_BOUNDED;
    } else {
        result->verdict = HAR_PROBE_OPEN;
        SAY(result, "%s",
            by_memory && !result->has_memory
                ? "no limit was seen; what it costs is not known without --pid or --exec"
            : result->is_late           ? "all of it was taken; it was refused only at its end"
            : result->links_limited > 0 ? "a limit was seen on some of the connections only"
                                        : "no limit was seen; others were served all the time");
    }
}
