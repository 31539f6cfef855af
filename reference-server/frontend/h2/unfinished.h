/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_UNFINISHED_H
#define SRV_H2_UNFINISHED_H

/*
 * Bytes of requests that the service has not been given: messages of which a part has come, whole ones whose client has
 * not half-closed (inflated, where they came compressed), and what waits on a stream that is not read. All clients
 * together may make the server hold as many as --memory says, beside the messages that the chat core holds. Beyond it
 * the connection that holds most loses calls, those that hold at least its average and the oldest of them first, with
 * RESOURCE_EXHAUSTED, until a quarter is free. So a client with few bytes loses nothing to one with many.
 */
#include "reference-server/frontend/h2/internal.h"

/* What the call holds may have changed. It and any other call may have been ended then, none was freed. */
void srv_h2_unfinished_note(struct srv_h2_call *call);

/* The call is ended or served: lets go of all that it holds of its request. */
void srv_h2_unfinished_drop(struct srv_h2_call *call);

#endif
