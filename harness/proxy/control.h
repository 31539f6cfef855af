/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CONTROL_H
#define HAR_CONTROL_H

/*
 * The proxy's control port: HTTP with JSON, for test suites in other languages.
 *
 *     GET /faults          {"faults":[{"id":1,"connections":2,"fault":{...}}]}
 *     POST /faults         a fault, or an array of them (all or none): 201 {"id":1} or {"ids":[1,2]}
 *     DELETE /faults       clears all: {"cleared":2}; DELETE /faults/1 clears one
 *
 * What is wrong is answered as {"error":"$.latancy: unknown key 'latancy'; did you mean 'latency'?","line":1}
 * with status 400 (bad fault), 404, 405, 409 (too many faults) or 413 (body longer than
 * HAR_FAULT_TEXT_MAX).
 *
 * libmicrohttpd runs on the proxy's loop, without a thread of its own.
 */
#include "harness/proxy/proxy.h"

struct har_control;

/* host and port as of har_proxy_config. The proxy must outlive it. SL_IO with the reason. */
SL_MUST_USE enum sl_status har_control_new(struct har_proxy *proxy, uv_loop_t *loop,
                                           const char *host, uint16_t port,
                                           struct har_control **ret_control,
                                           struct sl_error *reterr_error);
/* Where it listens, as text. */
const char *har_control_address(const struct har_control *control);
/* Ends its connections; the memory goes with the next turns of the loop. NULL is fine. */
void har_control_free(struct har_control *control);

#endif
