/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/own_target.h"

#include <stdio.h>

#include "harness/steps/process.h"
#include "harness/steps/verbs.h"
#include "harness/transport/addresses.h"
#include "lib/base/alloc.h"

struct har_own_target {
    struct har_target *target;
    har_target_fn *done;
    void *owner;
    bool is_ending;
    enum sl_status status; /* of the question whether it still serves */
    char text[HAR_TARGET_TEXT_MAX];
};

/* ---- what a scenario does ---- */

static enum har_harm harm_of_node(const struct har_scenario *scenario, const struct har_node *node)
{
    bool is_of_target = false;
    for (size_t i = 0; i < scenario->actor_count; i++) {
        is_of_target |= (node->who >> i & 1) != 0 && scenario->actors[i].kind == HAR_PROCESS;
    }
    enum har_harm harm = HAR_HARM_NONE;
    if (is_of_target && node->type == &har_step_restart) {
        harm = HAR_HARM_END;
    } else if (is_of_target && node->type == &har_step_signal) {
        harm = har_signal_is_pause(node->args) ? HAR_HARM_PAUSE : HAR_HARM_END;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        enum har_harm inner = harm_of_node(scenario, &node->children[i]);
        harm = inner > harm ? inner : harm;
    }
    return harm;
}

enum har_harm har_harm_of(const struct har_scenario *scenario)
{
    enum har_harm harm = HAR_HARM_NONE;
    for (size_t i = 0; i < scenario->run_count; i++) {
        enum har_harm inner = harm_of_node(scenario, &scenario->run[i]);
        harm = inner > harm ? inner : harm;
    }
    return harm;
}

static const char *harm_problem(enum har_harm harm, const struct har_target *target)
{
    if (harm == HAR_HARM_NONE || har_target_is_spawned(target)) {
        return NULL;
    }
    if (harm == HAR_HARM_END) {
        return "it ends the server, which only a target started by --exec survives";
    }
    return har_target_pid(target) == 0
               ? "it stops the server's process, which --exec or --pid must name"
               : NULL;
}

const char *har_target_problem(const struct har_scenario *scenario, const struct har_target *target)
{
    const char *problem = harm_problem(har_harm_of(scenario), target);
    if (problem != NULL || har_unix_path(har_target_conn(target)->host) == NULL) {
        return problem;
    }
    for (size_t i = 0; i < scenario->actor_count; i++) {
        if (scenario->actors[i].kind == HAR_CHILD) {
            return "it watches a client in another process by its TCP port, and the target is a "
                   "socket in the file system";
        }
    }
    return NULL;
}

/* ---- life ---- */

struct har_own_target *har_own_target_begin(const struct har_target *like, har_target_fn *ready,
                                            void *owner)
{
    struct har_own_target *own = sl_alloc(sizeof(*own));
    own->target = har_target_another(like);
    har_target_start(own->target, ready, owner);
    return own;
}

struct har_target *har_own_target(struct har_own_target *own)
{
    return own->target;
}

static void on_stopped(void *owner, enum sl_status status, const char *text)
{
    struct har_own_target *own = owner;
    (void)status;
    (void)text;
    har_target_free(own->target);
    own->done(own->owner, own->status, own->text);
    sl_free(own);
}

static void on_asked(void *owner, enum sl_status status, const char *text)
{
    struct har_own_target *own = owner;
    own->status = status;
    (void)snprintf(own->text, sizeof(own->text), "%s", text == NULL ? "" : text);
    har_target_stop(own->target, on_stopped, own);
}

void har_own_target_end(struct har_own_target *own, bool is_asked, har_target_fn *done, void *owner)
{
    if (own->is_ending) {
        return;
    }
    own->is_ending = true;
    own->done = done;
    own->owner = owner;
    if (is_asked) {
        har_target_canary(own->target, on_asked, own);
    } else {
        har_target_stop(own->target, on_stopped, own);
    }
}
