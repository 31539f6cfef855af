/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_REDACT_H
#define INS_REDACT_H

/*
 * What must not leave with an export: values become placeholders of the same shape (letters x, digits 0, base64 A,
 * numbers 0, times 1970), so that messages stay messages of their type.
 *
 * Metadata that is like a credential (authorization, cookie, set-cookie, x-api-key, proxy-authorization, and any name
 * with "token", "secret" or "password" in it) is redacted unless it is to be kept.
 *
 * Limits: INS_REDACT_MAX paths of each kind.
 */
#include <jansson.h>

#include "lib/schema/pool.h"

enum {
    INS_REDACT_MAX = 64,
};

struct ins_redact {
    const char *fields[INS_REDACT_MAX];
    size_t field_count;
    const char *names[INS_REDACT_MAX]; /* of metadata */
    size_t name_count;
    bool keeps_secrets;
    uint64_t replaced; /* values so far */
};

/* "Type.field" (the type's full or last name), "path.of.fields" from the message down, or "metadata:NAME". Names of
 * fields as in the .proto file or in JSON. Borrows path. */
SL_MUST_USE enum sl_status ins_redact_add(struct ins_redact *redact, const char *path,
                                          struct sl_error *reterr_error);

/* A message of type (NULL: not known, then paths from the message down apply by JSON names). */
void ins_redact_message(struct ins_redact *redact, const struct sl_message_type *type,
                        json_t *message);

bool ins_redact_has_name(const struct ins_redact *redact, struct sl_span name);

/* The value's placeholder; yours to sl_free. */
char *ins_redact_text(struct sl_span value);

#endif
