/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_FLOW_H
#define SL_OBS_FLOW_H

/* Internal: the ledger of both windows. RFC 9113 6.9. */
#include "lib/wire/obs/state.h"

void sl_obs_flow_init(struct sl_flow *flow);
int64_t sl_obs_window(const struct sl_observer *observer, enum sl_dir sender,
                      const struct sl_stream *stream);
/* A DATA frame that is not empty has begun. */
void sl_obs_flow_data(struct sl_observer *observer, enum sl_dir sender, struct sl_stream *stream,
                      uint32_t length);
void sl_obs_flow_update(struct sl_observer *observer, enum sl_dir sender, uint32_t id,
                        uint32_t increment);
/* The receiver's INITIAL_WINDOW_SIZE values that count for sender have changed. */
void sl_obs_flow_initial(struct sl_observer *observer, enum sl_dir sender);
void sl_obs_flow_distrust(struct sl_observer *observer, enum sl_dir sender);

#endif
