/* SPDX-License-Identifier: Apache-2.0 */
/* schema: the JSON Schema of what the harness writes, and of what it reads. */
#include <stdio.h>
#include <string.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/scenario_schema.h"
#include "lib/base/cli.h"

/* harness/report/report.schema.json */
extern const unsigned char har_report_schema_json[];
extern const size_t har_report_schema_json_size;
/* harness/probe/probe.schema.json */
extern const unsigned char har_probe_schema_json[];
extern const size_t har_probe_schema_json_size;
/* harness/selftest/selftest.schema.json */
extern const unsigned char har_selftest_schema_json[];
extern const size_t har_selftest_schema_json_size;

static const struct sl_cli cli = {
    .program = "sluice-harness schema",
    .operands = "[report|scenario|binding|probe|selftest]",
    .summary = "Prints the JSON Schema of the JSON report (2020-12; unless said otherwise), of\n"
               "scenario files or of binding files (draft 7), or of the reports of probe and "
               "selftest (2020-12).",
    .exits = (const struct sl_cli_line[]){{"0", "it is printed"},
                                          {"2", "bad usage, or it cannot be written"},
                                          {NULL, NULL}},
};

int har_cmd_print_schema(int argc, char **argv)
{
    struct sl_cli_result result;
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, NULL, &result, &status)) {
        return status;
    }
    const char *which = result.operand_count == 0 ? "report" : result.operands[0];
    bool is_known = result.operand_count <= 1;
    if (is_known && strcmp(which, "scenario") == 0) {
        har_scenario_schema_print(stdout);
    } else if (is_known && strcmp(which, "binding") == 0) {
        har_binding_schema_print(stdout);
    } else if (is_known && strcmp(which, "report") == 0) {
        (void)fwrite(har_report_schema_json, 1, har_report_schema_json_size, stdout);
    } else if (is_known && strcmp(which, "probe") == 0) {
        (void)fwrite(har_probe_schema_json, 1, har_probe_schema_json_size, stdout);
    } else if (is_known && strcmp(which, "selftest") == 0) {
        (void)fwrite(har_selftest_schema_json, 1, har_selftest_schema_json_size, stdout);
    } else {
        (void)fprintf(stderr, "sluice-harness schema: it is 'report', 'scenario', 'binding', "
                              "'probe' or 'selftest'\n");
        return 2;
    }
    return 0; /* what could not be written, main() tells */
}
