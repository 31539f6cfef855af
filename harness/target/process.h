/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROCESS_H
#define HAR_PROCESS_H

/*
 * The server under test as a child process: --exec 'CMD {port}'.
 *
 * The command runs by `sh -c` in a session and process group of its own, so that everything it starts
 * ends with it. stdout and stderr are one pipe, in the order written; the last
 * HAR_PROCESS_OUTPUT_MAX bytes are kept. Its death is noticed at once, by SIGCHLD.
 *
 * Life: one libuv loop, one thread; callbacks come from the loop. har_process_free may be called from
 * any callback; what is left of the group is then killed.
 */
#include <sys/types.h>
#include <uv.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    HAR_PROCESS_OUTPUT_MAX = 1024 * 1024,
    HAR_PROCESS_COMMAND_MAX = 64 * 1024,
    HAR_PROCESS_TEXT_MAX = 80,
};

struct har_process;

struct har_process_config {
    const char *command;      /* every "{port}" in it becomes the port; copied */
    uint16_t port;            /* 0: any free port of 127.0.0.1 */
    char *const *environment; /* "NAME=VALUE" beside our own, up to a NULL; NULL: none. Copied */
    /* The command's shell has ended; not called once har_process_stop was. May be NULL. */
    void (*exited)(void *owner, struct har_process *process);
    /* It wrote something. May be NULL. */
    void (*output)(void *owner, struct har_process *process, struct sl_span bytes);
    void *owner;
};

/* Starts the command. SL_USAGE for a command past its limit, SL_IO when the system refuses. */
SL_MUST_USE enum sl_status har_process_new(uv_loop_t *loop, const struct har_process_config *config,
                                           struct har_process **ret_process,
                                           struct sl_error *reterr_error);
/* Kills the group if it is still there. NULL is fine. */
void har_process_free(struct har_process *process);

typedef void har_process_stopped_fn(void *owner, struct har_process *process);
/* Ends the group: SIGTERM, SIGKILL when something of it is left after grace_ns; done() when nothing
 * is. Once per process. */
void har_process_stop(struct har_process *process, uint64_t grace_ns, har_process_stopped_fn *done,
                      void *owner);

/* Signals the shell and all its group. SL_CLOSED when nothing of it is left. */
enum sl_status har_process_signal(struct har_process *process, int signal_number);

/* Kills the groups of all processes at once: async-signal-safe. They are noticed to be gone as others are. */
void har_process_kill_all(void);
/* From now on SIGINT, SIGTERM and SIGHUP, where they would end this program, do so to all groups first. */
void har_process_die_together(void);

uint16_t har_process_port(const struct har_process *process);
/* Of the shell, or of what it became by exec; also the number of the group. */
pid_t har_process_pid(const struct har_process *process);
bool har_process_has_exited(const struct har_process *process);
/* Whether anything of its group is left, zombies not counted. */
bool har_process_is_alive(const struct har_process *process);
/* As a shell tells it: 128 and the signal where a signal ended it; -1 while it runs. */
int har_process_exit_status(const struct har_process *process);
/* "is running", "exited with status 1", "was ended by signal 11 (Segmentation fault)". */
const char *har_process_state(const struct har_process *process, char text[HAR_PROCESS_TEXT_MAX]);

/* What it wrote so far, the last HAR_PROCESS_OUTPUT_MAX bytes; borrowed until the loop runs again. */
struct sl_span har_process_output(const struct har_process *process);
/* How many bytes were written before those that are kept. */
uint64_t har_process_output_lost(const struct har_process *process);

/* A TCP port of 127.0.0.1 that was free a moment ago; 0 when there is none. */
uint16_t har_process_free_port(void);

#endif
