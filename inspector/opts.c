/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/opts.h"

#include "inspector/select_parse.h"
#include "inspector/source/live.h"
#include "inspector/source/merge.h"
#include "lib/base/units.h"

static const struct {
    const char *name;
    ins_view_new_fn *create;
} views[] = {
    {"calls", ins_view_calls_new},   {"messages", ins_view_messages_new},
    {"frames", ins_view_frames_new}, {"summary", ins_view_summary_new},
    {"stalls", ins_view_stalls_new},
};

void ins_opts_init(struct ins_opts *opts)
{
    *opts = (struct ins_opts){.view = ins_view_calls_new,
                              .buffer_size = INS_LIVE_BUFFER,
                              .call_messages = INS_OPTS_CALL_MESSAGES};
}

static enum sl_status set_view(void *options, const char *value, struct sl_error *reterr)
{
    struct ins_opts *opts = options;
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        if (strcmp(views[i].name, value) == 0) {
            opts->view = views[i].create;
            return SL_OK;
        }
    }
    return sl_error_set(reterr, SL_USAGE, "there are calls, messages, frames, summary and stalls");
}

static enum sl_status set_format(void *options, const char *value, struct sl_error *reterr)
{
    static const struct {
        const char *name;
        enum ins_format format;
    } formats[] = {{"json", INS_FORMAT_JSON}, {"text", INS_FORMAT_TEXT}, {"html", INS_FORMAT_HTML}};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i].name, value) == 0) {
            ((struct ins_opts *)options)->format = formats[i].format;
            return SL_OK;
        }
    }
    return sl_error_set(reterr, SL_USAGE, "there are json, text and html");
}

static enum sl_status set_interface(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct ins_opts *)options)->interface = value;
    return SL_OK;
}

static enum sl_status set_buffer_size(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t *size = &((struct ins_opts *)options)->buffer_size;
    if (sl_units_size(sl_span_str(value), size) != SL_OK || *size < INS_LIVE_BUFFER_MIN ||
        *size > INS_LIVE_BUFFER_MAX) {
        return sl_error_set(reterr, SL_USAGE, "give a size from 64KiB to 1GiB");
    }
    return SL_OK;
}

static enum sl_status set_follow(void *options, const char *value, struct sl_error *reterr)
{
    (void)value;
    (void)reterr;
    ((struct ins_opts *)options)->is_following = true;
    return SL_OK;
}

static enum sl_status append(struct ins_opts_list *list, const char *value, struct sl_error *reterr)
{
    if (list->count == INS_OPTS_LIST_MAX) {
        return sl_error_set(reterr, SL_LIMIT, "more than %d are given", INS_OPTS_LIST_MAX);
    }
    list->items[list->count++] = value;
    return SL_OK;
}

static enum sl_status set_include(void *options, const char *value, struct sl_error *reterr)
{
    return append(&((struct ins_opts *)options)->includes, value, reterr);
}

static enum sl_status set_proto(void *options, const char *value, struct sl_error *reterr)
{
    return append(&((struct ins_opts *)options)->protos, value, reterr);
}

static enum sl_status set_descriptor_set(void *options, const char *value, struct sl_error *reterr)
{
    return append(&((struct ins_opts *)options)->descriptor_sets, value, reterr);
}

static enum sl_status set_reflect(void *options, const char *value, struct sl_error *reterr)
{
    return append(&((struct ins_opts *)options)->reflects, value, reterr);
}

static enum sl_status set_filter(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct ins_opts *)options)->filter = value;
    return SL_OK;
}

static enum sl_status set_method(void *options, const char *value, struct sl_error *reterr)
{
    return ins_select_add_method(&((struct ins_opts *)options)->select, value, reterr);
}

static enum sl_status set_status(void *options, const char *value, struct sl_error *reterr)
{
    return ins_select_add_status(&((struct ins_opts *)options)->select, value, reterr);
}

static enum sl_status set_peer(void *options, const char *value, struct sl_error *reterr)
{
    return ins_select_add_peer(&((struct ins_opts *)options)->select, value, reterr);
}

static enum sl_status set_metadata(void *options, const char *value, struct sl_error *reterr)
{
    return ins_select_add_metadata(&((struct ins_opts *)options)->select, value, reterr);
}

static enum sl_status set_since(void *options, const char *value, struct sl_error *reterr)
{
    return ins_select_parse_time(value, &((struct ins_opts *)options)->select.since, reterr);
}

static enum sl_status set_until(void *options, const char *value, struct sl_error *reterr)
{
    return ins_select_parse_time(value, &((struct ins_opts *)options)->select.until, reterr);
}

static enum sl_status set_call(void *options, const char *value, struct sl_error *reterr)
{
    return ins_select_parse_call(value, &((struct ins_opts *)options)->select.call, reterr);
}

static enum sl_status set_call_messages(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t *count = &((struct ins_opts *)options)->call_messages;
    ((struct ins_opts *)options)->has_call_messages = true;
    if (sl_units_u64(sl_span_str(value), count) != SL_OK || *count > INS_OPTS_CALL_MESSAGES_MAX) {
        return sl_error_set(reterr, SL_USAGE, "give a number from 0 to %d",
                            INS_OPTS_CALL_MESSAGES_MAX);
    }
    return SL_OK;
}

static enum sl_status set_lint(void *options, const char *value, struct sl_error *reterr)
{
    (void)value;
    (void)reterr;
    ((struct ins_opts *)options)->has_lint = true;
    return SL_OK;
}

static enum sl_status set_strict(void *options, const char *value, struct sl_error *reterr)
{
    (void)value;
    (void)reterr;
    ((struct ins_opts *)options)->is_strict = true;
    return SL_OK;
}

static enum sl_status set_keylog(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct ins_opts *)options)->keylog = value;
    return SL_OK;
}

static enum sl_status set_output(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct ins_opts *)options)->output = value;
    return SL_OK;
}

static const struct sl_cli_option options_table[] = {
    {"view", 0, "NAME", "calls (the default), messages, frames, summary or stalls", set_view},
    {"format", 0, "NAME",
     "json: one object a line; text: for people; html: a page for a browser\n"
     "(text on a terminal, else json)",
     set_format},
    {"output", 'o', "FILE", "write there instead of stdout", set_output},
    {"call-messages", 0, "N",
     "messages of each side that a call shows (100; 3 as text, 10 as html)", set_call_messages},
    {"lint", 0, NULL, "a record for each broken rule of the protocol", set_lint},
    {"strict", 0, NULL, "exit status 1 on loss, and with --lint on a broken MUST", set_strict},
    {"interface", 'i', "NAME", "capture from this network interface, or from 'any' of them",
     set_interface},
    {"buffer-size", 0, "SIZE", "with -i: what the kernel may hold of packets not read yet (8MiB)",
     set_buffer_size},
    {"follow", 0, NULL,
     "captures are still being written: wait for more, go on with the next file\n"
     "of the ring; a capture may be a folder or a quoted glob",
     set_follow},
    {"filter", 0, "BPF", "look only at packets that match, as in tcpdump", set_filter},
    {"keylog", 0, "FILE", "decrypt TLS by this key log (SSLKEYLOGFILE), which may still grow",
     set_keylog},
    {"include", 'I', "DIR", "compile all .proto files under DIR (repeatable)", set_include},
    {"proto", 0, "FILE", "compile this .proto file, looked up under the -I folders (repeatable)",
     set_proto},
    {"descriptor-set", 'd', "FILE", "read types from a FileDescriptorSet (repeatable)",
     set_descriptor_set},
    {"reflect", 0, "HOST:PORT", "ask this server for its types, by reflection (repeatable)",
     set_reflect},
    {"method", 0, "GLOB",
     "only calls whose path matches, as '*/SendMessage' (repeatable: any of them)", set_method},
    {"status", 0, "NAME",
     "only calls that ended so: a name, number or open (repeatable: any of them)", set_status},
    {"peer", 0, "ADDRESS",
     "only calls of this client or server: 10.0.0.1, 10.0.0.0/8, 10.0.0.1:443,\n"
     "[fd00::1]:443, :443 (repeatable: all of them, so both ends)",
     set_peer},
    {"metadata", 0, "NAME[=GLOB]",
     "only calls with this field in the metadata of request or response, or in\n"
     "the trailers (repeatable: all of them)",
     set_metadata},
    {"since", 0, "TIME",
     "only calls under way then or later: 2026-01-02T03:04:05Z, seconds since 1970,\n"
     "or +1.5s from the first packet; messages, frames and stalls of then",
     set_since},
    {"until", 0, "TIME", "only calls under way then or before", set_until},
    {"call", 0, "ID", "only this call; as text with metadata and all of its messages", set_call},
};

static const struct sl_cli_group groups[] = {
    {"view", "What is shown"},
    {"interface", "What is read"},
    {"include", "Types of the messages (else their fields are guessed)"},
    {"method", "Selection"},
    {NULL, NULL},
};

static const struct sl_cli_line exits[] = {
    {"0", "something was read"},
    {"1", "with --strict: packets were lost, or a rule was broken"},
    {"2", "bad usage, or a capture of which nothing can be read"},
    {NULL, NULL},
};
static const struct sl_cli_line examples[] = {
    {"sluice-inspector x.pcap", "what calls there were, how they ended"},
    {"sluice-inspector -I protos --call 7 x.pcap", "all there is of one call"},
    {"sluice-inspector --view summary x.pcap", "counts, latencies, what is missing"},
    {"sluice-inspector --view stalls x.pcap", "who waited for flow control, how long"},
    {"sluice-inspector --keylog keys x.pcap", "TLS, by the secrets of either side"},
    {"sluice-inspector --format html -o x.html x.pcap", "a page for a browser"},
    {"tcpdump -i any -U -w - port 50051 | sluice-inspector -", "live"},
    {"sluice-inspector x.pcap | jq 'select(.status.code != 0)'", "calls that failed"},
    {NULL, NULL},
};

static const struct sl_cli cli = {
    .program = "sluice-inspector",
    .operands = "CAPTURE ... | - | -i INTERFACE | schema | export KIND ... | diff A B",
    .summary =
        "Shows the gRPC calls in captures (pcap, pcapng, also as gz or zst), on any port: a line\n"
        "of JSON each, or text on a terminal. '-' is stdin.",
    .notes = "Every field of the records, and more recipes: docs/INSPECTOR.md",
    .exits = exits,
    .examples = examples,
    .groups = groups,
    .options = options_table,
    .option_count = sizeof(options_table) / sizeof(options_table[0]),
};

const struct sl_cli *ins_opts_cli(void)
{
    return &cli;
}

static enum sl_status check_input(const struct ins_opts *opts, const struct sl_cli_result *result,
                                  struct sl_error *reterr_error)
{
    if (opts->interface != NULL) {
        const char *beside = opts->is_following          ? "--follow"
                             : result->operand_count > 0 ? result->operands[0]
                                                         : NULL;
        return beside == NULL
                   ? SL_OK
                   : sl_error_set(reterr_error, SL_USAGE,
                                  "-i %s reads packets from the network: no place for %s",
                                  opts->interface, beside);
    }
    if (result->operand_count == 0) {
        return sl_error_set(
            reterr_error, SL_USAGE,
            "no capture is given: name a FILE, - for the standard input, or -i INTERFACE");
    }
    if (result->operand_count > INS_MERGE_MAX) {
        return sl_error_set(reterr_error, SL_USAGE, "more than %d captures are given",
                            INS_MERGE_MAX);
    }
    int stdin_count = 0;
    for (int i = 0; i < result->operand_count; i++) {
        stdin_count += strcmp(result->operands[i], "-") == 0 ? 1 : 0;
    }
    if (stdin_count > 0 && opts->is_following) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "--follow is for files; a pipe is always read until it ends");
    }
    if (stdin_count > 1) {
        return sl_error_set(reterr_error, SL_USAGE, "stdin can be read once only");
    }
    return SL_OK;
}

enum sl_status ins_opts_check(const struct ins_opts *opts, const struct sl_cli_result *result,
                              struct sl_error *reterr_error)
{
    enum sl_status status = check_input(opts, result, reterr_error);
    if (status != SL_OK) {
        return status;
    }
    if (opts->format == INS_FORMAT_HTML && opts->view != ins_view_calls_new) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "--format html shows calls, stalls, findings and the summary together: "
                            "it goes without --view");
    }
    const struct ins_select_time *since = &opts->select.since, *until = &opts->select.until;
    if (since->is_given && until->is_given && since->is_offset == until->is_offset &&
        since->ns > until->ns) {
        return sl_error_set(reterr_error, SL_USAGE, "--since is later than --until");
    }
    return SL_OK;
}
