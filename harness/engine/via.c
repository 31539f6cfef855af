/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/via.h"

#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/transport/addresses.h"
#include "lib/base/alloc.h"
#include "lib/base/json_out.h"

bool har_via_is_used(const struct har_scenario *scenario)
{
    for (size_t i = 0; i < scenario->actor_count; i++) {
        if (scenario->actors[i].is_via_proxy) {
            return true;
        }
    }
    return false;
}

/* Its connections are in no trace of ours but by the proxy. */
static bool has_client(const struct har_scenario *scenario)
{
    bool has = false;
    for (size_t i = 0; i < scenario->actor_count; i++) {
        int kind = scenario->actors[i].kind;
        has |= kind == HAR_EXTERNAL || kind == HAR_CHILD;
    }
    return has;
}

static void on_visited(void *owner)
{
    har_play_touch(owner);
}

void har_via_begin(struct har_play *play)
{
    if (!har_via_is_used(play->scenario)) {
        return;
    }
    const struct har_conn_config *target = &play->config.conn;
    struct sl_error error = {0};
    struct har_proxy_config config = {
        .visited = on_visited,
        .owner = play,
        .loop = play->config.loop,
        .host = "127.0.0.1",
        .upstream_host = target->host,
        .upstream_port = target->port,
        .upstream_address = target->address,
        .tls = target->tls,
        .seed = play->config.seed,
        .trace = target->trace,
        .traces_clients = has_client(play->scenario),
    };
    enum sl_status status = har_proxy_new(&config, &play->proxy, &error);
    if (status == SL_OK) {
        status = har_proxy_listen(play->proxy, &error);
    }
    if (status != SL_OK) {
        har_play_give_up(play, NULL, "the fault proxy did not start", error.text);
    }
    play->authority = target->authority != NULL ? sl_strdup(target->authority)
                                                : har_authority_of(target->host, target->port);
}

void har_via_route(const struct har_play *play, const struct har_actor_spec *spec,
                   struct har_conn_config *config)
{
    if (spec->is_via_proxy && play->proxy != NULL) {
        config->host = "127.0.0.1";
        config->port = har_proxy_port(play->proxy);
        config->address = NULL;
        config->authority = play->authority; /* the server is not to notice */
        config->is_https = config->tls != NULL;
        config->tls = NULL; /* the proxy has it: it has to see the frames */
    }
}

const char *har_via_name(const struct har_actor *actor, char name[HAR_TRACE_NAME_MAX])
{
    const struct har_play *play = actor->play;
    const struct har_actor_spec *spec = actor->spec;
    const char *shared = actor->link->name;
    bool is_one = actor == play->prober ||
                  play->group_begin[actor->group + 1] - play->group_begin[actor->group] == 1;
    char number[16] = "";
    if (!is_one) {
        (void)snprintf(number, sizeof(number), "[%u]", actor->index);
    }
    (void)snprintf(name, HAR_TRACE_NAME_MAX, "%.40s%s%s%.24s, %s%s: %s", spec->name, number,
                   shared == NULL ? "" : " on ", shared == NULL ? "" : shared,
                   har_obstacle_transport(actor->play, spec) == HAR_TRANSPORT_GRPC ? "grpc" : "h2",
                   spec->is_via_proxy ? " via the proxy" : "", play->scenario->id);
    return name;
}

double har_via_count(const struct har_play *play, enum har_counter counter)
{
    if (play->proxy == NULL) {
        return 0;
    }
    const struct har_visits *visits = har_proxy_visits(play->proxy);
    switch ((int)counter) {
    case HAR_COUNT_CONNECTS:
        return (double)visits->came;
    case HAR_COUNT_OPEN_CONNECTIONS:
        return (double)visits->open;
    case HAR_COUNT_LEFT:
        return (double)visits->left;
    default:
        return (double)visits->sends;
    }
}

/* A client under test decides itself when it connects. */
static bool has_external(const struct har_scenario *scenario)
{
    bool has = false;
    for (size_t i = 0; i < scenario->actor_count; i++) {
        has |= scenario->actors[i].kind == HAR_EXTERNAL;
    }
    return has;
}

void har_via_decisions(const struct har_play *play, struct sl_buf *out)
{
    size_t count = 0;
    const struct har_proxy_decision *decisions = play->proxy == NULL || has_external(play->scenario)
                                                     ? NULL
                                                     : har_proxy_decisions(play->proxy, &count);
    for (size_t i = 0; i < count; i++) {
        struct sl_json_out json;
        sl_json_out_init(&json, out);
        sl_json_out_begin_object(&json);
        sl_json_out_key_str(&json, "scenario", play->scenario->id);
        sl_json_out_key_str(&json, "actor", "proxy");
        sl_json_out_key_u64(&json, "connection", decisions[i].connection);
        sl_json_out_key_u64(&json, "fault", decisions[i].fault);
        if (decisions[i].name[0] != '\0') {
            sl_json_out_key_str(&json, "name", decisions[i].name);
        }
        sl_json_out_key_str(&json, "did", decisions[i].what);
        sl_json_out_key_u64(&json, "seed", play->config.seed);
        sl_json_out_end_object(&json);
        (void)sl_buf_add_u8(out, '\n');
    }
}
