/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PROBLEMS_H
#define INS_PROBLEMS_H

/* What a record must admit about itself: a code that programs test and a sentence that people read. */
#include "lib/base/json_out.h"

enum {
    INS_PROBLEMS_MAX = 16, /* of one record; a code is told once */
    INS_PROBLEM_TEXT_MAX = 200,
};

struct ins_problems {
    size_t count;
    struct {
        const char *code; /* a constant */
        char text[INS_PROBLEM_TEXT_MAX];
    } items[INS_PROBLEMS_MAX];
};

void ins_problems_add(struct ins_problems *problems, const char *code, const char *format, ...)
    SL_PRINTF(3, 4);

/* As the array [{"code","text"}]. */
void ins_problems_write(const struct ins_problems *problems, struct sl_json_out *out);

#endif
