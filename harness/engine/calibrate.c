/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/calibrate.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    SCALE_MAX = 16,
    PLAYS_MAX = 3, /* of one stage, while it is unsteady */
    STAGE_TEXT_MAX = 64 * 1024,
    TURN_BASE = 1 << 20, /* rooms that no scenario's play has */
};

/* Room for what the two parts are rounded by, and for the message in the sender's hands. */
#define HIDDEN_MARGIN 2

struct har_calibrate {
    struct har_play_config base;
    struct har_calibration *calibration;
    size_t stage;
    unsigned scale, plays;
    struct har_scenario *scenario;
    struct har_play *play;       /* that runs; NULL once it is played */
    struct har_calibration best; /* of the stage, while it is unsteady */
    har_calibrate_fn *done;
    void *owner;
    uint64_t begin_ns;
};

static const char *const names[HAR_MEASURES] = {
    "rtt_ms",      "rtt_p99_ms",      "hidden_bytes",     "hidden_messages", "buffer",
    "drop_oldest", "default_rate_hz", "ping_interval_ms", "capacity_hz",     "knee",
};

const char *har_measure_name(enum har_measure measure)
{
    return names[measure];
}

bool har_calibration_is_steady(const struct har_calibration *calibration, enum har_measure measure)
{
    const struct har_measured *measured = &calibration->measures[measure];
    return measured->is_known && measured->cv <= HAR_CALIBRATE_CV_MAX;
}

double har_calibration_hidden(const struct har_calibration *calibration, double size)
{
    double bytes = calibration->measures[HAR_HIDDEN_BYTES].value;
    double messages = calibration->measures[HAR_HIDDEN_MESSAGES].value;
    return ceil(bytes / (size + 5)) + ceil(messages) + HIDDEN_MARGIN;
}

static void next(struct har_calibrate *calibrate);

static void on_freed(void *owner, struct har_play *play)
{
    struct har_calibrate *calibrate = owner;
    (void)play;
    har_scenario_free(calibrate->scenario);
    calibrate->scenario = NULL;
    next(calibrate);
}

static void note_failure(struct har_calibrate *calibrate, const char *text)
{
    for (unsigned i = 0; i < HAR_CALIBRATED; i++) {
        if ((har_stages[calibrate->stage].measures & calibrate->calibration->asked & HAR_BIT(i)) !=
            0) {
            char *note = calibrate->calibration->notes[i];
            (void)snprintf(note, sizeof(calibrate->calibration->notes[i]), "%.150s", text);
        }
    }
}

static void next_stage(struct har_calibrate *calibrate)
{
    calibrate->stage++;
    calibrate->scale = 1;
    calibrate->plays = 0;
}

/* Keeps the steadiest of several plays of a stage. */
static void judge(struct har_calibrate *calibrate)
{
    struct har_calibration *now = calibrate->calibration;
    enum har_measure judged = har_stages[calibrate->stage].judged;
    const struct har_measured *best = &calibrate->best.measures[judged];
    if (calibrate->plays > 1 && best->is_known && best->cv < now->measures[judged].cv) {
        *now = calibrate->best;
    }
    calibrate->best = *now;
    if (har_calibration_is_steady(now, judged) || calibrate->plays >= PLAYS_MAX) {
        next_stage(calibrate);
    }
}

static void on_played(void *owner, struct har_play *play)
{
    struct har_calibrate *calibrate = owner;
    const struct har_stage *stage = &har_stages[calibrate->stage];
    calibrate->play = NULL;
    if (play->failure_count > 0) {
        note_failure(calibrate, play->failures[0].text);
        next_stage(calibrate);
    } else if (!stage->read(play, calibrate->calibration)) {
        calibrate->scale *= 4;
        if (calibrate->scale > SCALE_MAX) {
            note_failure(calibrate, "all that was sent was held: no bound was found");
            next_stage(calibrate);
        }
    } else {
        calibrate->plays++;
        judge(calibrate);
    }
    har_play_free(play, on_freed, calibrate);
}

static void play_stage(struct har_calibrate *calibrate)
{
    struct sl_buf text;
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    sl_buf_init(&text, STAGE_TEXT_MAX);
    har_stages[calibrate->stage].write(&text, calibrate->base.profile, calibrate->scale);
    calibrate->scenario =
        har_scenario_parse(sl_buf_span(&text), "calibration", "calibration", problems);
    sl_buf_release(&text);
    assert(calibrate->scenario != NULL); /* it is our own text */
    sl_free(problems);
    struct har_play_config config = calibrate->base;
    config.scenario = calibrate->scenario;
    config.turn =
        TURN_BASE + (unsigned)calibrate->stage * 256 + calibrate->scale * 8 + calibrate->plays;
    config.calibration = NULL;
    config.done = on_played;
    config.owner = calibrate;
    calibrate->play = har_play_new(&config);
}

static bool is_wanted_stage(const struct har_calibrate *calibrate, size_t stage)
{
    return (har_stages[stage].measures & calibrate->calibration->asked) != 0;
}

static bool is_wanted(const struct har_calibrate *calibrate)
{
    return is_wanted_stage(calibrate, calibrate->stage);
}

const char *har_calibrate_stage(const struct har_calibrate *calibrate, size_t *ret_number,
                                size_t *ret_count)
{
    *ret_number = 1;
    *ret_count = 0;
    for (size_t i = 0; i < har_stage_count; i++) {
        bool is_one = is_wanted_stage(calibrate, i);
        *ret_count += is_one;
        *ret_number += is_one && i < calibrate->stage;
    }
    if (calibrate->stage >= har_stage_count) {
        return "";
    }
    unsigned measures = har_stages[calibrate->stage].measures & calibrate->calibration->asked;
    size_t first = 0;
    while (first < HAR_CALIBRATED && (measures & HAR_BIT(first)) == 0) {
        first++;
    }
    return first == HAR_CALIBRATED ? "" : har_calibrated_names[first];
}

static void next(struct har_calibrate *calibrate)
{
    while (calibrate->stage < har_stage_count && !is_wanted(calibrate)) {
        next_stage(calibrate);
    }
    if (calibrate->stage < har_stage_count) {
        play_stage(calibrate);
        return;
    }
    calibrate->calibration->duration_ns = sl_clock_mono_ns() - calibrate->begin_ns;
    calibrate->done(calibrate->owner);
}

struct har_calibrate *har_calibrate_start(const struct har_play_config *base, unsigned asked,
                                          struct har_calibration *calibration,
                                          har_calibrate_fn *done, void *owner)
{
    struct har_calibrate *calibrate = sl_alloc(sizeof(*calibrate));
    *calibrate = (struct har_calibrate){.base = *base,
                                        .calibration = calibration,
                                        .scale = 1,
                                        .done = done,
                                        .owner = owner,
                                        .begin_ns = sl_clock_mono_ns()};
    *calibration = (struct har_calibration){.asked = asked};
    next(calibrate);
    return calibrate;
}

void har_calibrate_stop(struct har_calibrate *calibrate)
{
    if (calibrate == NULL) {
        return;
    }
    calibrate->stage = har_stage_count;
    if (calibrate->play != NULL) {
        har_play_free(calibrate->play, on_freed, calibrate);
        calibrate->play = NULL;
    }
}

void har_calibrate_free(struct har_calibrate *calibrate)
{
    sl_free(calibrate);
}
