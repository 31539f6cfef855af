/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/h2.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

/* The payload of keepalive's own PINGs, so that they can be told apart in a capture. */
#define KEEPALIVE_OPAQUE UINT64_C(0x736c756963653031)

/* A PING after keepalive_time without a byte from the server; the connection ends when nothing comes
 * within keepalive_timeout. */
struct h2_keepalive {
    struct h2_conn *conn; /* NULL once freed */
    uv_timer_t timer;
    bool is_waiting; /* a PING is out */
};

static uint64_t to_ms(uint64_t ns)
{
    return (ns + SL_MS - 1) / SL_MS;
}

static void on_timer(uv_timer_t *timer)
{
    struct h2_keepalive *keepalive = timer->data;
    struct h2_conn *conn = keepalive->conn;
    if (keepalive->is_waiting) {
        har_h2_fail(conn, SL_H2_NO_ERROR, "keepalive: the server did not answer a PING in time");
        return;
    }
    keepalive->is_waiting = true;
    (void)har_conn_ping(&conn->base, KEEPALIVE_OPAQUE);
    uv_timer_start(timer, on_timer, to_ms(conn->base.config.keepalive_timeout_ns), 0);
}

static void restart(struct h2_keepalive *keepalive)
{
    keepalive->is_waiting = false;
    uv_timer_start(&keepalive->timer, on_timer,
                   to_ms(keepalive->conn->base.config.keepalive_time_ns), 0);
}

struct h2_keepalive *har_h2_keepalive_new(struct h2_conn *conn)
{
    struct h2_keepalive *keepalive = sl_alloc(sizeof *keepalive);
    keepalive->conn = conn;
    uv_timer_init(conn->base.loop, &keepalive->timer);
    keepalive->timer.data = keepalive;
    restart(keepalive);
    return keepalive;
}

void har_h2_keepalive_seen(struct h2_keepalive *keepalive)
{
    if (keepalive != NULL) {
        restart(keepalive);
    }
}

static void on_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void har_h2_keepalive_free(struct h2_keepalive *keepalive)
{
    if (keepalive != NULL) {
        uv_close((uv_handle_t *)&keepalive->timer, on_closed);
    }
}
