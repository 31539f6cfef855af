/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_JSON_OUT_H
#define SL_JSON_OUT_H

/*
 * Writes JSON text straight into a buffer, without building a tree: for records that are written by
 * the million. Commas and colons are put by the writer. Output is valid UTF-8 whatever the strings
 * hold: an invalid byte becomes U+FFFD.
 *
 * Limits: nesting up to SL_JSON_OUT_DEPTH_MAX (asserted: depth is the program's own choice). A full
 * buffer shows in buf->is_full.
 */
#include "lib/base/buf.h"

enum {
    SL_JSON_OUT_DEPTH_MAX = 256,
};

struct sl_json_out {
    struct sl_buf *buf; /* borrowed */
    unsigned depth;
    bool is_comma_due; /* before the next item */
};

void sl_json_out_init(struct sl_json_out *out, struct sl_buf *buf);

void sl_json_out_begin_object(struct sl_json_out *out);
void sl_json_out_end_object(struct sl_json_out *out);
void sl_json_out_begin_array(struct sl_json_out *out);
void sl_json_out_end_array(struct sl_json_out *out);

/* The next call writes the value of this key. name: of the program's own choice, nothing in it needs an
 * escape. */
void sl_json_out_name(struct sl_json_out *out, const char *name, size_t len);
static inline void sl_json_out_key(struct sl_json_out *out, const char *key)
{
    sl_json_out_name(out, key, strlen(key)); /* of a literal the compiler knows the length */
}
/* The same for any key. */
void sl_json_out_key_span(struct sl_json_out *out, struct sl_span key);

void sl_json_out_str(struct sl_json_out *out, const char *text); /* NULL writes null */
void sl_json_out_span(struct sl_json_out *out, struct sl_span text);
void sl_json_out_base64(struct sl_json_out *out, struct sl_span bytes);
void sl_json_out_i64(struct sl_json_out *out, int64_t value);
void sl_json_out_u64(struct sl_json_out *out, uint64_t value);
void sl_json_out_bool(struct sl_json_out *out, bool value);
void sl_json_out_null(struct sl_json_out *out);

/* A finite double, shortest form that reads back equal; NaN and infinities become null. */
void sl_json_out_double(struct sl_json_out *out, double value);

/* ns as milliseconds with up to six decimals, trailing zeros left out ("12.5"). */
void sl_json_out_ms(struct sl_json_out *out, uint64_t ns);

/* text that is JSON already, put in as one value. */
void sl_json_out_raw(struct sl_json_out *out, struct sl_span json);

/* Shorthands for key and value. */
static inline void sl_json_out_key_str(struct sl_json_out *out, const char *key, const char *text)
{
    sl_json_out_key(out, key);
    sl_json_out_str(out, text);
}

static inline void sl_json_out_key_u64(struct sl_json_out *out, const char *key, uint64_t value)
{
    sl_json_out_key(out, key);
    sl_json_out_u64(out, value);
}

static inline void sl_json_out_key_bool(struct sl_json_out *out, const char *key, bool value)
{
    sl_json_out_key(out, key);
    sl_json_out_bool(out, value);
}

#endif
