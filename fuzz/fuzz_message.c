/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte that chooses encoding and piece size, then a stream of messages. The splitter must
 * account for every byte however the stream is cut; each message is then decompressed. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/wire/message.h"

enum {
    KEEP_MAX = 4096,
    DECODED_MAX = 64 * 1024,
};

struct totals {
    const char *encoding;
    uint64_t bytes;
    uint64_t messages;
};

static void on_message(void *owner, const struct sl_message *message)
{
    struct totals *totals = owner;
    assert(message->payload.len <= KEEP_MAX);
    assert(message->is_complete && message->received == message->length);
    totals->messages++;
    assert(message->index == totals->messages);
    totals->bytes += SL_MESSAGE_PREFIX_SIZE + message->received;
    struct sl_buf decoded;
    sl_buf_init(&decoded, DECODED_MAX);
    enum sl_status status =
        sl_message_decompress(sl_span_str(totals->encoding), message->payload, &decoded);
    assert(status != SL_UNSUPPORTED && decoded.len <= DECODED_MAX);
    (void)status;
    sl_buf_release(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {"identity", "gzip", "deflate", "zstd"};
    if (size == 0) {
        return 0;
    }
    struct totals totals = {.encoding = encodings[data[0] & 3]};
    size_t step = (size_t)(data[0] >> 2) + 1;
    struct sl_splitter splitter;
    sl_splitter_init(&splitter, KEEP_MAX);
    for (struct sl_span rest = sl_span(data + 1, size - 1); rest.len > 0;
         rest = sl_span_from(rest, step)) {
        sl_splitter_feed(&splitter, sl_span_first(rest, step), on_message, &totals);
    }
    struct sl_message partial;
    uint64_t open = 0;
    if (sl_splitter_partial(&splitter, &partial)) {
        open = splitter.prefix_len + partial.received;
    }
    assert(totals.bytes + open == size - 1);
    assert(totals.messages == splitter.count);
    sl_splitter_release(&splitter);
    return 0;
}
