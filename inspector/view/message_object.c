/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/message_object.h"

#include "inspector/view/names.h"

void ins_message_object_write(struct ins_payload *payload, struct sl_json_out *out,
                              const struct ins_call *call, enum sl_dir dir,
                              const struct sl_message *message, const struct sl_at *at,
                              struct ins_problems *problems)
{
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "index", message->index);
    sl_json_out_key(out, "at_ms");
    ins_write_since(out, &call->call->start, at);
    ins_payload_write(payload, out, call, dir, message, false, problems);
    sl_json_out_end_object(out);
}
