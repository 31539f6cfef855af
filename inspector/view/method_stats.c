/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/method_stats.h"

#include <uthash.h>

#include "inspector/view/latency.h"
#include "inspector/view/names.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"

enum measure {
    TO_STATUS,
    TO_HEADERS,
    TO_MESSAGE,
    IN_SERVER,
    MEASURES,
};

static const char *const measure_names[MEASURES] = {
    [TO_STATUS] = "latency_ms",
    [TO_HEADERS] = "headers_ms",
    [TO_MESSAGE] = "first_message_ms",
    [IN_SERVER] = "server_ms",
};

struct ins_method_stats {
    UT_hash_handle hh;
    uint64_t calls, failed;
    uint64_t messages[2];
    uint64_t stalled_stream_ns, stalled_connection_ns;
    struct ins_latency measures[MEASURES];
    bool is_null; /* calls of which no method is known */
    size_t len;
    char name[];
};

/* Beyond INS_METHOD_TABLE_MAX; no method is named so, for a path begins with a slash. */
static const char other_methods[] = "(other methods)";

void ins_method_table_release(struct ins_method_table *methods)
{
    struct ins_method_stats *method = NULL;
    struct ins_method_stats *next = NULL;
    HASH_ITER (hh, methods->all, method, next) {
        HASH_DEL(methods->all, method);
        for (size_t i = 0; i < MEASURES; i++) {
            ins_latency_release(&method->measures[i]);
        }
        sl_free(method);
    }
}

static struct ins_method_stats *method_of(struct ins_method_table *methods, struct sl_span name,
                                          bool is_null)
{
    struct ins_method_stats *method = methods->latest; /* most often it is the same again */
    if (method != NULL && method->is_null == is_null &&
        sl_span_equal(sl_span(method->name, method->len), name)) {
        return method;
    }
    HASH_FIND(hh, methods->all, name.data, (unsigned)name.len, method);
    if (method != NULL) {
        methods->latest = method;
        return method;
    }
    bool is_many = HASH_COUNT(methods->all) >= INS_METHOD_TABLE_MAX;
    if ((is_many || name.len > INS_METHOD_TABLE_NAME_MAX) && !sl_span_is(name, other_methods)) {
        return method_of(methods, sl_span_str(other_methods), false);
    }
    method = sl_alloc(sizeof(*method) + name.len + 1);
    memcpy(method->name, name.data, name.len);
    method->len = name.len;
    method->is_null = is_null;
    HASH_ADD_KEYPTR(hh, methods->all, method->name, (unsigned)method->len, method);
    return method;
}

/* ---- how long ---- */

/* Adds the time between two moments, less some of it, where both are known and in order. */
static void add(struct ins_latency *latency, const struct sl_at *from, const struct sl_at *to,
                uint64_t less_ns)
{
    if (!from->has_time || !to->has_time || to->time_ns < from->time_ns) {
        return;
    }
    uint64_t ns = to->time_ns - from->time_ns;
    ins_latency_add(latency, ns > less_ns ? ns - less_ns : 0);
}

/* From the last thing that the server had to wait for to its first message, or to the status of a call
 * without one; less the round trip between where the capture was taken and the server. */
static void add_server(struct ins_method_stats *method, const struct ins_call *own)
{
    const struct sl_call *call = own->call;
    const struct sl_call_side *request = &call->request;
    if (!own->connection->has_round_trip ||
        (call->response.message_count == 0 && !call->has_status)) {
        return;
    }
    const struct sl_at *to =
        call->response.message_count > 0 ? &call->response.first_message_at : &call->end_at;
    const struct sl_at *from = &request->headers_at;
    if (request->message_count > 0 && request->first_message_at.time_ns <= to->time_ns) {
        from = &request->first_message_at;
    }
    if (request->is_ended && request->end_at.has_time && request->end_at.time_ns <= to->time_ns) {
        from = &request->end_at;
    }
    add(&method->measures[IN_SERVER], from, to, own->connection->round_trip_ns);
}

static void add_measures(struct ins_method_stats *method, const struct ins_call *own)
{
    const struct sl_call *call = own->call;
    const struct sl_call_side *response = &call->response;
    uint64_t duration_ns = 0;
    if (ins_call_duration(call, &duration_ns)) {
        ins_latency_add(&method->measures[TO_STATUS], duration_ns);
    }
    if (call->is_midway || !call->request.has_headers) {
        return; /* it began before it was seen */
    }
    add(&method->measures[TO_HEADERS], &call->start, &response->headers_at, 0);
    if (response->message_count > 0) {
        add(&method->measures[TO_MESSAGE], &call->start, &response->first_message_at, 0);
    }
    add_server(method, own);
}

void ins_method_table_call(struct ins_method_table *methods, const struct ins_call *own)
{
    const struct sl_call *call = own->call;
    struct sl_span path = ins_call_method(own);
    bool is_null = path.data == NULL;
    struct ins_method_stats *method = method_of(methods, is_null ? sl_span_str("") : path, is_null);
    method->calls++;
    method->failed += call->has_status && call->code != SL_GRPC_OK ? 1 : 0;
    method->messages[SL_DIR_REQUEST] += call->request.message_count;
    method->messages[SL_DIR_RESPONSE] += call->response.message_count;
    method->stalled_stream_ns += call->stalled_stream_ns;
    method->stalled_connection_ns += call->stalled_connection_ns;
    add_measures(method, own);
}

/* ---- as JSON ---- */

static int by_name(const struct ins_method_stats *a, const struct ins_method_stats *b)
{
    return strcmp(a->name, b->name);
}

static void write_method(const struct ins_method_stats *method, struct sl_json_out *out)
{
    sl_json_out_begin_object(out);
    sl_json_out_key(out, "method");
    if (method->is_null) {
        sl_json_out_null(out);
    } else {
        sl_json_out_span(out, sl_span(method->name, method->len));
    }
    sl_json_out_key_u64(out, "calls", method->calls);
    sl_json_out_key_u64(out, "failed", method->failed);
    sl_json_out_key(out, "messages");
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "request", method->messages[SL_DIR_REQUEST]);
    sl_json_out_key_u64(out, "response", method->messages[SL_DIR_RESPONSE]);
    sl_json_out_end_object(out);
    for (size_t i = 0; i < MEASURES; i++) {
        sl_json_out_key(out, measure_names[i]);
        ins_latency_write(&method->measures[i], out);
    }
    sl_json_out_key(out, "stalled_ms");
    sl_json_out_begin_object(out);
    sl_json_out_key(out, "stream");
    sl_json_out_ms(out, method->stalled_stream_ns);
    sl_json_out_key(out, "connection");
    sl_json_out_ms(out, method->stalled_connection_ns);
    sl_json_out_end_object(out);
    sl_json_out_end_object(out);
}

void ins_method_table_write(struct ins_method_table *methods, struct sl_json_out *out)
{
    HASH_SORT(methods->all, by_name);
    sl_json_out_begin_array(out);
    for (const struct ins_method_stats *m = methods->all; m != NULL; m = m->hh.next) {
        write_method(m, out);
    }
    sl_json_out_end_array(out);
}
