/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/process_metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"

static bool read_cpu(const void *context, double *ret_value)
{
    (void)context;
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) {
        return false;
    }
    *ret_value = (double)used.tv_sec + (double)used.tv_nsec / (double)SL_SECOND;
    return true;
}

/* /proc/self/statm: size and resident, in pages. */
static bool read_pages(bool is_resident, double *ret_value)
{
    uint64_t size = 0;
    uint64_t resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident) == 2;
    (void)fclose(file);
    *ret_value = (double)(is_resident ? resident : size) * (double)sysconf(_SC_PAGESIZE);
    return is_read;
}

static bool read_resident(const void *context, double *ret_value)
{
    (void)context;
    return read_pages(true, ret_value);
}

static bool read_virtual(const void *context, double *ret_value)
{
    (void)context;
    return read_pages(false, ret_value);
}

static bool read_open_fds(const void *context, double *ret_value)
{
    (void)context;
    DIR *folder = opendir("/proc/self/fd");
    double count = -1; /* the folder's own descriptor */
    if (folder == NULL) {
        return false;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] == '.' ? 0 : 1;
    }
    (void)closedir(folder);
    *ret_value = count;
    return true;
}

static bool read_max_fds(const void *context, double *ret_value)
{
    (void)context;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return false;
    }
    *ret_value = (double)limit.rlim_cur;
    return true;
}

static const struct {
    struct srv_family_spec spec;
    srv_metric_read_fn *read;
} asked[] = {
    {{.type = SRV_COUNTER,
      .name = "process_cpu_seconds_total",
      .help = "CPU time of the process, user and system."},
     read_cpu},
    {{.type = SRV_GAUGE,
      .name = "process_resident_memory_bytes",
      .help = "Memory of the process that is resident."},
     read_resident},
    {{.type = SRV_GAUGE,
      .name = "process_virtual_memory_bytes",
      .help = "Address space of the process."},
     read_virtual},
    {{.type = SRV_GAUGE, .name = "process_open_fds", .help = "File descriptors that are open."},
     read_open_fds},
    {{.type = SRV_GAUGE, .name = "process_max_fds", .help = "File descriptors that may be open."},
     read_max_fds},
};

static const struct srv_family_spec start_time = {.type = SRV_GAUGE,
                                                  .name = "process_start_time_seconds",
                                                  .help = "When the process started, since 1970.",
                                                  .is_time = true};

void srv_process_metrics_add(struct srv_metrics *metrics)
{
    struct srv_family *family = srv_metrics_add(metrics, &start_time);
    sl_tally_set(srv_family_tally(family, NULL), sl_clock_wall_ns());
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        srv_family_ask(srv_metrics_add(metrics, &asked[i].spec), NULL, asked[i].read, NULL);
    }
}
