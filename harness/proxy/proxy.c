/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/proxy.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/proxy/bind.h"
#include "harness/proxy/pair.h"
#include "harness/transport/addresses.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    BACKLOG = 512,
};

/* A fault in force. */
struct entry {
    uint64_t id;
    struct har_fault fault;
    char *text;
    uint64_t seen;    /* connections that came since */
    uint64_t applied; /* connections that it did something to */
    uint64_t until_ns;
    struct entry *next;
};

struct member {
    struct har_proxy *proxy;
    struct har_pair *pair;
    size_t visit;    /* its number among the visits */
    bool is_visited; /* counts as open there */
    struct member *next, *previous;
};

struct har_proxy {
    struct har_proxy_config config;
    struct addrinfo *upstream, *looked_up; /* the second is freed, where there is one */
    struct addrinfo only;                  /* of a socket in the file system */
    struct sockaddr_storage path;
    struct har_bound bound; /* listens while there is a listener */
    uv_tcp_t listener;      /* works on a copy of its fd */
    bool has_listener, is_listener_closing, is_asked_to_listen;
    uv_timer_t timer; /* faults that end by themselves */
    bool has_timer;
    struct entry *entries;
    size_t entry_count;
    uint64_t last_id, connections;
    struct member *members;
    size_t member_count;
    struct har_proxy_decision *decisions;
    size_t decision_count, decision_capacity;
    struct har_visits visits;
    bool is_freeing;
    har_proxy_freed_fn *freed;
    void *freed_owner;
};

static void listen_or_refuse(struct har_proxy *proxy);

/* ---- life ---- */

static void reap(struct har_proxy *proxy)
{
    if (!proxy->is_freeing || proxy->has_listener || proxy->has_timer || proxy->members != NULL) {
        return;
    }
    while (proxy->entries != NULL) {
        struct entry *next = proxy->entries->next;
        sl_free(proxy->entries->text);
        sl_free(proxy->entries);
        proxy->entries = next;
    }
    if (proxy->looked_up != NULL) {
        freeaddrinfo(proxy->looked_up);
    }
    (void)close(proxy->bound.fd);
    sl_free(proxy->decisions);
    har_visits_release(&proxy->visits);
    har_proxy_freed_fn *freed = proxy->freed;
    void *owner = proxy->freed_owner;
    sl_free(proxy);
    freed(owner);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct har_proxy *proxy = handle->data;
    proxy->has_timer = false;
    reap(proxy);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct har_proxy *proxy = handle->data;
    proxy->has_listener = proxy->is_listener_closing = false;
    listen_or_refuse(proxy); /* the fault may have been cleared meanwhile */
    reap(proxy);
}

static void close_listener(struct har_proxy *proxy)
{
    if (proxy->has_listener && !proxy->is_listener_closing) {
        proxy->is_listener_closing = true;
        (void)shutdown(proxy->bound.fd, SHUT_RDWR); /* refuses, and keeps the port */
        uv_close((uv_handle_t *)&proxy->listener, on_listener_closed);
    }
}

void har_proxy_free(struct har_proxy *proxy, har_proxy_freed_fn *freed, void *owner)
{
    proxy->is_freeing = true;
    proxy->freed = freed;
    proxy->freed_owner = owner;
    close_listener(proxy);
    uv_close((uv_handle_t *)&proxy->timer, on_timer_closed);
    for (struct member *member = proxy->members; member != NULL; member = member->next) {
        har_pair_close(member->pair, false);
    }
}

/* ---- decisions ---- */

static void decide(struct har_proxy *proxy, uint64_t connection, struct entry *entry,
                   const char *what)
{
    entry->applied++;
    if (proxy->decision_count == HAR_PROXY_LOG_MAX) {
        return;
    }
    if (proxy->decision_count == proxy->decision_capacity) {
        proxy->decision_capacity = proxy->decision_capacity * 2 + 16;
        proxy->decisions =
            sl_realloc(proxy->decisions, proxy->decision_capacity * sizeof(proxy->decisions[0]));
    }
    struct har_proxy_decision *decision = &proxy->decisions[proxy->decision_count++];
    *decision = (struct har_proxy_decision){.connection = connection,
                                            .fault = entry->id,
                                            .what = what,
                                            .at_ns = sl_clock_mono_ns(),
                                            .lasts_ns = entry->fault.time_ns};
    (void)snprintf(decision->name, sizeof(decision->name), "%s", entry->fault.name);
}

static int compare_decisions(const void *a, const void *b)
{
    const struct har_proxy_decision *one = a;
    const struct har_proxy_decision *two = b;
    if (one->connection != two->connection) {
        return one->connection < two->connection ? -1 : 1;
    }
    if (one->fault != two->fault) {
        return one->fault < two->fault ? -1 : 1;
    }
    return strcmp(one->what, two->what);
}

const struct har_proxy_decision *har_proxy_decisions(struct har_proxy *proxy, size_t *ret_count)
{
    *ret_count = proxy->decision_count;
    if (proxy->decision_count > 1) {
        qsort(proxy->decisions, proxy->decision_count, sizeof(proxy->decisions[0]),
              compare_decisions);
    }
    return proxy->decisions;
}

/* ---- connections ---- */

static struct entry *find_entry(const struct har_proxy *proxy, uint64_t id)
{
    struct entry *entry = proxy->entries;
    while (entry != NULL && entry->id != id) {
        entry = entry->next;
    }
    return entry;
}

static void on_applied(void *owner, struct har_pair *pair, uint64_t id, const char *what)
{
    struct har_proxy *proxy = ((struct member *)owner)->proxy;
    struct entry *entry = find_entry(proxy, id);
    if (entry != NULL) {
        decide(proxy, har_pair_number(pair), entry, what);
    }
}

static void visited(struct har_proxy *proxy)
{
    if (!proxy->is_freeing && proxy->config.visited != NULL) {
        proxy->config.visited(proxy->config.owner);
    }
}

static void end_visit(struct member *member)
{
    member->proxy->visits.open -= member->is_visited;
    member->is_visited = false;
    visited(member->proxy);
}

static void on_left(void *owner, struct har_pair *pair)
{
    struct member *member = owner;
    (void)pair;
    har_visits_left(&member->proxy->visits, member->visit, sl_clock_mono_ns());
    end_visit(member);
}

static void on_called(void *owner, struct har_pair *pair, struct sl_span path)
{
    static const char method[] = "/SendMessage";
    struct har_proxy *proxy = ((struct member *)owner)->proxy;
    size_t len = sizeof(method) - 1;
    (void)pair;
    if (path.len >= len && sl_span_is(sl_span_from(path, path.len - len), method)) {
        proxy->visits.sends++;
        visited(proxy);
    }
}

static void on_pair_closed(void *owner, struct har_pair *pair)
{
    struct member *member = owner;
    struct har_proxy *proxy = member->proxy;
    (void)pair;
    end_visit(member);
    if (member->previous == NULL) {
        proxy->members = member->next;
    } else {
        member->previous->next = member->next;
    }
    if (member->next != NULL) {
        member->next->previous = member->previous;
    }
    proxy->member_count--;
    sl_free(member);
    reap(proxy);
}

static const struct har_pair_handler pair_handler = {
    .applied = on_applied, .called = on_called, .left = on_left, .closed = on_pair_closed};

/* True when the fault picks this connection out of those that came since. */
static bool picks(const struct entry *entry)
{
    const struct har_fault *fault = &entry->fault;
    if (fault->nth_connection != 0) {
        return entry->seen == fault->nth_connection;
    }
    return fault->first == 0 || entry->seen <= fault->first;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct har_proxy *proxy = listener->data;
    if (status != 0 || proxy->is_listener_closing) {
        return;
    }
    struct member *member = sl_alloc(sizeof(*member));
    struct har_pair_config config = {.loop = proxy->config.loop,
                                     .handler = &pair_handler,
                                     .owner = member,
                                     .number = ++proxy->connections,
                                     .seed = proxy->config.seed,
                                     .upstream = proxy->upstream,
                                     .tls = proxy->config.tls,
                                     .trace = proxy->config.trace,
                                     .traces_clients = proxy->config.traces_clients,
                                     .name = proxy->config.upstream_host};
    member->proxy = proxy;
    member->pair = har_pair_accept(listener, &config);
    member->next = proxy->members;
    if (member->next != NULL) {
        member->next->previous = member;
    }
    proxy->members = member;
    bool is_refused = ++proxy->member_count > HAR_PROXY_PAIRS_MAX;
    for (struct entry *entry = proxy->entries; entry != NULL; entry = entry->next) {
        entry->seen++;
        if (picks(entry) && entry->fault.is_refuse) {
            is_refused = true;
            decide(proxy, config.number, entry, "refuse");
        } else if (picks(entry)) {
            har_pair_add(member->pair, entry->id, &entry->fault);
        }
    }
    member->visit = har_visits_came(&proxy->visits, is_refused, sl_clock_mono_ns());
    member->is_visited = !is_refused;
    visited(proxy);
    if (is_refused) {
        har_pair_close(member->pair, true);
    } else {
        har_pair_start(member->pair);
    }
}

/* ---- listening ---- */

static bool is_refusing(const struct har_proxy *proxy)
{
    bool is_refusing = false;
    for (const struct entry *entry = proxy->entries; entry != NULL; entry = entry->next) {
        bool is_of_all = entry->fault.first == 0 && entry->fault.nth_connection == 0;
        is_refusing |= entry->fault.is_refuse && is_of_all;
    }
    return is_refusing;
}

static enum sl_status begin_listening(struct har_proxy *proxy)
{
    int copy = dup(proxy->bound.fd);
    (void)uv_tcp_init(proxy->config.loop, &proxy->listener);
    proxy->listener.data = proxy;
    proxy->has_listener = true;
    int error = copy < 0 ? uv_translate_sys_error(errno) : uv_tcp_open(&proxy->listener, copy);
    if (error == 0) {
        error = uv_listen((uv_stream_t *)&proxy->listener, BACKLOG, on_connection);
    } else if (copy >= 0) {
        (void)close(copy);
    }
    if (error != 0) {
        close_listener(proxy);
        return SL_IO;
    }
    return SL_OK;
}

/* As the faults in force want it. */
static void listen_or_refuse(struct har_proxy *proxy)
{
    if (!proxy->is_asked_to_listen || proxy->is_freeing) {
        return;
    }
    if (is_refusing(proxy)) {
        close_listener(proxy);
    } else if (!proxy->has_listener) {
        (void)begin_listening(proxy);
    }
}

enum sl_status har_proxy_listen(struct har_proxy *proxy, struct sl_error *reterr_error)
{
    proxy->is_asked_to_listen = true;
    if (!is_refusing(proxy) && begin_listening(proxy) != SL_OK) {
        return sl_error_set(reterr_error, SL_IO, "cannot listen on %s", proxy->bound.address);
    }
    return SL_OK;
}

/* Where the server is: its socket in the file system, its address where that is known, else all addresses of its name. */
static enum sl_status find_upstream(struct har_proxy *proxy, struct sl_error *reterr)
{
    const struct har_proxy_config *config = &proxy->config;
    const char *path = har_unix_path(config->upstream_host);
    char known[HAR_ADDRESS_TEXT_MAX] = "";
    if (path != NULL) {
        proxy->only = (struct addrinfo){.ai_family = AF_UNIX,
                                        .ai_addrlen = har_unix_address(path, &proxy->path),
                                        .ai_addr = (struct sockaddr *)&proxy->path};
        proxy->upstream = &proxy->only;
        return SL_OK;
    }
    if (config->upstream_address != NULL) {
        (void)har_address_text(config->upstream_address, known);
    }
    enum sl_status status = har_look_up(known[0] == '\0' ? config->upstream_host : known,
                                        config->upstream_port, false, &proxy->looked_up, reterr);
    if (status == SL_OK) {
        proxy->upstream = proxy->looked_up = har_addresses_by_turns(proxy->looked_up);
    }
    return status;
}

enum sl_status har_proxy_new(const struct har_proxy_config *config, struct har_proxy **ret_proxy,
                             struct sl_error *reterr_error)
{
    struct har_proxy *proxy = sl_alloc(sizeof(*proxy));
    proxy->config = *config;
    enum sl_status status = find_upstream(proxy, reterr_error);
    if (status == SL_OK) {
        status = har_bind(config->host, config->port, &proxy->bound, reterr_error);
    }
    if (status != SL_OK) {
        if (proxy->looked_up != NULL) {
            freeaddrinfo(proxy->looked_up);
        }
        sl_free(proxy);
        return status;
    }
    (void)uv_timer_init(config->loop, &proxy->timer);
    proxy->timer.data = proxy;
    proxy->has_timer = true;
    *ret_proxy = proxy;
    return SL_OK;
}

uint16_t har_proxy_port(const struct har_proxy *proxy)
{
    return proxy->bound.port;
}

const char *har_proxy_address(const struct har_proxy *proxy)
{
    return proxy->bound.address;
}

const struct har_visits *har_proxy_visits(const struct har_proxy *proxy)
{
    return &proxy->visits;
}

uint64_t har_proxy_connections(const struct har_proxy *proxy)
{
    return proxy->connections;
}

size_t har_proxy_open(const struct har_proxy *proxy)
{
    return proxy->member_count;
}

/* ---- faults ---- */

static void remove_entry(struct har_proxy *proxy, struct entry **place)
{
    struct entry *entry = *place;
    *place = entry->next;
    proxy->entry_count--;
    for (struct member *member = proxy->members; member != NULL; member = member->next) {
        har_pair_remove(member->pair, entry->id);
    }
    sl_free(entry->text);
    sl_free(entry);
}

static void arm_timer(struct har_proxy *proxy);

static void on_timer(uv_timer_t *timer)
{
    struct har_proxy *proxy = timer->data;
    uint64_t now_ns = sl_clock_mono_ns();
    for (struct entry **place = &proxy->entries; *place != NULL;) {
        if ((*place)->until_ns <= now_ns) {
            remove_entry(proxy, place);
        } else {
            place = &(*place)->next;
        }
    }
    listen_or_refuse(proxy);
    arm_timer(proxy);
}

static void arm_timer(struct har_proxy *proxy)
{
    uint64_t until_ns = UINT64_MAX;
    uint64_t now_ns = sl_clock_mono_ns();
    for (const struct entry *entry = proxy->entries; entry != NULL; entry = entry->next) {
        until_ns = entry->until_ns < until_ns ? entry->until_ns : until_ns;
    }
    if (until_ns == UINT64_MAX) {
        (void)uv_timer_stop(&proxy->timer);
        return;
    }
    uv_update_time(proxy->config.loop);
    uint64_t ms = until_ns <= now_ns ? 0 : (until_ns - now_ns + SL_MS - 1) / SL_MS;
    (void)uv_timer_start(&proxy->timer, on_timer, ms, 0);
}

uint64_t har_proxy_add(struct har_proxy *proxy, const struct har_fault *fault, const char *text)
{
    struct entry **end = &proxy->entries;
    if (proxy->entry_count == HAR_FAULTS_MAX || proxy->is_freeing) {
        return 0;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    struct entry *entry = sl_alloc(sizeof(*entry));
    entry->id = ++proxy->last_id;
    entry->fault = *fault;
    entry->text = sl_strdup(text == NULL ? "{}" : text);
    entry->until_ns = fault->time_ns == 0 ? UINT64_MAX : sl_clock_mono_ns() + fault->time_ns;
    *end = entry;
    proxy->entry_count++;
    bool is_of_all = fault->first == 0 && fault->nth_connection == 0 && !fault->is_refuse;
    for (struct member *member = proxy->members; member != NULL && is_of_all;
         member = member->next) {
        har_pair_add(member->pair, entry->id, &entry->fault);
    }
    listen_or_refuse(proxy);
    arm_timer(proxy);
    return entry->id;
}

bool har_proxy_clear(struct har_proxy *proxy, uint64_t id)
{
    struct entry **place = &proxy->entries;
    while (*place != NULL && (*place)->id != id) {
        place = &(*place)->next;
    }
    if (*place == NULL) {
        return false;
    }
    remove_entry(proxy, place);
    listen_or_refuse(proxy);
    arm_timer(proxy);
    return true;
}

size_t har_proxy_clear_named(struct har_proxy *proxy, const char *name)
{
    size_t count = 0;
    for (struct entry **place = &proxy->entries; *place != NULL;) {
        if (name == NULL || strcmp((*place)->fault.name, name) == 0) {
            remove_entry(proxy, place);
            count++;
        } else {
            place = &(*place)->next;
        }
    }
    listen_or_refuse(proxy);
    arm_timer(proxy);
    return count;
}

bool har_proxy_fault(const struct har_proxy *proxy, size_t index, struct har_proxy_fault *ret_fault)
{
    const struct entry *entry = proxy->entries;
    while (entry != NULL && index > 0) {
        entry = entry->next;
        index--;
    }
    if (entry == NULL) {
        return false;
    }
    *ret_fault = (struct har_proxy_fault){
        .id = entry->id, .text = entry->text, .connections = entry->applied};
    return true;
}
