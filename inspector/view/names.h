/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_NAMES_H
#define INS_NAMES_H

/* Small facts about calls and frames that several views show. */
#include "inspector/view/view.h"
#include "lib/base/json_out.h"

enum {
    INS_NAME_MAX = 32,
};

/* "HEADERS", "UNKNOWN_0x0b"; into out where it is not a constant. */
const char *ins_frame_type_name(uint8_t type, char out[INS_NAME_MAX]);

/* "CANCEL", "0x000000ff": an error code of HTTP/2; into out where it is not a constant. */
const char *ins_h2_error_text(uint32_t code, char out[INS_NAME_MAX]);

/* "request" or "response". */
const char *ins_dir_name(enum sl_dir dir);

/* "server_streaming"; NULL without a schema. */
const char *ins_kind_name(const struct sl_method *method);

/* The :path of the call, without the query of a Connect GET; data is NULL when it is not known. */
struct sl_span ins_call_method(const struct ins_call *call);
/* How it is known: "literal", "table", "shape", "order" or "none". */
const char *ins_call_method_source(const struct ins_call *call);

/* False when the call is open, or the capture has no times. */
bool ins_call_duration(const struct sl_call *call, uint64_t *ret_ns);

/* The message's schema type in this direction, or NULL. */
const struct sl_message_type *ins_call_type(const struct ins_call *call, enum sl_dir dir);

/* A time as RFC 3339, or null. */
void ins_write_time(struct sl_json_out *out, const struct sl_at *at);

/* Milliseconds from start to at, or null; 0 where the clock ran backwards. */
void ins_write_since(struct sl_json_out *out, const struct sl_at *start, const struct sl_at *at);

/* The number of the call's stream, null over HTTP/1.1. */
void ins_write_stream(struct sl_json_out *out, const struct sl_call *call);

/* The span as a string, null where its data is NULL. */
void ins_write_span_or_null(struct sl_json_out *out, struct sl_span text);

#endif
