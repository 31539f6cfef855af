/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/window_log.h"

#include <assert.h>

/* Marks the least and the greatest of points[begin..end), and where the credit came back after the least. */
static void mark_run(const struct har_window_point *points, size_t begin, size_t end, size_t count,
                     bool *keeps)
{
    size_t least = begin;
    size_t greatest = begin;
    for (size_t i = begin + 1; i < end; i++) {
        least = points[i].bytes < points[least].bytes ? i : least;
        greatest = points[i].bytes > points[greatest].bytes ? i : greatest;
    }
    keeps[least] = keeps[greatest] = true;
    size_t after = least + 1; /* in this run or a later one */
    while (after < count && points[least].bytes <= 0 && points[after].bytes <= 0) {
        after++;
    }
    keeps[after < count ? after : count - 1] = true;
}

size_t har_window_thin(struct har_window_point *points, size_t count, size_t max)
{
    assert(max >= 8 && (count <= max || count <= HAR_WINDOW_POINTS));
    if (count <= max) {
        return count;
    }
    bool keeps[HAR_WINDOW_POINTS] = {false};
    /* Half of the runs have as many points each, for the detail; half are as long, as the log is thinned again and again and
     * the beginning would have next to none left. */
    size_t inner = count - 2; /* without the first and the last */
    size_t runs = (max - 2) / 6;
    uint64_t begin_ns = points[0].at_ns;
    uint64_t whole_ns = points[count - 1].at_ns - begin_ns;
    size_t until = 1;
    for (size_t i = 0; i < runs; i++) {
        size_t begin = 1 + inner * i / runs;
        size_t end = 1 + inner * (i + 1) / runs;
        mark_run(points, begin, end, count, keeps);
        size_t from = until;
        uint64_t until_ns = begin_ns + whole_ns / runs * (i + 1);
        while (until < count - 1 && points[until].at_ns < until_ns) {
            until++;
        }
        if (from < until) {
            mark_run(points, from, until, count, keeps);
        }
    }
    keeps[0] = keeps[count - 1] = true;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (keeps[i]) {
            points[kept++] = points[i];
        }
    }
    return kept;
}

void har_window_log_add(struct har_window_log *log, uint64_t at_ns, int64_t bytes)
{
    if (log->count > 0 && log->points[log->count - 1].bytes == bytes) {
        return;
    }
    if (log->count == HAR_WINDOW_POINTS) {
        log->count = har_window_thin(log->points, log->count, HAR_WINDOW_POINTS / 2);
        log->left_out += HAR_WINDOW_POINTS - log->count;
    }
    uint64_t last_ns = log->count > 0 ? log->points[log->count - 1].at_ns : 0;
    log->points[log->count++] =
        (struct har_window_point){.at_ns = at_ns > last_ns ? at_ns : last_ns, .bytes = bytes};
}
