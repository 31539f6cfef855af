/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/selftest/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "harness/scenario/library.h"
#include "harness/scenario/parse.h"
#include "harness/selftest/batch.h"
#include "harness/target/shell.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"

enum {
    REPORT_MAX = 64 * 1024 * 1024,
    OUTPUT_MAX = 1024 * 1024,
    PATH_BYTES = 4096,
    COMMAND_MAX = 16 * 1024,
    WAITERS_MAX = 4, /* background cases beside the others */
    IDLERS_MAX = 16, /* cases on servers that do nothing, the same */
    SLOTS = 2 * HAR_SELFTEST_JOBS_MAX + WAITERS_MAX + IDLERS_MAX,
    TICK_MS = 100,
    TAIL = 200, /* bytes of its output in the reason */
};

struct runner;

/* How cases share the machine. */
enum pool {
    POOL_IDLE,    /* nothing happens in them: beside all that does not measure */
    POOL_WAIT,    /* background: beside all */
    POOL_MEASURE, /* the first play of what measures: half as many as there are jobs */
    POOL_LIGHT,   /* waits more than it works: beside those, as many as there are jobs */
    POOL_ALONE,
    POOLS,
};

/* A run. */
struct slot {
    struct runner *runner;
    struct har_batch batch; /* of no case: free */
    enum pool pool;         /* that it plays in */
    uv_process_t process;
    uv_timer_t timer;
    unsigned handles_open;
    uint64_t begin_ns;
    bool has_timed_out;
    char report[PATH_BYTES], output[PATH_BYTES];
};

struct runner {
    const struct har_selftest_config *config;
    struct har_cases *cases;
    struct har_case **order; /* of all: pool by pool, in each the long ones first */
    uv_loop_t loop;
    struct slot slots[SLOTS];
    char folder[PATH_BYTES - 64];
    char known[HAR_FOLDER_MAX +
               64]; /* what the clean server is known to fail where it stands on the C core */
    unsigned running[POOLS];
    bool is_interrupted;
    uv_signal_t signals[2];
    uv_timer_t ticker;
};

static void go_on(struct runner *runner);

/* A scenario that measures has its first play beside others: what is as it must be then, is so in a busy machine too. Any other
 * verdict is asked for again, alone. */
static enum pool pool_of(const struct har_case *item)
{
    return item->kind == HAR_CASE_IDLE     ? POOL_IDLE
           : item->scenario->is_background ? POOL_WAIT
           : !item->scenario->is_alone     ? POOL_LIGHT
           : item->plays > 0               ? POOL_ALONE
                                           : POOL_MEASURE;
}

/* ---- the end of a case ---- */

static void read_tail(const char *path, char *text, size_t size)
{
    size_t len = 0;
    char *all = har_read_file(path, OUTPUT_MAX, &len, NULL);
    size_t begin = len > TAIL ? len - TAIL : 0;
    (void)snprintf(text, size, "%s", all == NULL ? "" : all + begin);
    sl_free(all);
}

/* There is no verdict of the case: what the run left instead. */
static void note_no_verdict(const struct slot *slot, struct har_case *item, int64_t exit_status,
                            int exit_signal)
{
    char tail[TAIL + 1];
    read_tail(slot->output, tail, sizeof(tail));
    item->outcome = HAR_INCONCLUSIVE;
    item->is_good = item->is_telling = false;
    (void)snprintf(item->reason, sizeof(item->reason),
                   "%s, with status %d, signal %d and no report: %s",
                   slot->has_timed_out ? "it was ended after its time" : "the run ended",
                   (int)exit_status, exit_signal, tail);
}

static void judge(struct slot *slot, int64_t exit_status, int exit_signal)
{
    size_t len = 0;
    char *text = har_read_file(slot->report, REPORT_MAX, &len, NULL);
    json_t *report = text == NULL ? NULL : json_loadb(text, len, 0, NULL);
    for (size_t i = 0; i < slot->batch.count; i++) {
        struct har_case *item = slot->batch.items[i];
        item->plays++;
        item->seconds = (double)(sl_clock_mono_ns() - slot->begin_ns) / 1e9;
        if (har_case_judge(item, report) != SL_OK) {
            note_no_verdict(slot, item, exit_status, exit_signal);
        }
    }
    json_decref(report);
    sl_free(text);
    (void)unlink(slot->report);
    (void)unlink(slot->output);
}

/* A case whose run is over is done, or played again. */
static void settle_case(struct runner *runner, const struct slot *slot, struct har_case *item)
{
    bool is_unclear = item->outcome == HAR_INCONCLUSIVE && !item->is_good;
    bool is_asked_again = is_unclear ? item->plays < HAR_CASE_PLAYS
                                     : (!item->is_good && pool_of(item) != slot->pool) ||
                                           har_batch_asks_again(&slot->batch, item);
    item->is_running = false;
    if (is_asked_again && !runner->is_interrupted) {
        item->has_begun = false;
    } else if (!runner->is_interrupted) {
        item->is_done = true;
        runner->config->told(runner->config->owner, item);
    }
}

/* The handles are gone: the slot is free. */
static void settle(struct slot *slot)
{
    struct runner *runner = slot->runner;
    for (size_t i = 0; i < slot->batch.count; i++) {
        settle_case(runner, slot, slot->batch.items[i]);
    }
    slot->batch.count = 0;
    runner->running[slot->pool]--;
    go_on(runner);
}

static void on_closed(uv_handle_t *handle)
{
    struct slot *slot = handle->data;
    if (--slot->handles_open == 0) {
        settle(slot);
    }
}

static void on_child_exit(uv_process_t *process, int64_t exit_status, int exit_signal)
{
    struct slot *slot = process->data;
    judge(slot, exit_status, exit_signal);
    uv_close((uv_handle_t *)process, on_closed);
    uv_close((uv_handle_t *)&slot->timer, on_closed);
}

static void on_time(uv_timer_t *timer)
{
    struct slot *slot = timer->data;
    /* First as a user would, so that it ends its server; then for good. */
    (void)uv_process_kill(&slot->process, slot->has_timed_out ? SIGKILL : SIGTERM);
    slot->has_timed_out = true;
}

/* ---- the beginning of one ---- */

static int spawn(struct slot *slot, char **arguments)
{
    int output = open(slot->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (output < 0) {
        return -errno;
    }
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = output},
        {.flags = UV_INHERIT_FD, .data.fd = output},
    };
    uv_process_options_t options = {
        .exit_cb = on_child_exit,
        .file = arguments[0],
        .args = arguments,
        .flags = UV_PROCESS_DETACHED, /* ^C is ours to pass on */
        .stdio_count = 3,
        .stdio = stdio,
    };
    int error = uv_spawn(&slot->runner->loop, &slot->process, &options);
    (void)close(output);
    return error;
}

/* Begins the case, with those that can share its run. */
static void begin(struct slot *slot, struct har_case *first)
{
    struct runner *runner = slot->runner;
    const struct har_selftest_config *config = runner->config;
    size_t number = (size_t)(first - runner->cases->items);
    struct har_batch_command command;
    (void)snprintf(slot->report, sizeof(slot->report), "%s/%zu.json", runner->folder, number);
    (void)snprintf(slot->output, sizeof(slot->output), "%s/%zu.txt", runner->folder, number);
    har_batch_gather(&slot->batch, first, runner->order, runner->cases->count);
    har_batch_command(&slot->batch, config->harness, config->server,
                      runner->known[0] == '\0' ? NULL : runner->known, config->seed, slot->report,
                      &command);
    for (size_t i = 0; i < slot->batch.count; i++) {
        slot->batch.items[i]->has_begun = slot->batch.items[i]->is_running = true;
    }
    slot->begin_ns = sl_clock_mono_ns();
    slot->has_timed_out = false;
    slot->process.data = slot->timer.data = slot;
    slot->handles_open = 2;
    (void)uv_timer_init(&runner->loop, &slot->timer);
    (void)uv_timer_start(&slot->timer, on_time, HAR_CASE_SECONDS * 1000, 5000);
    if (spawn(slot, command.words) < 0) {
        on_child_exit(&slot->process, -1, 0);
    }
    har_batch_command_release(&command);
}

/* ---- order ---- */

static bool may_begin(const struct runner *runner, enum pool pool)
{
    const unsigned *running = runner->running;
    switch (pool) {
    case POOL_IDLE:
        return running[POOL_IDLE] < IDLERS_MAX && running[POOL_ALONE] == 0;
    case POOL_WAIT:
        return running[POOL_WAIT] < WAITERS_MAX;
    case POOL_MEASURE:
        return running[POOL_MEASURE] < (runner->config->jobs + 1) / 2 && running[POOL_ALONE] == 0;
    case POOL_LIGHT:
        return running[POOL_LIGHT] < runner->config->jobs && running[POOL_ALONE] == 0;
    case POOL_ALONE:
    case POOLS:
        break;
    }
    return running[POOL_IDLE] + running[POOL_MEASURE] + running[POOL_LIGHT] + running[POOL_ALONE] ==
           0;
}

static struct slot *free_slot(struct runner *runner)
{
    struct slot *slot = runner->slots;
    while (slot->batch.count > 0) {
        slot++;
    }
    return slot;
}

static unsigned all_running(const struct runner *runner)
{
    unsigned count = 0;
    for (int pool = 0; pool < POOLS; pool++) {
        count += runner->running[pool];
    }
    return count;
}

static void go_on(struct runner *runner)
{
    for (size_t i = 0; i < runner->cases->count && !runner->is_interrupted; i++) {
        struct har_case *item = runner->order[i];
        enum pool pool = pool_of(item);
        if (!item->has_begun && !item->is_done && may_begin(runner, pool)) {
            struct slot *slot = free_slot(runner);
            slot->pool = pool;
            runner->running[pool]++;
            begin(slot, item);
        }
    }
    if (all_running(runner) == 0) {
        uv_stop(&runner->loop);
    }
}

/* What it may take: an expression is one of the long ones. */
static double seconds_of(const struct har_case *item)
{
    const struct har_expr *seconds = &item->scenario->seconds;
    return seconds->text == NULL ? seconds->number : HAR_CASE_SECONDS;
}

static int compare(const void *left, const void *right)
{
    const struct har_case *a = *(struct har_case *const *)left;
    const struct har_case *b = *(struct har_case *const *)right;
    if (pool_of(a) != pool_of(b)) {
        return pool_of(a) < pool_of(b) ? -1 : 1;
    }
    if (seconds_of(a) > seconds_of(b) || seconds_of(a) < seconds_of(b)) {
        return seconds_of(a) > seconds_of(b) ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static void put_in_order(struct runner *runner)
{
    runner->order = sl_calloc(runner->cases->count + 1, sizeof(struct har_case *));
    for (size_t i = 0; i < runner->cases->count; i++) {
        runner->order[i] = &runner->cases->items[i];
    }
    qsort(runner->order, runner->cases->count, sizeof(struct har_case *), compare);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct runner *runner = handle->data;
    (void)number;
    runner->is_interrupted = true;
    for (size_t i = 0; i < sizeof(runner->slots) / sizeof(runner->slots[0]); i++) {
        if (runner->slots[i].batch.count > 0) {
            (void)uv_process_kill(&runner->slots[i].process, SIGTERM);
        }
    }
    if (all_running(runner) == 0) {
        uv_stop(&runner->loop);
    }
}

static void watch_signals(struct runner *runner)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)uv_signal_init(&runner->loop, &runner->signals[i]);
        runner->signals[i].data = runner;
        (void)uv_signal_start(&runner->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&runner->signals[i]);
    }
}

static void on_tick(uv_timer_t *timer)
{
    const struct har_selftest_config *config = ((struct runner *)timer->data)->config;
    config->tick(config->owner);
}

static void start_ticks(struct runner *runner)
{
    (void)uv_timer_init(&runner->loop, &runner->ticker);
    runner->ticker.data = runner;
    uv_unref((uv_handle_t *)&runner->ticker);
    if (runner->config->tick != NULL) {
        (void)uv_timer_start(&runner->ticker, on_tick, TICK_MS, TICK_MS);
    }
}

static enum sl_status make_folder(struct runner *runner, struct sl_error *reterr_error)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(runner->folder, sizeof(runner->folder), "%.3900s/sluice-selftest-XXXXXX",
                   parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    if (mkdtemp(runner->folder) == NULL) {
        return sl_error_set(reterr_error, SL_IO, "cannot make a folder for reports: %s",
                            strerror(errno));
    }
    return SL_OK;
}

static void find_known(struct runner *runner)
{
    char folder[HAR_FOLDER_MAX];
    if (!har_library_folder(folder)) {
        return;
    }
    (void)snprintf(runner->known, sizeof(runner->known),
                   "%s/profiles/grpc-core-1.51.known-failing.json", folder);
    if (access(runner->known, R_OK) != 0) {
        runner->known[0] = '\0';
    }
}

enum sl_status har_selftest_run(const struct har_selftest_config *config, struct har_cases *cases,
                                struct sl_error *reterr_error)
{
    struct runner *runner = sl_calloc(1, sizeof(*runner));
    runner->config = config;
    runner->cases = cases;
    find_known(runner);
    put_in_order(runner);
    enum sl_status status = make_folder(runner, reterr_error);
    if (status == SL_OK) {
        (void)uv_loop_init(&runner->loop);
        for (size_t i = 0; i < sizeof(runner->slots) / sizeof(runner->slots[0]); i++) {
            runner->slots[i].runner = runner;
        }
        watch_signals(runner);
        start_ticks(runner);
        go_on(runner);
        if (cases->count > 0) {
            (void)uv_run(&runner->loop, UV_RUN_DEFAULT);
        }
        uv_close((uv_handle_t *)&runner->signals[0], NULL);
        uv_close((uv_handle_t *)&runner->signals[1], NULL);
        uv_close((uv_handle_t *)&runner->ticker, NULL);
        while (uv_loop_close(&runner->loop) == UV_EBUSY) { /* also where uv_stop is still due */
            (void)uv_run(&runner->loop, UV_RUN_NOWAIT);
        }
        (void)rmdir(runner->folder);
    }
    sl_free(runner->order);
    sl_free(runner);
    return status;
}

/* ---- the list of wrong servers ---- */

char *har_selftest_mutants(const char *server, size_t max, size_t *ret_len,
                           struct sl_error *reterr_error)
{
    struct sl_buf command;
    struct sl_buf text;
    sl_buf_init(&command, COMMAND_MAX);
    sl_buf_init(&text, max);
    har_shell_word(&command, server);
    (void)sl_buf_add_str(&command, " --misbehave list");
    FILE *pipe = popen(sl_buf_str(&command), "r"); /* NOLINT(cert-env33-c): quoted */
    char block[4096];
    size_t len = 0;
    while (pipe != NULL && (len = fread(block, 1, sizeof(block), pipe)) > 0) {
        (void)sl_buf_add(&text, block, len);
    }
    int status = pipe == NULL ? -1 : pclose(pipe);
    sl_buf_release(&command);
    if (status != 0 || text.is_full || text.len == 0) {
        (void)sl_error_set(reterr_error, SL_USAGE, "%s --misbehave list says nothing of use",
                           server);
        sl_buf_release(&text);
        return NULL;
    }
    return (char *)sl_buf_take(&text, ret_len);
}
