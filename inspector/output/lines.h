/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_LINES_H
#define INS_LINES_H

/*
 * Records on their way out, one JSON object a line or what a renderer makes of it, gathered into large
 * writes.
 *
 * A record is built in place: ins_lines_begin, write one value, ins_lines_end. What a record must not
 * exceed is checked by who writes it; one that passes INS_LINES_RECORD_MAX all the same is replaced by
 * nothing and counted.
 */
#include "lib/base/json_out.h"
#include "lib/base/progress.h"

enum {
    INS_LINES_RECORD_MAX = 16 * 1024 * 1024,
    INS_LINES_FLUSH = 256 * 1024,
};

/* Makes of each record something else than its line of JSON. */
struct ins_renderer {
    /* Appends what record, one JSON object, becomes. */
    void (*record)(struct ins_renderer *renderer, struct sl_span record, struct sl_buf *out);
    /* Nothing more comes; summary is the record of that name, of which record() may have had none. */
    void (*end)(struct ins_renderer *renderer, struct sl_span summary, struct sl_buf *out);
    void (*free)(struct ins_renderer *renderer);
};

struct ins_lines {
    int fd;                       /* borrowed */
    struct sl_progress *progress; /* NULL: none; to be gone before a write */
    struct sl_buf buf;
    struct sl_json_out out;
    size_t record_at;
    struct ins_renderer *renderer; /* NULL: none; owned */
    struct sl_buf rendered;
    uint64_t oversized; /* records that were left out */
    size_t held_bytes;  /* of records that wait elsewhere */
    uint64_t unheld;    /* records that found no room there */
    int error;          /* errno of the first failed write */
};

void ins_lines_init(struct ins_lines *lines, int fd);
/* Before the first record; lines takes it over. */
void ins_lines_render(struct ins_lines *lines, struct ins_renderer *renderer);
void ins_lines_release(struct ins_lines *lines);

struct sl_json_out *ins_lines_begin(struct ins_lines *lines);
void ins_lines_end(struct ins_lines *lines);

/* The renderer's end. */
void ins_lines_finish(struct ins_lines *lines, struct sl_span summary);
/* In place of ins_lines_end: the record goes to held, as long as it and all others held so have room in
 * max; else it is left out. */
void ins_lines_hold(struct ins_lines *lines, struct sl_buf *held, size_t max);
/* What is held goes out, or, when it is not wanted, nowhere. */
void ins_lines_release_held(struct ins_lines *lines, const struct sl_buf *held, bool is_wanted);

/* Writes out what is gathered. SL_IO when any write has failed so far. */
SL_MUST_USE enum sl_status ins_lines_flush(struct ins_lines *lines);

#endif
