/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the lines "name: value" of a request's head, an empty line, then its body: a byte that chooses the size of the
 * pieces, and DATA. Whatever is not refused stays within its limits, and no message is handed out that did not come. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "reference-server/frontend/h2/message_in.h"
#include "reference-server/frontend/h2/reply.h"

enum {
    MESSAGE_MAX = 4096,
};

/* Takes the line up to the next end off *rest. */
static struct sl_span next_line(struct sl_span *rest)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    struct sl_span line =
        sl_span_first(*rest, end == NULL ? rest->len : (size_t)(end - rest->data));
    *rest = sl_span_from(*rest, line.len + 1);
    return line;
}

static struct srv_h2_refusal read_head(struct srv_h2_request *request, struct sl_span *rest)
{
    for (struct sl_span line = next_line(rest); line.len > 0; line = next_line(rest)) {
        const uint8_t *colon = line.len < 2 ? NULL : memchr(line.data + 1, ':', line.len - 1);
        size_t len = colon == NULL ? line.len : (size_t)(colon - line.data);
        struct sl_span value = sl_span_from(line, len + 2);
        if (!srv_h2_request_field(request, sl_span_first(line, len), value)) {
            break;
        }
    }
    return srv_h2_request_judge(request);
}

/* A field that ends the block where it does not belong would be another one's. */
static void check_refusal(const struct srv_h2_refusal *refusal)
{
    struct srv_h2_fields fields;
    if (refusal->how == SRV_H2_MALFORMED || refusal->how == SRV_H2_SERVED) {
        return;
    }
    srv_h2_reply_refusal(&fields, refusal);
    assert(fields.count >= 2);
    for (size_t i = 0; i < fields.count; i++) {
        for (size_t j = 0; j < fields.nv[i].valuelen; j++) {
            assert(fields.nv[i].value[j] >= 0x20 && fields.nv[i].value[j] <= 0x7e);
        }
    }
    srv_h2_fields_release(&fields);
}

static void read_body(enum srv_h2_encoding encoding, struct sl_span body)
{
    struct srv_h2_message_in in;
    struct srv_h2_refusal refusal = {.how = SRV_H2_SERVED};
    size_t step = body.len == 0 ? 1 : (size_t)body.data[0] + 1;
    srv_h2_message_in_init(&in, MESSAGE_MAX, step % 2 == 0, encoding);
    for (body = sl_span_from(body, 1); body.len > 0; body = sl_span_from(body, step)) {
        struct sl_span piece = sl_span_first(body, step);
        enum srv_h2_fed fed = SRV_H2_FED_MESSAGE;
        while (fed == SRV_H2_FED_MESSAGE) {
            struct srv_frame *frame = NULL;
            fed = srv_h2_message_in_feed(&in, &piece, &frame, &refusal);
            assert(fed != SRV_H2_FED_MESSAGE || frame->len <= MESSAGE_MAX);
            srv_frame_unref(frame);
        }
        assert(fed == SRV_H2_FED_REFUSED || piece.len == 0);
        assert(in.frame == NULL || in.frame->len <= MESSAGE_MAX);
    }
    check_refusal(&refusal);
    refusal = srv_h2_message_in_end(&in);
    check_refusal(&refusal);
    srv_h2_message_in_release(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srv_h2_request request;
    struct sl_span rest = sl_span(data, size);
    srv_h2_request_init(&request);
    struct srv_h2_refusal refusal = read_head(&request, &rest);
    check_refusal(&refusal);
    assert(request.path_len <= SRV_H2_PATH_MAX);
    assert(request.request_id.len <= SRV_H2_HEAD_BYTES_MAX);
    if (refusal.how == SRV_H2_SERVED) {
        assert(request.path_len == 0 || request.path[0] == '/');
        read_body(request.encoding, rest);
    }
    srv_h2_request_release(&request);
    return 0;
}
