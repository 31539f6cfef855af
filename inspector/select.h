/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SELECT_H
#define INS_SELECT_H

/*
 * Which calls the user wants to see. It never changes how connections and calls are numbered.
 *
 * A call is selected when it satisfies every kind of criterion that is given: one of the methods, one of
 * the statuses, all peers, all metadata. Some of it is known only when the call ends; until then it is
 * MAYBE, and the records of the call wait (view/held.h).
 */
#include "inspector/view/view.h"

enum {
    INS_SELECT_MAX = 32, /* of each kind */
};

enum ins_selected { INS_SELECTED_NO, INS_SELECTED_MAYBE, INS_SELECTED_YES };

struct ins_select_status {
    bool is_open; /* calls that had none */
    uint32_t code;
};

/* Either end of the TCP connection, or of what its PROXY headers and CONNECTs tell. */
struct ins_select_peer {
    bool has_address;
    struct ins_address address;
    unsigned prefix; /* bits of it that count */
    uint16_t port;   /* 0: any */
};

/* A field of the request's metadata, the response's, or the trailers of either. */
struct ins_select_metadata {
    const char *text; /* "NAME" or "NAME=GLOB" */
    size_t name_len;
    const char *glob; /* NULL: any value */
};

struct ins_select_time {
    bool is_given;
    bool is_offset; /* from the first packet that has a time, until ins_select_begin() */
    uint64_t ns;
};

struct ins_select {
    const char *methods[INS_SELECT_MAX]; /* globs */
    size_t method_count;
    struct ins_select_status statuses[INS_SELECT_MAX];
    size_t status_count;
    struct ins_select_peer peers[INS_SELECT_MAX];
    size_t peer_count;
    struct ins_select_metadata metadata[INS_SELECT_MAX];
    size_t metadata_count;
    struct ins_select_time since, until;
    uint64_t call; /* 0: any */
};

/* True when anything is asked for. */
bool ins_select_is_selective(const struct ins_select *select);

/* The capture's first time: offsets become times. */
void ins_select_begin(struct ins_select *select, uint64_t first_ns);

/* What can be told of call by now. has_ended: never MAYBE. is_by_event: the view shows events, which
 * ins_select_at() selects by their own times, so that the times of the call do not count. A call is
 * selected by time when it was under way between since and until; one without times is not. */
enum ins_selected ins_select_call(const struct ins_select *select, const struct ins_call *call,
                                  bool has_ended, bool is_by_event);

/* True for an event that began before until and ended after since. */
bool ins_select_at(const struct ins_select *select, const struct sl_at *begin,
                   const struct sl_at *end);

#endif
