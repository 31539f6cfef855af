/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FRAMING_H
#define HAR_FRAMING_H

/*
 * What the proxy knows of a connection's frames: both directions are read by an observer, to key faults on
 * frames, streams, methods and messages, and passed on byte for byte but where a fault of frames applies.
 *
 *     feed -> frame header (held until whole) -> rules -> pass     as it is, in the pieces that came
 *                                                      -> hold     until whole: drop, rewrite, set aside
 *                                                      -> inject   at the next boundary between frames
 *
 * Flow control is never terminated: a dropped WINDOW_UPDATE is credit that nobody gets. A connection that
 * does not begin as HTTP/2 does (TLS, another protocol) is passed on unread, and faults of frames do not
 * apply to it. No I/O and no clock in here.
 *
 * Limits: frames set aside count into har_framing_waiting(), by which the owner stops reading; a frame
 * longer than HAR_H2_FRAME_MAX is never held.
 */
#include "harness/proxy/h2_edit.h"
#include "lib/wire/observer.h"

struct har_framing_handler {
    /* Bytes of dir to pass on, behind all that were passed before, and not before delay_ns from now. */
    void (*pass)(void *owner, enum sl_dir dir, struct sl_span bytes, uint64_t delay_ns);
    /* A frame of dir has come whole (passed or not). stream 0: the connection's. */
    void (*frame)(void *owner, enum sl_dir dir, uint32_t stream, struct sl_span path);
    /* A message of a call is complete; told before the frame that completes it. */
    void (*message)(void *owner, enum sl_dir dir, uint32_t stream, struct sl_span path);
    /* A call has begun. */
    void (*call)(void *owner, uint32_t stream, struct sl_span path);
    /* The rule did something for the first time on this connection. */
    void (*applied)(void *owner, uint64_t id);
};

struct har_framing;

struct har_framing *har_framing_new(const struct har_framing_handler *handler, void *owner);
void har_framing_free(struct har_framing *framing);

/* A fault of frames that applies from now on; kept until it is removed. */
void har_framing_add(struct har_framing *framing, uint64_t id, const struct har_fault *fault,
                     uint64_t now_ns);
void har_framing_remove(struct har_framing *framing, uint64_t id);

/* Bytes of one direction. stop, when a handler says that the rest is of no use, ends the feeding. */
void har_framing_feed(struct har_framing *framing, enum sl_dir dir, struct sl_span bytes,
                      uint64_t now_ns);
/* The source of dir has ended: what was held or set aside is passed. */
void har_framing_finish(struct har_framing *framing, enum sl_dir dir, uint64_t now_ns);
/* Passes what was set aside and is due; answers when to ask again, UINT64_MAX: need not. */
uint64_t har_framing_turn(struct har_framing *framing, uint64_t now_ns);
/* Bytes set aside or held of dir. */
size_t har_framing_waiting(const struct har_framing *framing, enum sl_dir dir);
/* From a handler: nothing more of dir will be passed. */
void har_framing_stop(struct har_framing *framing, enum sl_dir dir);

/* True when a call that the fault names is open. */
bool har_framing_has_call(const struct har_framing *framing, const struct har_fault *fault);

#endif
