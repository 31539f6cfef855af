/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "inspector/filter.h"
#include "inspector/pipeline.h"
#include "inspector/render/html.h"
#include "inspector/render/terminal.h"
#include "inspector/render/text.h"
#include "inspector/schema.h"
#include "inspector/source/follow.h"
#include "inspector/source/live.h"
#include "inspector/source/merge.h"
#include "inspector/source/stop.h"
#include "inspector/tls/keyfile.h"

enum {
    PROGRESS_MAX = 256,
};

/* Everything of one run; zeroed, then filled from the front. */
struct run {
    const struct ins_opts *opts;
    struct ins_select select; /* of opts, with times in place of offsets once has_begun */
    bool has_begun;           /* a packet with a time was read */
    struct sl_pool *pool;
    struct ins_filter *filter;
    struct ins_intake *intake;
    struct ins_intake_handler handler; /* of intake */
    struct ins_lines lines;
    struct ins_stats stats;
    struct ins_view *view;
    struct ins_pipeline *pipeline;
    struct ins_keys *keys; /* of TLS */
    struct ins_keyfile *keyfile;
    struct ins_keylog carried; /* secrets that captures carry */
    int output_fd;             /* -1: stdout */
    struct sl_progress progress;
};

static void add_bytes(struct sl_buf *out, uint64_t bytes)
{
    bool is_large = bytes >= UINT64_C(10) << 30;
    (void)sl_buf_addf(out, "%.*f %s", is_large ? 1 : 0,
                      (double)bytes / (is_large ? 1 << 30 : 1 << 20), is_large ? "GiB" : "MiB");
}

/* How far it is, for who waits at a terminal. */
static void on_read(void *owner, uint64_t done, uint64_t all)
{
    struct run *run = owner;
    if (!sl_progress_is_due(&run->progress)) {
        return;
    }
    struct sl_buf line;
    sl_buf_init(&line, PROGRESS_MAX);
    (void)sl_buf_add_str(&line, run->opts->is_again ? "read again: " : "read ");
    add_bytes(&line, done);
    if (all > 0) {
        (void)sl_buf_add_str(&line, " of ");
        add_bytes(&line, all);
        (void)sl_buf_addf(&line, ", %.0f %%",
                          (double)(done < all ? done : all) * 100 / (double)all);
    }
    (void)sl_buf_addf(&line, ", %" PRIu64 " calls", run->stats.calls);
    sl_progress_draw(&run->progress, sl_buf_span(&line));
    sl_buf_release(&line);
}

static void complain(const char *about, const char *text)
{
    (void)fprintf(stderr, "sluice-inspector: %s%s%s\n", about, about[0] == '\0' ? "" : ": ", text);
}

/* Told as it is met, as far as the summary lists it too. */
static void on_damage(void *owner, const char *name, const struct ins_damage *damage)
{
    struct run *run = owner;
    if (damage->is_end && ins_stop_is_asked()) {
        return; /* a packet that was still being written */
    }
    sl_progress_erase(&run->progress);
    ins_stats_damage(&run->stats, name, damage->packet, damage->text);
    if (run->stats.damage_count <= INS_STATS_DAMAGE && !run->opts->is_again) {
        (void)fprintf(stderr,
                      "sluice-inspector: %s: damaged at packet %" PRIu64 " (byte %" PRIu64
                      "): %s; %s\n",
                      name, damage->packet, damage->offset, damage->text,
                      damage->is_end ? "nothing can be read after it" : "reading goes on after it");
    }
}

static void on_note(void *owner, const char *name, const char *text)
{
    struct run *run = owner;
    if (!run->opts->is_again) {
        sl_progress_erase(&run->progress);
        complain(name, text);
    }
}

/* The input makes us wait: whoever reads our output should not. */
static void on_idle(void *owner)
{
    struct run *run = owner;
    if (run->keyfile != NULL && run->pipeline != NULL) {
        ins_keyfile_read(run->keyfile);
        ins_pipeline_decrypt(run->pipeline, run->keys);
    }
    (void)!ins_lines_flush(&run->lines);
}

static void on_secrets(void *owner, struct sl_span lines)
{
    struct run *run = owner;
    if (run->opts->secrets != NULL) {
        run->opts->secrets(run->opts->task, lines);
    }
    ins_keylog_feed(&run->carried, lines);
    ins_keylog_end(&run->carried); /* a block holds whole lines */
    if (run->pipeline != NULL) {
        ins_pipeline_decrypt(run->pipeline, run->keys);
    }
}

static enum sl_status open_captures(struct run *run, char *const *captures, int count,
                                    struct sl_error *reterr_error)
{
    run->intake = ins_merge_new(&run->handler);
    for (int i = 0; i < count; i++) {
        enum sl_status status = ins_merge_add_path(run->intake, captures[i], reterr_error);
        if (status != SL_OK) {
            sl_error_at(reterr_error, captures[i], 0);
            return status;
        }
    }
    return SL_OK;
}

static enum sl_status open_intake(struct run *run, char *const *captures, int count)
{
    const struct ins_opts *opts = run->opts;
    struct sl_error error = {0};
    enum sl_status status = SL_OK;
    run->handler = (struct ins_intake_handler){.damage = on_damage,
                                               .note = on_note,
                                               .secrets = on_secrets,
                                               .idle = on_idle,
                                               .read = on_read,
                                               .owner = run};
    if (opts->interface != NULL) {
        struct ins_live_config config = {
            .interface = opts->interface, .filter = opts->filter, .buffer_size = opts->buffer_size};
        status = ins_live_new(&run->handler, &config, &run->intake, &error);
        if (status == SL_OK) {
            complain("listening on", opts->interface);
        }
        sl_error_at(&error, status == SL_USAGE ? "" : opts->interface, 0);
    } else if (opts->is_following) {
        status = ins_follow_new(&run->handler, captures, count, &run->intake, &error);
    } else {
        status = open_captures(run, captures, count, &error);
    }
    if (status != SL_OK) {
        sl_progress_erase(&run->progress);
        complain(error.source, error.text);
    }
    return status;
}

static enum sl_status open_output(struct run *run)
{
    if (run->opts->output == NULL) {
        ins_lines_init(&run->lines, STDOUT_FILENO);
        return SL_OK;
    }
    run->output_fd = open(run->opts->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (run->output_fd < 0) {
        complain(run->opts->output, strerror(errno));
        return SL_IO;
    }
    ins_lines_init(&run->lines, run->output_fd);
    return SL_OK;
}

/* What the records become. */
static void set_format(struct run *run, struct ins_view_config *config)
{
    const struct ins_opts *opts = run->opts;
    struct ins_terminal terminal = ins_terminal_look(run->lines.fd);
    if (opts->is_command) {
        if (opts->renderer != NULL) {
            ins_lines_render(&run->lines, opts->renderer);
        }
        return;
    }
    if (opts->format == INS_FORMAT_HTML) {
        config->call_messages =
            opts->has_call_messages ? opts->call_messages : INS_HTML_CALL_MESSAGES;
        ins_lines_render(&run->lines, ins_html_renderer());
        return;
    }
    if (opts->format == INS_FORMAT_JSON ||
        (opts->format == INS_FORMAT_AUTO && !terminal.is_there)) {
        return;
    }
    struct ins_text_config text = {
        .width = terminal.width,
        .has_colour = terminal.has_colour,
        .is_detailed = opts->select.call != 0,
        .has_lint = opts->has_lint,
        .has_stalls = opts->view == ins_view_stalls_new,
        .has_summary = opts->view == ins_view_summary_new,
    };
    if (!opts->has_call_messages && !text.is_detailed) {
        config->call_messages = INS_TEXT_CALL_MESSAGES;
    }
    ins_lines_render(&run->lines, ins_text_renderer(&text));
}

/* Whatever can be found wrong before the first packet. */
static enum sl_status set_up(struct run *run, char *const *captures, int count)
{
    const struct ins_opts *opts = run->opts;
    struct sl_error error = {0};
    enum sl_status status = SL_OK;
    if (opts->filter != NULL && opts->interface == NULL) {
        status = ins_filter_new(opts->filter, &run->filter, &error);
    }
    if (status == SL_OK) {
        status = ins_schema_load(opts, &run->pool, &error);
    }
    run->keys = ins_keys_new();
    ins_keylog_init(&run->carried, run->keys);
    if (status == SL_OK && opts->keylog != NULL) {
        status = ins_keyfile_open(opts->keylog, run->keys, &run->keyfile, &error);
        sl_error_at(&error, opts->keylog, 0);
    }
    if (status != SL_OK) {
        complain(error.source, error.text);
        return status;
    }
    status = open_intake(run, captures, count);
    if (status == SL_OK) {
        status = open_output(run);
    }
    if (status != SL_OK) {
        return status;
    }
    run->lines.progress = &run->progress;
    struct ins_view_config config = {.pool = run->pool,
                                     .lines = &run->lines,
                                     .stats = &run->stats,
                                     .call_messages = opts->call_messages,
                                     .has_lint = opts->has_lint,
                                     .is_selective = ins_select_is_selective(&run->select),
                                     .task = opts->task};
    set_format(run, &config);
    run->view =
        opts->format == INS_FORMAT_HTML ? ins_view_report_new(&config) : opts->view(&config);
    run->pipeline = ins_pipeline_new(run->pool, &run->select, &run->stats, run->view);
    ins_pipeline_decrypt(run->pipeline, run->keys);
    return SL_OK;
}

static void tear_down(struct run *run)
{
    ins_pipeline_free(run->pipeline);
    ins_keyfile_free(run->keyfile);
    ins_keylog_release(&run->carried);
    ins_keys_free(run->keys);
    ins_view_free(run->view);
    ins_stats_release(&run->stats);
    ins_lines_release(&run->lines);
    ins_intake_free(run->intake);
    ins_filter_free(run->filter);
    sl_pool_free(run->pool);
    if (run->output_fd >= 0) {
        (void)close(run->output_fd);
    }
}

/* Packets that may hold calls which nothing here can read. */
static void tell_undecoded(const struct ins_unwrap_totals *totals)
{
    static const struct {
        enum ins_wrap_kind kind;
        const char *text;
    } kinds[] = {
        {INS_WRAP_QUIC, "packets are QUIC (HTTP/3), which is not decoded"},
        {INS_WRAP_ENCRYPTED, "packets are encrypted below TCP (Wi-Fi, MACsec, IPsec, PPP)"},
        {INS_WRAP_MALFORMED, "packets are malformed, or cut inside a header"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (totals->ends[kinds[i].kind] > 0) {
            (void)fprintf(stderr, "sluice-inspector: %" PRIu64 " %s\n", totals->ends[kinds[i].kind],
                          kinds[i].text);
        }
    }
    for (size_t i = 0; i < totals->unknown_link_count; i++) {
        (void)fprintf(stderr,
                      "sluice-inspector: %" PRIu64
                      " packets are of link type %u, which is not decoded\n",
                      totals->unknown_links[i].packets, (unsigned)totals->unknown_links[i].type);
    }
    if (totals->too_deep > 0) {
        (void)fprintf(stderr, "sluice-inspector: %" PRIu64 " packets are nested deeper than %d\n",
                      totals->too_deep, INS_UNWRAP_NESTING);
    }
}

/* What of the bytes of connections is missing, in one line. */
static void tell_holes(const struct ins_stats *stats)
{
    const struct {
        uint64_t count;
        const char *text;
    } holes[] = {
        {stats->gaps, "gaps in connections"},
        {stats->bytes_missing, "bytes missing"},
        {stats->frames_skipped, "frames skipped"},
        {stats->messages_partial, "messages partial"},
        {stats->tcp.cut_segments, "segments cut (by tcpdump -s, or a snaplen)"},
    };
    const char *separator = "sluice-inspector: loss: ";
    if (stats->gaps == 0 && stats->frames_skipped == 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
        if (holes[i].count > 0) {
            (void)fprintf(stderr, "%s%" PRIu64 " %s", separator, holes[i].count, holes[i].text);
            separator = ", ";
        }
    }
    (void)fputc('\n', stderr);
}

/* What is missing, a line for each kind. */
static void tell_loss(const struct ins_stats *stats)
{
    tell_holes(stats);
    if (stats->unwrapped.fragments_lost > 0 || stats->tcp.evicted > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: loss: %" PRIu64
                      " fragmented IP packets incomplete, %" PRIu64 " connections given up\n",
                      stats->unwrapped.fragments_lost, stats->tcp.evicted);
    }
    if (stats->tcp.dropped > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: loss: %" PRIu64
                      " TCP segments lie far from the rest of their connection\n",
                      stats->tcp.dropped);
    }
    if (stats->packets_dropped > 0) {
        (void)fprintf(
            stderr,
            "sluice-inspector: loss: %" PRIu64
            " packets dropped by the kernel; a larger --buffer-size or a --filter helps\n",
            stats->packets_dropped);
    }
    if (stats->damage_count > INS_STATS_DAMAGE) {
        (void)fprintf(stderr,
                      "sluice-inspector: %" PRIu64 " places of damage, of which %d are told\n",
                      stats->damage_count, INS_STATS_DAMAGE);
    }
    if (stats->tcp.conflicting > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: %" PRIu64
                      " segments were sent again with other bytes; the "
                      "first were taken\n",
                      stats->tcp.conflicting);
    }
    if (stats->calls_given_up > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: loss: %" PRIu64
                      " calls given up, as more than %d were open at once or memory was short\n",
                      stats->calls_given_up, INS_SESSION_OPEN);
    }
    if (stats->connections_too_deep > 0) {
        (void)fprintf(
            stderr, "sluice-inspector: %" PRIu64 " connections are nested deeper than %d layers\n",
            stats->connections_too_deep, INS_STREAM_NESTING);
    }
    tell_undecoded(&stats->unwrapped);
}

/* What of TLS could not be read, in one line. */
static void tell_tls(const struct run *run)
{
    const struct ins_tls_totals *tls = &run->stats.tls;
    const char *separator = "";
    if (tls->connections > tls->outcomes[INS_TLS_DECRYPTED]) {
        (void)fprintf(
            stderr, "sluice-inspector: %" PRIu64 " of %" PRIu64 " TLS connections not decrypted: ",
            tls->connections - tls->outcomes[INS_TLS_DECRYPTED], tls->connections);
        for (int i = INS_TLS_DECRYPTED + 1; i < INS_TLS_OUTCOME_COUNT; i++) {
            if (tls->outcomes[i] > 0) {
                (void)fprintf(stderr, "%s%" PRIu64 " %s", separator, tls->outcomes[i],
                              ins_tls_outcome_text((enum ins_tls_outcome)i));
                separator = ", ";
            }
        }
        bool is_help_due = tls->outcomes[INS_TLS_NO_KEYS] > 0 && run->opts->keylog == NULL;
        (void)fprintf(stderr, "%s\n", is_help_due ? "; --keylog FILE gives keys" : "");
    }
    if (tls->bytes_skipped > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: loss: %" PRIu64 " bytes in decrypted TLS connections did "
                      "not open\n",
                      tls->bytes_skipped);
    }
    if (ins_keys_dropped(run->keys) > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: more than %d TLS secrets: the oldest %" PRIu64
                      " were dropped\n",
                      INS_KEYS_MAX, ins_keys_dropped(run->keys));
    }
    if (run->keyfile != NULL && ins_keyfile_bad(run->keyfile) > 0) {
        (void)fprintf(stderr, "sluice-inspector: %s: %" PRIu64 " lines are none of a key log\n",
                      run->opts->keylog, ins_keyfile_bad(run->keyfile));
    }
}

/* Why there is no record: else an empty output looks like a fault of the program. Text, page and summary
 * have it in their totals. */
static void tell_nothing(const struct run *run)
{
    const struct ins_stats *stats = &run->stats;
    if (stats->calls > 0 || run->lines.renderer != NULL ||
        run->opts->view == ins_view_summary_new || ins_intake_unread(run->intake) != NULL) {
        return;
    }
    if (stats->packets == 0) {
        complain("", "there is no packet in the capture");
    } else if (ins_select_is_selective(&run->select)) {
        complain("", "no call matches what was asked for (--method, --status ...)");
    } else {
        (void)fprintf(stderr,
                      "sluice-inspector: no gRPC call: %" PRIu64 " packets, %" PRIu64
                      " HTTP/2 connections, %" PRIu64
                      " TCP connections with something else; --view summary tells more\n",
                      stats->packets, stats->connections, stats->connections_ignored);
    }
}

/* A renderer's last words. */
static void write_end(struct run *run)
{
    struct sl_buf summary;
    struct sl_json_out out;
    sl_buf_init(&summary, INS_LINES_RECORD_MAX);
    sl_json_out_init(&out, &summary);
    if (run->lines.renderer != NULL) {
        ins_stats_write(&run->stats, &out);
    }
    ins_lines_finish(&run->lines, sl_buf_span(&summary));
    sl_buf_release(&summary);
}

static enum ins_exit conclude(struct run *run)
{
    if (!run->opts->is_again) {
        tell_loss(&run->stats);
        tell_tls(run);
        tell_nothing(run);
    }
    enum ins_exit exit_status = INS_EXIT_OK;
    bool has_broken_must = run->opts->has_lint && run->stats.must_findings > 0;
    if (run->opts->is_strict && (ins_stats_has_loss(&run->stats) || has_broken_must)) {
        exit_status = INS_EXIT_STRICT;
    }
    if (run->filter != NULL && ins_filter_failure(run->filter) != NULL) {
        complain("--filter does not fit a link type of the capture",
                 ins_filter_failure(run->filter));
        exit_status = INS_EXIT_USAGE;
    }
    const char *unread = ins_intake_unread(run->intake);
    if (unread != NULL) {
        complain(unread, "no packet of it can be read");
        exit_status = INS_EXIT_USAGE;
    }
    if (run->lines.oversized > 0) {
        complain("", "a record larger than 16 MiB was left out");
    }
    if (run->lines.unheld > 0) {
        complain("", "records that waited for the end of their calls, to know whether they are "
                     "selected, were too many: some were left out");
    }
    write_end(run);
    if (ins_lines_flush(&run->lines) != SL_OK) {
        complain("cannot write", strerror(run->lines.error));
        exit_status = INS_EXIT_USAGE;
    }
    return exit_status;
}

/* Who wants to see packets sees this one. */
static void tap(struct run *run, const struct ins_packet *packet)
{
    if (run->opts->tap != NULL) {
        size_t count = 0;
        const uint64_t *connections = ins_pipeline_touched(run->pipeline, &count);
        run->opts->tap(run->opts->task, packet, connections, count);
    }
}

enum ins_exit ins_run(const struct ins_opts *opts, char *const *captures, int capture_count)
{
    struct run run = {.opts = opts, .select = opts->select, .output_fd = -1};
    enum ins_exit exit_status = INS_EXIT_USAGE;
    ins_stop_install();
    sl_progress_init(&run.progress, stderr);
    /* What a command writes itself, when it has a terminal, is not ours to make way for. */
    run.progress.is_on &= !opts->is_command || isatty(STDOUT_FILENO) != 1;
    if (set_up(&run, captures, capture_count) == SL_OK) {
        struct ins_packet packet;
        while (run.lines.error == 0 && ins_intake_next(run.intake, &packet)) {
            if (!run.has_begun && packet.has_time) {
                run.has_begun = true;
                ins_select_begin(&run.select, packet.time_ns);
            }
            if (run.filter == NULL || ins_filter_matches(run.filter, &packet)) {
                ins_pipeline_feed(run.pipeline, &packet);
                tap(&run, &packet);
            } else {
                run.stats.packets++;
            }
        }
        sl_progress_end(&run.progress);
        run.stats.captures = ins_intake_captures(run.intake);
        run.stats.packets_dropped = ins_intake_dropped(run.intake);
        ins_pipeline_finish(run.pipeline);
        exit_status = conclude(&run);
    }
    sl_progress_end(&run.progress);
    tear_down(&run);
    return exit_status;
}
