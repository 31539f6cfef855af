/* SPDX-License-Identifier: Apache-2.0 */
/* What the proxy does to the connections of actors with "via": "proxy": fault, h2fault, clear. */
#include "harness/engine/via.h"
#include "harness/steps/verbs.h"

struct fault_args {
    struct har_fault_args fault;
};
static const struct har_field fault_fields[] = {
    {"fault", HAR_FIELD_OBJECT, offsetof(struct fault_args, fault), .fields = har_fault_fields,
     .field_count = HAR_FAULT_FIELDS, .is_required = true, .help = "what it is, and where"},
};

struct h2fault_args {
    struct har_h2fault_args fault;
};
static const struct har_field h2fault_fields[] = {
    {"h2fault", HAR_FIELD_OBJECT, offsetof(struct h2fault_args, fault),
     .fields = har_h2fault_fields, .field_count = HAR_H2FAULT_FIELDS, .is_required = true,
     .help = "what it is, and where"},
};

struct clear_args {
    json_t *what;
};
static const struct har_field clear_fields[] = {
    {"clear", HAR_FIELD_JSON, offsetof(struct clear_args, what), .is_required = true,
     .help = "true: all faults; a text: those of this `name`"},
};

static void poll(struct har_step *step)
{
    step->is_done = true;
}

static double value(void *owner, const struct har_expr *expr, double fallback)
{
    return har_play_value(owner, expr, fallback);
}

static void add(struct har_step *step, enum sl_status status, const struct har_fault *fault,
                const struct sl_error *error)
{
    struct har_play *play = step->play;
    if (status != SL_OK) {
        har_play_mistake(play, step->node->path, "%s", error->text);
    } else if (har_proxy_add(play->proxy, fault, NULL) == 0) {
        har_play_mistake(play, step->node->path, "more than %d faults", HAR_FAULTS_MAX);
    }
}

static void start_fault(struct har_step *step)
{
    const struct fault_args *args = step->node->args;
    struct har_fault fault;
    struct sl_error error = {0};
    add(step, har_fault_make(&args->fault, value, step->play, &fault, &error), &fault, &error);
}

static void start_h2fault(struct har_step *step)
{
    const struct h2fault_args *args = step->node->args;
    struct har_fault fault;
    struct sl_error error = {0};
    add(step, har_h2fault_make(&args->fault, value, step->play, &fault, &error), &fault, &error);
}

static void start_clear(struct har_step *step)
{
    const struct clear_args *args = step->node->args;
    (void)har_proxy_clear_named(step->play->proxy, json_string_value(args->what));
}

static const char *fault_problem(const void *args)
{
    return har_fault_problem(&((const struct fault_args *)args)->fault);
}

static const char *h2fault_problem(const void *args)
{
    return har_h2fault_problem(&((const struct h2fault_args *)args)->fault);
}

static const char *clear_problem(const void *args)
{
    json_t *what = ((const struct clear_args *)args)->what;
    return json_is_true(what) || json_is_string(what) ? NULL : "'clear' is true, or a fault's name";
}

const struct har_step_type har_step_fault = {
    .name = "fault",
    .help = "puts a fault on the connections of the actors via the proxy, until it is cleared",
    .example = "{\"fault\": {\"latency\": \"100ms\", \"jitter\": \"50ms\", \"dir\": \"to_clie"
               "nt\", \"name\": \"wan\"}}",
    .needs_proxy = true,
    HAR_STEP_ARGS(struct fault_args, fault_fields),
    .problem = fault_problem,
    .rule = "",
    .start = start_fault,
    .poll = poll,
};

const struct har_step_type har_step_h2fault = {
    .name = "h2fault",
    .help = "the same for single HTTP/2 frames, keyed on streams, methods and messages",
    .example = "{\"h2fault\": {\"frame\": \"GOAWAY\", \"do\": \"inject\", \"dir\": \"to_clien"
               "t\", \"message\": 3, \"last_id\": 1}}",
    .needs_proxy = true,
    HAR_STEP_ARGS(struct h2fault_args, h2fault_fields),
    .problem = h2fault_problem,
    .rule = "",
    .start = start_h2fault,
    .poll = poll,
};

const struct har_step_type har_step_clear = {
    .name = "clear",
    .help = "ends faults of the proxy",
    .example = "{\"clear\": \"wan\"}",
    .needs_proxy = true,
    HAR_STEP_ARGS(struct clear_args, clear_fields),
    .problem = clear_problem,
    .rule = "",
    .start = start_clear,
    .poll = poll,
};
