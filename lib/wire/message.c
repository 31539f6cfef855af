/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/message.h"

enum {
    KEEP_CAPACITY = 64 * 1024, /* memory that a splitter holds on to between messages */
};

void sl_splitter_init(struct sl_splitter *splitter, size_t keep_max)
{
    *splitter = (struct sl_splitter){.keep_max = keep_max, .hold_max = keep_max};
    sl_buf_init(&splitter->payload, keep_max);
}

void sl_splitter_release(struct sl_splitter *splitter)
{
    if (splitter != NULL) {
        sl_buf_release(&splitter->payload);
        splitter->prefix_len = 0;
        splitter->received = 0;
    }
}

static uint32_t announced(const struct sl_splitter *splitter)
{
    const uint8_t *p = splitter->prefix;
    return (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | (uint32_t)p[4];
}

bool sl_splitter_is_idle(const struct sl_splitter *splitter)
{
    return splitter->prefix_len == 0;
}

uint64_t sl_splitter_wanted(const struct sl_splitter *splitter)
{
    bool has_prefix = splitter->prefix_len == SL_MESSAGE_PREFIX_SIZE;
    /* A body without a prefix announces nothing. */
    return has_prefix && announced(splitter) > splitter->received
               ? announced(splitter) - splitter->received
               : 0;
}

/* Ready for the next prefix. */
static void forget(struct sl_splitter *splitter)
{
    splitter->prefix_len = 0;
    splitter->received = 0;
    splitter->is_holed = false;
    sl_buf_clear(&splitter->payload);
    if (splitter->payload.capacity > KEEP_CAPACITY) {
        sl_buf_release(&splitter->payload);
    }
}

/* Hands out the message whose last byte has come; payload is what was kept of it. */
static void complete(struct sl_splitter *splitter, struct sl_span payload, sl_message_fn *fn,
                     void *owner)
{
    struct sl_message message = {
        .index = splitter->begun,
        .flag = splitter->prefix[0],
        .length = announced(splitter),
        .has_prefix = true,
        .payload = payload,
        .received = splitter->received,
        .is_complete = !splitter->is_holed,
        .is_cut = payload.len < splitter->received,
    };
    splitter->count += splitter->is_holed ? 0 : 1;
    fn(owner, &message);
    forget(splitter);
}

/* Keeps a part of a message that is not whole in this piece. */
static void keep(struct sl_splitter *splitter, struct sl_span part)
{
    if (splitter->is_holed) {
        return; /* What lies behind a hole does not join what was before it. */
    }
    size_t held = splitter->payload.len;
    if (held < splitter->hold_max && held < splitter->keep_max) {
        size_t hold =
            splitter->hold_max < splitter->keep_max ? splitter->hold_max : splitter->keep_max;
        splitter->payload.max = hold;
        (void)sl_buf_add_span(&splitter->payload, sl_span_first(part, hold - held));
    }
}

/* Takes payload bytes of the message in progress; answers how many. */
static size_t feed_payload(struct sl_splitter *splitter, struct sl_span data, sl_message_fn *fn,
                           void *owner)
{
    uint32_t length = announced(splitter);
    uint64_t left = length - splitter->received;
    struct sl_span part = left < data.len ? sl_span_first(data, (size_t)left) : data;
    bool is_whole = splitter->received == 0 && part.len == length;
    splitter->received += part.len;
    if (is_whole) {
        complete(splitter, sl_span_first(part, splitter->keep_max), fn, owner);
        return part.len;
    }
    keep(splitter, part);
    if (part.len == left) {
        complete(splitter, sl_buf_span(&splitter->payload), fn, owner);
    }
    return part.len;
}

void sl_splitter_feed(struct sl_splitter *splitter, struct sl_span data, sl_message_fn *fn,
                      void *owner)
{
    while (data.len > 0) {
        if (splitter->prefix_len < SL_MESSAGE_PREFIX_SIZE) {
            size_t want = SL_MESSAGE_PREFIX_SIZE - splitter->prefix_len;
            size_t take = want < data.len ? want : data.len;
            memcpy(splitter->prefix + splitter->prefix_len, data.data, take);
            splitter->prefix_len += take;
            data = sl_span_from(data, take);
            if (take < want) {
                return;
            }
            splitter->begun++;
            if (splitter->prefix_fn != NULL) {
                splitter->prefix_fn(owner, splitter->prefix[0], announced(splitter));
            }
            if (announced(splitter) == 0) {
                complete(splitter, sl_span(NULL, 0), fn, owner);
            }
        } else {
            data = sl_span_from(data, feed_payload(splitter, data, fn, owner));
        }
    }
}

bool sl_splitter_partial(const struct sl_splitter *splitter, struct sl_message *ret_message)
{
    if (sl_splitter_is_idle(splitter)) {
        return false;
    }
    bool has_prefix = splitter->prefix_len == SL_MESSAGE_PREFIX_SIZE;
    *ret_message = (struct sl_message){
        .index = has_prefix ? splitter->begun : splitter->begun + 1,
        .flag = splitter->prefix[0],
        .length = has_prefix ? announced(splitter) : 0,
        .has_prefix = has_prefix,
        .payload = sl_buf_span(&splitter->payload),
        .received = splitter->received,
        .is_cut = splitter->payload.len < splitter->received,
    };
    return true;
}

bool sl_splitter_skip(struct sl_splitter *splitter, uint64_t count, sl_message_fn *fn, void *owner)
{
    uint64_t left = sl_splitter_wanted(splitter);
    if (left == 0 || count > left) {
        sl_splitter_resync(splitter);
        return false;
    }
    /* The hole counts towards the length, so that the next prefix is found. */
    splitter->is_holed = true;
    splitter->received += count;
    if (count == left) {
        complete(splitter, sl_buf_span(&splitter->payload), fn, owner);
    }
    return true;
}

void sl_splitter_whole_begin(struct sl_splitter *splitter, uint8_t flag)
{
    memset(splitter->prefix, 0, sizeof splitter->prefix);
    splitter->prefix[0] = flag;
    splitter->prefix_len = SL_MESSAGE_PREFIX_SIZE;
    splitter->begun++;
}

void sl_splitter_whole_feed(struct sl_splitter *splitter, struct sl_span data)
{
    splitter->received += data.len;
    keep(splitter, data);
}

void sl_splitter_whole_skip(struct sl_splitter *splitter, uint64_t count)
{
    splitter->received += count;
    splitter->is_holed = true;
}

void sl_splitter_whole_end(struct sl_splitter *splitter, sl_message_fn *fn, void *owner)
{
    splitter->count += splitter->is_holed ? 0 : 1;
    struct sl_message message = {
        .index = splitter->begun,
        .flag = splitter->prefix[0],
        .length = splitter->received > UINT32_MAX ? UINT32_MAX : (uint32_t)splitter->received,
        .has_prefix = true,
        .payload = sl_buf_span(&splitter->payload),
        .received = splitter->received,
        .is_complete = !splitter->is_holed,
        .is_cut = splitter->payload.len < splitter->received,
    };
    fn(owner, &message);
    forget(splitter);
}

void sl_splitter_resync(struct sl_splitter *splitter)
{
    forget(splitter);
}

enum sl_status sl_message_write(struct sl_buf *out, uint8_t flag, struct sl_span payload)
{
    if (payload.len > UINT32_MAX ||
        sl_buf_reserve(out, SL_MESSAGE_PREFIX_SIZE + payload.len) == NULL) {
        return SL_LIMIT;
    }
    (void)sl_buf_add_u8(out, flag);
    (void)sl_buf_add_be32(out, (uint32_t)payload.len);
    return sl_buf_add_span(out, payload);
}
