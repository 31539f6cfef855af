/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CHAT_METRICS_H
#define SRV_CHAT_METRICS_H

/* OPS-06: what the chat core counts of itself (chat/stats.h), as metrics. */
#include "reference-server/chat/chat.h"
#include "reference-server/telemetry/metrics.h"

/* Makes the families in metrics; chat is borrowed until metrics is freed. */
void srv_chat_metrics_add(struct srv_metrics *metrics, const struct srv_chat *chat);

#endif
