/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_EXPORT_H
#define INS_EXPORT_H

/*
 * The views that make something else of a capture than records: config->task is a struct ins_export.
 */
#include "inspector/export/redact.h"
#include "inspector/view/views.h"

struct ins_export {
    struct ins_redact redact;
    bool has_exported;   /* at least one call */
    uint64_t left_out;   /* calls that could not be expressed, or for which there was no room */
    struct ins_cut *cut; /* cut.h; of export pcapng */
};

/* A scenario for sluice-harness; see scenario.h for the limits. */
ins_view_new_fn ins_export_scenario_new;
/* A shell command a call, by grpcurl. */
ins_view_new_fn ins_export_grpcurl_new;

#endif
