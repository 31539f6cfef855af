/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/infer.h"
#include "inspector/infer/shape.h"
#include "inspector/infer/values.h"
#include "lib/base/hex.h"
#include "tests/support/cmocka_all.h"

#define SEND_PATH  "/chat.v1.ChatService/SendMessage"
#define CHECK_PATH "/grpc.health.v1.Health/Check"

/* A connection that was joined late: a decoder for each direction, and what is inferred. */
struct late {
    struct sl_pool *pool;
    struct ins_infer *infer;
    struct ins_infer_connection *connection;
    struct sl_hpack_decoder *decoder[2];
};

static void late_open(struct late *late, bool has_schema)
{
    *late = (struct late){0};
    if (has_schema) {
        late->pool = sl_pool_new();
        sl_pool_add_builtin(late->pool);
        assert_int_equal(sl_pool_link(late->pool, NULL), SL_OK);
    }
    late->infer = ins_infer_new(late->pool);
    late->connection = ins_infer_open(late->infer);
    for (int dir = 0; dir < 2; dir++) {
        late->decoder[dir] = sl_hpack_decoder_new(4096);
        sl_hpack_decoder_distrust(late->decoder[dir]);
    }
}

static void late_close(struct late *late)
{
    ins_infer_close(late->connection);
    ins_infer_free(late->infer);
    sl_pool_free(late->pool);
    sl_hpack_decoder_free(late->decoder[0]);
    sl_hpack_decoder_free(late->decoder[1]);
}

static struct ins_infer_group *block(struct late *late, enum sl_dir dir, bool is_last,
                                     const char *hex, struct sl_headers *headers)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, 1024);
    assert_int_equal(sl_hex_decode(sl_span_str(hex), &bytes), SL_OK);
    assert_int_equal(sl_hpack_decode(late->decoder[dir], sl_buf_span(&bytes), headers), SL_OK);
    sl_buf_release(&bytes);
    return ins_infer_block(late->connection, dir, is_last, late->decoder[dir], headers);
}

static void message(struct ins_infer_group *group, struct sl_call *call, enum sl_dir dir,
                    const char *hex)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, 1024);
    assert_int_equal(sl_hex_decode(sl_span_str(hex), &bytes), SL_OK);
    struct sl_call_side *side = dir == SL_DIR_REQUEST ? &call->request : &call->response;
    side->message_count++;
    const struct sl_message whole = {
        .index = side->message_count,
        .length = (uint32_t)bytes.len,
        .has_prefix = true,
        .payload = sl_buf_span(&bytes),
        .received = bytes.len,
        .is_complete = true,
    };
    ins_infer_message(group, call, dir, &whole);
    sl_buf_release(&bytes);
}

/* ChatMessage {room_id: "r", user_id: "u", text: "t"}; ActionResponse {request_id: "i", accepted: true}. */
#define CHAT_MESSAGE    "1201721a0175220174"
#define ACTION_RESPONSE "0a01691001"

/* What the C core writes: two unseen entries (:path, :authority), POST, http, and more unseen ones. The
 * path's index is the byte. */
#define REQUEST_OF(path) path "c38386c4c5"

static void release_call(struct sl_call *call)
{
    sl_headers_release(&call->request.headers);
    sl_headers_release(&call->response.trailers);
}

/* One call whose request has the unseen path; its status is the only, unseen, field of its trailers. */
static void one_call(struct late *late, const char *request, const char *sent, const char *answered,
                     struct sl_call *ret_call)
{
    *ret_call = (struct sl_call){.protocol = SL_PROTOCOL_GRPC, .end = SL_CALL_TRAILERS};
    struct ins_infer_group *group =
        block(late, SL_DIR_REQUEST, false, request, &ret_call->request.headers);
    ret_call->request.has_headers = true;
    message(group, ret_call, SL_DIR_REQUEST, sent);
    message(group, ret_call, SL_DIR_RESPONSE, answered);
    assert_null(block(late, SL_DIR_RESPONSE, true, "be", &ret_call->response.trailers));
    ret_call->response.has_trailers = true;
    ins_infer_end(late->connection, group, ret_call);
}

static void expect_field(const struct sl_headers *headers, const char *name, const char *value,
                         enum sl_field_from from)
{
    const struct sl_header *field = sl_headers_find(headers, name);
    if (value == NULL) {
        assert_null(field);
        return;
    }
    assert_non_null(field);
    test_span_is(field->value, value);
    assert_int_equal(field->from, from);
}

static void a_method_is_named_by_its_messages_and_names_the_next_call_at_once(void **state)
{
    (void)state;
    struct late late;
    struct sl_call call;
    late_open(&late, true);
    one_call(&late, REQUEST_OF("c2"), CHAT_MESSAGE, ACTION_RESPONSE, &call);
    expect_field(&call.request.headers, ":path", SEND_PATH, SL_FIELD_SHAPE);
    expect_field(&call.response.trailers, "grpc-status", "0", SL_FIELD_SHAPE);
    assert_int_equal(call.request.headers.lost_count, 3);
    release_call(&call);
    struct sl_headers headers = {0};
    assert_non_null(block(&late, SL_DIR_REQUEST, false, REQUEST_OF("c2"), &headers));
    expect_field(&headers, ":path", SEND_PATH, SL_FIELD_SHAPE);
    /* Another entry is another method. */
    assert_non_null(block(&late, SL_DIR_REQUEST, false, REQUEST_OF("c1"), &headers));
    expect_field(&headers, ":path", NULL, SL_FIELD_LITERAL);
    sl_headers_release(&headers);
    late_close(&late);
}

static void what_fits_two_methods_names_none_but_lists_them(void **state)
{
    (void)state;
    struct late late;
    struct sl_call call;
    const struct sl_method *candidates[INS_CANDIDATES_MAX];
    late_open(&late, true);
    /* An empty request, SERVING: Check, or one message of Watch, or of ChatRoom. */
    for (unsigned i = 0; i < 3; i++) {
        one_call(&late, REQUEST_OF("c2"), "", "0801", &call);
        expect_field(&call.request.headers, ":path", i < 2 ? NULL : CHECK_PATH, SL_FIELD_SHAPE);
        if (i < 2) {
            struct ins_infer_group *group =
                block(&late, SL_DIR_REQUEST, false, REQUEST_OF("c2"), &call.request.headers);
            size_t count = ins_infer_candidates(group, candidates);
            assert_in_range(count, 2, INS_CANDIDATES_MAX);
            bool has_check = false;
            for (size_t j = 0; j < count; j++) {
                has_check = has_check || strcmp(candidates[j]->path, CHECK_PATH) == 0;
            }
            assert_true(has_check);
        }
        release_call(&call);
    }
    late_close(&late);
}

static void an_entry_in_use_is_not_a_method_that_was_inserted_after_it(void **state)
{
    (void)state;
    struct late late;
    struct sl_call call;
    struct sl_headers headers = {0};
    late_open(&late, true);
    /* The sender inserts the path of SendMessage, so what it has had before is another one. */
    assert_null(block(&late, SL_DIR_REQUEST, false,
                      "4420"
                      "2f636861742e76312e43686174536572766963652f53656e644d657373616765c38386",
                      &headers));
    expect_field(&headers, ":path", SEND_PATH, SL_FIELD_LITERAL);
    one_call(&late, REQUEST_OF("c4"), CHAT_MESSAGE, ACTION_RESPONSE, &call);
    expect_field(&call.request.headers, ":path", NULL, SL_FIELD_SHAPE);
    release_call(&call);
    sl_headers_release(&headers);
    late_close(&late);
}

static void without_a_schema_no_method_is_named(void **state)
{
    (void)state;
    struct late late;
    struct sl_call call;
    late_open(&late, false);
    one_call(&late, REQUEST_OF("c2"), CHAT_MESSAGE, ACTION_RESPONSE, &call);
    expect_field(&call.request.headers, ":path", NULL, SL_FIELD_SHAPE);
    release_call(&call);
    late_close(&late);
}

static void a_status_entry_of_a_call_that_failed_is_not_guessed(void **state)
{
    (void)state;
    struct late late;
    struct sl_call call = {.end = SL_CALL_TRAILERS, .response.has_trailers = true};
    late_open(&late, false);
    /* No message, and a grpc-message: "no". */
    block(&late, SL_DIR_RESPONSE, true, "be000c677270632d6d657373616765026e6f",
          &call.response.trailers);
    ins_infer_end(late.connection, NULL, &call);
    expect_field(&call.response.trailers, "grpc-status", NULL, SL_FIELD_SHAPE);
    /* The same entry behind a message, which would be OK by itself. */
    call.response.message_count = 1;
    block(&late, SL_DIR_RESPONSE, true, "be", &call.response.trailers);
    ins_infer_end(late.connection, NULL, &call);
    expect_field(&call.response.trailers, "grpc-status", NULL, SL_FIELD_SHAPE);
    release_call(&call);
    late_close(&late);
}

static void a_value_under_an_unseen_name_names_it(void **state)
{
    (void)state;
    struct late late;
    struct sl_headers headers = {0};
    late_open(&late, false);
    /* Literals under the names of the entries 62 and 63: "/a.B/C" and "trailers". */
    block(&late, SL_DIR_REQUEST, false, "0f2f062f612e422f430f30087472616964657273", &headers);
    expect_field(&headers, ":path", "/a.B/C", SL_FIELD_SHAPE);
    expect_field(&headers, "te", NULL, SL_FIELD_SHAPE);
    /* The name of 62 is known now, whatever the value. */
    block(&late, SL_DIR_REQUEST, false, "0f2f0178", &headers);
    expect_field(&headers, ":path", "x", SL_FIELD_SHAPE);
    /* "5" in a last block of the response. */
    block(&late, SL_DIR_RESPONSE, false, "0f2f0135", &headers);
    expect_field(&headers, "grpc-status", NULL, SL_FIELD_SHAPE);
    block(&late, SL_DIR_RESPONSE, true, "0f2f0135", &headers);
    expect_field(&headers, "grpc-status", "5", SL_FIELD_SHAPE);
    sl_headers_release(&headers);
    late_close(&late);
}

/* Requests of one client, encoded one after the other; those whose number is in missing are not seen.
 * Then the last one is as it was sent. */
static void expect_found_again(const char *const *timeouts, size_t count, size_t missing_from,
                               size_t missing_count)
{
    struct late late;
    late_open(&late, false);
    sl_hpack_decoder_free(late.decoder[SL_DIR_REQUEST]);
    late.decoder[SL_DIR_REQUEST] = sl_hpack_decoder_new(4096);
    struct sl_hpack_encoder *encoder = sl_hpack_encoder_new(4096);
    struct sl_headers headers = {0};
    for (size_t i = 0; i < count; i++) {
        const struct sl_header sent[] = {
            {.name = sl_span_str(":authority"), .value = sl_span_str("a:1")},
            {.name = sl_span_str(":method"), .value = sl_span_str("POST")},
            {.name = sl_span_str(":scheme"), .value = sl_span_str("http")},
            {.name = sl_span_str(":path"), .value = sl_span_str("/a.B/C")},
            {.name = sl_span_str("te"), .value = sl_span_str("trailers")},
            {.name = sl_span_str("content-type"), .value = sl_span_str("application/grpc")},
            {.name = sl_span_str("grpc-timeout"), .value = sl_span_str(timeouts[i])},
            {.name = sl_span_str("user-agent"), .value = sl_span_str("grpc-x/1")},
        };
        enum { SENT = sizeof(sent) / sizeof(sent[0]) };
        struct sl_buf bytes;
        sl_buf_init(&bytes, 1024);
        assert_int_equal(sl_hpack_encode(encoder, sent, SENT, &bytes), SL_OK);
        bool is_missing = i >= missing_from && i < missing_from + missing_count;
        if (is_missing) {
            sl_hpack_decoder_distrust(late.decoder[SL_DIR_REQUEST]);
        } else {
            assert_int_equal(
                sl_hpack_decode(late.decoder[SL_DIR_REQUEST], sl_buf_span(&bytes), &headers),
                SL_OK);
            (void)ins_infer_block(late.connection, SL_DIR_REQUEST, false,
                                  late.decoder[SL_DIR_REQUEST], &headers);
        }
        sl_buf_release(&bytes);
        if (i + 1 == count) {
            assert_int_equal(headers.lost_count, 0);
            assert_int_equal(headers.count, SENT);
            for (size_t j = 0; j < SENT; j++) {
                assert_true(sl_span_equal(headers.fields[j].name, sent[j].name));
                assert_true(sl_span_equal(headers.fields[j].value, sent[j].value));
            }
            expect_field(&headers, "user-agent", "grpc-x/1", SL_FIELD_ORDER);
            expect_field(&headers, ":method", "POST", SL_FIELD_STATIC);
        }
    }
    sl_headers_release(&headers);
    sl_hpack_encoder_free(encoder);
    late_close(&late);
}

static void after_a_gap_the_table_is_found_again_behind_what_was_inserted_in_it(void **state)
{
    (void)state;
    static const char *const same[] = {"1S", "1S", "1S"};
    static const char *const other[] = {"1S", "2S", "1S"};
    static const char *const many[] = {"1S", "2S", "3S", "4S", "5S", "1S"};
    static const char *const fresh[] = {"1S", "2S", "3S"};
    expect_found_again(same, 3, 1, 1);
    expect_found_again(other, 3, 1, 1);
    expect_found_again(many, 6, 1, 4);
    /* A literal under a name that stood in the table before the gap. */
    expect_found_again(fresh, 3, 1, 1);
}

static void values_have_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum sl_dir dir;
        bool is_last;
        const char *name;
    } cases[] = {
        {"/pkg.Service/Method", SL_DIR_REQUEST, false, ":path"},
        {"/Service/Method_2", SL_DIR_REQUEST, false, ":path"},
        {"/pkg..Service/Method", SL_DIR_REQUEST, false, NULL},
        {"/a/b/c", SL_DIR_REQUEST, false, NULL},
        {"/a/", SL_DIR_REQUEST, false, NULL},
        {"/usr/local bin", SL_DIR_REQUEST, false, NULL},
        {"application/grpc+proto", SL_DIR_RESPONSE, false, "content-type"},
        {"trailers", SL_DIR_REQUEST, false, "te"},
        {"trailers", SL_DIR_RESPONSE, false, NULL},
        {"grpc-go/1.60.0", SL_DIR_REQUEST, false, "user-agent"},
        {"4999876u", SL_DIR_REQUEST, false, "grpc-timeout"},
        {"123456789m", SL_DIR_REQUEST, false, NULL},
        {"16", SL_DIR_RESPONSE, true, "grpc-status"},
        {"17", SL_DIR_RESPONSE, true, NULL},
        {"0", SL_DIR_RESPONSE, false, NULL},
        {"0", SL_DIR_REQUEST, true, NULL},
        {"", SL_DIR_RESPONSE, true, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].value);
        const char *name =
            ins_value_name(sl_span_str(cases[i].value), cases[i].dir, cases[i].is_last);
        if (cases[i].name == NULL) {
            assert_null(name);
        } else {
            assert_non_null(name);
            assert_string_equal(name, cases[i].name);
        }
    }
}

static void messages_fit_their_type_best(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *type;
        const char *hex;
        uint32_t good, bad;
        bool is_impossible;
    } cases[] = {
        {"its own", "chat.v1.ChatMessage", CHAT_MESSAGE, 3, 0, false},
        {"wire types of another", "chat.v1.RoomSubscription", CHAT_MESSAGE, 1, 2, false},
        {"an unknown field", "chat.v1.ActionResponse", ACTION_RESPONSE "d80401", 2, 1, false},
        {"no UTF-8", "chat.v1.ChatMessage", "1201ff1a0175", 1, 1, false},
        {"an enum out of range", "chat.v1.ServerCommand", "0809120161", 1, 1, false},
        {"a bool of 2", "chat.v1.ActionResponse", "0a01691002", 1, 1, false},
        {"nothing", "chat.v1.ActionResponse", "", 0, 0, false},
        {"cut", "chat.v1.ActionResponse", "0a05", 0, 0, true},
        {"field number 0", "chat.v1.ActionResponse", "0001", 0, 0, true},
        {"nested", "google.rpc.Status", "08051a050a03612f62", 3, 0, false},
    };
    struct sl_pool *pool = sl_pool_new();
    sl_pool_add_builtin(pool);
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_buf bytes;
        sl_buf_init(&bytes, 100);
        print_message("%s\n", cases[i].name);
        assert_int_equal(sl_hex_decode(sl_span_str(cases[i].hex), &bytes), SL_OK);
        const struct sl_message_type *type = sl_pool_message(pool, sl_span_str(cases[i].type));
        assert_non_null(type);
        struct ins_shape shape = ins_shape_fit(type, sl_buf_span(&bytes));
        assert_int_equal(shape.good, cases[i].good);
        assert_int_equal(shape.bad, cases[i].bad);
        assert_int_equal(shape.is_impossible, cases[i].is_impossible);
        sl_buf_release(&bytes);
    }
    sl_pool_free(pool);
}

static void utf8_is_judged_to_the_letter(void **state)
{
    (void)state;
    assert_true(ins_shape_is_utf8(sl_span_str("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_false(ins_shape_is_utf8(sl_span_str("\xc0\x80")));
    assert_false(ins_shape_is_utf8(sl_span_str("\xed\xa0\x80")));
    assert_false(ins_shape_is_utf8(sl_span_str("\xf4\x90\x80\x80")));
    assert_false(ins_shape_is_utf8(sl_span_str("\xe2\x82")));
    assert_false(ins_shape_is_utf8(sl_span_str("\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_method_is_named_by_its_messages_and_names_the_next_call_at_once),
        cmocka_unit_test(what_fits_two_methods_names_none_but_lists_them),
        cmocka_unit_test(an_entry_in_use_is_not_a_method_that_was_inserted_after_it),
        cmocka_unit_test(without_a_schema_no_method_is_named),
        cmocka_unit_test(a_status_entry_of_a_call_that_failed_is_not_guessed),
        cmocka_unit_test(a_value_under_an_unseen_name_names_it),
        cmocka_unit_test(after_a_gap_the_table_is_found_again_behind_what_was_inserted_in_it),
        cmocka_unit_test(values_have_shapes),
        cmocka_unit_test(messages_fit_their_type_best),
        cmocka_unit_test(utf8_is_judged_to_the_letter),
    };
    return cmocka_run_group_tests_name("inspector/infer", tests, NULL, NULL);
}
