/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_RUN_H
#define SRV_RUN_H

#include "reference-server/opts.h"

/* Serves until a signal has drained the server. SIGPIPE is ignored; SIGTERM and SIGINT are taken by the calling thread, so
 * call it before any other thread exists. */
SL_MUST_USE enum sl_status srv_run(const struct srv_opts *opts, struct sl_error *reterr_error);

#endif
