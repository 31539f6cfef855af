/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_EVERY_SPLIT_H
#define TEST_EVERY_SPLIT_H

/*
 * Proves that a decoder does not care how its input is cut.
 *
 * The decoder is driven through a struct of functions that write what they see into a transcript, one
 * line an event. The input is fed whole, then in two pieces for every cut point, then byte by byte:
 * all transcripts must be equal. Then every truncated length is fed whole, and with its last bytes one
 * by one: both must agree, and before the decoder is told of the end the transcript must be that of as
 * many single bytes, a prefix of the whole one. So the work grows with the square of the length in bytes
 * that are read, not in calls. Pieces are exact heap copies, so that a read past one is caught by the sanitizers.
 *
 * Fails the running cmocka test at the first difference and prints both transcripts.
 */
#include "lib/base/buf.h"

enum {
    TEST_TRANSCRIPT_MAX = 1024 * 1024,
};

struct test_decoder {
    /* A new decoder that writes to transcript. context is the test's own. */
    void *(*begin)(void *context, struct sl_buf *transcript);
    void (*feed)(void *decoder, struct sl_span piece);
    /* The input is over: may write what was left open. Frees the decoder. */
    void (*end)(void *decoder, struct sl_buf *transcript);
};

void test_every_split(const struct test_decoder *decoder, void *context, struct sl_span input);

#endif
