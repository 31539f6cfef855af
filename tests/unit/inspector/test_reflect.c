/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka_all.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspector/reflect/client.h"
#include "inspector/reflect/rpc.h"
#include "lib/base/alloc.h"
#include "lib/wire/h2_frame.h"
#include "lib/wire/hpack.h"
#include "lib/wire/message.h"
#include "tests/support/every_split.h"

enum { BYTES_MAX = 4 * 1024 * 1024 };

/* A client whose events are lines of text. */
struct peer {
    struct ins_rpc *rpc;
    struct sl_buf *text;
    struct sl_error error;
    bool is_reopening; /* at the end of its first call */
};

static void on_message(void *owner, struct sl_span payload)
{
    struct peer *peer = owner;
    (void)sl_buf_addf(peer->text, "message %zu\n", payload.len);
}

static void on_end(void *owner, uint32_t code, const char *text)
{
    struct peer *peer = owner;
    (void)sl_buf_addf(peer->text, "end %u %s\n", code, text);
    if (peer->is_reopening) {
        peer->is_reopening = false;
        assert_int_equal(ins_rpc_open(peer->rpc, "/x.Y/Z"), SL_OK);
    }
}

static const struct ins_rpc_handler handler = {.message = on_message, .end = on_end};

static void *begin(void *context, struct sl_buf *text)
{
    struct peer *peer = sl_alloc(sizeof(*peer));
    (void)context;
    peer->text = text;
    peer->is_reopening = true;
    peer->rpc = ins_rpc_new("host:1", &handler, peer);
    assert_int_equal(ins_rpc_open(peer->rpc, "/x.Y/Z"), SL_OK);
    ins_rpc_send(peer->rpc, sl_span_str("request"));
    ins_rpc_wrote(peer->rpc, ins_rpc_output(peer->rpc).len);
    return peer;
}

static void feed(void *decoder, struct sl_span piece)
{
    struct peer *peer = decoder;
    if (peer->error.status == SL_OK && ins_rpc_feed(peer->rpc, piece, &peer->error) != SL_OK) {
        (void)sl_buf_addf(peer->text, "failed: %s\n", peer->error.text);
    }
}

static void end(void *decoder, struct sl_buf *text)
{
    struct peer *peer = decoder;
    (void)sl_buf_addf(text, "%zu bytes to send\n", ins_rpc_output(peer->rpc).len);
    (void)ins_rpc_closed(peer->rpc, &peer->error);
    (void)sl_buf_addf(text, "closed: %s\n", peer->error.text);
    ins_rpc_free(peer->rpc);
    sl_free(peer);
}

/* HEADERS with these fields, names and values in turn; in two frames when is_split. */
static void put_headers(struct sl_buf *out, uint32_t stream, uint8_t flags, bool is_split,
                        const char *const *fields)
{
    struct sl_buf block;
    sl_buf_init(&block, BYTES_MAX);
    for (; *fields != NULL; fields += 2) {
        (void)sl_hpack_write_literal(&block, SL_HPACK_INCREMENTAL, sl_span_str(fields[0]),
                                     sl_span_str(fields[1]));
    }
    size_t first = is_split ? block.len / 2 : block.len;
    uint8_t last = is_split ? 0 : SL_H2_FLAG_END_HEADERS;
    (void)sl_h2_write_frame(out, SL_H2_HEADERS, flags | last, stream,
                            sl_span_first(sl_buf_span(&block), first));
    if (is_split) {
        (void)sl_h2_write_frame(out, SL_H2_CONTINUATION, SL_H2_FLAG_END_HEADERS, stream,
                                sl_span_from(sl_buf_span(&block), first));
    }
    sl_buf_release(&block);
}

static const char *const response[] = {":status", "200", "content-type", "application/grpc", NULL};

static void put_message(struct sl_buf *out, uint32_t stream, size_t len)
{
    struct sl_buf framed;
    uint8_t *zeros = sl_calloc(1, len + 1);
    sl_buf_init(&framed, BYTES_MAX);
    (void)sl_message_write(&framed, 0, sl_span(zeros, len));
    struct sl_span left = sl_buf_span(&framed);
    while (left.len > 0) {
        size_t part = left.len < SL_H2_DEFAULT_MAX_FRAME ? left.len : SL_H2_DEFAULT_MAX_FRAME;
        (void)sl_h2_write_frame(out, SL_H2_DATA, 0, stream, sl_span_first(left, part));
        left = sl_span_from(left, part);
    }
    sl_buf_release(&framed);
    sl_free(zeros);
}

static void however_it_is_cut_the_events_are_the_same(void **state)
{
    (void)state;
    static const char *const missing[] = {"grpc-status", "5", "grpc-message", "no%0a%20file", NULL};
    static const char *const trailers[] = {"grpc-status", "0", NULL};
    struct sl_buf bytes;
    sl_buf_init(&bytes, BYTES_MAX);
    (void)sl_h2_write_settings(&bytes, NULL, 0);
    (void)sl_h2_write_settings_ack(&bytes);
    (void)sl_h2_write_ping(&bytes, false, 7);
    put_headers(&bytes, 1, 0, true, response);
    put_message(&bytes, 1, 3);
    put_message(&bytes, 1, 0);
    (void)sl_h2_write_frame(&bytes, SL_H2_DATA, SL_H2_FLAG_PADDED, 1,
                            sl_span("\x02\0\0\0\0\x01x..", 9));
    put_headers(&bytes, 1, SL_H2_FLAG_END_STREAM, false, missing);
    put_message(&bytes, 1, 3); /* of a call that is over */
    put_headers(&bytes, 3, 0, false, response);
    put_message(&bytes, 3, 9);
    put_headers(&bytes, 3, SL_H2_FLAG_END_STREAM, true, trailers);
    static const struct test_decoder decoder = {begin, feed, end};
    test_every_split(&decoder, NULL, sl_buf_span(&bytes));

    struct sl_buf text;
    sl_buf_init(&text, BYTES_MAX);
    struct peer *peer = begin(NULL, &text);
    feed(peer, sl_buf_span(&bytes));
    assert_string_equal(sl_buf_str(&text), "message 3\nmessage 0\nmessage 1\nend 5 no? file\n"
                                           "message 9\nend 0 \n");
    end(peer, &text);
    sl_buf_release(&text);
    sl_buf_release(&bytes);
}

/* What a client says of these bytes, behind SETTINGS when is_after. */
static void expect(const char *name, bool is_after, struct sl_span bytes, const char *wanted)
{
    struct sl_buf text;
    struct sl_buf all;
    sl_buf_init(&text, BYTES_MAX);
    sl_buf_init(&all, BYTES_MAX);
    struct peer *peer = begin(NULL, &text);
    peer->is_reopening = false;
    if (is_after) {
        (void)sl_h2_write_settings(&all, NULL, 0);
    }
    (void)sl_buf_add_span(&all, bytes);
    feed(peer, sl_buf_span(&all));
    end(peer, &text);
    if (strstr(sl_buf_str(&text), wanted) == NULL) {
        fail_msg("%s: wanted '%s' in:\n%s", name, wanted, sl_buf_str(&text));
    }
    sl_buf_release(&all);
    sl_buf_release(&text);
}

static void what_a_server_does_wrong_is_told(void **state)
{
    (void)state;
#define BYTES(text) sl_span(text, sizeof(text) - 1)
    const struct {
        const char *name;
        bool is_after;
        struct sl_span bytes;
        const char *wanted;
    } cases[] = {
        {"HTTP/1", false, BYTES("HTTP/1.1 400 Bad Request\r\n"),
         "failed: the server does not speak HTTP/2 there: it answers in HTTP/1"},
        {"TLS", false, BYTES("\x15\x03\x01\0\x02\x02\x46"),
         "closed: the server does not speak HTTP/2 there: it wants TLS"},
        {"silence", false, BYTES(""), "closed: the server closed the connection without a word"},
        {"no SETTINGS", false, BYTES("\0\0\x08\x06\0\0\0\0\0........"), "does not speak HTTP/2"},
        {"large", true, BYTES("\0\x40\x01\0\0\0\0\0\x01"), "failed: a frame of 16385 bytes"},
        {"padding", true, BYTES("\0\0\x01\0\x08\0\0\0\x01\x05"), "failed: a frame whose padding"},
        {"alone", true, BYTES("\0\0\0\x09\x04\0\0\0\x01"), "failed: a header block with other"},
        {"inside", true, BYTES("\0\0\0\x01\0\0\0\0\x01\0\0\0\0\0\0\0\0\x01"),
         "failed: a header block with other"},
        {"stream 0", true, BYTES("\0\0\0\x01\x04\0\0\0\0"), "failed: a header block on a stream"},
        {"another stream", true, BYTES("\0\0\0\x01\0\0\0\0\x01\0\0\0\x09\x04\0\0\0\x03"),
         "failed: a header block on a stream"},
        {"HPACK", true, BYTES("\0\0\x01\x01\x04\0\0\0\x01\xff"),
         "failed: a header block that cannot"},
        {"window", true, BYTES("\0\0\x04\x08\0\0\0\0\x01\x7f\xff\xff\xff"),
         "failed: a window of more"},
        {"initial window", true, BYTES("\0\0\x06\x04\0\0\0\0\0\0\x04\x80\0\0\0"),
         "failed: an initial window"},
        {"push", true, BYTES("\0\0\x04\x05\x04\0\0\0\x01\0\0\0\x02"), "failed: a push"},
        {"compressed", true, BYTES("\0\0\x05\0\0\0\0\0\x01\x01\0\0\0\0"),
         "failed: an answer that is compressed"},
        {"reset", true, BYTES("\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07"),
         "end 14 RST_STREAM REFUSED_STREAM"},
        {"goaway", true,
         BYTES("\0\0\x0a\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b"
               "b\n"),
         "end 14 GOAWAY ENHANCE_YOUR_CALM b?"},
        {"no status", true, BYTES("\0\0\0\0\x01\0\0\0\x01"), "end 2 it ended without a status"},
        {"404", true, BYTES("\0\0\x01\x01\x04\0\0\0\x01\x8d"), "end 12 HTTP status 404"},
        {"closed", true, BYTES(""), "closed: the server closed the connection\n"},
        {"unknown", true, BYTES("\0\0\x01\xfa\0\0\0\0\x01x"),
         "closed: the server closed the connection\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(cases[i].name, cases[i].is_after, cases[i].bytes, cases[i].wanted);
    }
}

static void pings_that_are_not_read_end_it(void **state)
{
    (void)state;
    struct sl_buf pings;
    sl_buf_init(&pings, BYTES_MAX);
    for (size_t i = 0; i < INS_RPC_OUTPUT_MAX / 17 + 1; i++) {
        (void)sl_h2_write_ping(&pings, false, i);
    }
    expect("pings", true, sl_buf_span(&pings), "failed: more answers of ours wait");
    sl_buf_release(&pings);
}

static void requests_wait_for_the_servers_windows(void **state)
{
    (void)state;
    const struct sl_h2_setting_pair none = {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    struct sl_buf text;
    struct sl_buf bytes;
    sl_buf_init(&text, BYTES_MAX);
    sl_buf_init(&bytes, BYTES_MAX);
    struct peer *peer = begin(NULL, &text);
    (void)sl_h2_write_settings(&bytes, &none, 1);
    feed(peer, sl_buf_span(&bytes)); /* the window is now -12: 12 bytes are out */
    ins_rpc_wrote(peer->rpc, ins_rpc_output(peer->rpc).len);
    ins_rpc_send(peer->rpc, sl_span_str("more"));
    assert_int_equal(ins_rpc_output(peer->rpc).len, 0);
    static const struct {
        uint32_t increment;
        size_t len; /* of the DATA that it lets out */
    } steps[] = {{12, 0}, {3, 9 + 3}, {10, 9 + 6}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        sl_buf_clear(&bytes);
        (void)sl_h2_write_window_update(&bytes, 1, steps[i].increment);
        feed(peer, sl_buf_span(&bytes));
        assert_int_equal(ins_rpc_output(peer->rpc).len, steps[i].len);
        ins_rpc_wrote(peer->rpc, steps[i].len);
    }
    end(peer, &text);
    sl_buf_release(&bytes);
    sl_buf_release(&text);
}

static void our_windows_are_given_back(void **state)
{
    (void)state;
    enum { LARGE = 3 * 1024 * 1024 };
    struct sl_buf text;
    struct sl_buf bytes;
    sl_buf_init(&text, BYTES_MAX);
    sl_buf_init(&bytes, BYTES_MAX);
    struct peer *peer = begin(NULL, &text);
    (void)sl_h2_write_settings(&bytes, NULL, 0);
    put_headers(&bytes, 1, 0, false, response);
    put_message(&bytes, 1, LARGE);
    feed(peer, sl_buf_span(&bytes));
    assert_string_equal(sl_buf_str(&text), "message 3145728\n");
    struct sl_span out = ins_rpc_output(peer->rpc);
    uint64_t given[2] = {0, 0};
    struct sl_h2_frame_header header;
    while (sl_h2_frame_header_read(out, &header) == SL_OK) {
        const uint8_t *b = out.data + SL_H2_FRAME_HEADER_SIZE;
        if (header.type == SL_H2_WINDOW_UPDATE) {
            assert_in_range(header.stream, 0, 1);
            given[header.stream] +=
                (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        }
        out = sl_span_from(out, SL_H2_FRAME_HEADER_SIZE + header.length);
    }
    for (size_t i = 0; i < 2; i++) { /* all but what is less than a step */
        assert_in_range(given[i], LARGE - 512 * 1024, LARGE + 1024);
    }
    end(peer, &text);
    sl_buf_release(&bytes);
    sl_buf_release(&text);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    char target[64];
    char left_out[SL_ERROR_TEXT_MAX];
    struct sl_error error = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%u", ntohs(address.sin_port));
    struct sl_pool *pool = sl_pool_new();
    assert_int_equal(ins_reflect(target, 20 * SL_MS, pool, left_out, &error), SL_TIMEOUT);
    assert_string_equal(error.text, "no answer within 0.02 s");
    sl_pool_free(pool);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_it_is_cut_the_events_are_the_same),
        cmocka_unit_test(what_a_server_does_wrong_is_told),
        cmocka_unit_test(pings_that_are_not_read_end_it),
        cmocka_unit_test(requests_wait_for_the_servers_windows),
        cmocka_unit_test(our_windows_are_given_back),
        cmocka_unit_test(a_server_that_says_nothing_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
