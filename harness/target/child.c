/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/child.h"

#include <limits.h>
#include <stdio.h>

#include "harness/target/process.h"
#include "harness/target/shell.h"
#include "harness/transport/addresses.h"
#include "harness/transport/tls.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    COMMAND_MAX = 32 * 1024,
    VALUE_MAX = 8 * 1024,
    LINE_MAX_BYTES = 512,
    ESTABLISHED = 1, /* TCP_ESTABLISHED in /proc/net/tcp */
};

#define VARIABLE "SLUICE_METADATA_" /* and a number */

struct har_child {
    struct har_process *process;
    uint16_t server_port;
};

static void add_word(struct sl_buf *out, const char *text)
{
    (void)sl_buf_add_u8(out, ' ');
    har_shell_word(out, text);
}

/* " --name 'value'"; nothing for NULL. */
static void add_option(struct sl_buf *out, const char *name, const char *value)
{
    if (value != NULL) {
        (void)sl_buf_addf(out, " --%s", name);
        add_word(out, value);
    }
}

static void add_connection(struct sl_buf *out, const struct har_child_config *config)
{
    const struct har_conn_config *conn = &config->conn;
    bool is_ip6 = strchr(conn->host, ':') != NULL;
    char value[VALUE_MAX];
    (void)snprintf(value, sizeof(value), is_ip6 ? "[%s]:%u" : "%s:%u", conn->host, conn->port);
    bool is_path = har_unix_path(conn->host) != NULL;
    add_option(out, "target", is_path ? conn->host : value);
    add_option(out, "authority", conn->authority);
    if (conn->tls != NULL) {
        const struct har_tls_config *files = har_tls_files(conn->tls);
        (void)sl_buf_add_str(out, " --tls");
        add_option(out, "ca", files->ca_file);
        add_option(out, "cert", files->cert_file);
        add_option(out, "key", files->key_file);
        add_option(out, "server-name", files->server_name);
    }
    /* Values of metadata may be secrets: not into the list of processes. */
    for (size_t i = 0; i < config->metadata_count; i++) {
        int len = snprintf(value, sizeof(value), "%.*s: " VARIABLE "%zu",
                           SL_SPAN_ARG(config->metadata[i].name), i);
        out->is_full |= len >= (int)sizeof(value);
        add_option(out, "metadata-env", value);
    }
}

/* The variables that add_connection speaks of; each to be sl_free'd, and the list. */
static char **make_environment(const struct har_child_config *config)
{
    char **list = sl_calloc(config->metadata_count + 1, sizeof(list[0]));
    for (size_t i = 0; i < config->metadata_count; i++) {
        list[i] = sl_asprintf(VARIABLE "%zu=%.*s", i, SL_SPAN_ARG(config->metadata[i].value));
    }
    return list;
}

static void free_environment(char **list)
{
    for (size_t i = 0; list[i] != NULL; i++) {
        sl_free(list[i]);
    }
    sl_free(list);
}

/* The shell command of the client; SL_LIMIT when it is too long. */
static enum sl_status write_command(const struct har_child_config *config, struct sl_buf *out)
{
    char self[PATH_MAX];
    size_t size = sizeof(self);
    if (uv_exepath(self, &size) != 0) {
        return SL_IO;
    }
    (void)sl_buf_add_str(out, "exec");
    add_word(out, self);
    (void)sl_buf_addf(out, " client --transport %s --streams %u",
                      config->conn.transport == HAR_TRANSPORT_GRPC ? "grpc" : "h2",
                      config->streams);
    add_option(out, "room", config->room);
    add_connection(out, config);
    (void)sl_buf_add_u8(out, '\0');
    return out->is_full ? SL_LIMIT : SL_OK;
}

enum sl_status har_child_new(uv_loop_t *loop, const struct har_child_config *config,
                             struct har_child **ret_child, struct sl_error *reterr_error)
{
    struct sl_buf command;
    sl_buf_init(&command, COMMAND_MAX);
    enum sl_status status = write_command(config, &command);
    if (status != SL_OK) {
        sl_buf_release(&command);
        return sl_error_set(reterr_error, status,
                            status == SL_LIMIT ? "the client's command is too long"
                                               : "this program's own file is not known");
    }
    struct har_child *child = sl_alloc(sizeof(*child));
    child->server_port = config->conn.port;
    char **environment = make_environment(config);
    struct har_process_config process = {.command = (const char *)command.data,
                                         .port = config->conn.port,
                                         .environment = environment};
    status = har_process_new(loop, &process, &child->process, reterr_error);
    free_environment(environment);
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

struct har_child_seen har_child_parse(struct sl_span output)
{
    struct har_child_seen seen = {0};
    size_t end = output.len;
    while (end > 0 && output.data[end - 1] != '\n') {
        end--;
    }
    size_t begin = end == 0 ? 0 : end - 1;
    while (begin > 0 && output.data[begin - 1] != '\n') {
        begin--;
    }
    char line[LINE_MAX_BYTES];
    struct sl_span last = sl_span_from(output, begin);
    last.len = end - begin;
    (void)snprintf(line, sizeof(line), "%.*s", SL_SPAN_ARG(last));
    bool is_whole =
        sscanf(line, "%u %u %u %u", &seen.port, &seen.headers, &seen.messages, &seen.ended) == 4;
    return is_whole ? seen : (struct har_child_seen){0};
}

struct har_child_seen har_child_seen(const struct har_child *child)
{
    return har_child_parse(har_process_output(child->process));
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
