/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/failure.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/report/advice.h"
#include "harness/report/failure_parts.h"
#include "harness/report/stacks.h"
#include "harness/rules/rules.h"
#include "harness/target/shell.h"
#include "lib/base/clock.h"
#include "lib/wire/rule.h"

enum {
    ASKED_SHOWN = 4096, /* bytes of a check or step as written */
};

/* ---- what is promised ---- */

static void add_rule(struct sl_buf *out, const struct har_scenario *scenario, const char *id)
{
    const struct har_rule *rule = har_rule_find(id);
    const struct sl_rule *wire = sl_rule_find(id);
    const char *own = json_string_value(json_object_get(scenario->own_rules, id));
    if (rule != NULL) {
        har_readme_line(out, "", "%s (%s; %s)", id, rule->level, rule->source);
        har_readme_line(out, "  it asks for:  ", "%s", rule->title);
        har_readme_line(out, "  it prevents:  ", "%s", rule->prevents);
    } else if (wire != NULL) {
        har_readme_line(out, "", "%s (%c; %s)", id, wire->level, wire->clause);
        har_readme_line(out, "  it asks for:  ", "%s", wire->title);
        har_readme_line(out, "  it prevents:  ", "%s", wire->prevents);
        har_readme_line(out, "  in full:      ", "%s", wire->text);
    } else if (own != NULL) {
        har_readme_line(out, "", "%s (the scenario's own rule)", id);
        har_readme_line(out, "  it asks for:  ", "%s", own);
    } else {
        har_readme_line(out, "", "%s", id);
    }
}

static bool was_told(const struct har_result *result, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(result->failures[i].rule, result->failures[index].rule) == 0) {
            return true;
        }
    }
    return false;
}

static void add_rules(const struct har_result *result, struct sl_buf *out)
{
    const struct har_scenario *scenario = result->scenario;
    bool has_some = false;
    (void)sl_buf_add_str(out, "## What is promised\n\n");
    for (size_t i = 0; i < result->failure_count; i++) {
        if (result->failures[i].rule[0] != '\0' && !was_told(result, i)) {
            add_rule(out, scenario, result->failures[i].rule);
            has_some = true;
        }
    }
    for (size_t i = 0; i < scenario->rules.count && !has_some; i++) {
        add_rule(out, scenario, scenario->rules.items[i]);
    }
    (void)sl_buf_add_str(out, "\n");
}

/* ---- expected and seen ---- */

/* The element of the scenario at "$.expect[0]"; NULL: there is none. Borrowed. */
static json_t *at_path(json_t *json, const char *path)
{
    path += *path == '$';
    while (*path != '\0' && json != NULL) {
        char key[128];
        if (*path == '[') {
            char *end = NULL;
            json = json_array_get(json, strtoul(path + 1, &end, 10));
            path = *end == ']' ? end + 1 : "";
        } else {
            path += *path == '.';
            size_t len = strcspn(path, ".[");
            (void)snprintf(key, sizeof(key), "%.*s", (int)len, path);
            json = json_object_get(json, key);
            path += len;
        }
    }
    return json;
}

static void add_asked(const struct har_scenario *scenario, const char *path, struct sl_buf *out)
{
    json_t *asked = path[0] == '$' ? at_path(scenario->root, path) : NULL;
    char *text = asked == NULL ? NULL : json_dumps(asked, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL) {
        har_readme_line(out, "  asked for by: ", "%.*s", ASKED_SHOWN, text);
    }
    free(text);
}

static void add_blame(const struct har_result *result, const struct har_failure *failure,
                      const char *label, struct sl_buf *out)
{
    struct sl_buf blame;
    sl_buf_init(&blame, HAR_BLAME_MAX);
    har_advice_blame(result, failure, &blame);
    if (blame.len > 0) {
        har_readme_line(out, label, "%s", sl_buf_str(&blame));
    }
    sl_buf_release(&blame);
}

static void add_seen(const struct har_result *result, struct sl_buf *out)
{
    const struct har_scenario *scenario = result->scenario;
    (void)sl_buf_add_str(out, "## What was expected and what was seen\n\n");
    har_readme_line(out, "", "%s: %s", scenario->id, scenario->title);
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct har_failure *failure = &result->failures[i];
        (void)sl_buf_add_str(out, "\n");
        har_readme_line(out, "", "%zu. %s%s%s", i + 1, failure->rule,
                        failure->rule[0] == '\0' ? "" : ": ", failure->text);
        if (i > 0 && strcmp(failure[-1].rule, failure->rule) == 0 &&
            strcmp(failure[-1].path, failure->path) == 0 && failure[-1].why == failure->why) {
            continue; /* the same of another actor or message */
        }
        add_blame(result, failure, "  what broke:   ", out);
        if (failure->path[0] != '\0') {
            har_readme_line(out, "  place:        ", "%s of %s", failure->path, scenario->path);
            add_asked(scenario, failure->path, out);
        } else {
            har_readme_line(out,
                            "  place:        ", "judged on every connection of every scenario");
        }
        har_readme_line(out, "  it matters:   ", "%s", har_advice_why(result, failure));
        if (failure->doubt[0] != '\0') {
            har_readme_line(out, "  doubt:        ", "%s", failure->doubt);
        }
    }
    struct sl_buf stacks;
    sl_buf_init(&stacks, HAR_STACKS_MAX);
    har_report_stacks(result, &stacks);
    if (stacks.len > 0) {
        har_readme_line(out, "known stacks: ", "%s", sl_buf_str(&stacks));
    }
    sl_buf_release(&stacks);
    for (size_t i = 0; i < result->note_count; i++) {
        har_readme_line(out, "note: ", "%s", result->notes[i]);
    }
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct har_seen_finding *seen = &result->findings[i];
        har_readme_line(out, "finding: ", "%s (level %c, %s, %llu times): %s", seen->rule,
                        seen->level, seen->is_server ? "server" : "client",
                        (unsigned long long)seen->count, seen->text);
    }
    (void)sl_buf_add_str(out, "\n");
}

/* ---- what to do ---- */

static void add_look(const struct har_result *result, struct sl_buf *out)
{
    const char *look = NULL;
    for (size_t i = 0; i < result->failure_count && look == NULL; i++) {
        look = har_advice_look(&result->failures[i]);
    }
    (void)sl_buf_add_str(out, "## What to look at first\n\n");
    if (look != NULL) {
        har_readme_line(out, "", "%s", look);
    }
    if (result->left.has_log) {
        har_readme_line(out, "", "%s",
                        "server.log: what the server wrote while the scenario played");
    }
    if (result->left.has_traffic) {
        har_readme_line(out, "", "%s",
                        "traffic.pcapng: the first packet of each connection names its actor in a "
                        "comment (frame.comment)");
    }
    (void)sl_buf_add_str(out, "\n");
}

static void add_path(struct sl_buf *out, const struct har_result *result, const char *name)
{
    struct sl_buf path;
    sl_buf_init(&path, HAR_FOLDER_PATH_MAX + 64);
    (void)sl_buf_addf(&path, "%s%s/%s", result->evidence[0] == '-' ? "./" : "", result->evidence,
                      name);
    har_shell_word(out, sl_buf_str(&path));
    sl_buf_release(&path);
}

static void add_commands(const struct har_report *report, const struct har_result *result,
                         struct sl_buf *out)
{
    struct sl_buf lines;
    sl_buf_init(&lines, HAR_RERUN_MAX);
    har_report_rerun(report, result->scenario, &lines);
    (void)sl_buf_add_str(out, "## Run it again\n\nFrom the folder in which this run was started, "
                              "as all commands here");
    (void)sl_buf_add_str(out, report->has_metadata
                                  ? "; put the values of --metadata in for VALUE, they are not "
                                    "written down:\n\n"
                                  : ":\n\n");
    har_readme_fenced(out, &lines);
    if (result->left.has_traffic) {
        (void)sl_buf_add_str(&lines, "sluice-inspector ");
        (void)sl_buf_add_str(&lines, report->schema_option == NULL ? "" : report->schema_option);
        add_path(&lines, result, "traffic.pcapng");
        (void)sl_buf_add_str(&lines, "\nwireshark ");
        for (size_t i = 0; i < HAR_TRACE_PORTS_MAX; i++) {
            const struct har_trace_port *port = &result->left.ports[i];
            if (port->number != 0 &&
                !port->has_tls) { /* HTTP/2 in the clear it knows by this only */
                (void)sl_buf_addf(&lines, "-d tcp.port==%u,http2 ", port->number);
            }
        }
        add_path(&lines, result, "traffic.pcapng");
        (void)sl_buf_addf(out, "## See the traffic\n\n%u connection%s%s:\n\n",
                          result->left.connections, result->left.connections == 1 ? "" : "s",
                          result->left.has_keys ? ", with the keys of TLS inside" : "");
        har_readme_fenced(out, &lines);
    }
    sl_buf_release(&lines);
}

static void add_file(struct sl_buf *out, const char *name, const char *what)
{
    (void)sl_buf_addf(out, "| %s | %s |\n", name, what);
}

static void add_files(const struct har_result *result, struct sl_buf *out)
{
    const struct har_left *left = &result->left;
    (void)sl_buf_add_str(out, "## Which file is what\n\n| file | what it is |\n|---|---|\n");
    add_file(out, "result.json",
             "this result as it is in the JSON report, with the story of the play");
    add_file(out, "decisions.jsonl", "what was done; `sluice-harness replay` repeats it");
    if (left->has_scenario) {
        add_file(out, "scenario.json",
                 "the round of chaos as a scenario, for `sluice-harness run`");
    }
    if (left->has_records) {
        add_file(out, "records.jsonl",
                 "each message of each actor: when it was to be sent, was sent, "
                 "answered, received");
    }
    add_file(out, left->has_log ? "server.log" : "(no server.log)",
             left->has_log ? "what the server wrote from the beginning of the play to its verdict"
                           : "the server wrote nothing, or was not started by --exec");
    if (left->log_lost > 0) {
        (void)sl_buf_addf(out, "| | %llu bytes are left out in the middle of it |\n",
                          (unsigned long long)left->log_lost);
    }
    add_file(out, left->has_traffic ? "traffic.pcapng" : "(no traffic.pcapng)",
             left->has_traffic ? "the connections of this play, as bytes and times were"
                               : "no connection came about");
    if (left->traffic_skipped > 0) {
        (void)sl_buf_addf(out, "| | %llu bytes are left out of it: it has gaps |\n",
                          (unsigned long long)left->traffic_skipped);
    }
    if (left->has_keys) {
        (void)sl_buf_add_str(out, "\nWhoever has traffic.pcapng can read what went over these TLS "
                                  "connections, also what --metadata sent.\n");
    } else if (left->has_traffic) {
        (void)sl_buf_add_str(out, "\ntraffic.pcapng has everything that was sent, also what "
                                  "--metadata sent.\n");
    }
}

void har_report_failure(const struct har_report *report, const struct har_result *result,
                        struct sl_buf *out)
{
    char when[SL_RFC3339_MAX];
    (void)sl_buf_addf(out, "# %s: ", har_outcome_label(result->outcome));
    har_readme_word(out, result->scenario->id);
    (void)sl_buf_add_str(out, "\n\n");
    har_readme_line(out, "", "%s%s%s", result->failure_count > 0 ? result->failures[0].rule : "",
                    result->failure_count > 0 && result->failures[0].rule[0] != '\0' ? ": " : "",
                    result->reason);
    if (result->failure_count > 0 && result->outcome == HAR_FAIL) {
        add_blame(result, &result->failures[0], "", out);
    }
    (void)sl_buf_addf(out, "\nSeed %llu, profile ", (unsigned long long)report->suite->config.seed);
    har_readme_word(out, report->profile);
    if (report->binding != NULL) {
        (void)sl_buf_add_str(out, ", binding ");
        har_readme_word(out, report->binding);
    }
    if (result->left.begin_wall_ns > 0) {
        (void)sl_clock_rfc3339(result->left.begin_wall_ns, when);
        (void)sl_buf_addf(out, "; the play began at %s, play %u of the scenario", when,
                          result->plays == 0 ? 1 : result->plays);
    }
    (void)sl_buf_addf(out, "%s.\n\n", result->is_known ? "; this failure is known" : "");
    add_rules(result, out);
    add_seen(result, out);
    if (result->story != NULL) {
        har_readme_story(out, result->story);
    }
    add_look(result, out);
    add_commands(report, result, out);
    add_files(result, out);
}
