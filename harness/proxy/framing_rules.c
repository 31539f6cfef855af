/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of frames: which frame a fault wants, what it does to it, and what it puts in. */
#include "harness/proxy/framing_state.h"
#include "lib/base/alloc.h"

enum {
    BUILT_MAX = 256, /* bytes of a frame that is made */
};

static bool is_request(enum sl_dir dir)
{
    return dir == SL_DIR_REQUEST;
}

static void tell(struct har_framing *framing, struct har_framing_rule *rule)
{
    if (!rule->is_told) {
        rule->is_told = true;
        framing->handler->applied(framing->owner, rule->id);
    }
}

/* ---- frames beside the line ---- */

static size_t cost(const struct har_aside *aside)
{
    return sizeof(*aside) + aside->len;
}

static void set_aside(struct har_framing *framing, enum sl_dir dir, struct har_aside *aside)
{
    struct har_flow *flow = &framing->flows[dir];
    struct har_aside **place = &flow->asides;
    while (*place != NULL && (*place)->due_ns <= aside->due_ns) {
        place = &(*place)->next;
    }
    aside->next = *place;
    *place = aside;
    flow->waiting += cost(aside);
}

/* A frame to be made, once its time has come and dir is between two frames. */
static void inject(struct har_framing *framing, struct har_framing_rule *rule, uint32_t stream)
{
    enum sl_dir dir = rule->fault->dir == HAR_DIR_TO_SERVER ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
    if (rule->used[dir] >= rule->fault->count || framing->flows[dir].is_stopped) {
        return;
    }
    rule->used[dir]++;
    struct har_aside *aside = sl_alloc(sizeof(*aside));
    aside->due_ns = framing->now_ns + rule->fault->delay_ns;
    aside->rule = rule;
    aside->stream = stream;
    set_aside(framing, dir, aside);
}

/* delay_ns: how much longer it waits in the line. */
static void emit(struct har_framing *framing, enum sl_dir dir, const struct har_aside *aside,
                 uint64_t delay_ns)
{
    if (aside->rule == NULL) {
        framing->handler->pass(framing->owner, dir, sl_span(aside->bytes, aside->len), delay_ns);
        return;
    }
    struct har_h2_place place = {.stream = aside->stream, .max_stream = framing->max_stream};
    struct sl_buf frame;
    sl_buf_init(&frame, BUILT_MAX);
    har_h2_build(aside->rule->fault, &place, &frame);
    framing->handler->pass(framing->owner, dir, sl_buf_span(&frame), delay_ns);
    sl_buf_release(&frame);
    tell(framing, aside->rule);
}

static bool is_between_frames(const struct har_flow *flow)
{
    return flow->state == HAR_FLOW_HEADER && flow->frames > 0 && !flow->is_in_block &&
           !flow->is_stopped;
}

static struct har_aside *take_aside(struct har_flow *flow)
{
    struct har_aside *aside = flow->asides;
    flow->asides = aside->next;
    flow->waiting -= cost(aside);
    return aside;
}

void har_framing_rules_flush(struct har_framing *framing, enum sl_dir dir)
{
    struct har_flow *flow = &framing->flows[dir];
    while (flow->asides != NULL && flow->asides->due_ns <= framing->now_ns &&
           is_between_frames(flow)) {
        struct har_aside *aside = take_aside(flow);
        emit(framing, dir, aside, 0);
        sl_free(aside);
    }
}

void har_framing_rules_finish(struct har_framing *framing, enum sl_dir dir)
{
    struct har_flow *flow = &framing->flows[dir];
    while (flow->asides != NULL) {
        struct har_aside *aside = take_aside(flow);
        bool is_due = aside->due_ns <= framing->now_ns;
        if (is_between_frames(flow) && (is_due || aside->rule == NULL)) {
            emit(framing, dir, aside, is_due ? 0 : aside->due_ns - framing->now_ns);
        }
        sl_free(aside);
    }
}

uint64_t har_framing_turn(struct har_framing *framing, uint64_t now_ns)
{
    uint64_t wake_ns = UINT64_MAX;
    framing->now_ns = now_ns;
    for (int dir = 0; dir < 2; dir++) {
        const struct har_flow *flow = &framing->flows[dir];
        har_framing_rules_flush(framing, (enum sl_dir)dir);
        bool is_waiting = flow->asides != NULL && flow->asides->due_ns > now_ns;
        if (is_waiting && flow->asides->due_ns < wake_ns) { /* what is due waits for a boundary */
            wake_ns = flow->asides->due_ns;
        }
    }
    return wake_ns;
}

/* ---- rules ---- */

void har_framing_add(struct har_framing *framing, uint64_t id, const struct har_fault *fault,
                     uint64_t now_ns)
{
    struct har_framing_rule *rule = sl_alloc(sizeof(*rule));
    struct har_framing_rule **end = &framing->rules;
    rule->id = id;
    rule->fault = fault;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = rule;
    framing->now_ns = now_ns;
    if (fault->what == HAR_DO_INJECT && fault->message == 0 && !har_fault_needs_call(fault)) {
        for (uint64_t i = 0; i < fault->count && i < HAR_FAULTS_MAX; i++) {
            inject(framing, rule, 0);
        }
    }
    for (struct har_framing_call *call = framing->calls; call != NULL; call = call->hh.next) {
        har_framing_rules_call(framing, call);
    }
}

void har_framing_remove(struct har_framing *framing, uint64_t id)
{
    struct har_framing_rule **place = &framing->rules;
    while (*place != NULL && (*place)->id != id) {
        place = &(*place)->next;
    }
    struct har_framing_rule *rule = *place;
    if (rule == NULL) {
        return;
    }
    *place = rule->next;
    for (int dir = 0; dir < 2; dir++) {
        struct har_flow *flow = &framing->flows[dir];
        for (struct har_aside **aside = &flow->asides; *aside != NULL;) {
            struct har_aside *found = *aside;
            if (found->rule != rule) {
                aside = &found->next;
                continue;
            }
            *aside = found->next;
            flow->waiting -= cost(found);
            sl_free(found);
        }
        flow->is_dropping |= flow->rule == rule && rule->fault->what == HAR_DO_DROP;
        flow->rule = flow->rule == rule ? &framing->none : flow->rule;
    }
    sl_free(rule);
}

void har_framing_rules_release(struct har_framing *framing)
{
    while (framing->rules != NULL) {
        har_framing_remove(framing, framing->rules->id);
    }
    for (int dir = 0; dir < 2; dir++) {
        while (framing->flows[dir].asides != NULL) {
            sl_free(take_aside(&framing->flows[dir]));
        }
    }
}

void har_framing_rules_call(struct har_framing *framing, const struct har_framing_call *call)
{
    for (struct har_framing_rule *rule = framing->rules; rule != NULL; rule = rule->next) {
        const struct har_fault *fault = rule->fault;
        if (!har_fault_needs_call(fault) ||
            !har_fault_matches_call(fault, call->stream, sl_span_str(call->path))) {
            continue;
        }
        rule->has_call = true;
        if (fault->what == HAR_DO_INJECT && fault->message == 0) {
            inject(framing, rule, call->stream);
        }
    }
}

void har_framing_rules_message(struct har_framing *framing, const struct har_framing_call *call,
                               enum sl_dir dir)
{
    for (struct har_framing_rule *rule = framing->rules; rule != NULL; rule = rule->next) {
        const struct har_fault *fault = rule->fault;
        if (fault->message != call->messages[dir] || !har_fault_is_to(fault, is_request(dir)) ||
            !har_fault_matches_call(fault, call->stream, sl_span_str(call->path))) {
            continue;
        }
        rule->has_message[dir] = true;
        if (fault->what == HAR_DO_INJECT) {
            inject(framing, rule, call->stream);
        }
    }
}

static bool is_wanted(const struct har_framing *framing, const struct har_framing_rule *rule,
                      enum sl_dir dir)
{
    const struct har_fault *fault = rule->fault;
    const struct sl_h2_frame_header *frame = &framing->flows[dir].frame;
    bool has_ack = (frame->type == SL_H2_PING || frame->type == SL_H2_SETTINGS) &&
                   (frame->flags & SL_H2_FLAG_ACK) != 0;
    if (fault->what == HAR_DO_INJECT || fault->frame != frame->type ||
        !har_fault_is_to(fault, is_request(dir)) || (fault->is_ack_only && !has_ack) ||
        (fault->is_ack_never && has_ack)) {
        return false;
    }
    if (frame->stream == 0) {
        return (!har_fault_needs_call(fault) || rule->has_call) &&
               (fault->message == 0 || rule->has_message[dir]);
    }
    if (!har_fault_needs_call(fault) && fault->message == 0) {
        return true;
    }
    const struct har_framing_call *call = har_framing_find_call(framing, frame->stream);
    return call != NULL && call->messages[dir] >= fault->message &&
           har_fault_matches_call(fault, call->stream, sl_span_str(call->path));
}

struct har_framing_rule *har_framing_rules_choose(struct har_framing *framing, enum sl_dir dir)
{
    struct har_flow *flow = &framing->flows[dir];
    for (struct har_framing_rule *rule = framing->rules; rule != NULL; rule = rule->next) {
        const struct har_fault *fault = rule->fault;
        if (!is_wanted(framing, rule, dir)) {
            continue;
        }
        rule->seen[dir]++;
        bool is_turn = fault->nth == 0 || fault->nth == rule->seen[dir];
        bool is_left = fault->count == 0 || rule->used[dir] < fault->count;
        if (!is_turn || !is_left || flow->is_in_block) {
            continue;
        }
        bool is_in_line =
            fault->what == HAR_DO_DELAY && (fault->frame == SL_H2_DATA || flow->frames == 0);
        if (!is_in_line && flow->frame.length > HAR_H2_FRAME_MAX) {
            continue;
        }
        rule->used[dir]++;
        tell(framing, rule);
        flow->delay_ns = is_in_line ? fault->delay_ns : 0;
        return is_in_line ? NULL : rule;
    }
    return NULL;
}

void har_framing_rules_apply(struct har_framing *framing, enum sl_dir dir)
{
    struct har_flow *flow = &framing->flows[dir];
    struct sl_span frame = sl_buf_span(&flow->held);
    const struct har_fault *fault = flow->rule->fault;
    bool is_passed = fault == NULL && !flow->is_dropping;
    if (is_passed) { /* cleared while it was held */
        framing->handler->pass(framing->owner, dir, frame, 0);
    } else if (fault != NULL && fault->what == HAR_DO_REWRITE) {
        struct sl_buf changed;
        sl_buf_init(&changed, 2 * HAR_H2_FRAME_MAX);
        har_h2_rewrite(fault, frame, &changed);
        framing->handler->pass(framing->owner, dir, sl_buf_span(&changed), 0);
        sl_buf_release(&changed);
    } else if (fault != NULL && fault->what == HAR_DO_DELAY) {
        struct har_aside *aside = sl_alloc(sizeof(*aside) + frame.len);
        aside->due_ns = framing->now_ns + fault->delay_ns;
        aside->len = frame.len;
        memcpy(aside->bytes, frame.data, frame.len);
        set_aside(framing, dir, aside);
    }
    flow->rule = NULL;
    flow->is_dropping = false;
    sl_buf_clear(&flow->held);
}
