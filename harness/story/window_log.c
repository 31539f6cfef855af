/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/window_log.h"

/* Least and greatest of a run, in their order; 1 when they are the same point. */
static size_t extremes(const struct har_window_point *run, size_t count,
                       struct har_window_point ret_points[2])
{
    size_t least = 0;
    size_t greatest = 0;
    for (size_t i = 1; i < count; i++) {
        least = run[i].bytes < run[least].bytes ? i : least;
        greatest = run[i].bytes > run[greatest].bytes ? i : greatest;
    }
    ret_points[0] = run[least < greatest ? least : greatest];
    ret_points[1] = run[least < greatest ? greatest : least];
    return least == greatest ? 1 : 2;
}

size_t har_window_thin(struct har_window_point *points, size_t count, size_t max)
{
    if (count <= max) {
        return count;
    }
    size_t inner = count - 2; /* without the first and the last */
    size_t runs = (max - 2) / 2;
    size_t kept = 1;
    struct har_window_point last = points[count - 1];
    for (size_t i = 0; i < runs; i++) {
        size_t begin = 1 + inner * i / runs;
        size_t end = 1 + inner * (i + 1) / runs;
        struct har_window_point both[2];
        size_t found = extremes(points + begin, end - begin, both);
        for (size_t k = 0; k < found; k++) { /* never past begin: a run has two points at least */
            points[kept++] = both[k];
        }
    }
    points[kept++] = last;
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
