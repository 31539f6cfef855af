/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/latency.h"

#include "lib/base/alloc.h"

enum {
    STEP_BITS = 5, /* INS_LATENCY_STEPS is 2 to this */
    LOW_BITS = 10, /* the first octave begins at 2^10 ns */
};

static size_t class_of(uint64_t ns)
{
    if (ns >> LOW_BITS == 0) {
        return 0;
    }
    unsigned top = 63U - (unsigned)__builtin_clzll(ns);
    size_t octave = top - LOW_BITS;
    if (octave >= INS_LATENCY_OCTAVES) {
        return INS_LATENCY_OCTAVES * INS_LATENCY_STEPS - 1;
    }
    return octave * INS_LATENCY_STEPS + (ns >> (top - STEP_BITS) & (INS_LATENCY_STEPS - 1));
}

/* The largest duration of a class. */
static uint64_t upper_end(size_t class)
{
    size_t octave = class / INS_LATENCY_STEPS;
    uint64_t step = class % INS_LATENCY_STEPS;
    return ((INS_LATENCY_STEPS + step + 1) << (octave + LOW_BITS - STEP_BITS)) - 1;
}

void ins_latency_add(struct ins_latency *latency, uint64_t ns)
{
    if (latency->count == 0 || ns < latency->min_ns) {
        latency->min_ns = ns;
    }
    if (ns > latency->max_ns) {
        latency->max_ns = ns;
    }
    latency->count++;
    size_t class = class_of(ns);
    uint32_t **octave = &latency->octaves[class / INS_LATENCY_STEPS];
    if (*octave == NULL) {
        *octave = sl_alloc(INS_LATENCY_STEPS * sizeof(**octave));
    }
    (*octave)[class % INS_LATENCY_STEPS]++;
}

void ins_latency_release(struct ins_latency *latency)
{
    for (size_t i = 0; i < INS_LATENCY_OCTAVES; i++) {
        sl_free(latency->octaves[i]);
        latency->octaves[i] = NULL;
    }
}

static uint64_t count_in(const struct ins_latency *latency, size_t class)
{
    const uint32_t *octave = latency->octaves[class / INS_LATENCY_STEPS];
    return octave == NULL ? 0 : octave[class % INS_LATENCY_STEPS];
}

uint64_t ins_latency_percentile(const struct ins_latency *latency, unsigned percent)
{
    uint64_t rank = (latency->count * percent + 99) / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < INS_LATENCY_OCTAVES * INS_LATENCY_STEPS; i++) {
        seen += count_in(latency, i);
        if (seen >= rank && seen > 0) {
            uint64_t ns = upper_end(i);
            ns = ns > latency->max_ns ? latency->max_ns : ns;
            return ns < latency->min_ns ? latency->min_ns : ns;
        }
    }
    return latency->max_ns;
}

void ins_latency_write(const struct ins_latency *latency, struct sl_json_out *out)
{
    static const struct {
        const char *key;
        unsigned percent;
    } columns[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"max", 100}};
    sl_json_out_begin_object(out);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        sl_json_out_key(out, columns[i].key);
        if (latency->count == 0) {
            sl_json_out_null(out);
        } else {
            sl_json_out_ms(out, columns[i].percent == 100
                                    ? latency->max_ns
                                    : ins_latency_percentile(latency, columns[i].percent));
        }
    }
    sl_json_out_end_object(out);
}
