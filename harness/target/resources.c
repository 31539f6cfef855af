/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/resources.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    STAT_MAX = 1024,
    PATH_SIZE = 64,
    LINE_SIZE = 256,
    PROCESSES_MAX =
        1 << 20, /* more than Linux's own limit of numbers, 2^22, would ever be in use */
    FIRST_CAPACITY = 256,
};

/* What /proc/PID/stat says (proc(5)). */
struct stat_line {
    pid_t pid, parent, group;
    uint64_t user_ticks, system_ticks, threads, started_ticks, rss_pages;
    bool belongs; /* to the process that is asked for */
};

struct table {
    struct stat_line *lines;
    size_t count, capacity;
};

/* Reads the stat of one process; false when it has gone. */
static bool read_stat(pid_t pid, struct stat_line *ret_line)
{
    char path[PATH_SIZE];
    char text[STAT_MAX];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    /* The name stands in parentheses and may hold any byte, also a parenthesis. */
    const char *fields = strrchr(text, ')');
    struct stat_line line = {.pid = pid};
    char state = 0;
    int parent = 0;
    int group = 0;
    unsigned long long user = 0;
    unsigned long long system = 0;
    unsigned long long threads = 0;
    unsigned long long started = 0;
    unsigned long long rss = 0;
    if (fields == NULL ||
        sscanf(fields + 1,
               " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %llu %*d "
               "%llu %*u %llu",
               &state, &parent, &group, &user, &system, &threads, &started, &rss) != 8 ||
        state == 'Z') {
        return false;
    }
    line.parent = parent;
    line.group = group;
    line.user_ticks = user;
    line.system_ticks = system;
    line.threads = threads;
    line.started_ticks = started;
    line.rss_pages = rss;
    *ret_line = line;
    return true;
}

static enum sl_status read_table(struct table *table, struct sl_error *reterr)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL) {
        return sl_error_set(reterr, SL_IO, "cannot read /proc: %s", strerror(errno));
    }
    for (struct dirent *entry = readdir(proc); entry != NULL && table->count < PROCESSES_MAX;
         entry = readdir(proc)) {
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        struct stat_line line;
        if (end == entry->d_name || *end != '\0' || !read_stat((pid_t)pid, &line)) {
            continue;
        }
        if (table->count == table->capacity) {
            table->capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
            table->lines = sl_realloc(table->lines, table->capacity * sizeof *table->lines);
        }
        table->lines[table->count++] = line;
    }
    closedir(proc);
    return SL_OK;
}

static bool has_member(const struct table *table, pid_t pid)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->lines[i].pid == pid && table->lines[i].belongs) {
            return true;
        }
    }
    return false;
}

/* Marks the process, the group that it leads or led, and the descendants of all of these. */
static void mark(struct table *table, pid_t pid)
{
    for (size_t i = 0; i < table->count; i++) {
        table->lines[i].belongs = table->lines[i].pid == pid || table->lines[i].group == pid;
    }
    bool has_grown = true;
    while (has_grown) {
        has_grown = false;
        for (size_t i = 0; i < table->count; i++) {
            if (!table->lines[i].belongs && has_member(table, table->lines[i].parent)) {
                table->lines[i].belongs = true;
                has_grown = true;
            }
        }
    }
}

/* Adds the open descriptors of one process; SL_NOT_FOUND when it has gone. */
static enum sl_status count_fds(pid_t pid, uint64_t *fds)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? SL_NOT_FOUND : SL_IO;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        *fds += entry->d_name[0] != '.' ? 1 : 0;
    }
    closedir(folder);
    return SL_OK;
}

/* VmHWM of /proc/PID/status; rss_bytes where it is not there. */
static uint64_t read_peak(pid_t pid, uint64_t rss_bytes)
{
    char path[PATH_SIZE];
    char line[LINE_SIZE];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && kib == 0 && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "VmHWM: %llu kB", &kib);
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib * 1024 > rss_bytes ? kib * 1024 : rss_bytes;
}

enum sl_status har_resources_read(pid_t pid, struct har_resources *ret_resources,
                                  struct sl_error *reterr_error)
{
    struct table table = {0};
    struct har_resources sum = {0};
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t tick_ns = SL_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
    enum sl_status status = read_table(&table, reterr_error);
    if (status != SL_OK) {
        goto out;
    }
    mark(&table, pid);
    for (size_t i = 0; i < table.count; i++) {
        const struct stat_line *line = &table.lines[i];
        enum sl_status counted = line->belongs ? count_fds(line->pid, &sum.fds) : SL_NOT_FOUND;
        if (counted == SL_IO) {
            status = sl_error_set(reterr_error, SL_IO, "cannot count the descriptors of process %d",
                                  (int)line->pid);
            goto out;
        }
        if (counted == SL_OK) {
            sum.processes++;
            sum.rss_bytes += line->rss_pages * page_size;
            sum.peak_bytes += read_peak(line->pid, line->rss_pages * page_size);
            sum.threads += line->threads;
            sum.cpu_ns += (line->user_ticks + line->system_ticks) * tick_ns;
        }
    }
    if (sum.processes == 0) {
        status = sl_error_set(reterr_error, SL_NOT_FOUND, "process %d has ended", (int)pid);
    } else {
        *ret_resources = sum;
    }
out:
    sl_free(table.lines);
    return status;
}

bool har_resources_reset_peak(pid_t pid)
{
    struct table table = {0};
    bool is_reset = read_table(&table, NULL) == SL_OK;
    mark(&table, pid);
    for (size_t i = 0; i < table.count; i++) {
        if (!table.lines[i].belongs) {
            continue;
        }
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)table.lines[i].pid);
        FILE *file = fopen(path, "we"); /* proc(5): 5 resets the peak resident set size */
        is_reset = file != NULL && fputs("5", file) >= 0 && is_reset;
        is_reset = file != NULL && fclose(file) == 0 && is_reset;
    }
    sl_free(table.lines);
    return is_reset;
}

enum sl_status har_resources_members(pid_t pid, struct har_member *ret_members, size_t max,
                                     size_t *ret_count)
{
    struct table table = {0};
    enum sl_status status = read_table(&table, NULL);
    size_t count = 0;
    mark(&table, pid);
    for (size_t i = 0; i < table.count && status == SL_OK; i++) {
        const struct stat_line *line = &table.lines[i];
        if (line->belongs && count == max) {
            status = SL_LIMIT;
        } else if (line->belongs) {
            ret_members[count++] = (struct har_member){line->pid, line->started_ticks};
        }
    }
    sl_free(table.lines);
    *ret_count = count;
    return status == SL_OK && count == 0 ? SL_NOT_FOUND : status;
}

bool har_resources_is_alive(const struct har_member *member)
{
    struct stat_line line;
    return read_stat(member->pid, &line) && line.started_ticks == member->started_ticks;
}

uint64_t har_resources_rss(pid_t pid)
{
    struct stat_line line;
    return read_stat(pid, &line) ? line.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

bool har_resources_has_group(pid_t group)
{
    struct table table = {0};
    bool has_member_left = false;
    if (read_table(&table, NULL) == SL_OK) {
        for (size_t i = 0; i < table.count; i++) {
            has_member_left = has_member_left || table.lines[i].group == group;
        }
    }
    sl_free(table.lines);
    return has_member_left;
}
