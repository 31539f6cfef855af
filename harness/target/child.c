/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/child.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/target/process.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    COMMAND_MAX = 16 * 1024,
    LINE_MAX_BYTES = 512,
    ESTABLISHED = 1, /* TCP_ESTABLISHED in /proc/net/tcp */
};

struct har_child {
    struct har_process *process;
    uint16_t server_port;
};

/* Text as one word of the shell. */
static void add_word(struct sl_buf *out, const char *text)
{
    (void)sl_buf_add_str(out, " '");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'') {
            (void)sl_buf_add_str(out, "'\\''");
        } else {
            (void)sl_buf_add_u8(out, (uint8_t)*c);
        }
    }
    (void)sl_buf_add_str(out, "'");
}

enum sl_status har_child_new(uv_loop_t *loop, const struct har_child_config *config,
                             struct har_child **ret_child, struct sl_error *reterr_error)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0) {
        return sl_error_set(reterr_error, SL_IO, "this program's own file is not known");
    }
    self[len] = '\0';
    struct sl_buf command;
    sl_buf_init(&command, COMMAND_MAX);
    (void)sl_buf_add_str(&command, "exec");
    add_word(&command, self);
    (void)sl_buf_add_str(&command, " client");
    add_word(&command, config->conn.host);
    (void)sl_buf_addf(&command, " %u %s %u", config->conn.port,
                      config->conn.transport == HAR_TRANSPORT_GRPC ? "grpc" : "h2",
                      config->streams);
    add_word(&command, config->room);
    if (config->conn.authority != NULL) {
        add_word(&command, config->conn.authority);
    }
    (void)sl_buf_add_u8(&command, '\0');
    struct har_child *child = sl_alloc(sizeof(*child));
    child->server_port = config->conn.port;
    struct har_process_config process = {.command = (const char *)command.data,
                                         .port = config->conn.port};
    enum sl_status status =
        command.is_full ? sl_error_set(reterr_error, SL_LIMIT, "the client's command is too long")
                        : har_process_new(loop, &process, &child->process, reterr_error);
    sl_buf_release(&command);
    if (status != SL_OK) {
        sl_free(child);
        return status;
    }
    *ret_child = child;
    return SL_OK;
}

void har_child_free(struct har_child *child)
{
    if (child != NULL) {
        har_process_free(child->process);
        sl_free(child);
    }
}

enum sl_status har_child_signal(struct har_child *child, int signal_number)
{
    return har_process_signal(child->process, signal_number);
}

bool har_child_is_alive(const struct har_child *child)
{
    return har_process_is_alive(child->process);
}

struct har_child_seen har_child_seen(const struct har_child *child)
{
    struct har_child_seen seen = {0};
    struct sl_span output = har_process_output(child->process);
    size_t end = output.len;
    while (end > 0 && output.data[end - 1] != '\n') {
        end--;
    }
    size_t begin = end == 0 ? 0 : end - 1;
    while (begin > 0 && output.data[begin - 1] != '\n') {
        begin--;
    }
    char line[LINE_MAX_BYTES];
    (void)snprintf(line, sizeof(line), "%.*s", (int)(end - begin), output.data + begin);
    if (output.len == 0 ||
        sscanf(line, "%u %u %u %u", &seen.port, &seen.headers, &seen.messages, &seen.ended) != 4) {
        seen = (struct har_child_seen){0};
    }
    return seen;
}

static bool is_established(const char *table, unsigned local, unsigned remote)
{
    FILE *file = fopen(table, "re");
    char line[LINE_MAX_BYTES];
    bool is_found = false;
    while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL) {
        unsigned from = 0;
        unsigned to = 0;
        unsigned state = 0;
        is_found =
            sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%x %x", &from, &to, &state) == 3 &&
            from == local && to == remote && state == ESTABLISHED;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_found;
}

bool har_child_is_connected(const struct har_child *child)
{
    struct har_child_seen seen = har_child_seen(child);
    return seen.port != 0 && (is_established("/proc/net/tcp", seen.port, child->server_port) ||
                              is_established("/proc/net/tcp6", seen.port, child->server_port));
}
