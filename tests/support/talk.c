/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/talk.h"

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/every_split.h"

enum {
    TALK_MAX = 4 * 1024 * 1024,
};

void test_talk_init(struct test_talk *talk, bool is_bare)
{
    *talk = (struct test_talk){.config = sl_observer_defaults()};
    sl_buf_init(&talk->bytes, TALK_MAX);
    talk->encoder[0] = sl_hpack_encoder_new(4096);
    talk->encoder[1] = sl_hpack_encoder_new(4096);
    if (!is_bare) {
        test_talk_raw(talk, SL_DIR_REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
        for (int i = 0; i < 2; i++) {
            const struct sl_h2_frame_header settings = {.type = SL_H2_SETTINGS};
            test_talk_frame(talk, i == 0 ? SL_DIR_REQUEST : SL_DIR_RESPONSE, &settings, "");
        }
        test_talk_settings_ack(talk, SL_DIR_REQUEST);
        test_talk_settings_ack(talk, SL_DIR_RESPONSE);
    }
}

void test_talk_release(struct test_talk *talk)
{
    sl_hpack_encoder_free(talk->encoder[0]);
    sl_hpack_encoder_free(talk->encoder[1]);
    sl_buf_release(&talk->bytes);
}

static struct test_segment *add_segment(struct test_talk *talk, enum sl_dir dir)
{
    assert_true(talk->count < TEST_TALK_SEGMENTS_MAX);
    struct test_segment *segment = &talk->segments[talk->count];
    *segment = (struct test_segment){.dir = dir, .end = talk->bytes.len, .time_ms = talk->time_ms};
    talk->count++;
    return segment;
}

void test_talk_raw(struct test_talk *talk, enum sl_dir dir, const void *bytes, size_t len)
{
    assert_int_equal(sl_buf_add(&talk->bytes, bytes, len), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_frame(struct test_talk *talk, enum sl_dir dir,
                     const struct sl_h2_frame_header *header, const void *payload)
{
    assert_int_equal(sl_h2_write_header(&talk->bytes, header), SL_OK);
    assert_int_equal(sl_buf_add(&talk->bytes, payload, header->length), SL_OK);
    (void)add_segment(talk, dir);
}

static size_t parse_fields(const char *text, struct sl_header *fields, size_t max)
{
    size_t count = 0;
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        assert_non_null(end);
        const char *colon = strstr(text + 1, ": ");
        assert_true(colon != NULL && colon < end && count < max);
        fields[count] = (struct sl_header){
            .name = sl_span(text, (size_t)(colon - text)),
            .value = sl_span(colon + 2, (size_t)(end - colon - 2)),
        };
        count++;
        text = end + 1;
    }
    return count;
}

void test_talk_headers(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint8_t flags,
                       const char *fields)
{
    struct sl_header list[32];
    size_t count = parse_fields(fields, list, 32);
    struct sl_buf block;
    sl_buf_init(&block, 65536);
    assert_int_equal(sl_hpack_encode(talk->encoder[dir], list, count, &block), SL_OK);
    const struct sl_h2_frame_header header = {.length = (uint32_t)block.len,
                                              .type = SL_H2_HEADERS,
                                              .flags = flags | SL_H2_FLAG_END_HEADERS,
                                              .stream = stream};
    test_talk_frame(talk, dir, &header, block.data);
    sl_buf_release(&block);
}

void test_talk_data(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint8_t flags,
                    struct sl_span content)
{
    assert_int_equal(sl_h2_write_frame(&talk->bytes, SL_H2_DATA, flags, stream, content), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_message(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint8_t flags,
                       const char *payload)
{
    struct sl_buf message;
    sl_buf_init(&message, 65536);
    assert_int_equal(sl_message_write(&message, 0, sl_span_str(payload)), SL_OK);
    test_talk_data(talk, dir, stream, flags, sl_buf_span(&message));
    sl_buf_release(&message);
}

void test_talk_settings(struct test_talk *talk, enum sl_dir dir, uint16_t id, uint32_t value)
{
    const struct sl_h2_setting_pair pair = {.id = id, .value = value};
    assert_int_equal(sl_h2_write_settings(&talk->bytes, &pair, 1), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_settings_ack(struct test_talk *talk, enum sl_dir dir)
{
    assert_int_equal(sl_h2_write_settings_ack(&talk->bytes), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_window_update(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint32_t add)
{
    assert_int_equal(sl_h2_write_window_update(&talk->bytes, stream, add), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_rst(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint32_t error)
{
    assert_int_equal(sl_h2_write_rst_stream(&talk->bytes, stream, error), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_ping(struct test_talk *talk, enum sl_dir dir, bool is_ack, uint64_t opaque)
{
    assert_int_equal(sl_h2_write_ping(&talk->bytes, is_ack, opaque), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_goaway(struct test_talk *talk, enum sl_dir dir, uint32_t last, uint32_t error)
{
    assert_int_equal(sl_h2_write_goaway(&talk->bytes, last, error, sl_span_str("")), SL_OK);
    (void)add_segment(talk, dir);
}

void test_talk_close(struct test_talk *talk, enum sl_dir dir, bool is_reset)
{
    struct test_segment *segment = add_segment(talk, dir);
    segment->is_close = true;
    segment->is_reset = is_reset;
}

void test_talk_lose_last(struct test_talk *talk, size_t count, bool is_sized)
{
    struct test_segment *last = &talk->segments[talk->count - 1];
    last->end -= count;
    struct test_segment *gap = add_segment(talk, last->dir);
    gap->is_gap = true;
    gap->is_gap_sized = is_sized;
}

void test_talk_request(struct test_talk *talk, uint32_t stream, const char *payload)
{
    test_talk_headers(talk, SL_DIR_REQUEST, stream, 0, TEST_REQUEST_FIELDS);
    test_talk_message(talk, SL_DIR_REQUEST, stream, SL_H2_FLAG_END_STREAM, payload);
}

/* An observer that reads a talk, at a place in its bytes. */
struct reader {
    const struct test_talk *talk;
    struct sl_observer *observer;
    struct test_transcript transcript;
    size_t segment;
    size_t position;
};

static struct sl_at at_segment(const struct reader *reader)
{
    const struct test_segment *segment = &reader->talk->segments[reader->segment];
    return (struct sl_at){
        .time_ns = segment->time_ms * 1000000,
        .packet = reader->talk->is_capture ? reader->segment + 1 : 0,
        .has_time = true,
    };
}

/* Passes the segments that begin at the reader's place and are no bytes to be fed. */
static void pass_events(struct reader *reader)
{
    const struct test_talk *talk = reader->talk;
    while (reader->segment < talk->count) {
        const struct test_segment *segment = &talk->segments[reader->segment];
        struct sl_at at = at_segment(reader);
        if (segment->is_gap) {
            sl_observer_gap(reader->observer, segment->dir,
                            segment->is_gap_sized ? segment->end - reader->position : 0, &at);
            reader->position = segment->end;
        } else if (segment->is_close) {
            sl_observer_close(reader->observer, segment->dir, segment->is_reset, &at);
        } else if (segment->end > reader->position) {
            return;
        }
        reader->segment++;
    }
}

static void *begin(void *context, struct sl_buf *transcript)
{
    const struct test_talk *talk = context;
    struct reader *reader = sl_alloc(sizeof *reader);
    reader->talk = talk;
    reader->transcript =
        (struct test_transcript){.text = transcript, .has_frames = talk->has_frames};
    struct sl_observer_config config = talk->config;
    config.handler = &test_transcript_handler;
    config.owner = &reader->transcript;
    config.is_midway = talk->is_midway;
    reader->observer = sl_observer_new(&config);
    pass_events(reader);
    return reader;
}

static void feed(void *decoder, struct sl_span piece)
{
    struct reader *reader = decoder;
    while (piece.len > 0) {
        const struct test_segment *segment = &reader->talk->segments[reader->segment];
        size_t left = segment->end - reader->position;
        struct sl_span part = sl_span_first(piece, left);
        struct sl_at at = at_segment(reader);
        sl_observer_feed(reader->observer, segment->dir, part, &at);
        reader->position += part.len;
        piece = sl_span_from(piece, part.len);
        pass_events(reader);
    }
}

static void end(void *decoder, struct sl_buf *transcript)
{
    (void)transcript;
    struct reader *reader = decoder;
    sl_observer_finish(reader->observer);
    sl_observer_free(reader->observer);
    sl_free(reader);
}

void test_talk_run(const struct test_talk *talk, struct sl_buf *transcript)
{
    struct test_talk copy = *talk;
    struct reader *reader = begin(&copy, transcript);
    while (reader->segment < talk->count) {
        size_t left = talk->segments[reader->segment].end - reader->position;
        feed(reader, sl_span(talk->bytes.data + reader->position, left));
    }
    end(reader, transcript);
}

static bool has_line_prefix(const char *text, const char *prefix, size_t len)
{
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, prefix, len) == 0) {
            return true;
        }
    }
    return false;
}

/* The rest of text behind the line, or NULL when it is not there. */
static const char *behind_line(const char *text, const char *line, size_t len)
{
    for (; *text != '\0'; text = strchr(text, '\n') + 1) {
        if (strncmp(text, line, len) == 0 && text[len] == '\n') {
            return text + len + 1;
        }
    }
    return NULL;
}

void test_talk_expect(const struct test_talk *talk, const char *expected)
{
    struct sl_buf transcript;
    sl_buf_init(&transcript, TEST_TRANSCRIPT_MAX);
    test_talk_run(talk, &transcript);
    const char *text = sl_buf_str(&transcript);
    const char *place = text;
    size_t len = 0;
    for (const char *line = expected; *line != '\0'; line += len + (line[len] == '\n')) {
        len = strcspn(line, "\n");
        bool is_good = false;
        if (line[0] == '!') {
            is_good = !has_line_prefix(text, line + 1, len - 1);
        } else {
            const char *next = behind_line(place, line, len);
            is_good = next != NULL;
            place = is_good ? next : place;
        }
        if (!is_good) {
            print_error("expected: %.*s\nin:\n%s", (int)len, line, text);
            sl_buf_release(&transcript);
            fail();
        }
    }
    sl_buf_release(&transcript);
}

void test_talk_every_split(struct test_talk *talk)
{
    static const struct test_decoder decoder = {.begin = begin, .feed = feed, .end = end};
    test_every_split(&decoder, talk, sl_buf_span(&talk->bytes));
}

void test_talk_judge(struct test_talk *talk, const char *expected)
{
    test_talk_expect(talk, expected);
    test_talk_every_split(talk);
    test_talk_release(talk);
}

void test_talk_begin(struct test_talk *talk)
{
    test_talk_init(talk, false);
    test_talk_request(talk, 1, "x");
}
