/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/notes.h"

#include "harness/engine/outage.h"

#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/clients/external.h"
#include "harness/engine/declared.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

/* Some stacks reckon a deadline from a clock that they read once for many events (the gRPC C core: up to 2.3 ms
 * before its time), or by timers that round down. A server that ends streams early does so by more. */
#define DEADLINE_GRAIN_NS (10 * SL_MS)
/* What an end at the deadline may take, beside the pauses of the machine. */
#define DEADLINE_LATE_NS (50 * SL_MS)
/* A server that waits for its deadline has nothing else to do: too few processors explain half of this at most. */
#define DEADLINE_CROWD_NS (2 * SL_SECOND)

enum {
    SHOWN_MAX = 60, /* bytes of a peer's string in a reason */
    SCRATCH_MAX = HAR_TEXT_MAX + 64 * 1024,
};

/* Peer bytes for a reason: printable, quoted, cut. */
static const char *show(struct sl_span bytes, char text[SHOWN_MAX * 4 + 8])
{
    size_t at = 0;
    text[at++] = '\'';
    for (size_t i = 0; i < bytes.len && i < SHOWN_MAX; i++) {
        uint8_t c = bytes.data[i];
        if (c >= 0x20 && c < 0x7f) {
            text[at++] = (char)c;
        } else {
            at += (size_t)snprintf(text + at, 5, "\\x%02x", c);
        }
    }
    (void)snprintf(text + at, 6, "%s", bytes.len > SHOWN_MAX ? "...'" : "'");
    return text;
}

const char *har_note_show(struct sl_span bytes, char text[HAR_NOTE_SHOWN])
{
    return show(bytes, text);
}

/* The first field that differs, or NULL. */
static const char *difference(const struct har_play *play, const struct har_message *sent,
                              const struct har_message *got, char *text, size_t size)
{
    const char *const names[] = {"message_id", "room_id", "user_id", "text"};
    const struct sl_span wanted[] = {sent->message_id, sent->room_id, sent->user_id, sent->text};
    const struct sl_span seen[] = {got->message_id, got->room_id, got->user_id, got->text};
    bool may_fill = har_fills(play);
    for (size_t i = 0; i < 4; i++) {
        if (sl_span_equal(wanted[i], seen[i]) || (i == 0 && wanted[i].len == 0 && may_fill)) {
            continue;
        }
        size_t at = 0;
        while (at < wanted[i].len && at < seen[i].len && wanted[i].data[at] == seen[i].data[at]) {
            at++;
        }
        char a[SHOWN_MAX * 4 + 8];
        char b[SHOWN_MAX * 4 + 8];
        (void)snprintf(text, size,
                       "%s was sent with %zu bytes and arrived with %zu; from byte %zu on %.100s "
                       "was sent and %.100s arrived",
                       names[i], wanted[i].len, seen[i].len, at,
                       show(sl_span_from(wanted[i], at), a), show(sl_span_from(seen[i], at), b));
        return text;
    }
    if (sent->created_at != got->created_at && !(sent->created_at == 0 && may_fill)) {
        (void)snprintf(text, size, "created_at was sent as %lld and arrived as %lld",
                       (long long)sent->created_at, (long long)got->created_at);
        return text;
    }
    return NULL;
}

static void append_received(struct har_actor *actor, const struct har_received *received)
{
    if (actor->received_count >= HAR_SENT_MAX) {
        har_play_fail(actor->play, NULL, "SUB-17", "more than %d messages came to %s[%u]",
                      HAR_SENT_MAX, actor->spec->name, actor->index);
        return;
    }
    if (actor->received_count == actor->received_capacity) {
        actor->received_capacity =
            actor->received_capacity == 0 ? 64 : actor->received_capacity * 2;
        actor->received =
            sl_realloc(actor->received, actor->received_capacity * sizeof(actor->received[0]));
    }
    actor->received[actor->received_count++] = *received;
}

/* One message that some actor sent: may it be here, and is it whole? */
static void judge_received(struct har_actor *actor, struct har_actor *sender, uint32_t sequence,
                           const struct har_message *got, const struct har_message *wanted,
                           uint64_t now_ns)
{
    struct har_play *play = actor->play;
    const struct har_sent *sent = &sender->sent[sequence];
    char text[HAR_REASON_MAX];
    char room[SHOWN_MAX * 4 + 8];
    bool is_past = sent->replied_ns != 0 && sent->replied_ns < actor->opened_ns;
    bool is_chat = sender->spec->kind == HAR_CHAT;
    bool is_room_same = sl_span_equal(got->room_id, wanted->room_id);
    if (sent->is_partial) {
        har_play_fail(play, NULL, "CHAT-06",
                      "a message of which only a part was sent reached %s[%u]", actor->spec->name,
                      actor->index);
    } else if (sent->how != NULL && sent->how->is_refused) {
        har_play_fail(play, NULL, "SEND-02", "a message that was not accepted reached %s[%u]",
                      actor->spec->name, actor->index);
    } else if (is_chat && !har_actor_has_text(sender, sequence) &&
               har_profile_has(play->config.profile, "chat_broadcast")) {
        har_play_fail(play, NULL, "CHAT-04", "a chat's message without text reached %s[%u]",
                      actor->spec->name, actor->index);
    } else if (!sl_span_is(wanted->room_id, actor->room)) {
        har_play_fail(play, NULL, is_chat ? "CHAT-04" : "SEND-05",
                      "message %u of %s, sent to room %s, reached a subscriber of room '%.60s'",
                      sequence, sender->spec->name, show(wanted->room_id, room), actor->room);
    } else if (difference(play, wanted, got, text, sizeof(text)) != NULL) {
        har_play_fail(play, NULL, is_chat && !is_room_same ? "CHAT-04" : "SEND-04",
                      "message %u of %s was altered: %.360s", sequence, sender->spec->name, text);
    } else if (is_past && actor->past.after == NULL &&
               actor->past.received >= (uint32_t)actor->past.history && actor->past.history > 0) {
        har_play_fail(play, NULL, "SUB-12", "%s[%u] received more than %d messages of the past",
                      actor->spec->name, actor->index, actor->past.history);
    } else if (is_past && actor->past.after == NULL && actor->past.history == 0) {
        bool is_again = actor->generation > 1;
        har_play_fail(play, NULL, is_again ? "SUB-07" : "SUB-09",
                      "%s[%u] received message %u of %s, sent %llu ms before it subscribed%s",
                      actor->spec->name, actor->index, sequence, sender->spec->name,
                      (unsigned long long)((actor->opened_ns - sent->replied_ns) / SL_MS),
                      is_again ? " again" : "");
    } else {
        if (!is_chat) {
            har_judge_filled(sender, sequence, wanted, got);
        }
        actor->past.received += is_past;
        (void)snprintf(actor->past.last_id, sizeof(actor->past.last_id), "%.*s",
                       SL_SPAN_ARG(got->message_id));
        append_received(actor, &(struct har_received){.at_ns = now_ns,
                                                      .sequence = sequence,
                                                      .publisher = sender->number,
                                                      .generation = actor->generation,
                                                      .epoch = actor->past.epoch,
                                                      .phase = play->phase});
    }
}

/* A text without stamp: some message may have been sent so. */
static void note_unstamped(struct har_actor *actor, const struct har_message *got, uint64_t now_ns)
{
    struct har_play *play = actor->play;
    struct sl_buf scratch;
    sl_buf_init(&scratch, SCRATCH_MAX);
    char text[HAR_REASON_MAX];
    for (size_t i = 0; i < play->actor_count; i++) {
        struct har_actor *sender = &play->actors[i];
        for (uint32_t j = 0; j < sender->sent_count; j++) {
            const struct har_send_args *how = sender->sent[j].how;
            struct har_message wanted;
            if (how == NULL || how->message.stamp == 0) {
                continue;
            }
            har_actor_copy(sender, j, &scratch, &wanted);
            if (difference(play, &wanted, got, text, sizeof(text)) == NULL) {
                judge_received(actor, sender, j, got, &wanted, now_ns);
                sl_buf_release(&scratch);
                return;
            }
        }
    }
    sl_buf_release(&scratch);
    if (har_external_note(actor, got)) {
        return;
    }
    char shown[SHOWN_MAX * 4 + 8];
    har_play_fail(play, NULL, "SUB-17",
                  "%s[%u] received a message that nobody sent; its text is %s", actor->spec->name,
                  actor->index, show(got->text, shown));
}

static void note_probe(struct har_actor *actor, const struct har_stamp *stamp,
                       const struct har_message *got)
{
    struct har_play *play = actor->play;
    if (stamp->sequence == 0 || stamp->sequence > play->probe_count) {
        har_play_fail(play, NULL, "SUB-17", "%s[%u] received a probe that was not sent",
                      actor->spec->name, actor->index);
        return;
    }
    const char *room = play->probes[stamp->sequence - 1].room;
    if (strcmp(room, actor->room) != 0) {
        har_play_fail(play, NULL, "SEND-05",
                      "a message sent to room '%.60s' reached a subscriber of room '%.60s'", room,
                      actor->room);
    } else if (!sl_span_is(got->room_id, room)) {
        char shown[SHOWN_MAX * 4 + 8];
        har_play_fail(play, NULL, "SEND-04", "room_id '%.60s' arrived as %s", room,
                      show(got->room_id, shown));
    } else if (stamp->sequence > actor->probe_seen) {
        actor->probe_seen = stamp->sequence;
    }
}

void har_note_received(struct har_actor *actor, struct sl_span payload, uint64_t now_ns)
{
    struct har_play *play = actor->play;
    struct har_message got;
    struct har_stamp stamp;
    if (har_message_read(payload, &got) != SL_OK) {
        har_play_fail(play, NULL, "SUB-17", "%s[%u] received %zu bytes that are no ChatMessage",
                      actor->spec->name, actor->index, payload.len);
        return;
    }
    if (!har_stamp_read(got.text, &stamp)) {
        note_unstamped(actor, &got, now_ns);
        return;
    }
    if (stamp.run != play->stamp) {
        har_play_fail(play, NULL, "SEND-05", "%s[%u] received a message of another room",
                      actor->spec->name, actor->index);
        return;
    }
    if (stamp.publisher == HAR_PUBLISHER_PROBE) {
        note_probe(actor, &stamp, &got);
        return;
    }
    struct har_actor *sender = har_play_actor(play, stamp.publisher);
    if (sender == NULL || stamp.sequence >= sender->sent_count) {
        har_play_fail(play, NULL, "SUB-17",
                      "%s[%u] received message %u of publisher %u, never sent", actor->spec->name,
                      actor->index, stamp.sequence, stamp.publisher);
        return;
    }
    struct sl_buf scratch;
    struct har_message wanted;
    sl_buf_init(&scratch, SCRATCH_MAX);
    har_actor_copy(sender, stamp.sequence, &scratch, &wanted);
    judge_received(actor, sender, stamp.sequence, &got, &wanted, now_ns);
    sl_buf_release(&scratch);
}

/* The acknowledgement of message number sequence. */
static bool is_ack_of(struct har_actor *actor, uint32_t sequence, struct sl_span payload)
{
    struct sl_buf scratch;
    struct har_message message;
    sl_buf_init(&scratch, SCRATCH_MAX);
    har_actor_message(actor, sequence, &scratch, &message);
    bool is_it = sl_span_starts(payload, "ack:") &&
                 sl_span_equal(sl_span_from(payload, 4), message.message_id);
    sl_buf_release(&scratch);
    return is_it;
}

static void note_ack(struct har_actor *actor, struct sl_span payload, uint64_t now_ns)
{
    struct har_play *play = actor->play;
    char shown[SHOWN_MAX * 4 + 8];
    uint32_t next = har_actor_next_ack(actor);
    if (next >= actor->sent_count || actor->sent[next].is_partial) {
        bool is_partial = next < actor->sent_count;
        bool is_twice = !is_partial && next > 0 && is_ack_of(actor, next - 1, payload);
        har_play_fail(play, NULL,
                      is_partial ? "CHAT-06"
                      : is_twice ? "CHAT-01"
                                 : "CHAT-07",
                      "%s[%u] received %s %s", actor->spec->name, actor->index,
                      is_partial ? "an acknowledgement of a message that was never sent whole:"
                      : is_twice ? "twice the acknowledgement"
                                 : "an acknowledgement without a message:",
                      show(payload, shown));
        return;
    }
    if (!is_ack_of(actor, next, payload)) {
        har_play_fail(play, NULL, "CHAT-01",
                      "%s[%u] received %s in place of the acknowledgement of its message %u",
                      actor->spec->name, actor->index, show(payload, shown), next);
        return;
    }
    actor->sent[next].replied_ns = now_ns;
    actor->sent[next].is_accepted = true;
    actor->acked++;
}

void har_note_command(struct har_actor *actor, struct sl_span payload, uint64_t now_ns)
{
    struct har_play *play = actor->play;
    struct har_command command;
    char shown[SHOWN_MAX * 4 + 8];
    if (har_command_read(payload, &command) != SL_OK) {
        har_play_fail(play, NULL, "CHAT-07", "%s[%u] received %zu bytes that are no ServerCommand",
                      actor->spec->name, actor->index, payload.len);
    } else if (command.type == HAR_COMMAND_REDIRECT) {
        note_ack(actor, command.payload, now_ns);
    } else if (command.type != HAR_COMMAND_PING) {
        har_play_fail(play, NULL, "CHAT-07", "%s[%u] received a command of type %llu",
                      actor->spec->name, actor->index, (unsigned long long)command.type);
    } else if (!sl_span_is(command.payload, "ping")) {
        har_play_fail(play, NULL, "CHAT-02", "%s[%u] received a ping with payload %s",
                      actor->spec->name, actor->index, show(command.payload, shown));
    } else if (actor->pings++ < HAR_PINGS_MAX) {
        actor->ping_ns[actor->pings - 1] = now_ns;
    }
}

void har_note_bound(struct har_actor *actor, uint64_t now_ns)
{
    if (actor->spec->kind == HAR_CHAT && har_actor_next_ack(actor) < actor->sent_count) {
        struct har_sent *sent = &actor->sent[har_actor_next_ack(actor)];
        sent->replied_ns = now_ns;
        sent->is_accepted = true;
        actor->acked++;
    }
}

void har_note_generic(struct har_actor *actor, struct sl_span payload, uint64_t now_ns)
{
    struct har_play *play = actor->play;
    const struct sl_method *method = actor->method;
    if (har_inbox_add(actor->inbox, payload) != SL_OK) {
        har_play_fail(
            play, NULL, actor->end_rule,
            "%s[%u] received more than %d messages, or %d MiB of them, or all actors %d MiB",
            actor->spec->name, actor->index, HAR_INBOX_COUNT_MAX, HAR_INBOX_BYTES_MAX / 1024 / 1024,
            HAR_INBOXES_BYTES_MAX / 1024 / 1024);
        return;
    }
    append_received(actor, &(struct har_received){.at_ns = now_ns,
                                                  .sequence = actor->inbox->count - 1,
                                                  .phase = play->phase});
    /* What answers what is the service's affair; of two streams the n-th message answers the n-th. */
    bool is_bidi = method->is_client_streaming && method->is_server_streaming;
    if (is_bidi && actor->replied < actor->sent_count) {
        struct har_sent *sent = &actor->sent[actor->replied++];
        sent->replied_ns = now_ns;
    }
}

/* A stream of any service: by OK, unless the scenario says otherwise. */
static void note_generic_end(struct har_actor *actor)
{
    const struct har_strings *allowed = actor->end_status;
    const char *name = sl_grpc_status_name(actor->end_code);
    bool is_right = (allowed == NULL || allowed->count == 0) && actor->end_code == SL_GRPC_OK;
    for (size_t i = 0; allowed != NULL && i < allowed->count; i++) {
        is_right |= name != NULL && strcmp(allowed->items[i], name) == 0;
    }
    if (!is_right) {
        har_play_fail(actor->play, NULL, actor->is_end_of_connection ? "RES-02" : actor->end_rule,
                      "the server ended the stream of %s[%u] after %llu messages: %s",
                      actor->spec->name, actor->index, (unsigned long long)actor->messages,
                      actor->end_text);
    }
}

static uint32_t whole_messages(const struct har_actor *actor)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        count += !actor->sent[i].is_partial && !actor->sent[i].is_abandoned;
    }
    return count;
}

/* A stream with a deadline: ended by nothing else. */
static void judge_deadline(struct har_actor *actor)
{
    struct har_play *play = actor->play;
    uint64_t age_ns = actor->ended_ns - actor->opened_ns;
    double age_ms = (double)age_ns / (double)SL_MS;
    double timeout_ms = (double)actor->timeout_ns / (double)SL_MS;
    uint64_t late_after_ns =
        actor->timeout_ns + DEADLINE_LATE_NS + 2 * har_play_hiccup_ns(play, actor->opened_ns);
    bool is_cancelled =
        actor->end_code == SL_GRPC_CANCELLED || (!actor->is_end_of_status && actor->end_code != 0);
    if (actor->is_end_of_connection) {
        har_play_fail(play, NULL, "RES-02", "%s[%u], with a deadline of %g ms, ended with %s",
                      actor->spec->name, actor->index, timeout_ms, actor->end_text);
    } else if (age_ns + DEADLINE_GRAIN_NS < actor->timeout_ns) {
        har_play_fail(play, NULL, "TIME-01",
                      "the stream of %s[%u] ended after %.1f ms, before its deadline of %g ms: %s",
                      actor->spec->name, actor->index, age_ms, timeout_ms, actor->end_text);
    } else if (actor->end_code != SL_GRPC_DEADLINE_EXCEEDED && !is_cancelled) {
        har_play_fail(play, NULL, "TIME-02",
                      "at its deadline the stream of %s[%u] ended with %s, neither "
                      "DEADLINE_EXCEEDED nor a reset",
                      actor->spec->name, actor->index, actor->end_text);
    } else if (actor->was_connected && age_ns > late_after_ns) {
        bool is_explained =
            har_hiccup_may_delay(play->config.hiccup, actor->opened_ns, actor->ended_ns,
                                 DEADLINE_CROWD_NS, age_ns - late_after_ns);
        char text[HAR_REASON_MAX];
        (void)snprintf(text, sizeof(text),
                       "the stream of %s[%u] ended after %.1f ms, long after its deadline of %g ms",
                       actor->spec->name, actor->index, age_ms, timeout_ms);
        (is_explained ? har_play_fail_timing : har_play_fail)(play, NULL, "TIME-01", "%s", text);
    }
}

/* The stream ended in place of a subscription, as the scenario allows. */
static bool is_refusal(const struct har_actor *actor)
{
    const char *name = sl_grpc_status_name(actor->end_code);
    for (size_t i = 0;
         actor->past.refusals != NULL && i < actor->past.refusals->count && name != NULL; i++) {
        if (actor->messages == actor->messages_before &&
            strcmp(actor->past.refusals->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

const char *har_note_end_rule(const struct har_actor *actor)
{
    bool is_registered = actor->has_headers || actor->messages > actor->messages_before;
    if (actor->is_end_of_connection) {
        return "RES-02";
    }
    if (actor->spec->kind == HAR_CHAT) {
        return "CHAT-03";
    }
    bool is_named = actor->end_rule != NULL && !is_registered;
    return is_named || actor->spec->kind == HAR_STREAM ? actor->end_rule : "SUB-16";
}

void har_note_end(struct har_actor *actor)
{
    struct har_play *play = actor->play;
    if (har_outage_excuses(play, actor->opened_ns)) {
        return;
    }
    if (actor->timeout_ns != 0 && !play->is_over) {
        judge_deadline(actor);
        return;
    }
    if (play->is_over || actor->is_cut || is_refusal(actor) ||
        (play->may_end >> actor->group & 1) != 0) {
        return;
    }
    if (actor->spec->kind == HAR_STREAM) {
        note_generic_end(actor);
        return;
    }
    if (actor->is_flooding && actor->end_code == SL_GRPC_RESOURCE_EXHAUSTED) {
        return;
    }
    bool is_chat = actor->spec->kind == HAR_CHAT;
    uint64_t age_ms = (actor->ended_ns - actor->opened_ns) / SL_MS;
    if (!is_chat || !actor->is_half_closed) {
        har_play_fail(play, NULL, har_note_end_rule(actor),
                      "the server ended the stream of %s[%u] after %llu ms and %llu messages: %s",
                      actor->spec->name, actor->index, (unsigned long long)age_ms,
                      (unsigned long long)actor->messages, actor->end_text);
        return;
    }
    uint32_t sent = whole_messages(actor);
    if (actor->end_code != SL_GRPC_OK) {
        har_play_fail(play, NULL, actor->is_end_of_connection ? "RES-02" : "CHAT-03",
                      "after half-close %s[%u] ended with %s, not OK", actor->spec->name,
                      actor->index, actor->end_text);
    } else if (actor->acked < sent) {
        har_play_fail(play, NULL, "CHAT-03",
                      "%s[%u] ended after half-close with %llu of %u acknowledgements",
                      actor->spec->name, actor->index, (unsigned long long)actor->acked, sent);
    }
}

static bool is_allowed(const struct har_send_args *how, uint32_t code)
{
    const char *name = sl_grpc_status_name(code);
    if (how == NULL || how->status.count == 0) {
        return code == SL_GRPC_OK;
    }
    for (size_t i = 0; i < how->status.count; i++) {
        if (name != NULL && strcmp(how->status.items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void har_note_reply(struct har_actor *actor, uint32_t sequence, const struct har_call *call,
                    const struct har_stream_result *result)
{
    struct har_play *play = actor->play;
    struct har_sent *sent = &actor->sent[sequence];
    const struct har_send_args *how = sent->how;
    bool is_refused = how != NULL && how->is_refused;
    const char *rule = how != NULL && how->rule != NULL ? how->rule
                       : is_refused                     ? "SEND-02"
                                                        : "SEND-01";
    sent->replied_ns = sl_clock_mono_ns();
    sent->code = result->code;
    actor->replied++;
    if (har_outage_refuses(play, call->begin_ns, result->code)) {
        return;
    }
    if (!is_allowed(how, result->code)) {
        const char *name = sl_grpc_status_name(result->code);
        bool is_gone = result->source == SL_FROM_CONNECTION_CLOSED;
        char wanted[100] = "OK";
        if (how != NULL) {
            har_strings_show(&how->status, "OK", wanted, sizeof(wanted));
        }
        har_play_fail(play, NULL, is_gone ? "RES-02" : rule,
                      "the server answered call %u of %s with %s%s%.160s (%s); wanted: %s",
                      sequence, actor->spec->name, name == NULL ? "an unknown status" : name,
                      result->message[0] == '\0' ? "" : ": ", result->message,
                      sl_status_source_name(result->source), wanted);
        return;
    }
    if (how != NULL && how->violation != NULL) {
        har_judge_violation(play, how, result);
    }
    if (result->code != SL_GRPC_OK) {
        return;
    }
    if (play->config.binding != NULL) {
        if (call->messages != 1) {
            har_play_fail(play, NULL, rule, "%s was answered OK with %u messages",
                          play->config.binding->methods[HAR_ROLE_UNARY].method, call->messages);
        }
        sent->is_accepted = true;
        actor->accepted++;
        return;
    }
    struct har_reply reply;
    char shown[SHOWN_MAX * 4 + 8];
    const char *reason = how != NULL && how->reason != NULL ? how->reason
                         : is_refused                       ? "missing room or text"
                                                            : "";
    if (call->messages != 1) {
        har_play_fail(play, NULL, rule, "SendMessage was answered OK with %u messages",
                      call->messages);
    } else if (har_reply_read(sl_buf_span(&call->reply), &reply) != SL_OK) {
        har_play_fail(play, NULL, rule, "the answer of SendMessage is no ActionResponse");
    } else if (reply.is_accepted == is_refused) {
        har_play_fail(play, NULL, rule, "SendMessage answered accepted=%s, reason %s",
                      reply.is_accepted ? "true" : "false", show(reply.reason, shown));
    } else if (!sl_span_is(reply.reason, reason)) {
        har_play_fail(play, NULL, rule, "SendMessage gave the reason %s, not '%.60s'",
                      show(reply.reason, shown), reason);
    } else {
        sent->is_accepted = reply.is_accepted;
        actor->accepted += reply.is_accepted;
        if (!is_refused) {
            har_judge_request_id(actor, sequence, call, reply.request_id);
        }
    }
}

void har_note_finding(struct har_play *play, const struct sl_finding *finding)
{
    bool is_server = finding->side == SL_DIR_RESPONSE;
    for (size_t i = 0; i < play->finding_count; i++) {
        struct har_seen_finding *seen = &play->findings[i];
        if (strcmp(seen->rule, finding->rule) == 0 && seen->is_server == is_server &&
            seen->level == finding->level) {
            seen->count++;
            return;
        }
    }
    if (is_server && finding->level == 'M') {
        har_play_fail_aside(play, finding->rule, finding->text);
    }
    if (play->finding_count < HAR_FINDINGS_MAX) {
        struct har_seen_finding *seen = &play->findings[play->finding_count++];
        seen->level = finding->level;
        seen->is_server = is_server;
        seen->count = 1;
        (void)snprintf(seen->rule, sizeof(seen->rule), "%s", finding->rule);
        (void)snprintf(seen->text, sizeof(seen->text), "%s", finding->text);
    }
}
