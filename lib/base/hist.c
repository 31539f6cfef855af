/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hist.h"

#include <math.h>
#include <string.h>

static unsigned highest_bit(uint64_t value)
{
    return 63U - (unsigned)__builtin_clzll(value);
}

/* Numbers below SL_HIST_PARTS have a bucket each; of the others the bits behind the highest one choose. */
static unsigned bucket_of(uint64_t value)
{
    if (value < SL_HIST_PARTS) {
        return (unsigned)value;
    }
    unsigned shift = highest_bit(value) - SL_HIST_BITS;
    return (shift + 1) * SL_HIST_PARTS + (unsigned)(value >> shift & (SL_HIST_PARTS - 1));
}

/* The greatest number of a bucket. */
static uint64_t top_of(unsigned bucket)
{
    if (bucket < SL_HIST_PARTS) {
        return bucket;
    }
    unsigned shift = bucket / SL_HIST_PARTS - 1;
    uint64_t low = (uint64_t)(SL_HIST_PARTS + bucket % SL_HIST_PARTS) << shift;
    return low + ((UINT64_C(1) << shift) - 1);
}

void sl_hist_clear(struct sl_hist *hist)
{
    memset(hist, 0, sizeof(*hist));
}

void sl_hist_add(struct sl_hist *hist, uint64_t value)
{
    hist->counts[bucket_of(value)]++;
    hist->least = hist->count == 0 || value < hist->least ? value : hist->least;
    hist->greatest = value > hist->greatest ? value : hist->greatest;
    hist->sum += (double)value;
    hist->count++;
}

void sl_hist_merge(struct sl_hist *hist, const struct sl_hist *other)
{
    if (other->count == 0) {
        return;
    }
    for (unsigned i = 0; i < SL_HIST_BUCKETS; i++) {
        hist->counts[i] += other->counts[i];
    }
    hist->least = hist->count == 0 || other->least < hist->least ? other->least : hist->least;
    hist->greatest = other->greatest > hist->greatest ? other->greatest : hist->greatest;
    hist->sum += other->sum;
    hist->count += other->count;
}

uint64_t sl_hist_percentile(const struct sl_hist *hist, double q)
{
    double wanted = ceil(fmin(fmax(q, 0), 100) / 100.0 * (double)hist->count);
    uint64_t rank = wanted < 1 ? 1 : (uint64_t)wanted;
    uint64_t seen = 0;
    if (hist->count == 0) {
        return 0;
    }
    for (unsigned i = 0; i < SL_HIST_BUCKETS; i++) {
        seen += hist->counts[i];
        if (seen >= rank) {
            uint64_t top = top_of(i);
            return top > hist->greatest ? hist->greatest : top;
        }
    }
    return hist->greatest;
}

double sl_hist_mean(const struct sl_hist *hist)
{
    return hist->count == 0 ? 0 : hist->sum / (double)hist->count;
}
