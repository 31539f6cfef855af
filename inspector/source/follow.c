/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/follow.h"

#include <stdio.h>
#include <sys/stat.h>

#include "inspector/source/ring.h"
#include "inspector/source/stop.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    GROWTH_MS = 100,
};

#define FILES_NS (250 * SL_MS)

struct follow {
    struct ins_intake base;
    struct ins_ring *ring;
    struct ins_input_wait wait;
    char *path; /* of the file that is read; NULL: none */
    struct ins_source *source;
    struct stat info; /* of it, when last looked at */
    size_t secrets_len;
    bool has_info, is_full_told;
    bool is_superseded; /* the next file has begun: what this one has now is all */
    uint64_t looked_ns; /* for the next file */
    uint64_t captures, packets;
};

/* Two captures that are written at the same time cannot be read one after the other. */
static void tell_late(struct follow *follow)
{
    const char *late = ins_ring_late(follow->ring);
    if (late != NULL) {
        struct ins_damage damage = {.packet = 0, .is_end = true};
        (void)snprintf(damage.text, sizeof(damage.text),
                       "was written to after the next file had begun; this is not read");
        follow->base.handler->damage(follow->base.handler->owner, late, &damage);
    }
    if (ins_ring_is_full(follow->ring) && !follow->is_full_told) {
        follow->is_full_told = true;
        ins_intake_note(&follow->base, follow->path == NULL ? "--follow" : follow->path,
                        "there are more than 4096 files; some are not looked at");
    }
}

/* Looks for the next file, not too often. Borrowed; NULL: there is none. */
static const char *look_for_next(struct follow *follow)
{
    uint64_t now = sl_clock_mono_ns();
    if (follow->looked_ns != 0 && now - follow->looked_ns < FILES_NS) {
        return NULL;
    }
    follow->looked_ns = now;
    const char *next = ins_ring_next(follow->ring, follow->has_info ? &follow->info : NULL);
    tell_late(follow);
    return next;
}

/* The file was read to its end: true when it has grown since. */
static bool more(void *owner, int fd, uint64_t size)
{
    struct follow *follow = owner;
    ins_intake_idle(&follow->base);
    for (;;) {
        follow->has_info = fstat(fd, &follow->info) == 0;
        if (ins_stop_is_asked() || !follow->has_info) {
            return false;
        }
        uint64_t has = (uint64_t)follow->info.st_size;
        if (has > size) {
            return true;
        }
        if (follow->is_superseded) {
            return false;
        }
        if (has < size) {
            /* Cut back and written anew: what was read of it is past, what is there now is not. */
            follow->info.st_mtim = (struct timespec){0};
            return false;
        }
        if (look_for_next(follow) != NULL) {
            /* Its writer began the next when it had closed this: read what it wrote until then. */
            follow->is_superseded = true;
            return true;
        }
        (void)ins_stop_poll(-1, GROWTH_MS);
    }
}

static void end_file(struct follow *follow)
{
    if (follow->has_info) {
        ins_ring_done(follow->ring, follow->path, &follow->info, follow->source != NULL);
    }
    ins_source_free(follow->source);
    sl_free(follow->path);
    follow->source = NULL;
    follow->path = NULL;
    follow->has_info = false;
    follow->looked_ns = 0;
}

/* False when a stop was asked for. */
static bool open_next(struct follow *follow)
{
    while (follow->source == NULL && !ins_stop_is_asked()) {
        const char *next = look_for_next(follow);
        if (next == NULL) {
            ins_intake_idle(&follow->base);
            (void)ins_stop_poll(-1, GROWTH_MS);
            continue;
        }
        struct ins_input *input = NULL;
        struct sl_error error = {0};
        follow->path = sl_strdup(next);
        follow->is_superseded = false;
        follow->secrets_len = 0;
        /* Known at once, so that its name alone does not make it the next one too. */
        follow->has_info = stat(follow->path, &follow->info) == 0;
        enum sl_status status = ins_input_open(follow->path, &follow->wait, &input, &error);
        if (status == SL_OK) {
            status = ins_source_new(input, &follow->source, &error);
        }
        if (status == SL_OK) {
            follow->captures++;
        } else if (!ins_stop_is_asked()) {
            ins_intake_note(&follow->base, follow->path, error.text);
            end_file(follow);
        }
    }
    return follow->source != NULL;
}

static bool follow_next(struct ins_intake *intake, struct ins_packet *ret_packet)
{
    struct follow *follow = (struct follow *)intake;
    bool is_damaged = false;
    while (!ins_stop_is_asked() && open_next(follow)) {
        if (ins_intake_advance(intake, follow->path, follow->source, ret_packet,
                               &follow->secrets_len, &is_damaged)) {
            ret_packet->number = ++follow->packets;
            return true;
        }
        end_file(follow);
    }
    return false;
}

static uint64_t follow_captures(const struct ins_intake *intake)
{
    return ((const struct follow *)intake)->captures;
}

static void follow_free(struct ins_intake *intake)
{
    struct follow *follow = (struct follow *)intake;
    ins_source_free(follow->source);
    ins_ring_free(follow->ring);
    sl_free(follow->path);
    sl_free(follow);
}

static const struct ins_intake_ops follow_ops = {
    .next = follow_next,
    .captures = follow_captures,
    .free = follow_free,
};

enum sl_status ins_follow_new(const struct ins_intake_handler *handler, char *const *operands,
                              int operand_count, struct ins_intake **ret_follow,
                              struct sl_error *reterr_error)
{
    struct ins_ring *ring = NULL;
    enum sl_status status = ins_ring_new(operands, operand_count, &ring, reterr_error);
    if (status != SL_OK) {
        return status;
    }
    struct follow *follow = sl_alloc(sizeof(*follow));
    follow->base = (struct ins_intake){.ops = &follow_ops, .handler = handler};
    follow->ring = ring;
    follow->wait = (struct ins_input_wait){.more = more, .owner = follow};
    *ret_follow = &follow->base;
    return SL_OK;
}
