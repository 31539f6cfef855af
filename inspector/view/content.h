/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_CONTENT_H
#define INS_CONTENT_H

/*
 * What is in a message, as members of a JSON object: "json" (with "unknown") by the schema, or as it came
 * where the codec is JSON; "raw" with "guess" without a schema; "text" of what should be JSON and is
 * not; "data", in base64, of other codecs. "codec" names one that is not protobuf; "truncated" says that
 * not all of the message is shown.
 *
 * Limits: INS_PAYLOAD_JSON_MAX and INS_PAYLOAD_UNKNOWN_MAX of JSON: of a message that needs more, so much
 * of the head is shown as fits. INS_CONTENT_BYTES_MAX bytes as text and data.
 */
#include "inspector/view/payload.h"

enum {
    INS_CONTENT_BYTES_MAX = 64 * 1024,
};

/* What is the matter with one message: told in the record, under a code. */
struct ins_complaint {
    const char *code; /* NULL: nothing */
    char text[INS_PROBLEM_TEXT_MAX];
};

/* The first complaint stays. */
void ins_complain(struct ins_complaint *complaint, const char *code, const char *text);

/* bytes: the message without its compression; is_head: its end is not there. */
void ins_content_write(struct ins_payload *payload, struct sl_json_out *out,
                       const struct ins_call *call, enum sl_dir dir, struct sl_span bytes,
                       bool is_head, struct ins_complaint *complaint);

#endif
