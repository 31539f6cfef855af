/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_WIRE_DEVIATION_H
#define SRV_WIRE_DEVIATION_H

/*
 * What the files of this folder share: how a wrong server at the wire is written.
 *
 * A deviation is a row of a group's table: the switch of misbehave.def that turns it on and the hooks that do it. A hook
 * that returns true has taken what it was shown: it is dropped, or was written otherwise by the functions below. Hooks run in
 * the order of their rows; the first that takes ends the row. The stream is shown as it was before.
 */
#include <uthash.h>

#include "lib/wire/h2_frame.h"
#include "lib/wire/hpack.h"
#include "reference-server/frontend/h2/wire/wire.h"

enum {
    SRV_WIRE_FRAME_MAX = 1024 * 1024,
    SRV_WIRE_BLOCK_MAX = 1024 * 1024,
    SRV_WIRE_FIELDS = 128, /* of a block; more pass unread */
    SRV_WIRE_PATH = 96,
};

/* Where bytes go. */
enum srv_wire_dir {
    SRV_WIRE_IN,  /* from the client to the session */
    SRV_WIRE_OUT, /* from the session to the client */
    SRV_WIRE_DIRS,
};

struct srv_wire_frame {
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
    bool has_reserved_bit;
    struct sl_span payload;
};

/* One header block, whole. */
struct srv_wire_block {
    uint32_t stream;
    bool is_end;  /* END_STREAM */
    bool is_bare; /* write no END_HEADERS: a frame of the hook's own ends it */
    struct sl_header fields[SRV_WIRE_FIELDS];
    size_t count;
};

/* One stream, by direction. */
struct srv_wire_stream {
    uint32_t id;
    unsigned blocks[SRV_WIRE_DIRS];
    uint64_t data[SRV_WIRE_DIRS];   /* payload bytes of DATA, padding included */
    uint64_t frames[SRV_WIRE_DIRS]; /* of DATA */
    bool is_ended[SRV_WIRE_DIRS];
    bool is_reset[SRV_WIRE_DIRS];
    bool is_error;            /* a grpc-status but 0 was sent; known only where blocks are read */
    char path[SRV_WIRE_PATH]; /* as far; the same */
    struct srv_wire_queue *queue; /* ledger.c */
    int64_t window;               /* ledger.c */
    uint64_t note[2];             /* a deviation's own */
    UT_hash_handle hh;
};

struct srv_wire_ledger;

struct srv_wire {
    const struct srv_misbehave *wrong;
    struct sl_buf part[SRV_WIRE_DIRS];         /* a frame that is not whole yet */
    struct sl_buf block[SRV_WIRE_DIRS];        /* of a block that is not whole yet */
    struct srv_wire_frame head[SRV_WIRE_DIRS]; /* the HEADERS that began it; no payload */
    size_t unread[SRV_WIRE_DIRS];              /* bytes left of a frame that is too long */
    bool is_in_block[SRV_WIRE_DIRS];
    bool is_raw[SRV_WIRE_DIRS]; /* no HTTP/2, or past reading: all passes */
    bool is_deaf;               /* a wrong server: nothing of the client goes on */
    bool reads_blocks[SRV_WIRE_DIRS];
    bool has_preface;
    struct sl_hpack_decoder *decoder[SRV_WIRE_DIRS];
    struct sl_hpack_encoder *encoder[SRV_WIRE_DIRS];
    struct srv_wire_stream *streams;
    uint32_t last_id;                 /* the highest stream that the client has begun */
    struct sl_buf *to[SRV_WIRE_DIRS]; /* where the writers append */
    struct sl_buf left;               /* for the client, written while bytes of it were read */
    struct srv_wire_ledger *ledger;   /* NULL: the session keeps the windows */
    const struct srv_wire_deviation **active;
    size_t active_count;
    uint64_t note[4];   /* a deviation's own */
    struct sl_buf held; /* the same */
};

typedef bool (*srv_wire_frame_hook)(struct srv_wire *wire, struct srv_wire_stream *stream,
                                    struct srv_wire_frame *frame);
typedef bool (*srv_wire_block_hook)(struct srv_wire *wire, struct srv_wire_stream *stream,
                                    struct srv_wire_block *block);

struct srv_wire_deviation {
    size_t field; /* offsetof(struct srv_misbehave, ...) */
    /* stream is NULL for frames of the connection, and of streams that were never begun; never for a block of OUT. Where blocks are read in a
     * direction its HEADERS and CONTINUATION frames come as blocks only. */
    srv_wire_frame_hook frame[SRV_WIRE_DIRS];
    srv_wire_block_hook block[SRV_WIRE_DIRS];
    bool has_ledger; /* the filter keeps the windows in place of the session (ledger.h) */
};
struct srv_wire_group {
    const struct srv_wire_deviation *deviations;
    size_t count;
};
/* The head of a hook. */
#define SRV_WIRE_FRAME_HOOK(name)                                           \
    static bool name(struct srv_wire *wire, struct srv_wire_stream *stream, \
                     struct srv_wire_frame *frame)
#define SRV_WIRE_BLOCK_HOOK(name)                                           \
    static bool name(struct srv_wire *wire, struct srv_wire_stream *stream, \
                     struct srv_wire_block *block)
/* The row of a switch: SRV_WIRE_DEVIATION(status_twice, .block[SRV_WIRE_OUT] = status_twice) */
#define SRV_WIRE_DEVIATION(switch, ...)                              \
    {                                                                \
        .field = offsetof(struct srv_misbehave, switch), __VA_ARGS__ \
    }

extern const struct srv_wire_group srv_wire_group_response; /* wrong_response.c: what it answers */
extern const struct srv_wire_group srv_wire_group_download; /* wrong_download.c: its messages */
extern const struct srv_wire_group srv_wire_group_upload;   /* wrong_upload.c: those it takes */
extern const struct srv_wire_group srv_wire_group_later; /* wrong_later.c: those behind the first */
extern const struct srv_wire_group srv_wire_group_status; /* wrong_status.c: how an error is told */
extern const struct srv_wire_group srv_wire_group_request; /* wrong_request.c: what it takes */
extern const struct srv_wire_group srv_wire_group_flow;    /* wrong_flow.c: windows, both ways */
extern const struct srv_wire_group srv_wire_group_frames; /* wrong_frames.c: errors of the client */
extern const struct srv_wire_group srv_wire_group_hpack;  /* wrong_hpack.c: decoders of HPACK */
extern const struct srv_wire_group srv_wire_group_limits; /* wrong_limits.c: limits not kept */
extern const struct srv_wire_group srv_wire_group_control; /* wrong_control.c: the connection */

/* --- writers: to the session or to the client, right or wrong as told --- */

void srv_wire_put(struct srv_wire *wire, enum srv_wire_dir dir, const struct srv_wire_frame *frame);
void srv_wire_put_data(struct srv_wire *wire, enum srv_wire_dir dir, uint32_t stream, uint8_t flags,
                       struct sl_span payload);
/* By the encoder of that direction; HEADERS, and CONTINUATION above 16,384 bytes. */
void srv_wire_put_block(struct srv_wire *wire, enum srv_wire_dir dir,
                        const struct srv_wire_block *block);
/* A block of literals that touch no table, which may be what the encoder would refuse. */
void srv_wire_put_literal_block(struct srv_wire *wire, enum srv_wire_dir dir,
                                const struct srv_wire_block *block);

/* --- fields of a block; names and values are borrowed --- */

/* The field's number, or count. */
size_t srv_wire_find(const struct srv_wire_block *block, const char *name);
bool srv_wire_has(const struct srv_wire_block *block, const char *name, const char *value);
/* Sets the first of that name, or appends it. */
void srv_wire_set(struct srv_wire_block *block, const char *name, const char *value);
void srv_wire_insert(struct srv_wire_block *block, size_t at, const char *name, const char *value);
void srv_wire_remove(struct srv_wire_block *block, const char *name);

#endif
