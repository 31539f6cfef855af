/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_LINK_H
#define HAR_PROBE_LINK_H

/* One connection of a class: what was written to it, and what came of it. */
#include "harness/probe/class.h"
#include "harness/probe/probe.h"

struct har_probe_link {
    const struct har_probe_class *of;
    struct har_conn *conn;
    struct har_probe_wire wire;
    uint64_t begin_ns;
    uint32_t sent;    /* units */
    uint64_t bytes;   /* of them, and of what stood before */
    uint64_t sent_ns; /* the last batch */
    bool is_connected, has_settings, has_ended, has_begun;
    bool has_end; /* what stands behind the last unit was written */
    bool is_late; /* the limit came only after that */
    bool is_over; /* what comes now is of something else */
    bool has_goaway, is_served;
    uint32_t ping_acks, settings_acks, resets;
    uint64_t unsent, drained_ns; /* what waited for the socket, and when that was less last */
    enum har_probe_limit limit;
    char limit_text[96];
    uint32_t limit_after;
    uint64_t limit_bytes, limit_ns;
};

/* Connects; conn says where. link is zeroed, and stays where it is. */
void har_probe_link_start(struct har_probe_link *link, uv_loop_t *loop,
                          const struct har_conn_config *conn);
bool har_probe_link_is_ready(const struct har_probe_link *link);
/* Writes up to count units, with what the connection begins with before the first one. */
void har_probe_link_write(struct har_probe_link *link, uint32_t count, bool syncs);
/* What stands behind the last unit, where no limit was seen so far. */
void har_probe_link_finish(struct har_probe_link *link);
/* Whether all is acknowledged that asks for it. */
bool har_probe_link_is_synced(const struct har_probe_link *link);
/* Whether it takes no more bytes at the moment; notes whether it does at all. */
bool har_probe_link_is_choked(struct har_probe_link *link, uint64_t now_ns);
/* Notes the first limit. */
void har_probe_link_limit(struct har_probe_link *link, enum har_probe_limit limit,
                          const char *text);
/* What the server sent for each unit. */
uint32_t har_probe_link_answered(const struct har_probe_link *link);

#endif
