/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/infer.h"

#include "inspector/infer/align.h"
#include "inspector/infer/slots.h"
#include "inspector/infer/values.h"
#include "lib/base/alloc.h"

enum {
    KEY_SLOTS = 3, /* the lost fields of a block among which :path must be */
    PSEUDO_COUNT = 4,
    NAMED_MAX = 32, /* the last entries that have named a method */
};

struct ins_infer_group {
    uint64_t key[KEY_SLOTS];
    struct ins_methods *methods; /* NULL without a schema */
    const struct sl_method *method;
    bool is_refuted; /* a method was named and then did not fit: none is any more */
    struct ins_infer_group *next;
};

struct ins_infer {
    const struct sl_pool *pool;
    size_t groups;
};

struct ins_infer_connection {
    struct ins_infer *infer;
    struct ins_slots slots[2];
    struct ins_align align[2];
    struct ins_infer_group *groups;
    size_t group_count;
    struct named {
        const struct sl_method *method;
        uint64_t slot;
    } named[NAMED_MAX]; /* a ring */
    size_t named_count;
};

struct ins_infer *ins_infer_new(const struct sl_pool *pool)
{
    struct ins_infer *infer = sl_alloc(sizeof(*infer));
    infer->pool = pool;
    return infer;
}

void ins_infer_free(struct ins_infer *infer)
{
    sl_free(infer);
}

struct ins_infer_connection *ins_infer_open(struct ins_infer *infer)
{
    struct ins_infer_connection *connection = sl_alloc(sizeof(*connection));
    connection->infer = infer;
    return connection;
}

void ins_infer_close(struct ins_infer_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    while (connection->groups != NULL) {
        struct ins_infer_group *group = connection->groups;
        connection->groups = group->next;
        ins_methods_free(group->methods);
        sl_free(group);
        connection->infer->groups--;
    }
    ins_slots_release(&connection->slots[SL_DIR_REQUEST]);
    ins_slots_release(&connection->slots[SL_DIR_RESPONSE]);
    sl_free(connection);
}

static bool has_field(const struct sl_headers *headers, const char *name)
{
    return sl_headers_find(headers, name) != NULL;
}

/* ---- names by value ---- */

/* The name of a lost field that has a value: what is known of the entry, else by shape. A shape that
 * another field of the block has already is none. */
static const char *name_of(struct ins_slots *slots, const struct sl_headers *headers,
                           const struct sl_lost_field *lost, enum sl_dir dir, bool is_last)
{
    struct ins_slot *known = lost->name_slot == 0 ? NULL : ins_slots_find(slots, lost->name_slot);
    if (known != NULL && known->name != NULL) {
        return has_field(headers, known->name) ? NULL : known->name;
    }
    const char *name = ins_value_name(lost->value, dir, is_last);
    if (name == NULL || has_field(headers, name)) {
        return NULL;
    }
    if (lost->name_slot != 0) {
        ins_slots_note(slots, lost->name_slot)->name = name;
    }
    return name;
}

static void name_by_value(struct ins_slots *slots, struct sl_headers *headers, enum sl_dir dir,
                          bool is_last)
{
    for (size_t i = 0; i < headers->lost_count;) {
        const struct sl_lost_field *lost = &headers->lost[i];
        const char *name = lost->has_value ? name_of(slots, headers, lost, dir, is_last) : NULL;
        if (name == NULL || sl_headers_recover(headers, i, sl_span_str(name), lost->value,
                                               SL_FIELD_SHAPE) != SL_OK) {
            i++;
        }
    }
}

/* ---- the group of a request ---- */

/* The lost pseudo-header fields: they come first (RFC 9113 8.3). False when :path is not among them. */
static bool key_of(const struct sl_headers *headers, uint64_t key[KEY_SLOTS])
{
    size_t known = 0;
    size_t regular = headers->count; /* the first regular field that is known */
    for (size_t i = 0; i < headers->count; i++) {
        if (!sl_span_starts(headers->fields[i].name, ":")) {
            regular = i;
            break;
        }
        known++;
    }
    if (known >= PSEUDO_COUNT || has_field(headers, ":path")) {
        return false;
    }
    size_t wanted = PSEUDO_COUNT - known;
    size_t count = 0;
    for (size_t i = 0; i < headers->lost_count && count < wanted && count < KEY_SLOTS; i++) {
        const struct sl_lost_field *lost = &headers->lost[i];
        if (lost->before > regular || lost->has_value || lost->slot == 0) {
            break;
        }
        key[count] = lost->slot;
        count++;
    }
    return count > 0;
}

static struct ins_infer_group *group_of(struct ins_infer_connection *connection,
                                        const uint64_t key[KEY_SLOTS])
{
    for (struct ins_infer_group *group = connection->groups; group != NULL; group = group->next) {
        if (memcmp(group->key, key, sizeof(group->key)) == 0) {
            return group;
        }
    }
    struct ins_infer *infer = connection->infer;
    if (connection->group_count == INS_INFER_GROUPS_MAX || infer->groups == INS_INFER_GROUPS_ALL) {
        return NULL;
    }
    struct ins_infer_group *group = sl_alloc(sizeof(*group));
    memcpy(group->key, key, sizeof(group->key));
    group->methods = ins_methods_new(infer->pool);
    group->next = connection->groups;
    connection->groups = group;
    connection->group_count++;
    infer->groups++;
    return group;
}

/* Adds the :path of the group's method in place of its lost field. */
static void add_path(const struct ins_infer_group *group, struct sl_headers *headers)
{
    if (group->method == NULL || has_field(headers, ":path")) {
        return;
    }
    for (size_t i = 0; i < headers->lost_count; i++) {
        if (headers->lost[i].slot == group->key[0]) {
            (void)sl_headers_recover(headers, i, sl_span_str(":path"),
                                     sl_span_str(group->method->path), SL_FIELD_SHAPE);
            return;
        }
    }
}

/* Names the group, once its evidence is clear. A name that later evidence speaks against is withdrawn. */
static void decide(struct ins_infer_group *group)
{
    if (group->methods == NULL || group->is_refuted) {
        return;
    }
    const struct sl_method *best = ins_methods_best(group->methods);
    if (group->method != NULL && best != group->method) {
        group->is_refuted = true;
        group->method = NULL;
    } else {
        group->method = best;
    }
}

/* Entries leave the table in the order in which they came. So an entry that the sender still uses was
 * there when it inserted a newer one, and the newer one is not the same. */
static void exclude_named(const struct ins_infer_connection *connection,
                          struct ins_infer_group *group)
{
    size_t count = connection->named_count < NAMED_MAX ? connection->named_count : NAMED_MAX;
    for (size_t i = 0; i < count && group->methods != NULL; i++) {
        if (connection->named[i].slot > group->key[0]) {
            ins_methods_exclude(group->methods, connection->named[i].method);
        }
    }
}

static void note_path(struct ins_infer_connection *connection, const struct sl_header *path)
{
    const struct sl_pool *pool = connection->infer->pool;
    if (path->from != SL_FIELD_LITERAL || path->slot == 0 || pool == NULL) {
        return;
    }
    const struct sl_method *method = sl_pool_method(pool, path->value);
    if (method != NULL) {
        connection->named[connection->named_count % NAMED_MAX] =
            (struct named){.method = method, .slot = path->slot};
        connection->named_count++;
    }
}

static struct ins_infer_group *request_block(struct ins_infer_connection *connection,
                                             struct sl_headers *headers)
{
    uint64_t key[KEY_SLOTS] = {0};
    const struct sl_header *path = sl_headers_find(headers, ":path");
    if (path != NULL) {
        note_path(connection, path);
        return NULL;
    }
    if (!key_of(headers, key)) {
        return NULL;
    }
    struct ins_infer_group *group = group_of(connection, key);
    if (group != NULL) {
        exclude_named(connection, group);
        add_path(group, headers);
    }
    return group;
}

/* ---- statuses ---- */

/* The lost field that is the block's grpc-status: the only one, or the one that is known for it. Their
 * count when there is none. */
static size_t status_field(struct ins_slots *slots, const struct sl_headers *trailers)
{
    size_t found = trailers->lost_count;
    if (trailers->lost_count == 1 && !has_field(trailers, ":status")) {
        found = trailers->lost[0].has_value ? found : 0;
    }
    for (size_t i = 0; i < trailers->lost_count && found == trailers->lost_count; i++) {
        struct ins_slot *known = ins_slots_find(slots, trailers->lost[i].slot);
        if (known != NULL && known->name != NULL && strcmp(known->name, "grpc-status") == 0) {
            found = i;
        }
    }
    return found;
}

static bool is_good_end(const struct sl_call *call)
{
    const struct sl_header *message = sl_headers_find(&call->response.trailers, "grpc-message");
    return call->response.message_count > 0 && call->response.partial_messages == 0 &&
           (message == NULL || message->value.len == 0) && call->end == SL_CALL_TRAILERS;
}

/* The status of a call whose last block does not show it. */
static void add_status(struct ins_infer_connection *connection, struct sl_call *call)
{
    struct ins_slots *slots = &connection->slots[SL_DIR_RESPONSE];
    struct sl_headers *trailers = &call->response.trailers;
    if (!call->response.has_trailers || trailers->lost_count == 0 ||
        has_field(trailers, "grpc-status")) {
        return;
    }
    size_t at = status_field(slots, trailers);
    if (at == trailers->lost_count || trailers->lost[at].slot == 0) {
        return;
    }
    struct ins_slot *slot = ins_slots_note(slots, trailers->lost[at].slot);
    slot->name = "grpc-status";
    if (is_good_end(call)) {
        slot->good_ends++;
    } else if (call->end == SL_CALL_TRAILERS) {
        slot->other_ends++;
    }
    if (slot->good_ends > 0 && slot->other_ends == 0) {
        (void)sl_headers_recover(trailers, at, sl_span_str("grpc-status"), sl_span_str("0"),
                                 SL_FIELD_SHAPE);
    }
}

/* ---- events ---- */

struct ins_infer_group *ins_infer_block(struct ins_infer_connection *connection, enum sl_dir dir,
                                        bool is_last, const struct sl_hpack_decoder *decoder,
                                        struct sl_headers *headers)
{
    if (headers->lost_count > 0) {
        ins_align_block(&connection->align[dir], decoder, dir, is_last, headers);
        name_by_value(&connection->slots[dir], headers, dir, is_last);
    }
    return dir == SL_DIR_REQUEST ? request_block(connection, headers) : NULL;
}

void ins_infer_message(struct ins_infer_group *group, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message)
{
    if (group == NULL || group->methods == NULL || !message->is_complete || message->flag != 0 ||
        message->length > INS_INFER_MESSAGE_MAX || message->is_cut || call->has_gap) {
        return;
    }
    ins_methods_message(group->methods, dir, message->index, message->payload);
    if (dir == SL_DIR_RESPONSE) {
        decide(group);
        add_path(group, &call->request.headers);
    }
}

void ins_infer_end(struct ins_infer_connection *connection, struct ins_infer_group *group,
                   struct sl_call *call)
{
    bool is_known = call->end == SL_CALL_TRAILERS && !call->has_gap && !call->is_midway;
    if (call->response.has_trailers && call->response.trailers.lost_count > 0) {
        add_status(connection, call);
    }
    if (group != NULL && group->methods != NULL && is_known) {
        const struct sl_header *status = sl_headers_find(&call->response.trailers, "grpc-status");
        if (status != NULL && sl_span_is(status->value, "0")) {
            ins_methods_call(group->methods, call->request.message_count,
                             call->response.message_count);
        }
        decide(group);
    }
    if (group != NULL && call->request.has_headers) {
        add_path(group, &call->request.headers);
    }
}

size_t ins_infer_candidates(const struct ins_infer_group *group,
                            const struct sl_method *ret_methods[INS_CANDIDATES_MAX])
{
    if (group == NULL || group->methods == NULL) {
        return 0;
    }
    return ins_methods_rank(group->methods, ret_methods);
}
