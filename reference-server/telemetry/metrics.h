/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_METRICS_H
#define SRV_METRICS_H

/*
 * The registry of metrics: families, each with its time series, and the page that shows them in Prometheus' text
 * format 0.0.4.
 *
 *     family  a name, a type, a help text, the names of its labels          grpc_server_handled_total
 *     series  one value for each label, and a number or a histogram         {grpc_method="Check",grpc_code="OK"}
 *
 * All series are made before the page is first written; counting then allocates nothing and takes no lock. So nothing
 * that a peer sends can become a label: what is not known is counted under a name of ours.
 *
 * Ownership: the registry owns families and series; specs and what they point to are static.
 * Threads:   made by one thread; numbers change as lib/base/tally.h says; the page may be written by another thread
 *            at any time, and sees each number at some recent value.
 * Errors:    a bad name or label is our mistake, and an assertion.
 */
#include "lib/base/buf.h"
#include "lib/base/tally.h"

enum {
    SRV_LABELS_MAX = 4,
    SRV_BOUNDS_MAX = 24,
};

enum srv_metric_type {
    SRV_COUNTER,
    SRV_GAUGE,
    SRV_HISTOGRAM,
};

struct srv_family_spec {
    enum srv_metric_type type;
    const char *name;
    const char *help;
    const char *labels[SRV_LABELS_MAX]; /* NULL ends them */
    bool is_time;                       /* numbers are nanoseconds, and shown as seconds */
    /* HISTOGRAM: the upper end of each bucket, which belongs to it, ascending; +Inf is added. */
    const uint64_t *bounds;
    size_t bound_count; /* at most SRV_BOUNDS_MAX */
};

struct srv_metrics;
struct srv_family;

struct srv_metrics *srv_metrics_new(void);
void srv_metrics_free(struct srv_metrics *metrics);

/* A family without series yet. Families are shown in the order in which they came, and only with series. */
struct srv_family *srv_metrics_add(struct srv_metrics *metrics, const struct srv_family_spec *spec);

/* A series; values has one for each label (copied), and is NULL where there is none. */
struct sl_tally *srv_family_tally(struct srv_family *family, const char *const *values);

/* As above, and it is shown only once it is not 0: for one of very many. */
struct sl_tally *srv_family_rare_tally(struct srv_family *family, const char *const *values);

/* A series whose number is somebody else's, borrowed until srv_metrics_free. */
void srv_family_watch(struct srv_family *family, const char *const *values,
                      const struct sl_tally *tally);

/* A series whose number is asked for when the page is written, by the thread that writes it. False: there is none now,
 * and the series is left out. is_time does not count here: it is shown as it is. */
typedef bool srv_metric_read_fn(const void *context, double *ret_value);
void srv_family_ask(struct srv_family *family, const char *const *values, srv_metric_read_fn *read,
                    const void *context);

struct srv_histogram;
struct srv_histogram *srv_family_histogram(struct srv_family *family, const char *const *values);

void srv_histogram_add(struct srv_histogram *histogram, uint64_t value);

/* The content type of the page. */
#define SRV_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends the page. SL_LIMIT when page is too small for it. */
SL_MUST_USE enum sl_status srv_metrics_write(const struct srv_metrics *metrics,
                                             struct sl_buf *page);

#endif
