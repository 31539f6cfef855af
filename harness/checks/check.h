/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHECK_H
#define HAR_CHECK_H

/*
 * Checks: what must have been observed. One family a file, all registered in table.c.
 *
 * A check runs over the records when the steps are done, and tells each thing that is not so by
 * har_check_fail. Whether a check that depends on time may be believed is decided later, by what the
 * hiccup meter saw.
 */
#include "harness/engine/play.h"

struct har_check {
    struct har_play *play;
    const struct har_check_node *node;
    const struct har_check_common *common; /* of its args */
    const char
        *rule; /* broken in place of the type's, unless the scenario names one; may be NULL */
};

struct har_check_type {
    const char *name; /* the key that makes an object this check */
    const char *help;
    const char *example; /* JSON, as of steps */
    const char *rule;    /* broken unless the check names one */
    const struct har_field *fields;
    size_t field_count, args_size;
    void (*run)(const struct har_check *check);
    /* Could messages of this type be as it wants? False with the error. May be NULL. */
    bool (*fits)(const void *args, const struct sl_message_type *type,
                 struct sl_error *reterr_error);
    /* watched while the steps run; its predicate came true; may be NULL */
    void (*watch)(const struct har_check *check, bool *seen);
};

/* The keys that every check has; the first lines of every table of fields. */
#define HAR_CHECK_COMMON                                                                           \
    {"of", HAR_FIELD_STRING, offsetof(struct har_check_common, of), .help = "the actors judged"},  \
        {"from", HAR_FIELD_STRING, offsetof(struct har_check_common, from),                        \
         .help = "the senders; default: all publishers and chats"},                                \
        {"phase", HAR_FIELD_STRINGS, offsetof(struct har_check_common, phase),                     \
         .help = "what was sent (received, where the check counts receipts) in these phases"},     \
        {"rule", HAR_FIELD_STRING, offsetof(struct har_check_common, rule),                        \
         .help = "broken when it is not so; default: see above, else the scenario\'s first rule"}, \
    {                                                                                              \
        "why", HAR_FIELD_STRING, offsetof(struct har_check_common, why),                           \
            .help = "printed with the failure"                                                     \
    }

const struct har_check_type *har_check_find(const char *name);
const char *har_check_nearest(const char *name);
const struct har_check_type *const *har_check_types(size_t *ret_count);

void har_checks_prepare(struct har_play *play);
/* Predicates of never and eventually, after each turn. */
void har_checks_watch(struct har_play *play);
/* All checks of the scenario, then the always-on ones. */
void har_checks_run(struct har_play *play);

/* The check does not hold. */
void har_check_fail(const struct har_check *check, const char *format, ...) SL_PRINTF(2, 3);
/* The same; could_be_noise: so narrowly that a pause of the machine could explain it. */
void har_check_fail_if(const struct har_check *check, bool could_be_noise, const char *format, ...)
    SL_PRINTF(3, 4);
/* It could not be made, with the reason (a constant): told in the report. */
void har_check_note(const struct har_check *check, const char *reason);

#endif
