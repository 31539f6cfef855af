/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that somebody else has written, within the credit that the server has granted. */
#include "harness/transport/h2.h"
#include "lib/base/alloc.h"

enum {
    NEVER_OPEN = SL_H2_MAX_WINDOW - 1, /* an even number: no stream of a client */
};

/* DATA that was queued for the socket, and that the observer has not seen yet. */
struct h2_unseen {
    uint32_t stream;
    int64_t bytes;
    UT_hash_handle hh;
};

void har_h2_unseen_clear(struct h2_conn *conn)
{
    struct h2_unseen *unseen = NULL;
    struct h2_unseen *next = NULL;
    HASH_ITER (hh, conn->unseen, unseen, next) {
        HASH_DEL(conn->unseen, unseen);
        sl_free(unseen);
    }
}

static struct h2_unseen *find(struct h2_conn *conn, uint32_t stream)
{
    struct h2_unseen *unseen = NULL;
    HASH_FIND(hh, conn->unseen, &stream, sizeof(stream), unseen);
    return unseen;
}

void har_h2_raw_seen(struct h2_conn *conn, const struct sl_h2_frame_header *frame)
{
    struct h2_unseen *unseen = frame->type == SL_H2_DATA ? find(conn, frame->stream) : NULL;
    if (unseen == NULL) {
        return;
    }
    unseen->bytes -= frame->length;
    if (unseen->bytes <= 0) {
        HASH_DEL(conn->unseen, unseen);
        sl_free(unseen);
    }
}

static struct h2_stream *own_stream(struct h2_conn *conn, uint32_t id)
{
    struct h2_stream *stream = NULL;
    HASH_FIND(hh, conn->by_id, &id, sizeof id, stream);
    return stream;
}

/* A stream that only its frames are known of: as the observer sees it, but with the INITIAL_WINDOW_SIZE that the server
 * will believe in when these bytes reach it. */
static int64_t raw_window(struct h2_conn *conn, uint32_t id)
{
    const struct sl_observer *observer = conn->base.observer;
    const struct h2_unseen *unseen = find(conn, id);
    int64_t change = conn->initial_window;
    change -= sl_observer_window(observer, SL_DIR_REQUEST, NEVER_OPEN);
    return sl_observer_window(observer, SL_DIR_REQUEST, id) + change -
           (unseen == NULL ? 0 : unseen->bytes);
}

int64_t har_h2_raw_room(struct har_conn *base, uint32_t id)
{
    struct h2_conn *conn = h2_conn_of(base);
    const struct h2_stream *own = own_stream(conn, id);
    int64_t room = conn->send_window;
    if (id != 0) {
        int64_t window = own != NULL ? own->send_window : raw_window(conn, id);
        room = window < room ? window : room;
    }
    return room;
}

static void spend(struct h2_conn *conn, uint32_t id, uint32_t bytes)
{
    struct h2_stream *own = own_stream(conn, id);
    conn->send_window -= bytes;
    if (own != NULL) {
        own->send_window -= bytes;
    } else if (bytes > 0) {
        struct h2_unseen *unseen = find(conn, id);
        if (unseen == NULL) {
            unseen = sl_alloc(sizeof *unseen);
            unseen->stream = id;
            HASH_ADD(hh, conn->unseen, stream, sizeof(unseen->stream), unseen);
        }
        unseen->bytes += bytes;
    }
}

/* DATA that has no room: its first part goes, without END_STREAM, and the header of what is left is written over the end
 * of that part. Padding cannot be divided. Returns how many bytes of frames are done with; 0 where nothing may go. */
static size_t send_part(struct h2_conn *conn, const struct sl_h2_frame_header *frame, int64_t room,
                        uint8_t *frames)
{
    if (room <= 0 || (frame->flags & SL_H2_FLAG_PADDED) != 0) {
        return 0;
    }
    struct sl_h2_frame_header head = *frame;
    head.length = (uint32_t)room;
    head.flags &= (uint8_t)~SL_H2_FLAG_END_STREAM;
    (void)sl_h2_write_header(har_h2_out(conn), &head);
    (void)sl_buf_add(har_h2_out(conn), frames + SL_H2_FRAME_HEADER_SIZE, head.length);
    spend(conn, head.stream, head.length);

    struct sl_buf rest;
    sl_buf_init(&rest, SL_H2_FRAME_HEADER_SIZE);
    head = *frame;
    head.length -= (uint32_t)room;
    (void)sl_h2_write_header(&rest, &head);
    memcpy(frames + room, rest.data, SL_H2_FRAME_HEADER_SIZE);
    sl_buf_release(&rest);
    return (size_t)room;
}

/* The first of the frames, or as much of it as may go; how many bytes are done with. */
static size_t send_first(struct h2_conn *conn, const struct sl_h2_frame_header *frame,
                         uint8_t *frames)
{
    bool is_data = frame->type == SL_H2_DATA && frame->length > 0;
    int64_t room = is_data ? har_h2_raw_room(&conn->base, frame->stream) : 0;
    if (is_data && room < frame->length) {
        return send_part(conn, frame, room, frames);
    }
    size_t size = SL_H2_FRAME_HEADER_SIZE + (size_t)frame->length;
    (void)sl_buf_add(har_h2_out(conn), frames, size);
    if (is_data) {
        spend(conn, frame->stream, frame->length);
    }
    return size;
}

enum sl_status har_h2_send_frames(struct har_conn *base, struct sl_buf *frames)
{
    struct h2_conn *conn = h2_conn_of(base);
    size_t at = 0;
    size_t done = 0;
    struct sl_h2_frame_header frame;
    if (!har_link_is_up(base->link)) {
        return SL_STATE;
    }
    har_h2_send(conn); /* as of send_raw */
    do {
        struct sl_span left = sl_span_from(sl_buf_span(frames), at);
        bool is_whole = sl_h2_frame_header_read(left, &frame) == SL_OK &&
                        left.len >= SL_H2_FRAME_HEADER_SIZE + (size_t)frame.length;
        done = is_whole ? send_first(conn, &frame, frames->data + at) : 0;
        at += done;
    } while (done > 0);
    sl_buf_consume(frames, at);
    har_h2_wake(conn);
    return har_h2_out(conn)->is_full ? SL_LIMIT : SL_OK;
}

void har_h2_table_update(struct har_conn *base, struct sl_buf *out)
{
    struct h2_conn *conn = h2_conn_of(base);
    if (conn->table_due < conn->table) {
        conn->table = conn->table_due;
        (void)sl_hpack_write_table_size(out, conn->table);
    }
}
