/* SPDX-License-Identifier: Apache-2.0 */
/* What a calibration means, for people. */
#include <math.h>
#include <stdio.h>

#include "harness/engine/calibrate.h"

struct row {
    enum har_calibrated asked;
    enum har_measure measure;
    const char *name;
    void (*tell)(char *text, size_t size, const struct har_calibration *calibration,
                 const struct har_profile *profile);
};

#define VALUE(measure) (calibration->measures[measure].value)

static void tell_rtt(char *text, size_t size, const struct har_calibration *calibration,
                     const struct har_profile *profile)
{
    (void)profile;
    (void)snprintf(text, size, "a call takes %.2f ms, one in a hundred %.2f ms or more",
                   VALUE(HAR_RTT), VALUE(HAR_RTT_P99));
}

static void tell_hidden(char *text, size_t size, const struct har_calibration *calibration,
                        const struct har_profile *profile)
{
    double bytes = VALUE(HAR_HIDDEN_BYTES);
    double messages = round(VALUE(HAR_HIDDEN_MESSAGES));
    (void)profile;
    if (bytes < 1024 && messages < 4) {
        (void)snprintf(text, size,
                       "%.0f messages vanish into the stack before your server feels a "
                       "slow reader",
                       messages + round(bytes / 205));
        return;
    }
    (void)snprintf(text, size,
                   "%.0f messages of 200 bytes (%.0f of 16 KiB) vanish into the stack before your "
                   "server feels a slow reader: %.1f KiB and %.0f messages",
                   messages + floor(bytes / 205), messages + floor(bytes / 16389), bytes / 1024,
                   messages);
}

static void tell_buffer(char *text, size_t size, const struct har_calibration *calibration,
                        const struct har_profile *profile)
{
    double declared = 0;
    char also[64] = "";
    if (har_profile_value(profile, sl_span_str("buffer"), &declared)) {
        (void)snprintf(also, sizeof(also), " (the profile declares %.0f)", declared);
    }
    (void)snprintf(text, size, "a subscriber that does not read is held about %.0f messages%s",
                   VALUE(HAR_BUFFER), also);
}

static void tell_policy(char *text, size_t size, const struct har_calibration *calibration,
                        const struct har_profile *profile)
{
    bool is_oldest = VALUE(HAR_IS_OLDEST) != 0;
    bool is_declared = profile->drop_policy == HAR_DROP_OLDEST;
    (void)snprintf(text, size, "when that is full the %s are dropped%s",
                   is_oldest ? "oldest" : "newest",
                   is_oldest == is_declared ? "" : ", against what the profile declares");
}

static void tell_rate(char *text, size_t size, const struct har_calibration *calibration,
                      const struct har_profile *profile)
{
    (void)profile;
    (void)snprintf(text, size, "a subscriber that asks for no rate gets %.1f messages a second",
                   VALUE(HAR_DEFAULT_HZ));
}

static void tell_interval(char *text, size_t size, const struct har_calibration *calibration,
                          const struct har_profile *profile)
{
    (void)profile;
    (void)snprintf(text, size, "a chat is pinged every %.2f s", VALUE(HAR_INTERVAL_MS) / 1000);
}

static void tell_capacity(char *text, size_t size, const struct har_calibration *calibration,
                          const struct har_profile *profile)
{
    (void)profile;
    (void)snprintf(text, size,
                   "one publisher and one subscriber get %.0f messages a second through; more than "
                   "%.0f calls in flight do not help",
                   VALUE(HAR_CAPACITY), VALUE(HAR_KNEE));
}

static const struct row rows[] = {
    {HAR_CAL_RTT, HAR_RTT, "round trip", tell_rtt},
    {HAR_CAL_HIDDEN, HAR_HIDDEN_BYTES, "hidden capacity", tell_hidden},
    {HAR_CAL_BUFFER, HAR_BUFFER, "buffer", tell_buffer},
    {HAR_CAL_DROP_POLICY, HAR_IS_OLDEST, "drop policy", tell_policy},
    {HAR_CAL_DEFAULT_RATE, HAR_DEFAULT_HZ, "default rate", tell_rate},
    {HAR_CAL_PING_INTERVAL, HAR_INTERVAL_MS, "ping interval", tell_interval},
    {HAR_CAL_CAPACITY, HAR_CAPACITY, "capacity", tell_capacity},
};

void har_calibration_print(FILE *out, const struct har_calibration *calibration,
                           const struct har_profile *profile)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        const struct har_measured *measured = &calibration->measures[row->measure];
        char text[400];
        if ((calibration->asked & HAR_BIT(row->asked)) == 0) {
            continue;
        }
        if (!measured->is_known || calibration->notes[row->asked][0] != '\0') {
            (void)snprintf(text, sizeof(text), "not measured: %s", calibration->notes[row->asked]);
        } else {
            row->tell(text, sizeof(text), calibration, profile);
        }
        (void)fprintf(out, "%-16s %s\n", row->name, text);
        if (measured->is_known && measured->cv > HAR_CALIBRATE_CV_MAX) {
            (void)fprintf(out,
                          "%-16s UNSTABLE: the samples scatter by %.0f %%, more than %.0f %%\n", "",
                          100 * measured->cv, 100 * HAR_CALIBRATE_CV_MAX);
        }
    }
}
