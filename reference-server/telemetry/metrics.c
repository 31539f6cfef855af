/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    LABELS_BYTES_MAX = 1024, /* of one series */
};

struct srv_histogram {
    const uint64_t *bounds;
    size_t bound_count;
    struct sl_tally sum;
    struct sl_tally counts[]; /* of each bucket alone; the last is +Inf */
};

struct series {
    char *labels; /* as they are shown, without the braces; "": none */
    /* One of these. */
    const struct sl_tally *tally;
    struct srv_histogram *histogram;
    srv_metric_read_fn *read;
    const void *context;
    struct sl_tally own;
    bool is_rare;
    struct series *next;
    struct series *prev;
};

struct srv_family {
    const struct srv_family_spec *spec;
    struct series *series;
    struct srv_family *next;
    struct srv_family *prev;
};

struct srv_metrics {
    struct srv_family *families;
};

struct srv_metrics *srv_metrics_new(void)
{
    return sl_alloc(sizeof(struct srv_metrics));
}

static void free_family(struct srv_family *family)
{
    struct series *series = NULL;
    struct series *next = NULL;
    DL_FOREACH_SAFE (family->series, series, next) {
        sl_free(series->labels);
        sl_free(series->histogram);
        sl_free(series);
    }
    sl_free(family);
}

void srv_metrics_free(struct srv_metrics *metrics)
{
    struct srv_family *family = NULL;
    struct srv_family *next = NULL;
    if (metrics == NULL) {
        return;
    }
    DL_FOREACH_SAFE (metrics->families, family, next) {
        free_family(family);
    }
    sl_free(metrics);
}

/* [a-zA-Z_][a-zA-Z0-9_]*: a colon is for recording rules. */
static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return strspn(text, letters) > 0 && text[strspn(text, more)] == '\0';
}

static size_t label_count(const struct srv_family_spec *spec)
{
    size_t count = 0;
    while (count < SRV_LABELS_MAX && spec->labels[count] != NULL) {
        count++;
    }
    return count;
}

struct srv_family *srv_metrics_add(struct srv_metrics *metrics, const struct srv_family_spec *spec)
{
    struct srv_family *other = NULL;
    DL_FOREACH (metrics->families, other) {
        assert(strcmp(other->spec->name, spec->name) != 0);
    }
    assert(is_name(spec->name) && spec->help[strcspn(spec->help, "\\\n")] == '\0');
    assert((spec->type == SRV_HISTOGRAM) == (spec->bound_count > 0));
    assert(spec->bound_count <= SRV_BOUNDS_MAX);
    for (size_t i = 0; i < label_count(spec); i++) {
        assert(is_name(spec->labels[i]) && strcmp(spec->labels[i], "le") != 0);
    }
    struct srv_family *family = sl_alloc(sizeof(*family));
    family->spec = spec;
    DL_APPEND(metrics->families, family);
    return family;
}

static void add_escaped(struct sl_buf *buf, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            (void)sl_buf_add_str(buf, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"') {
            (void)sl_buf_add_u8(buf, '\\');
        }
        (void)sl_buf_add_u8(buf, (uint8_t)*value);
    }
}

static char *labels_text(const struct srv_family_spec *spec, const char *const *values)
{
    struct sl_buf buf;
    sl_buf_init(&buf, LABELS_BYTES_MAX);
    for (size_t i = 0; i < label_count(spec); i++) {
        (void)sl_buf_addf(&buf, "%s%s=\"", i == 0 ? "" : ",", spec->labels[i]);
        add_escaped(&buf, values[i]);
        (void)sl_buf_add_u8(&buf, '"');
    }
    assert(!buf.is_full);
    char *text = sl_strdup(sl_buf_str(&buf));
    sl_buf_release(&buf);
    return text;
}

static struct series *add_series(struct srv_family *family, const char *const *values)
{
    struct series *series = sl_alloc(sizeof(*series));
    struct series *other = NULL;
    series->labels = labels_text(family->spec, values);
    DL_FOREACH (family->series, other) {
        assert(strcmp(other->labels, series->labels) != 0);
    }
    DL_APPEND(family->series, series);
    return series;
}

struct sl_tally *srv_family_tally(struct srv_family *family, const char *const *values)
{
    assert(family->spec->type != SRV_HISTOGRAM);
    struct series *series = add_series(family, values);
    series->tally = &series->own;
    return &series->own;
}

struct sl_tally *srv_family_rare_tally(struct srv_family *family, const char *const *values)
{
    struct sl_tally *tally = srv_family_tally(family, values);
    family->series->prev->is_rare = true; /* the head's prev is the last one */
    return tally;
}

void srv_family_watch(struct srv_family *family, const char *const *values,
                      const struct sl_tally *tally)
{
    assert(family->spec->type != SRV_HISTOGRAM);
    add_series(family, values)->tally = tally;
}

void srv_family_ask(struct srv_family *family, const char *const *values, srv_metric_read_fn *read,
                    const void *context)
{
    assert(family->spec->type != SRV_HISTOGRAM);
    struct series *series = add_series(family, values);
    series->read = read;
    series->context = context;
}

struct srv_histogram *srv_family_histogram(struct srv_family *family, const char *const *values)
{
    const struct srv_family_spec *spec = family->spec;
    assert(spec->type == SRV_HISTOGRAM);
    struct srv_histogram *histogram =
        sl_alloc(sizeof(*histogram) + (spec->bound_count + 1) * sizeof(struct sl_tally));
    histogram->bounds = spec->bounds;
    histogram->bound_count = spec->bound_count;
    add_series(family, values)->histogram = histogram;
    return histogram;
}

void srv_histogram_add(struct srv_histogram *histogram, uint64_t value)
{
    size_t bucket = 0;
    while (bucket < histogram->bound_count && value > histogram->bounds[bucket]) {
        bucket++;
    }
    sl_tally_add(&histogram->counts[bucket], 1);
    sl_tally_add(&histogram->sum, value);
}

/* ---- the page ---- */

static void write_number(struct sl_buf *page, uint64_t value, bool is_time)
{
    if (!is_time) {
        (void)sl_buf_addf(page, " %" PRIu64 "\n", value);
        return;
    }
    (void)sl_buf_addf(page, " %" PRIu64 ".%09" PRIu64 "\n", value / SL_SECOND, value % SL_SECOND);
}

static void write_name(struct sl_buf *page, const struct srv_family_spec *spec, const char *suffix,
                       const struct series *series)
{
    (void)sl_buf_addf(page, "%s%s", spec->name, suffix);
    if (series->labels[0] != '\0') {
        (void)sl_buf_addf(page, "{%s}", series->labels);
    }
}

/* _count is the sum of the buckets as they were read, so that a page is never at odds with itself. */
static void write_histogram(struct sl_buf *page, const struct srv_family_spec *spec,
                            const struct series *series)
{
    const struct srv_histogram *histogram = series->histogram;
    uint64_t count = 0;
    for (size_t i = 0; i <= histogram->bound_count; i++) {
        count += sl_tally_get(&histogram->counts[i]);
        (void)sl_buf_addf(page, "%s_bucket{%s%s", spec->name, series->labels,
                          series->labels[0] == '\0' ? "" : ",");
        if (i == histogram->bound_count) {
            (void)sl_buf_add_str(page, "le=\"+Inf\"}");
        } else {
            double bound = (double)histogram->bounds[i];
            (void)sl_buf_addf(page, "le=\"%.9g\"}",
                              spec->is_time ? bound / (double)SL_SECOND : bound);
        }
        write_number(page, count, false);
    }
    write_name(page, spec, "_sum", series);
    write_number(page, sl_tally_get(&histogram->sum), spec->is_time);
    write_name(page, spec, "_count", series);
    write_number(page, count, false);
}

static void write_asked(struct sl_buf *page, const struct srv_family_spec *spec,
                        const struct series *series)
{
    double value = 0;
    if (!series->read(series->context, &value) || !isfinite(value)) {
        return;
    }
    write_name(page, spec, "", series);
    bool is_whole = floor(value) == value && fabs(value) < 1e15;
    (void)sl_buf_addf(page, is_whole ? " %.0f\n" : " %.9f\n", value);
}

static void write_tally(struct sl_buf *page, const struct srv_family_spec *spec,
                        const struct series *series)
{
    uint64_t value = sl_tally_get(series->tally);
    if (spec->type == SRV_GAUGE && value > INT64_MAX) {
        value = 0; /* a wrong server took away more than it had put in */
    }
    if (series->is_rare && value == 0) {
        return;
    }
    write_name(page, spec, "", series);
    write_number(page, value, spec->is_time);
}

static void write_family(struct sl_buf *page, const struct srv_family *family)
{
    static const char *const types[] = {
        [SRV_COUNTER] = "counter", [SRV_GAUGE] = "gauge", [SRV_HISTOGRAM] = "histogram"};
    const struct srv_family_spec *spec = family->spec;
    const struct series *series = NULL;
    (void)sl_buf_addf(page, "# HELP %s %s\n# TYPE %s %s\n", spec->name, spec->help, spec->name,
                      types[spec->type]);
    DL_FOREACH (family->series, series) {
        if (series->histogram != NULL) {
            write_histogram(page, spec, series);
        } else if (series->read != NULL) {
            write_asked(page, spec, series);
        } else {
            write_tally(page, spec, series);
        }
    }
}

enum sl_status srv_metrics_write(const struct srv_metrics *metrics, struct sl_buf *page)
{
    const struct srv_family *family = NULL;
    DL_FOREACH (metrics->families, family) {
        if (family->series != NULL) {
            write_family(page, family);
        }
    }
    return page->is_full ? SL_LIMIT : SL_OK;
}
