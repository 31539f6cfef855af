/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    START_MAX = 4096, /* bytes by which a file is known again; more than one packet in any format */
};

/* The first len bytes of a file, at most START_MAX. */
struct start {
    size_t len;
    uint64_t hash; /* FNV-1a */
};

/* A file as it was when it was read to its end. */
struct mark {
    dev_t device;
    ino_t inode;
    uint64_t changed_ns;
    struct start start;
    bool is_capture;
    bool is_there; /* seen by the scan under way */
};

struct ins_ring {
    char *const *operands;
    int operand_count;
    struct mark *done; /* INS_RING_FILES of them */
    size_t done_count;
    /* of the scan under way */
    const struct stat *current;
    size_t seen;
    char best[PATH_MAX];
    uint64_t best_ns;
    char late[PATH_MAX];
    bool is_full;
};

static uint64_t changed_ns(const struct stat *info)
{
    return (uint64_t)info->st_mtim.tv_sec * SL_SECOND + (uint64_t)info->st_mtim.tv_nsec;
}

/* The first len bytes of the file that info describes; of none when it is not at path any more, or
 * shorter. */
static struct start start_of(const char *path, const struct stat *info, size_t len)
{
    struct start start = {.hash = UINT64_C(0xcbf29ce484222325)};
    uint8_t bytes[START_MAX];
    struct stat now;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &now) == 0 && now.st_dev == info->st_dev &&
        now.st_ino == info->st_ino && pread(fd, bytes, len, 0) == (ssize_t)len) {
        start.len = len;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    for (size_t i = 0; i < start.len; i++) {
        start.hash = (start.hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return start;
}

static struct mark *mark_of(const struct ins_ring *ring, const struct stat *info)
{
    for (size_t i = 0; i < ring->done_count; i++) {
        struct mark *mark = &ring->done[i];
        if (mark->device == info->st_dev && mark->inode == info->st_ino) {
            return mark;
        }
    }
    return NULL;
}

/* Also when it has only grown since. */
static bool is_done(struct ins_ring *ring, const char *path, const struct stat *info)
{
    struct mark *mark = mark_of(ring, info);
    if (mark == NULL) {
        return false;
    }
    mark->is_there = true;
    if (mark->changed_ns == changed_ns(info)) {
        return true;
    }
    struct start start = start_of(path, info, mark->start.len);
    if (mark->start.len == 0 || start.len != mark->start.len || start.hash != mark->start.hash) {
        return false;
    }
    mark->changed_ns = changed_ns(info);
    if (mark->is_capture) {
        (void)snprintf(ring->late, sizeof(ring->late), "%s", path);
    }
    return true;
}

static void consider(struct ins_ring *ring, const char *path)
{
    struct stat info;
    const struct stat *current = ring->current;
    if (ring->seen == INS_RING_FILES) {
        ring->is_full = true;
        return;
    }
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return;
    }
    ring->seen++;
    bool is_current =
        current != NULL && current->st_dev == info.st_dev && current->st_ino == info.st_ino;
    if (is_done(ring, path, &info) || is_current || info.st_size == 0 || strlen(path) >= PATH_MAX) {
        return;
    }
    uint64_t when = changed_ns(&info);
    if (ring->best[0] == '\0' || when < ring->best_ns ||
        (when == ring->best_ns && strverscmp(path, ring->best) < 0)) {
        ring->best_ns = when;
        (void)snprintf(ring->best, sizeof(ring->best), "%s", path);
    }
}

static void consider_folder(struct ins_ring *ring, const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            char *file = sl_asprintf("%s/%s", path, entry->d_name);
            consider(ring, file);
            sl_free(file);
        }
    }
    (void)closedir(folder);
}

static void consider_glob(struct ins_ring *ring, const char *pattern)
{
    glob_t found = {0};
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            consider(ring, found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

/* A file that is gone needs no mark any more. */
static void forget_gone(struct ins_ring *ring)
{
    size_t kept = 0;
    for (size_t i = 0; i < ring->done_count; i++) {
        if (ring->done[i].is_there) {
            ring->done[kept++] = ring->done[i];
        }
    }
    ring->done_count = kept;
}

const char *ins_ring_next(struct ins_ring *ring, const struct stat *current)
{
    ring->current = current;
    ring->seen = 0;
    ring->best[0] = '\0';
    ring->late[0] = '\0';
    for (size_t i = 0; i < ring->done_count; i++) {
        ring->done[i].is_there = false;
    }
    for (int i = 0; i < ring->operand_count; i++) {
        const char *operand = ring->operands[i];
        struct stat info;
        if (stat(operand, &info) != 0) {
            consider_glob(ring, operand);
        } else if (S_ISDIR(info.st_mode)) {
            consider_folder(ring, operand);
        } else {
            consider(ring, operand);
        }
    }
    forget_gone(ring);
    return ring->best[0] == '\0' ? NULL : ring->best;
}

void ins_ring_done(struct ins_ring *ring, const char *path, const struct stat *info,
                   bool is_capture)
{
    struct mark *mark = mark_of(ring, info);
    if (mark == NULL && ring->done_count == INS_RING_FILES) {
        return;
    }
    size_t size = (size_t)info->st_size;
    mark = mark == NULL ? &ring->done[ring->done_count++] : mark;
    *mark = (struct mark){.device = info->st_dev,
                          .inode = info->st_ino,
                          .changed_ns = changed_ns(info),
                          .start = start_of(path, info, size < START_MAX ? size : START_MAX),
                          .is_capture = is_capture};
}

const char *ins_ring_late(const struct ins_ring *ring)
{
    return ring->late[0] == '\0' ? NULL : ring->late;
}

bool ins_ring_is_full(const struct ins_ring *ring)
{
    return ring->is_full;
}

enum sl_status ins_ring_new(char *const *operands, int operand_count, struct ins_ring **ret_ring,
                            struct sl_error *reterr_error)
{
    for (int i = 0; i < operand_count; i++) {
        struct stat info;
        if (stat(operands[i], &info) != 0 && strpbrk(operands[i], "*?[") == NULL) {
            enum sl_status status =
                sl_error_set(reterr_error, SL_IO, "cannot open: %s", strerror(errno));
            sl_error_at(reterr_error, operands[i], 0);
            return status;
        }
    }
    struct ins_ring *ring = sl_alloc(sizeof(*ring));
    ring->operands = operands;
    ring->operand_count = operand_count;
    ring->done = sl_calloc(INS_RING_FILES, sizeof(ring->done[0]));
    *ret_ring = ring;
    return SL_OK;
}

void ins_ring_free(struct ins_ring *ring)
{
    if (ring != NULL) {
        sl_free(ring->done);
        sl_free(ring);
    }
}
