/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/names.h"

#include <stdlib.h>

#include "harness/scenario/words.h"
#include "lib/base/cli.h"

enum {
    NAMES_MAX = 256,
};

const char *const har_value_names[] = {
    "buffer",           "default_rate_hz",      "ping_interval_ms",     "message_limit",
    "history",          "max_streams",          "keepalive_time_ms",    "keepalive_timeout_ms",
    "drain_grace_ms",   "min_ping_interval_ms", "handshake_timeout_ms", "max_connection_age_ms",
    "max_header_bytes",
};
const size_t har_value_count = sizeof(har_value_names) / sizeof(har_value_names[0]);

static const char *const short_names[] = {
    "B",           "S",      "H",  "k",  "is_oldest",     "is_dedup",
    "is_observed", "is_fed", "KA", "DG", "process_alive", "exit_status"};

static const char *const counter_names[HAR_COUNTERS] = {
    "received",
    "least_received",
    "least_fresh",
    "sent",
    "accepted",
    "replied",
    "acked",
    "pings",
    "open",
    "ended",
    "client_messages",
    "client_repeats",
    "running",
    "connects",
    "open_connections",
    "left",
    "sends",
    "connected",
    "closed",
    "unreadable",
    "goaways",
    "told_to_go",
    "resets",
    "refused",
    "settings_acks",
    "ping_acks",
    "data_frames",
    "headers_frames",
    "settings_frames",
    "ping_frames",
    "window_updates",
    "statuses",
    "served",
    "data_frames_sent",
    "data_bytes",
    "data_bytes_sent",
    "frame_limit",
    "stream_limit",
    "stream_window",
    "stream_credit",
    "credit",
    "table_limit",
    "goaway_last",
};

const char *const har_metric_names[] = {"ack",  "service", "delivery", "response",
                                        "slip", "skew",    "ping",     NULL};

enum har_counter har_counter_find(struct sl_span name)
{
    for (int i = 0; i < HAR_COUNTERS; i++) {
        if (sl_span_is(name, counter_names[i])) {
            return (enum har_counter)i;
        }
    }
    return HAR_COUNTERS;
}

const char *const har_calibrated_names[] = {
    "rtt", "hidden", "buffer", "drop_policy", "default_rate", "ping_interval", "capacity", NULL,
};

enum har_calibrated har_calibrated_find(const char *name)
{
    int i = 0;
    while (i < HAR_CALIBRATED && strcmp(har_calibrated_names[i], name) != 0) {
        i++;
    }
    return (enum har_calibrated)i;
}

/* Names that only a measurement gives. */
static bool is_measured(const struct har_scenario *scenario, struct sl_span name)
{
    bool is_rtt = sl_span_is(name, "rtt") || sl_span_is(name, "rtt_p99");
    return (is_rtt && (scenario->calibrate_mask & HAR_BIT(HAR_CAL_RTT)) != 0) ||
           (sl_span_is(name, "capacity") &&
            (scenario->calibrate_mask & HAR_BIT(HAR_CAL_CAPACITY)) != 0);
}

bool har_counter_is_of_proxy(enum har_counter counter)
{
    return counter >= HAR_COUNT_CONNECTS && counter <= HAR_COUNT_SENDS;
}

/* What the proxy counts is known only of those who go through it. */
static bool is_countable(const struct har_scenario *scenario, enum har_counter counter,
                         uint64_t mask)
{
    bool is_of_proxy = har_counter_is_of_proxy(counter);
    for (size_t i = 0; i < scenario->actor_count && is_of_proxy; i++) {
        if ((mask >> i & 1) != 0 && !scenario->actors[i].is_via_proxy) {
            return false;
        }
    }
    return counter != HAR_COUNTERS;
}

static bool in_list(struct sl_span name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sl_span_is(name, list[i])) {
            return true;
        }
    }
    return false;
}

bool har_percentile_name(const struct har_scenario *scenario, struct sl_span name, int *ret_phase,
                         enum har_metric *ret_metric, double *ret_q, bool *ret_is_base)
{
    char text[128];
    if (name.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    char *metric = strchr(text, '.');
    char *quantile = metric == NULL ? NULL : strchr(metric + 1, '.');
    if (quantile == NULL || quantile[1] != 'p') {
        return false;
    }
    *metric++ = '\0';
    *quantile++ = '\0';
    char *end = NULL;
    *ret_q = strtod(quantile + 1, &end);
    *ret_is_base = strcmp(text, "base") == 0;
    *ret_phase = har_phase_index(scenario, text);
    if (*ret_is_base && *ret_phase < 0) {
        *ret_phase = har_phase_index(scenario, "healthy");
    }
    for (int i = 0; i < HAR_METRICS; i++) {
        if (strcmp(metric, har_metric_names[i]) == 0) {
            *ret_metric = (enum har_metric)i;
            return *end == '\0' && end != quantile + 1 && *ret_phase >= 0 && *ret_q <= 100;
        }
    }
    return false;
}

bool har_name_is_known(const struct har_scenario *scenario, struct sl_span name,
                       struct sl_span argument)
{
    if (argument.data != NULL) {
        char selector[128];
        uint64_t mask = 0;
        if (argument.len >= sizeof(selector)) {
            return false;
        }
        (void)snprintf(selector, sizeof(selector), "%.*s", SL_SPAN_ARG(argument));
        return har_select_actors(scenario, selector, &mask) &&
               is_countable(scenario, har_counter_find(name), mask);
    }
    for (size_t i = 0; i < scenario->let_count; i++) {
        if (sl_span_is(name, scenario->lets[i].name)) {
            return true;
        }
    }
    int phase = 0;
    enum har_metric metric;
    double q = 0;
    bool is_base = false;
    return in_list(name, har_value_names, har_value_count) || is_measured(scenario, name) ||
           in_list(name, short_names, sizeof(short_names) / sizeof(short_names[0])) ||
           har_percentile_name(scenario, name, &phase, &metric, &q, &is_base);
}

static const char *nearest_name(const struct har_scenario *scenario, const char *name)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < scenario->let_count && count < NAMES_MAX / 2; i++) {
        names[count++] = scenario->lets[i].name;
    }
    for (size_t i = 0; i < har_value_count; i++) {
        names[count++] = har_value_names[i];
    }
    for (size_t i = 0; i < HAR_COUNTERS; i++) {
        names[count++] = counter_names[i];
    }
    for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++) {
        names[count++] = short_names[i];
    }
    return sl_cli_nearest(name, names, count);
}

const char *har_name_suggestion(const struct har_scenario *scenario, struct sl_span error)
{
    char name[128];
    struct sl_span rest = sl_span_from(error, 1); /* behind the quote */
    size_t len = 0;
    while (len < rest.len && len < sizeof(name) - 1 && rest.data[len] != '\'') {
        name[len] = (char)rest.data[len];
        len++;
    }
    name[len] = '\0';
    char *argument = strchr(name, '(');
    if (argument != NULL &&
        har_counter_find(sl_span(name, (size_t)(argument - name))) != HAR_COUNTERS) {
        argument[strcspn(argument, ")")] = '\0';
        return har_actor_nearest(scenario, argument + 1);
    }
    char *dot = strchr(name, '.');
    if (dot != NULL) { /* healthy.ack.p99 */
        char *metric = dot + 1;
        *dot = '\0';
        if (har_phase_index(scenario, name) < 0 && strcmp(name, "base") != 0) {
            return har_phase_nearest(scenario, name);
        }
        metric[strcspn(metric, ".")] = '\0';
        return sl_cli_nearest(metric, har_metric_names, HAR_METRICS);
    }
    if (argument != NULL) {
        *argument = '\0';
    }
    return nearest_name(scenario, name);
}

const char *har_template_problem(struct sl_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        struct sl_span rest = sl_span_from(text, i);
        if (text.data[i] != '{') {
            continue;
        }
        if (!sl_span_starts(rest, "{room}") && !sl_span_starts(rest, "{i}")) {
            return "a '{' must begin {room} or {i}";
        }
    }
    return NULL;
}
