/* SPDX-License-Identifier: Apache-2.0 */
/* What several formats say in the same words. */
#include "harness/compare/print.h"
#include "harness/report/report.h"

const char *const har_compare_headings[] = {"newly failing", "newly passing", "differs",
                                            "only in A",     "only in B",     "same"};

void har_compare_verdict(const struct har_compare_tally *tally, struct sl_buf *out)
{
    if (tally->runs == 0) {
        (void)sl_buf_add_str(out, "not played");
        return;
    }
    (void)sl_buf_add_str(out, har_outcome_label(tally->outcome));
    if (tally->known > 0 && tally->known == tally->outcomes[HAR_FAIL]) {
        (void)sl_buf_add_str(out, " (known)");
    }
    if (tally->runs > 1) {
        (void)sl_buf_addf(out, ", %zu of %zu passed", tally->outcomes[HAR_PASS], tally->runs);
    }
    if (tally->runs > 1 && tally->outcome == HAR_FAIL && tally->outcomes[HAR_INCONCLUSIVE] > 0) {
        (void)sl_buf_addf(out, ", %zu inconclusive", tally->outcomes[HAR_INCONCLUSIVE]);
    }
}

void har_compare_what(const struct har_compare_pair *pair, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, pair->what);
    if (pair->chance >= 0.05) {
        (void)sl_buf_addf(out, " (so few repeats that chance may do it: %.2f)", pair->chance);
    }
    bool is_finding =
        pair->level[0] != '\0' && pair->level[1] == '\0' && strchr("SI", pair->level[0]) != NULL;
    if (is_finding && !pair->is_worse && pair->group == HAR_COMPARE_NEWLY_FAILING) {
        (void)sl_buf_addf(out, "; level %s does not count", pair->level);
    }
}

void har_compare_conclusion(const struct har_compare *compare, struct sl_buf *out)
{
    int status = har_compare_status(compare);
    if (compare->worse > 0) {
        (void)sl_buf_addf(out, "%zu %s worse in B.", compare->worse,
                          compare->worse == 1 ? "scenario is" : "scenarios are");
    } else if (status == 1) {
        (void)sl_buf_add_str(out, "The target of B could not be reached.");
    } else if (status == 2) {
        (void)sl_buf_add_str(out, "Nothing to compare: no scenario is in both.");
    } else {
        (void)sl_buf_add_str(out, "Nothing got worse.");
    }
}

bool har_compare_is_open(const struct har_compare_pair *pair)
{
    enum har_outcome outcome = pair->sides[HAR_COMPARE_B].outcome;
    return outcome == HAR_FAIL || outcome == HAR_INCONCLUSIVE;
}

bool har_compare_is_changed(const struct har_compare_pair *pair)
{
    return pair->group == HAR_COMPARE_NEWLY_FAILING || pair->group == HAR_COMPARE_NEWLY_PASSING ||
           pair->group == HAR_COMPARE_DIFFERS;
}

void har_compare_affected(const struct har_compare_fault *fault, int side, struct sl_buf *out)
{
    bool has_any = false;
    if (fault->times[side] == 0) {
        (void)sl_buf_add_str(out, "not there");
        return;
    }
    for (int scope = 0; scope < HAR_COMPARE_SCOPES; scope++) {
        if (fault->affected[side][scope] > 0) {
            (void)sl_buf_addf(out, "%s%ld of the %s", has_any ? ", " : "",
                              fault->affected[side][scope], har_compare_scopes[scope]);
            has_any = true;
        }
    }
    (void)sl_buf_add_str(out, has_any ? "" : "nobody");
    if (fault->times[side] > 1) {
        (void)sl_buf_addf(out, "%s in %zu times", has_any ? " at most" : "", fault->times[side]);
    }
}

void har_compare_number(double value, struct sl_buf *out)
{
    (void)sl_buf_addf(out, "%.*f", value < 10 ? 2 : value < 1000 ? 1 : 0, value);
}

void har_compare_ratio(double a, double b, struct sl_buf *out)
{
    if (a <= 0) {
        (void)sl_buf_add_str(out, "-");
    } else {
        (void)sl_buf_addf(out, b / a < 0.1 ? "x%.1g" : b / a < 100 ? "x%.2f" : "x%.0f", b / a);
    }
}
