/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/open_target.h"

#include <stdio.h>

#include "harness/evidence/capture.h"
#include "harness/transport/addresses.h"
#include "harness/transport/tls.h"
#include "lib/base/alloc.h"

static int fail(const char *program, const char *text)
{
    (void)fprintf(stderr, "%s: %s\n", program, text);
    return 2;
}

static int fail_error(const char *program, const struct sl_error *error)
{
    (void)fprintf(stderr, "%s: %s%s%s\n", program, error->source,
                  error->source[0] == '\0' ? "" : ": ", error->text);
    return 2;
}

/* Marks in --exec for certificates that the run makes. */
static bool has_mark(const struct har_run_options *options, const char *mark)
{
    return options->command != NULL && strstr(options->command, mark) != NULL;
}

static bool has_marks(const struct har_run_options *options)
{
    return has_mark(options, "{cert}") || has_mark(options, "{key}") || has_mark(options, "{ca}");
}

static bool has_own_tls(const struct har_run_options *options)
{
    return options->has_tls || options->ca != NULL || options->cert != NULL;
}

static bool has_tls(const struct har_run_options *options)
{
    return has_own_tls(options) || has_marks(options);
}

int har_cmd_check_target(const char *program, const struct har_run_options *options)
{
    if (options->target == NULL && options->command == NULL) {
        return fail(program,
                    "one of --target and --exec is needed: --target localhost:50051 where the "
                    "server listens, or --exec './my-server --port {port}' to start it");
    }
    if (options->target != NULL && options->command != NULL) {
        return fail(program,
                    "one of --target and --exec is needed, not both: --exec starts the server, "
                    "and knows where it listens");
    }
    if ((options->cert == NULL) != (options->key == NULL)) {
        return fail(program, "--cert and --key go together");
    }
    if (options->server_name != NULL && !has_tls(options)) {
        return fail(program, "--server-name is of TLS: --tls or --ca FILE goes with it");
    }
    if (options->command != NULL && strstr(options->command, "{port}") == NULL) {
        return fail(program, "--exec needs a {port} in its command");
    }
    if (has_marks(options) && !(has_mark(options, "{cert}") && has_mark(options, "{key}"))) {
        return fail(program, "{cert} and {key} in --exec go together; {ca} is for both of them");
    }
    if (has_marks(options) && has_own_tls(options)) {
        return fail(program,
                    "with {cert} and {key} in --exec the run makes the certificates: --tls, --ca, "
                    "--cert and --key are for a server that has its own");
    }
    return 0;
}

static void use_kit(const struct har_run_options *options, const struct har_tls_kit *kit,
                    struct har_tls_config *config)
{
    config->kit = kit;
    if (has_marks(options)) {
        config->ca_file = har_tls_kit_cert(kit, HAR_TLS_KIT_CA);
    }
    if (has_mark(options, "{ca}")) {
        config->cert_file = har_tls_kit_cert(kit, HAR_TLS_KIT_CLIENT);
        config->key_file = har_tls_kit_key(kit, HAR_TLS_KIT_CLIENT);
    }
}

static enum sl_status open_tls(const struct har_run_options *options, struct har_cmd_target *target,
                               struct sl_error *reterr)
{
    if (har_tls_kit_new(&target->kit, reterr) != SL_OK) {
        return SL_IO;
    }
    /* As other gRPC clients have it, an authority is the server's name for TLS too. */
    char *name = options->server_name != NULL   ? sl_strdup(options->server_name)
                 : options->authority != NULL   ? har_authority_host(options->authority)
                 : har_unix_path(options->host) ? sl_strdup("localhost")
                                                : NULL;
    struct har_tls_config tls = {
        .ca_file = options->ca,
        .cert_file = options->cert,
        .key_file = options->key,
        .server_name = name,
    };
    use_kit(options, target->kit, &tls);
    enum sl_status status = har_tls_new(&tls, &target->tls, reterr);
    sl_free(name);
    return status;
}

/* The command with the files of the certificates in it. */
static char *fill_in(const char *command, const struct har_tls_kit *kit)
{
    const struct {
        const char *mark, *path;
    } marks[] = {{"{cert}", har_tls_kit_cert(kit, HAR_TLS_KIT_SERVER)},
                 {"{key}", har_tls_kit_key(kit, HAR_TLS_KIT_SERVER)},
                 {"{ca}", har_tls_kit_cert(kit, HAR_TLS_KIT_CA)}};
    char *filled = sl_strdup(command);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t len = strlen(marks[i].mark);
        for (char *found = strstr(filled, marks[i].mark); found != NULL;
             found = strstr(filled, marks[i].mark)) {
            char *next =
                sl_asprintf("%.*s%s%s", (int)(found - filled), filled, marks[i].path, found + len);
            sl_free(filled);
            filled = next;
        }
    }
    return filled;
}

int har_cmd_open_target(const char *program, const struct har_run_options *options,
                        const struct har_binding *binding, uv_loop_t *loop,
                        struct har_cmd_target *ret_target)
{
    struct sl_error error = {0};
    if (has_tls(options) && open_tls(options, ret_target, &error) != SL_OK) {
        return fail_error(program, &error);
    }
    if (options->capture != NULL && har_capture_open(options->capture, "written by sluice-harness",
                                                     &ret_target->capture, &error) != SL_OK) {
        return fail_error(program, &error);
    }
    if (has_marks(options)) {
        ret_target->command = fill_in(options->command, ret_target->kit);
    }
    struct har_target_config config = {
        .loop = loop,
        .command = has_marks(options) ? ret_target->command : options->command,
        .conn = har_conn_defaults(),
        .metadata = options->metadata.fields,
        .metadata_count = options->metadata.count,
        .binding = binding,
        .pid = options->pid,
        .ready_ns = options->ready_ns,
    };
    config.conn.host = options->host;
    config.conn.port = options->port;
    config.conn.authority = options->authority;
    config.conn.tls = ret_target->tls;
    config.conn.capture = ret_target->capture;
    ret_target->target = har_target_new(&config);
    return 0;
}

void har_cmd_settle_profile(const struct har_run_options *options,
                            const struct har_cmd_target *target, struct har_profile *profile)
{
    bool is_asked = has_mark(options, "{ca}") ||
                    (options->cert != NULL && har_profile_has(profile, HAR_NEED_MTLS));
    har_profile_set(profile, HAR_NEED_TLS, target->tls != NULL);
    har_profile_set(profile, HAR_NEED_MTLS, is_asked);
    har_profile_set(profile, HAR_NEED_MADE_CERTIFICATES, has_mark(options, "{ca}"));
}

int har_cmd_close_target(const char *program, uv_loop_t *loop, struct har_cmd_target *target)
{
    struct sl_error error = {0};
    har_target_free(target->target);
    /* Handles that are still closing get their turns. */
    for (int i = 0; i < 1000 && uv_loop_close(loop) == UV_EBUSY; i++) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
    }
    int status =
        har_capture_close(target->capture, &error) == SL_OK ? 0 : fail_error(program, &error);
    har_tls_free(target->tls);
    har_tls_kit_free(target->kit);
    sl_free(target->command);
    *target = (struct har_cmd_target){0};
    return status;
}
