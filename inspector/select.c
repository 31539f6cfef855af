/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/select.h"

#include <fnmatch.h>

#include "inspector/view/names.h"

enum {
    METHOD_MAX = 1024, /* longer paths match no glob */
};

bool ins_select_is_selective(const struct ins_select *select)
{
    return select->method_glob != NULL || select->call != 0 || select->has_status;
}

static bool matches_method(const char *glob, struct sl_span method)
{
    char text[METHOD_MAX + 1];
    if (method.data == NULL || method.len > METHOD_MAX) {
        return false;
    }
    memcpy(text, method.data, method.len);
    text[method.len] = '\0';
    return fnmatch(glob, text, 0) == 0;
}

bool ins_select_begun(const struct ins_select *select, const struct ins_call *call)
{
    if (select->call != 0 && select->call != call->id) {
        return false;
    }
    return select->method_glob == NULL ||
           matches_method(select->method_glob, ins_call_method(call));
}

bool ins_select_ended(const struct ins_select *select, const struct ins_call *call)
{
    if (!select->has_status) {
        return true;
    }
    if (select->is_open || !call->call->has_status) {
        return select->is_open && !call->call->has_status;
    }
    return call->call->code == select->status;
}
