/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/chat_metrics.h"

#define LABEL_OF(name, label) label,

static const char *const outcomes[] = {SRV_OUTCOMES(LABEL_OF)};
static const char *const drops[] = {SRV_DROPS(LABEL_OF)};
static const char *const limits[] = {SRV_LIMITS(LABEL_OF)};

static const struct srv_family_spec received = {
    .type = SRV_COUNTER,
    .name = "sluice_chat_messages_total",
    .help = "Chat messages received, by what became of them.",
    .labels = {"outcome"}};
static const struct srv_family_spec dropped = {
    .type = SRV_COUNTER,
    .name = "sluice_dropped_messages_total",
    .help = "Messages dropped for a subscription, by the bound that was reached.",
    .labels = {"bound"}};
static const struct srv_family_spec refused = {
    .type = SRV_COUNTER,
    .name = "sluice_refused_calls_total",
    .help = "Calls refused or ended with RESOURCE_EXHAUSTED, by limit.",
    .labels = {"limit"}};
static const struct srv_family_spec waiting = {
    .type = SRV_GAUGE,
    .name = "sluice_buffered_messages",
    .help = "Messages that wait in the buffers of subscriptions."};
static const struct srv_family_spec message_bytes = {
    .type = SRV_GAUGE,
    .name = "sluice_message_memory_bytes",
    .help = "Memory of the messages that wait or that a history keeps, each once."};

/* Copies end in one way each; what has not ended waits. */
static bool read_waiting(const void *context, double *ret_value)
{
    const struct srv_chat_stats *stats = context;
    uint64_t ended = sl_tally_get(&stats->sent) + sl_tally_get(&stats->discarded);
    for (size_t i = 0; i < SRV_DROP_COUNT; i++) {
        ended += sl_tally_get(&stats->dropped[i]);
    }
    /* Read last, so that the difference is not below 0. */
    uint64_t copies = sl_tally_get(&stats->copies);
    *ret_value = copies < ended ? 0 : (double)(copies - ended);
    return true;
}

static bool read_message_bytes(const void *context, double *ret_value)
{
    const struct srv_chat_stats *stats = context;
    *ret_value = (double)atomic_load_explicit(&stats->message_bytes, memory_order_relaxed);
    return true;
}

static void add_labelled(struct srv_metrics *metrics, const struct srv_family_spec *spec,
                         const char *const *labels, const struct sl_tally *tallies, size_t count)
{
    struct srv_family *family = srv_metrics_add(metrics, spec);
    for (size_t i = 0; i < count; i++) {
        srv_family_watch(family, &labels[i], &tallies[i]);
    }
}

/* Families without labels. */
static void add_plain(struct srv_metrics *metrics, const struct srv_chat *chat)
{
    const struct srv_chat_stats *stats = &chat->stats;
    static const struct srv_family_spec specs[] = {
        {.type = SRV_COUNTER,
         .name = "sluice_broadcast_copies_total",
         .help = "Messages for a subscription: broadcasts times subscribers, and history."},
        {.type = SRV_COUNTER,
         .name = "sluice_delivered_messages_total",
         .help = "Messages of subscriptions given to the transport."},
        {.type = SRV_COUNTER,
         .name = "sluice_delivered_bytes_total",
         .help = "Bytes of the messages of subscriptions given to the transport."},
        {.type = SRV_COUNTER,
         .name = "sluice_discarded_messages_total",
         .help = "Messages that still waited when their subscription ended."},
        {.type = SRV_COUNTER,
         .name = "sluice_buffer_full_total",
         .help = "Times that the buffer of a subscription became full."},
        {.type = SRV_COUNTER,
         .name = "sluice_chat_acks_total",
         .help = "Acks of ChatRoom given to the transport."},
        {.type = SRV_COUNTER,
         .name = "sluice_chat_pings_total",
         .help = "Pings of ChatRoom given to the transport."},
        {.type = SRV_GAUGE, .name = "sluice_rooms", .help = "Rooms with a member or a history."},
        {.type = SRV_GAUGE, .name = "sluice_subscriptions", .help = "SubscribeToRoom streams."},
        {.type = SRV_GAUGE, .name = "sluice_chat_streams", .help = "ChatRoom streams."},
        {.type = SRV_GAUGE,
         .name = "sluice_buffered_bytes",
         .help = "Bytes of the messages that wait; a shared one counts for each subscription."},
    };
    const struct sl_tally *const tallies[] = {
        &stats->copies,        &stats->sent,  &stats->sent_bytes,    &stats->discarded,
        &stats->buffer_full,   &stats->acks,  &stats->pings,         &chat->rooms.count,
        &stats->subscriptions, &stats->chats, &stats->buffered_bytes};
    _Static_assert(sizeof(specs) / sizeof(specs[0]) == sizeof(tallies) / sizeof(tallies[0]),
                   "a tally for each family");
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        srv_family_watch(srv_metrics_add(metrics, &specs[i]), NULL, tallies[i]);
    }
}

void srv_chat_metrics_add(struct srv_metrics *metrics, const struct srv_chat *chat)
{
    const struct srv_chat_stats *stats = &chat->stats;
    add_labelled(metrics, &received, outcomes, stats->received, SRV_OUTCOME_COUNT);
    add_labelled(metrics, &dropped, drops, stats->dropped, SRV_DROP_COUNT);
    add_labelled(metrics, &refused, limits, stats->refused, SRV_LIMIT_COUNT);
    add_plain(metrics, chat);
    srv_family_ask(srv_metrics_add(metrics, &waiting), NULL, read_waiting, stats);
    srv_family_ask(srv_metrics_add(metrics, &message_bytes), NULL, read_message_bytes, stats);
}
