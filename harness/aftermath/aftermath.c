/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/aftermath/aftermath.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define FIRST_PAUSE_NS (2 * SL_MS)
#define LAST_PAUSE_NS  (100 * SL_MS)
/* So long the fewest descriptors of a target that nobody has done anything to are looked for. */
#define FLOOR_NS (50 * SL_MS)
#define MIB      (1024.0 * 1024.0)

static const char not_known[] = "whether the server's process lived on, and whether its memory and "
                                "descriptors came back: which "
                                "process it is nobody has said (--exec, --pid)";
static const char not_readable[] =
    "whether the server's memory and descriptors came back: its process cannot be read, or is too "
    "large";
static const char tired[] =
    "whether the server's memory and descriptors came back, of scenarios after the first in which "
    "they did not, or did late";

struct har_aftermath {
    uv_timer_t timer;
    struct har_holder *holder; /* NULL: nothing is looked at */
    pid_t pid;
    uint64_t floor_fds, floor_until_ns;
    unsigned proofs, doubts;
    struct har_trail *looking;
    const char *note;
    bool is_closed;
};

static void on_timer(uv_timer_t *timer);

struct har_aftermath *har_aftermath_new(uv_loop_t *loop)
{
    struct har_aftermath *aftermath = sl_alloc(sizeof(*aftermath));
    (void)uv_timer_init(loop, &aftermath->timer);
    uv_unref((uv_handle_t *)&aftermath->timer);
    aftermath->timer.data = aftermath;
    return aftermath;
}

static void on_closed(uv_handle_t *handle)
{
    struct har_aftermath *aftermath = handle->data;
    aftermath->is_closed = true;
}

void har_aftermath_free(struct har_aftermath *aftermath)
{
    if (aftermath == NULL) {
        return;
    }
    uv_loop_t *loop = aftermath->timer.loop;
    uv_close((uv_handle_t *)&aftermath->timer, on_closed);
    while (!aftermath->is_closed) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
    }
    har_holder_free(aftermath->holder);
    sl_free(aftermath);
}

const char *har_aftermath_note(const struct har_aftermath *aftermath)
{
    return aftermath->note;
}

/* Nothing is looked at any more. */
static void give_up(struct har_aftermath *aftermath, const char *note)
{
    har_holder_free(aftermath->holder);
    aftermath->holder = NULL;
    aftermath->note = note;
}

static bool is_tired(const struct har_aftermath *aftermath)
{
    return aftermath->proofs >= HAR_AFTERMATH_PROOFS_MAX ||
           aftermath->doubts >= HAR_AFTERMATH_DOUBTS_MAX;
}

/* ---- when to look ---- */

static void arm(struct har_aftermath *aftermath)
{
    uint64_t now_ns = sl_clock_mono_ns();
    if (aftermath->looking != NULL) {
        uv_ref((uv_handle_t *)&aftermath->timer);
    } else {
        uv_unref((uv_handle_t *)&aftermath->timer);
    }
    uint64_t when_ns = now_ns < aftermath->floor_until_ns ? now_ns + FIRST_PAUSE_NS : UINT64_MAX;
    for (const struct har_trail *trail = aftermath->looking; trail != NULL; trail = trail->next) {
        when_ns = trail->next_ns < when_ns ? trail->next_ns : when_ns;
    }
    if (when_ns == UINT64_MAX) {
        (void)uv_timer_stop(&aftermath->timer);
        return;
    }
    uint64_t wait_ms = when_ns > now_ns ? (when_ns - now_ns + SL_MS - 1) / SL_MS : 0;
    uv_update_time(aftermath->timer.loop);
    (void)uv_timer_start(&aftermath->timer, on_timer, wait_ms, 0);
}

void har_aftermath_watch(struct har_aftermath *aftermath, pid_t pid)
{
    har_holder_free(aftermath->holder);
    aftermath->pid = pid;
    aftermath->holder = har_holder_new(pid);
    aftermath->floor_fds = UINT64_MAX;
    aftermath->floor_until_ns = 0;
    if (aftermath->holder == NULL) {
        aftermath->note = pid == 0 ? not_known : not_readable;
        return;
    }
    aftermath->floor_until_ns = sl_clock_mono_ns() + FLOOR_NS;
    arm(aftermath);
}

static bool read_held(struct har_aftermath *aftermath, uint64_t enough_fds, struct har_held *held)
{
    if (aftermath->holder == NULL) {
        return false;
    }
    enum sl_status status = har_holder_read(aftermath->holder, enough_fds, held);
    if (status != SL_OK) {
        give_up(aftermath, not_readable);
    }
    return status == SL_OK;
}

static void note_floor(struct har_aftermath *aftermath, uint64_t fds)
{
    aftermath->floor_fds = fds < aftermath->floor_fds ? fds : aftermath->floor_fds;
}

static bool is_negative(const struct har_scenario *scenario)
{
    bool is_raw = false;
    for (size_t i = 0; i < scenario->actor_count; i++) {
        is_raw |= scenario->actors[i].kind == HAR_RAW;
    }
    return is_raw;
}

void har_aftermath_before(struct har_aftermath *aftermath, const struct har_scenario *scenario,
                          struct har_trail *trail)
{
    trail->is_negative = is_negative(scenario);
    enum sl_status status =
        aftermath->holder == NULL ? SL_NOT_FOUND : har_holder_refresh(aftermath->holder);
    if (status != SL_OK && status != SL_NOT_FOUND) { /* one that is gone is told of otherwise */
        give_up(aftermath, not_readable);
    }
    trail->has_before = status == SL_OK && read_held(aftermath, 0, &trail->before);
    if (trail->has_before) {
        note_floor(aftermath, trail->before.fds);
    }
}

/* ---- one look ---- */

static void take_out(struct har_aftermath *aftermath, const struct har_trail *trail)
{
    for (struct har_trail **place = &aftermath->looking; *place != NULL; place = &(*place)->next) {
        if (*place == trail) {
            *place = trail->next;
            return;
        }
    }
}

void har_aftermath_drop(struct har_aftermath *aftermath, struct har_trail *trail)
{
    if (trail->is_looking) {
        trail->is_looking = false;
        take_out(aftermath, trail);
    }
}

bool har_aftermath_is_doubting(const struct har_aftermath *aftermath)
{
    uint64_t now_ns = sl_clock_mono_ns();
    for (const struct har_trail *trail = aftermath->looking; trail != NULL; trail = trail->next) {
        if (now_ns >= trail->begin_ns + HAR_AFTERMATH_GRACE_NS) {
            return true;
        }
    }
    return false;
}

static void finish(struct har_aftermath *aftermath, struct har_trail *trail,
                   enum har_aftermath_verdict verdict)
{
    if (is_tired(aftermath) && aftermath->note == NULL) {
        aftermath->note = tired;
    }
    har_aftermath_drop(aftermath, trail);
    trail->done(trail->owner, verdict);
}

static void tell_lost(struct har_aftermath *aftermath, struct har_trail *trail, pid_t lost)
{
    trail->rule = "RES-02";
    (void)snprintf(trail->text, sizeof(trail->text),
                   "the server's process %d ended, and another one answers in its place",
                   (int)lost);
    har_aftermath_watch(aftermath, aftermath->pid);
    finish(aftermath, trail, HAR_AFTERMATH_BROKEN);
}

/* text: what stayed behind, over all plays that left something. */
static void tell_growth(struct har_trail *trail, const struct har_held *held)
{
    char times[40] = "";
    if (trail->plays > 1) {
        (void)snprintf(times, sizeof(times), ", more after each of %u plays", trail->plays);
    }
    if (trail->has_fds) {
        (void)snprintf(
            trail->text, sizeof(trail->text),
            "the server holds %llu descriptors that are no open connection, %llu before%s; "
            "%.0f s are allowed for them to come back",
            (unsigned long long)held->fds, (unsigned long long)trail->fds_first, times,
            (double)HAR_AFTERMATH_WITHIN_NS / 1e9);
    } else {
        (void)snprintf(trail->text, sizeof(trail->text),
                       "the server's memory went from %.1f to %.1f MiB%s; less than %.0f MiB for "
                       "each is allowed",
                       (double)trail->rss_first / MIB, (double)held->rss_bytes / MIB, times,
                       (double)HAR_AFTERMATH_RSS_MAX / MIB);
    }
    trail->rule = "RES-01";
}

/* The time is up and something is still there. */
static void mature(struct har_aftermath *aftermath, struct har_trail *trail,
                   const struct har_held *held, bool is_fds, bool is_rss)
{
    bool is_first = trail->plays++ == 0;
    if (is_first) {
        trail->fds_first = trail->fds_limit;
        trail->rss_first = trail->before.rss_bytes;
    }
    trail->has_fds = is_fds && (is_first || trail->has_fds);
    trail->has_rss = is_rss && (is_first || trail->has_rss);
    aftermath->floor_fds = held->fds; /* it is there now, whoever left it */
    if (!trail->has_fds && !trail->has_rss) {
        aftermath->doubts++;
        trail->text[0] = '\0';
        finish(aftermath, trail, HAR_AFTERMATH_CLEAN);
        return;
    }
    tell_growth(trail, held);
    if (trail->has_failed) {
        finish(aftermath, trail, HAR_AFTERMATH_CLEAN);
    } else if (trail->plays < HAR_AFTERMATH_PLAYS) {
        finish(aftermath, trail, HAR_AFTERMATH_AGAIN);
    } else {
        aftermath->proofs++;
        finish(aftermath, trail, HAR_AFTERMATH_BROKEN);
    }
}

static void look(struct har_aftermath *aftermath, struct har_trail *trail)
{
    struct har_held held;
    uint64_t now_ns = sl_clock_mono_ns();
    pid_t lost = aftermath->holder == NULL ? 0 : har_holder_lost(aftermath->holder);
    if (lost != 0) {
        tell_lost(aftermath, trail, lost);
        return;
    }
    if (is_tired(aftermath) || !trail->has_before ||
        !read_held(aftermath, trail->fds_limit, &held)) {
        finish(aftermath, trail, HAR_AFTERMATH_CLEAN);
        return;
    }
    bool is_fds = held.fds > trail->fds_limit;
    bool is_rss =
        trail->is_negative && held.rss_bytes > trail->before.rss_bytes + HAR_AFTERMATH_RSS_MAX;
    note_floor(aftermath, held.fds);
    if (!is_fds && !is_rss) {
        aftermath->doubts += trail->plays > 0;
        trail->text[0] = '\0';
        finish(aftermath, trail, HAR_AFTERMATH_CLEAN);
    } else if (now_ns >= trail->begin_ns + HAR_AFTERMATH_WITHIN_NS) {
        mature(aftermath, trail, &held, is_fds, is_rss);
    } else { /* 2, 4, 8 ms after the beginning, and so on */
        uint64_t pause_ns = now_ns - trail->begin_ns;
        pause_ns = pause_ns < FIRST_PAUSE_NS ? FIRST_PAUSE_NS : pause_ns;
        trail->next_ns = now_ns + (pause_ns < LAST_PAUSE_NS ? pause_ns : LAST_PAUSE_NS);
    }
}

static struct har_trail *first_due(const struct har_aftermath *aftermath, uint64_t now_ns)
{
    struct har_trail *trail = aftermath->looking;
    while (trail != NULL && trail->next_ns > now_ns) {
        trail = trail->next;
    }
    return trail;
}

static void on_timer(uv_timer_t *timer)
{
    struct har_aftermath *aftermath = timer->data;
    struct har_held held;
    uint64_t now_ns = sl_clock_mono_ns();
    if (now_ns < aftermath->floor_until_ns && read_held(aftermath, 0, &held)) {
        note_floor(aftermath, held.fds);
    }
    for (struct har_trail *trail = first_due(aftermath, now_ns); trail != NULL;
         trail = first_due(aftermath, now_ns)) {
        look(aftermath, trail); /* which takes it out, or puts it off */
    }
    arm(aftermath);
}

void har_aftermath_look(struct har_aftermath *aftermath, struct har_trail *trail, bool has_failed,
                        har_aftermath_fn *done, void *owner)
{
    trail->has_failed = has_failed;
    trail->done = done;
    trail->owner = owner;
    trail->is_looking = true;
    trail->begin_ns = trail->next_ns = sl_clock_mono_ns();
    trail->fds_limit = trail->plays == 0 ? aftermath->floor_fds : trail->before.fds;
    trail->next = aftermath->looking;
    aftermath->looking = trail;
    arm(aftermath);
}
