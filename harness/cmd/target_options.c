/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/target_options.h"

#include <ctype.h>
#include <stdlib.h>

#include "harness/cmd/address.h"
#include "harness/scenario/read_file.h"
#include "harness/target/shell.h"
#include "lib/base/alloc.h"
#include "lib/base/units.h"

enum sl_status har_set_target(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    struct har_address address;
    enum sl_status status = har_address_parse_target(value, &address, reterr);
    if (status != SL_OK) {
        return status;
    }
    (void)snprintf(run->host, sizeof(run->host), "%s", address.host);
    run->port = address.port;
    run->target = value;
    return SL_OK;
}

#define SET_STRING(name, member)                                                             \
    enum sl_status har_set_##name(void *options, const char *value, struct sl_error *reterr) \
    {                                                                                        \
        struct har_run_options *run = options;                                               \
        (void)reterr;                                                                        \
        run->member = value;                                                                 \
        return SL_OK;                                                                        \
    }
SET_STRING(exec, command)
SET_STRING(ca, ca)
SET_STRING(cert, cert)
SET_STRING(key, key)

enum sl_status har_set_tls(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    (void)value;
    (void)reterr;
    run->has_tls = true;
    return SL_OK;
}

/* Whether text could stand in a header field or in a TLS record as a name. */
static enum sl_status check_name(const char *value, struct sl_error *reterr)
{
    bool is_fine = value[0] != '\0';
    for (const char *c = value; *c != '\0'; c++) {
        is_fine &= *c > ' ' && *c < 0x7f && *c != '/';
    }
    return is_fine ? SL_OK
                   : sl_error_set(reterr, SL_USAGE, "wanted: a name such as chat.example.com");
}

enum sl_status har_set_authority(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    run->authority = value;
    return check_name(value, reterr);
}

enum sl_status har_set_server_name(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    run->server_name = value;
    return check_name(value, reterr);
}

enum sl_status har_set_pid(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    uint64_t pid = 0;
    if (sl_units_u64(sl_span_str(value), &pid) != SL_OK || pid == 0 || pid > INT32_MAX) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a number from 1 to %d", INT32_MAX);
    }
    run->pid = (pid_t)pid;
    return SL_OK;
}

enum sl_status har_set_ready_within(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    if (sl_units_duration(sl_span_str(value), &run->ready_ns) != SL_OK || run->ready_ns == 0) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a duration such as 60s");
    }
    return SL_OK;
}

/* ---- metadata ---- */

static bool is_token(struct sl_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!isdigit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_' && c != '.') {
            return false;
        }
    }
    return name.len > 0;
}

/* "name: rest" into its parts. */
static enum sl_status split(struct sl_span line, struct sl_span *ret_name, struct sl_span *ret_rest,
                            struct sl_error *reterr)
{
    const uint8_t *colon = line.len == 0 ? NULL : memchr(line.data, ':', line.len);
    *ret_name = sl_span(line.data, colon == NULL ? 0 : (size_t)(colon - line.data));
    if (!is_token(*ret_name)) {
        return sl_error_set(reterr, SL_USAGE, "wanted: 'name: value' with a lower-case name");
    }
    *ret_rest = sl_span_from(line, ret_name->len + 1);
    while (ret_rest->len > 0 && ret_rest->data[0] == ' ') {
        *ret_rest = sl_span_from(*ret_rest, 1);
    }
    return SL_OK;
}

/* Never says the value. */
static enum sl_status add_field(struct har_run_options *run, struct sl_span name,
                                struct sl_span value, struct sl_error *reterr)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < 0x20 || value.data[i] > 0x7e) {
            return sl_error_set(reterr, SL_USAGE, "metadata values are printable ASCII");
        }
    }
    return sl_headers_add(&run->metadata, name, value) == SL_OK
               ? SL_OK
               : sl_error_set(reterr, SL_USAGE, "too much metadata");
}

static enum sl_status keep(struct har_list *list, const char *value, struct sl_error *reterr)
{
    if (list->count == HAR_LIST_MAX) {
        return sl_error_set(reterr, SL_USAGE, "more than %d times", HAR_LIST_MAX);
    }
    list->items[list->count++] = value;
    return SL_OK;
}

enum sl_status har_set_metadata(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    struct sl_span name;
    struct sl_span text;
    enum sl_status status = split(sl_span_str(value), &name, &text, reterr);
    if (status == SL_OK) {
        status = add_field(run, name, text, reterr);
    }
    return status == SL_OK ? keep(&run->metadata_given, value, reterr) : status;
}

enum sl_status har_set_metadata_env(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    struct sl_span name;
    struct sl_span variable;
    enum sl_status status = split(sl_span_str(value), &name, &variable, reterr);
    if (status != SL_OK) {
        return sl_error_set(reterr, SL_USAGE, "wanted: 'name: VARIABLE' with a lower-case name");
    }
    /* It ends where value ends. */
    const char *text = getenv((const char *)variable.data);
    if (text == NULL) {
        return sl_error_set(reterr, SL_USAGE, "the environment has no variable %.*s",
                            SL_SPAN_ARG(variable));
    }
    status = add_field(run, name, sl_span_str(text), reterr);
    return status == SL_OK ? keep(&run->metadata_variables, value, reterr) : status;
}

static enum sl_status add_line(struct har_run_options *run, struct sl_span line,
                               struct sl_error *reterr)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' ')) {
        line.len--;
    }
    if (line.len == 0 || line.data[0] == '#') {
        return SL_OK;
    }
    struct sl_span name;
    struct sl_span text;
    enum sl_status status = split(line, &name, &text, reterr);
    return status == SL_OK ? add_field(run, name, text, reterr) : status;
}

enum sl_status har_set_metadata_file(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    struct sl_error error = {0};
    size_t len = 0;
    char *text = har_read_file(value, HAR_METADATA_FILE_MAX, &len, &error);
    if (text == NULL) {
        return sl_error_set(reterr, SL_USAGE, "%s: %s", value, error.text);
    }
    enum sl_status status = SL_OK;
    struct sl_span rest = sl_span(text, len);
    for (size_t number = 1; rest.len > 0 && status == SL_OK; number++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        struct sl_span line =
            sl_span(rest.data, end == NULL ? rest.len : (size_t)(end - rest.data));
        rest = sl_span_from(rest, line.len + (end != NULL));
        status = add_line(run, line, &error);
        if (status != SL_OK) {
            (void)sl_error_set(reterr, status, "%s:%zu: %s", value, number, error.text);
        }
    }
    sl_free(text);
    return status == SL_OK ? keep(&run->metadata_files, value, reterr) : status;
}

void har_target_options_copy(struct sl_cli_option rows[HAR_TARGET_OPTIONS])
{
    static const char *const names[HAR_TARGET_OPTIONS] = {
        "target",   "exec",          "tls",          "ca",
        "cert",     "key",           "authority",    "server-name",
        "metadata", "metadata-file", "metadata-env", "ready-within",
    };
    for (size_t i = 0; i < HAR_TARGET_OPTIONS; i++) {
        rows[i] = *har_run_option(names[i]);
    }
}

/* ---- and back ---- */

static void write_option(struct sl_buf *out, const char *name, const char *value)
{
    if (value != NULL) {
        (void)sl_buf_addf(out, " --%s ", name);
        har_shell_word(out, value);
    }
}

/* As it is where the shell has nothing to see in it. */
static void add_plain(struct sl_buf *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_/-";
    if (text[strspn(text, plain)] == '\0') {
        (void)sl_buf_add_str(out, text);
    } else {
        har_shell_word(out, text);
    }
}

static void write_list(struct sl_buf *out, const char *name, const struct har_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        write_option(out, name, list->items[i]);
    }
}

void har_target_options_write(const struct har_run_options *options, struct sl_buf *out)
{
    if (options->command != NULL) {
        (void)sl_buf_add_str(out, "--exec ");
        har_shell_word(out, options->command);
    } else {
        (void)sl_buf_add_str(out, "--target ");
        add_plain(out, options->target);
    }
    (void)sl_buf_add_str(out, options->has_tls ? " --tls" : "");
    write_option(out, "ca", options->ca);
    write_option(out, "cert", options->cert);
    write_option(out, "key", options->key);
    write_option(out, "authority", options->authority);
    write_option(out, "server-name", options->server_name);
    for (size_t i = 0; i < options->metadata_given.count; i++) {
        const char *given = options->metadata_given.items[i];
        (void)sl_buf_addf(out, " --metadata '%.*s: VALUE'", (int)strcspn(given, ":"), given);
    }
    write_list(out, "metadata-file", &options->metadata_files);
    write_list(out, "metadata-env", &options->metadata_variables);
}
