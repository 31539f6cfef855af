/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RPC_STATUS_H
#define HAR_RPC_STATUS_H

/*
 * The details of a status, as grpc-status-details-bin brings them: a google.rpc.Status (SEND-10).
 *
 * Reads hostile bytes; allocates nothing.
 */
#include "lib/base/span.h"

/* What is wrong with status, of which the code and a google.rpc.BadRequest with a violation of field are wanted; NULL:
 * nothing. Other details and other violations may stand beside it. */
const char *har_rpc_status_problem(struct sl_span status, uint32_t code, const char *field);

#endif
