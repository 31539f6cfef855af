/* SPDX-License-Identifier: Apache-2.0 */
/* Faults on one proxied connection. */
#include "harness/proxy/pair_state.h"
#include "harness/transport/tls.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

/* ---- faults ---- */

static void tell(struct har_pair *pair, struct har_attached *fault, const char *what)
{
    if (!fault->is_told) {
        fault->is_told = true;
        pair->config.handler->applied(pair->config.owner, pair, fault->id, what);
    }
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Both lanes as the faults in force want them: delays add up, the narrowest limit holds. */
static void shape_lanes(struct har_pair *pair)
{
    for (int dir = 0; dir < 2; dir++) {
        struct har_shape shape = {0};
        for (struct har_attached *it = pair->faults; it != NULL; it = it->next) {
            const struct har_fault *fault = it->fault;
            if (!it->is_armed || fault->is_h2 || !har_fault_is_to(fault, dir == SL_DIR_REQUEST)) {
                continue;
            }
            shape.latency_ns += fault->latency_ns;
            shape.jitter_ns += fault->jitter_ns;
            shape.bandwidth = smaller(shape.bandwidth, fault->bandwidth);
            shape.slice = (size_t)smaller(shape.slice, fault->slice);
            shape.is_stalled |= fault->is_stall;
            shape.is_swallowing |= fault->is_swallow;
        }
        har_lane_shape(&pair->lanes[dir], &shape, sl_clock_mono_ns());
    }
}

static void cut_here(struct har_pair *pair, struct har_attached *fault, int dir)
{
    bool is_reset = fault->fault->is_cut_rst;
    har_lane_finish(&pair->lanes[dir], is_reset ? HAR_LANE_CUT_RST : HAR_LANE_CUT_FIN,
                    sl_clock_mono_ns());
    har_framing_stop(pair->framing, (enum sl_dir)dir);
    tell(pair, fault, "cut");
}

static void arm(struct har_pair *pair, struct har_attached *it)
{
    const struct har_fault *fault = it->fault;
    it->is_armed = true;
    if (fault->is_h2) {
        return;
    }
    if (fault->cut == HAR_CUT_NEVER) {
        tell(pair, it, "shape");
    } else if (fault->cut_after == 0) {
        cut_here(pair, it, fault->dir == HAR_DIR_TO_CLIENT ? SL_DIR_RESPONSE : SL_DIR_REQUEST);
    }
    shape_lanes(pair);
}

void har_pair_add(struct har_pair *pair, uint64_t id, const struct har_fault *fault)
{
    struct har_attached *it = sl_alloc(sizeof(*it));
    struct har_attached **end = &pair->faults;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = it;
    it->id = id;
    it->fault = fault;
    if (fault->is_h2) {
        har_framing_add(pair->framing, id, fault, sl_clock_mono_ns());
    } else if (!har_fault_needs_call(fault) || har_framing_has_call(pair->framing, fault)) {
        arm(pair, it);
    }
    har_pair_io_pump(pair);
}

void har_pair_remove(struct har_pair *pair, uint64_t id)
{
    struct har_attached **place = &pair->faults;
    while (*place != NULL && (*place)->id != id) {
        place = &(*place)->next;
    }
    struct har_attached *it = *place;
    if (it == NULL) {
        return;
    }
    *place = it->next;
    har_framing_remove(pair->framing, id);
    sl_free(it);
    shape_lanes(pair);
    har_pair_io_pump(pair);
}

/* ---- what the framing tells ---- */

/* The cut that comes within these bytes: how many of them still pass. */
static size_t count_bytes(struct har_pair *pair, int dir, size_t len, struct har_attached **ret_cut)
{
    size_t least = len;
    for (struct har_attached *it = pair->faults; it != NULL; it = it->next) {
        const struct har_fault *fault = it->fault;
        if (!it->is_armed || fault->cut != HAR_CUT_BYTES ||
            !har_fault_is_to(fault, dir == SL_DIR_REQUEST)) {
            continue;
        }
        uint64_t left = fault->cut_after - it->counted[dir];
        if (left <= len && left <= least) {
            least = (size_t)left;
            *ret_cut = it;
        }
        it->counted[dir] += left < len ? left : len;
    }
    return least;
}

static void on_pass(void *owner, enum sl_dir dir, struct sl_span bytes, uint64_t delay_ns)
{
    struct har_pair *pair = owner;
    struct har_attached *ending = NULL;
    size_t len = count_bytes(pair, (int)dir, bytes.len, &ending);
    har_lane_push(&pair->lanes[dir], sl_span_first(bytes, len), delay_ns, sl_clock_mono_ns());
    if (ending != NULL) {
        cut_here(pair, ending, (int)dir);
    }
}

static void count(struct har_pair *pair, enum sl_dir dir, uint32_t stream, struct sl_span path,
                  enum har_cut_unit unit)
{
    for (struct har_attached *it = pair->faults; it != NULL; it = it->next) {
        const struct har_fault *fault = it->fault;
        bool is_counted =
            it->is_armed && fault->cut == unit && har_fault_is_to(fault, dir == SL_DIR_REQUEST) &&
            (!har_fault_needs_call(fault) || har_fault_matches_call(fault, stream, path));
        it->counted[dir] += is_counted;
    }
}

static void on_frame(void *owner, enum sl_dir dir, uint32_t stream, struct sl_span path)
{
    struct har_pair *pair = owner;
    count(pair, dir, stream, path, HAR_CUT_FRAMES);
    for (struct har_attached *it = pair->faults; it != NULL; it = it->next) {
        bool is_of_frames = it->fault->cut == HAR_CUT_FRAMES || it->fault->cut == HAR_CUT_MESSAGES;
        if (it->is_armed && is_of_frames && it->counted[dir] >= it->fault->cut_after &&
            har_fault_is_to(it->fault, dir == SL_DIR_REQUEST)) {
            cut_here(pair, it, (int)dir);
        }
    }
}

static void on_message(void *owner, enum sl_dir dir, uint32_t stream, struct sl_span path)
{
    count(owner, dir, stream, path, HAR_CUT_MESSAGES);
}

static void on_call(void *owner, uint32_t stream, struct sl_span path)
{
    struct har_pair *pair = owner;
    pair->config.handler->called(pair->config.owner, pair, path);
    for (struct har_attached *it = pair->faults; it != NULL; it = it->next) {
        if (!it->is_armed && har_fault_needs_call(it->fault) && !it->fault->is_h2 &&
            har_fault_matches_call(it->fault, stream, path)) {
            arm(pair, it);
        }
    }
}

static void on_applied(void *owner, uint64_t id)
{
    static const char *const names[] = {"delay", "drop", "inject", "rewrite"};
    struct har_pair *pair = owner;
    for (struct har_attached *it = pair->faults; it != NULL; it = it->next) {
        if (it->id == id) {
            tell(pair, it, names[it->fault->what]);
        }
    }
}

static const struct har_framing_handler framing_handler = {.pass = on_pass,
                                                           .frame = on_frame,
                                                           .message = on_message,
                                                           .call = on_call,
                                                           .applied = on_applied};

/* ---- life ---- */

struct har_pair *har_pair_accept(uv_stream_t *listener, const struct har_pair_config *config)
{
    struct har_pair *pair = sl_alloc(sizeof(*pair));
    pair->config = *config;
    pair->address = config->upstream;
    pair->framing = har_framing_new(&framing_handler, pair);
    for (int i = 0; i < 2; i++) {
        pair->sides[i].pair = pair;
        har_lane_init(&pair->lanes[i], config->seed, config->number * 2 + (uint64_t)i);
    }
    har_pair_io_accept(pair, listener);
    return pair;
}

void har_pair_start(struct har_pair *pair)
{
    if (!pair->is_closing) {
        har_pair_io_connect(pair);
        har_pair_io_pump(pair);
    }
}

void har_pair_close(struct har_pair *pair, bool is_reset)
{
    har_pair_io_close(pair, is_reset);
}

uint64_t har_pair_number(const struct har_pair *pair)
{
    return pair->config.number;
}

void har_pair_gone(struct har_pair *pair)
{
    pair->config.handler->closed(pair->config.owner, pair);
    while (pair->faults != NULL) {
        struct har_attached *next = pair->faults->next;
        sl_free(pair->faults);
        pair->faults = next;
    }
    for (int i = 0; i < 2; i++) {
        sl_buf_release(&pair->sides[i].inflight);
        har_pair_trace_release(&pair->sides[i]);
        har_tls_session_free(pair->sides[i].tls);
        har_lane_release(&pair->lanes[i]);
    }
    har_framing_free(pair->framing);
    sl_free(pair);
}
