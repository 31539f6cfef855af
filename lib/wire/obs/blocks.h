/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_BLOCKS_H
#define SL_OBS_BLOCKS_H

/* Internal: what a header block means for its call, wherever its fields were read. */
#include "lib/wire/obs/state.h"

/* The fields of the request are in request.headers. */
void sl_obs_request_fields(struct sl_observer *observer, struct sl_obs_call *call);
/* The first fields of the response are in response.headers: of the response, or before it (1xx), or the
 * last ones of a response whose beginning was not seen. */
void sl_obs_response_fields(struct sl_observer *observer, struct sl_obs_call *call, bool is_last);
/* The handler's event. */
void sl_obs_tell_block(struct sl_observer *observer, struct sl_obs_call *call, enum sl_block block,
                       const struct sl_headers *headers);

#endif
