/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_BODY_H
#define SL_OBS_BODY_H

/* Internal: the messages in the bodies of calls, however those come: in DATA frames or over HTTP/1.1. */
#include "lib/wire/obs/state.h"

/* Content of a body. Where the call is_lost in this direction it is only counted. */
void sl_obs_body_feed(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir,
                      struct sl_span content);
/* count bytes of a body are missing; 0: all that follow. */
void sl_obs_body_skip(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir,
                      uint64_t count);
/* A side's end: the message of SL_FRAMING_WHOLE is there, any other is cut short. */
void sl_obs_body_finish(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir);
/* The message of a Connect GET, which is in the query. */
void sl_obs_body_of_query(struct sl_observer *observer, struct sl_obs_call *call);
/* The message that a side's end or a gap cuts short. */
void sl_obs_body_partial(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir);

#endif
