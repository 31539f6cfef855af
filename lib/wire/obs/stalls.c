/* SPDX-License-Identifier: Apache-2.0 */
/* Who waited for credit, and who held it. RFC 9113 5.2.1, 6.9. */
#include "lib/wire/obs/stalls.h"

#include "lib/base/alloc.h"
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

enum {
    PROMPT_NS = 25 * 1000 * 1000,       /* DATA this soon behind its credit had been waiting ... */
    PROMPT_BLIND_NS = 50 * 1000 * 1000, /* ... and where the sender has answered nothing yet */
    ANSWER_MAX_NS = 250 * 1000 * 1000,
};

static struct sl_connection_wait *connection_of(struct sl_observer *observer, enum sl_dir sender)
{
    return &observer->flow[sender].wait;
}

static const struct sl_at *later(const struct sl_at *a, const struct sl_at *b)
{
    return !a->has_time || (b->has_time && b->time_ns > a->time_ns) ? b : a;
}

/* The longest after a credit that DATA counts as having waited for it. */
static uint64_t promptness(const struct sl_connection_wait *connection)
{
    if (!connection->has_answer) {
        return PROMPT_BLIND_NS;
    }
    uint64_t answer_ns =
        connection->answer_ns > ANSWER_MAX_NS ? ANSWER_MAX_NS : connection->answer_ns;
    return 2 * answer_ns + PROMPT_NS;
}

/* Payload bytes that the call's sender is known to owe; 0: none, or the next prefix is lost. */
static uint64_t rest_of(const struct sl_obs_call *call, enum sl_dir sender)
{
    const struct sl_splitter *splitter = &call->splitter[sender];
    if (call->framing[sender] == SL_FRAMING_NONE || call->is_lost[sender] ||
        sl_splitter_is_idle(splitter)) {
        return 0;
    }
    uint64_t wanted = sl_splitter_wanted(splitter);
    return wanted == 0 ? 1 : wanted;
}

/* ---- who holds the connection's credit ---- */

/* Puts a holder in its place; the least is dropped when there are too many. */
static void add_holder(struct sl_connection_wait *connection, const struct sl_stall_holder *holder)
{
    size_t place = connection->holder_count;
    while (place > 0 && connection->holders[place - 1].bytes < holder->bytes) {
        place--;
    }
    if (place == SL_STALL_HOLDERS) {
        return;
    }
    if (connection->holder_count < SL_STALL_HOLDERS) {
        connection->holder_count++;
    }
    memmove(&connection->holders[place + 1], &connection->holders[place],
            (connection->holder_count - 1 - place) * sizeof connection->holders[0]);
    connection->holders[place] = *holder;
}

/* A walk over the open streams, paid for as the one for SETTINGS is. */
static void find_holders(struct sl_observer *observer, enum sl_dir sender)
{
    struct sl_connection_wait *connection = connection_of(observer, sender);
    connection->holder_count = 0;
    if (observer->handler.stall == NULL || observer->streams.open.count > observer->scan_budget) {
        return;
    }
    observer->scan_budget -= observer->streams.open.count;
    int64_t left = connection->peak - observer->flow[sender].connection;
    int64_t found = 0;
    for (const struct sl_stream *s = observer->streams.open.oldest; s != NULL; s = s->newer) {
        int64_t held = s->call == NULL ? 0 : s->call->wait[sender].peak - s->credit[sender];
        if (held > 0) {
            struct sl_stall_holder holder = {.stream = s->id,
                                             .label = s->call->call.label,
                                             .bytes = (uint64_t)(held < left ? held : left)};
            add_holder(connection, &holder);
            found += held;
        }
    }
    if (left > found) {
        struct sl_stall_holder others = {.bytes = (uint64_t)(left - found)};
        add_holder(connection, &others);
    }
}

/* ---- the windows ---- */

void sl_obs_stalls_connection(struct sl_observer *observer, enum sl_dir sender)
{
    struct sl_connection_wait *wait = connection_of(observer, sender);
    int64_t window = observer->flow[sender].connection;
    if (window > wait->peak) {
        wait->peak = window;
    }
    if ((window <= 0) == wait->is_closed) {
        return;
    }
    wait->is_closed = window <= 0;
    if (!wait->is_closed) {
        wait->opened_at = observer->at;
        return;
    }
    bool is_chained = wait->count > 0 && wait->opened_at.has_time && observer->at.has_time &&
                      observer->at.time_ns < wait->opened_at.time_ns + promptness(wait);
    if (!is_chained) {
        wait->closed_at = observer->at;
    }
    wait->count++;
    find_holders(observer, sender);
}

void sl_obs_stalls_stream(struct sl_observer *observer, enum sl_dir sender,
                          struct sl_stream *stream, enum sl_stall_end how)
{
    struct sl_wait *wait = &stream->call->wait[sender];
    int64_t window = sl_obs_window(observer, sender, stream);
    if (stream->credit[sender] > wait->peak) {
        wait->peak = stream->credit[sender];
    }
    if ((window <= 0) == wait->is_closed) {
        return;
    }
    wait->is_closed = window <= 0;
    if (wait->is_closed) {
        wait->is_new = true;
        wait->closed_at = observer->at;
    } else {
        wait->opened_at = observer->at;
        wait->how = how;
    }
}

void sl_obs_stalls_answer(struct sl_observer *observer, enum sl_dir sender,
                          const struct sl_at *sent)
{
    struct sl_connection_wait *wait = connection_of(observer, sender);
    const struct sl_at *now = &observer->at;
    if (!sent->has_time || !now->has_time || now->time_ns < sent->time_ns) {
        return;
    }
    uint64_t ns = now->time_ns - sent->time_ns;
    if (!wait->has_answer || ns < wait->answer_ns) {
        wait->has_answer = true;
        wait->answer_ns = ns;
    }
}

/* ---- the stalls ---- */

static void report(struct sl_observer *observer, const struct sl_stall *stall)
{
    if (!stall->start.has_time || !stall->end.has_time ||
        stall->end.time_ns <= stall->start.time_ns) {
        return;
    }
    uint64_t ns = stall->end.time_ns - stall->start.time_ns;
    if (stall->is_connection) {
        stall->call->stalled_connection_ns += ns;
    } else {
        stall->call->stalled_stream_ns += ns;
    }
    if (observer->handler.stall != NULL) {
        observer->handler.stall(observer->config.owner, stall);
    }
}

/* What lies behind at: first the stream's window, then, as far as it goes on, the connection's. unseen:
 * how a window that did not open came to let the sender go. */
static void tell(struct sl_observer *observer, struct sl_stall *stall,
                 const struct sl_resumed *behind, enum sl_stall_end unseen)
{
    const struct sl_wait *wait = &behind->wait;
    const struct sl_connection_wait *connection = &behind->connection;
    const struct sl_call *call = stall->call;
    bool is_answering = stall->dir == SL_DIR_RESPONSE && call->response.has_headers;
    const struct sl_at *from =
        later(is_answering ? &call->response.headers_at : &call->start, &wait->last_at);
    if (behind->was_stream) {
        stall->start = *later(from, &wait->closed_at);
        stall->end = wait->is_closed ? behind->at : wait->opened_at;
        stall->how = wait->is_closed ? unseen : wait->how;
        from = later(from, &stall->end);
        report(observer, stall);
    }
    if (behind->was_connection) {
        struct sl_at start = *later(from, &connection->closed_at);
        stall->is_connection = true;
        stall->start = start;
        stall->end = connection->is_closed ? behind->at : connection->opened_at;
        stall->how = connection->is_closed ? unseen : SL_STALL_CREDIT;
        stall->holder_count = connection->holder_count;
        memcpy(stall->holders, connection->holders, sizeof stall->holders);
        report(observer, stall);
    }
}

/* A window was closed since the call was last looked at. */
static bool has_waited(struct sl_observer *observer, const struct sl_obs_call *call,
                       enum sl_dir sender)
{
    const struct sl_wait *wait = &call->wait[sender];
    return wait->is_new || wait->connection_closed != connection_of(observer, sender)->count;
}

/* What the call has behind it now, noted once. False when that is nothing. */
static bool look_back(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir sender,
                      struct sl_resumed *ret_behind)
{
    struct sl_wait *wait = &call->wait[sender];
    const struct sl_connection_wait *connection = connection_of(observer, sender);
    *ret_behind = (struct sl_resumed){
        .was_stream = wait->is_new,
        .was_connection = wait->connection_closed != connection->count,
        .rest = rest_of(call, sender),
        .data_bytes = sl_obs_side(call, sender)->data_bytes,
        .at = observer->at,
        .wait = *wait,
        .connection = *connection,
    };
    wait->is_new = false;
    wait->connection_closed = connection->count;
    return !observer->flow[sender].is_untrusted && observer->at.has_time &&
           (ret_behind->was_stream || ret_behind->was_connection);
}

void sl_obs_stalls_data(struct sl_observer *observer, enum sl_dir sender, struct sl_stream *stream)
{
    struct sl_obs_call *call = stream->call;
    struct sl_wait *wait = &call->wait[sender];
    if (has_waited(observer, call, sender)) {
        struct sl_obs_dir *d = &observer->dir[sender];
        if (d->resumed == NULL) {
            d->resumed = sl_alloc(sizeof *d->resumed);
        }
        struct sl_resumed *behind = d->resumed;
        /* A walk for SETTINGS may have been too dear to come by here. */
        sl_obs_stalls_stream(observer, sender, stream, SL_STALL_SETTINGS);
        behind->is_due = look_back(observer, call, sender, behind) && !stream->is_lingering;
    }
    wait->last_at = observer->at;
}

/* DATA came although a window had no room: nobody waited. */
static bool is_overrun(const struct sl_resumed *behind)
{
    return behind->wait.is_closed || behind->connection.is_closed;
}

/* DATA came so soon behind its credit that it must have waited for it. */
static bool is_prompt(const struct sl_resumed *behind)
{
    const struct sl_at none = {0};
    const struct sl_at *opened =
        later(behind->was_stream ? &behind->wait.opened_at : &none,
              behind->was_connection ? &behind->connection.opened_at : &none);
    return opened->has_time &&
           behind->at.time_ns <= opened->time_ns + promptness(&behind->connection);
}

void sl_obs_stalls_data_end(struct sl_observer *observer, enum sl_dir sender)
{
    struct sl_obs_dir *d = &observer->dir[sender];
    struct sl_resumed *behind = d->resumed;
    if (behind == NULL || !behind->is_due) {
        return;
    }
    behind->is_due = false;
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->header.stream);
    if (stream == NULL || stream->call == NULL || stream->is_lingering || is_overrun(behind) ||
        (behind->rest == 0 && !is_prompt(behind))) {
        return;
    }
    struct sl_obs_call *call = stream->call;
    uint64_t came = sl_obs_side(call, sender)->data_bytes - behind->data_bytes;
    struct sl_stall stall = {
        .call = &call->call,
        .dir = sender,
        .is_announced = behind->rest > 0,
        .bytes_waiting = behind->rest > 0 ? behind->rest : came + rest_of(call, sender),
    };
    tell(observer, &stall, behind, SL_STALL_CREDIT);
}

void sl_obs_stalls_begin(struct sl_observer *observer, struct sl_obs_call *call)
{
    for (int dir = 0; dir < 2; dir++) {
        const struct sl_flow *flow = &observer->flow[dir];
        struct sl_wait *wait = &call->wait[dir];
        /* One that lasts is the call's too. */
        wait->connection_closed = flow->wait.count - (flow->wait.is_closed ? 1U : 0U);
        if (flow->largest <= 0) {
            wait->is_closed = true;
            wait->is_new = true;
            wait->closed_at = call->call.start;
        }
    }
}

void sl_obs_stalls_end(struct sl_observer *observer, struct sl_obs_call *call, bool is_open)
{
    for (int i = 0; i < 2; i++) {
        enum sl_dir dir = i == 0 ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
        struct sl_resumed behind;
        if (!has_waited(observer, call, dir) || !look_back(observer, call, dir, &behind) ||
            behind.rest == 0) {
            continue;
        }
        struct sl_stall stall = {
            .call = &call->call, .dir = dir, .is_announced = true, .bytes_waiting = behind.rest};
        tell(observer, &stall, &behind, is_open ? SL_STALL_OPEN : SL_STALL_CALL_END);
    }
}
