/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of calibration: small scenarios, and what is read out of their records. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/checks/samples.h"
#include "harness/engine/actor.h"
#include "harness/engine/calibrate.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/hist.h"

enum {
    RTT_CALLS = 400,
    RTT_GROUP = 50,
    INSTANCES = 3, /* rooms measured beside each other */
    SMALL = 100,
    BIG = 16384,
    RATED = 4096,
    RATED_HZ = 100,
    SLICES = 5,
};
/* Until the profile says otherwise: what the published example has. */
#define BUFFER_GUESS 100.0
/* No stack was seen to hold more than this of one stream. */
#define HIDDEN_GUESS (128.0 * 1024)

#define HEAD                                                                     \
    "{\"title\":\"calibration\",\"why\":\"calibration\",\"rules\":[\"SUB-05\"]," \
    "\"level\":\"core\",\"seconds\":90,"

/* Mean and CV of a few samples. */
static struct har_measured summary(const double *samples, size_t count)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += samples[i];
    }
    double mean = count == 0 ? 0 : sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += (samples[i] - mean) * (samples[i] - mean);
    }
    double deviation = count < 2 ? 0 : sqrt(squares / (double)(count - 1));
    return (struct har_measured){
        .is_known = count > 0, .value = mean, .cv = mean > 0 ? deviation / mean : 0};
}

static int ascending(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

/* The same with the median in place of the mean. */
static struct har_measured median(double *samples, size_t count)
{
    struct har_measured measured = summary(samples, count);
    if (count > 0) {
        qsort(samples, count, sizeof(double), ascending);
        measured.value = samples[count / 2];
    }
    return measured;
}

/* The actors of one group. */
static struct har_actor *group(struct har_play *play, const char *name, size_t *ret_count)
{
    uint64_t mask = 0;
    *ret_count = 0;
    struct har_actor *first = NULL;
    if (har_select_actors(play->scenario, name, &mask)) {
        HAR_FOR_ACTORS (play, mask, actor) {
            first = first == NULL ? actor : first;
            (*ret_count)++;
        }
    }
    assert(first != NULL); /* it is our own scenario */
    return first;
}

static double declared_buffer(const struct har_profile *profile)
{
    double buffer = BUFFER_GUESS;
    (void)har_profile_value(profile, sl_span_str("buffer"), &buffer);
    return buffer;
}

/* ---- rtt ---- */

static void write_rtt(struct sl_buf *out, const struct har_profile *profile, unsigned scale)
{
    (void)profile;
    (void)scale;
    (void)sl_buf_addf(out,
                      HEAD "\"actors\":{\"pub\":{\"kind\":\"publisher\"}},"
                           "\"run\":[{\"pub\":{\"send\":{\"count\":100}}},"
                           "{\"phase\":\"rtt\",\"do\":[{\"pub\":{\"send\":{\"count\":%d}}}]}]}",
                      RTT_CALLS);
}

static bool read_rtt(struct har_play *play, struct har_calibration *calibration)
{
    size_t count = 0;
    const struct har_actor *pub = group(play, "pub", &count);
    double medians[RTT_CALLS / RTT_GROUP];
    double batch[RTT_GROUP];
    size_t batches = 0;
    size_t in_batch = 0;
    struct sl_hist *all = sl_calloc(1, sizeof(*all));
    for (uint32_t i = 0; i < pub->sent_count; i++) {
        const struct har_sent *sent = &pub->sent[i];
        if (sent->phase < 0) {
            continue;
        }
        sl_hist_add(all, sent->replied_ns - sent->sent_ns);
        batch[in_batch++] = (double)(sent->replied_ns - sent->sent_ns) / (double)SL_MS;
        if (in_batch == RTT_GROUP && batches < RTT_CALLS / RTT_GROUP) {
            medians[batches++] = median(batch, in_batch).value;
            in_batch = 0;
        }
    }
    calibration->measures[HAR_RTT] = median(medians, batches);
    calibration->measures[HAR_RTT_P99] = (struct har_measured){
        .is_known = true, .value = (double)sl_hist_percentile(all, 99) / (double)SL_MS};
    sl_free(all);
    return true;
}

/* ---- hidden capacity and drop policy ---- */

static void write_held(struct sl_buf *out, const struct har_profile *profile, unsigned scale)
{
    double buffer = declared_buffer(profile);
    double small = (buffer + HIDDEN_GUESS / (SMALL + 5) + 60) * scale;
    double big = (buffer + HIDDEN_GUESS / BIG + 60) * scale;
    (void)sl_buf_addf(
        out,
        HEAD "\"actors\":{"
             "\"psmall\":{\"kind\":\"publisher\",\"n\":%d,\"room\":\"{room}-s{i}\"},"
             "\"small\":{\"kind\":\"subscriber\",\"n\":%d,\"room\":\"{room}-s{i}\",\"credit\":"
             "\"manual\"},"
             "\"pbig\":{\"kind\":\"publisher\",\"n\":%d,\"room\":\"{room}-b{i}\"},"
             "\"big\":{\"kind\":\"subscriber\",\"n\":%d,\"room\":\"{room}-b{i}\",\"credit\":"
             "\"manual\"}},",
        INSTANCES, INSTANCES, INSTANCES, INSTANCES);
    (void)sl_buf_addf(
        out,
        "\"run\":[{\"small,big\":{\"subscribe\":{}}},{\"parallel\":["
        "{\"psmall\":{\"send\":{\"count\":%.0f,\"size\":%d,\"rate\":600,\"within\":\"20s\"}}},"
        "{\"pbig\":{\"send\":{\"count\":%.0f,\"size\":%d,\"rate\":100,\"within\":\"20s\"}}}]},"
        "{\"quiesce\":true},"
        "{\"small,big\":{\"resume\":{}}},{\"await\":\"least_received(small,big) >= 1\"},"
        "{\"quiesce\":true,\"for\":\"max(250, 5*S)\"}]}",
        floor(small), SMALL, floor(big), BIG);
}

/* Bytes of the message on the wire, without prefix. */
static double wire_size(const struct har_actor *publisher)
{
    struct sl_buf scratch;
    struct sl_buf payload;
    struct har_message message;
    sl_buf_init(&scratch, HAR_TEXT_MAX);
    sl_buf_init(&payload, HAR_TEXT_MAX);
    har_actor_message(publisher, 0, &scratch, &message);
    har_message_write(&payload, &message);
    double size = (double)payload.len;
    sl_buf_release(&scratch);
    sl_buf_release(&payload);
    return size;
}

/* How many messages each subscriber was held; false when one was held everything. */
static bool held(struct har_play *play, const char *subs, const char *pubs, double *samples,
                 size_t *ret_count)
{
    size_t count = 0;
    const struct har_actor *sub = group(play, subs, ret_count);
    const struct har_actor *pub = group(play, pubs, &count);
    for (size_t i = 0; i < *ret_count; i++) {
        samples[i] = sub[i].received_count;
        if (sub[i].received_count >= pub[i].sent_count) {
            return false;
        }
    }
    return true;
}

/* What was held of a room of which something was dropped: its last message only comes where the oldest is
 * dropped. */
static double policy_of(const struct har_actor *sub, const struct har_actor *pub)
{
    uint32_t last = sub->received_count == 0 ? 0 : sub->received[sub->received_count - 1].sequence;
    return last + 1 == pub->sent_count;
}

static bool read_held(struct har_play *play, struct har_calibration *calibration)
{
    double small[INSTANCES];
    double big[INSTANCES];
    double oldest[INSTANCES];
    size_t count = 0;
    size_t publishers = 0;
    if (!held(play, "small", "psmall", small, &count) || !held(play, "big", "pbig", big, &count)) {
        return false;
    }
    const struct har_actor *subs = group(play, "small", &count);
    const struct har_actor *pubs = group(play, "psmall", &publishers);
    for (size_t i = 0; i < count; i++) {
        oldest[i] = policy_of(&subs[i], &pubs[i]);
    }
    double small_size = wire_size(pubs) + 5;
    double big_size = wire_size(group(play, "pbig", &publishers)) + 5;
    struct har_measured of_small = median(small, count);
    struct har_measured of_big = median(big, count);
    struct har_measured policy = median(oldest, count);
    double bytes = fmax(0, of_small.value - of_big.value) / (1 / small_size - 1 / big_size);
    double rest =
        of_big.value - bytes / big_size; /* buffer, and what the stack counts in messages */
    double buffer = rest;
    bool is_declared = har_profile_value(play->config.profile, sl_span_str("buffer"), &buffer);
    double cv = fmax(of_small.cv, of_big.cv);
    calibration->measures[HAR_HIDDEN_BYTES] = (struct har_measured){true, bytes, cv};
    calibration->measures[HAR_HIDDEN_MESSAGES] =
        (struct har_measured){true, is_declared ? fmax(0, rest - buffer) : 0, cv};
    calibration->measures[HAR_BUFFER] = (struct har_measured){true, round(buffer), cv};
    calibration->measures[HAR_IS_OLDEST] = (struct har_measured){true, policy.value, policy.cv};
    return true;
}

/* ---- the buffer, told from the stack by the rate ---- */

static void write_buffer(struct sl_buf *out, const struct har_profile *profile, unsigned scale)
{
    double count = (2 * declared_buffer(profile) + 100) * scale;
    (void)sl_buf_addf(
        out,
        HEAD "\"actors\":{"
             "\"pub\":{\"kind\":\"publisher\",\"n\":%d,\"room\":\"{room}-{i}\"},"
             "\"sub\":{\"kind\":\"subscriber\",\"n\":%d,\"room\":\"{room}-{i}\","
             "\"max_rate_hz\":%d,\"credit\":\"manual\"}},"
             "\"run\":[{\"sub\":{\"subscribe\":{}}},"
             "{\"pub\":{\"send\":{\"count\":%.0f,\"size\":%d,\"rate\":200,\"within\":\"20s\"}}},"
             "{\"quiesce\":true},{\"mark\":\"resumed\"},{\"sub\":{\"resume\":{}}},"
             "{\"await\":\"least_received(sub) >= 1\"},"
             "{\"quiesce\":true,\"for\":\"max(300, 5*S)\",\"within\":\"60s\"}]}",
        INSTANCES, INSTANCES, RATED_HZ, count, RATED);
}

/* What the transport had taken comes at once after the stall, what the buffer holds comes at the rate: the line
 * through the second half of the receipts, drawn back to the end of the stall, tells the two apart. */
static double buffered(const struct har_actor *sub, uint64_t resumed_ns)
{
    uint32_t count = sub->received_count;
    if (count < 8) {
        return count;
    }
    const struct har_received *all = sub->received;
    uint32_t half = count / 2;
    double tail_s = (double)(all[count - 1].at_ns - all[half].at_ns) / 1e9;
    double whole_s = (double)(all[count - 1].at_ns - resumed_ns) / 1e9;
    double at_rate = tail_s > 0 ? (count - 1 - half) / tail_s * whole_s : 0;
    return fmin(at_rate, count);
}

static bool read_buffer(struct har_play *play, struct har_calibration *calibration)
{
    double all[INSTANCES];
    double inside[INSTANCES];
    size_t count = 0;
    if (!held(play, "sub", "pub", all, &count)) {
        return false;
    }
    const struct har_actor *subs = group(play, "sub", &count);
    for (size_t i = 0; i < count; i++) {
        inside[i] = buffered(&subs[i], play->marks[0].at_ns);
    }
    struct har_measured total = median(all, count);
    struct har_measured buffer = median(inside, count);
    buffer.value = round(buffer.value);
    if (buffer.value < total.value / 4) {
        (void)snprintf(calibration->notes[HAR_CAL_BUFFER],
                       sizeof(calibration->notes[HAR_CAL_BUFFER]),
                       "it does not keep a rate, so that buffer and stack cannot be told apart");
        return true;
    }
    calibration->measures[HAR_BUFFER] = buffer;
    size_t publishers = 0;
    double size = wire_size(group(play, "pub", &publishers)) + 5;
    double of_bytes = calibration->measures[HAR_HIDDEN_BYTES].value / size;
    calibration->measures[HAR_HIDDEN_MESSAGES].value =
        fmax(0, total.value - buffer.value - of_bytes);
    return true;
}

/* ---- the default rate ---- */

static void write_rate(struct sl_buf *out, const struct har_profile *profile, unsigned scale)
{
    (void)profile;
    (void)scale;
    (void)sl_buf_addf(out, HEAD "\"actors\":{\"pub\":{\"kind\":\"publisher\"},"
                                "\"sub\":{\"kind\":\"subscriber\",\"max_rate_hz\":0}},"
                                "\"run\":[{\"sub\":{\"subscribe\":{}}},"
                                "{\"pub\":{\"send\":{\"count\":40}}},"
                                "{\"await\":\"received(sub) >= 26\",\"within\":\"20s\"}]}");
}

static bool read_rate(struct har_play *play, struct har_calibration *calibration)
{
    size_t count = 0;
    const struct har_actor *sub = group(play, "sub", &count);
    double rates[SLICES];
    for (size_t i = 0; i < SLICES; i++) { /* five intervals each */
        double s = (double)(sub->received[5 * i + 5].at_ns - sub->received[5 * i].at_ns) / 1e9;
        rates[i] = 5 / fmax(s, 1e-6);
    }
    calibration->measures[HAR_DEFAULT_HZ] = median(rates, SLICES);
    return true;
}

/* ---- the ping interval ---- */

static void write_ping(struct sl_buf *out, const struct har_profile *profile, unsigned scale)
{
    (void)profile;
    (void)scale;
    (void)sl_buf_addf(out, HEAD "\"actors\":{\"chat\":{\"kind\":\"chat\",\"n\":3}},"
                                "\"run\":[{\"chat\":{\"chat\":{}}},"
                                "{\"await\":\"pings(chat) >= 6\",\"within\":\"80s\"}]}");
}

static bool read_ping(struct har_play *play, struct har_calibration *calibration)
{
    size_t count = 0;
    double intervals[INSTANCES];
    size_t known = 0;
    const struct har_actor *chats = group(play, "chat", &count);
    for (size_t i = 0; i < count; i++) {
        if (chats[i].pings >= 2) {
            intervals[known++] =
                (double)(chats[i].ping_ns[1] - chats[i].ping_ns[0]) / (double)SL_MS;
        }
    }
    calibration->measures[HAR_INTERVAL_MS] = median(intervals, known);
    return true;
}

/* ---- capacity ---- */

static const unsigned inflights[] = {1, 4, 16, 64};
enum {
    INFLIGHTS = sizeof(inflights) / sizeof(inflights[0]),
};

static void write_capacity(struct sl_buf *out, const struct har_profile *profile, unsigned scale)
{
    (void)profile;
    (void)scale;
    (void)sl_buf_addf(out, HEAD "\"actors\":{\"pub\":{\"kind\":\"publisher\"},"
                                "\"sub\":{\"kind\":\"subscriber\"}},"
                                "\"run\":[{\"sub\":{\"subscribe\":{}}}");
    for (size_t i = 0; i < INFLIGHTS; i++) {
        (void)sl_buf_addf(out,
                          ",{\"phase\":\"k%u\",\"do\":[{\"pub\":{\"send\":{\"for\":\"500ms\","
                          "\"inflight\":%u}}},{\"quiesce\":true}]}",
                          inflights[i], inflights[i]);
    }
    (void)sl_buf_addf(out, "]}");
}

/* Messages a second of one phase, published and delivered, in slices of its time. */
static struct har_measured throughput(struct har_play *play, const struct har_actor *pub,
                                      const struct har_actor *sub, int phase)
{
    uint64_t begin_ns = UINT64_MAX;
    uint64_t end_ns = 0;
    double rates[SLICES] = {0};
    double accepted = 0;
    double received = 0;
    for (uint32_t i = 0; i < pub->sent_count; i++) {
        const struct har_sent *sent = &pub->sent[i];
        if (sent->phase == phase) {
            begin_ns = sent->sent_ns < begin_ns ? sent->sent_ns : begin_ns;
            end_ns = sent->replied_ns > end_ns ? sent->replied_ns : end_ns;
            accepted += sent->is_accepted;
        }
    }
    for (uint32_t i = 0; i < sub->received_count; i++) {
        const struct har_sent *sent = &pub->sent[sub->received[i].sequence];
        uint64_t at_ns = sub->received[i].at_ns;
        if (sent->phase == phase) {
            received++;
            end_ns = at_ns > end_ns ? at_ns : end_ns;
        }
    }
    (void)play;
    if (accepted == 0 || end_ns <= begin_ns) {
        return (struct har_measured){0};
    }
    double slice_s = (double)(end_ns - begin_ns) / 1e9 / SLICES;
    for (uint32_t i = 0; i < pub->sent_count; i++) {
        const struct har_sent *sent = &pub->sent[i];
        if (sent->phase == phase && sent->is_accepted) {
            double at = (double)(sent->replied_ns - begin_ns) / 1e9 / slice_s;
            rates[at >= SLICES ? SLICES - 1 : (size_t)at] += 1 / slice_s;
        }
    }
    struct har_measured measured = summary(rates, SLICES);
    measured.value *= fmin(1, received / accepted); /* what was lost does not count */
    return measured;
}

static bool read_capacity(struct har_play *play, struct har_calibration *calibration)
{
    size_t count = 0;
    const struct har_actor *pub = group(play, "pub", &count);
    const struct har_actor *sub = group(play, "sub", &count);
    struct har_measured rates[INFLIGHTS];
    size_t best = 0;
    for (size_t i = 0; i < INFLIGHTS; i++) {
        rates[i] = throughput(play, pub, sub, (int)i);
        best = rates[i].value > rates[best].value ? i : best;
    }
    size_t knee = 0;
    while (rates[knee].value < 0.9 * rates[best].value) {
        knee++;
    }
    calibration->measures[HAR_CAPACITY] = rates[knee];
    calibration->measures[HAR_KNEE] =
        (struct har_measured){.is_known = rates[knee].is_known, .value = inflights[knee]};
    return true;
}

/* In this order: the buffer's stage needs what the one before it found. */
const struct har_stage har_stages[] = {
    {HAR_BIT(HAR_CAL_RTT), write_rtt, read_rtt, HAR_RTT},
    {HAR_BIT(HAR_CAL_HIDDEN) | HAR_BIT(HAR_CAL_DROP_POLICY) | HAR_BIT(HAR_CAL_BUFFER), write_held,
     read_held, HAR_HIDDEN_BYTES},
    {HAR_BIT(HAR_CAL_BUFFER), write_buffer, read_buffer, HAR_BUFFER},
    {HAR_BIT(HAR_CAL_DEFAULT_RATE), write_rate, read_rate, HAR_DEFAULT_HZ},
    {HAR_BIT(HAR_CAL_PING_INTERVAL), write_ping, read_ping, HAR_INTERVAL_MS},
    {HAR_BIT(HAR_CAL_CAPACITY), write_capacity, read_capacity, HAR_CAPACITY},
};
const size_t har_stage_count = sizeof(har_stages) / sizeof(har_stages[0]);
