/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_EXPORT_MESSAGE_H
#define INS_EXPORT_MESSAGE_H

/*
 * Request messages and metadata of a call as exports need them: redacted, and only what the client itself chose.
 *
 * Limits: those of view/payload.h; INS_EXPORT_MESSAGE_MAX bytes of one that has no schema.
 */
#include "inspector/export/redact.h"
#include "inspector/view/payload.h"

enum {
    INS_EXPORT_MESSAGE_MAX = 256 * 1024,
};

struct ins_export_message {
    json_t *json;        /* by the schema; or */
    char *hex;           /* its bytes, where there is no schema; or both NULL: */
    const char *problem; /* why it cannot be exported */
    bool has_unknown;    /* fields that the schema does not know are left out of json */
    size_t size;         /* of what is kept */
};

/* Yours to ins_export_message_release. */
struct ins_export_message ins_export_message(struct ins_payload *payload, struct ins_redact *redact,
                                             const struct ins_call *call, enum sl_dir dir,
                                             const struct sl_message *message);
void ins_export_message_release(struct ins_export_message *message);

/* {"name": value} without what the protocol or a library adds by itself, secrets redacted: a string, {"base64": "..."}
 * for names that end in -bin, null where it is none of both; an array of these for a name that comes again. Yours. */
json_t *ins_export_metadata(struct ins_redact *redact, const struct sl_headers *headers);

#endif
