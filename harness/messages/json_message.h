/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_JSON_MESSAGE_H
#define HAR_JSON_MESSAGE_H

/* Messages of any service: JSON templates of a scenario to bytes, bytes to JSON. */
#include <jansson.h>

#include "harness/engine/play.h"
#include "harness/messages/json_match.h"

enum {
    HAR_JSON_MESSAGE_MAX = 16 * 1024 * 1024, /* bytes of one message, encoded or as JSON */
};

/* Which message of which instance: what {i} and {n} in a template stand for. */
struct har_message_place {
    unsigned index;    /* {i} */
    uint32_t sequence; /* {n} */
};

/* A copy with all strings expanded: {room}, {i}, {n}. */
json_t *har_json_expand(const struct har_play *play, json_t *json, struct har_message_place place);

/* Appends one message to out (cleared first). NULL template: the empty message. False with the error when it
 * is no such message. */
bool har_json_encode(const struct har_play *play, const struct sl_message_type *type,
                     json_t *template, struct har_message_place place, struct sl_buf *out,
                     struct sl_error *reterr_error);

/* The message as JSON, yours; NULL with why when the bytes are no message of this type. */
json_t *har_json_decode(const struct sl_pool *pool, const struct sl_message_type *type,
                        struct sl_span bytes, char *why, size_t size);

/* For the parser of a command line: would the template be a message of this type? */
bool har_json_is_message(const struct sl_pool *pool, const struct sl_message_type *type,
                         json_t *template, struct sl_error *reterr_error);

#endif
