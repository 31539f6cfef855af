/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TARGET_H
#define HAR_TARGET_H

/*
 * The server under test: at an address, or spawned by --exec. Ready by a real RPC; asked again after
 * each scenario whether it still serves (the canary).
 *
 * Life: one loop, one thread; callbacks come from the loop.
 */
#include "harness/target/process.h"
#include "harness/target/ready.h"

enum {
    HAR_TARGET_TEXT_MAX = 512,
};

struct har_binding; /* harness/binding/binding.h */
struct har_target;
/* SL_OK, or why it does not serve. */
typedef void har_target_fn(void *owner, enum sl_status status, const char *text);

struct har_target_config {
    uv_loop_t *loop;
    const char *command;         /* --exec; NULL: the address in conn */
    struct har_conn_config conn; /* host, port, tls, authority, capture */
    const struct sl_header *metadata;
    size_t metadata_count;
    const struct har_binding *binding; /* whose unary method is called; NULL: chat.v1 */
    pid_t pid;                         /* --pid; 0: unknown */
    uint64_t ready_ns; /* until the first answer, and after a restart; 0: 10 s, spawned 30 s */
};

/* Somebody who wants what a spawned server writes from now on; zeroed but for the first two. */
struct har_watch {
    void (*output)(void *owner, struct sl_span bytes);
    void *owner;
    struct har_watch *next, **place; /* the target's */
};
/* Until har_target_unwatch, or until the target is freed. A line says when it was started again. */
void har_target_watch(struct har_target *target, struct har_watch *watch);
/* Fine for one that is watching no (more). */
void har_target_unwatch(struct har_watch *watch);

struct har_target *har_target_new(const struct har_target_config *config);
/* Copies the text of one that serves where it says that it does not serve us: many failures will have this one reason. */
void har_target_note_refusal(const char *text, char noted[HAR_TARGET_TEXT_MAX]);
/* Spawns where that is asked for, and waits until a real RPC is answered. */
void har_target_start(struct har_target *target, har_target_fn *done, void *owner);
/* One fresh RPC on a fresh connection. One at a time. */
void har_target_canary(struct har_target *target, har_target_fn *done, void *owner);
/* Another server by the same command, not started yet. NULL where none is spawned. */
struct har_target *har_target_another(const struct har_target *target);
/* Kills what was spawned and starts it again on the same port. */
void har_target_restart(struct har_target *target, har_target_fn *done, void *owner);
/* The answer to what was asked is not wanted any more. */
void har_target_forget(struct har_target *target);
/* Signals what was spawned with all its group, or the process of --pid. SL_CLOSED when it has ended. */
enum sl_status har_target_signal(struct har_target *target, int signal_number);
/* Whether anything is left of the process. */
bool har_target_is_alive(const struct har_target *target);
/* As a shell tells it: 128 and the signal for one that a signal ended; -1 where that is not known (yet). */
int har_target_exit_status(const struct har_target *target);
/* Ends what was spawned. */
void har_target_stop(struct har_target *target, har_target_fn *done, void *owner);
void har_target_free(struct har_target *target);

/* host and port as they are now (a spawned server has a new port after each start). */
const struct har_conn_config *har_target_conn(const struct har_target *target);
/* The shortest time that one of our calls took, with its connection; 0 before the first answer. */
uint64_t har_target_rtt_ns(const struct har_target *target);
pid_t har_target_pid(const struct har_target *target); /* 0: cannot be observed */
bool har_target_is_spawned(const struct har_target *target);
/* The end of what a spawned server wrote, as text for a reason; "" when there is none. */
const char *har_target_state(const struct har_target *target, char text[HAR_TARGET_TEXT_MAX]);
/* All that a spawned server wrote, as far as it is kept; empty when it is not spawned. */
struct sl_span har_target_output(const struct har_target *target);

#endif
