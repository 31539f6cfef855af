/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/messages/inbox.h"

#include "lib/base/alloc.h"

void har_inbox_init(struct har_inbox *inbox, uint64_t *sum)
{
    *inbox = (struct har_inbox){.sum = sum};
    sl_buf_init(&inbox->bytes, HAR_INBOX_BYTES_MAX);
}

void har_inbox_release(struct har_inbox *inbox)
{
    if (inbox->sum != NULL) {
        *inbox->sum -= inbox->bytes.len;
    }
    sl_buf_release(&inbox->bytes);
    sl_free(inbox->ends);
    *inbox = (struct har_inbox){0};
}

enum sl_status har_inbox_add(struct har_inbox *inbox, struct sl_span message)
{
    if (inbox->count == HAR_INBOX_COUNT_MAX ||
        message.len > HAR_INBOX_BYTES_MAX - inbox->bytes.len ||
        (inbox->sum != NULL && message.len > HAR_INBOXES_BYTES_MAX - *inbox->sum)) {
        return SL_LIMIT;
    }
    if (inbox->sum != NULL) {
        *inbox->sum += message.len;
    }
    if (inbox->count == inbox->capacity) {
        inbox->capacity = inbox->capacity == 0 ? 16 : inbox->capacity * 2;
        inbox->ends = sl_realloc(inbox->ends, inbox->capacity * sizeof(inbox->ends[0]));
    }
    (void)sl_buf_add_span(&inbox->bytes, message);
    inbox->ends[inbox->count++] = inbox->bytes.len;
    return SL_OK;
}

struct sl_span har_inbox_at(const struct har_inbox *inbox, uint32_t index)
{
    size_t begin = index == 0 ? 0 : inbox->ends[index - 1];
    return sl_span(inbox->bytes.data + begin, inbox->ends[index] - begin);
}
