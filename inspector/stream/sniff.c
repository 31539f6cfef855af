/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/sniff.h"

#include "lib/base/alloc.h"
#include "lib/base/buf.h"

struct side {
    struct sl_buf head; /* what came, while a claim waits for more */
    bool is_begun;
    bool is_start;    /* its data began with the stream's first byte, and have no hole yet */
    bool is_answered; /* no layer of the table claims its beginning */
};

struct ins_sniff {
    struct ins_detect *detect;
    struct side sides[2];
    const struct ins_layer_kind *kind; /* that claimed it */
    int client;
    bool is_midway;
};

struct ins_sniff *ins_sniff_new(int client)
{
    struct ins_sniff *sniff = sl_alloc(sizeof(*sniff));
    sniff->detect = ins_detect_new(client);
    sniff->client = client;
    sl_buf_init(&sniff->sides[0].head, INS_STREAM_HEAD);
    sl_buf_init(&sniff->sides[1].head, INS_STREAM_HEAD);
    return sniff;
}

void ins_sniff_free(struct ins_sniff *sniff)
{
    if (sniff != NULL) {
        ins_detect_free(sniff->detect);
        sl_buf_release(&sniff->sides[0].head);
        sl_buf_release(&sniff->sides[1].head);
        sl_free(sniff);
    }
}

/* True when one of the table claims head; *ret_waits: one may, later. */
static bool ask(struct ins_sniff *sniff, int side, const struct ins_head *head, bool *ret_waits)
{
    *ret_waits = false;
    for (size_t i = 0; ins_layer_kinds[i] != NULL; i++) {
        enum ins_claim claim = ins_layer_kinds[i]->claim(head);
        if (claim == INS_CLAIM_MAYBE) {
            *ret_waits = true;
        } else if (claim != INS_CLAIM_NO) {
            sniff->kind = ins_layer_kinds[i];
            sniff->is_midway = !head->is_start || claim == INS_CLAIM_SERVER;
            if (claim != INS_CLAIM_EITHER) {
                sniff->client = claim == INS_CLAIM_CLIENT ? side : 1 - side;
            }
            return true;
        }
    }
    return false;
}

/* Asks the table about what came of a side. True when it waits for more. */
static bool look(struct ins_sniff *sniff, int number, struct sl_span bytes)
{
    struct side *side = &sniff->sides[number];
    struct ins_head head = {.bytes = bytes, .is_start = side->is_start};
    bool waits = false;
    if (!side->is_start) {
        (void)ask(sniff, number, &head, &waits);
        return false; /* of a middle, each segment is looked at on its own */
    }
    bool is_full = false;
    if (side->head.len > 0) {
        size_t room = INS_STREAM_HEAD - side->head.len;
        is_full = bytes.len >= room;
        (void)sl_buf_add_span(&side->head, sl_span_first(bytes, room));
        head.bytes = sl_buf_span(&side->head);
    }
    if (ask(sniff, number, &head, &waits)) {
        return false;
    }
    if (waits && side->head.len == 0) {
        is_full = bytes.len >= INS_STREAM_HEAD;
        (void)sl_buf_add_span(&side->head, sl_span_first(bytes, INS_STREAM_HEAD));
    }
    side->is_answered = !waits || is_full;
    return !side->is_answered;
}

static enum ins_sniff_verdict verdict_of(enum ins_detect_verdict verdict)
{
    switch (verdict) {
    case INS_DETECT_HTTP2:
        return INS_SNIFF_HTTP2;
    case INS_DETECT_OTHER:
        return INS_SNIFF_OTHER;
    case INS_DETECT_UNDECIDED:
    default:
        return INS_SNIFF_UNDECIDED;
    }
}

enum ins_sniff_verdict ins_sniff_data(struct ins_sniff *sniff, int number, bool saw_start,
                                      struct sl_span bytes, const struct sl_at *at)
{
    struct side *side = &sniff->sides[number];
    if (!side->is_begun) {
        side->is_begun = true;
        side->is_start = saw_start;
    }
    bool waits = !side->is_answered && look(sniff, number, bytes);
    enum ins_detect_verdict verdict = ins_detect_data(sniff->detect, number, saw_start, bytes, at);
    if (sniff->kind != NULL) {
        return INS_SNIFF_LAYER;
    }
    if (waits && verdict == INS_DETECT_OTHER && !ins_detect_is_full(sniff->detect)) {
        return INS_SNIFF_UNDECIDED;
    }
    return verdict_of(verdict);
}

enum ins_sniff_verdict ins_sniff_gap(struct ins_sniff *sniff, int number, uint64_t count,
                                     const struct sl_at *at)
{
    struct side *side = &sniff->sides[number];
    side->is_begun = true;
    side->is_start = false;
    side->is_answered = false;
    return verdict_of(ins_detect_gap(sniff->detect, number, count, at));
}

void ins_sniff_close(struct ins_sniff *sniff, int side, bool is_reset, const struct sl_at *at)
{
    ins_detect_close(sniff->detect, side, is_reset, at);
}

enum ins_sniff_verdict ins_sniff_decide(struct ins_sniff *sniff)
{
    return sniff->kind != NULL ? INS_SNIFF_LAYER : verdict_of(ins_detect_decide(sniff->detect));
}

const struct ins_layer_kind *ins_sniff_kind(const struct ins_sniff *sniff)
{
    return sniff->kind;
}

int ins_sniff_client(const struct ins_sniff *sniff)
{
    return sniff->kind != NULL ? sniff->client : ins_detect_client(sniff->detect);
}

bool ins_sniff_is_midway(const struct ins_sniff *sniff)
{
    return sniff->kind != NULL ? sniff->is_midway : ins_detect_is_midway(sniff->detect);
}

bool ins_sniff_is_guessed(const struct ins_sniff *sniff)
{
    return sniff->kind == NULL && ins_detect_is_guessed(sniff->detect);
}

void ins_sniff_replay(const struct ins_sniff *sniff, const struct ins_stream_sink *sink)
{
    ins_detect_replay(sniff->detect, sink);
}

size_t ins_sniff_held(const struct ins_sniff *sniff)
{
    return ins_detect_held(sniff->detect) + sniff->sides[0].head.len + sniff->sides[1].head.len;
}
