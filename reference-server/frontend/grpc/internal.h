/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_GRPC_INTERNAL_H
#define SRV_GRPC_INTERNAL_H

/*
 * What the files of this folder share. Everything here is touched under grpc->lock only.
 *
 * The C core's rule: each started tag comes back exactly once, also after a cancel. A call counts the tags that are
 * out and is freed when RECV_CLOSE came back and the count is 0.
 *
 *     slot ---> begin --+--> unary: one batch with everything ---------------> freed
 *                       +--> stream: initial metadata, RECV_CLOSE, then
 *                                SEND_MESSAGE, one at a time, as the stream is pulled
 *                                RECV_MESSAGE, one at a time, as the stream can receive
 *                                SEND_STATUS, once --------------------------> freed
 */
#include <grpc/grpc.h>
#include <pthread.h>

#include "reference-server/frontend/frontend.h"
#include "reference-server/frontend/grpc/credentials.h"
#include "reference-server/frontend/timers.h"

struct srv_tag;
typedef void srv_tag_fn(struct srv_tag *tag, bool ok);

/* What the completion queue hands back: embedded, one for each operation. */
struct srv_tag {
    srv_tag_fn *done;
};

struct srv_call;

/* A request for one call of a method, always outstanding. */
struct srv_slot {
    struct srv_tag tag;
    struct srv_grpc *grpc;
    const struct srv_method *method; /* NULL: any method that is not registered */
    void *registered;
    grpc_call *call;
    grpc_call_details details;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload;
};

struct srv_call {
    struct srv_grpc *grpc;
    grpc_call *call;
    grpc_metadata_array metadata;
    struct srv_stream *stream; /* NULL: unary, or closed */
    struct srv_call_record record;
    bool has_status; /* it is the record's */
    struct srv_timer timer;
    gpr_timespec deadline;           /* the C core keeps it, but in wrong servers */
    struct srv_timer deadline_timer; /* theirs */
    struct srv_tag begin_tag;
    struct srv_tag close_tag;
    struct srv_tag send_tag;
    struct srv_tag receive_tag;
    struct srv_tag status_tag;
    unsigned tags_out;
    int cancelled;
    grpc_byte_buffer *received;
    uint64_t send_began_ns; /* kept with --stall-limit only */
    bool is_sending;
    bool is_stalled; /* it was ended for that */
    bool is_receiving;
    bool is_input_over;
    bool has_headers;               /* they were given to the C core */
    bool is_ending;                 /* the status is on its way, or nothing can be sent any more */
    bool is_closed;                 /* RECV_CLOSE came back */
    struct srv_answer held_answer;  /* wrong servers: a reply that waits */
    struct srv_frame *held_request; /* until nobody else holds this */
    struct srv_call *prev;
    struct srv_call *next;
};

enum srv_drain_phase {
    SRV_RUNNING,
    SRV_TOLD,      /* health says NOT_SERVING */
    SRV_DRAINING,  /* GOAWAY went out */
    SRV_ENDING,    /* streams were given their status */
    SRV_KICKING,   /* those that could not be sent it were cancelled with it */
    SRV_CANCELLED, /* everything was cancelled */
};

struct srv_grpc {
    struct srv_frontend base;
    pthread_mutex_t lock;
    pthread_cond_t timer_change;
    pthread_t poll_thread;
    pthread_t timer_thread;
    bool is_timer_stopped;
    struct srv_timers timers;
    grpc_server *server;
    grpc_completion_queue *queue;
    struct srv_credentials *credentials;
    struct srv_services *services;
    struct srv_chat *chat; /* of services */
    struct srv_call *calls;
    struct srv_slot *slots;
    size_t slots_out;
    int port;
    enum srv_drain_phase phase;
    size_t max_message;
    uint64_t drain_grace_ns;
    struct srv_timer drain_timer;
    struct srv_timer trim_timer;
    size_t calls_ended; /* since memory was last given back */
    struct srv_tag shutdown_tag;
    bool is_shut_down; /* every connection has gone */
    void (*ended)(void *context);
    void *ended_context;
};

/* --- drain.c --- */

void srv_grpc_drain(struct srv_frontend *frontend);

/* --- call.c --- */

/* A call of came->method came in. Takes its call, metadata and payload (may be NULL). */
void srv_call_begin(const struct srv_slot *came);

/* Ends a stream with a status behind what was already given to the transport. */
void srv_call_end(struct srv_call *call, enum sl_grpc_status status, const char *text);

/* --- stall.c: --stall-limit --- */

/* Something is given to the C core that waits for the client's credit: call->timer, which meanwhile has nothing else to
 * do, will ask srv_stall_ends. Nothing happens where there is no limit. */
void srv_stall_watch(struct srv_call *call);

/* True while the C core still has it. Where that is longer than the limit, the call is ended: past what waits, as no
 * status of the usual kind could be. */
bool srv_stall_ends(struct srv_call *call);

/* --- server.c --- */

void srv_grpc_set_timer(struct srv_grpc *grpc, struct srv_timer *timer, uint64_t due_ns);

/* A call has been freed: gives memory back to the system once many have. */
void srv_grpc_note_ended(struct srv_grpc *grpc);

/* Shuts the completion queue down when nothing is left that it could be needed for. */
void srv_grpc_check_end(struct srv_grpc *grpc);

/* --- bytes.c --- */

/* Gives the bytes of buffer, which is destroyed, as a new frame; what is compressed is inflated. SL_LIMIT when that
 * is more than --max-message, SL_MALFORMED when it cannot be done; then there is no frame. */
enum sl_status srv_bytes_take(const struct srv_grpc *grpc, grpc_byte_buffer *buffer,
                              struct srv_frame **ret_frame);

/* How a call ends whose message was not taken, as status says. */
struct srv_answer srv_bytes_refusal(enum sl_status status);

/* A buffer over frame's bytes, without a copy; takes frame. */
grpc_byte_buffer *srv_bytes_give(struct srv_frame *frame);

/* --- channel_args.c --- */

/* A server with the settings of config. */
grpc_server *srv_server_new(const struct srv_frontend_config *config,
                            const struct srv_misbehave *misbehave);

/* --- metadata.c --- */

/* The first value of a name, if it may be sent back as it is; else empty. Borrowed. */
struct sl_span srv_metadata_find(const grpc_metadata_array *metadata, const char *name);

enum {
    SRV_METADATA_MAX = 2,
};

/* The metadata of an answer, in the C core's form; the slices are its own. */
struct srv_metadata {
    grpc_metadata initial[SRV_METADATA_MAX];
    size_t initial_count;
    grpc_metadata trailing[SRV_METADATA_MAX];
    size_t trailing_count;
};

/* Takes the frames for metadata out of answer. */
void srv_metadata_take(struct srv_metadata *metadata, struct srv_answer *answer);

/* After the batch was started. */
void srv_metadata_release(struct srv_metadata *metadata);

#endif
