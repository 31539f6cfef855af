/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/tcp.h"

#include <utlist.h>

#include "inspector/net/tcp_conn.h"
#include "lib/base/alloc.h"

enum {
    RECENT = 64, /* a power of two */
};

struct ins_tcp {
    struct ins_tcp_sink sink;
    struct ins_tcp_limits limits;
    struct ins_tcp_conn *table;
    struct ins_tcp_conn *quietest; /* list by last segment */
    struct ins_tcp_conn *holding;  /* list of those that hold bytes back, oldest first */
    struct ins_tcp_conn *latest;   /* of the last segment */
    struct ins_tcp_conn
        *recent[RECENT]; /* of late segments, by recent_of(); most come of one of these */
    size_t held_bytes;
    uint64_t last_number; /* of the connection of the last segment; 0: of none */
};

struct ins_tcp_limits ins_tcp_limits_default(void)
{
    return (struct ins_tcp_limits){
        .flow_bytes = 2 * 1024 * 1024, .total_bytes = 12 * 1024 * 1024, .connections = 12288};
}

struct ins_tcp *ins_tcp_new(const struct ins_tcp_handler *handler, void *owner,
                            const struct ins_tcp_limits *limits)
{
    struct ins_tcp *tcp = sl_alloc(sizeof(*tcp));
    tcp->sink =
        (struct ins_tcp_sink){.handler = handler, .owner = owner, .flow_bytes = limits->flow_bytes};
    tcp->limits = *limits;
    return tcp;
}

/* Brings the books on held bytes up to date after something was done with conn. */
static void account(struct ins_tcp *tcp, struct ins_tcp_conn *conn, size_t held_before)
{
    if (conn->is_ignored) {
        (void)ins_flow_drop(&conn->flows[0]);
        (void)ins_flow_drop(&conn->flows[1]);
    }
    size_t held = ins_tcp_conn_held(conn);
    tcp->held_bytes = tcp->held_bytes - held_before + held;
    if (held > 0 && !conn->is_holding) {
        DL_APPEND2(tcp->holding, conn, held_before, held_after);
    } else if (held == 0 && conn->is_holding) {
        DL_DELETE2(tcp->holding, conn, held_before, held_after);
    }
    conn->is_holding = held > 0;
}

static void finish_conn(struct ins_tcp *tcp, struct ins_tcp_conn *conn)
{
    size_t held = ins_tcp_conn_held(conn);
    ins_tcp_conn_finish(conn, &tcp->sink);
    account(tcp, conn, held);
}

/* Where the connection of these ends, in either order, is if it is a recent one. */
static struct ins_tcp_conn **recent_of(struct ins_tcp *tcp, const struct ins_endpoint *a,
                                       const struct ins_endpoint *b)
{
    unsigned sum = (unsigned)a->port + b->port + a->address.bytes[3] + b->address.bytes[3];
    return &tcp->recent[(sum ^ sum >> 6) % RECENT];
}

static bool is_same_end(const struct ins_endpoint *a, const struct ins_endpoint *b)
{
    return a->port == b->port && a->address.version == b->address.version &&
           memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes)) == 0;
}

/* Without events. */
static void forget(struct ins_tcp *tcp, struct ins_tcp_conn *conn)
{
    size_t held = ins_tcp_conn_held(conn);
    (void)ins_flow_drop(&conn->flows[0]);
    (void)ins_flow_drop(&conn->flows[1]);
    (void)ins_moved_clear(&conn->moved);
    account(tcp, conn, held);
    HASH_DELETE(hh, tcp->table, conn);
    DL_DELETE2(tcp->quietest, conn, quieter, livelier);
    if (tcp->latest == conn) {
        tcp->latest = NULL;
    }
    struct ins_tcp_conn **recent = recent_of(tcp, &conn->ends[0], &conn->ends[1]);
    *recent = *recent == conn ? NULL : *recent;
    sl_free(conn);
}

static size_t memory_of(const struct ins_tcp_conn *conn)
{
    return conn->memory > SIZE_MAX / 2 ? 0 : conn->memory;
}

static void give_up(struct ins_tcp *tcp, struct ins_tcp_conn *conn)
{
    if (!conn->is_over && !conn->is_ignored) {
        tcp->sink.totals.evicted++;
        if (tcp->sink.handler->give_up != NULL) {
            tcp->sink.handler->give_up(tcp->sink.owner, conn);
        }
    }
    finish_conn(tcp, conn);
    forget(tcp, conn);
}

void ins_tcp_free(struct ins_tcp *tcp)
{
    while (tcp != NULL && tcp->quietest != NULL) {
        forget(tcp, tcp->quietest);
    }
    sl_free(tcp);
}

static int compare_ends(const struct ins_endpoint *a, const struct ins_endpoint *b)
{
    int order = memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
    order = order != 0 ? order : (int)a->address.version - (int)b->address.version;
    return order != 0 ? order : (int)a->port - (int)b->port;
}

static void copy_end(struct ins_endpoint *to, const struct ins_endpoint *from)
{
    memcpy(to->address.bytes, from->address.bytes, sizeof(to->address.bytes));
    to->address.version = from->address.version;
    to->port = from->port;
}

static void set_key(struct ins_tcp_key *key, const struct ins_segment *segment)
{
    bool is_from_low = compare_ends(&segment->from, &segment->to) <= 0;
    memset(key, 0, sizeof(*key));
    copy_end(&key->low, is_from_low ? &segment->from : &segment->to);
    copy_end(&key->high, is_from_low ? &segment->to : &segment->from);
}

static struct ins_tcp_conn *begin(struct ins_tcp *tcp, const struct ins_segment *segment)
{
    if (HASH_COUNT(tcp->table) >= tcp->limits.connections) {
        give_up(tcp, tcp->quietest);
    }
    size_t used = sl_alloc_used();
    struct ins_tcp_conn *conn = sl_alloc(sizeof(*conn));
    set_key(&conn->key, segment);
    copy_end(&conn->ends[0], &segment->from);
    copy_end(&conn->ends[1], &segment->to);
    conn->opener = -1;
    conn->reset_side = -1;
    HASH_ADD(hh, tcp->table, key, sizeof(conn->key), conn);
    DL_APPEND2(tcp->quietest, conn, quieter, livelier);
    conn->number = ++tcp->sink.totals.connections;
    conn->memory = sl_alloc_used() - used;
    return conn;
}

static struct ins_tcp_conn *heaviest_of(const struct ins_tcp *tcp)
{
    struct ins_tcp_conn *heaviest = tcp->quietest;
    for (struct ins_tcp_conn *conn = heaviest; conn != NULL; conn = conn->livelier) {
        heaviest = memory_of(conn) > memory_of(heaviest) ? conn : heaviest;
    }
    return heaviest;
}

void ins_tcp_make_room(struct ins_tcp *tcp, size_t memory)
{
    struct ins_tcp_conn *heaviest = heaviest_of(tcp);
    while (heaviest != NULL && memory_of(heaviest) > INS_TCP_HEAVY && sl_alloc_used() > memory) {
        give_up(tcp, heaviest);
        heaviest = heaviest_of(tcp);
    }
    struct ins_tcp_conn *next = NULL;
    for (struct ins_tcp_conn *conn = tcp->quietest; conn != NULL && sl_alloc_used() > memory;
         conn = next) {
        next = conn->livelier;
        give_up(tcp, conn);
    }
}

/* The connection of the segment by its ends, or NULL, and which of them sent it. */
static struct ins_tcp_conn *look_up(struct ins_tcp *tcp, const struct ins_segment *segment,
                                    int *ret_side)
{
    struct ins_tcp_conn **recent = recent_of(tcp, &segment->from, &segment->to);
    struct ins_tcp_conn *conn = *recent;
    for (int side = 0; conn != NULL && side < 2; side++) {
        if (is_same_end(&conn->ends[side], &segment->from) &&
            is_same_end(&conn->ends[1 - side], &segment->to)) {
            *ret_side = side;
            return conn;
        }
    }
    struct ins_tcp_key key;
    set_key(&key, segment);
    HASH_FIND(hh, tcp->table, &key, sizeof(key), conn);
    if (conn != NULL) {
        *ret_side = is_same_end(&conn->ends[0], &segment->from) ? 0 : 1;
        *recent = conn;
    }
    return conn;
}

/* The connection of the segment, begun when there is a reason to; else NULL. ret_side: the sender. */
static struct ins_tcp_conn *find(struct ins_tcp *tcp, const struct ins_segment *segment,
                                 int *ret_side)
{
    struct ins_tcp_conn *conn = look_up(tcp, segment, ret_side);
    if (conn != NULL) {
        if (!ins_tcp_conn_is_renewed(conn, *ret_side, segment)) {
            return conn;
        }
        finish_conn(tcp, conn);
        forget(tcp, conn);
    }
    *ret_side = 0;
    bool is_worth = segment->len > 0 || (segment->flags & INS_TCP_SYN) != 0;
    return is_worth ? begin(tcp, segment) : NULL;
}

static void keep_within_limit(struct ins_tcp *tcp)
{
    while (tcp->held_bytes > tcp->limits.total_bytes) {
        struct ins_tcp_conn *oldest = tcp->holding;
        size_t oldest_held = ins_tcp_conn_held(oldest);
        tcp->sink.totals.given_up++;
        size_t used = sl_alloc_used();
        ins_tcp_conn_force(oldest, &tcp->sink);
        account(tcp, oldest, oldest_held);
        oldest->memory += sl_alloc_used() - used;
    }
}

static void feed(struct ins_tcp *tcp, const struct ins_segment *segment);

/* The segments that are away prove a new connection: ends this one and begins that. */
static void renew(struct ins_tcp *tcp, struct ins_tcp_conn *conn)
{
    struct ins_moved moved = conn->moved;
    size_t held = ins_tcp_conn_held(conn);
    conn->moved = (struct ins_moved){0};
    account(tcp, conn, held);
    finish_conn(tcp, conn);
    forget(tcp, conn);
    tcp->sink.totals.reused++;
    for (size_t i = 0; i < moved.held_count; i++) {
        feed(tcp, &moved.held[i]->segment);
    }
    (void)ins_moved_clear(&moved);
}

/* True when the segment is taken: it may be of another connection than conn, which is not proven yet. */
static bool is_held_away(struct ins_tcp *tcp, struct ins_tcp_conn **conn, int *side,
                         const struct ins_segment *segment)
{
    if (*conn == NULL || (*conn)->is_ignored ||
        !ins_moved_is_away((*conn)->flows, *side, segment)) {
        return false;
    }
    size_t held = ins_tcp_conn_held(*conn);
    size_t used = sl_alloc_used();
    if (!ins_moved_add(&(*conn)->moved, *side, segment, &tcp->sink.totals.dropped)) {
        account(tcp, *conn, held);
        (*conn)->memory += sl_alloc_used() - used;
        return true;
    }
    renew(tcp, *conn);
    *conn = find(tcp, segment, side);
    return false;
}

static void feed(struct ins_tcp *tcp, const struct ins_segment *segment)
{
    int side = 0;
    struct ins_tcp_conn *conn = find(tcp, segment, &side);
    bool is_away = is_held_away(tcp, &conn, &side, segment);
    tcp->last_number = conn == NULL ? 0 : conn->number;
    if (conn == NULL) {
        return;
    }
    if (is_away) {
        keep_within_limit(tcp);
        return;
    }
    conn->segments++;
    if (conn->is_over) {
        return;
    }
    if (tcp->latest != conn && !conn->is_ignored) {
        DL_DELETE2(tcp->quietest, conn, quieter, livelier);
        DL_APPEND2(tcp->quietest, conn, quieter, livelier);
    }
    tcp->latest = conn;
    bool was_ignored = conn->is_ignored;
    size_t held = ins_tcp_conn_held(conn);
    size_t used = sl_alloc_used();
    ins_tcp_conn_feed(conn, &tcp->sink, side, segment);
    account(tcp, conn, held);
    conn->memory += sl_alloc_used() - used;
    if (conn->is_over || (conn->is_ignored && !was_ignored)) {
        /* The first to go when there are too many. */
        DL_DELETE2(tcp->quietest, conn, quieter, livelier);
        DL_PREPEND2(tcp->quietest, conn, quieter, livelier);
    }
    keep_within_limit(tcp);
}

void ins_tcp_feed(struct ins_tcp *tcp, const struct ins_segment *segment)
{
    tcp->sink.totals.segments++;
    feed(tcp, segment);
}

void ins_tcp_finish(struct ins_tcp *tcp)
{
    struct ins_tcp_conn *conn = NULL;
    struct ins_tcp_conn *next = NULL;
    HASH_ITER (hh, tcp->table, conn, next) {
        finish_conn(tcp, conn);
    }
}

const struct ins_tcp_totals *ins_tcp_totals(const struct ins_tcp *tcp)
{
    return &tcp->sink.totals;
}

const struct ins_endpoint *ins_tcp_end(const struct ins_tcp_conn *conn, int side)
{
    return &conn->ends[side];
}

uint64_t ins_tcp_number(const struct ins_tcp_conn *conn)
{
    return conn->number;
}

uint64_t ins_tcp_last_number(const struct ins_tcp *tcp)
{
    return tcp->last_number;
}

bool ins_tcp_saw_start(const struct ins_tcp_conn *conn, int side)
{
    return conn->flows[side].saw_start;
}

int ins_tcp_opener(const struct ins_tcp_conn *conn)
{
    return conn->opener;
}

bool ins_tcp_handshake(const struct ins_tcp_conn *conn, uint64_t *ret_ns)
{
    *ret_ns = conn->handshake_ns;
    return conn->has_handshake;
}

void *ins_tcp_user(const struct ins_tcp_conn *conn)
{
    return conn->user;
}

void ins_tcp_set_user(struct ins_tcp_conn *conn, void *user)
{
    conn->user = user;
}

void ins_tcp_ignore(struct ins_tcp_conn *conn)
{
    conn->is_ignored = true;
}
