/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a byte of choices, then steps. A step begins with a byte: bit 7 the direction, bits 6-5 what
 * it is (0 and 1 feed, 2 a gap, 3 a close), bits 4-0 a length: of the bytes that follow, or of the
 * gap. Checked: the balance of bytes, that every call ends once and no event comes outside a call.
 */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/base/rd.h"
#include "lib/wire/observer.h"

enum {
    IS_MIDWAY = 1,
    IS_CAPTURE = 2,
    HAS_PREFACE = 4,
    IS_TIGHT = 8,
    TIGHT_STREAMS = 3,
    TIGHT_BYTES = 40,
    IS_CROSSING = 16,
    IS_BEGIN_SEEN = 32,
    IS_UNJUDGED = 64, /* nobody takes findings */
    LONG_FEED = 16,   /* a length of 31 stands for 31 * LONG_FEED */
};

struct account {
    uint64_t open;
    uint64_t messages[2];
};

static void on_begin(void *owner, struct sl_call *call)
{
    struct account *account = owner;
    account->open++;
    assert(call->user == NULL);
    call->user = account;
}

static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    (void)block;
    (void)at;
    assert(call->user == owner);
    assert(headers->count <= SL_HPACK_FIELDS_MAX);
}

static void on_prefix(void *owner, struct sl_call *call, enum sl_dir dir, uint8_t flag,
                      uint32_t length)
{
    (void)dir;
    (void)flag;
    (void)length;
    assert(call->user == owner);
}

static void on_message(void *owner, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    (void)at;
    assert(call->user == owner);
    assert(message->payload.len <= message->received);
    struct account *account = owner;
    account->messages[dir] += message->is_complete ? 1 : 0;
}

static void on_end(void *owner, struct sl_call *call)
{
    struct account *account = owner;
    assert(call->user == owner && account->open > 0);
    account->open--;
    call->user = NULL;
}

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    assert(event->call == NULL || event->call->user == owner);
    assert(event->payload.len <= event->header.length);
}

static void on_finding(void *owner, const struct sl_finding *finding)
{
    assert(finding->call == NULL || finding->call->user == owner);
    assert(finding->text[0] != '\0');
}

/* Of some methods a schema is known. */
static bool is_single(void *owner, const struct sl_call *call)
{
    assert(call->user == owner);
    return (call->request.headers.count & 1) != 0;
}

static const struct sl_observer_handler judging = {
    .call_begin = on_begin,
    .headers = on_headers,
    .prefix = on_prefix,
    .message = on_message,
    .call_end = on_end,
    .frame = on_frame,
    .finding = on_finding,
    .is_single_answer = is_single,
    .is_single_request = is_single,
};

static void step(struct sl_observer *observer, struct sl_rd *rd, struct sl_at *at)
{
    uint8_t what = sl_rd_u8(rd);
    enum sl_dir dir = (what & 0x80) != 0 ? SL_DIR_RESPONSE : SL_DIR_REQUEST;
    size_t len = what & 0x1f;
    len = len == 0x1f ? len * LONG_FEED : len;
    at->time_ns += 1000000;
    at->packet += at->packet > 0 ? 1 : 0;
    switch ((what >> 5) & 3) {
    case 2:
        sl_observer_gap(observer, dir, len, at);
        break;
    case 3:
        sl_observer_close(observer, dir, (len & 1) != 0, at);
        break;
    default: {
        size_t left = sl_rd_left(rd);
        sl_observer_feed(observer, dir, sl_rd_take(rd, len < left ? len : left), at);
        break;
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    uint8_t choices = sl_rd_u8(&rd);
    struct account account = {0};
    struct sl_observer_config config = sl_observer_defaults();
    struct sl_observer_handler handler = judging;
    handler.finding = (choices & IS_UNJUDGED) != 0 ? NULL : on_finding;
    config.handler = &handler;
    config.owner = &account;
    config.is_midway = (choices & IS_MIDWAY) != 0;
    config.is_crossing_counted = (choices & IS_CROSSING) != 0;
    config.is_begin_seen = (choices & IS_BEGIN_SEEN) != 0;
    if ((choices & IS_TIGHT) != 0) {
        config.streams_max = TIGHT_STREAMS;
        config.keep_message_max = TIGHT_BYTES;
        config.keep_total_max = TIGHT_BYTES;
        config.block_max = TIGHT_BYTES;
        config.keep_frame_max = TIGHT_BYTES;
    }
    struct sl_observer *observer = sl_observer_new(&config);
    struct sl_at at = {.packet = (choices & IS_CAPTURE) != 0 ? 1 : 0, .has_time = true};
    if ((choices & HAS_PREFACE) != 0) {
        sl_observer_feed(observer, SL_DIR_REQUEST, sl_span(SL_H2_PREFACE, SL_H2_PREFACE_SIZE), &at);
    }
    while (sl_rd_left(&rd) > 0) {
        step(observer, &rd, &at);
    }
    sl_observer_finish(observer);
    assert(account.open == 0);
    const struct sl_observer_totals *totals = sl_observer_totals(observer);
    for (int dir = 0; dir < 2; dir++) {
        assert(totals->framed_bytes[dir] + totals->skipped_bytes[dir] == totals->bytes[dir]);
    }
    sl_observer_free(observer);
    return 0;
}
