/* SPDX-License-Identifier: Apache-2.0 */
/* What the wrong servers do in this front end, but for what is one line where it belongs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/log.h"
#include "reference-server/frontend/h2/internal.h"

enum {
    RESET_CALL_LEAK = 32 * 1024, /* bytes */
    CRASH_EXIT = 70,
    OVER_LIMIT_BYTES = 1024 * 1024,
};

static void crash(const char *why)
{
    sl_log(SL_LOG_ERROR, "misbehave", "the process ends: %s", why);
    _exit(CRASH_EXIT);
}

void srv_h2_wrong_garbage(const struct srv_h2 *h2)
{
    if (h2->wrong->crash_on_garbage) {
        crash("a message is no protobuf");
    }
}

void srv_h2_wrong_reset(const struct srv_h2_call *call)
{
    const struct srv_misbehave *wrong = call->conn->h2->wrong;
    if (wrong->leak_reset_call) {
        memset(sl_alloc(RESET_CALL_LEAK), 1, RESET_CALL_LEAK);
    }
    if (call->stream != NULL && wrong->crash_on_rst) {
        crash("a client left in the middle of a stream");
    }
    if (call->stream != NULL && call->is_refused && call->stream->ops->receive != NULL &&
        wrong->crash_on_late_cancel) {
        crash("a client cancelled a stream that was being ended");
    }
}

uint32_t srv_h2_wrong_max_message(const struct srv_h2 *h2)
{
    size_t max = h2->config->max_message;
    if (h2->wrong->limit_one_less) {
        max--;
    } else if (h2->wrong->over_limit_accepted || h2->wrong->over_limit_wrong_status) {
        max += OVER_LIMIT_BYTES;
    }
    return max > INT32_MAX ? INT32_MAX : (uint32_t)max;
}
