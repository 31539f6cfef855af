/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/wrong.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/log.h"
#include "reference-server/again.h"

enum {
    RESET_CALL_LEAK = 32 * 1024, /* bytes */
    ERROR_LEAK = 40 * 1024 * 1024,
    PAGE = 4096,
    DEADLY = 3, /* connections after an error */
    OVER_LIMIT_BYTES = 1024 * 1024,
    INFLATED_MAX = 1024 * 1024 * 1024,
};

static void crash(const char *why)
{
    sl_log(SL_LOG_ERROR, "misbehave", "the process ends: %s", why);
    _exit(SRV_CRASH_EXIT);
}

/* A harness plays nothing against a server that never answered. */
static bool is_first(const struct srv_h2 *h2)
{
    return h2->connection_numbers == 0;
}

bool srv_h2_wrong_is_spared(const struct srv_h2 *h2)
{
    return h2->wrong->answers_nothing && is_first(h2);
}

bool srv_h2_wrong_hangs_up(const struct srv_h2 *h2)
{
    return h2->wrong->closes_at_once && !is_first(h2);
}

void srv_h2_wrong_accepted(struct srv_h2 *h2)
{
    if (h2->wrong->dies_after_error && h2->wrong_left > 0 && --h2->wrong_left == 0) {
        crash("a client made an error, some connections ago");
    }
}

/* Memory that is in use, as far as the compiler and the kernel know. */
static void leak(size_t size)
{
    volatile uint8_t *bytes = sl_alloc(size);
    for (size_t i = 0; i < size; i += PAGE) {
        bytes[i] = 1;
    }
}

void srv_h2_wrong_error(struct srv_h2 *h2)
{
    h2->wrong_left = DEADLY;
    if (h2->wrong->leak_fd_of_error) {
        (void)!dup(h2->listen_fd);
    }
    if (h2->wrong->leak_memory_of_error) {
        leak(ERROR_LEAK);
    }
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
    if (call->stream != NULL && call->is_input_over && call->stream->ops->receive != NULL &&
        wrong->crash_on_late_cancel) {
        crash("a client cancelled a stream that was being ended");
    }
}

static uint32_t max_message(const struct srv_h2 *h2)
{
    size_t max = h2->config->max_message;
    if (h2->wrong->limit_one_less) {
        max--;
    } else if (h2->wrong->over_limit_accepted || h2->wrong->over_limit_wrong_status) {
        max += OVER_LIMIT_BYTES;
    }
    return max > INT32_MAX ? INT32_MAX : (uint32_t)max;
}

void srv_h2_wrong_init_input(struct srv_h2_call *call, enum srv_h2_encoding encoding)
{
    const struct srv_h2 *h2 = call->conn->h2;
    srv_h2_message_in_init(&call->in, max_message(h2), call->record.method->has_request, encoding);
    if (h2->wrong->inflate_unbounded) {
        call->in.inflated_max = INFLATED_MAX;
    }
}

bool srv_h2_wrong_is_over(const struct srv_h2_call *call, size_t len,
                          struct srv_h2_refusal *ret_refusal)
{
    const struct srv_h2 *h2 = call->conn->h2;
    if (len <= h2->config->max_message ||
        (!h2->wrong->over_limit_wrong_status && !h2->wrong->inflate_unbounded)) {
        return false;
    }
    *ret_refusal = srv_h2_grpc_refusal(
        h2->wrong->over_limit_wrong_status ? SL_GRPC_INVALID_ARGUMENT : SL_GRPC_RESOURCE_EXHAUSTED,
        "the message is too large");
    return true;
}
