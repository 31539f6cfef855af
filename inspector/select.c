/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/select.h"

#include <strings.h>

#include "inspector/glob.h"
#include "inspector/stream/via.h"
#include "inspector/view/names.h"

bool ins_select_is_selective(const struct ins_select *select)
{
    return select->method_count > 0 || select->status_count > 0 || select->peer_count > 0 ||
           select->metadata_count > 0 || select->since.is_given || select->until.is_given ||
           select->call != 0;
}

static void begin(struct ins_select_time *when, uint64_t first_ns)
{
    if (when->is_offset) {
        when->ns = when->ns > UINT64_MAX - first_ns ? UINT64_MAX : when->ns + first_ns;
        when->is_offset = false;
    }
}

void ins_select_begin(struct ins_select *select, uint64_t first_ns)
{
    begin(&select->since, first_ns);
    begin(&select->until, first_ns);
}

static enum ins_selected lesser(enum ins_selected a, enum ins_selected b)
{
    return a < b ? a : b;
}

static enum ins_selected yes_or_no(bool is_selected)
{
    return is_selected ? INS_SELECTED_YES : INS_SELECTED_NO;
}

/* A path that is not known yet may become so, and one that is inferred may become another. */
static enum ins_selected by_method(const struct ins_select *select, const struct ins_call *call,
                                   bool has_ended)
{
    if (select->method_count == 0) {
        return INS_SELECTED_YES;
    }
    struct sl_span method = ins_call_method(call);
    if (method.data == NULL || (call->group != NULL && !has_ended)) {
        return INS_SELECTED_MAYBE;
    }
    for (size_t i = 0; i < select->method_count; i++) {
        if (ins_glob_matches(select->methods[i], method)) {
            return INS_SELECTED_YES;
        }
    }
    return INS_SELECTED_NO;
}

static bool is_peer(const struct ins_select_peer *peer, const struct ins_endpoint *end)
{
    if (peer->port != 0 && peer->port != end->port) {
        return false;
    }
    if (!peer->has_address) {
        return true;
    }
    const uint8_t *wanted = peer->address.bytes, *has = end->address.bytes;
    size_t whole = peer->prefix / 8;
    uint8_t mask = (uint8_t)(0xff00U >> peer->prefix % 8);
    return peer->address.version == end->address.version && memcmp(wanted, has, whole) == 0 &&
           (peer->prefix % 8 == 0 || ((wanted[whole] ^ has[whole]) & mask) == 0);
}

/* Behind a PROXY header or a CONNECT the ends of the TCP connection are not those of the call. */
static bool is_peer_via(const struct ins_select_peer *peer, const struct ins_connection *connection)
{
    const struct ins_via *via = connection->via;
    for (size_t i = 0; i < connection->via_count && via != NULL; i++, via = via->inner) {
        struct ins_endpoint target;
        if ((via->has_ends && (is_peer(peer, &via->client) || is_peer(peer, &via->server))) ||
            (ins_via_target(via, &target) && is_peer(peer, &target))) {
            return true;
        }
    }
    return false;
}

static enum ins_selected by_peer(const struct ins_select *select, const struct ins_call *call)
{
    for (size_t i = 0; i < select->peer_count; i++) {
        const struct ins_select_peer *peer = &select->peers[i];
        if (!is_peer(peer, &call->connection->client) &&
            !is_peer(peer, &call->connection->server) && !is_peer_via(peer, call->connection)) {
            return INS_SELECTED_NO;
        }
    }
    return INS_SELECTED_YES;
}

static bool has_field(const struct ins_select_metadata *wanted, const struct sl_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        if (field->name.len == wanted->name_len &&
            strncasecmp((const char *)field->name.data, wanted->text, wanted->name_len) == 0 &&
            (wanted->glob == NULL || ins_glob_matches(wanted->glob, field->value))) {
            return true;
        }
    }
    return false;
}

static enum ins_selected by_metadata(const struct ins_select *select, const struct sl_call *call)
{
    for (size_t i = 0; i < select->metadata_count; i++) {
        const struct ins_select_metadata *wanted = &select->metadata[i];
        if (!has_field(wanted, &call->request.headers) &&
            !has_field(wanted, &call->response.headers) &&
            !has_field(wanted, &call->response.trailers) &&
            !has_field(wanted, &call->request.trailers)) {
            return INS_SELECTED_MAYBE;
        }
    }
    return INS_SELECTED_YES;
}

static enum ins_selected by_status(const struct ins_select *select, const struct sl_call *call,
                                   bool has_ended)
{
    if (select->status_count == 0 || !has_ended) {
        return select->status_count == 0 ? INS_SELECTED_YES : INS_SELECTED_MAYBE;
    }
    for (size_t i = 0; i < select->status_count; i++) {
        const struct ins_select_status *wanted = &select->statuses[i];
        if (wanted->is_open ? !call->has_status : call->has_status && call->code == wanted->code) {
            return INS_SELECTED_YES;
        }
    }
    return INS_SELECTED_NO;
}

static enum ins_selected by_time(const struct ins_select *select, const struct sl_call *call,
                                 bool has_ended)
{
    if (!select->since.is_given && !select->until.is_given) {
        return INS_SELECTED_YES;
    }
    bool is_open = call->end == SL_CALL_OPEN;
    if (!has_ended) {
        bool may_be = call->start.has_time &&
                      (!select->until.is_given || call->start.time_ns <= select->until.ns);
        bool is_since = !select->since.is_given || call->start.time_ns >= select->since.ns;
        return may_be ? (is_since ? INS_SELECTED_YES : INS_SELECTED_MAYBE) : INS_SELECTED_NO;
    }
    /* one that is open at the capture's end went on after that, for all that is known */
    struct sl_at end =
        is_open ? (struct sl_at){.time_ns = UINT64_MAX, .has_time = true} : call->end_at;
    return yes_or_no(ins_select_at(select, &call->start, &end));
}

enum ins_selected ins_select_call(const struct ins_select *select, const struct ins_call *call,
                                  bool has_ended, bool is_by_event)
{
    enum ins_selected selected = yes_or_no(select->call == 0 || select->call == call->id);
    selected = lesser(selected, by_method(select, call, has_ended));
    selected = lesser(selected, by_peer(select, call));
    selected = lesser(selected, by_metadata(select, call->call));
    selected = lesser(selected, by_status(select, call->call, has_ended));
    if (!is_by_event) {
        selected = lesser(selected, by_time(select, call->call, has_ended));
    }
    return has_ended && selected == INS_SELECTED_MAYBE ? INS_SELECTED_NO : selected;
}

bool ins_select_at(const struct ins_select *select, const struct sl_at *begin,
                   const struct sl_at *end)
{
    bool is_since = !select->since.is_given || (end->has_time && end->time_ns >= select->since.ns);
    bool is_until =
        !select->until.is_given || (begin->has_time && begin->time_ns <= select->until.ns);
    return is_since && is_until;
}
