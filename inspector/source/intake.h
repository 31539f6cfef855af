/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_INTAKE_H
#define INS_INTAKE_H

/*
 * Where the packets of a run come from: captures in the order of their times (merge.h), captures that
 * are still being written (follow.h), or an interface (live.h). Each is one struct ins_intake_ops.
 *
 * SIGINT and SIGTERM (stop.h) end every one of them as if its input had ended.
 */
#include "inspector/source/source.h"

/* What an intake has to say beside packets. Any but damage may be NULL. */
struct ins_intake_handler {
    /* name is the capture's, damage->packet counts in it. */
    void (*damage)(void *owner, const char *name, const struct ins_damage *damage);
    /* Something that a person should know and that loses nothing. */
    void (*note)(void *owner, const char *name, const char *text);
    /* TLS secrets that a capture carried, in key log form, before the packets that follow them. */
    void (*secrets)(void *owner, struct sl_span lines);
    /* The next packet may be long in coming: what is held back for speed should go out. */
    void (*idle)(void *owner);
    /* So many bytes of captures were read, of so many; of 0: that is not known. */
    void (*read)(void *owner, uint64_t done, uint64_t all);
    void *owner;
};

struct ins_intake;

struct ins_intake_ops {
    /* The next packet, numbered over the whole run; false at the end. */
    bool (*next)(struct ins_intake *intake, struct ins_packet *ret_packet);
    /* The name of a capture that was damaged before its first packet, or NULL. May be NULL. */
    const char *(*unread)(const struct ins_intake *intake);
    /* Packets that the system saw and had no room for. May be NULL. */
    uint64_t (*dropped)(const struct ins_intake *intake);
    /* Captures opened so far. */
    uint64_t (*captures)(const struct ins_intake *intake);
    void (*free)(struct ins_intake *intake);
};

/* The head of each kind's own struct. */
struct ins_intake {
    const struct ins_intake_ops *ops;
    const struct ins_intake_handler *handler; /* kept */
};

void ins_intake_free(struct ins_intake *intake);
bool ins_intake_next(struct ins_intake *intake, struct ins_packet *ret_packet);
const char *ins_intake_unread(const struct ins_intake *intake);
uint64_t ins_intake_dropped(const struct ins_intake *intake);
uint64_t ins_intake_captures(const struct ins_intake *intake);

/* For the kinds. */
void ins_intake_note(const struct ins_intake *intake, const char *name, const char *text);
void ins_intake_idle(const struct ins_intake *intake);

/* Reads source up to its next packet; hands on damage and secrets. *secrets_len: those handed on so
 * far. *is_damaged is set when there was damage. False at the end. */
bool ins_intake_advance(const struct ins_intake *intake, const char *name,
                        struct ins_source *source, struct ins_packet *ret_packet,
                        size_t *secrets_len, bool *is_damaged);

#endif
