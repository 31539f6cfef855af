/* SPDX-License-Identifier: Apache-2.0 */
/* The declared rules of SendMessage: SEND-07, SEND-08, SEND-10. */
#include <ctype.h>
#include <inttypes.h>

#include "harness/engine/declared.h"
#include "harness/engine/notes.h"
#include "harness/engine/rpc_status.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/hex.h"
#include "lib/base/utf8.h"
#include "lib/wire/grpc_status.h"

enum {
    DETAILS_MAX = 64 * 1024,
};

/* The server's clock need not be ours, but it is of this day, and in milliseconds. */
#define CLOCKS_APART_MS (INT64_C(24) * 3600 * 1000)

struct har_judged_ids {
    uint64_t hashes[HAR_JUDGED_IDS_MAX];
    uint64_t messages[HAR_JUDGED_IDS_MAX]; /* which one has it: publisher and sequence */
    size_t count;
};

void har_judged_ids_free(struct har_judged_ids *ids)
{
    sl_free(ids);
}

/* FNV-1a */
static uint64_t hash_of(struct sl_span bytes)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ bytes.data[i]) * 0x100000001b3;
    }
    return hash;
}

enum id_use {
    ID_NEW,
    ID_SAME_MESSAGE, /* as was noted of this message before */
    ID_OF_ANOTHER,   /* message */
    ID_CHANGED,      /* this message had another one */
};

/* Notes that message has id. */
static enum id_use note_id(struct har_judged_ids **ids, uint64_t message, struct sl_span id)
{
    uint64_t hash = hash_of(id);
    if (*ids == NULL) {
        *ids = sl_alloc(sizeof(**ids));
        (*ids)->count = 0;
    }
    struct har_judged_ids *set = *ids;
    for (size_t i = 0; i < set->count; i++) {
        if (set->messages[i] == message) {
            return set->hashes[i] == hash ? ID_SAME_MESSAGE : ID_CHANGED;
        }
        if (set->hashes[i] == hash) {
            return ID_OF_ANOTHER;
        }
    }
    if (set->count < HAR_JUDGED_IDS_MAX) {
        set->hashes[set->count] = hash;
        set->messages[set->count++] = message;
    }
    return ID_NEW;
}

static uint64_t number_of(const struct har_actor *sender, uint32_t sequence)
{
    return (uint64_t)sender->number << 32 | sequence;
}

static bool judges(const struct har_play *play, const char *rule, const char *capability)
{
    return har_strings_has(&play->scenario->rules, rule) &&
           har_profile_has(play->config.profile, capability);
}

/* ---- SEND-07 ---- */

void har_judge_request_id(struct har_actor *sender, uint32_t sequence, const struct har_call *call,
                          struct sl_span request_id)
{
    struct har_play *play = sender->play;
    const struct har_send_args *how = sender->sent[sequence].how;
    struct sl_span header = sl_buf_span(&call->request_id);
    if (!judges(play, "SEND-07", "request_id")) {
        return;
    }
    char came[HAR_NOTE_SHOWN];
    char other[HAR_NOTE_SHOWN];
    (void)har_note_show(request_id, came);
    if (how != NULL && how->request_id.is_set &&
        !sl_span_equal(request_id, how->request_id.bytes)) {
        har_play_fail(play, NULL, "SEND-07",
                      "x-request-id %s of a request came back as request_id %s",
                      har_note_show(how->request_id.bytes, other), came);
    } else if (request_id.len == 0) {
        har_play_fail(play, NULL, "SEND-07", "request_id of a reply is empty");
    } else if (!sl_span_equal(request_id, header)) {
        har_play_fail(play, NULL, "SEND-07",
                      "a reply has the request_id %s, its initial metadata the x-request-id %s",
                      came, har_note_show(header, other));
    } else if ((how == NULL || !how->request_id.is_set) &&
               note_id(&play->request_ids, number_of(sender, sequence), request_id) ==
                   ID_OF_ANOTHER) {
        har_play_fail(play, NULL, "SEND-07", "two requests were given the request_id %s", came);
    }
}

/* ---- SEND-08 ---- */

void har_judge_filled(struct har_actor *sender, uint32_t sequence, const struct har_message *sent,
                      const struct har_message *got)
{
    struct har_play *play = sender->play;
    int64_t now_ms = (int64_t)(sl_clock_wall_ns() / SL_MS);
    if (!judges(play, "SEND-08", "fill")) {
        return;
    }
    if (sent->message_id.len == 0) {
        switch (got->message_id.len == 0
                    ? ID_CHANGED
                    : note_id(&play->filled_ids, number_of(sender, sequence), got->message_id)) {
        case ID_NEW:
        case ID_SAME_MESSAGE:
            break;
        case ID_OF_ANOTHER:
            har_play_fail(play, NULL, "SEND-08",
                          "two messages without message_id were given the same one");
            break;
        case ID_CHANGED:
            har_play_fail(play, NULL, "SEND-08",
                          got->message_id.len == 0
                              ? "message %u of %s was sent without message_id and came without"
                              : "message %u of %s came to two subscribers with two message_ids",
                          sequence, sender->spec->name);
            break;
        }
    }
    if (sent->created_at == 0 && (got->created_at < now_ms - CLOCKS_APART_MS ||
                                  got->created_at > now_ms + CLOCKS_APART_MS)) {
        har_play_fail(play, NULL, "SEND-08",
                      "message %u of %s was sent without created_at and came with %" PRId64
                      "; the time is %" PRId64 " ms",
                      sequence, sender->spec->name, got->created_at, now_ms);
    }
}

/* ---- SEND-10 ---- */

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (uint8_t)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

/* An escape of a byte beyond ASCII is left, though the text was decoded. */
static bool is_encoded_twice(const char *text)
{
    for (; (text = strchr(text, '%')) != NULL; text++) {
        if (text[1] != '\0' && strchr("89ABCDEFabcdef", text[1]) != NULL &&
            isxdigit((unsigned char)text[2])) {
            return true;
        }
    }
    return false;
}

void har_judge_violation(struct har_play *play, const struct har_send_args *how,
                         const struct har_stream_result *result)
{
    const struct sl_header *field =
        result->trailers == NULL ? NULL
                                 : sl_headers_find(result->trailers, "grpc-status-details-bin");
    struct sl_buf details;
    if (field == NULL) {
        har_play_fail(play, NULL, "SEND-10", "%s came without grpc-status-details-bin",
                      sl_grpc_status_name(result->code));
        return;
    }
    if (is_ascii(result->message) || !sl_utf8_is_valid(sl_span_str(result->message))) {
        har_play_fail(
            play, NULL, is_encoded_twice(result->message) ? "CALL-15" : "SEND-10",
            "the message of %s, percent-decoded, has no character that is not ASCII: %.200s",
            sl_grpc_status_name(result->code), result->message);
        return;
    }
    sl_buf_init(&details, DETAILS_MAX);
    const char *problem =
        sl_base64_decode(field->value, &details) == SL_OK
            ? har_rpc_status_problem(sl_buf_span(&details), result->code, how->violation)
            : "it is not base64";
    if (problem != NULL) {
        har_play_fail(play, NULL, "SEND-10",
                      "grpc-status-details-bin is not as it must be: %s (%s)", problem,
                      how->violation);
    }
    sl_buf_release(&details);
}
