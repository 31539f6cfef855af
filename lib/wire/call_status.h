/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CALL_STATUS_H
#define SL_CALL_STATUS_H

/* The status of a call that has ended: from the wire where it is, else as clients derive it. */
#include "lib/wire/observer.h"

/* timeout_ns from grpc-timeout, or connect-timeout-ms of a Connect call. */
void sl_call_status_timeout(struct sl_call *call);

/* Sets has_status, code and status_source from everything else in the call. */
void sl_call_status_derive(struct sl_call *call);

#endif
