/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/clients/external.h"

#include <signal.h>
#include <stdio.h>
#include <uthash.h>

#include "harness/engine/notes.h"
#include "harness/engine/via.h"
#include "harness/target/process.h"
#include "lib/base/alloc.h"

/* ---- needs ---- */

/* Why a capability is not there: the profile's, or the run's own. */
static void tell_missing(const struct har_profile *profile, const char *need,
                         char ret_reason[HAR_REASON_MAX])
{
    static const char *const of_run[][2] = {
        {HAR_NEED_TLS,
         "the server is met without TLS (--tls, --ca FILE, or {cert} and {key} in --exec)"},
        {HAR_NEED_MTLS,
         "no certificate of a client is shown, or the profile does not declare 'mtls' (--cert "
         "FILE, or {ca} in --exec)"},
        {HAR_NEED_MADE_CERTIFICATES,
         "the server's certificates are not the run's own ({cert}, {key} and {ca} in --exec)"},
    };
    for (size_t i = 0; i < sizeof(of_run) / sizeof(of_run[0]); i++) {
        if (strcmp(of_run[i][0], need) == 0) {
            (void)snprintf(ret_reason, HAR_REASON_MAX, "%s", of_run[i][1]);
            return;
        }
    }
    (void)snprintf(ret_reason, HAR_REASON_MAX, "the profile '%s' does not declare '%s'",
                   profile->name, need);
}

bool har_needs_are_met(const struct har_scenario *scenario, const struct har_profile *profile,
                       const char *client, char ret_reason[HAR_REASON_MAX])
{
    for (size_t i = 0; i < scenario->needs.count; i++) {
        const char *need = scenario->needs.items[i];
        if (strcmp(need, HAR_NEED_CLIENT) == 0) {
            if (client == NULL) {
                (void)snprintf(ret_reason, HAR_REASON_MAX,
                               "it judges a client, and the run names none (--client)");
                return false;
            }
        } else if (!har_profile_meets(profile, need)) {
            tell_missing(profile, need, ret_reason);
            return false;
        }
    }
    return true;
}

/* ---- the process ---- */

struct har_external {
    struct har_process *process;
    struct har_actor *actor;
    bool may_end; /* the scenario has sent it a signal that ends it */
};

/* The last line that it wrote. */
static struct sl_span last_line(const struct har_process *process)
{
    struct sl_span text = har_process_output(process);
    while (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
    }
    size_t begin = text.len;
    while (begin > 0 && text.data[begin - 1] != '\n') {
        begin--;
    }
    return sl_span_from(text, begin);
}

static void on_exited(void *owner, struct har_process *process)
{
    struct har_external *external = owner;
    const struct har_actor *actor = external->actor;
    char state[HAR_PROCESS_TEXT_MAX];
    char shown[HAR_NOTE_SHOWN];
    if (!external->may_end) {
        har_play_fail(actor->play, NULL, NULL,
                      "the client under test, %s[%u], ended by itself: it %s; its last words: %s",
                      actor->spec->name, actor->index, har_process_state(process, state),
                      har_note_show(last_line(process), shown));
    }
    har_play_touch(actor->play);
}

/* The command with the actor's room and number in it; {port} is for the process. */
static char *command_of(const struct har_actor *actor, size_t *ret_len)
{
    struct sl_buf out;
    sl_buf_init(&out, HAR_PROCESS_COMMAND_MAX);
    for (const char *at = actor->play->config.client; *at != '\0';) {
        if (strncmp(at, "{room}", 6) == 0) {
            (void)sl_buf_add_str(&out, actor->room);
            at += 6;
        } else if (strncmp(at, "{i}", 3) == 0) {
            (void)sl_buf_addf(&out, "%u", actor->index);
            at += 3;
        } else {
            (void)sl_buf_add_u8(&out, (uint8_t)*at++);
        }
    }
    bool is_full = out.is_full;
    char *text = (char *)sl_buf_take(&out, ret_len);
    if (is_full) {
        sl_free(text);
        return NULL;
    }
    return text;
}

enum sl_status har_external_spawn(struct har_actor *actor, struct sl_error *reterr_error)
{
    struct har_play *play = actor->play;
    har_external_free(actor->external);
    actor->external = NULL;
    size_t len = 0;
    char *command = command_of(actor, &len);
    if (command == NULL) {
        return sl_error_set(reterr_error, SL_USAGE, "the command is longer than %d bytes",
                            HAR_PROCESS_COMMAND_MAX);
    }
    struct har_external *external = sl_alloc(sizeof(*external));
    external->actor = actor;
    struct har_process_config config = {.command = command,
                                        .port = har_proxy_port(play->proxy),
                                        .exited = on_exited,
                                        .owner = external};
    enum sl_status status =
        har_process_new(play->config.loop, &config, &external->process, reterr_error);
    sl_free(command);
    if (status != SL_OK) {
        sl_free(external);
        return status;
    }
    actor->external = external;
    return SL_OK;
}

void har_external_signal(struct har_actor *actor, int signal_number)
{
    if (actor->external != NULL) {
        actor->external->may_end |= signal_number != SIGSTOP && signal_number != SIGCONT;
        (void)har_process_signal(actor->external->process, signal_number);
    }
}

void har_external_free(struct har_external *external)
{
    if (external != NULL) {
        har_process_free(external->process);
        sl_free(external);
    }
}

bool har_external_is_running(const struct har_external *external)
{
    return external != NULL && !har_process_has_exited(external->process);
}

/* ---- what they say ---- */

struct client_id {
    UT_hash_handle hh;
    size_t len;
    uint8_t bytes[];
};

struct har_client_ids {
    struct client_id *first;
    struct har_client_seen seen;
};

static bool may_speak(const struct har_actor *subscriber)
{
    const struct har_play *play = subscriber->play;
    for (size_t i = 0; i < play->actor_count; i++) {
        const struct har_actor *actor = &play->actors[i];
        if (actor->external != NULL && strcmp(actor->room, subscriber->room) == 0) {
            return true;
        }
    }
    return false;
}

static void remember(struct har_client_ids *ids, struct sl_span id)
{
    struct client_id *entry = NULL;
    HASH_FIND(hh, ids->first, id.data, id.len, entry);
    if (entry != NULL) {
        ids->seen.repeats++;
        return;
    }
    ids->seen.messages++;
    entry = sl_alloc(sizeof(*entry) + id.len);
    entry->len = id.len;
    memcpy(entry->bytes, id.data, id.len);
    HASH_ADD_KEYPTR(hh, ids->first, entry->bytes, entry->len, entry);
}

bool har_external_note(struct har_actor *subscriber, const struct har_message *message)
{
    struct har_play *play = subscriber->play;
    if (!sl_span_is(message->room_id, subscriber->room) || !may_speak(subscriber)) {
        return false;
    }
    if (subscriber->client_ids == NULL) {
        subscriber->client_ids = sl_alloc(sizeof(*subscriber->client_ids));
    }
    struct har_client_ids *ids = subscriber->client_ids;
    struct sl_span id = message->message_id;
    if (id.len == 0 || id.len > HAR_CLIENT_ID_BYTES_MAX) {
        har_play_fail(play, NULL, NULL,
                      "the client under test sent a message_id of %zu bytes; 1 to %d, another one "
                      "for each message, are needed",
                      id.len, HAR_CLIENT_ID_BYTES_MAX);
    } else if (ids->seen.messages == HAR_CLIENT_IDS_MAX) {
        har_play_fail(play, NULL, NULL, "the client under test sent more than %d messages",
                      HAR_CLIENT_IDS_MAX);
    } else {
        remember(ids, id);
    }
    return true;
}

struct har_client_seen har_external_seen(const struct har_actor *subscriber)
{
    return subscriber->client_ids == NULL ? (struct har_client_seen){0}
                                          : subscriber->client_ids->seen;
}

void har_client_ids_free(struct har_client_ids *ids)
{
    struct client_id *entry = NULL;
    struct client_id *next = NULL;
    if (ids == NULL) {
        return;
    }
    HASH_ITER (hh, ids->first, entry, next) {
        HASH_DEL(ids->first, entry);
        sl_free(entry);
    }
    sl_free(ids);
}
