/* SPDX-License-Identifier: Apache-2.0 */
/* The other half of the rules of requests: a server that serves one which it must refuse. */
#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"

/* What is wrong with the request. Follows "served a call ". */
static const char *why(enum sl_rule_index rule)
{
    static const struct {
        enum sl_rule_index rule;
        const char *text;
    } reasons[] = {
        {SL_RULE_CALL_07, "whose path does not begin with a slash"},
        {SL_RULE_CALL_08, "that is not a POST"},
        {SL_RULE_CALL_11, "with a te that is not trailers"},
        {SL_RULE_CALL_13, "with a field that no request may have"},
        {SL_RULE_CALL_14, "whose content-length is not what came"},
        {SL_RULE_CALL_24, "whose pseudo-header fields are malformed"},
        {SL_RULE_CONN_14, "whose second header block does not end it"},
        {SL_RULE_FRM_05, "with a message that is marked as compressed, by no encoding"},
        {SL_RULE_FRM_06, "with a message whose flag is neither 0 nor 1"},
        {SL_RULE_META_06, "with a field without a name, or with CR, LF or NUL in its value"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].rule == rule) {
            return reasons[i].text;
        }
    }
    return NULL;
}

void sl_rules_note_malformed(struct sl_observer *observer, struct sl_stream *stream,
                             enum sl_rule_index rule, bool is_head)
{
    struct sl_malformed *malformed = &stream->rules.malformed;
    if (malformed->frame == 0) {
        *malformed = (struct sl_malformed){
            .rule = (uint8_t)rule,
            .is_head = is_head,
            .type = observer->dir[SL_DIR_REQUEST].header.type,
            .frame = observer->dir[SL_DIR_REQUEST].frames,
            .packet = observer->at.packet,
        };
    }
}

/* The server had what is malformed when it served the call: without its head nobody can, and of a method with one
 * request message not without that. */
static bool is_known_to_server(const struct sl_observer *observer, const struct sl_stream *stream)
{
    const struct sl_malformed *malformed = &stream->rules.malformed;
    const struct sl_call *call = &stream->call->call;
    bool is_of_message = malformed->rule == SL_RULE_FRM_05 || malformed->rule == SL_RULE_FRM_06;
    return malformed->is_head || observer->dir[SL_DIR_RESPONSE].proven >= malformed->frame ||
           (is_of_message && call->response.message_count > 0 &&
            observer->handler.is_single_request != NULL &&
            observer->handler.is_single_request(observer->config.owner, call));
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    const struct sl_malformed *malformed = &stream->rules.malformed;
    uint32_t code = SL_GRPC_UNKNOWN;
    (void)is_on_data;
    if (dir != SL_DIR_RESPONSE || malformed->frame == 0 || !sl_rules_saw_call(stream) ||
        sl_rules_status_of(&stream->call->call, &code) == NULL || code != SL_GRPC_OK ||
        !is_known_to_server(observer, stream)) {
        return;
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    place.before = (struct sl_frame_ref){
        .dir = SL_DIR_REQUEST,
        .type = malformed->type,
        .number = malformed->frame,
        .packet = malformed->packet,
    };
    sl_rules_report(observer, malformed->rule, &place, "the server served a call %s",
                    why(malformed->rule));
}

const struct sl_rule_group sl_rules_served = {
    .end_stream = end_stream,
};
