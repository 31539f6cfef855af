/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTOJSON_WRITER_H
#define SL_PROTOJSON_WRITER_H

/*
 * What the files of the JSON writer share: protojson_write.c (messages, fields, arrays, maps),
 * protojson_value.c (scalars), protojson_wkt.c (types whose form is special). Nobody else includes it.
 *
 * Whatever goes wrong, each function that writes a value writes exactly one, so that the document
 * stays well-formed. After sl_protojson_stop() loops end and what is open is closed.
 */
#include "lib/schema/proto_path.h"
#include "lib/schema/proto_rd.h"
#include "lib/schema/protojson.h"

enum {
    SL_PROTOJSON_MERGE_MAX = 64 * 1024 * 1024, /* bytes of messages put together at one time */
};

struct sl_protojson_writer {
    const struct sl_pool *pool;
    struct sl_json_out *out;
    struct sl_json_out unknown; /* its buffer is NULL when nobody wants them */
    struct sl_protojson_result *result;
    enum sl_status status;
    bool is_stopped;
    unsigned depth;
    size_t merge_bytes; /* held by messages that came in parts */
};

/* Notes the first thing that is wrong; writing goes on. */
void sl_protojson_problem(struct sl_protojson_writer *w, enum sl_status status,
                          const struct sl_proto_path *path, const char *what);
/* The same, and writing ends here. */
void sl_protojson_stop(struct sl_protojson_writer *w, enum sl_status status,
                       const struct sl_proto_path *path, const char *what);
/* Puts a record that the message at path does not know with the unknown ones. */
void sl_protojson_unknown(struct sl_protojson_writer *w, const struct sl_proto_record *record,
                          const struct sl_proto_path *path);

/* One message as one value. */
void sl_protojson_message(struct sl_protojson_writer *w, const struct sl_message_type *type,
                          struct sl_span bytes, const struct sl_proto_path *path);
/* The members of a message inside an object that the caller opened. */
void sl_protojson_members(struct sl_protojson_writer *w, const struct sl_message_type *type,
                          struct sl_span bytes, const struct sl_proto_path *path);

/* One value of a field that is no message. */
void sl_protojson_scalar(struct sl_protojson_writer *w, const struct sl_field *field,
                         const struct sl_proto_record *record, const struct sl_proto_path *path);
/* The shortest number that reads back as the same float or double; NaN and the infinities as strings. */
void sl_protojson_real(struct sl_json_out *out, double value, bool is_float);
/* True for a value that a field without presence leaves out. */
bool sl_protojson_is_default(const struct sl_field *field, const struct sl_proto_record *record);
/* The value of an integer or bool field, sign extended. */
int64_t sl_protojson_integer(const struct sl_field *field, uint64_t value);

/* Any, Timestamp, Duration and FieldMask. */
void sl_protojson_any(struct sl_protojson_writer *w, const struct sl_message_type *type,
                      struct sl_span bytes, const struct sl_proto_path *path);
void sl_protojson_time(struct sl_protojson_writer *w, const struct sl_message_type *type,
                       struct sl_span bytes, const struct sl_proto_path *path);
void sl_protojson_field_mask(struct sl_protojson_writer *w, const struct sl_message_type *type,
                             struct sl_span bytes, const struct sl_proto_path *path);

#endif
