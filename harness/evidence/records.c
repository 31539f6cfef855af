/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/records.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/json_out.h"

enum {
    RECORDS_MAX = 64 * 1024 * 1024, /* bytes of one actor's */
};

static void add_time(struct sl_json_out *json, const char *key, const struct har_play *play,
                     uint64_t at_ns)
{
    if (at_ns >= play->begin_ns) {
        sl_json_out_key(json, key);
        sl_json_out_ms(json, at_ns - play->begin_ns);
    }
}

static void add_phase(struct sl_json_out *json, const struct har_play *play, int phase)
{
    if (phase >= 0) {
        sl_json_out_key_str(json, "phase", play->scenario->phases[phase]);
    }
}

static void add_actor(struct sl_json_out *json, const char *event, const struct har_actor *actor)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "event", event);
    sl_json_out_key_str(json, "actor", actor->spec->name);
    sl_json_out_key_u64(json, "index", actor->index);
}

static void write_actor(const struct har_play *play, const struct har_actor *actor,
                        struct sl_buf *out)
{
    struct sl_json_out json;
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        sl_json_out_init(&json, out);
        add_actor(&json, "sent", actor);
        sl_json_out_key_u64(&json, "sequence", i);
        add_phase(&json, play, sent->phase);
        add_time(&json, "intended_ms", play, sent->intended_ns);
        add_time(&json, "sent_ms", play, sent->sent_ns);
        add_time(&json, "answered_ms", play, sent->replied_ns);
        sl_json_out_key_bool(&json, "accepted", sent->is_accepted);
        sl_json_out_end_object(&json);
        (void)sl_buf_add_u8(out, '\n');
    }
    for (uint32_t i = 0; i < actor->received_count; i++) {
        const struct har_received *received = &actor->received[i];
        sl_json_out_init(&json, out);
        add_actor(&json, "received", actor);
        sl_json_out_key_u64(&json, "publisher", received->publisher);
        sl_json_out_key_u64(&json, "sequence", received->sequence);
        add_phase(&json, play, received->phase);
        add_time(&json, "at_ms", play, received->at_ns);
        sl_json_out_end_object(&json);
        (void)sl_buf_add_u8(out, '\n');
    }
    if (actor->generation > 0) {
        sl_json_out_init(&json, out);
        add_actor(&json, "stream", actor);
        add_time(&json, "opened_ms", play, actor->opened_ns);
        add_time(&json, "ended_ms", play, actor->ended_ns);
        sl_json_out_key_str(&json, "end", actor->end_text);
        sl_json_out_key_u64(&json, "pings", actor->pings);
        sl_json_out_key_u64(&json, "acks", actor->acked);
        sl_json_out_end_object(&json);
        (void)sl_buf_add_u8(out, '\n');
    }
}

int har_records_write(const struct har_play *play, int fd)
{
    FILE *file = fdopen(fd, "wb");
    if (file == NULL) {
        int why = errno;
        (void)close(fd);
        return why;
    }
    struct sl_buf out;
    sl_buf_init(&out, RECORDS_MAX);
    for (size_t i = 0; i < play->actor_count; i++) {
        write_actor(play, &play->actors[i], &out);
        (void)fwrite(out.data, 1, out.len, file);
        sl_buf_clear(&out);
    }
    sl_buf_release(&out);
    int why = ferror(file) != 0 ? EIO : 0;
    errno = 0;
    return fclose(file) == 0 ? why : (errno == 0 ? EIO : errno);
}
