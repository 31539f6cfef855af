/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SNIFF_H
#define INS_SNIFF_H

/*
 * Decides which layer a stream begins with: one of the table (stream.h) that claims it, else HTTP/2
 * (http2/detect.h), else nothing that is known. Holds the events until then.
 *
 * Limits: those of http2/detect.h, and INS_STREAM_HEAD bytes of each side once more.
 */
#include "inspector/http2/detect.h"
#include "inspector/stream/stream.h"

enum ins_sniff_verdict {
    INS_SNIFF_UNDECIDED,
    INS_SNIFF_LAYER, /* one of the table */
    INS_SNIFF_HTTP2,
    INS_SNIFF_OTHER,
};

struct ins_sniff;

/* client: the side that the layer below, or the SYN, makes the likely client; -1: none. */
struct ins_sniff *ins_sniff_new(int client);
void ins_sniff_free(struct ins_sniff *sniff);

/* The same events as a layer's. saw_start: the side's data begin with the stream's first byte. */
enum ins_sniff_verdict ins_sniff_data(struct ins_sniff *sniff, int side, bool saw_start,
                                      struct sl_span bytes, const struct sl_at *at);
enum ins_sniff_verdict ins_sniff_gap(struct ins_sniff *sniff, int side, uint64_t count,
                                     const struct sl_at *at);
void ins_sniff_close(struct ins_sniff *sniff, int side, bool is_reset, const struct sl_at *at);

/* Nothing more comes, or nothing more can be held: not UNDECIDED. */
enum ins_sniff_verdict ins_sniff_decide(struct ins_sniff *sniff);

/* After the verdict: of LAYER. */
const struct ins_layer_kind *ins_sniff_kind(const struct ins_sniff *sniff);
/* Of LAYER (may be -1) and HTTP2. */
int ins_sniff_client(const struct ins_sniff *sniff);
bool ins_sniff_is_midway(const struct ins_sniff *sniff);
/* Of HTTP2: its client is no more than a guess. */
bool ins_sniff_is_guessed(const struct ins_sniff *sniff);

/* Hands on what was held back, in the order it came. */
void ins_sniff_replay(const struct ins_sniff *sniff, const struct ins_stream_sink *sink);

/* Memory that is held. */
size_t ins_sniff_held(const struct ins_sniff *sniff);

#endif
