/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_DIFF_REPORT_H
#define INS_DIFF_REPORT_H

/* What `diff` says, as text for people or as records. */
#include <stdio.h>

#include "inspector/diff/compare.h"

/* Writes all; true when the two are equal. */
bool ins_diff_report(struct ins_digest *a, struct ins_digest *b, bool is_text, FILE *out);

#endif
