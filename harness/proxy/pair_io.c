/* SPDX-License-Identifier: Apache-2.0 */
/* The two sockets of a proxied connection. */
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/proxy/pair_state.h"
#include "harness/transport/addresses.h"
#include "lib/base/clock.h"

enum {
    READ_SIZE = 64 * 1024,
    WRITES_A_TURN = 64, /* slices of one lane before others get their turn */
    LINGER_MS = 2000,   /* how long a cut by FIN waits for the ends to close */
};

/* libuv asks for it and hands it back in one go. */
static _Thread_local uint8_t read_buffer[READ_SIZE];

/* ---- the end ---- */

static void reap(struct har_pair *pair)
{
    if (!pair->sides[0].has_handle && !pair->sides[1].has_handle && !pair->has_timer) {
        har_pair_gone(pair);
    }
}

static void on_side_closed(uv_handle_t *handle)
{
    struct har_side *side = handle->data;
    struct har_pair *pair = side->pair;
    side->has_handle = false;
    bool is_retry = side == &pair->sides[HAR_PAIR_SERVER] && !side->is_broken && !pair->is_closing;
    if (is_retry) {
        har_pair_io_connect(pair);
    } else {
        reap(pair);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct har_pair *pair = handle->data;
    pair->has_timer = false;
    reap(pair);
}

static void close_side(struct har_side *side, bool is_reset)
{
    if (!side->has_handle || uv_is_closing((uv_handle_t *)&side->tcp)) {
        return;
    }
    uv_os_fd_t fd = -1;
    if (is_reset && uv_fileno((uv_handle_t *)&side->tcp, &fd) == 0) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    side->is_reading = false;
    har_pair_trace_end(side, true, is_reset);
    side->has_ended = side->is_broken = true;
    uv_close((uv_handle_t *)&side->tcp, on_side_closed);
}

void har_pair_io_close(struct har_pair *pair, bool is_reset)
{
    pair->is_closing = true;
    close_side(&pair->sides[HAR_PAIR_CLIENT], is_reset);
    close_side(&pair->sides[HAR_PAIR_SERVER], is_reset);
    if (pair->has_timer && !uv_is_closing((uv_handle_t *)&pair->timer)) {
        uv_close((uv_handle_t *)&pair->timer, on_timer_closed);
    }
}

/* Both ends have had what they were to get. */
static void close_when_done(struct har_pair *pair)
{
    bool is_done = true;
    for (int i = 0; i < 2; i++) {
        const struct har_side *side = &pair->sides[i];
        bool is_told = side->is_broken || (side->has_shutdown && !side->is_writing);
        is_done &= side->has_ended && is_told;
    }
    if (is_done && !pair->is_closing) {
        har_pair_io_close(pair, false);
    }
}

static void on_linger(uv_timer_t *timer)
{
    har_pair_io_close(timer->data, false);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct har_side *side = shutdown->data;
    (void)status;
    close_when_done(side->pair);
}

static void send_fin(struct har_side *side)
{
    if (side->is_broken || side->has_shutdown || !side->is_up) {
        return;
    }
    if (side->tls != NULL) {
        har_pair_tls_finish(side);
    }
    side->has_shutdown = true;
    har_pair_trace_end(side, true, false);
    side->shutdown.data = side;
    if (uv_shutdown(&side->shutdown, (uv_stream_t *)&side->tcp, on_shutdown) != 0) {
        side->is_broken = true;
    }
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    const struct har_side *side = handle->data;
    const struct har_pair *pair = side->pair;
    (void)suggested;
    int dir = (int)(side - pair->sides);
    size_t room = har_lane_room(&pair->lanes[dir]);
    bool is_limited = !pair->is_cut && room < READ_SIZE;
    *buf = uv_buf_init((char *)read_buffer, (unsigned)(is_limited && room > 0 ? room : READ_SIZE));
}

static void source_ended(struct har_side *side, bool is_reset)
{
    struct har_pair *pair = side->pair;
    enum sl_dir dir = (enum sl_dir)(side - pair->sides);
    uint64_t now_ns = sl_clock_mono_ns();
    side->has_ended = true;
    har_pair_trace_end(side, false, is_reset);
    if (dir == SL_DIR_REQUEST && !pair->is_cut && !pair->is_closing) {
        pair->config.handler->left(pair->config.owner, pair);
    }
    har_framing_finish(pair->framing, dir, now_ns);
    har_lane_finish(&pair->lanes[dir], is_reset || side->was_reset ? HAR_LANE_RST : HAR_LANE_FIN,
                    now_ns);
    if (is_reset) {
        close_side(side, false);
    }
}

/* A failure of TLS is to the client what it would be without the proxy: the connection is gone. */
static void read_tls(struct har_side *side, struct sl_span bytes)
{
    enum sl_status status = har_pair_tls_receive(side, bytes);
    if (status != SL_OK && !side->has_ended && !side->pair->is_closing) {
        (void)uv_read_stop((uv_stream_t *)&side->tcp);
        side->is_reading = false;
        source_ended(side, status != SL_CLOSED);
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct har_side *side = stream->data;
    struct har_pair *pair = side->pair;
    if (count == 0) {
        return;
    }
    har_pair_trace_read(side, sl_span(buf->base, count < 0 ? 0 : (size_t)count));
    if (count > 0 && side->tls != NULL) {
        read_tls(side, sl_span(buf->base, (size_t)count));
    } else if (count > 0 && !pair->is_cut) {
        struct sl_span bytes = sl_span(buf->base, (size_t)count);
        har_framing_feed(pair->framing, (enum sl_dir)(side - pair->sides), bytes,
                         sl_clock_mono_ns());
    } else if (count < 0) {
        (void)uv_read_stop(stream);
        side->is_reading = false;
        source_ended(side, count != UV_EOF || !side->is_up);
    }
    har_pair_io_pump(pair);
    close_when_done(pair);
}

static void update_reading(struct har_pair *pair, int dir)
{
    struct har_side *side = &pair->sides[dir];
    size_t room = har_lane_room(&pair->lanes[dir]);
    size_t waiting = har_framing_waiting(pair->framing, (enum sl_dir)dir);
    bool is_full = room == 0 || waiting >= HAR_LANE_MAX;
    bool is_open = side->is_up || side->tls != NULL; /* or shaking hands */
    bool should = is_open && !side->has_ended && (pair->is_cut || !is_full);
    if (should && !side->is_reading) {
        side->is_reading = uv_read_start((uv_stream_t *)&side->tcp, on_alloc, on_read) == 0;
    } else if (!should && side->is_reading) {
        (void)uv_read_stop((uv_stream_t *)&side->tcp);
        side->is_reading = false;
    }
}

/* ---- writing ---- */

static void broke(struct har_side *side, int error)
{
    side->is_broken = true;
    side->was_reset |= error == UV_ECONNRESET || error == UV_EPIPE;
}

static void on_written(uv_write_t *write, int status)
{
    struct har_side *side = write->data;
    side->is_writing = false;
    sl_buf_release(&side->inflight);
    if (status != 0) {
        broke(side, status);
    }
    if (!side->pair->is_closing) {
        har_pair_io_pump(side->pair);
        close_when_done(side->pair);
    }
}

/* What the socket has no room for now, copied: the lane may be discarded meanwhile. */
static void write_later(struct har_side *side, struct sl_span bytes)
{
    sl_buf_init(&side->inflight, bytes.len);
    (void)sl_buf_add_span(&side->inflight, bytes);
    uv_buf_t buf = uv_buf_init((char *)side->inflight.data, (unsigned)side->inflight.len);
    side->write.data = side;
    har_pair_trace_written(side, bytes);
    int error = uv_write(&side->write, (uv_stream_t *)&side->tcp, &buf, 1, on_written);
    side->is_writing = error == 0;
    if (error != 0) {
        broke(side, error);
    }
}

void har_pair_io_write(struct har_side *side, struct sl_span bytes)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
    int written = uv_try_write((uv_stream_t *)&side->tcp, &buf, 1);
    har_pair_trace_written(side, sl_span_first(bytes, written > 0 ? (size_t)written : 0));
    if (written < 0 && written != UV_EAGAIN) {
        broke(side, written);
    } else if (written < (int)bytes.len) {
        write_later(side, sl_span_from(bytes, written > 0 ? (size_t)written : 0));
    }
}

static size_t write_tls(struct har_side *side, struct sl_span bytes)
{
    struct sl_buf records;
    if (har_pair_tls_wrap(side, bytes, &records) == SL_OK) {
        har_pair_io_write(side, sl_buf_span(&records));
    } else {
        broke(side, UV_ECONNRESET);
    }
    sl_buf_release(&records);
    return bytes.len;
}

/* Writes bytes of a lane; how many the lane is rid of. */
static size_t write_now(struct har_side *side, struct sl_span bytes, bool is_last_of_turn)
{
    if (side->tls != NULL) {
        return write_tls(side, bytes);
    }
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
    int written = is_last_of_turn ? UV_EAGAIN : uv_try_write((uv_stream_t *)&side->tcp, &buf, 1);
    if (written >= 0) {
        har_pair_trace_written(side, sl_span_first(bytes, (size_t)written));
        return (size_t)written;
    }
    if (written == UV_EAGAIN) {
        write_later(side, bytes); /* which also gives the others their turn */
    } else {
        broke(side, written);
    }
    return bytes.len;
}

static void cut(struct har_pair *pair, bool is_reset)
{
    pair->is_cut = true;
    if (is_reset) {
        har_pair_io_close(pair, true);
        return;
    }
    for (int i = 0; i < 2; i++) {
        har_lane_discard(&pair->lanes[i]);
        send_fin(&pair->sides[i]);
    }
    if (!pair->sides[HAR_PAIR_SERVER].is_up) {
        har_pair_io_close(pair, false);
        return;
    }
    (void)uv_timer_start(&pair->timer, on_linger, LINGER_MS, 0);
}

static void lane_ends(struct har_pair *pair, int dir)
{
    struct har_side *to = &pair->sides[1 - dir];
    switch (pair->lanes[dir].end) {
    case HAR_LANE_FIN:
        send_fin(to);
        break;
    case HAR_LANE_RST:
        close_side(to, true);
        break;
    case HAR_LANE_CUT_FIN:
    case HAR_LANE_CUT_RST:
        cut(pair, pair->lanes[dir].end == HAR_LANE_CUT_RST);
        break;
    case HAR_LANE_OPEN:
        break;
    }
}

/* Moves one lane as far as it goes now; answers when it goes on, UINT64_MAX: when something happens. */
static uint64_t pump_lane(struct har_pair *pair, int dir)
{
    struct har_lane *lane = &pair->lanes[dir];
    struct har_side *to = &pair->sides[1 - dir];
    uint64_t now_ns = sl_clock_mono_ns();
    for (unsigned writes = 0; !pair->is_closing && !pair->is_cut; writes++) {
        struct sl_span bytes = sl_span(NULL, 0);
        uint64_t wake_ns = UINT64_MAX;
        if (to->is_broken) {
            har_lane_discard(lane);
        } else if (to->is_writing || !to->is_up) {
            return UINT64_MAX;
        }
        switch (har_lane_peek(lane, now_ns, &bytes, &wake_ns)) {
        case HAR_LANE_IDLE:
            return UINT64_MAX;
        case HAR_LANE_WAIT:
            return wake_ns;
        case HAR_LANE_ENDS:
            lane_ends(pair, dir);
            return UINT64_MAX;
        case HAR_LANE_WRITE:
            har_lane_take(lane, write_now(to, bytes, writes >= WRITES_A_TURN));
            break;
        }
    }
    return UINT64_MAX;
}

static void on_timer(uv_timer_t *timer)
{
    struct har_pair *pair = timer->data;
    har_pair_io_pump(pair);
    close_when_done(pair);
}

void har_pair_io_pump(struct har_pair *pair)
{
    if (pair->is_pumping || pair->is_closing) {
        return;
    }
    pair->is_pumping = true;
    uint64_t wake_ns =
        pair->is_cut ? UINT64_MAX : har_framing_turn(pair->framing, sl_clock_mono_ns());
    for (int dir = 0; dir < 2; dir++) {
        uint64_t lane_ns = pump_lane(pair, dir);
        wake_ns = lane_ns < wake_ns ? lane_ns : wake_ns;
    }
    for (int dir = 0; dir < 2 && !pair->is_closing; dir++) {
        update_reading(pair, dir);
    }
    if (!pair->is_closing && !pair->is_cut) {
        uint64_t now_ns = sl_clock_mono_ns();
        if (wake_ns == UINT64_MAX) {
            (void)uv_timer_stop(&pair->timer);
        } else {
            uint64_t ms = wake_ns <= now_ns ? 0 : (wake_ns - now_ns + SL_MS - 1) / SL_MS;
            uv_update_time(pair->config.loop);
            (void)uv_timer_start(&pair->timer, on_timer, ms, 0);
        }
    }
    pair->is_pumping = false;
}

/* ---- the beginning ---- */

static void init_side(struct har_pair *pair, int which)
{
    struct har_side *side = &pair->sides[which];
    (void)uv_tcp_init(pair->config.loop, &side->tcp);
    side->tcp.data = side;
    side->has_handle = true;
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct har_side *side = connect->data;
    struct har_pair *pair = side->pair;
    if (status == UV_ECANCELED || pair->is_closing) {
        return;
    }
    if (status != 0) { /* the next address, from on_side_closed */
        uv_close((uv_handle_t *)&side->tcp, on_side_closed);
        return;
    }
    (void)uv_tcp_nodelay(&side->tcp, 1);
    har_pair_trace_begin(side);
    if (pair->config.tls != NULL) {
        har_pair_tls_begin(pair);
    } else {
        side->is_up = true;
    }
    har_pair_io_pump(pair);
    close_when_done(pair);
}

/* A socket in the file system is connected at once or not at all. */
static int connect_unix(struct har_side *side, const struct addrinfo *address)
{
    int fd = har_unix_connect(address->ai_addr, address->ai_addrlen);
    if (fd < 0) {
        return fd;
    }
    int error = uv_tcp_open(&side->tcp, fd);
    if (error == 0) {
        on_connected(&side->connect, 0);
    } else {
        (void)close(fd);
    }
    return error;
}

void har_pair_io_connect(struct har_pair *pair)
{
    struct har_side *side = &pair->sides[HAR_PAIR_SERVER];
    const struct addrinfo *address = pair->address;
    if (address == NULL) { /* nobody is there: the client learns it as a reset */
        har_pair_io_close(pair, true);
        return;
    }
    pair->address = address->ai_next;
    init_side(pair, HAR_PAIR_SERVER);
    side->connect.data = side;
    int error = address->ai_family == AF_UNIX
                    ? connect_unix(side, address)
                    : uv_tcp_connect(&side->connect, &side->tcp, address->ai_addr, on_connected);
    if (error != 0) {
        uv_close((uv_handle_t *)&side->tcp, on_side_closed);
    }
}

void har_pair_io_accept(struct har_pair *pair, uv_stream_t *listener)
{
    struct har_side *side = &pair->sides[HAR_PAIR_CLIENT];
    (void)uv_timer_init(pair->config.loop, &pair->timer);
    pair->timer.data = pair;
    pair->has_timer = true;
    init_side(pair, HAR_PAIR_CLIENT);
    if (uv_accept(listener, (uv_stream_t *)&side->tcp) != 0) {
        har_pair_io_close(pair, true);
        return;
    }
    (void)uv_tcp_nodelay(&side->tcp, 1);
    side->is_up = true;
    har_pair_trace_begin(side);
}
