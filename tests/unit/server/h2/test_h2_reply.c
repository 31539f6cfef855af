/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/reply.h"

#include <stdio.h>

#include "lib/wire/message.h"
#include "tests/support/cmocka_all.h"

enum {
    TEXT_MAX = 16 * 1024,
};

/* The list as lines "name: value" must be text; the list is released. */
static void check(struct srv_h2_fields *fields, const char *text)
{
    struct sl_buf lines;
    sl_buf_init(&lines, TEXT_MAX);
    for (size_t i = 0; i < fields->count; i++) {
        const nghttp2_nv *nv = &fields->nv[i];
        (void)sl_buf_addf(&lines, "%.*s: %.*s\n", (int)nv->namelen, (const char *)nv->name,
                          (int)nv->valuelen, (const char *)nv->value);
    }
    assert_string_equal(sl_buf_str(&lines), text);
    sl_buf_release(&lines);
    srv_h2_fields_release(fields);
}

#define HEAD ":status: 200\ncontent-type: application/grpc\n"

static void a_usual_reply_allocates_nothing(void **state)
{
    (void)state;
    struct srv_h2_fields fields;
    srv_h2_reply_head(&fields, sl_span(NULL, 0), SRV_H2_IDENTITY);
    assert_null(fields.text.data);
    assert_null(fields.details.data);
    check(&fields, HEAD);
    srv_h2_reply_head(&fields, sl_span_str("id-7"), SRV_H2_IDENTITY);
    assert_null(fields.text.data);
    check(&fields, HEAD "x-request-id: id-7\nchat-capabilities: fill, dedup\n");
    srv_h2_reply_trailers(&fields, &(struct srv_h2_end){.status = SL_GRPC_OK, .text = ""});
    assert_null(fields.text.data);
    check(&fields, "grpc-status: 0\n");
}

static void every_status_is_written_in_decimal(void **state)
{
    (void)state;
    for (unsigned code = 0; code <= 16; code++) {
        char expected[32];
        struct srv_h2_fields fields;
        srv_h2_reply_trailers(&fields, &(struct srv_h2_end){.status = (enum sl_grpc_status)code});
        (void)snprintf(expected, sizeof expected, "grpc-status: %u\n", code);
        check(&fields, expected);
    }
}

static void an_encoding_is_named_where_it_is_used(void **state)
{
    (void)state;
    struct srv_h2_fields fields;
    srv_h2_reply_head(&fields, sl_span(NULL, 0), SRV_H2_GZIP);
    check(&fields, HEAD "grpc-encoding: gzip\ngrpc-accept-encoding: identity,deflate,gzip\n");
}

static void trailers_only_is_one_block_with_everything(void **state)
{
    (void)state;
    struct srv_frame *details = srv_frame_copy(sl_span("\0\1\2\3", 4));
    const struct srv_trailer dropped = {"chat-dropped", UINT64_MAX};
    struct srv_h2_fields fields;
    srv_h2_reply_trailers_only(&fields, &(struct srv_h2_end){.status = SL_GRPC_INVALID_ARGUMENT,
                                                             .text = "a %, a\ttab and \xc3\xa9",
                                                             .details = details,
                                                             .trailer = &dropped,
                                                             .request_id = sl_span_str("r"),
                                                             .has_encodings = true});
    check(&fields, HEAD "x-request-id: r\n"
                        "chat-capabilities: fill, dedup\n"
                        "grpc-status: 3\n"
                        "grpc-message: a %25, a%09tab and %C3%A9\n"
                        "grpc-status-details-bin: AAECAw\n"
                        "chat-dropped: 18446744073709551615\n"
                        "grpc-accept-encoding: identity,deflate,gzip\n");
    srv_frame_unref(details);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[SRV_H2_TEXT_MAX + 8] = {0};
    struct srv_h2_fields fields;
    memset(text, 'a', SRV_H2_TEXT_MAX - 1);
    memcpy(text + SRV_H2_TEXT_MAX - 1, "\xe2\x82\xac!", 5);
    srv_h2_reply_trailers(&fields, &(struct srv_h2_end){.text = text});
    assert_int_equal(fields.nv[1].valuelen, SRV_H2_TEXT_MAX - 1);
    srv_h2_fields_release(&fields);
    memset(text, 0x25, sizeof text - 1);
    srv_h2_reply_trailers(&fields, &(struct srv_h2_end){.text = text});
    assert_int_equal(fields.nv[1].valuelen, SRV_H2_TEXT_MAX * 3);
    srv_h2_fields_release(&fields);
}

static void refusals_become_fields(void **state)
{
    (void)state;
    struct srv_h2_fields fields;
    srv_h2_reply_refusal(&fields, &(struct srv_h2_refusal){.how = SRV_H2_HTTP, .http_status = 405});
    check(&fields, ":status: 405\nallow: POST\ncontent-length: 0\n");
    srv_h2_reply_refusal(&fields, &(struct srv_h2_refusal){.how = SRV_H2_HTTP, .http_status = 415});
    check(&fields, ":status: 415\ncontent-length: 0\n");
    srv_h2_reply_refusal(&fields, &(struct srv_h2_refusal){.how = SRV_H2_HTTP, .http_status = 400});
    check(&fields, ":status: 400\ncontent-length: 0\n");
    struct srv_h2_refusal refusal = srv_h2_grpc_refusal(SL_GRPC_UNIMPLEMENTED, "no");
    refusal.has_encodings = true;
    srv_h2_reply_refusal(&fields, &refusal);
    check(&fields, HEAD "grpc-status: 12\ngrpc-message: no\n"
                        "grpc-accept-encoding: identity,deflate,gzip\n");
}

static void a_zipped_reply_inflates_to_itself(void **state)
{
    (void)state;
    struct srv_frame *reply = srv_frame_copy(sl_span_str("a reply"));
    struct srv_frame *zipped = srv_h2_reply_zip(reply);
    struct sl_buf plain;
    sl_buf_init(&plain, TEXT_MAX);
    assert_non_null(zipped);
    assert_int_equal(sl_message_decompress(sl_span_str("gzip"), srv_frame_span(zipped), &plain),
                     SL_OK);
    test_span_is(sl_buf_span(&plain), "a reply");
    sl_buf_release(&plain);
    srv_frame_unref(zipped);
    srv_frame_unref(reply);
}

static void a_prefix_is_big_endian(void **state)
{
    (void)state;
    uint8_t prefix[SRV_H2_PREFIX_SIZE];
    srv_h2_reply_prefix(prefix, true, 0x01020304);
    assert_memory_equal(prefix, "\1\1\2\3\4", sizeof prefix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_usual_reply_allocates_nothing),
        cmocka_unit_test(every_status_is_written_in_decimal),
        cmocka_unit_test(an_encoding_is_named_where_it_is_used),
        cmocka_unit_test(trailers_only_is_one_block_with_everything),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(refusals_become_fields),
        cmocka_unit_test(a_zipped_reply_inflates_to_itself),
        cmocka_unit_test(a_prefix_is_big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
