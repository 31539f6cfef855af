/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SELECT_H
#define INS_SELECT_H

/* Which calls the user wants to see. It never changes how connections and calls are numbered. */
#include "inspector/view/view.h"

struct ins_select {
    const char *method_glob; /* "*" crosses "/"; NULL: any */
    uint64_t call;           /* 0: any */
    bool has_status;
    bool is_open; /* with has_status: calls that had none */
    uint32_t status;
};

/* True when anything is asked for. */
bool ins_select_is_selective(const struct ins_select *select);

/* What can be told when the call begins: all but its status. */
bool ins_select_begun(const struct ins_select *select, const struct ins_call *call);

/* At its end. */
bool ins_select_ended(const struct ins_select *select, const struct ins_call *call);

#endif
