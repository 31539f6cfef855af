/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BINDING_NEEDS_H
#define HAR_BINDING_NEEDS_H

/*
 * What a scenario needs of the methods that it calls, derived from what it does and expects: so nobody tags it by hand.
 *
 * A scenario that needs chat.v1 itself (the contents of messages, rooms, acknowledgements by name) runs without a binding
 * only. One that names the methods of another service is none of a binding's affair, and needs no role by that.
 */
#include "harness/binding/binding.h"
#include "harness/engine/verdict.h"
#include "harness/scenario/library.h"

/* X(name, what lists call it, what is needed) */
#define HAR_BOUND_NEEDS(X)                                                                     \
    X(UNARY, "unary", "a unary method")                                                        \
    X(SERVER_STREAM, "server-stream", "a server stream")                                       \
    X(BIDI, "bidi", "a bidi method")                                                           \
    X(ECHO, "echo", "a bidi method that answers each message")                                 \
    X(HALF_CLOSE, "half-close", "a server stream that outlives the end of the client's side")  \
    X(SIZE, "size", "a request with a field that may be of any size")                          \
    X(EMPTY, "empty", "a unary method that answers an empty message with OK")                  \
    X(BYTES, "bytes", "a unary method that answers the bytes of a message of chat.v1 with OK") \
    X(REPLY, "reply", "an answer of so many bytes")                                            \
    X(FEED, "feed", "a server stream whose messages the scenario causes")                      \
    X(CHAT, "chat", "the service chat.v1")

enum har_bound_need {
#define X(name, word, text) HAR_BOUND_##name,
    HAR_BOUND_NEEDS(X)
#undef X
        HAR_BOUND_COUNT,
};

struct har_bound_needs {
    unsigned mask; /* HAR_BIT of enum har_bound_need */
    const char *places
        [HAR_BOUND_COUNT]; /* the first in the file; of CHAT what for. Borrowed from the scenario. */
    uint32_t reply_bytes;  /* of REPLY */
};

const char *har_bound_need_word(enum har_bound_need need);

void har_bound_needs(const struct har_scenario *scenario, struct har_bound_needs *ret_needs);

/* False with the reason where the binding lacks something. NULL binding: chat.v1, which has everything. */
bool har_binding_fits(const struct har_binding *binding, const struct har_scenario *scenario,
                      char ret_reason[HAR_REASON_MAX]);

/* Rules of level M: how many there are, and how many of them are listed by scenarios that fit the binding and need
 * nothing of a profile. */
struct har_binding_coverage {
    size_t rules, checked;
};
struct har_binding_coverage har_binding_cover(const struct har_binding *binding,
                                              const struct har_library *library);

#endif
