/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/held.h"

#include "lib/base/alloc.h"

struct ins_held {
    struct ins_lines *lines; /* borrowed */
    struct sl_buf text;
};

void ins_held_end(struct ins_lines *lines, struct ins_call *call)
{
    if (call == NULL || call->id == 0 || call->is_decided) {
        ins_lines_end(lines);
        return;
    }
    if (call->held == NULL) {
        call->held = sl_alloc(sizeof(*call->held));
        call->held->lines = lines;
        sl_buf_init(&call->held->text, INS_HELD_CALL_MAX);
    }
    ins_lines_hold(lines, &call->held->text, INS_HELD_MAX);
}

void ins_held_settle(struct ins_call *call)
{
    struct ins_held *held = call->held;
    if (held == NULL || (call->is_selected && !call->is_decided)) {
        return;
    }
    ins_lines_release_held(held->lines, &held->text, call->is_selected);
    sl_buf_release(&held->text);
    sl_free(held);
    call->held = NULL;
}
