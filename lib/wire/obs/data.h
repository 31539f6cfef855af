/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_DATA_H
#define SL_OBS_DATA_H

/* Internal: DATA frames, and the messages in the bodies of calls. */
#include "lib/wire/obs/state.h"

void sl_obs_data_begin(struct sl_observer *observer, enum sl_dir dir);
/* A piece of content and padding, at most left bytes. */
void sl_obs_data_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span piece);
/* count bytes of the payload are missing; at most left. */
void sl_obs_data_skip(struct sl_observer *observer, enum sl_dir dir, uint64_t count);
void sl_obs_data_end(struct sl_observer *observer, enum sl_dir dir);

#endif
