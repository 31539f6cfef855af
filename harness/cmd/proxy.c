/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/cmd/address.h"
#include "harness/cmd/cmd.h"
#include "harness/proxy/control.h"
#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/base/units.h"

struct options {
    struct har_address listen, upstream, control;
    bool has_listen, has_upstream, has_control;
    const char *faults;
    uint64_t seed;
};

static enum sl_status set_listen(void *options, const char *value, struct sl_error *reterr)
{
    struct options *into = options;
    into->has_listen = true;
    return har_address_parse(value, true, &into->listen, reterr);
}

static enum sl_status set_upstream(void *options, const char *value, struct sl_error *reterr)
{
    struct options *into = options;
    into->has_upstream = true;
    return har_address_parse_target(value, &into->upstream, reterr);
}

static enum sl_status set_control(void *options, const char *value, struct sl_error *reterr)
{
    struct options *into = options;
    into->has_control = true;
    return har_address_parse(value, true, &into->control, reterr);
}

static enum sl_status set_faults(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct options *)options)->faults = value;
    return SL_OK;
}

static enum sl_status set_seed(void *options, const char *value, struct sl_error *reterr)
{
    enum sl_status status = sl_units_u64(sl_span_str(value), &((struct options *)options)->seed);
    return status == SL_OK ? status : sl_error_set(reterr, SL_USAGE, "wants a number");
}

static const struct sl_cli_option table[] = {
    {"listen", 0, "HOST:PORT", "where clients connect; port 0: any free one", set_listen},
    {"upstream", 0, "HOST:PORT", "the server", set_upstream},
    {"control", 0, "HOST:PORT", "HTTP with JSON: GET, POST and DELETE /faults", set_control},
    {"faults", 0, "FILE", "faults that are in force for the first connection: a JSON array",
     set_faults},
    {"seed", 0, "N", "of the jitter; default 1", set_seed},
};
static const struct sl_cli cli = {
    .program = "sluice-harness proxy",
    .summary =
        "Puts faults between a client and a server: latency, stalls, cuts, and faults of single\n"
        "HTTP/2 frames. Without a fault it passes on every byte as it came.",
    .notes = "When it is ready it says \"listening on ADDRESS\" and, with --control, \"control on "
             "ADDRESS\", a\n"
             "line each. SIGINT and SIGTERM end it. docs/PROXY.md tells about faults.",
    .exits =
        (const struct sl_cli_line[]){
            {"0", "it was ended"},
            {"2", "bad usage, a bad fault, or an address that cannot be used"},
            {NULL, NULL}},
    .options = table,
    .option_count = sizeof(table) / sizeof(table[0]),
};

struct job {
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct har_proxy *proxy;
    struct har_control *control;
};

static int complain(const char *source, const struct sl_error *error)
{
    char place[32] = "";
    if (error->line > 0) {
        (void)snprintf(place, sizeof(place), ":%zu", error->line);
    }
    (void)fprintf(stderr, "%s: %s%s%s%s\n", cli.program, source, place,
                  source[0] == '\0' ? "" : ": ", error->text);
    return 2;
}

static int load_faults(struct har_proxy *proxy, const char *path)
{
    size_t len = 0;
    struct har_fault_list list;
    struct sl_error error = {0};
    char *text = har_read_file(path, 16 * (size_t)HAR_FAULT_TEXT_MAX, &len, &error);
    if (text == NULL) {
        return complain(path, &error);
    }
    enum sl_status status = har_faults_read(sl_span(text, len), &list, &error);
    sl_free(text);
    if (status != SL_OK) {
        return complain(path, &error);
    }
    for (size_t i = 0; i < list.count; i++) {
        (void)har_proxy_add(proxy, &list.faults[i], list.texts[i]);
    }
    har_fault_list_release(&list);
    return 0;
}

static void on_proxy_freed(void *owner)
{
    (void)owner; /* the loop runs dry */
}

static void end(struct job *job)
{
    for (int i = 0; i < 2; i++) {
        if (!uv_is_closing((uv_handle_t *)&job->signals[i])) {
            uv_close((uv_handle_t *)&job->signals[i], NULL);
        }
    }
    har_control_free(job->control);
    job->control = NULL;
    if (job->proxy != NULL) {
        har_proxy_free(job->proxy, on_proxy_freed, NULL);
        job->proxy = NULL;
    }
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    end(signal->data);
}

static void watch_signals(struct job *job)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        (void)uv_signal_init(&job->loop, &job->signals[i]);
        job->signals[i].data = job;
        (void)uv_signal_start(&job->signals[i], on_signal, numbers[i]);
    }
}

/* Everything up to the two lines that say that it is ready; 0 or an exit status. */
static int begin(struct job *job, const struct options *options)
{
    struct sl_error error = {0};
    struct har_proxy_config config = {
        .loop = &job->loop,
        .host = options->listen.host,
        .port = options->listen.port,
        .upstream_host = options->upstream.host,
        .upstream_port = options->upstream.port,
        .seed = options->seed,
    };
    if (har_proxy_new(&config, &job->proxy, &error) != SL_OK) {
        return complain("", &error);
    }
    if (options->faults != NULL && load_faults(job->proxy, options->faults) != 0) {
        return 2;
    }
    if (options->has_control &&
        har_control_new(job->proxy, &job->loop, options->control.host, options->control.port,
                        &job->control, &error) != SL_OK) {
        return complain("", &error);
    }
    if (har_proxy_listen(job->proxy, &error) != SL_OK) {
        return complain("", &error);
    }
    (void)printf("listening on %s\n", har_proxy_address(job->proxy));
    if (job->control != NULL) {
        (void)printf("control on %s\n", har_control_address(job->control));
    }
    (void)fflush(stdout);
    return 0;
}

int har_cmd_proxy(int argc, char **argv)
{
    struct options options = {.seed = 1};
    struct sl_cli_result result;
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &options, &result, &status)) {
        return status;
    }
    if (!options.has_listen || !options.has_upstream) {
        (void)fprintf(stderr,
                      "%s: --listen and --upstream are needed: --listen 127.0.0.1:0 --upstream "
                      "localhost:50051\n",
                      cli.program);
        return 2;
    }
    struct job job = {.proxy = NULL};
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&job.loop);
    watch_signals(&job);
    status = begin(&job, &options);
    if (status != 0) {
        end(&job);
    }
    (void)uv_run(&job.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&job.loop);
    return status;
}
