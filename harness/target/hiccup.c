/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/hiccup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    PAUSES_MAX = 4096, /* the latest pauses are kept */
    BUCKETS = 64 * 8,  /* log-linear: 8 per power of two of microseconds */
    LOOKS_MAX = 8192,  /* the latest looks at the run queue are kept: over two minutes */
    STEPS_A_LOOK = 16,
};
/* A pause shorter than this explains no failure: the bounds of the checks have room for it. */
#define NOISE_NS (30 * SL_MS)
/* Many short ones, from one part in so many of a play on. */
#define NOISE_PART 50
#define STEP_NS    (1 * SL_MS)
#define PAUSE_NS   (3 * SL_MS) /* shorter lateness is every scheduler's grain */

/* What comes later by more than so many times all pauses together has another cause. */
#define EXPLAINED_FACTOR 10

struct pause {
    uint64_t begin_ns, end_ns;
};

struct look {
    uint64_t at_ns;
    bool is_crowded;
};

struct har_hiccup {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    bool is_stopping;
    struct pause pauses[PAUSES_MAX]; /* ring */
    uint64_t pause_count;
    uint64_t buckets[BUCKETS];
    uint64_t samples;
    uint64_t max_ns;
    struct look looks[LOOKS_MAX]; /* ring */
    uint64_t look_count;
    int loadavg_fd; /* -1: not there */
    long processors;
};

static unsigned bucket_of(uint64_t us)
{
    if (us < 8) {
        return (unsigned)us;
    }
    unsigned power = 63U - (unsigned)__builtin_clzll(us);
    return (power - 2) * 8 + (unsigned)(us >> (power - 3) & 7);
}

static uint64_t bucket_top_us(unsigned bucket)
{
    if (bucket < 8) {
        return bucket;
    }
    unsigned power = bucket / 8 + 2;
    return (UINT64_C(8) + bucket % 8 + 1) << (power - 3);
}

/* True when the thread shall end. */
static bool note(struct har_hiccup *meter, uint64_t due_ns, uint64_t now_ns)
{
    uint64_t late_ns = now_ns > due_ns ? now_ns - due_ns : 0;
    (void)pthread_mutex_lock(&meter->lock);
    meter->buckets[bucket_of(late_ns / SL_US) % BUCKETS]++;
    meter->samples++;
    meter->max_ns = late_ns > meter->max_ns ? late_ns : meter->max_ns;
    if (late_ns >= PAUSE_NS) {
        meter->pauses[meter->pause_count++ % PAUSES_MAX] = (struct pause){due_ns, now_ns};
    }
    bool is_stopping = meter->is_stopping;
    (void)pthread_mutex_unlock(&meter->lock);
    return is_stopping;
}

/* Threads of the machine that run or want to, this one left out; -1 when nobody can say. */
static long count_runnable(int fd)
{
    char text[128];
    unsigned long runnable = 0;
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    if (got <= 0) {
        return -1;
    }
    text[got] = '\0';
    return sscanf(text, "%*s %*s %*s %lu/", &runnable) == 1 ? (long)runnable - 1 : -1;
}

static void look(struct har_hiccup *meter)
{
    bool is_crowded = count_runnable(meter->loadavg_fd) > meter->processors;
    (void)pthread_mutex_lock(&meter->lock);
    meter->looks[meter->look_count++ % LOOKS_MAX] = (struct look){sl_clock_mono_ns(), is_crowded};
    (void)pthread_mutex_unlock(&meter->lock);
}

static void *run(void *owner)
{
    struct har_hiccup *meter = owner;
    uint64_t due_ns = 0;
    unsigned step = 0;
    do {
        if (meter->loadavg_fd >= 0 && step++ % STEPS_A_LOOK == 0) {
            look(meter);
        }
        due_ns = sl_clock_mono_ns() + STEP_NS;
        struct timespec until = {(time_t)(due_ns / SL_SECOND), (long)(due_ns % SL_SECOND)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        }
    } while (!note(meter, due_ns, sl_clock_mono_ns()));
    return NULL;
}

static void destroy(struct har_hiccup *meter)
{
    if (meter->loadavg_fd >= 0) {
        (void)close(meter->loadavg_fd);
    }
    (void)pthread_mutex_destroy(&meter->lock);
    sl_free(meter);
}

struct har_hiccup *har_hiccup_new(void)
{
    struct har_hiccup *meter = sl_alloc(sizeof(*meter));
    (void)pthread_mutex_init(&meter->lock, NULL);
    meter->loadavg_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    meter->processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (pthread_create(&meter->thread, NULL, run, meter) != 0) {
        destroy(meter);
        return NULL;
    }
    return meter;
}

void har_hiccup_free(struct har_hiccup *meter)
{
    if (meter == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&meter->lock);
    meter->is_stopping = true;
    (void)pthread_mutex_unlock(&meter->lock);
    (void)pthread_join(meter->thread, NULL);
    destroy(meter);
}

/* The longest of the pauses that touch [from_ns, to_ns], and their sum. */
static uint64_t survey(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns,
                       uint64_t *ret_total)
{
    uint64_t longest = 0;
    *ret_total = 0;
    if (meter == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&meter->lock);
    uint64_t kept = meter->pause_count < PAUSES_MAX ? meter->pause_count : PAUSES_MAX;
    for (uint64_t i = 0; i < kept; i++) {
        const struct pause *pause = &meter->pauses[i];
        uint64_t length = pause->end_ns - pause->begin_ns;
        if (pause->begin_ns <= to_ns && pause->end_ns >= from_ns) {
            longest = length > longest ? length : longest;
            *ret_total += length;
        }
    }
    (void)pthread_mutex_unlock(&meter->lock);
    return longest;
}

uint64_t har_hiccup_max(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t total = 0;
    return survey(meter, from_ns, to_ns, &total);
}

uint64_t har_hiccup_total(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t total = 0;
    (void)survey(meter, from_ns, to_ns, &total);
    return total;
}

double har_hiccup_crowded(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns)
{
    unsigned looks = 0;
    unsigned crowded = 0;
    if (meter == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&meter->lock);
    uint64_t kept = meter->look_count < LOOKS_MAX ? meter->look_count : LOOKS_MAX;
    for (uint64_t i = 0; i < kept; i++) {
        const struct look *look = &meter->looks[i];
        if (look->at_ns >= from_ns && look->at_ns <= to_ns) {
            looks++;
            crowded += look->is_crowded;
        }
    }
    (void)pthread_mutex_unlock(&meter->lock);
    return looks == 0 ? 0 : (double)crowded / looks;
}

bool har_hiccup_is_crowded(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns)
{
    return har_hiccup_crowded(meter, from_ns, to_ns) >= HAR_CROWDED_PART;
}

bool har_hiccup_explains(uint64_t total_ns, uint64_t crowded_ns, uint64_t excess_ns)
{
    return excess_ns <= EXPLAINED_FACTOR * total_ns || excess_ns <= crowded_ns / 2;
}

bool har_hiccup_may_delay(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns,
                          uint64_t most_ns, uint64_t excess_ns)
{
    double crowded = har_hiccup_crowded(meter, from_ns, to_ns);
    uint64_t crowded_ns = (uint64_t)(crowded * (double)(to_ns - from_ns));
    return har_hiccup_explains(har_hiccup_total(meter, from_ns, to_ns),
                               crowded_ns < most_ns ? crowded_ns : most_ns, excess_ns);
}

bool har_hiccup_is_noisy(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns)
{
    return har_hiccup_max(meter, from_ns, to_ns) >= NOISE_NS ||
           har_hiccup_total(meter, from_ns, to_ns) >= (to_ns - from_ns) / NOISE_PART ||
           har_hiccup_is_crowded(meter, from_ns, to_ns);
}

uint64_t har_hiccup_quantile(struct har_hiccup *meter, double q)
{
    if (meter == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&meter->lock);
    uint64_t wanted = (uint64_t)((double)meter->samples * q);
    uint64_t seen = 0;
    uint64_t result = meter->max_ns;
    for (unsigned i = 0; i < BUCKETS && q < 1; i++) {
        seen += meter->buckets[i];
        if (seen > wanted) {
            uint64_t top = bucket_top_us(i) * SL_US;
            result = top < meter->max_ns ? top : meter->max_ns;
            break;
        }
    }
    (void)pthread_mutex_unlock(&meter->lock);
    return result;
}
