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

static bool has_tls(const struct har_run_options *options)
{
    return options->has_tls || options->ca != NULL || options->cert != NULL;
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
    return 0;
}

static enum sl_status open_tls(const struct har_run_options *options, struct har_tls **ret_tls,
                               struct sl_error *reterr)
{
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
    enum sl_status status = har_tls_new(&tls, ret_tls, reterr);
    sl_free(name);
    return status;
}

int har_cmd_open_target(const char *program, const struct har_run_options *options, uv_loop_t *loop,
                        struct har_cmd_target *ret_target)
{
    struct sl_error error = {0};
    if (has_tls(options) && open_tls(options, &ret_target->tls, &error) != SL_OK) {
        return fail_error(program, &error);
    }
    if (options->capture != NULL && har_capture_open(options->capture, "written by sluice-harness",
                                                     &ret_target->capture, &error) != SL_OK) {
        return fail_error(program, &error);
    }
    struct har_target_config config = {
        .loop = loop,
        .command = options->command,
        .conn = har_conn_defaults(),
        .metadata = options->metadata.fields,
        .metadata_count = options->metadata.count,
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
    *target = (struct har_cmd_target){0};
    return status;
}
