/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTOJSON_H
#define SL_PROTOJSON_H

/*
 * Protobuf bytes to canonical proto3 JSON (protobuf.dev "ProtoJSON Format") and back, driven by
 * descriptors. Text goes straight to a buffer: no tree, no copy.
 *
 * What the descriptors do not know is kept apart, in the form of sl_raw_write(), so that the JSON is
 * what any protobuf library reads back.
 */
#include <jansson.h>

#include "lib/base/json_out.h"
#include "lib/schema/pool.h"

enum {
    SL_PROTO_DEPTH_MAX = 100, /* messages inside messages, the limit of the protobuf libraries */
};

struct sl_protojson_result {
    bool has_unknown;  /* something was appended to the unknown buffer */
    bool is_malformed; /* the bytes are no message of this type; the JSON holds what came before */
    char problem[160]; /* why, where is_malformed */
};

/* Writes the message as one JSON value through out. unknown (may be NULL) gets the raw form of unknown
 * fields, as one JSON array, where there are some. Always writes one complete value. SL_MALFORMED,
 * SL_LIMIT (depth) in which case ret_result says why. */
SL_MUST_USE enum sl_status sl_protojson_write(const struct sl_pool *pool,
                                              const struct sl_message_type *type,
                                              struct sl_span bytes, struct sl_json_out *out,
                                              struct sl_buf *unknown,
                                              struct sl_protojson_result *ret_result);

/* Writes the bytes without a schema: [{"field":1,"type":"string","value":"x"}, ...], types varint,
 * fixed32, fixed64, string, bytes, message, packed, group: the best guess by content. SL_MALFORMED
 * when they are no protobuf message at all; out then holds null. */
SL_MUST_USE enum sl_status sl_raw_write(struct sl_span bytes, struct sl_json_out *out);

/* Appends the wire form of a JSON message of this type to out. Takes everything the JSON mapping allows
 * (both names of a field, numbers as strings, base64 of both alphabets, null). SL_MALFORMED with the
 * JSON path of the first error ("$.text: ..."), SL_LIMIT when out is full. */
SL_MUST_USE enum sl_status sl_protojson_read(const struct sl_pool *pool,
                                             const struct sl_message_type *type, json_t *json,
                                             struct sl_buf *out, struct sl_error *reterr_error);

#endif
