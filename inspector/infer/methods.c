/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/methods.h"

#include "inspector/infer/shape.h"
#include "lib/base/alloc.h"

enum {
    SCORE_MAX = 1000,
    SCORE_NEUTRAL = 500, /* nothing speaks for or against it */
    SCORE_MIN = 900,     /* of a method that is named: nine in ten fields are right */
    SCORE_LEAD = 100,    /* over the second */
    GOOD_MIN = 2,        /* fields that must speak for it */
    UNARY_CALLS = 3,     /* with one message each way make a stream unlikely */
    UNARY_BONUS = 150,
    MESSAGES_MAX = 64, /* of a group that are looked at, each way */
};

struct candidate {
    uint32_t good, bad;
    bool is_dead;
};

struct ins_methods {
    const struct sl_pool *pool;
    size_t count;
    uint64_t seen[2];     /* messages, by direction */
    uint64_t unary_calls; /* that ended with one message each way */
    uint64_t other_calls;
    struct candidate candidates[];
};

struct ins_methods *ins_methods_new(const struct sl_pool *pool)
{
    size_t count = pool == NULL ? 0 : sl_pool_method_count(pool);
    if (count == 0 || count > INS_METHODS_MAX) {
        return NULL;
    }
    struct ins_methods *methods =
        sl_alloc(sizeof(*methods) + count * sizeof(methods->candidates[0]));
    methods->pool = pool;
    methods->count = count;
    return methods;
}

void ins_methods_free(struct ins_methods *methods)
{
    sl_free(methods);
}

void ins_methods_exclude(struct ins_methods *methods, const struct sl_method *method)
{
    for (size_t i = 0; i < methods->count; i++) {
        if (sl_pool_method_at(methods->pool, i) == method) {
            methods->candidates[i].is_dead = true;
        }
    }
}

void ins_methods_message(struct ins_methods *methods, enum sl_dir dir, uint64_t index,
                         struct sl_span bytes)
{
    if (methods->seen[dir] >= MESSAGES_MAX) {
        return;
    }
    methods->seen[dir]++;
    for (size_t i = 0; i < methods->count; i++) {
        struct candidate *candidate = &methods->candidates[i];
        if (candidate->is_dead) {
            continue;
        }
        const struct sl_method *method = sl_pool_method_at(methods->pool, i);
        bool is_request = dir == SL_DIR_REQUEST;
        const struct sl_message_type *type = is_request ? method->input : method->output;
        bool is_stream = is_request ? method->is_client_streaming : method->is_server_streaming;
        struct ins_shape shape = {.is_impossible = true};
        if (type != NULL && (index == 1 || is_stream)) {
            shape = ins_shape_fit(type, bytes);
        }
        candidate->good += shape.good;
        candidate->bad += shape.bad;
        candidate->is_dead = shape.is_impossible;
    }
}

void ins_methods_call(struct ins_methods *methods, uint64_t requests, uint64_t responses)
{
    if (requests == 1 && responses == 1) {
        methods->unary_calls++;
    } else {
        methods->other_calls++;
    }
    /* A unary side that ends well has exactly one message; more were told as they came. */
    for (size_t i = 0; i < methods->count; i++) {
        const struct sl_method *method = sl_pool_method_at(methods->pool, i);
        if ((requests == 0 && !method->is_client_streaming) ||
            (responses == 0 && !method->is_server_streaming)) {
            methods->candidates[i].is_dead = true;
        }
    }
}

/* 0: it is not that method. */
static unsigned score_of(const struct ins_methods *methods, size_t i)
{
    const struct candidate *candidate = &methods->candidates[i];
    if (candidate->is_dead) {
        return 0;
    }
    uint64_t all = (uint64_t)candidate->good + candidate->bad;
    uint64_t score = all == 0 ? SCORE_NEUTRAL : candidate->good * (uint64_t)SCORE_MAX / all;
    const struct sl_method *method = sl_pool_method_at(methods->pool, i);
    bool is_unary = !method->is_client_streaming && !method->is_server_streaming;
    if (is_unary && methods->other_calls == 0 && methods->unary_calls >= UNARY_CALLS) {
        score += UNARY_BONUS;
    }
    return (unsigned)score;
}

const struct sl_method *ins_methods_best(const struct ins_methods *methods)
{
    size_t best = 0;
    unsigned best_score = 0;
    unsigned second_score = 0;
    for (size_t i = 0; i < methods->count; i++) {
        unsigned score = score_of(methods, i);
        if (score > best_score) {
            second_score = best_score;
            best_score = score;
            best = i;
        } else if (score > second_score) {
            second_score = score;
        }
    }
    bool is_clear = best_score >= SCORE_MIN && best_score - second_score >= SCORE_LEAD &&
                    methods->candidates[best].good >= GOOD_MIN &&
                    methods->seen[SL_DIR_REQUEST] > 0 && methods->seen[SL_DIR_RESPONSE] > 0;
    return is_clear ? sl_pool_method_at(methods->pool, best) : NULL;
}

size_t ins_methods_rank(const struct ins_methods *methods,
                        const struct sl_method *ret_methods[INS_CANDIDATES_MAX])
{
    unsigned scores[INS_CANDIDATES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < methods->count; i++) {
        unsigned score = score_of(methods, i);
        if (score < SCORE_NEUTRAL || (count == INS_CANDIDATES_MAX && score <= scores[count - 1])) {
            continue;
        }
        size_t at = count < INS_CANDIDATES_MAX ? count++ : count - 1;
        while (at > 0 && scores[at - 1] < score) {
            scores[at] = scores[at - 1];
            ret_methods[at] = ret_methods[at - 1];
            at--;
        }
        scores[at] = score;
        ret_methods[at] = sl_pool_method_at(methods->pool, i);
    }
    return count;
}
