/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_MESSAGE_OBJECT_H
#define INS_MESSAGE_OBJECT_H

/* The object of one message inside a call or frame record. */
#include "inspector/view/payload.h"

void ins_message_object_write(struct ins_payload *payload, struct sl_json_out *out,
                              const struct ins_call *call, enum sl_dir dir,
                              const struct sl_message *message, const struct sl_at *at,
                              struct ins_problems *problems);

#endif
