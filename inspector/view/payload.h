/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PAYLOAD_H
#define INS_PAYLOAD_H

/*
 * A message as the fields of a JSON object: decompressed, and decoded by the schema or, without one, by
 * the best guess (content.h).
 *
 * Limits: INS_VIEW_MESSAGE_MAX bytes on the wire, INS_PAYLOAD_DECODED_MAX after decompression, and the
 * limits of content.h. Of a message past one of them, or whose end was not captured, the head is
 * decoded as far as it goes, and "truncated" says so.
 */
#include "inspector/view/problems.h"
#include "inspector/view/view.h"
#include "lib/base/json_out.h"

enum {
    INS_PAYLOAD_DECODED_MAX = 4 * 1024 * 1024,
    INS_PAYLOAD_JSON_MAX = 6 * 1024 * 1024,
    INS_PAYLOAD_UNKNOWN_MAX = 2 * 1024 * 1024,
    INS_PAYLOAD_HEAD_ROOM = 32,
};

/* Scratch memory, used again for every message. */
struct ins_payload {
    const struct sl_pool *pool; /* borrowed; may be NULL */
    struct sl_buf decoded, json, unknown;
    struct sl_buf head; /* of a message whose end is not there */
    struct sl_json_out out;
};

void ins_payload_init(struct ins_payload *payload, const struct sl_pool *pool);
void ins_payload_release(struct ins_payload *payload);

/* Writes "bytes", "compressed", "encoding" (when compressed, or has_encoding), "bytes_decoded" (when
 * compressed), "message_type", the content and "complete". problems (may be NULL) is added to. */
void ins_payload_write(struct ins_payload *payload, struct sl_json_out *out,
                       const struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, bool has_encoding,
                       struct ins_problems *problems);

#endif
