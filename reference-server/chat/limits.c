/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/limits.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"

void srv_limit_texts_init(struct srv_limit_texts *texts, const struct srv_limits *limits)
{
    const struct {
        const char *what;
        uint64_t value;
        const char *unit;
    } parts[SRV_LIMIT_COUNT] = {
        [SRV_LIMIT_ROOMS] = {"there are too many rooms", limits->max_rooms, ""},
        [SRV_LIMIT_ROOM_SUBSCRIBERS] = {"the room has too many subscribers",
                                        limits->max_room_subscribers, ""},
        [SRV_LIMIT_SUBSCRIPTIONS] = {"there are too many subscriptions", limits->max_subscriptions,
                                     ""},
        [SRV_LIMIT_MEMORY] = {"too many bytes of messages are waiting", limits->memory, ""},
        [SRV_LIMIT_STALL] = {"slow consumer", limits->stall_ns / SL_MS, "ms"},
    };
#define LABEL(name, label) label,
    static const char *const options[] = {SRV_LIMITS(LABEL)};
#undef LABEL
    for (size_t i = 0; i < SRV_LIMIT_COUNT; i++) {
        (void)snprintf(texts->text[i], sizeof(texts->text[i]), "%s (--%s %" PRIu64 "%s)",
                       parts[i].what, options[i], parts[i].value, parts[i].unit);
    }
}
