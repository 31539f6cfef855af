/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/problems.h"

#include <stdarg.h>
#include <stdio.h>

void ins_problems_add(struct ins_problems *problems, const char *code, const char *format, ...)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (strcmp(problems->items[i].code, code) == 0) {
            return;
        }
    }
    if (problems->count == INS_PROBLEMS_MAX) {
        return;
    }
    problems->items[problems->count].code = code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(problems->items[problems->count].text, INS_PROBLEM_TEXT_MAX, format, args);
    va_end(args);
    problems->count++;
}

void ins_problems_write(const struct ins_problems *problems, struct sl_json_out *out)
{
    sl_json_out_begin_array(out);
    for (size_t i = 0; i < problems->count; i++) {
        sl_json_out_begin_object(out);
        sl_json_out_key_str(out, "code", problems->items[i].code);
        sl_json_out_key_str(out, "text", problems->items[i].text);
        sl_json_out_end_object(out);
    }
    sl_json_out_end_array(out);
}
