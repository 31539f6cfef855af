/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_DESCRIPTORS_H
#define SRV_DESCRIPTORS_H

/*
 * The FileDescriptorProtos that were built into the program, looked up as server reflection asks for them.
 *
 * Nothing is indexed: a look-up walks a set of some twenty files that is ours, and a name from a peer is only
 * ever compared. Names are full ones without a leading dot.
 *
 * Ownership: borrows the set, and answers borrow from it.      Threads: any.
 */
#include "lib/base/span.h"

enum {
    SRV_DESCRIPTOR_FILES_MAX = 64, /* files of a set that are looked at */
};

/* The files of a serialised FileDescriptorSet, in any order. */
struct srv_descriptors {
    struct sl_span files[SRV_DESCRIPTOR_FILES_MAX];
    size_t count;
};

void srv_descriptors_init(struct srv_descriptors *set, struct sl_span serialised);

/* All of these: the index of the file, or -1. */
int srv_descriptors_by_name(const struct srv_descriptors *set, struct sl_span name);
/* Of a message, enum, service, method, field, oneof, enum value or extension. */
int srv_descriptors_by_symbol(const struct srv_descriptors *set, struct sl_span symbol);
int srv_descriptors_by_extension(const struct srv_descriptors *set, struct sl_span extendee,
                                 int32_t number);

/* Each extension of a message type, told by its number and file. */
typedef void srv_extension_fn(void *owner, int32_t number, int file);
void srv_descriptors_extensions(const struct srv_descriptors *set, struct sl_span extendee,
                                srv_extension_fn *tell, void *owner);

/* Marks a file and all that it imports, directly or not; needed has set->count members. */
void srv_descriptors_mark_needed(const struct srv_descriptors *set, int file, bool *needed);

#endif
