/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTOJSON_READER_H
#define SL_PROTOJSON_READER_H

/*
 * What the files of the JSON reader share: protojson_read.c (messages, fields, arrays, maps),
 * protojson_read_value.c (scalars), protojson_read_wkt.c (types whose form is special). Nobody else
 * includes it.
 */
#include "lib/schema/proto_path.h"
#include "lib/schema/proto_rd.h"
#include "lib/schema/protojson.h"

struct sl_protojson_reader {
    const struct sl_pool *pool;
    struct sl_buf *out;
    struct sl_error *error;
    unsigned depth;
    const json_t *any; /* the object in which "@type" is no field */
};

/* Sets "path: text" and answers SL_MALFORMED. */
enum sl_status sl_protojson_bad(struct sl_protojson_reader *r, const struct sl_proto_path *path,
                                const char *format, ...) SL_PRINTF(3, 4);

/* Appends the fields of a message, without length or tags around them. */
SL_MUST_USE enum sl_status sl_protojson_read_message(struct sl_protojson_reader *r,
                                                     const struct sl_message_type *type,
                                                     json_t *json,
                                                     const struct sl_proto_path *path);
/* The same for an object that may be that of an Any. */
SL_MUST_USE enum sl_status sl_protojson_read_members(struct sl_protojson_reader *r,
                                                     const struct sl_message_type *type,
                                                     json_t *json,
                                                     const struct sl_proto_path *path);
/* Appends a field with its tag (an array or a map as all its records). */
SL_MUST_USE enum sl_status sl_protojson_read_field(struct sl_protojson_reader *r,
                                                   const struct sl_field *field, json_t *json,
                                                   const struct sl_proto_path *path);
/* Puts the length of what out holds from start on before it. */
void sl_protojson_put_length(struct sl_buf *out, size_t start);

/* Appends one scalar value without its tag. */
SL_MUST_USE enum sl_status sl_protojson_read_scalar(struct sl_protojson_reader *r,
                                                    const struct sl_field *field, json_t *json,
                                                    const struct sl_proto_path *path);
/* Appends the key of a map entry without its tag. */
SL_MUST_USE enum sl_status sl_protojson_read_key(struct sl_protojson_reader *r,
                                                 const struct sl_field *field, struct sl_span key,
                                                 const struct sl_proto_path *path);

/* Any, Timestamp, Duration, FieldMask, Struct, Value, ListValue, wrappers. */
SL_MUST_USE enum sl_status sl_protojson_read_special(struct sl_protojson_reader *r,
                                                     const struct sl_message_type *type,
                                                     json_t *json,
                                                     const struct sl_proto_path *path);

#endif
