/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/faults.h"

#include <stdlib.h>

#include "harness/engine/actor.h"
#include "harness/proxy/proxy.h"
#include "harness/steps/verbs.h"
#include "harness/story/chronicle.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

/* What the proxy does within this time is done at once. */
#define NEAR_NS (5 * SL_MS)

static void add(struct har_noted_faults *faults, struct har_noted_fault fault)
{
    if (faults->count == HAR_FAULTS_NOTED_MAX) {
        faults->left_out++;
        return;
    }
    faults->items[faults->count++] = fault;
}

static uint64_t end_of(const struct har_play *play, const struct har_noted_span *span)
{
    return span->until_ns == 0 ? play->end_ns : span->until_ns;
}

/* When the first step after this one ends the faults of its actors: a verb of processes when it is done. */
static uint64_t ended_at(const struct har_play *play, size_t index)
{
    const struct har_chronicle *chronicle = play->chronicle;
    const struct har_noted_span *span = &chronicle->spans[index];
    for (size_t i = index + 1; i < chronicle->span_count; i++) {
        const struct har_noted_span *later = &chronicle->spans[i];
        const struct har_step_type *type = later->node->type;
        if (type->ends_faults && (later->node->who & span->node->who) != 0) {
            bool waits = type == &har_step_wait_ready || type == &har_step_restart;
            return waits ? end_of(play, later) : later->at_ns;
        }
    }
    return play->end_ns;
}

static uint64_t groups_of(const struct har_play *play, enum har_kind kind)
{
    uint64_t groups = 0;
    for (size_t g = 0; g < play->scenario->actor_count; g++) {
        bool is_one = play->scenario->actors[g].kind == (int)kind;
        groups |= is_one ? UINT64_C(1) << g : 0;
    }
    return groups;
}

static uint64_t metered_groups(const struct har_play *play)
{
    uint64_t groups = 0;
    for (size_t g = 0; g < play->scenario->actor_count; g++) {
        groups |= play->scenario->actors[g].is_manual ? UINT64_C(1) << g : 0;
    }
    return groups;
}

/* ---- of steps ---- */

static void add_step(struct har_noted_faults *faults, const struct har_play *play, size_t index)
{
    const struct har_noted_span *span = &play->chronicle->spans[index];
    const struct har_node *node = span->node;
    const struct har_step_type *type = node->type;
    const char *what = type->fault_of == NULL ? type->fault : type->fault_of(node);
    if (what == NULL) {
        return;
    }
    struct har_noted_fault fault = {.what = what, .at_ns = span->at_ns, .node = node};
    uint64_t servers = groups_of(play, HAR_PROCESS);
    fault.is_of_server = (node->who & servers) != 0;
    fault.who = node->who & ~servers;
    fault.until_ns = type->fault_end == HAR_FAULT_STEP    ? end_of(play, span)
                     : type->fault_end == HAR_FAULT_ENDED ? ended_at(play, index)
                                                          : 0;
    add(faults, fault);
}

/* Streams whose credit is metered stand still but for what they are granted. */
static void add_metered(struct har_noted_faults *faults, const struct har_play *play, size_t index)
{
    const struct har_noted_span *span = &play->chronicle->spans[index];
    const struct har_step_type *type = span->node->type;
    uint64_t who = span->node->who & metered_groups(play);
    bool opens = type == &har_step_subscribe || type == &har_step_chat || type == &har_step_open;
    if (opens && who != 0 && span->until_ns != 0) {
        add(faults, (struct har_noted_fault){.what = "metered reading",
                                             .at_ns = span->until_ns,
                                             .until_ns = ended_at(play, index),
                                             .node = span->node,
                                             .who = who,
                                             .is_metered = true});
    }
}

/* ---- of the proxy ---- */

/* Our number of what the proxy calls connection number visit; 0: it is of somebody else. */
static uint32_t connection_of(const struct har_chronicle *chronicle, uint64_t visit)
{
    for (size_t i = 0; i < chronicle->conn_count; i++) {
        if (chronicle->conns[i].visit == visit) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

/* The step that gave the proxy its fault number id. */
static const struct har_node *giver_of(const struct har_chronicle *chronicle, uint64_t id)
{
    for (size_t i = 0; i < chronicle->span_count; i++) {
        const struct har_node *node = chronicle->spans[i].node;
        bool gives = node->type == &har_step_fault || node->type == &har_step_h2fault;
        if (gives && --id == 0) {
            return node;
        }
    }
    return NULL;
}

/* What the proxy calls "shape" is told by the first of its keys. */
static const char *name_of(const struct har_proxy_decision *decision, const struct har_node *node)
{
    static const char *const shapes[][2] = {
        {"swallow", "proxy swallow"}, {"stall", "proxy stall"},    {"bandwidth", "proxy bandwidth"},
        {"latency", "proxy latency"}, {"jitter", "proxy latency"}, {"slice", "proxy slices"}};
    static const char *const others[][2] = {
        {"cut", "proxy cut"},     {"refuse", "proxy refuse"}, {"drop", "proxy drop"},
        {"delay", "proxy delay"}, {"inject", "proxy inject"}, {"rewrite", "proxy rewrite"}};
    const json_t *fault = node == NULL ? NULL : json_object_get(node->json, "fault");
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (strcmp(decision->what, "shape") == 0 && json_object_get(fault, shapes[i][0]) != NULL) {
            return shapes[i][1];
        }
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(decision->what, others[i][0]) == 0) {
            return others[i][1];
        }
    }
    return "proxy fault";
}

/* When a fault that shapes ends: by itself or cleared. */
static uint64_t shaped_until(const struct har_play *play, const struct har_proxy_decision *decision)
{
    const struct har_chronicle *chronicle = play->chronicle;
    uint64_t until_ns = play->end_ns;
    for (size_t i = chronicle->span_count; i > 0; i--) {
        const struct har_noted_span *span = &chronicle->spans[i - 1];
        if (span->node->type != &har_step_clear || span->at_ns < decision->at_ns) {
            continue;
        }
        const char *name = json_string_value(json_object_get(span->node->json, "clear"));
        if (name == NULL || strcmp(name, decision->name) == 0) {
            until_ns = span->at_ns;
        }
    }
    bool ends_itself = decision->lasts_ns != 0 && decision->at_ns + decision->lasts_ns < until_ns;
    return ends_itself ? decision->at_ns + decision->lasts_ns : until_ns;
}

static int by_fault(const void *left, const void *right)
{
    const struct har_proxy_decision *a = left;
    const struct har_proxy_decision *b = right;
    if (a->fault != b->fault) {
        return a->fault < b->fault ? -1 : 1;
    }
    int order = strcmp(a->what, b->what);
    return order != 0 ? order : (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

static bool is_same_fault(const struct har_proxy_decision *first,
                          const struct har_proxy_decision *other)
{
    return first->fault == other->fault && strcmp(first->what, other->what) == 0 &&
           other->at_ns - first->at_ns <= NEAR_NS;
}

static void add_decisions(struct har_noted_faults *faults, struct har_play *play)
{
    size_t count = 0;
    const struct har_proxy_decision *decided =
        play->proxy == NULL ? NULL : har_proxy_decisions(play->proxy, &count);
    if (count == 0) {
        return;
    }
    struct har_proxy_decision *decisions = sl_calloc(count, sizeof(decisions[0]));
    memcpy(decisions, decided, count * sizeof(decisions[0]));
    qsort(decisions, count, sizeof(decisions[0]), by_fault);
    faults->connections = sl_calloc(count, sizeof(faults->connections[0]));
    for (size_t i = 0; i < count;) {
        const struct har_proxy_decision *first = &decisions[i];
        const struct har_node *node = giver_of(play->chronicle, first->fault);
        bool lasts = strcmp(first->what, "shape") == 0;
        struct har_noted_fault fault = {
            .what = name_of(first, node),
            .at_ns = first->at_ns,
            .until_ns = lasts ? shaped_until(play, first) : 0,
            .node = node,
            .connections = &faults->connections[i],
            .is_of_proxy = true,
        };
        for (; i < count && is_same_fault(first, &decisions[i]); i++) {
            faults->connections[i] = connection_of(play->chronicle, decisions[i].connection);
            fault.connection_count++;
        }
        add(faults, fault);
    }
    sl_free(decisions);
}

static int by_time(const void *left, const void *right)
{
    const struct har_noted_fault *a = left;
    const struct har_noted_fault *b = right;
    return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

void har_noted_faults_init(struct har_noted_faults *faults, struct har_play *play)
{
    *faults = (struct har_noted_faults){0};
    if (play->chronicle == NULL) {
        return;
    }
    faults->items = sl_calloc(HAR_FAULTS_NOTED_MAX, sizeof(faults->items[0]));
    for (size_t i = 0; i < play->chronicle->span_count; i++) {
        add_step(faults, play, i);
        add_metered(faults, play, i);
    }
    add_decisions(faults, play);
    if (faults->count > 1) {
        qsort(faults->items, faults->count, sizeof(faults->items[0]), by_time);
    }
}

void har_noted_faults_release(struct har_noted_faults *faults)
{
    sl_free(faults->items);
    sl_free(faults->connections);
}

bool har_noted_fault_hits(const struct har_noted_fault *fault, const struct har_actor *actor)
{
    const struct har_chronicle *chronicle = actor->play->chronicle;
    if (!fault->is_of_proxy) {
        return (fault->who >> actor->group & 1) != 0;
    }
    uint32_t number = actor->link == NULL || !actor->spec->is_via_proxy
                          ? 0
                          : har_chronicle_conn_at(chronicle, actor->link, fault->at_ns);
    for (size_t i = 0; i < fault->connection_count && number != 0; i++) {
        if (fault->connections[i] == number) {
            return true;
        }
    }
    return false;
}
