/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/status.h"

#include <stdarg.h>
#include <stdio.h>

const char *sl_status_text(enum sl_status status)
{
    switch (status) {
#define X(name, value, text) \
    case SL_##name:          \
        return text;
        SL_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

enum sl_status sl_error_set(struct sl_error *reterr_error, enum sl_status status,
                            const char *format, ...)
{
    if (reterr_error != NULL) {
        va_list args;
        va_start(args, format);
        reterr_error->status = status;
        (void)vsnprintf(reterr_error->text, sizeof(reterr_error->text), format, args);
        va_end(args);
    }
    return status;
}

void sl_error_at(struct sl_error *error, const char *source, size_t line)
{
    if (error != NULL) {
        (void)snprintf(error->source, sizeof(error->source), "%s", source);
        error->line = line;
    }
}
