/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CALL_LOG_H
#define SRV_CALL_LOG_H

/*
 * The sink that logs: a line for each call that ended and each connection that came or went, by what --log-calls asks for.
 *
 *     none     nothing of calls and connections
 *     errors   calls that ended in an error: any status but OK and CANCELLED, which is how subscribers leave; connections
 *              that ended for another reason than that one side closed them, a drain or their age. At most SRV_LOG_ERRORS_A_SECOND lines a
 *              second: the others are counted, and a line says how many there were. So no client can fill a disk.
 *     all      every call, every connection at both its ends; nothing limits it but the log's buffer
 *
 * A line of a call has level warn where the server is at fault (see srv_is_server_fault()), else info.
 * Times are the front end's. Threads: those of telemetry.
 */
#include "reference-server/telemetry/telemetry.h"

enum {
    SRV_LOG_ERRORS_A_SECOND = 100,
};

enum srv_log_calls {
    SRV_LOG_CALLS_NONE,
    SRV_LOG_CALLS_ERRORS,
    SRV_LOG_CALLS_ALL,
};

struct srv_call_log {
    struct srv_sink base;
    enum srv_log_calls wish;
    uint64_t second; /* that lines are counted in */
    unsigned lines;
    uint64_t left_out; /* and not told yet */
};

/* wish is not NONE: then no sink is needed. */
void srv_call_log_init(struct srv_call_log *log, enum srv_log_calls wish);

/* Tells what was left out and not told. After the front end has ended. */
void srv_call_log_finish(struct srv_call_log *log);

#endif
