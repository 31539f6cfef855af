/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TRAFFIC_H
#define HAR_TRAFFIC_H

/*
 * The messages of a play by time: what was published to each room, what an actor was to get of it and what came.
 *
 * Times are those of the clock (sl_clock_mono_ns), of the sending of a message. A message counts for a reader where the
 * server accepted it while the reader's subscription was registered; messages whose id the scenario chose are left out,
 * as the server may rightly take them for repeats, and so are the last ones before the end, which may be under way.
 */
#include "harness/engine/play.h"

struct har_traffic;

struct har_traffic *har_traffic_new(struct har_play *play);
void har_traffic_free(struct har_traffic *traffic);

/* The streams of an actor, by opening: har_noted_stream indices in order. */
const size_t *har_traffic_streams(const struct har_traffic *traffic, const struct har_actor *actor,
                                  size_t *ret_count);

struct har_delay {
    uint64_t sent_ns, delay_ns;
};

/* One actor's messages: of a reader those that came, of a publisher those that were answered. */
struct har_ledger {
    const struct har_traffic *traffic;
    const struct har_actor *actor;
    bool is_reader;
    struct har_delay *delays; /* by sending */
    size_t count;
    uint64_t *scratch; /* as many */
};

/* What happened to the messages that were sent in a while. */
struct har_account {
    uint64_t
        wanted; /* of a reader: were to come; of a publisher: were sent, and were to be answered */
    uint64_t got; /* came, or were answered */
    uint64_t
        unanswered; /* of a reader: more were sent to its room and the server did not say what it did */
    uint64_t errors; /* of a publisher: answered with a status that was not asked for; among got */
    uint64_t delays; /* of those that came */
    uint64_t p99_ns, max_ns;
};

/* Is_reader: the messages that it received; else the answers to what it sent. */
void har_ledger_init(struct har_ledger *ledger, const struct har_traffic *traffic,
                     const struct har_actor *actor, bool is_reader);
void har_ledger_release(struct har_ledger *ledger);
/* Of messages sent from from_ns on and before to_ns. */
struct har_account har_ledger_read(const struct har_ledger *ledger, uint64_t from_ns,
                                   uint64_t to_ns);

#endif
