/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and kept of a connection's frames. */
#include "harness/engine/wire.h"

#include "harness/engine/actor.h"
#include "lib/wire/grpc_status.h"
#include "tests/support/cmocka_all.h"

enum {
    STREAM = 5,
};

static struct har_wire keeping(void)
{
    return (struct har_wire){.keeps_streams = true};
}

static void note(struct har_wire *wire, enum sl_dir dir, uint8_t type, uint8_t flags,
                 uint32_t stream, struct sl_span payload)
{
    const struct sl_frame_event event = {
        .dir = dir,
        .header = {.length = (uint32_t)payload.len, .type = type, .flags = flags, .stream = stream},
        .payload = payload,
    };
    har_wire_note(wire, &event);
}

static void from_server(struct har_wire *wire, uint8_t type, uint8_t flags, struct sl_span payload)
{
    note(wire, SL_DIR_RESPONSE, type, flags, STREAM, payload);
}

/* HEADERS of the server with one field. */
static void headers(struct har_wire *wire, uint8_t flags, const char *name, const char *value)
{
    struct sl_headers fields = {0};
    struct sl_frame_event event = {
        .dir = SL_DIR_RESPONSE,
        .header = {.type = SL_H2_HEADERS, .flags = flags, .stream = STREAM},
        .headers = &fields,
    };
    assert_int_equal(sl_headers_add(&fields, sl_span_str(name), sl_span_str(value)), SL_OK);
    har_wire_note(wire, &event);
    sl_headers_release(&fields);
}

static void frames_are_counted_by_type_and_by_whose_they_are(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        struct har_wire wire = {0};
        size_t at = type < HAR_WIRE_TYPES ? type : HAR_WIRE_TYPES;
        from_server(&wire, (uint8_t)type, 0, sl_span(NULL, 0));
        from_server(&wire, (uint8_t)type, 0, sl_span(NULL, 0));
        note(&wire, SL_DIR_REQUEST, (uint8_t)type, 0, STREAM, sl_span(NULL, 0));
        for (size_t i = 0; i <= HAR_WIRE_TYPES; i++) {
            assert_int_equal(wire.frames[i], i == at ? 2 : 0);
            assert_int_equal(wire.sent_frames[i], i == at ? 1 : 0);
        }
        assert_null(wire.streams); /* not asked for */
    }
}

static double count(struct har_link *link, enum har_counter counter)
{
    static unsigned round;
    return har_link_count(link, counter, ++round);
}

static void what_the_server_allows_is_told(void **state)
{
    (void)state;
    struct har_link link = {0};
    assert_true(count(&link, HAR_COUNT_FRAME_LIMIT) == SL_H2_DEFAULT_MAX_FRAME);
    assert_true(count(&link, HAR_COUNT_STREAM_LIMIT) == UINT32_MAX);
    assert_true(count(&link, HAR_COUNT_STREAM_WINDOW) == SL_H2_DEFAULT_WINDOW);
    assert_true(count(&link, HAR_COUNT_CREDIT) == SL_H2_DEFAULT_WINDOW);
    /* Three settings, one of them twice, two that nobody knows, and half of one. */
    static const uint8_t settings[] = {0, 5, 0, 1, 0, 0, /* MAX_FRAME_SIZE */
                                       0, 3, 0, 0, 0, 0, /* MAX_CONCURRENT_STREAMS */
                                       0, 4, 0, 0, 0, 7, 0, 4, 0, 0, 0, 9, /* INITIAL_WINDOW_SIZE */
                                       9, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 3, 0};
    static const uint8_t update[] = {0x80, 0, 0, 5};
    note(&link.wire, SL_DIR_RESPONSE, SL_H2_SETTINGS, 0, 0, sl_span(settings, sizeof(settings)));
    note(&link.wire, SL_DIR_RESPONSE, SL_H2_WINDOW_UPDATE, 0, 0, sl_span(update, 4));
    note(&link.wire, SL_DIR_RESPONSE, SL_H2_WINDOW_UPDATE, 0, 0, sl_span(update, 3));
    note(&link.wire, SL_DIR_RESPONSE, SL_H2_WINDOW_UPDATE, 0, STREAM, sl_span(update, 4));
    note(&link.wire, SL_DIR_REQUEST, SL_H2_WINDOW_UPDATE, 0, 0, sl_span(update, 4));
    assert_true(count(&link, HAR_COUNT_FRAME_LIMIT) == 65536);
    assert_true(count(&link, HAR_COUNT_STREAM_LIMIT) == 0);
    assert_true(count(&link, HAR_COUNT_STREAM_WINDOW) == 9);
    assert_true(count(&link, HAR_COUNT_STREAM_CREDIT) == 5);
    assert_true(count(&link, HAR_COUNT_CREDIT) == SL_H2_DEFAULT_WINDOW + 5);
    assert_true(count(&link, HAR_COUNT_GOAWAY_LAST) == 0);
    har_wire_clear(&link.wire);
}

static void acknowledgements_are_apart_from_what_they_answer(void **state)
{
    (void)state;
    struct har_wire wire = {0};
    note(&wire, SL_DIR_RESPONSE, SL_H2_SETTINGS, SL_H2_FLAG_ACK, 0, sl_span(NULL, 0));
    note(&wire, SL_DIR_RESPONSE, SL_H2_SETTINGS, 0, 0, sl_span(NULL, 0));
    note(&wire, SL_DIR_RESPONSE, SL_H2_PING, SL_H2_FLAG_ACK, 0, sl_span(NULL, 0));
    note(&wire, SL_DIR_RESPONSE, SL_H2_PING, 0, 0, sl_span(NULL, 0));
    note(&wire, SL_DIR_REQUEST, SL_H2_SETTINGS, 0, 0, sl_span(NULL, 0));
    note(&wire, SL_DIR_REQUEST, SL_H2_SETTINGS, SL_H2_FLAG_ACK, 0, sl_span(NULL, 0));
    note(&wire, SL_DIR_REQUEST, SL_H2_PING, SL_H2_FLAG_ACK, 0, sl_span(NULL, 0));
    assert_int_equal(wire.settings_acks, 1);
    assert_int_equal(wire.ping_acks, 1);
    assert_int_equal(wire.settings_sent, 1);
    assert_int_equal(wire.frames[SL_H2_SETTINGS], 2);
    assert_int_equal(wire.frames[SL_H2_PING], 2);
}

static void a_goaway_is_read_and_one_too_short_is_only_counted(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x80, 0, 0, 7, 0, 0, 0, 11, 'd'};
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct har_wire wire = {0};
        note(&wire, SL_DIR_RESPONSE, SL_H2_GOAWAY, 0, 0, sl_span(bytes, len));
        assert_int_equal(wire.frames[SL_H2_GOAWAY], 1);
        assert_int_equal(wire.goaway_last, len < 8 ? 0 : 7); /* without the reserved bit */
        assert_int_equal(wire.goaway_code, len < 8 ? 0 : SL_H2_ENHANCE_YOUR_CALM);
    }
}

static void a_reset_is_read_and_one_of_a_wrong_length_is_only_counted(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 0, 0, SL_H2_REFUSED_STREAM, 0};
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct har_wire wire = keeping();
        from_server(&wire, SL_H2_RST_STREAM, 0, sl_span(bytes, len));
        const struct har_wire_stream *stream = har_wire_stream(&wire, STREAM);
        assert_int_equal(wire.frames[SL_H2_RST_STREAM], 1);
        assert_int_equal(wire.refused, len == 4);
        assert_int_equal(stream->is_reset, len == 4);
        assert_int_equal(stream->is_ended, len == 4);
        assert_int_equal(stream->reset_code, len == 4 ? SL_H2_REFUSED_STREAM : 0);
        har_wire_clear(&wire);
    }
}

static void our_own_resets_end_no_stream(void **state)
{
    (void)state;
    static const uint8_t cancel[] = {0, 0, 0, SL_H2_REFUSED_STREAM};
    struct har_wire wire = keeping();
    note(&wire, SL_DIR_REQUEST, SL_H2_RST_STREAM, 0, STREAM, sl_span(cancel, sizeof(cancel)));
    assert_int_equal(wire.refused, 0);
    assert_false(har_wire_stream(&wire, STREAM)->is_ended);
    har_wire_clear(&wire);
}

static void only_data_and_headers_end_a_stream_by_their_flag(void **state)
{
    (void)state;
    for (unsigned type = 0; type < HAR_WIRE_TYPES; type++) {
        struct har_wire wire = keeping();
        bool can_end = type == SL_H2_DATA || type == SL_H2_HEADERS;
        from_server(&wire, (uint8_t)type, SL_H2_FLAG_END_STREAM, sl_span_str("abc"));
        assert_int_equal(har_wire_stream(&wire, STREAM)->is_ended, can_end);
        assert_int_equal(wire.data_bytes, type == SL_H2_DATA ? 3 : 0);
        har_wire_clear(&wire);
    }
}

static void a_status_is_taken_when_it_is_well_formed(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is_status;
        uint32_t code;
    } cases[] = {
        {"0", true, 0},   {"13", true, 13},  {"4294967295", true, UINT32_MAX},
        {"", false, 0},   {"-1", false, 0},  {"0x0", false, 0},
        {"00", false, 0}, {" 0", false, 0},  {"4294967296", false, 0},
        {"OK", false, 0}, {"0,0", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_wire wire = keeping();
        headers(&wire, SL_H2_FLAG_END_STREAM, "grpc-status", cases[i].value);
        const struct har_wire_stream *stream = har_wire_stream(&wire, STREAM);
        if (stream->has_status != cases[i].is_status || wire.statuses != cases[i].is_status ||
            stream->status != cases[i].code ||
            wire.served != (cases[i].is_status && cases[i].code == SL_GRPC_OK)) {
            fail_msg("'%s': %u", cases[i].value, stream->status);
        }
        har_wire_clear(&wire);
    }
}

static void the_http_status_is_kept_of_the_last_headers(void **state)
{
    (void)state;
    struct har_wire wire = keeping();
    headers(&wire, 0, ":status", "200");
    assert_int_equal(har_wire_stream(&wire, STREAM)->http_status, 200);
    headers(&wire, 0, ":status", "two");
    assert_int_equal(har_wire_stream(&wire, STREAM)->http_status, 200);
    assert_int_equal(wire.statuses, 0);
    har_wire_clear(&wire);
}

/* Three messages, of which the stream carries the last two. */
static void ok_accepts_the_messages_of_the_stream_once(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        uint64_t accepted;
    } cases[] = {{"0", 2}, {"13", 0}, {"none", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_sent sent[3] = {{0}};
        struct har_actor actor = {.sent = sent, .sent_count = 3};
        struct har_wire wire = keeping();
        struct har_wire_stream *stream = har_wire_stream(&wire, STREAM);
        stream->actor = &actor;
        stream->first = 1;
        stream->count = 2;
        headers(&wire, SL_H2_FLAG_END_STREAM, "grpc-status", cases[i].status);
        headers(&wire, SL_H2_FLAG_END_STREAM, "grpc-status", cases[i].status);
        assert_int_equal(actor.accepted, cases[i].accepted);
        assert_int_equal(actor.replied, cases[i].accepted);
        assert_false(sent[0].is_accepted);
        assert_int_equal(sent[2].is_accepted, cases[i].accepted > 0);
        assert_int_equal(sent[2].replied_ns > 0, cases[i].accepted > 0);
        har_wire_clear(&wire);
    }
}

static void streams_are_kept_up_to_a_limit_and_counted_beyond(void **state)
{
    (void)state;
    struct har_wire wire = keeping();
    for (uint32_t i = 0; i < HAR_WIRE_STREAMS_MAX; i++) {
        assert_non_null(har_wire_stream(&wire, 2 * i + 1));
    }
    uint32_t beyond = 2 * HAR_WIRE_STREAMS_MAX + 1;
    assert_null(har_wire_stream(&wire, beyond));
    assert_non_null(har_wire_stream(&wire, 1));
    static const uint8_t refused[] = {0, 0, 0, SL_H2_REFUSED_STREAM};
    note(&wire, SL_DIR_RESPONSE, SL_H2_RST_STREAM, 0, beyond, sl_span(refused, sizeof(refused)));
    note(&wire, SL_DIR_RESPONSE, SL_H2_DATA, SL_H2_FLAG_END_STREAM, beyond, sl_span_str("ab"));
    assert_int_equal(wire.refused, 1);
    assert_int_equal(wire.data_bytes, 2);
    assert_int_equal(wire.stream_count, HAR_WIRE_STREAMS_MAX);
    har_wire_clear(&wire);
    assert_null(wire.streams);
    assert_int_equal(wire.stream_count + wire.refused, 0);
    assert_true(wire.keeps_streams);
}

static void a_link_counts_once_in_each_round(void **state)
{
    (void)state;
    struct har_link link = {.is_connected = true};
    from_server(&link.wire, SL_H2_DATA, 0, sl_span(NULL, 0));
    note(&link.wire, SL_DIR_RESPONSE, SL_H2_GOAWAY, 0, 0, sl_span(NULL, 0));
    note(&link.wire, SL_DIR_RESPONSE, SL_H2_GOAWAY, 0, 0, sl_span(NULL, 0));
    unsigned round = 0;
    static const struct {
        enum har_counter counter;
        double up, ended, left; /* the link is up; the server ended it; we did */
    } cases[] = {
        {HAR_COUNT_CONNECTED, 1, 0, 0},   {HAR_COUNT_CLOSED, 0, 1, 0},
        {HAR_COUNT_GOAWAYS, 2, 2, 2},     {HAR_COUNT_TOLD, 1, 1, 1},
        {HAR_COUNT_DATA_FRAMES, 1, 1, 1}, {HAR_COUNT_RESETS, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum har_counter counter = cases[i].counter;
        link.has_ended = link.is_closed_by_us = false;
        assert_true(har_link_count(&link, counter, ++round) == cases[i].up);
        assert_true(har_link_count(&link, counter, round) == 0);
        link.has_ended = true;
        assert_true(har_link_count(&link, counter, ++round) == cases[i].ended);
        link.is_closed_by_us = true;
        assert_true(har_link_count(&link, counter, ++round) == cases[i].left);
        assert_true(har_link_count(NULL, counter, ++round) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_counted_by_type_and_by_whose_they_are),
        cmocka_unit_test(what_the_server_allows_is_told),
        cmocka_unit_test(acknowledgements_are_apart_from_what_they_answer),
        cmocka_unit_test(a_goaway_is_read_and_one_too_short_is_only_counted),
        cmocka_unit_test(a_reset_is_read_and_one_of_a_wrong_length_is_only_counted),
        cmocka_unit_test(our_own_resets_end_no_stream),
        cmocka_unit_test(only_data_and_headers_end_a_stream_by_their_flag),
        cmocka_unit_test(a_status_is_taken_when_it_is_well_formed),
        cmocka_unit_test(the_http_status_is_kept_of_the_last_headers),
        cmocka_unit_test(ok_accepts_the_messages_of_the_stream_once),
        cmocka_unit_test(streams_are_kept_up_to_a_limit_and_counted_beyond),
        cmocka_unit_test(a_link_counts_once_in_each_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
