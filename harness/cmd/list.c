/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/cmd/choice.h"
#include "harness/cmd/cmd.h"
#include "harness/scenario/library.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/base/json_out.h"

enum {
    LINE_MAX_BYTES = 1 << 20,
};

struct list_options {
    bool is_json;
};

static enum sl_status set_json(void *options, const char *value, struct sl_error *reterr)
{
    struct list_options *list = options;
    (void)value;
    (void)reterr;
    list->is_json = true;
    return SL_OK;
}

static const struct sl_cli_option options[] = {
    {"json", 0, NULL, "a JSON object a line", set_json},
};
static const struct sl_cli cli = {
    .program = "sluice-harness list",
    .operands = "[ID-GLOB ...]",
    .summary = "The scenarios that there are.",
    .options = options,
    .option_count = 1,
    .exits = (const struct sl_cli_line[]){{"0", "they are shown"},
                                          {"2", "bad usage, or there are none"},
                                          {NULL, NULL}},
    .examples =
        (const struct sl_cli_line[]){{"sluice-harness list 'bursts/*'", "those of a folder"},
                                     {NULL, NULL}},
};

int har_cmd_library(const char *program, struct har_library *library)
{
    char folder[HAR_FOLDER_MAX];
    struct sl_error error = {0};
    *library = (struct har_library){0};
    if (!har_library_folder(folder)) {
        (void)fprintf(stderr,
                      "%s: the scenarios are not found; SLUICE_SCENARIOS names their folder\n",
                      program);
        return 2;
    }
    if (har_library_load(library, folder, &error) != SL_OK) {
        (void)fprintf(stderr, "%s: %s:%zu: %s\n", program, error.source, error.line, error.text);
        return 2;
    }
    return 0;
}

static void add_strings(struct sl_json_out *json, const char *key,
                        const struct har_strings *strings)
{
    sl_json_out_key(json, key);
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < strings->count; i++) {
        sl_json_out_str(json, strings->items[i]);
    }
    sl_json_out_end_array(json);
}

static void print_json(const struct har_scenario *scenario, struct sl_buf *out)
{
    struct sl_json_out json;
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "id", scenario->id);
    sl_json_out_key_str(&json, "title", scenario->title);
    sl_json_out_key_str(&json, "why", scenario->why);
    add_strings(&json, "rules", &scenario->rules);
    add_strings(&json, "tags", &scenario->tags);
    sl_json_out_key_str(&json, "level", har_level_name(scenario->level));
    add_strings(&json, "needs", &scenario->needs);
    sl_json_out_key(&json, "seconds");
    if (scenario->seconds.text == NULL) {
        sl_json_out_double(&json, scenario->seconds.number);
    } else {
        sl_json_out_str(&json, scenario->seconds.text);
    }
    sl_json_out_end_object(&json);
    (void)sl_buf_add_u8(out, '\n');
}

/* Notes which operands name something. */
static bool is_wanted(const struct har_scenario *scenario, const struct sl_cli_result *result,
                      bool *is_used)
{
    bool is_any = result->operand_count == 0;
    for (int i = 0; i < result->operand_count; i++) {
        bool is_match = har_glob(result->operands[i], scenario->id);
        is_used[i] |= is_match;
        is_any |= is_match;
    }
    return is_any;
}

static void print(const struct list_options *list, const struct har_scenario *scenario)
{
    if (!list->is_json) {
        (void)printf("%-44s %s\n", scenario->id, scenario->title);
        return;
    }
    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    print_json(scenario, &line);
    (void)fwrite(line.data, 1, line.len, stdout);
    sl_buf_release(&line);
}

int har_cmd_list(int argc, char **argv)
{
    struct list_options list = {0};
    struct sl_cli_result result;
    struct har_library library;
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &list, &result, &status)) {
        return status;
    }
    status = har_cmd_library(cli.program, &library);
    bool *is_used = sl_calloc((size_t)result.operand_count + 1, sizeof(bool));
    for (size_t i = 0; i < library.count && status == 0; i++) {
        if (is_wanted(library.scenarios[i], &result, is_used)) {
            print(&list, library.scenarios[i]);
        }
    }
    for (int i = 0; i < result.operand_count && status == 0; i++) {
        if (!is_used[i]) {
            status = har_choice_no_scenario(cli.program, &library, result.operands[i]);
        }
    }
    sl_free(is_used);
    har_library_release(&library);
    return status;
}
