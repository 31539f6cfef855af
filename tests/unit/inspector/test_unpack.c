/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/unpack.h"

#include <zlib.h>
#include <zstd.h>

#include "inspector/source/source.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pcap_builder.h"

#define SECOND UINT64_C(1000000000)

enum {
    PACKETS = 40,
    FRAME_SIZE = 700,
    PACKED_MAX = 8 * 1024 * 1024,
    GZIP_BITS = 15 + 16,
    PARTS = 4, /* members or frames */
    BOMB = 64 * 1024 * 1024,
};

/* How a capture is compressed. */
struct packing {
    const char *name;
    void (*add)(struct sl_buf *out, struct sl_span part, int window_log);
};

static void add_gz(struct sl_buf *out, struct sl_span part, int window_log)
{
    (void)window_log;
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, part.len) + 64;
    stream.next_in = (uint8_t *)(uintptr_t)part.data;
    stream.avail_in = (uInt)part.len;
    stream.next_out = sl_buf_reserve(out, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    sl_buf_commit(out, stream.total_out);
    (void)deflateEnd(&stream);
}

static void add_zst(struct sl_buf *out, struct sl_span part, int window_log)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    size_t room = ZSTD_compressBound(part.len) + 64;
    ZSTD_outBuffer to = {.dst = sl_buf_reserve(out, room), .size = room};
    ZSTD_inBuffer from = {.src = part.data, .size = part.len};
    /* a flush first, so that the size is not known when the frame begins */
    (void)ZSTD_compressStream2(context, &to, &from, ZSTD_e_flush);
    assert_int_equal(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0);
    sl_buf_commit(out, to.pos);
    (void)ZSTD_freeCCtx(context);
}

static const struct packing packings[] = {{"gzip", add_gz}, {"zstd", add_zst}};

/* Frames that compress, but not away to nothing. */
static void build(struct test_capture *capture, enum test_capture_format format)
{
    uint8_t frame[FRAME_SIZE];
    uint32_t state = 1;
    test_capture_init(capture, format, INS_LINK_ETHERNET);
    for (size_t i = 0; i < PACKETS; i++) {
        for (size_t j = 0; j < sizeof(frame); j++) {
            state = state * 1664525U + 1013904223U;
            frame[j] = (uint8_t)(0x40 | state >> 28);
        }
        test_capture_packet(capture, (i + 1) * SECOND, sl_span(frame, sizeof(frame)), 0);
    }
}

static void pack(const struct packing *packing, struct sl_span bytes, int parts, struct sl_buf *out)
{
    sl_buf_init(out, PACKED_MAX);
    for (int i = 0; i < parts; i++) {
        size_t from = bytes.len * (size_t)i / (size_t)parts;
        size_t to = bytes.len * (size_t)(i + 1) / (size_t)parts;
        packing->add(out, sl_span(bytes.data + from, to - from), 17);
    }
}

struct reading {
    size_t packets;
    size_t damages;
    uint64_t damaged_packet;
    uint64_t before;    /* packets before the last damage */
    uint64_t last_time; /* of a packet */
    bool is_end;        /* nothing came behind the last damage */
    char text[160];
};

static struct reading read_all(struct sl_span bytes)
{
    struct reading reading = {0};
    struct ins_source *source = NULL;
    struct sl_error error = {0};
    if (ins_source_new(ins_input_memory(bytes), &source, &error) != SL_OK) {
        reading.damages = 1;
        memcpy(reading.text, error.text, sizeof(reading.text) - 1);
        return reading;
    }
    struct ins_packet packet;
    struct ins_damage damage;
    enum sl_status status = SL_OK;
    while ((status = ins_source_next(source, &packet, &damage)) != SL_CLOSED) {
        if (status == SL_OK) {
            assert_int_equal(packet.bytes.len, FRAME_SIZE);
            reading.packets++;
            reading.last_time = packet.time_ns;
        } else {
            reading.damages++;
            reading.damaged_packet = damage.packet;
            reading.before = reading.packets;
            reading.is_end = damage.is_end;
            memcpy(reading.text, damage.text, sizeof(reading.text));
        }
    }
    ins_source_free(source);
    return reading;
}

static const enum test_capture_format formats[] = {TEST_PCAP_US_LE, TEST_PCAPNG_BE};

static void reads_what_is_compressed_in_one_part_or_several(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (int parts = 1; parts <= PARTS; parts++) {
            struct test_capture capture;
            struct sl_buf packed;
            build(&capture, formats[i / 2]);
            pack(&packings[i % 2], sl_buf_span(&capture.bytes), parts, &packed);
            struct reading reading = read_all(sl_buf_span(&packed));
            assert_int_equal(reading.packets, PACKETS);
            assert_int_equal(reading.damages, 0);
            sl_buf_release(&packed);
            test_capture_release(&capture);
        }
    }
}

static void keeps_all_before_a_cut_and_names_the_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct test_capture capture;
        struct sl_buf packed;
        build(&capture, formats[i / 2]);
        pack(&packings[i % 2], sl_buf_span(&capture.bytes), PARTS, &packed);
        size_t most = 0;
        for (size_t len = 1; len < packed.len; len += 7) {
            struct reading reading = read_all(sl_span(packed.data, len));
            assert_true(reading.packets >= most);
            most = reading.packets;
            /* a cut between two members is a cut inside a packet */
            assert_int_equal(reading.damages, 1);
            assert_true(len < 8 || strstr(reading.text, " is cut") != NULL ||
                        strstr(reading.text, "cut inside") != NULL);
            assert_true(reading.packets == 0 || reading.damaged_packet == reading.packets + 1);
        }
        assert_in_range(most, PACKETS - 1, PACKETS);
        sl_buf_release(&packed);
        test_capture_release(&capture);
    }
}

static void damage_in_the_third_part_loses_nothing_of_the_first_two(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_capture capture;
        struct sl_buf packed;
        build(&capture, TEST_PCAP_NS_LE);
        pack(&packings[i], sl_buf_span(&capture.bytes), PARTS, &packed);
        memset(packed.data + packed.len * 5 / 8, 0xff, 40);
        struct reading reading = read_all(sl_buf_span(&packed));
        assert_in_range(reading.before, PACKETS / 2 - 1, PACKETS * 3 / 4);
        assert_int_equal(reading.damages, 1);
        assert_int_equal(reading.damaged_packet, reading.before + 1);
        assert_non_null(strstr(reading.text, packings[i].name));
        assert_non_null(strstr(reading.text, "is damaged at its byte"));
        sl_buf_release(&packed);
        test_capture_release(&capture);
    }
}

static void reading_goes_on_with_the_part_behind_a_damaged_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct test_capture capture;
        struct sl_buf packed;
        build(&capture, formats[i / 2]);
        pack(&packings[i % 2], sl_buf_span(&capture.bytes), PARTS, &packed);
        memset(packed.data + packed.len * 3 / 8, 0xff, 40);
        struct reading reading = read_all(sl_buf_span(&packed));
        assert_in_range(reading.before, PACKETS / 4 - 1, PACKETS / 2);
        assert_in_range(reading.packets - reading.before, PACKETS / 2 - 1, PACKETS / 2);
        assert_int_equal(reading.last_time, PACKETS * SECOND);
        assert_int_equal(reading.damages, 1);
        assert_false(reading.is_end);
        assert_non_null(strstr(reading.text, "read on behind it"));
        sl_buf_release(&packed);
        test_capture_release(&capture);
    }
}

static void every_part_behind_a_damage_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_capture capture;
        struct sl_buf packed;
        build(&capture, TEST_PCAP_US_LE);
        pack(&packings[i], sl_buf_span(&capture.bytes), PARTS, &packed);
        memset(packed.data + packed.len * 3 / 16, 0xff, 40);  /* in the first ... */
        memset(packed.data + packed.len * 11 / 16, 0xff, 40); /* ... and third */
        struct reading reading = read_all(sl_buf_span(&packed));
        assert_int_equal(reading.damages, 2);
        assert_in_range(reading.packets, PACKETS / 2 - 2, PACKETS);
        assert_int_equal(reading.last_time, PACKETS * SECOND);
        sl_buf_release(&packed);
        test_capture_release(&capture);
    }
}

/* What has the magic of a part and is none is passed over; a file of such ends too. */
static void magics_without_a_part_are_passed_over(void **state)
{
    (void)state;
    static const char *const magics[] = {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd"};
    for (size_t i = 0; i < 2; i++) {
        struct test_capture capture;
        struct sl_buf packed;
        build(&capture, TEST_PCAP_US_LE);
        pack(&packings[i], sl_buf_span(&capture.bytes), 1, &packed);
        memset(packed.data + packed.len / 2, 0xff, 40);
        for (size_t j = 0; j < INS_UNPACK_TRIALS / 2; j++) {
            (void)sl_buf_add_str(&packed, magics[i]);
        }
        struct reading reading = read_all(sl_buf_span(&packed));
        assert_true(reading.is_end);
        assert_int_equal(reading.damages, 1);
        packings[i].add(&packed, sl_buf_span(&capture.bytes), 17);
        reading = read_all(sl_buf_span(&packed));
        assert_int_equal(reading.packets - reading.before, PACKETS);
        sl_buf_release(&packed);
        test_capture_release(&capture);
    }
}

static void zeros_after_gzip_data_are_padding_and_other_bytes_are_not(void **state)
{
    (void)state;
    struct test_capture capture;
    struct sl_buf packed;
    build(&capture, TEST_PCAP_US_LE);
    pack(&packings[0], sl_buf_span(&capture.bytes), 1, &packed);
    for (size_t i = 0; i < 512; i++) {
        (void)sl_buf_add_u8(&packed, 0);
    }
    struct reading reading = read_all(sl_buf_span(&packed));
    assert_int_equal(reading.packets, PACKETS);
    assert_int_equal(reading.damages, 0);
    (void)sl_buf_add_str(&packed, "more");
    reading = read_all(sl_buf_span(&packed));
    assert_int_equal(reading.packets, PACKETS);
    assert_int_equal(reading.damages, 1);
    assert_int_equal(reading.damaged_packet, PACKETS + 1);
    assert_non_null(strstr(reading.text, "no gzip data"));
    sl_buf_release(&packed);
    test_capture_release(&capture);
}

static void skippable_frames_are_passed_over(void **state)
{
    (void)state;
    struct test_capture capture;
    struct sl_buf packed;
    build(&capture, TEST_PCAP_US_LE);
    sl_buf_init(&packed, PACKED_MAX);
    (void)sl_buf_add(&packed, "\x50\x2a\x4d\x18\x05\0\0\0notes", 13);
    add_zst(&packed, sl_buf_span(&capture.bytes), 17);
    (void)sl_buf_add(&packed, "\x5f\x2a\x4d\x18\0\0\0\0", 8);
    struct reading reading = read_all(sl_buf_span(&packed));
    assert_int_equal(reading.packets, PACKETS);
    assert_int_equal(reading.damages, 0);
    sl_buf_release(&packed);
    test_capture_release(&capture);
}

static void a_zstd_window_past_the_limit_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct test_capture capture;
    build(&capture, TEST_PCAP_US_LE);
    for (int log = INS_ZST_WINDOW_LOG; log <= INS_ZST_WINDOW_LOG + 1; log++) {
        struct sl_buf packed;
        sl_buf_init(&packed, PACKED_MAX);
        add_zst(&packed, sl_buf_span(&capture.bytes), log);
        struct reading reading = read_all(sl_buf_span(&packed));
        assert_int_equal(reading.packets, log == INS_ZST_WINDOW_LOG ? PACKETS : 0);
        assert_true(log == INS_ZST_WINDOW_LOG || strstr(reading.text, "8 MiB") != NULL);
        sl_buf_release(&packed);
    }
    test_capture_release(&capture);
}

/* The window of the input is all that it takes: what comes out is made as it is asked for. */
static void what_expands_to_much_is_read_piece_by_piece(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t *zeros = sl_alloc(BOMB);
        struct sl_buf packed;
        sl_buf_init(&packed, 2 * BOMB);
        packings[i].add(&packed, sl_span(zeros, BOMB), 17);
        sl_free(zeros);
        assert_in_range(packed.len, 1, BOMB / 900);
        struct ins_input *raw = ins_input_memory(sl_buf_span(&packed));
        struct ins_input *input = i == 0 ? ins_gz_new(raw) : ins_zst_new(raw);
        size_t total = 0;
        for (struct sl_span here = ins_input_view(input, 1); here.len > 0;
             here = ins_input_view(input, 1)) {
            assert_in_range(here.len, 1, INS_INPUT_WINDOW);
            total += here.len;
            assert_true(ins_input_skip(input, here.len));
        }
        assert_int_equal(total, BOMB);
        assert_null(ins_input_failure(input));
        ins_input_free(input);
        sl_buf_release(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_compressed_in_one_part_or_several),
        cmocka_unit_test(keeps_all_before_a_cut_and_names_the_packet),
        cmocka_unit_test(damage_in_the_third_part_loses_nothing_of_the_first_two),
        cmocka_unit_test(reading_goes_on_with_the_part_behind_a_damaged_one),
        cmocka_unit_test(every_part_behind_a_damage_is_read),
        cmocka_unit_test(magics_without_a_part_are_passed_over),
        cmocka_unit_test(zeros_after_gzip_data_are_padding_and_other_bytes_are_not),
        cmocka_unit_test(skippable_frames_are_passed_over),
        cmocka_unit_test(a_zstd_window_past_the_limit_is_refused_with_the_reason),
        cmocka_unit_test(what_expands_to_much_is_read_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
