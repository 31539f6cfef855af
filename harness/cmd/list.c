/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/binding/load.h"
#include "harness/binding/needs.h"
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
    const char *binding_name; /* NULL: chat */
    struct har_binding binding;
    bool has_binding;
};

static enum sl_status set_json(void *options, const char *value, struct sl_error *reterr)
{
    struct list_options *list = options;
    (void)value;
    (void)reterr;
    list->is_json = true;
    return SL_OK;
}

static enum sl_status set_binding(void *options, const char *value, struct sl_error *reterr)
{
    struct list_options *list = options;
    (void)reterr;
    list->binding_name = value;
    return SL_OK;
}

static const struct sl_cli_option options[] = {
    {"json", 0, NULL, "a JSON object a line", set_json},
    {"binding", 0, "NAME|FILE",
     "which of them run by it, and why not the others; then how many\nrules of level M that covers",
     set_binding},
};
static const struct sl_cli cli = {
    .program = "sluice-harness list",
    .operands = "[ID-GLOB ...]",
    .summary = "The scenarios that there are.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .exits = (const struct sl_cli_line[]){{"0", "they are shown"},
                                          {"2", "bad usage, or there are none"},
                                          {NULL, NULL}},
    .examples =
        (const struct sl_cli_line[]){{"sluice-harness list 'bursts/*'", "those of a folder"},
                                     {"sluice-harness list 'wire/*' --binding health",
                                      "those for a server that has only health"},
                                     {NULL, NULL}},
};

int har_cmd_library_named(const char *program, struct har_library *library, char *const *ids,
                          size_t count)
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
    enum sl_status status =
        count == 0 ? SL_NOT_FOUND : har_library_load_named(library, folder, ids, count, &error);
    if (status == SL_NOT_FOUND) {
        har_library_release(library);
        status = har_library_load(library, folder, &error);
    }
    if (status != SL_OK) {
        (void)fprintf(stderr, "%s: %s:%zu: %s\n", program, error.source, error.line, error.text);
        return 2;
    }
    return 0;
}

int har_cmd_library(const char *program, struct har_library *library)
{
    return har_cmd_library_named(program, library, NULL, 0);
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

/* What it needs of the methods that it calls (docs/HARNESS.md, "Any gRPC server"). */
static void add_bound_needs(struct sl_json_out *json, const struct har_scenario *scenario)
{
    struct har_bound_needs needs;
    har_bound_needs(scenario, &needs);
    sl_json_out_key(json, "methods");
    sl_json_out_begin_array(json);
    for (int i = 0; i < HAR_BOUND_COUNT; i++) {
        if ((needs.mask & HAR_BIT(i)) != 0) {
            sl_json_out_str(json, har_bound_need_word((enum har_bound_need)i));
        }
    }
    sl_json_out_end_array(json);
}

/* NULL: it runs. */
static const char *skip_of(const struct list_options *list, const struct har_scenario *scenario,
                           char reason[HAR_REASON_MAX])
{
    const struct har_binding *binding = list->has_binding ? &list->binding : NULL;
    return har_binding_fits(binding, scenario, reason) ? NULL : reason;
}

static void print_json(const struct list_options *list, const struct har_scenario *scenario,
                       struct sl_buf *out)
{
    struct sl_json_out json;
    char reason[HAR_REASON_MAX];
    const char *skip = skip_of(list, scenario, reason);
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "id", scenario->id);
    sl_json_out_key_str(&json, "title", scenario->title);
    sl_json_out_key_str(&json, "why", scenario->why);
    add_strings(&json, "rules", &scenario->rules);
    add_strings(&json, "tags", &scenario->tags);
    sl_json_out_key_str(&json, "level", har_level_name(scenario->level));
    add_strings(&json, "needs", &scenario->needs);
    add_bound_needs(&json, scenario);
    if (skip != NULL) {
        sl_json_out_key_str(&json, "skip", skip);
    }
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
    char reason[HAR_REASON_MAX];
    const char *skip = skip_of(list, scenario, reason);
    if (!list->is_json) {
        (void)printf("%-44s %s%s\n", scenario->id,
                     skip == NULL ? "" : "SKIP: ", skip == NULL ? scenario->title : skip);
        return;
    }
    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    print_json(list, scenario, &line);
    (void)fwrite(line.data, 1, line.len, stdout);
    sl_buf_release(&line);
}

/* Its requests are not needed here, so neither is their schema. */
static int load_binding(struct list_options *list)
{
    struct sl_error error = {0};
    bool is_chat = true;
    if (list->binding_name != NULL &&
        har_binding_load(list->binding_name, &list->binding, &is_chat, &error) != SL_OK) {
        char line[32] = "";
        if (error.line > 0) {
            (void)snprintf(line, sizeof(line), ":%zu", error.line);
        }
        (void)fprintf(stderr, "%s: %s%s%s%s\n", cli.program, error.source, line,
                      error.source[0] == '\0' ? "" : ": ", error.text);
        return 2;
    }
    list->has_binding = !is_chat;
    return 0;
}

static void print_coverage(const struct list_options *list, const struct har_library *library)
{
    struct har_binding_coverage coverage = har_binding_cover(&list->binding, library);
    if (list->has_binding && !list->is_json) {
        (void)printf("\nby the binding %s %zu of the %zu rules of level M are checked\n",
                     list->binding_name, coverage.checked, coverage.rules);
    }
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
    status = load_binding(&list);
    if (status == 0) {
        status = har_cmd_library(cli.program, &library);
    } else {
        library = (struct har_library){0};
    }
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
    if (status == 0) {
        print_coverage(&list, &library);
    }
    sl_free(is_used);
    har_binding_release(&list.binding);
    har_library_release(&library);
    return status;
}
