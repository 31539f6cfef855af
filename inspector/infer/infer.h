/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_INFER_H
#define INS_INFER_H

/*
 * What the header fields were that could not be decoded, because their HPACK entries were inserted
 * before the capture began or while bytes were missing.
 *
 * Nothing is guessed into a field that was decoded; each field that is added says where it comes from
 * (enum sl_field_from: shape or order), and a field of which no one value is clearly right stays lost.
 *
 *  - After a gap in the middle of a connection the entries from before it are found again (align.h).
 *  - A literal whose name is an unseen entry is named by the shape of its value; so the entry's name is
 *    known from then on.
 *  - Calls whose :path is the same unseen entry are of the same method. The messages of all of them are
 *    held against each method of the schema (methods.h); one that is clearly best names them all.
 *  - The one lost field of a response's last block is its grpc-status, which such a block must have. It
 *    is 0 where all calls that end with that entry have a whole response message and no grpc-message.
 *
 * Pure: no I/O, no clock. Ownership: borrows the pool; calls are borrowed for each function.
 * Limits: INS_INFER_GROUPS_MAX groups of calls a connection, INS_INFER_GROUPS_ALL in all, INS_SLOTS_MAX slots
 * a direction whose names are kept; what is beyond them stays lost.
 */
#include "inspector/infer/methods.h"
#include "lib/wire/observer.h"

enum {
    INS_INFER_GROUPS_MAX = 64,
    INS_INFER_GROUPS_ALL = 512,
    INS_INFER_MESSAGE_MAX = 4096, /* bytes of a message that is evidence; the same in every view */
};

/* Of all connections. */
struct ins_infer;
/* Of one connection. */
struct ins_infer_connection;
/* Calls of one connection that share their unknown :path. */
struct ins_infer_group;

/* pool may be NULL: then no method is inferred from messages. */
struct ins_infer *ins_infer_new(const struct sl_pool *pool);
/* After every connection of it. */
void ins_infer_free(struct ins_infer *infer);

struct ins_infer_connection *ins_infer_open(struct ins_infer *infer);
void ins_infer_close(struct ins_infer_connection *connection);

/* A block of a call, before anything is made of it: adds fields to headers. The group of a request whose
 * :path stays unknown, else NULL; it lives until ins_infer_close(). */
struct ins_infer_group *ins_infer_block(struct ins_infer_connection *connection, enum sl_dir dir,
                                        bool is_last, const struct sl_hpack_decoder *decoder,
                                        struct sl_headers *headers);
/* A message of a call of the group; where it is the one that names it, :path is added to the call. */
void ins_infer_message(struct ins_infer_group *group, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message);
/* The call is about to end: adds what is known by now to its headers. group may be NULL. */
void ins_infer_end(struct ins_infer_connection *connection, struct ins_infer_group *group,
                   struct sl_call *call);
/* The methods that calls of the group may be of, best first. NULL group: none. */
size_t ins_infer_candidates(const struct ins_infer_group *group,
                            const struct sl_method *ret_methods[INS_CANDIDATES_MAX]);
#endif
