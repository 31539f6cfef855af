/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/aftermath/holder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/target/resources.h"
#include "lib/base/alloc.h"

enum {
    PATH_SIZE = 320,
    LINK_SIZE = 64,
    LINE_SIZE = 512,
    /* Of the kernel's tables of sockets: net/tcp_states.h, and __SO_ACCEPTCON of net.h. */
    STATE_ESTABLISHED = 1,
    STATE_LISTEN = 10,
    UNIX_ACCEPTS = 0x10000,
};

/* One descriptor that is a socket. */
struct socket_fd {
    unsigned long inode;
    pid_t pid;
    bool is_established, is_listening;
};

struct har_holder {
    pid_t pid;
    struct har_member members[HAR_HOLDER_PROCESSES_MAX];
    size_t member_count;
    struct har_member serving[HAR_HOLDER_PROCESSES_MAX];
    size_t serving_count;
    struct socket_fd *sockets;
    size_t socket_count;
    uint64_t fds;
};

/* ---- descriptors ---- */

/* The number of a socket behind /proc/PID/fd/NAME; 0: it is no socket. */
static unsigned long inode_of(const char *folder, const char *name)
{
    char path[PATH_SIZE + 1 + LINK_SIZE];
    char link[LINK_SIZE];
    unsigned long inode = 0;
    (void)snprintf(path, sizeof(path), "%s/%.20s", folder, name);
    ssize_t len = readlink(path, link, sizeof(link) - 1);
    link[len < 0 ? 0 : len] = '\0';
    return sscanf(link, "socket:[%lu]", &inode) == 1 ? inode : 0;
}

static enum sl_status count_process(struct har_holder *holder, pid_t pid, bool is_counted_only)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL) { /* it has just ended, or it is another's */
        return access(path, F_OK) == 0 ? SL_IO : SL_OK;
    }
    enum sl_status status = SL_OK;
    for (struct dirent *entry = readdir(folder); entry != NULL && status == SL_OK;
         entry = readdir(folder)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        holder->fds++;
        status = holder->fds > HAR_HOLDER_FDS_MAX ? SL_LIMIT : SL_OK;
        unsigned long inode =
            status != SL_OK || is_counted_only ? 0 : inode_of(path, entry->d_name);
        if (inode != 0) {
            size_t at = holder->socket_count++;
            holder->sockets =
                sl_realloc(holder->sockets, holder->socket_count * sizeof(holder->sockets[0]));
            holder->sockets[at] = (struct socket_fd){.inode = inode, .pid = pid};
        }
    }
    (void)closedir(folder);
    return status;
}

/* What has ended holds nothing. */
static enum sl_status count_all(struct har_holder *holder, bool is_counted_only)
{
    enum sl_status status = SL_OK;
    holder->fds = 0;
    holder->socket_count = 0;
    for (size_t i = 0; i < holder->member_count && status == SL_OK; i++) {
        status = count_process(holder, holder->members[i].pid, is_counted_only);
    }
    return status;
}

/* ---- the kernel's tables of sockets ---- */

static int compare_inodes(const void *a, const void *b)
{
    const struct socket_fd *left = a;
    const struct socket_fd *right = b;
    return (left->inode > right->inode) - (left->inode < right->inode);
}

/* One socket may have several descriptors. */
static void mark(struct har_holder *holder, unsigned long inode, bool is_established,
                 bool is_listening)
{
    size_t low = 0;
    size_t high = holder->socket_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holder->sockets[middle].inode < inode) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < holder->socket_count && holder->sockets[low].inode == inode; low++) {
        holder->sockets[low].is_established |= is_established;
        holder->sockets[low].is_listening |= is_listening;
    }
}

static FILE *open_table(pid_t pid, const char *name)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, name);
    return fopen(path, "re");
}

static void read_tcp(struct har_holder *holder, pid_t pid, const char *name)
{
    FILE *file = open_table(pid, name);
    char line[LINE_SIZE];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        unsigned state = 0;
        unsigned long inode = 0;
        if (sscanf(line,
                   " %*d: %*[0-9A-Fa-f]:%*x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
                   &state, &inode) == 2 &&
            inode != 0) {
            mark(holder, inode, state == STATE_ESTABLISHED, state == STATE_LISTEN);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void read_unix(struct har_holder *holder, pid_t pid)
{
    FILE *file = open_table(pid, "unix");
    char line[LINE_SIZE];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        unsigned flags = 0;
        unsigned long inode = 0;
        if (sscanf(line, "%*[0-9A-Fa-f]: %*x %*x %x %*x %*x %lu", &flags, &inode) == 2 &&
            (flags & UNIX_ACCEPTS) != 0) {
            mark(holder, inode, false, true);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* All of a target's processes are in one network namespace. */
static void read_tables(struct har_holder *holder)
{
    pid_t pid = holder->members[0].pid;
    if (holder->socket_count == 0) { /* nor is there an array */
        return;
    }
    qsort(holder->sockets, holder->socket_count, sizeof(holder->sockets[0]), compare_inodes);
    read_tcp(holder, pid, "tcp");
    read_tcp(holder, pid, "tcp6");
}

/* ---- the face ---- */

static void add_serving(struct har_holder *holder, pid_t pid)
{
    for (size_t i = 0; i < holder->serving_count; i++) {
        if (holder->serving[i].pid == pid) {
            return;
        }
    }
    for (size_t i = 0; i < holder->member_count; i++) {
        if (holder->members[i].pid == pid) {
            holder->serving[holder->serving_count++] = holder->members[i];
        }
    }
}

enum sl_status har_holder_refresh(struct har_holder *holder)
{
    return har_resources_members(holder->pid, holder->members, HAR_HOLDER_PROCESSES_MAX,
                                 &holder->member_count);
}

struct har_holder *har_holder_new(pid_t pid)
{
    if (pid <= 0) {
        return NULL;
    }
    struct har_holder *holder = sl_alloc(sizeof(*holder));
    holder->pid = pid;
    if (har_holder_refresh(holder) != SL_OK || count_all(holder, false) != SL_OK) {
        har_holder_free(holder);
        return NULL;
    }
    read_tables(holder);
    read_unix(holder, holder->members[0].pid);
    for (size_t i = 0; i < holder->socket_count; i++) {
        if (holder->sockets[i].is_listening) {
            add_serving(holder, holder->sockets[i].pid);
        }
    }
    if (holder->serving_count == 0) { /* its sockets are not where we can see them */
        add_serving(holder, pid);
    }
    return holder;
}

void har_holder_free(struct har_holder *holder)
{
    if (holder != NULL) {
        sl_free(holder->sockets);
        sl_free(holder);
    }
}

enum sl_status har_holder_read(struct har_holder *holder, uint64_t enough_fds,
                               struct har_held *ret_held)
{
    enum sl_status status = count_all(holder, true);
    bool is_enough = holder->fds <= enough_fds;
    if (status == SL_OK && !is_enough) {
        status = count_all(holder, false);
    }
    if (status != SL_OK) {
        return status;
    }
    struct har_held held = {.fds = holder->fds};
    if (!is_enough) {
        read_tables(holder);
        for (size_t i = 0; i < holder->socket_count; i++) {
            held.fds -= holder->sockets[i].is_established;
        }
    }
    for (size_t i = 0; i < holder->member_count; i++) {
        held.rss_bytes += har_resources_rss(holder->members[i].pid);
    }
    *ret_held = held;
    return SL_OK;
}

pid_t har_holder_lost(const struct har_holder *holder)
{
    for (size_t i = 0; i < holder->serving_count; i++) {
        if (!har_resources_is_alive(&holder->serving[i])) {
            return holder->serving[i].pid;
        }
    }
    return 0;
}
