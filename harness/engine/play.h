/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PLAY_H
#define HAR_PLAY_H

/*
 * One execution of one scenario.
 *
 *     tracks of steps -> actors on connections -> records -> checks -> failures
 *
 * Callbacks of the transports only note what happened (actor.c) and mark the play dirty; once per turn
 * of the loop the play lets its steps look (har_play_turn): a step polls the counters of its actors,
 * acts, and says when it is done. So order comes from one place and no step is called from inside
 * another. A timer of nanosecond grain wakes the play when a step asked for it.
 *
 * Every play ends: a step has a deadline, the play has one, and a broken promise that was seen ends it at
 * once. done() is called from the loop, once; har_play_free may be called from it.
 */
#include <uv.h>

#include "harness/checks/obstacle.h"
#include "harness/engine/call.h"
#include "harness/engine/record.h"
#include "harness/engine/verdict.h"
#include "harness/engine/wire.h"
#include "harness/raw/seen.h"
#include "harness/scenario/model.h"
#include "harness/scenario/profile.h"
#include "harness/target/hiccup.h"
#include "lib/schema/pool.h"

enum {
    HAR_DURATION_MAX_MS = 1000000000,
    HAR_BARRIERS_MAX = 32,
};

struct har_chronicle;  /* harness/story/chronicle.h */
struct har_judged_ids; /* harness/engine/declared.h */
struct har_play;
struct har_actor;

enum har_stream_state {
    HAR_STREAM_NONE,
    HAR_STREAM_OPEN,
    HAR_STREAM_ENDED, /* by the server */
    HAR_STREAM_LEFT,  /* by us: cancel or close */
};

struct har_actor {
    struct har_play *play;
    const struct har_actor_spec *spec;
    unsigned group, index; /* index in the group */
    uint16_t number;       /* in the play, from 1: the publisher of stamps */
    struct har_link *link;
    char *room;

    struct har_stream *stream;     /* of a subscriber or chat */
    uint32_t raw_stream, raw_told; /* the last whose number frames took; that "outcome" tells of */
    int raw_role;                  /* enum har_role, of its request; of a raw actor */
    enum har_stream_state state;
    bool has_headers, is_half_closed;
    bool is_flooding;    /* the server may end it RESOURCE_EXHAUSTED */
    bool is_cut;         /* END_STREAM came in the middle of a message: it may end as it likes */
    unsigned generation; /* streams opened so far */
    uint64_t opened_ns, ended_ns;
    uint64_t timeout_ns; /* of the stream, from opened_ns; 0: none */
    bool was_connected;  /* when the stream was opened */
    uint64_t half_closed_ns;
    uint32_t end_code;
    bool is_end_of_connection, is_end_of_status; /* not of the stream alone; a grpc-status came */
    char end_text[200];
    struct har_past past;               /* of a subscriber */
    uint32_t probe_seen;                /* the last one; 0: none */
    uint64_t messages, messages_before; /* on its streams, probes too; on those before this one */
    size_t noted; /* its stream's number in the play's chronicle, from 1; 0: none */

    struct har_sent *sent;
    uint32_t sent_count, sent_capacity;
    uint32_t stream_first; /* of a chat: the first message of its stream */
    struct har_received *received;
    uint32_t received_count, received_capacity;
    uint64_t replied, accepted, acked, pings;
    uint32_t loads;     /* steps that sent so far: each draws from a random stream of its own */
    uint32_t abandoned; /* of a chat: messages of streams that it left before their acks came */
    uint64_t ping_ns[HAR_PINGS_MAX];
    struct har_call *calls;
    uint32_t calls_open;
    struct har_ping_probe *probes; /* HTTP/2 PINGs */
    size_t probe_count;
    struct har_child *child;           /* of kind child, since it was spawned */
    struct har_external *external;     /* of kind external, since it was spawned */
    struct har_client_ids *client_ids; /* of messages of such clients; NULL: none came */

    /* of a stream (harness/messages/generic.h) */
    const struct sl_method *method;       /* from the first open on */
    struct har_inbox *inbox;              /* every message that came */
    uint32_t read_count;                  /* of the inbox: those that `receive` has taken */
    const struct har_strings *end_status; /* how the server may end it; NULL: by OK */
    const char *end_rule; /* of a subscriber too, until it is registered; NULL: that of its kind */
    json_t *trailers;
};

typedef void har_play_done_fn(void *owner, struct har_play *play);

/* What a play is given; all borrowed until it is freed. */
struct har_play_config {
    uv_loop_t *loop;
    const struct har_scenario *scenario;
    const struct har_profile *profile;
    const struct har_binding *binding; /* harness/binding/; NULL: chat.v1 plays the roles */
    struct har_conn_config conn;       /* host, port, authority, tls, capture */
    const struct sl_header *metadata;
    size_t metadata_count;
    const struct sl_pool *pool; /* types of the calls with JSON messages */
    const char *schema_note;    /* why the pool does not have more; NULL: nobody was asked */
    uint64_t seed;
    uint32_t run;  /* random number of the run, in rooms and stamps */
    unsigned turn; /* of this scenario in this run: repeats and re-runs use other rooms */
    struct har_hiccup *hiccup;
    const struct har_calibration *calibration; /* NULL: none */
    struct har_target *target;                 /* for verbs on its process; NULL: there are none */
    const char *client;                        /* the command of --client; NULL: there is none */
    pid_t pid;                                 /* the target's; 0: cannot be observed */
    uint64_t rtt_ns;       /* of one call, as the target was seen to answer; 0: not known */
    const char *core_note; /* why actors of transport grpc are played over h2; NULL: they are not */
    struct har_slots_run *slots; /* harness/aftermath/slots.h; NULL: nobody looks */
    bool is_strict;              /* findings of level S fail too */
    har_play_done_fn *done;
    void *owner;
};

struct har_barrier {
    const char *name;
    unsigned arrived;
};

struct har_play {
    struct har_play_config config;
    const struct har_scenario *scenario;
    uint32_t stamp; /* in every stamp and room: this play and no other */
    uint64_t begin_ns, deadline_ns, end_ns;
    struct har_actor *actors;
    size_t actor_count;
    size_t group_begin[HAR_ACTORS_MAX + 1]; /* actors of group g: [begin[g], begin[g+1]) */
    struct har_link *links;
    struct har_proxy *proxy;  /* of the actors via the proxy; NULL: there are none */
    char *authority;          /* what they call the server */
    struct har_actor *prober; /* sends the probes; not in actors */
    struct har_probe *probes;
    uint32_t probe_count, probe_capacity;
    struct har_track *root;
    struct har_slots *slots; /* behind the checks, harness/aftermath/slots.h; NULL: not yet */
    struct har_target_answer answer;
    int phase; /* the one entered last; -1: none yet */
    uint64_t phase_begin_ns[HAR_NODES_MAX], phase_end_ns[HAR_NODES_MAX], entered_ns;
    struct har_mark marks[HAR_MARKS_MAX];
    struct har_seen_finding findings[HAR_FINDINGS_MAX];
    size_t mark_count, finding_count;
    struct har_seen_list seen; /* what came of frames that the scenario wrote */
    struct har_failure failures[HAR_FAILURES_MAX];
    size_t failure_count;
    struct har_obstacles obstacles;
    char flood_note[96];  /* one of the notes: what `flood` measured; "": nothing */
    const char *notes[8]; /* checks that could not be made, with the reason */
    size_t note_count;
    struct har_barrier barriers[HAR_BARRIERS_MAX];
    size_t barrier_count;
    bool *monitors;                  /* per check: its predicate came true at least once */
    uint64_t may_end;                /* groups whose streams a check expects to end */
    struct har_chronicle *chronicle; /* for the story; NULL: none is kept */
    uint64_t last_frame_ns;          /* of HEADERS, DATA or RST_STREAM of the server */
    uint64_t evidence;               /* replies, messages, acks and pings seen */
    uint64_t inbox_bytes;            /* of all that its actors and calls keep */
    uint64_t wake_ns;                /* earliest that a step asked for; UINT64_MAX: none */
    bool is_dirty, is_over, is_judging, is_told; /* told: done() was called */
    bool is_mistaken; /* the scenario asked for what cannot be: what follows proves nothing */
    bool says_fill, says_dedup; /* the target, of itself (harness/engine/declared.h) */
    struct har_judged_ids *request_ids, *filled_ids; /* NULL: none yet */
    int timer_fd;
    uv_poll_t timer;
    uv_idle_t idle;
    uv_check_t check;
    unsigned handles_open, counts;   /* counts: of links, made so far */
    unsigned expr_depth, expr_steps; /* steps: `let` names looked up for one value */
    uint64_t judged_mask; /* groups of the check that is being run: base.* is theirs; 0: all */
    bool is_unmeasured;   /* a value that was just read was to be measured, and was not */
    char doubt[120];      /* why a value that was just read is uncertain; "": it is not */
    har_play_done_fn *freed;
    void *freed_owner;
};

/* Begins at once. */
struct har_play *har_play_new(const struct har_play_config *config);
/* Closes everything; freed() is called from the loop when the last handle is gone (play is then gone). */
void har_play_free(struct har_play *play, har_play_done_fn *freed, void *owner);

/* Something happened: steps will look in this turn of the loop. */
void har_play_touch(struct har_play *play);
/* Steps will look again at when_ns at the latest. */
void har_play_wake(struct har_play *play, uint64_t when_ns);
/* A broken promise. Ends the play; what follows is not recorded. */
void har_play_fail(struct har_play *play, const struct har_node *node, const char *rule,
                   const char *format, ...) SL_PRINTF(4, 5);
/* The same, where a pause of the machine could explain it. */
void har_play_fail_timing(struct har_play *play, const struct har_node *node, const char *rule,
                          const char *format, ...) SL_PRINTF(4, 5);
/* The same, and the play goes on: what it asks for may say more. */
void har_play_fail_aside(struct har_play *play, const char *rule, const char *text);
bool har_play_is_told(const struct har_play *play, const char *rule, const char *text);
/* The scenario asks for what cannot be (a division by zero): a usage error ends the play. path: in its file. */
void har_play_mistake(struct har_play *play, const char *path, const char *format, ...)
    SL_PRINTF(3, 4);
/* The harness could not do its part, or does not know a number: the play is inconclusive. */
void har_play_give_up(struct har_play *play, const struct har_node *node, const char *reason,
                      const char *text);
/* The failures from number first_failure on may be our own fault, by reason; when all are, the play is inconclusive. */
void har_play_doubt(struct har_play *play, size_t first_failure, const char *reason);

/* Something did not happen in waited_ns: a timing failure only if the machine paused for a good part of it. */
void har_play_fail_late(struct har_play *play, const struct har_node *node, const char *rule,
                        uint64_t waited_ns, const char *text);

/* The value of an expression now; fallback when the key was absent. Where it has none (the profile is silent,
 * a division by zero) it is a mistake of the scenario; where calibration failed, the play is given up. */
double har_play_value(struct har_play *play, const struct har_expr *expr, double fallback);
/* The value of an expression for a text; false, and nothing else happens, where it has none. */
bool har_play_peek(struct har_play *play, const char *text, double *ret_value);
/* The same from low to high; another value is a mistake, and the nearest of them is returned. */
double har_play_value_in(struct har_play *play, const struct har_expr *expr, double fallback,
                         double low, double high);
/* A duration, at most HAR_DURATION_MAX_MS. */
uint64_t har_play_ns(struct har_play *play, const struct har_expr *expr, double fallback_ms);
/* A template as a string: "{room}", "{i}". Yours to sl_free. */
char *har_play_expand(const struct har_play *play, const char *text, unsigned index);

/* The longest pause of the machine since from_ns, never less than a grain of 1 ms. */
uint64_t har_play_hiccup_ns(const struct har_play *play, uint64_t from_ns);
/* max(1, S / 10 ms), at most 3: what timeouts are multiplied by. */
double har_play_slack(const struct har_play *play, uint64_t from_ns);

/* A time limit that began at from_ns, when evidence stood at from_evidence, stretched by the pauses since: times
 * the slack, but by no more than a hundred of the longest pause; while there are too few processors, up to ten times as
 * long, at most 8 s more. Where a call of this target takes long (a WAN), also by round trips: a few, and two for every answer since. So a slow server gets its time, a hanging one not. */
uint64_t har_play_allowed_ns(const struct har_play *play, uint64_t from_ns, uint64_t from_evidence,
                             uint64_t limit_ns);
/* True when the scenario's time is up, or the target has said nothing at all for too long. */
bool har_play_is_out_of_time(const struct har_play *play);

/* True when a record of this phase belongs to the phases of a check. */
bool har_phase_matches(const struct har_play *play, const struct har_strings *phases, int phase);
#endif
