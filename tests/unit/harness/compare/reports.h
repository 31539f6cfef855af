/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_REPORTS_H
#define TEST_REPORTS_H

/* Two reports, written as text by a test, and what compare makes of them. */
#include "harness/compare/model.h"

/* A report with these results and findings (JSON, between the brackets); more: keys with a comma in front, "" for none. Yours to
 * sl_free. */
char *report_of(const char *results, const char *findings, const char *more);

struct two {
    struct har_compare_run runs[HAR_COMPARE_SIDES];
    struct har_compare model;
};
/* Of two lists of results; fails the test where one cannot be read. */
void two_make(struct two *two, const char *a, const char *b, bool is_strict);
/* Of two whole reports. */
void two_read(struct two *two, const char *a, const char *b, bool is_strict);
void two_release(struct two *two);
/* The pair with this id; fails the test when there is none. */
const struct har_compare_pair *two_find(const struct two *two, const char *id);

#define RESULT(id, verdict, more) "{\"id\":\"" id "\",\"verdict\":\"" verdict "\"" more "}"
#define FAILED(rule, reason) \
    ",\"reason\":\"" reason "\",\"failures\":[{\"rule\":\"" rule "\",\"text\":\"" reason "\"}]"

#endif
