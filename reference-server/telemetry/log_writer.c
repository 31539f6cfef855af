/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/log_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log_line.h"

enum {
    POLL_MS = 100, /* how soon a writer that waits for a reader learns that it is to stop */
};

struct srv_log_writer {
    pthread_mutex_t lock;
    pthread_cond_t change; /* there is a line, or it stops */
    pthread_cond_t done;
    pthread_t thread;
    int fd;
    struct sl_buf waiting;
    uint64_t dropped; /* since it was last told */
    uint64_t stop_ns; /* 0: it goes on */
    bool is_done;
};

static bool takes_bytes(int fd, int timeout_ms)
{
    struct pollfd wish = {.fd = fd, .events = POLLOUT};
    return poll(&wish, 1, timeout_ms) == 1;
}

static void take_line(void *context, enum sl_log_level level, struct sl_span line)
{
    struct srv_log_writer *writer = context;
    pthread_mutex_lock(&writer->lock);
    bool is_first = writer->waiting.len == 0;
    /* POLLOUT of a pipe promises PIPE_BUF bytes. */
    if (level == SL_LOG_ERROR && is_first && line.len <= PIPE_BUF && takes_bytes(writer->fd, 0) &&
        write(writer->fd, line.data, line.len) == (ssize_t)line.len) {
        pthread_mutex_unlock(&writer->lock);
        return;
    }
    if (sl_buf_add_span(&writer->waiting, line) != SL_OK) {
        writer->dropped++;
    }
    if (is_first) {
        pthread_cond_signal(&writer->change);
    }
    pthread_mutex_unlock(&writer->lock);
}

/* Whole lines, no more than a pipe takes at once without waiting; a longer line in pieces. */
static size_t piece_of(struct sl_span bytes)
{
    size_t len = bytes.len < PIPE_BUF ? bytes.len : PIPE_BUF;
    const uint8_t *end = memrchr(bytes.data, '\n', len);
    return end == NULL ? len : (size_t)(end - bytes.data) + 1;
}

/* False when it was told to stop and the time is over, or nobody will ever read. */
static bool write_all(struct srv_log_writer *writer, struct sl_span bytes)
{
    while (bytes.len > 0) {
        bool is_ready = takes_bytes(writer->fd, POLL_MS);
        ssize_t written = is_ready ? write(writer->fd, bytes.data, piece_of(bytes)) : 0;
        if (written < 0 && errno != EAGAIN && errno != EINTR) {
            return true; /* a log that cannot be written has nowhere to be reported */
        }
        bytes = sl_span_from(bytes, written > 0 ? (size_t)written : 0);
        pthread_mutex_lock(&writer->lock);
        bool is_over = writer->stop_ns != 0 && sl_clock_mono_ns() >= writer->stop_ns;
        pthread_mutex_unlock(&writer->lock);
        if (is_over && bytes.len > 0) {
            return false;
        }
    }
    return true;
}

static void tell_dropped(uint64_t dropped)
{
    struct sl_log_line line;
    sl_log_line_begin(&line, SL_LOG_WARN, "log", "lines were dropped, nobody read them");
    sl_log_line_u64(&line, "dropped", dropped);
    sl_log_line_end(&line);
}

static void *writer_main(void *context)
{
    struct srv_log_writer *writer = context;
    struct sl_buf taken;
    bool goes_on = true;
    sl_buf_init(&taken, SRV_LOG_WAITING_MAX);
    pthread_mutex_lock(&writer->lock);
    while (goes_on && (writer->waiting.len > 0 || writer->stop_ns == 0)) {
        if (writer->waiting.len == 0) {
            pthread_cond_wait(&writer->change, &writer->lock);
            continue;
        }
        struct sl_buf swap = taken;
        taken = writer->waiting;
        writer->waiting = swap;
        uint64_t dropped = writer->dropped;
        writer->dropped = 0;
        pthread_mutex_unlock(&writer->lock);
        goes_on = write_all(writer, sl_buf_span(&taken));
        sl_buf_clear(&taken);
        if (dropped > 0) {
            tell_dropped(dropped);
        }
        pthread_mutex_lock(&writer->lock);
    }
    writer->is_done = true;
    pthread_cond_signal(&writer->done);
    pthread_mutex_unlock(&writer->lock);
    sl_buf_release(&taken);
    return NULL;
}

struct srv_log_writer *srv_log_writer_start(int fd)
{
    struct srv_log_writer *writer = sl_alloc(sizeof(*writer));
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->change, NULL);
    pthread_cond_init(&writer->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    writer->fd = fd;
    sl_buf_init(&writer->waiting, SRV_LOG_WAITING_MAX);
    if (pthread_create(&writer->thread, NULL, writer_main, writer) != 0) {
        sl_log(SL_LOG_WARN, "log", "no thread for the log: it is written by those who log");
        sl_buf_release(&writer->waiting);
        sl_free(writer);
        return NULL;
    }
    sl_log_set_writer(take_line, writer);
    return writer;
}

void srv_log_writer_stop(struct srv_log_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    uint64_t stop_ns = sl_clock_mono_ns() + SRV_LOG_STOP_MS * SL_MS;
    /* A terminal may take a write and then stop: its thread is left behind rather than waited for. */
    uint64_t leave_ns = stop_ns + SRV_LOG_STOP_MS * SL_MS;
    const struct timespec leave = {.tv_sec = (time_t)(leave_ns / SL_SECOND),
                                   .tv_nsec = (long)(leave_ns % SL_SECOND)};
    int waited = 0;
    pthread_mutex_lock(&writer->lock);
    writer->stop_ns = stop_ns;
    pthread_cond_signal(&writer->change);
    while (!writer->is_done && waited == 0) {
        waited = pthread_cond_timedwait(&writer->done, &writer->lock, &leave);
    }
    bool is_done = writer->is_done;
    pthread_mutex_unlock(&writer->lock);
    sl_log_set_writer(NULL, NULL);
    if (!is_done) {
        pthread_detach(writer->thread);
        return;
    }
    pthread_join(writer->thread, NULL);
    sl_buf_release(&writer->waiting);
    pthread_cond_destroy(&writer->change);
    pthread_cond_destroy(&writer->done);
    pthread_mutex_destroy(&writer->lock);
    sl_free(writer);
}
