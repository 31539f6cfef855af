/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/selftest/batch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/profile.h"
#include "harness/target/shell.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    COMMAND_MAX = 16 * 1024,
};

/* What the front end on nghttp2 is started with to be what its profile declares. */
#define H2_PROFILE   "reference-h2"
#define H2_OPTIONS   " --max-streams 100"
#define GRPC_PROFILE "reference"

/* ---- which ---- */

static bool is_sharing(const struct har_case *item)
{
    return item->plays == 0 && !item->has_begun &&
           (item->kind == HAR_CASE_DRAWN ||
            (item->kind == HAR_CASE_IDLE && !item->scenario->is_alone));
}

static bool needs(const struct har_case *item, const char *what)
{
    return har_strings_has(&item->scenario->needs, what);
}

/* Both are played against a server of the same command line. */
static bool has_same_server(const struct har_case *a, const struct har_case *b)
{
    return a->kind == b->kind && a->mutant == b->mutant && strcmp(a->frontend, b->frontend) == 0 &&
           needs(a, HAR_NEED_TLS) == needs(b, HAR_NEED_TLS) &&
           needs(a, HAR_NEED_MTLS) == needs(b, HAR_NEED_MTLS);
}

void har_batch_gather(struct har_batch *batch, struct har_case *first,
                      struct har_case *const *others, size_t count)
{
    batch->items[0] = first;
    batch->count = 1;
    for (size_t i = 0; i < count && batch->count < HAR_BATCH_MAX && is_sharing(first); i++) {
        if (others[i] != first && is_sharing(others[i]) && has_same_server(first, others[i])) {
            batch->items[batch->count++] = others[i];
        }
    }
}

bool har_batch_asks_again(const struct har_batch *batch, const struct har_case *item)
{
    return batch->count > 1 && !item->is_good;
}

/* ---- the command line ---- */

static bool is_h2(const struct har_case *item)
{
    return strcmp(item->frontend, HAR_FRONTEND_H2) == 0;
}

/* The server of a case, for --exec. */
static void add_server(const struct har_case *item, const char *server, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "exec ");
    har_shell_word(out, server);
    (void)sl_buf_add_str(out, " --listen 127.0.0.1:{port} --frontend ");
    har_shell_word(out, item->frontend);
    (void)sl_buf_add_str(out, is_h2(item) ? H2_OPTIONS : "");
    if (needs(item, HAR_NEED_TLS)) {
        (void)sl_buf_add_str(out, " --tls-cert {cert} --tls-key {key}");
    }
    if (needs(item, HAR_NEED_MTLS)) {
        (void)sl_buf_add_str(out, " --tls-client-ca {ca}");
    }
    if (item->mutant_name != NULL) {
        (void)sl_buf_add_str(out, " --misbehave ");
        har_shell_word(out, item->mutant_name);
    }
}

static void add(struct har_batch_command *command, const char *word)
{
    assert(command->count + 1 < HAR_BATCH_WORDS);
    command->words[command->count++] = sl_strdup(word);
}

static void add_option(struct har_batch_command *command, const char *name, const char *value)
{
    add(command, name);
    add(command, value);
}

void har_batch_command(const struct har_batch *batch, const char *harness, const char *server,
                       const char *known, uint64_t seed, const char *report,
                       struct har_batch_command *ret_command)
{
    const struct har_case *first = batch->items[0];
    char number[24];
    struct sl_buf text;
    sl_buf_init(&text, COMMAND_MAX);
    *ret_command = (struct har_batch_command){0};
    add(ret_command, harness);
    add(ret_command, "run");
    for (size_t i = 0; i < batch->count; i++) {
        add(ret_command, batch->items[i]->scenario->id);
    }
    add_option(ret_command, "--profile", is_h2(first) ? H2_PROFILE : GRPC_PROFILE);
    (void)snprintf(number, sizeof(number), "%" PRIu64, seed);
    add_option(ret_command, "--seed", number);
    add_server(first, server, &text);
    add_option(ret_command, "--exec", sl_buf_str(&text));
    sl_buf_clear(&text);
    (void)sl_buf_addf(&text, "json=%s", report);
    add_option(ret_command, "--report", sl_buf_str(&text));
    sl_buf_release(&text);
    if (known != NULL && !is_h2(first)) {
        add_option(ret_command, "--known-failing", known);
    }
    if (first->kind == HAR_CASE_IDLE) {
        (void)snprintf(number, sizeof(number), "%d", HAR_BATCH_MAX);
        add_option(ret_command, "--jobs", number);
        add(ret_command, "--no-canary"); /* it would fail, whatever the scenario saw */
    }
}

void har_batch_command_release(struct har_batch_command *command)
{
    for (size_t i = 0; i < command->count; i++) {
        sl_free(command->words[i]);
    }
    *command = (struct har_batch_command){0};
}
