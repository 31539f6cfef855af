/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TLS_READER_H
#define TEST_TLS_READER_H

/* A talk (tests/support/tls_talk.h), as the inspector reads it. */
#include "inspector/tls/keylog.h"
#include "inspector/tls/tls.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/tls_talk.h"

struct test_reader {
    struct ins_keys *keys;
    struct ins_tls_all *all;
    struct ins_tls *tls;
    struct ins_tls_info info;
    struct sl_buf got[2]; /* plaintext, by side; a gap is "<gap>" */
    size_t gaps[2], closes[2];
    struct sl_at last_at;
};

static void reader_on_data(void *owner, int side, struct sl_span bytes, const struct sl_at *at)
{
    struct test_reader *reader = owner;
    assert_int_equal(sl_buf_add_span(&reader->got[side], bytes), SL_OK);
    reader->last_at = *at;
}

static void reader_on_gap(void *owner, int side, uint64_t count, const struct sl_at *at)
{
    struct test_reader *reader = owner;
    (void)at;
    assert_int_equal(count, 0);
    reader->gaps[side]++;
    (void)sl_buf_add_str(&reader->got[side], "<gap>");
}

static void reader_on_close(void *owner, int side, bool is_reset, const struct sl_at *at)
{
    struct test_reader *reader = owner;
    (void)is_reset;
    (void)at;
    reader->closes[side]++;
}

static inline void reader_learn(struct test_reader *reader, struct sl_span lines)
{
    struct ins_keylog keylog;
    ins_keylog_init(&keylog, reader->keys);
    ins_keylog_feed(&keylog, lines);
    ins_keylog_end(&keylog);
    ins_keylog_release(&keylog);
}

static inline void reader_begin(struct test_reader *reader)
{
    const struct ins_stream_sink sink = {reader_on_data, reader_on_gap, reader_on_close, reader};
    for (int side = 0; side < 2; side++) {
        sl_buf_release(&reader->got[side]);
        sl_buf_init(&reader->got[side], TEST_TLS_WIRE_MAX);
        reader->gaps[side] = reader->closes[side] = 0;
    }
    reader->info = (struct ins_tls_info){.version = 0};
    reader->tls = ins_tls_new(reader->all, &sink, &reader->info);
}

static inline void reader_init(struct test_reader *reader)
{
    *reader = (struct test_reader){.keys = ins_keys_new()};
    reader->all = ins_tls_all_new();
    ins_tls_all_use(reader->all, reader->keys);
}

static inline void reader_release(struct test_reader *reader)
{
    ins_tls_all_free(reader->all);
    ins_keys_free(reader->keys);
    sl_buf_release(&reader->got[0]);
    sl_buf_release(&reader->got[1]);
}

/* Bytes from to end of a side, in exact copies of step bytes. */
static inline void reader_feed(struct test_reader *reader, int side, struct sl_span bytes,
                               size_t step, const struct sl_at *at)
{
    while (bytes.len > 0) {
        struct sl_span piece = sl_span_first(bytes, step);
        uint8_t *copy = malloc(piece.len);
        assert_non_null(copy);
        memcpy(copy, piece.data, piece.len);
        ins_tls_data(reader->tls, side, sl_span(copy, piece.len), at);
        free(copy);
        bytes = sl_span_from(bytes, piece.len);
    }
}

static inline struct sl_span talk_piece(const struct test_tls_talk *talk, size_t index)
{
    size_t from = index == 0 ? 0 : talk->pieces[index - 1].end;
    return sl_span(talk->wire.data + from, talk->pieces[index].end - from);
}

/* All of the talk in pieces of step bytes; packet numbers are those of its pieces, from 1. */
static inline void reader_read(struct test_reader *reader, const struct test_tls_talk *talk,
                               size_t step)
{
    for (size_t i = 0; i < talk->count; i++) {
        const struct sl_at at = {.packet = i + 1};
        reader_feed(reader, talk->pieces[i].side, talk_piece(talk, i), step, &at);
    }
}

static inline void reader_expect_sent(const struct test_reader *reader,
                                      const struct test_tls_talk *talk)
{
    for (int side = 0; side < 2; side++) {
        struct sl_span got = sl_buf_span(&reader->got[side]);
        struct sl_span sent = sl_buf_span(&talk->sent[side]);
        if (!sl_span_equal(got, sent)) {
            fail_msg("of side %d: %zu bytes were sent, %zu read", side, sent.len, got.len);
        }
    }
}

static inline uint64_t reader_outcome(const struct test_reader *reader,
                                      enum ins_tls_outcome outcome)
{
    return ins_tls_all_totals(reader->all)->outcomes[outcome];
}

#endif
