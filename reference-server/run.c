/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/run.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/schema/pool.h"
#include "reference-server/frontend/frontend.h"
#include "reference-server/telemetry/logs.h"
#include "reference-server/telemetry/server_metrics.h"

/* Tells the signal loop that the front end has ended. */
#define ENDED_SIGNAL SIGUSR1

/* Sets *context. */
static void tell_ended(void *context)
{
    atomic_store((atomic_bool *)context, true);
    (void)kill(getpid(), ENDED_SIGNAL);
}

static void block_signals(sigset_t *set)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, ENDED_SIGNAL);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* A connection is a file descriptor, and the soft limit is a default of other times: as many as we may have. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* OPS-04: new certificates without a connection lost. */
static void reload(struct srv_frontend *frontend, const struct srv_opts *opts)
{
    struct sl_error error = {0};
    if (opts->tls_cert == NULL) {
        sl_log(SL_LOG_INFO, "tls", "signal=SIGHUP there are no certificates to read");
    } else if (frontend->ops->reload == NULL) {
        sl_log(SL_LOG_ERROR, "tls", "signal=SIGHUP this front end cannot read certificates again");
    } else if (frontend->ops->reload(frontend, &error) != SL_OK) {
        sl_log(SL_LOG_ERROR, "tls", "signal=SIGHUP the old certificates stay: %s", error.text);
    } else {
        sl_log(SL_LOG_INFO, "tls", "signal=SIGHUP new connections get certificate=%s",
               opts->tls_cert);
    }
}

static void wait_for_the_end(struct srv_frontend *frontend, const struct srv_opts *opts,
                             const sigset_t *set, atomic_bool *is_ended)
{
    while (!atomic_load(is_ended)) {
        int got = 0;
        if (sigwait(set, &got) != 0 || got == ENDED_SIGNAL) {
            continue; /* the signal alone says nothing: anybody can send it */
        }
        if (got == SIGHUP) {
            reload(frontend, opts);
            continue;
        }
        sl_log(SL_LOG_INFO, "drain", "signal=%s", got == SIGTERM ? "SIGTERM" : "SIGINT");
        frontend->ops->drain(frontend);
    }
}

/* "WHAT on HOST:PORT", with the port that was free. */
static void say_where(const char *what, const char *listen, int port)
{
    const char *colon = strrchr(listen, ':');
    printf("%s on %.*s:%d\n", what, (int)(colon - listen), listen, port);
}

/* Both lines at once: who has read the first can rely on the second. */
static void say_ready(const struct srv_opts *opts, const struct srv_frontend *frontend,
                      const struct srv_server_metrics *metrics)
{
    say_where("listening", opts->listen, frontend->ops->port(frontend));
    if (metrics != NULL) {
        say_where("metrics", opts->metrics, srv_server_metrics_port(metrics));
    }
    (void)fflush(stdout);
}

enum sl_status srv_run(const struct srv_opts *opts, struct sl_error *reterr_error)
{
    sigset_t set;
    struct srv_chat chat;
    atomic_bool is_ended = false;
    block_signals(&set);
    raise_file_limit();
    srv_misbehave_log(&opts->chat.misbehave);
    struct srv_chat_config chat_config = opts->chat;
    if (getrandom(chat_config.secret, sizeof(chat_config.secret), 0) !=
        (ssize_t)sizeof(chat_config.secret)) {
        return sl_error_set(reterr_error, SL_IO, "the system gives no random bytes");
    }
    struct srv_keylog *keylog = NULL;
    if (opts->keylog != NULL) {
        keylog = srv_keylog_open(opts->keylog, reterr_error);
        if (keylog == NULL) {
            return SL_IO;
        }
    }
    srv_chat_init(&chat, &chat_config);
    struct srv_health health = {.misbehave = &chat.config.misbehave};
    struct srv_reflection reflection;
    srv_reflection_init(&reflection, sl_pool_builtin_set(), &chat.config.misbehave);
    const struct srv_frontend_config config = {
        .listen = opts->listen,
        .cert_file = opts->tls_cert,
        .key_file = opts->tls_key,
        .client_ca_file = opts->tls_client_ca,
        .keylog = keylog,
        .max_message = opts->max_message,
        .limits = opts->limits,
        .drain_grace_ns = opts->drain_grace_ns,
        .ended = tell_ended,
        .ended_context = &is_ended,
    };
    struct srv_telemetry telemetry = {0};
    struct srv_logs *logs = NULL;
    struct srv_services services = {
        .chat = &chat, .health = &health, .reflection = &reflection, .telemetry = &telemetry};
    struct srv_server_metrics *metrics = NULL;
    struct srv_frontend *frontend = NULL;
    enum sl_status status = SL_OK;
    logs = srv_logs_start(&(struct srv_logs_config){.calls = opts->log_calls,
                                                    .otlp = opts->otlp,
                                                    .secret = chat_config.secret},
                          &telemetry, reterr_error);
    if (logs == NULL) {
        status = reterr_error->status;
        goto out;
    }
    if (opts->metrics[0] != '\0') {
        metrics = srv_server_metrics_start(opts->metrics, opts->frontend->name, &telemetry, &chat,
                                           reterr_error);
        if (metrics == NULL) {
            status = SL_IO;
            goto out;
        }
    }
    frontend = opts->frontend->start(&config, &services, reterr_error);
    if (frontend == NULL) {
        status = reterr_error->status;
        goto out;
    }
    say_ready(opts, frontend, metrics);
    wait_for_the_end(frontend, opts, &set, &is_ended);
    frontend->ops->free(frontend);
out:
    srv_logs_stop(logs);
    srv_server_metrics_free(metrics);
    srv_keylog_close(keylog);
    srv_chat_release(&chat);
    return status;
}
