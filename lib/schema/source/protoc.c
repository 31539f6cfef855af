/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/source/protoc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/schema/pool.h"

extern char **environ;

static const char builtin_file[] = "builtin.binpb";
static const char set_file[] = "set.binpb";
static const char messages_file[] = "messages.txt";

enum {
    MESSAGES_MAX = 64 * 1024, /* bytes of protoc's messages that are looked at */
    FIXED_ARGS = 5,           /* protoc, two options, -o and its file */
};

struct sl_protoc {
    char *folder;
    size_t include_count;
};

static char *path_of(const struct sl_protoc *protoc, const char *name)
{
    return sl_asprintf("%s/%s", protoc->folder, name);
}

/* The name of an include's link: one that no proto file's path begins with. */
static char *link_name(size_t index)
{
    return sl_asprintf(".include-%zu", index);
}

enum sl_status sl_protoc_read_file(const char *path, struct sl_buf *out,
                                   struct sl_error *reterr_error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return sl_error_set(reterr_error, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", path,
                            strerror(errno));
    }
    uint8_t chunk[16384];
    ssize_t len = read(fd, chunk, sizeof(chunk));
    while (len > 0 && !out->is_full) {
        (void)sl_buf_add(out, chunk, (size_t)len);
        len = read(fd, chunk, sizeof(chunk));
    }
    int error = errno;
    (void)close(fd);
    if (len < 0) {
        return sl_error_set(reterr_error, SL_IO, "%s: %s", path, strerror(error));
    }
    if (out->is_full) {
        return sl_error_set(reterr_error, SL_LIMIT, "%s: more than %zu bytes", path, out->max);
    }
    return SL_OK;
}

static enum sl_status write_file(const char *path, struct sl_span bytes,
                                 struct sl_error *reterr_error)
{
    FILE *file = fopen(path, "wbe");
    bool is_written = file != NULL && fwrite(bytes.data, 1, bytes.len, file) == bytes.len;
    if (file != NULL && fclose(file) != 0) {
        is_written = false;
    }
    if (!is_written) {
        return sl_error_set(reterr_error, SL_IO, "%s: %s", path, strerror(errno));
    }
    return SL_OK;
}

enum sl_status sl_protoc_add_include(struct sl_protoc *protoc, const char *folder,
                                     struct sl_error *reterr_error)
{
    if (protoc->include_count == SL_PROTOC_INCLUDES_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "more than %d include folders",
                            SL_PROTOC_INCLUDES_MAX);
    }
    char *real = realpath(folder, NULL);
    if (real == NULL) {
        return sl_error_set(reterr_error, SL_NOT_FOUND, "%s: %s", folder, strerror(errno));
    }
    char *name = link_name(protoc->include_count);
    char *path = path_of(protoc, name);
    enum sl_status status = SL_OK;
    if (symlink(real, path) == 0) {
        protoc->include_count++;
    } else {
        status = sl_error_set(reterr_error, SL_IO, "%s: %s", path, strerror(errno));
    }
    free(real); /* realpath's own */
    sl_free(name);
    sl_free(path);
    return status;
}

enum sl_status sl_protoc_new(const char *const *includes, size_t count,
                             struct sl_protoc **ret_protoc, struct sl_error *reterr_error)
{
    const char *base = getenv("TMPDIR");
    char *folder = sl_asprintf("%s/sluice-protoc-XXXXXX", base == NULL ? "/tmp" : base);
    *ret_protoc = NULL;
    if (mkdtemp(folder) == NULL) {
        enum sl_status failed =
            sl_error_set(reterr_error, SL_IO, "%s: %s", folder, strerror(errno));
        sl_free(folder);
        return failed;
    }
    struct sl_protoc *protoc = sl_alloc(sizeof(*protoc));
    protoc->folder = folder;
    char *path = path_of(protoc, builtin_file);
    enum sl_status status = write_file(path, sl_pool_builtin_set(), reterr_error);
    sl_free(path);
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        status = sl_protoc_add_include(protoc, includes[i], reterr_error);
    }
    if (status != SL_OK) {
        sl_protoc_free(protoc);
        return status;
    }
    *ret_protoc = protoc;
    return SL_OK;
}

static void remove_file(const struct sl_protoc *protoc, const char *name)
{
    char *path = path_of(protoc, name);
    (void)unlink(path);
    sl_free(path);
}

void sl_protoc_free(struct sl_protoc *protoc)
{
    if (protoc == NULL) {
        return;
    }
    for (size_t i = 0; i < protoc->include_count; i++) {
        char *name = link_name(i);
        remove_file(protoc, name);
        sl_free(name);
    }
    remove_file(protoc, builtin_file);
    remove_file(protoc, set_file);
    remove_file(protoc, messages_file);
    (void)rmdir(protoc->folder);
    sl_free(protoc->folder);
    sl_free(protoc);
}

/* The arguments, NULL at the end; each string and the array are yours. */
static char **arguments(const struct sl_protoc *protoc, const char *const *files, size_t count)
{
    char **args = sl_calloc(FIXED_ARGS + protoc->include_count + count + 1, sizeof(*args));
    size_t at = 0;
    args[at++] = sl_strdup("protoc");
    for (size_t i = 0; i < protoc->include_count; i++) {
        char *name = link_name(i);
        args[at++] = sl_asprintf("-I%s", name);
        sl_free(name);
    }
    args[at++] = sl_asprintf("--descriptor_set_in=%s", builtin_file);
    args[at++] = sl_strdup("--include_imports");
    args[at++] = sl_strdup("-o");
    args[at++] = sl_strdup(set_file);
    for (size_t i = 0; i < count; i++) {
        args[at++] = sl_strdup(files[i]);
    }
    return args;
}

/* Starts protoc in the temporary folder, its messages in a file there. An errno, or 0. */
static int start(const struct sl_protoc *protoc, char **args, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_addchdir_np(&actions, protoc->folder);
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, messages_file,
                                                 O_WRONLY | O_CREAT | O_TRUNC, 0600);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    }
    if (error == 0) {
        error = posix_spawnp(ret_pid, args[0], &actions, NULL, args, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The next line of text that tells of an error; empty when there is none. */
static struct sl_span next_error(const char **text)
{
    struct sl_span line = sl_span(NULL, 0);
    bool is_warning = true;
    while (is_warning && **text != '\0') {
        size_t len = strcspn(*text, "\n");
        line = sl_span(*text, len);
        is_warning = len == 0 || sl_span_starts(line, "[libprotobuf WARNING") ||
                     memmem(*text, len, ": warning:", strlen(": warning:")) != NULL;
        *text += len + ((*text)[len] != '\0');
    }
    return is_warning ? sl_span(NULL, 0) : line;
}

/* Sets what protoc told of the file, with its line: that may be an import that it did not find, and the line before
 * says why. Of several files, and where nothing was told of this one, it is the first that protoc told. */
static enum sl_status set_message(const struct sl_protoc *protoc, const char *name,
                                  struct sl_error *reterr_error)
{
    struct sl_buf messages;
    char *path = path_of(protoc, messages_file);
    char *prefix = sl_asprintf("%s:", name);
    sl_buf_init(&messages, MESSAGES_MAX);
    enum sl_status status = sl_protoc_read_file(path, &messages, NULL);
    const char *text = status == SL_OK || status == SL_LIMIT ? sl_buf_str(&messages) : "";
    struct sl_span first = next_error(&text);
    struct sl_span line = first;
    while (line.len > 0 && !sl_span_starts(line, prefix)) {
        line = next_error(&text);
    }
    if (line.len > 0 && !sl_span_equal(line, first)) {
        status = sl_error_set(reterr_error, SL_MALFORMED, "%.*s (%.*s)", (int)line.len,
                              (const char *)line.data, (int)first.len, (const char *)first.data);
    } else {
        first = first.len == 0 ? sl_span_str("protoc failed without a message") : first;
        status = sl_error_set(reterr_error, SL_MALFORMED, "%.*s", (int)first.len,
                              (const char *)first.data);
    }
    sl_buf_release(&messages);
    sl_free(prefix);
    sl_free(path);
    return status;
}

enum sl_status sl_protoc_compile(struct sl_protoc *protoc, const char *const *files, size_t count,
                                 struct sl_buf *ret_set, struct sl_error *reterr_error)
{
    char **args = arguments(protoc, files, count);
    pid_t pid = 0;
    int error = start(protoc, args, &pid);
    for (size_t i = 0; args[i] != NULL; i++) {
        sl_free(args[i]);
    }
    sl_free(args);
    if (error == ENOENT) {
        return sl_error_set(reterr_error, SL_NOT_FOUND,
                            "protoc is not installed: .proto files need the package "
                            "protobuf-compiler");
    }
    if (error != 0) {
        return sl_error_set(reterr_error, SL_IO, "protoc: %s", strerror(error));
    }
    int outcome = 0;
    while (waitpid(pid, &outcome, 0) < 0) {
        if (errno != EINTR) {
            return sl_error_set(reterr_error, SL_IO, "protoc: %s", strerror(errno));
        }
    }
    if (!WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0) {
        return set_message(protoc, files[0], reterr_error);
    }
    char *path = path_of(protoc, set_file);
    enum sl_status status = sl_protoc_read_file(path, ret_set, reterr_error);
    sl_free(path);
    return status;
}
