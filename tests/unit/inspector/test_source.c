/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/source.h"

#include "inspector/source/merge.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pcap_builder.h"

#define SECOND UINT64_C(1000000000)

enum {
    PACKETS = 6,
    FRAME_SIZE = 60,
};

/* What was read from a capture. */
struct reading {
    size_t packets;
    size_t damages;
    uint64_t damaged_packet; /* of the first damage */
    bool is_end;             /* of the last damage */
    uint64_t first_time_ns;
    uint32_t last_link_type;
    bool has_time;
};

static struct reading read_all(struct sl_span bytes)
{
    struct reading reading = {0};
    struct ins_source *source = NULL;
    struct sl_error error = {0};
    if (ins_source_new(ins_input_memory(bytes), &source, &error) != SL_OK) {
        reading.damages = 1;
        return reading;
    }
    for (;;) {
        struct ins_packet packet;
        struct ins_damage damage;
        enum sl_status status = ins_source_next(source, &packet, &damage);
        if (status == SL_CLOSED) {
            break;
        }
        if (status == SL_MALFORMED) {
            reading.damaged_packet = reading.damages == 0 ? damage.packet : reading.damaged_packet;
            reading.damages++;
            reading.is_end = damage.is_end;
            continue;
        }
        reading.first_time_ns = reading.packets == 0 ? packet.time_ns : reading.first_time_ns;
        reading.has_time = packet.has_time;
        reading.last_link_type = packet.link_type;
        reading.packets++;
    }
    ins_source_free(source);
    return reading;
}

static void frame_of(uint8_t frame[FRAME_SIZE], uint8_t fill)
{
    memset(frame, fill, FRAME_SIZE);
}

/* PACKETS packets, a second apart; ends[i] is where packet i ends. */
static void build(struct test_capture *capture, enum test_capture_format format,
                  size_t ends[PACKETS])
{
    uint8_t frame[FRAME_SIZE];
    test_capture_init(capture, format, INS_LINK_ETHERNET);
    for (size_t i = 0; i < PACKETS; i++) {
        frame_of(frame, (uint8_t)(0x41 + i));
        test_capture_packet(capture, (i + 1) * SECOND + 123456000, sl_span(frame, sizeof(frame)),
                            0);
        ends[i] = capture->bytes.len;
    }
}

static const enum test_capture_format formats[] = {TEST_PCAP_US_LE, TEST_PCAP_US_BE,
                                                   TEST_PCAP_NS_LE, TEST_PCAP_NS_BE,
                                                   TEST_PCAPNG_LE,  TEST_PCAPNG_BE};

static void reads_every_format_in_both_byte_orders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct test_capture capture;
        size_t ends[PACKETS];
        build(&capture, formats[i], ends);
        struct reading reading = read_all(sl_buf_span(&capture.bytes));
        assert_int_equal(reading.packets, PACKETS);
        assert_int_equal(reading.damages, 0);
        assert_int_equal(reading.first_time_ns, SECOND + 123456000);
        assert_int_equal(reading.last_link_type, INS_LINK_ETHERNET);
        assert_true(reading.has_time);
        test_capture_release(&capture);
    }
}

static void gives_all_packets_before_a_cut_and_names_the_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct test_capture capture;
        size_t ends[PACKETS];
        build(&capture, formats[i], ends);
        size_t header = ends[0] - (ends[1] - ends[0]);
        for (size_t len = header; len < capture.bytes.len; len++) {
            size_t whole = 0;
            bool is_clean = len == header;
            for (size_t j = 0; j < PACKETS; j++) {
                whole += ends[j] <= len ? 1 : 0;
                is_clean = is_clean || ends[j] == len;
            }
            struct reading reading = read_all(sl_span(capture.bytes.data, len));
            assert_int_equal(reading.packets, whole);
            assert_int_equal(reading.damages, is_clean ? 0 : 1);
            assert_true(is_clean || (reading.is_end && reading.damaged_packet == whole + 1));
        }
        test_capture_release(&capture);
    }
}

static void a_cut_file_header_is_no_capture(void **state)
{
    (void)state;
    struct test_capture capture;
    test_capture_init(&capture, TEST_PCAP_US_LE, INS_LINK_ETHERNET);
    for (size_t len = 0; len < capture.bytes.len; len++) {
        struct ins_source *source = NULL;
        struct sl_error error = {0};
        assert_int_equal(
            ins_source_new(ins_input_memory(sl_span(capture.bytes.data, len)), &source, &error),
            SL_MALFORMED);
        assert_string_not_equal(error.text, "");
    }
    test_capture_release(&capture);
}

static void a_compressed_capture_is_named_as_one(void **state)
{
    (void)state;
    static const struct {
        struct sl_span start;
        const char *text;
    } cases[] = {
        {{.data = (const uint8_t *)"BZh9", .len = 4}, "bzip2"},
        {{.data = (const uint8_t *)"\x04\x22\x4d\x18", .len = 4}, "lz4"},
        {{.data = (const uint8_t *)"\xfd\x37zXZ", .len = 5}, "xz"},
        {{.data = (const uint8_t *)"text", .len = 4}, "no pcap or pcapng"},
        {{.data = (const uint8_t *)"\x1f", .len = 1}, "no pcap or pcapng"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ins_source *source = NULL;
        struct sl_error error = {0};
        assert_int_equal(ins_source_new(ins_input_memory(cases[i].start), &source, &error),
                         SL_MALFORMED);
        assert_non_null(strstr(error.text, cases[i].text));
    }
}

static void goes_on_after_a_damaged_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct test_capture capture;
        size_t ends[PACKETS];
        build(&capture, formats[i], ends);
        bool is_pcapng = formats[i] == TEST_PCAPNG_LE || formats[i] == TEST_PCAPNG_BE;
        /* the length: of the record after its times, of the block after its type */
        memset(capture.bytes.data + ends[1] + (is_pcapng ? 4 : 8), 0xee, 4);
        struct reading reading = read_all(sl_buf_span(&capture.bytes));
        assert_int_equal(reading.packets, PACKETS - 1);
        assert_int_equal(reading.damages, 1);
        assert_int_equal(reading.damaged_packet, 3);
        assert_false(reading.is_end);
        test_capture_release(&capture);
    }
}

/* A wrong length that is still possible: the record after it shows it. */
static void goes_on_after_a_record_that_is_too_long(void **state)
{
    (void)state;
    struct test_capture capture;
    size_t ends[PACKETS];
    build(&capture, TEST_PCAP_US_LE, ends);
    capture.bytes.data[ends[1] + 8] = FRAME_SIZE + 7;
    struct reading reading = read_all(sl_buf_span(&capture.bytes));
    assert_int_equal(reading.packets, PACKETS);
    assert_int_equal(reading.damages, 1);
    test_capture_release(&capture);
}

static void no_changed_byte_stops_it_before_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct test_capture capture;
        size_t ends[PACKETS];
        build(&capture, formats[i], ends);
        size_t first = ends[0] - (ends[1] - ends[0]);
        for (size_t at = first; at < ends[PACKETS - 3]; at++) {
            uint8_t kept = capture.bytes.data[at];
            capture.bytes.data[at] = (uint8_t)(kept ^ 0xff);
            struct reading reading = read_all(sl_buf_span(&capture.bytes));
            assert_in_range(reading.packets, PACKETS - 2, PACKETS);
            capture.bytes.data[at] = kept;
        }
        test_capture_release(&capture);
    }
}

static void reads_interfaces_of_different_link_types(void **state)
{
    (void)state;
    struct test_capture capture;
    uint8_t frame[FRAME_SIZE];
    frame_of(frame, 1);
    test_capture_init(&capture, TEST_PCAPNG_LE, INS_LINK_ETHERNET);
    test_capture_interface(&capture, INS_LINK_RAW, 6);
    test_capture_packet_of(&capture, 1, 1500000, sl_span(frame, sizeof(frame)));
    struct reading reading = read_all(sl_buf_span(&capture.bytes));
    assert_int_equal(reading.last_link_type, INS_LINK_RAW);
    assert_int_equal(reading.first_time_ns, SECOND * 3 / 2);
    /* a section begins its interfaces anew, and may be of the other byte order */
    capture.format = TEST_PCAPNG_BE;
    test_capture_section(&capture);
    test_capture_interface(&capture, INS_LINK_SLL2, -1);
    test_capture_packet_of(&capture, 0, 2000000, sl_span(frame, sizeof(frame)));
    test_capture_packet_of(&capture, 1, 2000000, sl_span(frame, sizeof(frame)));
    reading = read_all(sl_buf_span(&capture.bytes));
    assert_int_equal(reading.packets, 2);
    assert_int_equal(reading.last_link_type, INS_LINK_SLL2);
    assert_int_equal(reading.damages, 1);
    test_capture_release(&capture);
}

static void counts_time_in_the_units_of_the_interface(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int resolution;
        uint64_t ticks;
        uint64_t ns;
    } cases[] = {
        {"none given: microseconds", -1, 1500000, SECOND * 3 / 2},
        {"seconds", 0, 3, 3 * SECOND},
        {"nanoseconds", 9, SECOND + 7, SECOND + 7},
        {"picoseconds", 12, 1500000000007, SECOND * 3 / 2},
        {"2^-1", 0x81, 3, SECOND * 3 / 2},
        {"2^-32", 0x80 | 32, UINT64_C(3) << 31, SECOND * 3 / 2},
    };
    uint8_t frame[FRAME_SIZE];
    frame_of(frame, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_capture capture;
        test_capture_init(&capture, TEST_PCAPNG_BE, INS_LINK_ETHERNET);
        test_capture_interface(&capture, INS_LINK_ETHERNET, cases[i].resolution);
        test_capture_packet_of(&capture, 1, cases[i].ticks, sl_span(frame, sizeof(frame)));
        struct reading reading = read_all(sl_buf_span(&capture.bytes));
        if (!reading.has_time || reading.first_time_ns != cases[i].ns) {
            fail_msg("%s: %llu", cases[i].name, (unsigned long long)reading.first_time_ns);
        }
        test_capture_release(&capture);
    }
}

static void reads_simple_and_obsolete_packet_blocks(void **state)
{
    (void)state;
    struct test_capture capture;
    struct sl_buf body;
    sl_buf_init(&body, 256);
    test_capture_init(&capture, TEST_PCAPNG_LE, INS_LINK_ETHERNET);
    test_capture_u32(&capture, &body, 5);
    (void)sl_buf_add_str(&body, "abcde");
    test_capture_block(&capture, 3, sl_buf_span(&body));
    struct reading reading = read_all(sl_buf_span(&capture.bytes));
    assert_int_equal(reading.packets, 1);
    assert_false(reading.has_time);
    sl_buf_clear(&body);
    test_capture_u16(&capture, &body, 0);
    test_capture_u16(&capture, &body, 0);
    test_capture_u32(&capture, &body, 0);
    test_capture_u32(&capture, &body, 7);
    test_capture_u32(&capture, &body, 5);
    test_capture_u32(&capture, &body, 5);
    (void)sl_buf_add_str(&body, "abcde");
    test_capture_block(&capture, 2, sl_buf_span(&body));
    test_capture_block(&capture, 0x0bad, sl_buf_span(&body)); /* of no known type */
    reading = read_all(sl_buf_span(&capture.bytes));
    assert_int_equal(reading.packets, 2);
    assert_int_equal(reading.damages, 0);
    assert_true(reading.has_time);
    sl_buf_release(&body);
    test_capture_release(&capture);
}

static void keeps_decryption_secrets_aside(void **state)
{
    (void)state;
    struct test_capture capture;
    struct sl_buf body;
    sl_buf_init(&body, 256);
    test_capture_init(&capture, TEST_PCAPNG_LE, INS_LINK_ETHERNET);
    test_capture_u32(&capture, &body, 0x544c534b);
    test_capture_u32(&capture, &body, 5);
    (void)sl_buf_add_str(&body, "KEYS\n");
    test_capture_block(&capture, 10, sl_buf_span(&body));
    struct ins_source *source = NULL;
    struct ins_packet packet;
    struct ins_damage damage;
    assert_int_equal(ins_source_new(ins_input_memory(sl_buf_span(&capture.bytes)), &source, NULL),
                     SL_OK);
    assert_int_equal(ins_source_next(source, &packet, &damage), SL_CLOSED);
    test_span_is(ins_source_secrets(source), "KEYS\n");
    ins_source_free(source);
    sl_buf_release(&body);
    test_capture_release(&capture);
}

static void a_large_key_log_is_taken_whole_and_a_larger_one_told(void **state)
{
    (void)state;
    struct test_capture capture;
    struct sl_buf body;
    const uint32_t len = 3 * 1024 * 1024;
    sl_buf_init(&body, len + 64);
    test_capture_init(&capture, TEST_PCAPNG_BE, INS_LINK_ETHERNET);
    test_capture_u32(&capture, &body, 0x544c534b);
    test_capture_u32(&capture, &body, len);
    memset(sl_buf_reserve(&body, len), 'K', len);
    sl_buf_commit(&body, len);
    test_capture_block(&capture, 10, sl_buf_span(&body));
    for (int times = 1; times <= 2; times++) {
        struct ins_source *source = NULL;
        struct ins_packet packet;
        struct ins_damage damage;
        struct sl_buf file;
        sl_buf_init(&file, 2 * TEST_CAPTURE_MAX);
        (void)sl_buf_add_span(&file, sl_buf_span(&capture.bytes));
        if (times == 2) {
            (void)sl_buf_add_span(
                &file, sl_span(capture.bytes.data + capture.bytes.len - len - 20, len + 20));
        }
        assert_int_equal(ins_source_new(ins_input_memory(sl_buf_span(&file)), &source, NULL),
                         SL_OK);
        if (times == 2) {
            assert_int_equal(ins_source_next(source, &packet, &damage), SL_MALFORMED);
            assert_non_null(strstr(damage.text, "secrets"));
        }
        assert_int_equal(ins_source_next(source, &packet, &damage), SL_CLOSED);
        assert_int_equal(ins_source_secrets(source).len, len);
        ins_source_free(source);
        sl_buf_release(&file);
    }
    sl_buf_release(&body);
    test_capture_release(&capture);
}

/* pcap tells its length in 16 bits each, in the upper bits of the link type. */
static void a_frame_check_sequence_is_no_part_of_the_packet(void **state)
{
    (void)state;
    uint8_t frame[FRAME_SIZE];
    frame_of(frame, 1);
    struct test_capture capture;
    test_capture_init(&capture, TEST_PCAP_NS_BE, 0x24000000U | INS_LINK_ETHERNET);
    test_capture_packet(&capture, SECOND, sl_span(frame, sizeof(frame)), 0);
    test_capture_packet(&capture, SECOND, sl_span(frame, sizeof(frame)), sizeof(frame) + 2);
    struct ins_source *source = NULL;
    struct ins_packet packet;
    struct ins_damage damage;
    assert_int_equal(ins_source_new(ins_input_memory(sl_buf_span(&capture.bytes)), &source, NULL),
                     SL_OK);
    assert_int_equal(ins_source_next(source, &packet, &damage), SL_OK);
    assert_int_equal(packet.link_type, INS_LINK_ETHERNET);
    assert_int_equal(packet.bytes.len, FRAME_SIZE - 4);
    assert_int_equal(packet.original_len, FRAME_SIZE - 4);
    /* of the second only the half of it was captured */
    assert_int_equal(ins_source_next(source, &packet, &damage), SL_OK);
    assert_int_equal(packet.bytes.len, FRAME_SIZE - 2);
    assert_int_equal(packet.original_len, FRAME_SIZE - 2);
    ins_source_free(source);
    test_capture_release(&capture);
}

static void on_damage(void *owner, const char *name, const struct ins_damage *damage)
{
    (void)name;
    (void)damage;
    (*(size_t *)owner)++;
}

/* Merges captures whose packets have these times, 0 for the end; the first byte of a frame tells its
 * capture, the second its place in it. */
static void merge_of(struct test_capture *captures, const uint64_t times[][4], uint8_t count,
                     const char *expected)
{
    size_t damages = 0;
    struct ins_intake_handler handler = {.damage = on_damage, .owner = &damages};
    struct ins_intake *merge = ins_merge_new(&handler);
    for (uint8_t i = 0; i < count; i++) {
        test_capture_init(&captures[i], TEST_PCAP_NS_LE, INS_LINK_ETHERNET);
        for (uint8_t j = 0; j < 4 && times[i][j] != 0; j++) {
            uint8_t frame[FRAME_SIZE];
            frame_of(frame, j);
            frame[0] = i;
            test_capture_packet(&captures[i], times[i][j] * SECOND, sl_span(frame, sizeof(frame)),
                                0);
        }
        struct ins_source *source = NULL;
        assert_int_equal(
            ins_source_new(ins_input_memory(sl_buf_span(&captures[i].bytes)), &source, NULL),
            SL_OK);
        assert_int_equal(ins_merge_add(merge, "x", source), SL_OK);
        test_capture_release(&captures[i]);
    }
    struct ins_packet packet;
    uint64_t number = 0;
    for (const char *at = expected; *at != '\0'; at += 3) {
        assert_true(ins_intake_next(merge, &packet));
        assert_int_equal(packet.bytes.data[0], at[0] - 'a');
        assert_int_equal(packet.bytes.data[1], at[1] - '0');
        assert_int_equal(packet.number, ++number);
    }
    assert_false(ins_intake_next(merge, &packet));
    assert_null(ins_intake_unread(merge));
    assert_int_equal(ins_intake_captures(merge), count);
    assert_int_equal(damages, 0);
    ins_intake_free(merge);
}

static void merges_captures_by_the_time_of_their_packets(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t times[3][4];
        const char *expected; /* capture and packet, each with a space after it */
    } cases[] = {
        {"in turn", {{1, 3, 5}, {2, 4, 6}, {9}}, "a0 b0 a1 b1 a2 b2 c0 "},
        {"the same time: in the order given", {{5, 5}, {5}, {5}}, "a0 a1 b0 c0 "},
        {"a clock that jumps ahead by years waits",
         {{1, 900, 901}, {2, 3}, {4}},
         "a0 b0 b1 c0 a1 a2 "},
        {"a clock that is set back keeps its order",
         {{800, 2, 3}, {700, 801}, {1}},
         "c0 b0 a0 a1 a2 b1 "},
        {"none has a packet", {{0}, {0}, {0}}, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_capture captures[3];
        print_message("%s\n", cases[i].name);
        merge_of(captures, cases[i].times, 3, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_format_in_both_byte_orders),
        cmocka_unit_test(gives_all_packets_before_a_cut_and_names_the_next),
        cmocka_unit_test(a_cut_file_header_is_no_capture),
        cmocka_unit_test(a_compressed_capture_is_named_as_one),
        cmocka_unit_test(goes_on_after_a_damaged_record),
        cmocka_unit_test(goes_on_after_a_record_that_is_too_long),
        cmocka_unit_test(no_changed_byte_stops_it_before_the_end),
        cmocka_unit_test(reads_interfaces_of_different_link_types),
        cmocka_unit_test(counts_time_in_the_units_of_the_interface),
        cmocka_unit_test(reads_simple_and_obsolete_packet_blocks),
        cmocka_unit_test(keeps_decryption_secrets_aside),
        cmocka_unit_test(a_large_key_log_is_taken_whole_and_a_larger_one_told),
        cmocka_unit_test(a_frame_check_sequence_is_no_part_of_the_packet),
        cmocka_unit_test(merges_captures_by_the_time_of_their_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
