/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SEND_H
#define HAR_SEND_H

/* The arguments of `send` (and of `truncate`): how messages are made and what is answered. */
#include "harness/scenario/model.h"
#include "harness/steps/pace.h"

struct har_message_args {
    struct har_text message_id, user_id, text;
    const char *room; /* template */
    struct har_int64 created_at;
    int stamp; /* 0 yes, 1 no: text is exactly as given */
};

struct har_send_args {
    struct har_pace_args pace;
    struct har_expr size;     /* bytes of text, stamp included */
    struct har_expr bytes;    /* of the whole message, in place of size */
    json_t *json;             /* of a stream: the message as a template of proto3 JSON */
    struct har_expr id_bytes; /* of the default message_id */
    struct har_message_args message;
    bool is_refused;            /* accepted=false is what is right */
    const char *reason;         /* of the reply; NULL: as SEND-01 and SEND-02 say */
    struct har_text request_id; /* metadata x-request-id */
    const char *violation;      /* the field that the details of INVALID_ARGUMENT name */
    struct har_strings status;  /* allowed statuses; none: OK */
    const char *rule;
    struct har_expr within;
    int mode; /* truncate only */
};

enum {
    HAR_MESSAGE_FIELDS = 6,
};
extern const struct har_field har_message_fields[HAR_MESSAGE_FIELDS];

#endif
