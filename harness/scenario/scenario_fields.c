/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/scenario_fields.h"

#include "harness/scenario/names.h"

/* By enum har_level. */
static const char *const level_names[] = {"core", "declared", "M", "S", "R", "I", NULL};

#define AT(member) offsetof(struct har_scenario, member)
const struct har_field har_scenario_fields[] = {
    {"$schema", HAR_FIELD_STRING, AT(schema),
     .help = "for editors: the path to scenarios/scenario.schema.json; ignored"},
    {"title", HAR_FIELD_STRING, AT(title), .is_required = true,
     .help = "one line; printed with a failure"},
    {"why", HAR_FIELD_STRING, AT(why), .is_required = true,
     .help = "the production failure that the scenario prevents; printed with a failure"},
    {"rules", HAR_FIELD_STRINGS, AT(rules), .is_required = true,
     .help = "rule ids that it checks (`proto/CONTRACT.md`); the first one is blamed where nothing "
             "else says which"},
    {"tags", HAR_FIELD_STRINGS, AT(tags),
     .help = "`starter` runs by default; a catalogue id such as `B1`"},
    {"level", HAR_FIELD_CHOICE, AT(level), .choices = level_names, .is_required = true,
     .help = "of the contract, or of the protocol's rules"},
    {"needs", HAR_FIELD_STRINGS, AT(needs),
     .help = "capabilities of the profile, or its values by name, or `client` (a run with "
             "`--client`); one that is not declared makes "
             "it SKIP, with the reason"},
    {"catches", HAR_FIELD_STRINGS, AT(catches),
     .help = "wrong servers (`sluice-server --misbehave list`) that it must fail on; "
             "`sluice-harness selftest` shows it"},
    {"calibrate", HAR_FIELD_STRINGS, AT(calibrate), .choices = har_calibrated_names,
     .help = "what is measured of the target before"},
    {"seconds", HAR_FIELD_EXPR, AT(seconds), .is_required = true,
     .help = "the scenario fails when it has not ended by then, whatever the server does; blamed "
             "is the rule of the step that it stands at, if any"},
    {"alone", HAR_FIELD_BOOL, AT(is_alone),
     .help = "true: it measures time, capacity or memory, so nothing runs beside it, whatever "
             "`--jobs` says"},
    {"background", HAR_FIELD_BOOL, AT(is_background),
     .help = "true: it mostly waits, so it runs beside all the others"},
    {"own_rules", HAR_FIELD_JSON, AT(own_rules),
     .help = "rules of your own service: `{\"PAY-01\": \"what it asks for\"}`"},
    {"let", HAR_FIELD_JSON, AT(let_json), .help = "names for numbers and expressions"},
    {"actors", HAR_FIELD_JSON, AT(actors_json), .is_required = true,
     .help = "who: `{\"name\": {\"kind\": ...}}`"},
    {"run", HAR_FIELD_JSON, AT(run_json), .is_required = true,
     .help = "what they do: an array of steps"},
    {"expect", HAR_FIELD_JSON, AT(expect_json),
     .help = "what must be observed: an array of checks"},
};
#undef AT
const size_t har_scenario_field_count =
    sizeof(har_scenario_fields) / sizeof(har_scenario_fields[0]);

const char *har_level_name(int level)
{
    return level_names[level];
}
