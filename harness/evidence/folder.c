/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/evidence/folder_name.h"
#include "lib/base/alloc.h"

enum {
    CLAIMS_MAX = 1000, /* names that are tried for one id */
    SCRATCHES_MAX = 100,
    DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

#define SCRATCH ".sluice-traffic-"

const char *const har_folder_files[] = {
    "README.md",  "result.json",    "decisions.jsonl", "records.jsonl",
    "server.log", "traffic.pcapng", "scenario.json",   NULL,
};

enum sl_status har_make_folders(const char *path, struct sl_error *reterr_error)
{
    char part[HAR_FOLDER_PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part)) {
        return sl_error_set(reterr_error, SL_IO, "the name of the folder is too long");
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return sl_error_set(reterr_error, SL_IO, "%s cannot be created: %s", part,
                                strerror(errno));
        }
    }
    return SL_OK;
}

int har_folder_root(const char *dir, struct sl_error *reterr_error)
{
    if (har_make_folders(dir, reterr_error) != SL_OK) {
        return -1;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the user's own: it may be a link */
    if (fd < 0) {
        sl_error_set(reterr_error, SL_IO, "%s cannot be opened: %s", dir, strerror(errno));
    }
    return fd;
}

/* ---- one folder below another ---- */

/* Opens path, part by part, and no link among them; makes what is not there when it may. -1 with errno. */
static int walk(int root, const char *path, bool makes)
{
    int at = openat(root, ".", DIR_FLAGS);
    while (at >= 0 && *path != '\0') {
        char part[HAR_FOLDER_PART_MAX + 8];
        size_t len = strcspn(path, "/");
        int next = -1;
        (void)snprintf(part, sizeof(part), "%.*s", (int)len, path);
        if (!makes || mkdirat(at, part, 0700) == 0 || errno == EEXIST) {
            next = openat(at, part, DIR_FLAGS);
        }
        int why = errno;
        (void)close(at);
        errno = why;
        at = next;
        path += len + (path[len] == '/');
    }
    return at;
}

static bool is_there(int folder, const char *name)
{
    struct stat info;
    return fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether the mark could be put into it, and no file of the names that we write is there. */
static bool take(int folder)
{
    static const char text[] = "Written by sluice-harness (--evidence). When the scenario is run "
                               "again with the same folder, the files of "
                               "the harness beside this one are removed.\n";
    for (size_t i = 0; har_folder_files[i] != NULL; i++) {
        if (is_there(folder, har_folder_files[i])) {
            errno = EEXIST;
            return false;
        }
    }
    int fd = har_folder_create(folder, HAR_FOLDER_MARK);
    if (fd < 0) {
        return false;
    }
    bool is_good = write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1;
    int why = errno;
    (void)close(fd);
    errno = why;
    return is_good;
}

/* Whether the folder above could be opened, so that only the last name is in the way. */
static bool has_parent(int root, const char *path)
{
    char above[HAR_FOLDER_PATH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(above, sizeof(above), "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
    int parent = walk(root, above, false);
    if (parent >= 0) {
        (void)close(parent);
    }
    return parent >= 0;
}

int har_folder_claim(int root, const char *id, char ret_path[HAR_FOLDER_PATH_MAX],
                     struct sl_error *reterr_error)
{
    char base[HAR_FOLDER_PATH_MAX];
    if (!har_folder_name(id, base)) {
        sl_error_set(reterr_error, SL_LIMIT, "the scenario's id is too long for a folder");
        return -1;
    }
    for (unsigned i = 1; i <= CLAIMS_MAX; i++) {
        char suffix[16] = "";
        if (i > 1) {
            (void)snprintf(suffix, sizeof(suffix), ".%u", i);
        }
        (void)snprintf(ret_path, HAR_FOLDER_PATH_MAX, "%.4000s%s", base, suffix);
        int folder = walk(root, ret_path, true);
        if (folder >= 0 && take(folder)) {
            return folder;
        }
        int why = errno;
        if (folder >= 0) {
            (void)close(folder);
        }
        bool is_blocked = why == ENOTDIR || why == ELOOP; /* by a file, or a link */
        if (why != EEXIST && !(is_blocked && has_parent(root, ret_path))) {
            sl_error_set(reterr_error, SL_IO, "no folder %s for evidence: %s", ret_path,
                         is_blocked ? "a file or a link is in the way" : strerror(why));
            return -1;
        }
    }
    sl_error_set(reterr_error, SL_LIMIT, "no folder %s for evidence: too many are there", base);
    return -1;
}

int har_folder_open(int root, const char *path)
{
    return walk(root, path, false);
}

int har_folder_create(int folder, const char *name)
{
    return openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

enum sl_status har_folder_put(int folder, const char *path, const char *name,
                              struct sl_span content, struct sl_error *reterr_error)
{
    int fd = har_folder_create(folder, name);
    bool is_good = fd >= 0;
    while (is_good && content.len > 0) {
        ssize_t count = write(fd, content.data, content.len);
        is_good = count > 0 || (count < 0 && errno == EINTR);
        content = sl_span_from(content, count > 0 ? (size_t)count : 0);
    }
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && is_good) {
        why = errno;
        is_good = false;
    }
    return is_good ? SL_OK
                   : sl_error_set(reterr_error, SL_IO, "%s/%s cannot be written: %s", path, name,
                                  strerror(why));
}

static void part_of(const char *name, char part[HAR_FOLDER_PART_MAX])
{
    (void)snprintf(part, HAR_FOLDER_PART_MAX, ".%s.part", name);
}

int har_folder_part(int root, const char *name)
{
    char part[HAR_FOLDER_PART_MAX];
    part_of(name, part);
    (void)unlinkat(root, part, 0);
    return openat(root, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

bool har_folder_part_done(int root, const char *name, bool is_good)
{
    char part[HAR_FOLDER_PART_MAX];
    int why = errno;
    part_of(name, part);
    if (is_good && renameat(root, part, root, name) == 0) {
        return true;
    }
    why = is_good ? errno : why;
    (void)unlinkat(root, part, 0);
    errno = why;
    return false;
}

int har_folder_scratch(int root)
{
    int fd = -1;
    for (unsigned i = 0; i < SCRATCHES_MAX && fd < 0; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), SCRATCH "%ld-%u", (long)getpid(), i);
        fd = openat(root, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            (void)unlinkat(root, name, 0); /* from here on nothing is left of it, whatever comes */
        } else if (errno != EEXIST) {
            break;
        }
    }
    return fd;
}

/* ---- what earlier runs left ---- */

/* True when it is ours: nothing of us is in it then. */
static bool empty_folder(int folder)
{
    struct stat info;
    if (fstatat(folder, HAR_FOLDER_MARK, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode)) {
        return false;
    }
    for (size_t i = 0; har_folder_files[i] != NULL; i++) {
        (void)unlinkat(folder, har_folder_files[i], 0);
    }
    return unlinkat(folder, HAR_FOLDER_MARK, 0) == 0;
}

static bool clean_one(int parent, const char *name)
{
    int folder = openat(parent, name, DIR_FLAGS);
    bool is_ours = folder >= 0 && empty_folder(folder);
    if (folder >= 0) {
        (void)close(folder);
    }
    if (is_ours) {
        (void)unlinkat(parent, name, AT_REMOVEDIR); /* not when a scenario "id/more" is in it */
    }
    return is_ours;
}

/* Calls fn for every name in the folder that is prefix and something more; takes the descriptor. */
static void each_name(int folder, const char *prefix, void (*fn)(int, const char *))
{
    DIR *dir = folder < 0 ? NULL : fdopendir(folder);
    if (dir == NULL) {
        if (folder >= 0) {
            (void)close(folder);
        }
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            fn(dirfd(dir), entry->d_name);
        }
    }
    (void)closedir(dir);
}

/* "name.2" and the like. */
static void clean_again(int parent, const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot != NULL && dot[1] != '\0' && dot[1 + strspn(dot + 1, "0123456789")] == '\0') {
        (void)clean_one(parent, name);
    }
}

/* The folders that lead to it, as far as nothing is in them any more. */
static void prune(int root, char *path)
{
    for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        *slash = '\0';
        const char *up = strrchr(path, '/');
        char above[HAR_FOLDER_PATH_MAX];
        (void)snprintf(above, sizeof(above), "%.*s", up == NULL ? 0 : (int)(up - path), path);
        int parent = walk(root, above, false);
        bool is_gone =
            parent >= 0 && unlinkat(parent, up == NULL ? path : up + 1, AT_REMOVEDIR) == 0;
        if (parent >= 0) {
            (void)close(parent);
        }
        if (!is_gone) {
            return;
        }
    }
}

void har_folder_clean(int root, const char *id)
{
    char path[HAR_FOLDER_PATH_MAX];
    char above[HAR_FOLDER_PATH_MAX];
    char again[HAR_FOLDER_PART_MAX + 8];
    if (!har_folder_name(id, path)) {
        return;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    (void)snprintf(above, sizeof(above), "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
    int parent = walk(root, above, false);
    if (parent < 0) {
        return;
    }
    bool was_ours = clean_one(parent, name);
    (void)snprintf(again, sizeof(again), "%.*s.", HAR_FOLDER_PART_MAX, name);
    each_name(parent, again, clean_again);
    if (was_ours) {
        prune(root, path);
    }
}

static void sweep_one(int root, const char *name)
{
    struct stat info;
    if (fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode)) {
        (void)unlinkat(root, name, 0);
    }
}

void har_folder_sweep(int root)
{
    each_name(openat(root, ".", DIR_FLAGS), SCRATCH, sweep_one);
}
