/* SPDX-License-Identifier: Apache-2.0 */
/* TLS secrets that lie far behind the packets of a pcapng file. */
#include <stdlib.h>
#include <unistd.h>

#include "inspector/source/pcapng_secrets.h"
#include "inspector/source/source.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pcap_builder.h"

enum {
    PACKETS = 8,
    FRAME_SIZE = 200 * 1024, /* six of them are more than what can wait for keys */
};

static void add_secrets(struct test_capture *capture, const char *lines)
{
    struct sl_buf body;
    sl_buf_init(&body, 256);
    test_capture_u32(capture, &body, 0x544c534b);
    test_capture_u32(capture, &body, (uint32_t)strlen(lines));
    (void)sl_buf_add_str(&body, lines);
    test_capture_block(capture, INS_PCAPNG_SECRETS, sl_buf_span(&body));
    sl_buf_release(&body);
}

/* Packets, the first secrets, a packet, the other secrets. Answers where the last packet begins. */
static size_t build(struct test_capture *capture, enum test_capture_format format, size_t packets)
{
    static uint8_t frame[FRAME_SIZE];
    test_capture_init(capture, format, INS_LINK_ETHERNET);
    for (size_t i = 0; i < packets; i++) {
        test_capture_packet(capture, i + 1, sl_span(frame, sizeof(frame)), 0);
    }
    add_secrets(capture, "ONE\n");
    size_t middle = capture->bytes.len;
    test_capture_packet(capture, packets + 1, sl_span(frame, 64), 0);
    add_secrets(capture, "TWO\n");
    return middle;
}

static struct ins_source *open_file(struct sl_span bytes)
{
    char path[] = "/tmp/sluice-ahead-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.len), bytes.len);
    assert_int_equal(close(fd), 0);
    struct ins_input *input = NULL;
    struct ins_source *source = NULL;
    assert_int_equal(ins_input_open(path, NULL, &input, NULL), SL_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ins_source_new(input, &source, NULL), SL_OK);
    return source;
}

/* Reads on to the end. Answers how many damages there were. */
static size_t read_rest(struct ins_source *source)
{
    struct ins_packet packet;
    struct ins_damage damage;
    size_t damages = 0;
    enum sl_status status = SL_OK;
    while ((status = ins_source_next(source, &packet, &damage)) != SL_CLOSED) {
        damages += status == SL_MALFORMED ? 1 : 0;
    }
    return damages;
}

static void all_are_there_with_the_first_packet_and_once(void **state)
{
    (void)state;
    static const enum test_capture_format formats[] = {TEST_PCAPNG_LE, TEST_PCAPNG_BE};
    for (size_t i = 0; i < 2; i++) {
        struct test_capture capture;
        struct ins_packet packet;
        struct ins_damage damage;
        (void)build(&capture, formats[i], PACKETS);
        struct ins_source *source = open_file(sl_buf_span(&capture.bytes));
        assert_int_equal(ins_source_next(source, &packet, &damage), SL_OK);
        assert_int_equal(packet.number, 1);
        test_span_is(ins_source_secrets(source), "ONE\nTWO\n");
        assert_int_equal(read_rest(source), 0);
        test_span_is(ins_source_secrets(source), "ONE\nTWO\n");
        ins_source_free(source);
        test_capture_release(&capture);
    }
}

static void a_short_capture_is_not_looked_through(void **state)
{
    (void)state;
    struct test_capture capture;
    struct ins_packet packet;
    struct ins_damage damage;
    (void)build(&capture, TEST_PCAPNG_LE, 2);
    struct ins_source *source = open_file(sl_buf_span(&capture.bytes));
    assert_int_equal(ins_source_next(source, &packet, &damage), SL_OK);
    assert_int_equal(ins_source_secrets(source).len, 0);
    assert_int_equal(read_rest(source), 0);
    test_span_is(ins_source_secrets(source), "ONE\nTWO\n");
    ins_source_free(source);
    test_capture_release(&capture);
}

static void behind_damage_they_come_when_they_are_read(void **state)
{
    (void)state;
    struct test_capture capture;
    struct ins_packet packet;
    struct ins_damage damage;
    size_t middle = build(&capture, TEST_PCAPNG_LE, PACKETS);
    memset(capture.bytes.data + middle + 4, 0xff, 4); /* the length of a block */
    struct ins_source *source = open_file(sl_buf_span(&capture.bytes));
    assert_int_equal(ins_source_next(source, &packet, &damage), SL_OK);
    test_span_is(ins_source_secrets(source), "ONE\n");
    assert_int_equal(read_rest(source), 1);
    test_span_is(ins_source_secrets(source), "ONE\nTWO\n");
    ins_source_free(source);
    test_capture_release(&capture);
}

/* Every truncation: nothing is taken twice, and no more than there is. */
static void a_cut_capture_gives_what_it_has(void **state)
{
    (void)state;
    struct test_capture capture;
    (void)build(&capture, TEST_PCAPNG_LE, PACKETS);
    for (size_t cut = 0; cut < 160; cut++) {
        struct ins_source *source = open_file(sl_span(capture.bytes.data, capture.bytes.len - cut));
        (void)read_rest(source);
        size_t len = ins_source_secrets(source).len;
        assert_true(len == 0 || len == 4 || len == 8);
        ins_source_free(source);
    }
    test_capture_release(&capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_there_with_the_first_packet_and_once),
        cmocka_unit_test(a_short_capture_is_not_looked_through),
        cmocka_unit_test(behind_damage_they_come_when_they_are_read),
        cmocka_unit_test(a_cut_capture_gives_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
