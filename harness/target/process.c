/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/target/resources.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"

enum {
    READ_SIZE = 16 * 1024,
    GROUPS_MAX = 4096,
    HANDLES = 3, /* process, output, timer */
    STOP_POLL_MS =
        20, /* how often a stopping group is looked at: its members are not our children */
};

struct har_process {
    struct har_process_config config;
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timer;
    struct sl_buf kept; /* up to twice the maximum; the older half is dropped then */
    uint64_t lost;
    uint16_t port;
    pid_t pid;
    int64_t exit_status;
    int exit_signal;
    har_process_stopped_fn *stopped;
    void *stopped_owner;
    uint64_t kill_at_ns;
    unsigned open_handles;
    bool has_exited;
    bool is_group_gone; /* its number may be another's by now */
    bool is_stopping;
    bool is_freed;
    uint8_t read_buffer[READ_SIZE];
};

/* The groups that may be alive, for who is about to die and has no time left; 0: a free place. What finds none is ended
 * by its owner only. */
static volatile sig_atomic_t groups[GROUPS_MAX];

static void note_group(pid_t old_group, pid_t new_group)
{
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        if (groups[i] == old_group) {
            groups[i] = new_group;
            return;
        }
    }
}

void har_process_kill_all(void)
{
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        if (groups[i] > 1) {
            (void)kill(-(pid_t)groups[i], SIGKILL);
        }
    }
}

static void on_deadly(int number)
{
    har_process_kill_all();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void har_process_die_together(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
            (void)signal(numbers[i], on_deadly);
        }
    }
}

uint16_t har_process_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint16_t port = 0;
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        port = ntohs(address.sin_port);
    }
    if (fd >= 0) {
        close(fd);
    }
    return port;
}

/* command with every "{port}" replaced. */
static enum sl_status fill_in(const char *command, uint16_t port, struct sl_buf *out)
{
    static const char mark[] = "{port}";
    for (const char *found = strstr(command, mark); found != NULL; found = strstr(command, mark)) {
        (void)sl_buf_add(out, command, (size_t)(found - command));
        (void)sl_buf_addf(out, "%u", port);
        command = found + sizeof mark - 1;
    }
    (void)sl_buf_add_str(out, command);
    return out->is_full ? SL_LIMIT : SL_OK;
}

/* --- life --- */

static void reap(struct har_process *process)
{
    if (process->is_freed && process->open_handles == 0) {
        sl_buf_release(&process->kept);
        sl_free(process);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct har_process *process = handle->data;
    process->open_handles--;
    reap(process);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_closed);
    }
}

/* Whether anything of the group is left, zombies left out: where no init reaps them they stay. */
static bool is_group_alive(const struct har_process *process)
{
    return !process->is_group_gone &&
           (!process->has_exited || har_resources_has_group(process->pid));
}

static void group_is_gone(struct har_process *process)
{
    process->is_group_gone = true;
    note_group(process->pid, 0);
}

static void keep(struct har_process *process, struct sl_span bytes)
{
    size_t kept_max = HAR_PROCESS_OUTPUT_MAX;
    if (process->kept.len + bytes.len > kept_max * 2) {
        size_t dropped = process->kept.len - kept_max;
        sl_buf_consume(&process->kept, dropped);
        process->lost += dropped;
    }
    (void)sl_buf_add_span(&process->kept, bytes);
}

/* It wrote bytes. */
static void take_output(struct har_process *process, struct sl_span bytes)
{
    keep(process, bytes);
    if (process->config.output != NULL && !process->is_freed) {
        process->config.output(process->config.owner, process, bytes);
    }
}

/* What is in the pipe still: the last words of one that has ended. */
static void drain(struct har_process *process)
{
    uv_os_fd_t fd = -1;
    if (process->is_freed || uv_fileno((uv_handle_t *)&process->output, &fd) != 0) {
        return;
    }
    for (size_t taken = 0; taken < HAR_PROCESS_OUTPUT_MAX;) { /* what it left behind may write on */
        ssize_t count = read(fd, process->read_buffer, READ_SIZE);
        if (count <= 0) {
            return; /* an end is seen by libuv, too */
        }
        take_output(process, sl_span(process->read_buffer, (size_t)count));
        taken += (size_t)count;
    }
}

static void on_exit(uv_process_t *handle, int64_t exit_status, int exit_signal)
{
    struct har_process *process = handle->data;
    process->has_exited = true;
    process->exit_status = exit_status;
    process->exit_signal = exit_signal;
    if (!is_group_alive(process)) {
        group_is_gone(process);
    }
    drain(process);
    if (!process->is_freed && !process->is_stopping && process->config.exited != NULL) {
        process->config.exited(process->config.owner, process);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct har_process *process = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)process->read_buffer, READ_SIZE);
}

static void on_output(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct har_process *process = stream->data;
    if (count > 0) {
        take_output(process, sl_span(buf->base, (size_t)count));
    } else if (count < 0) {
        close_handle((uv_handle_t *)stream);
    }
}

/* Our own environment and what is added; the list alone to be sl_free'd. NULL: our own. */
static char **join_environment(char *const *more)
{
    size_t count = 1;
    for (size_t i = 0; environ[i] != NULL; i++) {
        count++;
    }
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        count++;
    }
    char **list = more == NULL ? NULL : sl_calloc(count, sizeof(list[0]));
    size_t at = 0;
    for (size_t i = 0; list != NULL && more[i] != NULL; i++) {
        list[at++] = more[i];
    }
    for (size_t i = 0; list != NULL && environ[i] != NULL; i++) {
        list[at++] = environ[i];
    }
    return list;
}

static enum sl_status spawn(struct har_process *process, uv_loop_t *loop, char *command,
                            struct sl_error *reterr)
{
    char shell[] = "/bin/sh";
    char flag[] = "-c";
    char *arguments[] = {shell, flag, command, NULL};
    uv_file pipe_ends[2];
    int error = uv_pipe(pipe_ends, UV_NONBLOCK_PIPE, 0);
    if (error < 0) {
        return sl_error_set(reterr, SL_IO, "cannot make a pipe: %s", uv_strerror(error));
    }
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = pipe_ends[1]},
        {.flags = UV_INHERIT_FD, .data.fd = pipe_ends[1]},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit,
        .file = shell,
        .args = arguments,
        .flags = UV_PROCESS_DETACHED, /* a session and group of its own */
        .stdio_count = 3,
        .stdio = stdio,
    };
    process->process.data = process->output.data = process->timer.data = process;
    uv_pipe_init(loop, &process->output, 0);
    uv_timer_init(loop, &process->timer);
    process->open_handles = HANDLES;
    uv_pipe_open(&process->output, pipe_ends[0]);
    options.env = join_environment(process->config.environment);
    error = uv_spawn(loop, &process->process, &options);
    sl_free(options.env);
    process->config.environment = NULL;
    close(pipe_ends[1]);
    if (error < 0) {
        process->has_exited = process->is_group_gone = true;
        return sl_error_set(reterr, SL_IO, "cannot start /bin/sh: %s", uv_strerror(error));
    }
    process->pid = process->process.pid;
    note_group(0, process->pid);
    uv_read_start((uv_stream_t *)&process->output, on_alloc, on_output);
    return SL_OK;
}

enum sl_status har_process_new(uv_loop_t *loop, const struct har_process_config *config,
                               struct har_process **ret_process, struct sl_error *reterr_error)
{
    struct sl_buf command;
    uint16_t port = config->port == 0 ? har_process_free_port() : config->port;
    sl_buf_init(&command, HAR_PROCESS_COMMAND_MAX);
    if (port == 0) {
        return sl_error_set(reterr_error, SL_IO, "no free TCP port");
    }
    if (fill_in(config->command, port, &command) != SL_OK) {
        sl_buf_release(&command);
        return sl_error_set(reterr_error, SL_USAGE, "the command is longer than %d bytes",
                            HAR_PROCESS_COMMAND_MAX);
    }
    struct har_process *process = sl_alloc(sizeof *process);
    process->config = *config;
    process->port = port;
    sl_buf_init(&process->kept, (size_t)HAR_PROCESS_OUTPUT_MAX * 2);
    uint8_t *text = sl_buf_take(&command, NULL);
    enum sl_status status = spawn(process, loop, (char *)text, reterr_error);
    sl_free(text);
    if (status != SL_OK) {
        har_process_free(process);
        return status;
    }
    *ret_process = process;
    return SL_OK;
}

void har_process_free(struct har_process *process)
{
    if (process == NULL || process->is_freed) {
        return;
    }
    process->is_freed = true;
    if (is_group_alive(process)) {
        kill(-process->pid, SIGKILL);
        if (!process->has_exited) {
            /* Its handle goes now, so that nobody else would take the shell's status. */
            while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
            }
        }
        group_is_gone(process);
    }
    if (process->open_handles == 0) {
        reap(process);
        return;
    }
    close_handle((uv_handle_t *)&process->output);
    close_handle((uv_handle_t *)&process->timer);
    close_handle((uv_handle_t *)&process->process);
}

/* --- signals --- */

enum sl_status har_process_signal(struct har_process *process, int signal_number)
{
    if (!is_group_alive(process)) {
        return SL_CLOSED;
    }
    return kill(-process->pid, signal_number) == 0 ? SL_OK : SL_IO;
}

static void on_stop_timer(uv_timer_t *timer)
{
    struct har_process *process = timer->data;
    if (process->has_exited && !is_group_alive(process)) {
        group_is_gone(process);
        uv_timer_stop(timer);
        if (process->stopped != NULL) {
            process->stopped(process->stopped_owner, process);
        }
        return;
    }
    if (sl_clock_mono_ns() >= process->kill_at_ns) {
        kill(-process->pid, SIGKILL);
    }
}

void har_process_stop(struct har_process *process, uint64_t grace_ns, har_process_stopped_fn *done,
                      void *owner)
{
    if (process->is_stopping) {
        return;
    }
    process->is_stopping = true;
    process->stopped = done;
    process->stopped_owner = owner;
    process->kill_at_ns = sl_clock_mono_ns() + grace_ns;
    (void)har_process_signal(process, SIGTERM);
    (void)har_process_signal(process, SIGCONT); /* one that is stopped could not end */
    uv_timer_start(&process->timer, on_stop_timer, 0, STOP_POLL_MS);
}

/* --- the face --- */

uint16_t har_process_port(const struct har_process *process)
{
    return process->port;
}

pid_t har_process_pid(const struct har_process *process)
{
    return process->pid;
}

bool har_process_has_exited(const struct har_process *process)
{
    return process->has_exited;
}

bool har_process_is_alive(const struct har_process *process)
{
    return is_group_alive(process);
}

int har_process_exit_status(const struct har_process *process)
{
    if (!process->has_exited) {
        return -1;
    }
    return process->exit_signal != 0 ? 128 + process->exit_signal : (int)process->exit_status;
}

const char *har_process_state(const struct har_process *process, char text[HAR_PROCESS_TEXT_MAX])
{
    if (!process->has_exited) {
        snprintf(text, HAR_PROCESS_TEXT_MAX, "is running");
    } else if (process->exit_signal != 0) {
        snprintf(text, HAR_PROCESS_TEXT_MAX, "was ended by signal %d (%s)", process->exit_signal,
                 strsignal(process->exit_signal));
    } else {
        snprintf(text, HAR_PROCESS_TEXT_MAX, "exited with status %d", (int)process->exit_status);
    }
    return text;
}

static size_t surplus(const struct har_process *process)
{
    size_t kept_max = HAR_PROCESS_OUTPUT_MAX;
    return process->kept.len > kept_max ? process->kept.len - kept_max : 0;
}

struct sl_span har_process_output(const struct har_process *process)
{
    return sl_span_from(sl_buf_span(&process->kept), surplus(process));
}

uint64_t har_process_output_lost(const struct har_process *process)
{
    return process->lost + surplus(process);
}
