/* SPDX-License-Identifier: Apache-2.0 */
/* Input: what a server under test sent as a message. What is read as a ChatMessage reads the same again
 * when it is written and read once more; a stamp that is read writes the same text. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "harness/engine/chat.h"

static void check_message(struct sl_span bytes)
{
    struct har_message message;
    struct har_message again;
    struct har_stamp stamp;
    if (har_message_read(bytes, &message) != SL_OK) {
        return;
    }
    struct sl_buf copy;
    sl_buf_init(&copy, bytes.len + 64);
    har_message_write(&copy, &message);
    enum sl_status status = har_message_read(sl_buf_span(&copy), &again);
    assert(status == SL_OK && sl_span_equal(message.text, again.text));
    assert(sl_span_equal(message.message_id, again.message_id));
    assert(message.created_at == again.created_at);
    (void)status;
    sl_buf_clear(&copy);
    if (har_stamp_read(message.text, &stamp)) {
        har_stamp_write(&copy, &stamp);
        assert(sl_span_equal(sl_buf_span(&copy), sl_span_first(message.text, HAR_STAMP_SIZE)));
    }
    sl_buf_release(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct har_reply reply;
    struct har_command command;
    struct sl_span bytes = sl_span(data, size);
    check_message(bytes);
    if (har_reply_read(bytes, &reply) == SL_OK) {
        assert(reply.reason.len <= size && reply.request_id.len <= size);
    }
    if (har_command_read(bytes, &command) == SL_OK) {
        assert(command.payload.len <= size);
    }
    return 0;
}
