/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BLAST_TEXT_H
#define HAR_BLAST_TEXT_H

/* What was seen of the actors in one scope of a fault, summed up and told in a sentence. */
#include "harness/story/story.h"
#include "harness/story/traffic.h"

enum {
    HAR_BLAST_NAMES = 3, /* that a sentence has */
};

/* One actor. */
struct har_blast_actor {
    bool is_reader; /* else a publisher, chat or client */
    bool is_judged, is_affected, is_slow;
    struct har_account before, after;
    const char *end; /* status of an end that it did not ask for; NULL: none */
};

/* Actors of whom the same is told. */
struct har_blast_group {
    const char *names[HAR_BLAST_NAMES];
    size_t count;
    uint64_t wanted[2], got[2]; /* before, after */
    uint64_t p99_ns[2];         /* the longest of theirs */
    uint64_t unanswered, errors;
    size_t ends;
    const char *end; /* the first */
};

/* Zeroed is empty. */
struct har_blast_scope {
    size_t of, judged, affected, slow;
    const char *actors[HAR_STORY_NAMES_MAX];
    size_t actor_count;
    struct har_blast_group groups[2][2]; /* affected or not; readers or not */
};

/* Adds an actor; its name is put into the story's arena. */
void har_blast_note(struct har_blast_scope *scope, struct har_story *story,
                    const struct har_actor *actor, const struct har_blast_actor *seen);
/* nobody: what is told of a scope in which nobody is. */
void har_blast_tell(struct har_story *story, const struct har_blast_scope *scope,
                    struct har_story_affected *ret_affected, const char *nobody);

#endif
