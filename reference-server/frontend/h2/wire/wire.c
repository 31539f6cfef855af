/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/wire/wire.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/wire/deviation.h"
#include "reference-server/frontend/h2/wire/ledger.h"

enum {
    TABLE_SIZE = 4096,       /* RFC 7541 4.2: until SETTINGS say otherwise */
    TABLE_SIZE_LARGE = 8192, /* of a wrong server */
    TABLE_SIZE_ANY = SL_HPACK_TABLE_MAX,
    PART_MAX = 2 * SRV_WIRE_FRAME_MAX,
    LEFT_MAX = 4 * 1024 * 1024,
    HELD_MAX = 4 * 1024 * 1024,
    BAD_INDEX = 0x80, /* an indexed field 0, which every decoder refuses (RFC 7541 6.1) */
};

static const struct srv_wire_group *const groups[] = {
    &srv_wire_group_response, &srv_wire_group_flow,     &srv_wire_group_control,
    &srv_wire_group_request,  &srv_wire_group_download, &srv_wire_group_upload,
    &srv_wire_group_later,    &srv_wire_group_status,   &srv_wire_group_frames,
    &srv_wire_group_hpack,    &srv_wire_group_limits,
};

/* --- what is on --- */

static bool is_on(const struct srv_misbehave *wrong, const struct srv_wire_deviation *deviation)
{
    return *(const bool *)((const char *)wrong + deviation->field);
}

static size_t collect(const struct srv_misbehave *wrong, const struct srv_wire_deviation **active)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (size_t j = 0; j < groups[i]->count; j++) {
            const struct srv_wire_deviation *deviation = &groups[i]->deviations[j];
            if (is_on(wrong, deviation)) {
                if (active != NULL) {
                    active[count] = deviation;
                }
                count++;
            }
        }
    }
    return count;
}

static void prepare(struct srv_wire *wire)
{
    bool has_ledger = false;
    for (size_t i = 0; i < wire->active_count; i++) {
        const struct srv_wire_deviation *deviation = wire->active[i];
        has_ledger |= deviation->has_ledger;
        for (int dir = 0; dir < SRV_WIRE_DIRS; dir++) {
            wire->reads_blocks[dir] |= deviation->block[dir] != NULL;
        }
    }
    for (int dir = 0; dir < SRV_WIRE_DIRS; dir++) {
        sl_buf_init(&wire->part[dir], PART_MAX);
        sl_buf_init(&wire->block[dir], SRV_WIRE_BLOCK_MAX);
        if (wire->reads_blocks[dir]) {
            /* Of the client's size: the session announces none. Of ours: whatever the client may have announced. */
            wire->decoder[dir] =
                sl_hpack_decoder_new(dir == SRV_WIRE_IN ? TABLE_SIZE : TABLE_SIZE_ANY);
            wire->encoder[dir] = sl_hpack_encoder_new(
                wire->wrong->hpack_table_size_ignored ? TABLE_SIZE_LARGE : TABLE_SIZE);
        }
    }
    sl_buf_init(&wire->left, LEFT_MAX);
    sl_buf_init(&wire->held, HELD_MAX);
    wire->ledger = has_ledger ? srv_wire_ledger_new() : NULL;
}

struct srv_wire *srv_wire_new(const struct srv_misbehave *wrong)
{
    size_t count = collect(wrong, NULL);
    if (count == 0) {
        return NULL;
    }
    struct srv_wire *wire = sl_alloc(sizeof(*wire));
    wire->wrong = wrong;
    wire->active = sl_alloc(count * sizeof(*wire->active));
    wire->active_count = collect(wrong, wire->active);
    prepare(wire);
    return wire;
}

void srv_wire_free(struct srv_wire *wire)
{
    if (wire == NULL) {
        return;
    }
    struct srv_wire_stream *stream = NULL;
    struct srv_wire_stream *next = NULL;
    HASH_ITER (hh, wire->streams, stream, next) {
        HASH_DEL(wire->streams, stream);
        srv_wire_ledger_drop(wire, stream);
        sl_free(stream);
    }
    for (int dir = 0; dir < SRV_WIRE_DIRS; dir++) {
        sl_buf_release(&wire->part[dir]);
        sl_buf_release(&wire->block[dir]);
        sl_hpack_decoder_free(wire->decoder[dir]);
        sl_hpack_encoder_free(wire->encoder[dir]);
    }
    sl_buf_release(&wire->left);
    sl_buf_release(&wire->held);
    srv_wire_ledger_free(wire->ledger);
    sl_free(wire->active);
    sl_free(wire);
}

/* --- streams --- */

static struct srv_wire_stream *find_stream(struct srv_wire *wire, uint32_t id)
{
    struct srv_wire_stream *stream = NULL;
    HASH_FIND(hh, wire->streams, &id, sizeof(id), stream);
    return stream;
}

static struct srv_wire_stream *begin_stream(struct srv_wire *wire, uint32_t id)
{
    struct srv_wire_stream *stream = sl_alloc(sizeof(*stream));
    stream->id = id;
    srv_wire_ledger_begin(wire, stream);
    HASH_ADD(hh, wire->streams, id, sizeof(stream->id), stream);
    if (id > wire->last_id) {
        wire->last_id = id;
    }
    return stream;
}

/* The stream of a frame; a client's HEADERS begin one. */
static struct srv_wire_stream *stream_of(struct srv_wire *wire, enum srv_wire_dir dir, uint8_t type,
                                         uint32_t id)
{
    struct srv_wire_stream *stream = id == 0 ? NULL : find_stream(wire, id);
    if (stream == NULL && dir == SRV_WIRE_IN && type == SL_H2_HEADERS && id > wire->last_id) {
        stream = begin_stream(wire, id);
    }
    return stream;
}

static void note(struct srv_wire_stream *stream, enum srv_wire_dir dir, uint8_t type, uint8_t flags,
                 size_t len)
{
    if (stream == NULL) {
        return;
    }
    if (type == SL_H2_DATA) {
        stream->data[dir] += len;
        stream->frames[dir]++;
    } else if (type == SL_H2_HEADERS) {
        stream->blocks[dir]++;
    } else if (type == SL_H2_RST_STREAM) {
        stream->is_reset[dir] = true;
    }
    if ((type == SL_H2_DATA || type == SL_H2_HEADERS) && (flags & SL_H2_FLAG_END_STREAM) != 0) {
        stream->is_ended[dir] = true;
    }
}

/* --- blocks --- */

static bool show_block(struct srv_wire *wire, enum srv_wire_dir dir, struct srv_wire_stream *stream,
                       struct srv_wire_block *block)
{
    if (dir == SRV_WIRE_OUT && stream == NULL) {
        return false; /* a response to nobody: no hook knows what to do with that */
    }
    for (size_t i = 0; i < wire->active_count; i++) {
        srv_wire_block_hook hook = wire->active[i]->block[dir];
        if (hook != NULL && hook(wire, stream, block)) {
            return true;
        }
    }
    return false;
}

/* What cannot be decoded, or has too many fields, is the session's to refuse, or the client's. */
static void pass_bad_block(struct srv_wire *wire, enum srv_wire_dir dir, uint32_t stream)
{
    static const uint8_t bad[] = {BAD_INDEX};
    srv_wire_put(wire, dir,
                 &(struct srv_wire_frame){.type = SL_H2_HEADERS,
                                          .flags = SL_H2_FLAG_END_HEADERS,
                                          .stream = stream,
                                          .payload = sl_span(bad, sizeof(bad))});
}

static void note_fields(struct srv_wire_stream *stream, enum srv_wire_dir dir,
                        const struct srv_wire_block *block)
{
    size_t at = srv_wire_find(block, dir == SRV_WIRE_IN ? ":path" : "grpc-status");
    if (stream == NULL || at == block->count) {
        return;
    }
    if (dir == SRV_WIRE_IN) {
        (void)snprintf(stream->path, sizeof(stream->path), "%.*s",
                       SL_SPAN_ARG(block->fields[at].value));
    } else {
        stream->is_error = !sl_span_is(block->fields[at].value, "0");
    }
}

static void take_block(struct srv_wire *wire, enum srv_wire_dir dir)
{
    const struct srv_wire_frame *head = &wire->head[dir];
    struct sl_headers headers = {0};
    struct srv_wire_block *block = sl_alloc(sizeof(*block));
    enum sl_status status =
        sl_hpack_decode(wire->decoder[dir], sl_buf_span(&wire->block[dir]), &headers);
    struct srv_wire_stream *stream = stream_of(wire, dir, SL_H2_HEADERS, head->stream);
    block->stream = head->stream;
    block->is_end = (head->flags & SL_H2_FLAG_END_STREAM) != 0;
    if (status != SL_OK || headers.is_truncated || headers.count > SRV_WIRE_FIELDS) {
        pass_bad_block(wire, dir, head->stream);
    } else {
        if (headers.count > 0) { /* an empty list has no fields */
            memcpy(block->fields, headers.fields, headers.count * sizeof(*headers.fields));
        }
        block->count = headers.count;
        note_fields(stream, dir, block);
        if (!show_block(wire, dir, stream, block)) {
            srv_wire_put_block(wire, dir, block);
        }
        note(stream, dir, SL_H2_HEADERS, head->flags, 0);
    }
    sl_headers_release(&headers);
    sl_free(block);
}

/* --- frames --- */

static bool show_frame(struct srv_wire *wire, enum srv_wire_dir dir, struct srv_wire_stream *stream,
                       struct srv_wire_frame *frame)
{
    for (size_t i = 0; i < wire->active_count; i++) {
        srv_wire_frame_hook hook = wire->active[i]->frame[dir];
        if (hook != NULL && hook(wire, stream, frame)) {
            return true;
        }
    }
    return false;
}

/* The encoder towards the client keeps within the table that it announces. */
static void follow_settings(struct srv_wire *wire, const struct srv_wire_frame *frame)
{
    struct sl_span rest = frame->payload;
    if (frame->type != SL_H2_SETTINGS || (frame->flags & SL_H2_FLAG_ACK) != 0 ||
        wire->encoder[SRV_WIRE_OUT] == NULL) {
        return;
    }
    for (; rest.len >= 6; rest = sl_span_from(rest, 6)) {
        if (((rest.data[0] << 8) | rest.data[1]) == SL_H2_SETTINGS_HEADER_TABLE_SIZE) {
            uint32_t size = (uint32_t)rest.data[2] << 24 | (uint32_t)rest.data[3] << 16 |
                            (uint32_t)rest.data[4] << 8 | rest.data[5];
            size = size < TABLE_SIZE ? size : TABLE_SIZE;
            sl_hpack_encoder_set_table_size(wire->encoder[SRV_WIRE_OUT],
                                            wire->wrong->hpack_table_size_ignored ? TABLE_SIZE_LARGE
                                                                                  : size);
        }
    }
}

/* A part of a block that is read. False: it is none, or not in order. */
static bool take_part(struct srv_wire *wire, enum srv_wire_dir dir,
                      const struct sl_h2_frame_header *header, const struct srv_wire_frame *frame)
{
    bool begins = frame->type == SL_H2_HEADERS && !wire->is_in_block[dir];
    bool goes_on = frame->type == SL_H2_CONTINUATION && wire->is_in_block[dir] &&
                   frame->stream == wire->head[dir].stream;
    struct sl_span content = frame->payload;
    if (!wire->reads_blocks[dir] || (!begins && !goes_on) ||
        (begins && sl_h2_frame_content(header, frame->payload, &content) != SL_OK)) {
        return false;
    }
    if (begins) {
        wire->head[dir] = *frame;
        sl_buf_clear(&wire->block[dir]);
        wire->is_in_block[dir] = true;
    }
    if (sl_buf_add_span(&wire->block[dir], content) != SL_OK) {
        pass_bad_block(wire, dir, frame->stream);
        wire->is_raw[dir] = true;
    } else if ((frame->flags & SL_H2_FLAG_END_HEADERS) != 0) {
        wire->is_in_block[dir] = false;
        take_block(wire, dir);
    }
    return true;
}

static void take_frame(struct srv_wire *wire, enum srv_wire_dir dir,
                       const struct sl_h2_frame_header *header, struct sl_span payload)
{
    struct srv_wire_frame frame = {header->type, header->flags, header->stream,
                                   header->has_reserved_bit, payload};
    if (take_part(wire, dir, header, &frame)) {
        return;
    }
    if (wire->is_in_block[dir]) {
        /* An error of the peer, which the session finds by itself once it is in a block too (RFC 9113 6.10). */
        srv_wire_put(wire, dir,
                     &(struct srv_wire_frame){SL_H2_HEADERS, 0, wire->head[dir].stream, false,
                                              sl_buf_span(&wire->block[dir])});
        wire->is_raw[dir] = true;
    }
    struct srv_wire_stream *stream = stream_of(wire, dir, frame.type, frame.stream);
    if (dir == SRV_WIRE_IN) {
        follow_settings(wire, &frame);
    }
    if (!show_frame(wire, dir, stream, &frame) &&
        !(wire->ledger != NULL && srv_wire_ledger_take(wire, dir, stream, &frame))) {
        srv_wire_put(wire, dir, &frame);
    }
    note(stream, dir, header->type, header->flags, header->length);
}

/* The first whole frame of bytes, or nothing. How many bytes went. */
static size_t take_first(struct srv_wire *wire, enum srv_wire_dir dir, struct sl_span bytes)
{
    struct sl_h2_frame_header header;
    if (dir == SRV_WIRE_IN && !wire->has_preface) {
        size_t len = bytes.len < SL_H2_PREFACE_SIZE ? bytes.len : SL_H2_PREFACE_SIZE;
        if (memcmp(bytes.data, SL_H2_PREFACE, len) != 0) {
            wire->is_raw[SRV_WIRE_IN] = true;
            wire->is_deaf = wire->wrong->bad_preface_hangs;
            return 0;
        }
        if (len < SL_H2_PREFACE_SIZE) {
            return 0;
        }
        (void)sl_buf_add(wire->to[dir], bytes.data, len);
        wire->has_preface = true;
        return len;
    }
    if (sl_h2_frame_header_read(bytes, &header) != SL_OK) {
        return 0;
    }
    if (header.length > SRV_WIRE_FRAME_MAX) {
        wire->unread[dir] = SL_H2_FRAME_HEADER_SIZE + (size_t)header.length;
        return 0;
    }
    struct sl_span payload = sl_span_from(bytes, SL_H2_FRAME_HEADER_SIZE);
    if (payload.len < header.length) {
        return 0;
    }
    take_frame(wire, dir, &header, sl_span_first(payload, header.length));
    return SL_H2_FRAME_HEADER_SIZE + (size_t)header.length;
}

static void take(struct srv_wire *wire, enum srv_wire_dir dir, struct sl_span bytes)
{
    struct sl_buf *part = &wire->part[dir];
    (void)sl_buf_add_span(part, bytes);
    size_t taken = 0;
    size_t before = 0;
    do {
        struct sl_span rest = sl_span_from(sl_buf_span(part), taken);
        before = taken;
        if (wire->is_raw[dir] || wire->unread[dir] > 0) {
            size_t len =
                wire->is_raw[dir] || wire->unread[dir] > rest.len ? rest.len : wire->unread[dir];
            if (dir == SRV_WIRE_OUT || !wire->is_deaf) {
                (void)sl_buf_add_span(wire->to[dir], sl_span_first(rest, len));
            }
            wire->unread[dir] -= wire->is_raw[dir] ? 0 : len;
            taken += len;
        } else if (rest.len > 0) {
            taken += take_first(wire, dir, rest);
        }
        /* Not whole, or too long now: once more for what was found out. */
    } while (taken > before || (taken < part->len && (wire->is_raw[dir] || wire->unread[dir] > 0)));
    sl_buf_consume(part, taken);
}

void srv_wire_in(struct srv_wire *wire, struct sl_span bytes, struct sl_buf *session)
{
    wire->to[SRV_WIRE_IN] = session;
    wire->to[SRV_WIRE_OUT] = &wire->left;
    for (; bytes.len > 0; bytes = sl_span_from(bytes, SRV_WIRE_FRAME_MAX / 2)) {
        take(wire, SRV_WIRE_IN, sl_span_first(bytes, SRV_WIRE_FRAME_MAX / 2));
    }
}

void srv_wire_out(struct srv_wire *wire, struct sl_span bytes, struct sl_buf *client)
{
    (void)sl_buf_add_span(client, sl_buf_span(&wire->left));
    sl_buf_clear(&wire->left);
    wire->to[SRV_WIRE_OUT] = client;
    wire->to[SRV_WIRE_IN] = NULL;
    for (; bytes.len > 0; bytes = sl_span_from(bytes, SRV_WIRE_FRAME_MAX / 2)) {
        take(wire, SRV_WIRE_OUT, sl_span_first(bytes, SRV_WIRE_FRAME_MAX / 2));
    }
    srv_wire_ledger_send(wire);
    wire->to[SRV_WIRE_OUT] = &wire->left;
}
