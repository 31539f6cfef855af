/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_OPTS_H
#define INS_OPTS_H

/* The command line of sluice-inspector, as docs/INSPECTOR.md describes it. */
#include "inspector/select.h"
#include "inspector/source/packet.h"
#include "inspector/view/views.h"
#include "lib/base/cli.h"

enum {
    INS_OPTS_LIST_MAX = 256, /* of an option that may be repeated */
    INS_OPTS_CALL_MESSAGES = 100,
    INS_OPTS_CALL_MESSAGES_MAX = 1000000,
};

struct ins_opts_list {
    const char *items[INS_OPTS_LIST_MAX];
    size_t count;
};

enum ins_format {
    INS_FORMAT_AUTO, /* text on a terminal, else json */
    INS_FORMAT_JSON,
    INS_FORMAT_TEXT,
    INS_FORMAT_HTML, /* goes with the calls */
};

struct ins_opts {
    ins_view_new_fn *view;
    enum ins_format format;
    struct ins_opts_list includes, protos, descriptor_sets, reflects;
    const char *filter;    /* BPF; NULL: none */
    const char *interface; /* NULL: captures */
    uint64_t buffer_size;  /* of the kernel, for interface */
    bool is_following;
    struct ins_select select;
    uint64_t call_messages;
    bool has_call_messages; /* they were asked for */
    bool has_lint, is_strict;
    const char *keylog; /* NULL: none */
    const char *output; /* NULL: stdout */
    /* Of commands that do something else with a capture than show records (cmd/): */
    bool is_command;
    bool is_again;                 /* the same input as before: what is missing of it was told */
    void *task;                    /* for the view; borrowed */
    struct ins_renderer *renderer; /* of the records, in place of a format; taken by the run */
    /* Each packet after it has gone its way, and the numbers of the TCP connections that its segments are of. */
    void (*tap)(void *task, const struct ins_packet *packet, const uint64_t *connections,
                size_t count);
    void (*secrets)(void *task, struct sl_span lines); /* that captures carry */
};

void ins_opts_init(struct ins_opts *opts);

/* For sl_cli_start and sl_cli_parse, with a struct ins_opts. The commands are main's. */
const struct sl_cli *ins_opts_cli(void);

/* What the table cannot check: operands, and options that contradict each other. */
SL_MUST_USE enum sl_status ins_opts_check(const struct ins_opts *opts,
                                          const struct sl_cli_result *result,
                                          struct sl_error *reterr_error);

#endif
