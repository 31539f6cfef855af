/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/request.h"

#include "tests/support/cmocka_all.h"

#define SECOND UINT64_C(1000000000)

struct field {
    const char *name;
    const char *value;
};

static const struct field usual[] = {
    {":method", "POST"},
    {":scheme", "http"},
    {":path", "/chat.v1.ChatService/SendMessage"},
    {":authority", "localhost:50051"},
    {"content-type", "application/grpc"},
    {"te", "trailers"},
};

static void feed(struct srv_h2_request *request, const char *name, const char *value)
{
    assert_true(srv_h2_request_field(request, sl_span_str(name), sl_span_str(value)));
}

/* A head as usual, but with the value of one field replaced, or left out (NULL), or added behind. */
static struct srv_h2_refusal judge_with(struct srv_h2_request *request, const char *name,
                                        const char *value)
{
    bool is_replaced = false;
    srv_h2_request_clear(request, false);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        bool is_it = strcmp(usual[i].name, name) == 0;
        is_replaced = is_replaced || is_it;
        if (!is_it || value != NULL) {
            feed(request, usual[i].name, is_it ? value : usual[i].value);
        }
    }
    if (!is_replaced && value != NULL) {
        feed(request, name, value);
    }
    return srv_h2_request_judge(request);
}

static void a_usual_head_is_served(void **state)
{
    (void)state;
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    assert_int_equal(judge_with(&request, "user-agent", "a client").how, SRV_H2_SERVED);
    test_span_is(srv_h2_request_path(&request), "/chat.v1.ChatService/SendMessage");
    assert_true(request.timeout_ns == SRV_H2_NO_TIMEOUT);
    assert_int_equal(request.encoding, SRV_H2_IDENTITY);
    assert_false(request.accepts_gzip);
    assert_false(request.has_traceparent);
    assert_int_equal(request.request_id.len, 0);
    assert_null(request.request_id.data); /* nothing was allocated */
    srv_h2_request_release(&request);
}

static const struct {
    const char *name;
    const char *value; /* NULL: the field is missing */
    enum srv_h2_how how;
    int code; /* of GRPC the status, of HTTP the HTTP status */
} judged[] = {
    {":method", "GET", SRV_H2_HTTP, 405},
    {":method", "post", SRV_H2_HTTP, 405},
    {":method", "", SRV_H2_MALFORMED, 0},
    {":method", NULL, SRV_H2_MALFORMED, 0},
    {":path", NULL, SRV_H2_MALFORMED, 0},
    {":path", "", SRV_H2_MALFORMED, 0},
    {":scheme", NULL, SRV_H2_MALFORMED, 0},
    {":scheme", "https", SRV_H2_SERVED, 0},
    {":scheme", "gopher", SRV_H2_HTTP, 400},
    {":authority", NULL, SRV_H2_HTTP, 400},
    {":authority", "", SRV_H2_HTTP, 400},
    {":authority", "me@localhost", SRV_H2_HTTP, 400},
    {"host", "localhost:50051", SRV_H2_SERVED, 0},
    {"host", "LOCALHOST:50051", SRV_H2_SERVED, 0},
    {"host", "elsewhere", SRV_H2_HTTP, 400},
    {"content-type", NULL, SRV_H2_HTTP, 415},
    {"content-type", "", SRV_H2_HTTP, 415},
    {"content-type", "application/grpc+proto", SRV_H2_SERVED, 0},
    {"content-type", "application/grpc;charset=utf-8", SRV_H2_SERVED, 0},
    {"content-type", "application/grpc+proto ; x=y", SRV_H2_SERVED, 0},
    {"content-type", "Application/GRPC", SRV_H2_SERVED, 0},
    {"content-type", "application/grpcfoo", SRV_H2_HTTP, 415},
    {"content-type", "application/grpc+json", SRV_H2_HTTP, 415},
    {"content-type", "application/grpc-web", SRV_H2_HTTP, 415},
    {"content-type", "application/json", SRV_H2_HTTP, 415},
    {"te", NULL, SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"te", "", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"te", "gzip", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {":path", "chat.v1.ChatService/SendMessage", SRV_H2_GRPC, SL_GRPC_UNIMPLEMENTED},
    {":path", "*", SRV_H2_GRPC, SL_GRPC_UNIMPLEMENTED},
    {"grpc-encoding", "identity", SRV_H2_SERVED, 0},
    {"grpc-encoding", "gzip", SRV_H2_SERVED, 0},
    {"grpc-encoding", "deflate", SRV_H2_SERVED, 0},
    {"grpc-encoding", "snappy", SRV_H2_GRPC, SL_GRPC_UNIMPLEMENTED},
    {"grpc-encoding", "", SRV_H2_GRPC, SL_GRPC_UNIMPLEMENTED},
    {"grpc-timeout", "1S", SRV_H2_SERVED, 0},
    {"grpc-timeout", "99999999H", SRV_H2_SERVED, 0},
    {"grpc-timeout", "999999999n", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"grpc-timeout", "15 seconds", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"grpc-timeout", "-1m", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"grpc-timeout", "5", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"grpc-timeout", "", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"grpc-timeout", "0.2S", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"grpc-timeout", "5x", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"x-bin", "", SRV_H2_SERVED, 0},
    {"x-bin", "AA", SRV_H2_SERVED, 0},
    {"x-bin", "AA==", SRV_H2_SERVED, 0},
    {"x-bin", "AAE=,AAEC, +/+/", SRV_H2_SERVED, 0},
    {"x-bin", "A", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"x-bin", "AA=", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"x-bin", "A===", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"x-bin", "AA==AA==", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"x-bin", "AAEC,!!!!", SRV_H2_GRPC, SL_GRPC_INTERNAL},
    {"x-bi", "!!!!", SRV_H2_SERVED, 0},
    {"grpc-of-tomorrow", "!", SRV_H2_SERVED, 0},
    {"x-ascii", "\xff\x80", SRV_H2_SERVED, 0},
};

static void each_fault_has_its_answer(void **state)
{
    (void)state;
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++) {
        struct srv_h2_refusal refusal = judge_with(&request, judged[i].name, judged[i].value);
        int code = refusal.how == SRV_H2_GRPC ? (int)refusal.status : (int)refusal.http_status;
        if (refusal.how != judged[i].how || code != judged[i].code) {
            fail_msg("%s '%s': answer %d, code %d", judged[i].name,
                     judged[i].value == NULL ? "(none)" : judged[i].value, (int)refusal.how, code);
        }
    }
    srv_h2_request_release(&request);
}

static void an_unknown_encoding_is_told_which_are_known(void **state)
{
    (void)state;
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    assert_true(judge_with(&request, "grpc-encoding", "br").has_encodings);
    assert_false(judge_with(&request, "grpc-timeout", "br").has_encodings);
    srv_h2_request_release(&request);
}

static void a_repeated_pseudo_header_is_malformed(void **state)
{
    (void)state;
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    for (size_t i = 0; i < 4; i++) {
        (void)judge_with(&request, "te", "trailers");
        feed(&request, usual[i].name, usual[i].value);
        assert_int_equal(srv_h2_request_judge(&request).how, SRV_H2_MALFORMED);
    }
    srv_h2_request_release(&request);
}

static void connect_has_neither_scheme_nor_path(void **state)
{
    (void)state;
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    feed(&request, ":method", "CONNECT");
    feed(&request, ":authority", "localhost:50051");
    assert_int_equal(srv_h2_request_judge(&request).http_status, 405);
    srv_h2_request_release(&request);
}

static void what_a_call_needs_is_taken_out(void **state)
{
    (void)state;
    const char *trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    (void)judge_with(&request, "grpc-timeout", "2S");
    assert_true(request.timeout_ns == 2 * SECOND);
    feed(&request, "grpc-timeout", "1S"); /* the last one counts */
    assert_true(request.timeout_ns == 1 * SECOND);
    feed(&request, "grpc-encoding", "gzip");
    assert_int_equal(request.encoding, SRV_H2_GZIP);
    feed(&request, "grpc-accept-encoding", "identity, deflate ,gzip");
    assert_true(request.accepts_gzip);
    feed(&request, "x-request-id", "caf\xc3\xa9"); /* no ASCII-Value: as none */
    assert_int_equal(request.request_id.len, 0);
    feed(&request, "x-request-id", "first");
    feed(&request, "x-request-id", "second");
    test_span_is(sl_buf_span(&request.request_id), "first");
    feed(&request, "traceparent", trace);
    assert_true(request.has_traceparent);
    test_span_is(sl_span(request.traceparent, SRV_H2_TRACEPARENT_LEN), trace);
    assert_int_equal(srv_h2_request_judge(&request).how, SRV_H2_SERVED);
    srv_h2_request_release(&request);
}

static void the_next_head_begins_clean(void **state)
{
    (void)state;
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    (void)judge_with(&request, "x-request-id", "one");
    feed(&request, "grpc-timeout", "no");
    feed(&request, "grpc-encoding", "gzip");
    feed(&request, "grpc-accept-encoding", "gzip");
    assert_int_equal(judge_with(&request, "a", "b").how, SRV_H2_SERVED);
    assert_true(request.timeout_ns == SRV_H2_NO_TIMEOUT && !request.accepts_gzip &&
                request.encoding == SRV_H2_IDENTITY && request.request_id.len == 0);
    srv_h2_request_release(&request);
}

static void a_damaged_traceparent_is_as_none(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
    };
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        assert_int_equal(judge_with(&request, "traceparent", damaged[i]).how, SRV_H2_SERVED);
        assert_false(request.has_traceparent);
    }
    (void)judge_with(&request, "traceparent",
                     "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more");
    assert_true(request.has_traceparent);
    srv_h2_request_release(&request);
}

static void eight_kibibytes_pass_and_the_limit_holds(void **state)
{
    (void)state;
    static char value[SRV_H2_HEAD_BYTES_ABUSE];
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    memset(value, 'v', sizeof value - 1);

    value[8192] = '\0';
    assert_int_equal(judge_with(&request, "x", value).how, SRV_H2_SERVED);
    value[8192] = 'v';

    value[SRV_H2_HEAD_BYTES_MAX - 33] = '\0'; /* the limit by itself */
    assert_int_equal(judge_with(&request, "x", value).status, SL_GRPC_RESOURCE_EXHAUSTED);
    value[SRV_H2_HEAD_BYTES_MAX - 33] = 'v';

    /* Nothing is kept of what lies beyond the limit. */
    feed(&request, "x-request-id", "late");
    assert_int_equal(request.request_id.len, 0);
    assert_false(srv_h2_request_field(&request, sl_span_str("x"), sl_span(value, sizeof value)));
    srv_h2_request_release(&request);
}

static void a_path_of_any_length_is_judged(void **state)
{
    (void)state;
    char path[SRV_H2_PATH_MAX + 2];
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    memset(path, '/', sizeof path);
    path[SRV_H2_PATH_MAX] = '\0';
    assert_int_equal(judge_with(&request, ":path", path).how, SRV_H2_SERVED);
    assert_int_equal(srv_h2_request_path(&request).len, SRV_H2_PATH_MAX);
    path[SRV_H2_PATH_MAX] = '/';
    path[SRV_H2_PATH_MAX + 1] = '\0';
    assert_int_equal(judge_with(&request, ":path", path).how, SRV_H2_SERVED);
    assert_int_equal(srv_h2_request_path(&request).len, 0);
    srv_h2_request_release(&request);
}

static void many_small_fields_are_too_many(void **state)
{
    (void)state;
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    (void)judge_with(&request, "a", "");
    for (int i = 0; i < SRV_H2_HEAD_FIELDS_MAX; i++) {
        feed(&request, "a", "");
    }
    assert_int_equal(srv_h2_request_judge(&request).status, SL_GRPC_RESOURCE_EXHAUSTED);
    srv_h2_request_release(&request);
}

static void trailers_are_counted_and_not_read(void **state)
{
    (void)state;
    static const char value[SRV_H2_HEAD_BYTES_ABUSE];
    struct srv_h2_request request;
    srv_h2_request_init(&request);
    srv_h2_request_clear(&request, true);
    feed(&request, "grpc-timeout", "1S");
    feed(&request, "x-request-id", "late");
    assert_true(request.timeout_ns == SRV_H2_NO_TIMEOUT && request.request_id.len == 0);
    assert_false(srv_h2_request_field(&request, sl_span_str("x"), sl_span(value, sizeof value)));
    srv_h2_request_release(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_usual_head_is_served),
        cmocka_unit_test(each_fault_has_its_answer),
        cmocka_unit_test(an_unknown_encoding_is_told_which_are_known),
        cmocka_unit_test(a_repeated_pseudo_header_is_malformed),
        cmocka_unit_test(connect_has_neither_scheme_nor_path),
        cmocka_unit_test(what_a_call_needs_is_taken_out),
        cmocka_unit_test(the_next_head_begins_clean),
        cmocka_unit_test(a_damaged_traceparent_is_as_none),
        cmocka_unit_test(eight_kibibytes_pass_and_the_limit_holds),
        cmocka_unit_test(a_path_of_any_length_is_judged),
        cmocka_unit_test(many_small_fields_are_too_many),
        cmocka_unit_test(trailers_are_counted_and_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
