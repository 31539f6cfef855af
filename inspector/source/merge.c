/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/merge.h"

#include "lib/base/alloc.h"

struct input {
    const char *name;
    struct ins_source *source;
    struct ins_packet packet; /* the next one, when has_packet */
    uint64_t order_ns;        /* its time, or that of the last packet that had one */
    uint64_t packets;
    bool has_packet, is_ended, is_damaged;
};

struct ins_merge {
    ins_damage_fn *on_damage;
    void *owner;
    struct input inputs[INS_MERGE_MAX];
    size_t count;
    uint64_t packets;
};

struct ins_merge *ins_merge_new(ins_damage_fn *on_damage, void *owner)
{
    struct ins_merge *merge = sl_alloc(sizeof(*merge));
    merge->on_damage = on_damage;
    merge->owner = owner;
    return merge;
}

void ins_merge_free(struct ins_merge *merge)
{
    for (size_t i = 0; merge != NULL && i < merge->count; i++) {
        ins_source_free(merge->inputs[i].source);
    }
    sl_free(merge);
}

enum sl_status ins_merge_add(struct ins_merge *merge, const char *name, struct ins_source *source)
{
    if (merge->count == INS_MERGE_MAX) {
        ins_source_free(source);
        return SL_LIMIT;
    }
    merge->inputs[merge->count++] = (struct input){.name = name, .source = source};
    return SL_OK;
}

/* Reads on until input has a packet or has ended. */
static void advance(struct ins_merge *merge, struct input *input)
{
    while (!input->has_packet && !input->is_ended) {
        struct ins_damage damage;
        enum sl_status status = ins_source_next(input->source, &input->packet, &damage);
        if (status == SL_OK) {
            input->has_packet = true;
            input->packets++;
            input->order_ns = input->packet.has_time ? input->packet.time_ns : input->order_ns;
        } else if (status == SL_MALFORMED) {
            input->is_damaged = true;
            merge->on_damage(merge->owner, input->name, &damage);
        } else {
            input->is_ended = true;
        }
    }
}

bool ins_merge_next(struct ins_merge *merge, struct ins_packet *ret_packet)
{
    struct input *first = NULL;
    for (size_t i = 0; i < merge->count; i++) {
        struct input *input = &merge->inputs[i];
        advance(merge, input);
        if (input->has_packet && (first == NULL || input->order_ns < first->order_ns)) {
            first = input;
        }
    }
    if (first == NULL) {
        return false;
    }
    *ret_packet = first->packet;
    ret_packet->number = ++merge->packets;
    first->has_packet = false;
    return true;
}

const char *ins_merge_unread(const struct ins_merge *merge)
{
    for (size_t i = 0; i < merge->count; i++) {
        if (merge->inputs[i].is_damaged && merge->inputs[i].packets == 0) {
            return merge->inputs[i].name;
        }
    }
    return NULL;
}
