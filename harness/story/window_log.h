/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_WINDOW_LOG_H
#define HAR_WINDOW_LOG_H

/*
 * How one window moved: a number over time, kept at its changes in bounded memory.
 *
 * When the log is full, runs of points are thinned to their least and greatest, so that no extreme is ever lost, nor
 * the first or the last point; early and late parts of the time keep as many. The point at which credit came back after the least is kept, too: a window is never told to
 * have been closed for longer than it was.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HAR_WINDOW_POINTS = 512,
};

struct har_window_point {
    uint64_t at_ns;
    int64_t bytes;
};

struct har_window_log {
    uint16_t actor; /* number; of a connection: the first with a stream on it */
    bool is_of_connection;
    uint32_t connection, stream; /* numbers of the last one; stream 0: is_of_connection */
    struct har_window_point points[HAR_WINDOW_POINTS];
    size_t count;
    uint64_t left_out;
};

/* The window stands at bytes now; nothing is kept when it stood there before. */
void har_window_log_add(struct har_window_log *log, uint64_t at_ns, int64_t bytes);

/* Thins at most HAR_WINDOW_POINTS points to at most max (8 or more), in place and order: the first, the last, and of each run
 * between its least and its greatest, and the next after the least (of one that is closed, the next that is open). Answers how
 * many are left. */
size_t har_window_thin(struct har_window_point *points, size_t count, size_t max);

#endif
