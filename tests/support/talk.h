/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TALK_H
#define TEST_TALK_H

/*
 * A scripted HTTP/2 connection and the observer's account of it, for tests of the observer and of
 * what stands on it.
 *
 * A test appends frames of either side in the order in which they pass, then lets an observer read
 * them, and compares the transcript: one line an event. Lines begin with the event's name:
 *
 *     begin 1 stream 1 grpc              headers request stream 1 :method=POST te=trailers
 *     prefix response stream 1 flag 0 length 5
 *     message response stream 1 #1 flag 0 'hello'
 *     frame > HEADERS stream 1 flags 0x05 length 20
 *     end stream 1 trailers OK from trailers messages 1/2
 *     stall response stream 3 by connection 100-350 credit waiting 10 1:65535
 *     finding FLOW-01 server stream 1: ...          skipped < 12
 *
 * A finding that is not of level M has its level behind the rule. Of /pkg.Svc/Single the handler knows that it answers
 * with one message.
 */
#include "lib/wire/observer.h"

enum {
    TEST_TALK_SEGMENTS_MAX = 256,
};

struct test_segment {
    enum sl_dir dir;
    size_t end; /* in bytes */
    uint64_t time_ms;
    bool is_gap;       /* its bytes are not captured */
    bool is_gap_sized; /* and it is known how many */
    bool is_close, is_reset;
};

struct test_talk {
    struct sl_buf bytes; /* of both directions, in order */
    struct test_segment segments[TEST_TALK_SEGMENTS_MAX];
    size_t count;
    uint64_t time_ms;
    struct sl_hpack_encoder *encoder[2];
    bool is_capture; /* packets are numbered */
    bool is_midway;
    bool has_frames; /* frame events are written */
    struct sl_observer_config config;
};

/* Both prefaces and an empty SETTINGS each, unless is_bare. */
void test_talk_init(struct test_talk *talk, bool is_bare);
void test_talk_release(struct test_talk *talk);

void test_talk_raw(struct test_talk *talk, enum sl_dir dir, const void *bytes, size_t len);
void test_talk_frame(struct test_talk *talk, enum sl_dir dir,
                     const struct sl_h2_frame_header *header, const void *payload);
/* fields: "name: value\n" lines. */
void test_talk_headers(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint8_t flags,
                       const char *fields);
void test_talk_data(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint8_t flags,
                    struct sl_span content);
/* A DATA frame of one message. */
void test_talk_message(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint8_t flags,
                       const char *payload);
void test_talk_settings(struct test_talk *talk, enum sl_dir dir, uint16_t id, uint32_t value);
void test_talk_settings_ack(struct test_talk *talk, enum sl_dir dir);
void test_talk_window_update(struct test_talk *talk, enum sl_dir dir, uint32_t stream,
                             uint32_t add);
void test_talk_rst(struct test_talk *talk, enum sl_dir dir, uint32_t stream, uint32_t error);
void test_talk_ping(struct test_talk *talk, enum sl_dir dir, bool is_ack, uint64_t opaque);
void test_talk_goaway(struct test_talk *talk, enum sl_dir dir, uint32_t last, uint32_t error);
void test_talk_close(struct test_talk *talk, enum sl_dir dir, bool is_reset);
/* The last bytes appended, count of them, were not captured. */
void test_talk_lose_last(struct test_talk *talk, size_t count, bool is_sized);

/* A unary request: HEADERS of POST /pkg.Svc/Method, and one message with END_STREAM. */
void test_talk_request(struct test_talk *talk, uint32_t stream, const char *payload);
/* A new talk with a request on stream 1. */
void test_talk_begin(struct test_talk *talk);
#define TEST_REQUEST_FIELDS                                                               \
    ":method: POST\n:scheme: http\n:path: /pkg.Svc/Method\n:authority: a\nte: trailers\n" \
    "content-type: application/grpc\n"
#define TEST_RESPONSE_FIELDS ":status: 200\ncontent-type: application/grpc\n"

/* Reads all of it; appends the transcript. */
void test_talk_run(const struct test_talk *talk, struct sl_buf *transcript);
/* Fails the test unless every line of expected is, in this order, a line of the transcript; a line
 * "!text" demands that no line begins with text. */
void test_talk_expect(const struct test_talk *talk, const char *expected);
/* test_every_split() over all bytes. */
void test_talk_every_split(struct test_talk *talk);
/* test_talk_expect and test_talk_every_split; then the talk is released. */
void test_talk_judge(struct test_talk *talk, const char *expected);

/* A handler that writes the transcript; owner is the struct. */
struct test_transcript {
    struct sl_buf *text;
    bool has_frames;
};
extern const struct sl_observer_handler test_transcript_handler;

#endif
