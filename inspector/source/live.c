/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/live.h"

#include <pcap/pcap.h>
#include <stdio.h>

#include "inspector/source/stop.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"

enum {
    /* The kernel hands a block of packets on when it is full, or after so long. */
    BLOCK_TIMEOUT_MS = 100,
    NAMES_MAX = 300, /* of the interfaces that an error text lists */
};

struct live {
    struct ins_intake base;
    const char *name;
    pcap_t *pcap;
    int fd;
    uint32_t link_type;
    bool is_nano;
    uint64_t packets;
    uint64_t stop_ns; /* when the stop was asked for, wall clock; 0: it was not */
    bool is_ended;
};

static void note_stop(struct live *live)
{
    if (live->stop_ns == 0 && ins_stop_is_asked()) {
        live->stop_ns = sl_clock_wall_ns();
    }
}

/* Nothing is there now. True when there may be another packet. */
static bool await_packet(struct live *live)
{
    if (live->stop_ns == 0) {
        ins_intake_idle(&live->base);
        (void)ins_stop_poll(live->fd, -1);
        note_stop(live);
        return true;
    }
    struct pollfd ready = {.fd = live->fd, .events = POLLIN};
    return poll(&ready, 1, 2 * BLOCK_TIMEOUT_MS) > 0;
}

static bool live_next(struct ins_intake *intake, struct ins_packet *ret_packet)
{
    struct live *live = (struct live *)intake;
    struct pcap_pkthdr *header = NULL;
    const u_char *bytes = NULL;
    int result = 0;
    note_stop(live);
    while (!live->is_ended && (result = pcap_next_ex(live->pcap, &header, &bytes)) == 0) {
        live->is_ended = !await_packet(live);
    }
    if (!live->is_ended && result < 0) {
        struct ins_damage damage = {.packet = live->packets + 1, .is_end = true};
        (void)snprintf(damage.text, sizeof(damage.text), "%s", pcap_geterr(live->pcap));
        live->base.handler->damage(live->base.handler->owner, live->name, &damage);
        live->is_ended = true;
    }
    if (live->is_ended) {
        return false;
    }
    uint64_t fraction = (uint64_t)header->ts.tv_usec; /* nanoseconds where they were asked for */
    *ret_packet = (struct ins_packet){
        .bytes = sl_span(bytes, header->caplen),
        .original_len = header->len < header->caplen ? header->caplen : header->len,
        .link_type = live->link_type,
        .number = ++live->packets,
        .time_ns =
            (uint64_t)header->ts.tv_sec * SL_SECOND + (live->is_nano ? fraction : fraction * SL_US),
        .has_time = true,
    };
    live->is_ended = live->stop_ns != 0 && ret_packet->time_ns > live->stop_ns;
    return !live->is_ended;
}

static uint64_t live_dropped(const struct ins_intake *intake)
{
    struct pcap_stat stats = {0};
    return pcap_stats(((const struct live *)intake)->pcap, &stats) == 0 ? stats.ps_drop : 0;
}

static uint64_t live_captures(const struct ins_intake *intake)
{
    (void)intake;
    return 1;
}

static void live_free(struct ins_intake *intake)
{
    struct live *live = (struct live *)intake;
    if (live->pcap != NULL) {
        pcap_close(live->pcap);
    }
    sl_free(live);
}

static const struct ins_intake_ops live_ops = {
    .next = live_next,
    .dropped = live_dropped,
    .captures = live_captures,
    .free = live_free,
};

/* "there are eth0, lo, any" */
static enum sl_status no_such_interface(struct sl_error *reterr_error)
{
    pcap_if_t *all = NULL;
    char reason[PCAP_ERRBUF_SIZE];
    struct sl_buf names;
    sl_buf_init(&names, NAMES_MAX);
    if (pcap_findalldevs(&all, reason) == 0) {
        for (const pcap_if_t *one = all; one != NULL; one = one->next) {
            if ((one->flags & PCAP_IF_UP) != 0) {
                (void)sl_buf_addf(&names, "%s%s", names.len == 0 ? "; there are " : ", ",
                                  one->name);
            }
        }
        pcap_freealldevs(all);
    }
    enum sl_status status =
        sl_error_set(reterr_error, SL_IO, "there is no such interface%s", sl_buf_str(&names));
    sl_buf_release(&names);
    return status;
}

static enum sl_status activate(struct live *live, const struct ins_live_config *config,
                               struct sl_error *reterr_error)
{
    pcap_t *pcap = live->pcap;
    (void)pcap_set_snaplen(pcap, INS_PACKET_MAX);
    (void)pcap_set_promisc(pcap, 1);
    (void)pcap_set_timeout(pcap, BLOCK_TIMEOUT_MS);
    (void)pcap_set_buffer_size(pcap, (int)config->buffer_size);
    (void)pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    int result = pcap_activate(pcap);
    if (result == PCAP_ERROR_PERM_DENIED || result == PCAP_ERROR_PROMISC_PERM_DENIED) {
        return sl_error_set(reterr_error, SL_IO,
                            "may not be captured from: run as root, or once as root: setcap "
                            "cap_net_raw,cap_net_admin+ep $(command -v sluice-inspector)");
    }
    if (result == PCAP_ERROR_NO_SUCH_DEVICE) {
        return no_such_interface(reterr_error);
    }
    if (result < 0) {
        const char *detail = pcap_geterr(pcap);
        return sl_error_set(reterr_error, SL_IO, "cannot be captured from: %s",
                            detail[0] == '\0' ? pcap_statustostr(result) : detail);
    }
    return SL_OK;
}

static enum sl_status set_filter(struct live *live, const char *filter,
                                 struct sl_error *reterr_error)
{
    struct bpf_program program;
    if (filter == NULL) {
        return SL_OK;
    }
    if (pcap_compile(live->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return sl_error_set(reterr_error, SL_USAGE, "--filter '%s': %s", filter,
                            pcap_geterr(live->pcap));
    }
    int result = pcap_setfilter(live->pcap, &program);
    pcap_freecode(&program);
    return result == 0 ? SL_OK
                       : sl_error_set(reterr_error, SL_IO, "cannot set the filter: %s",
                                      pcap_geterr(live->pcap));
}

static enum sl_status start(struct live *live, const struct ins_live_config *config,
                            struct sl_error *reterr_error)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    live->pcap = pcap_create(config->interface, reason);
    if (live->pcap == NULL) {
        return sl_error_set(reterr_error, SL_IO, "%s", reason);
    }
    enum sl_status status = activate(live, config, reterr_error);
    if (status == SL_OK) {
        status = set_filter(live, config->filter, reterr_error);
    }
    if (status != SL_OK) {
        return status;
    }
    live->fd = pcap_get_selectable_fd(live->pcap);
    if (pcap_setnonblock(live->pcap, 1, reason) != 0 || live->fd < 0) {
        return sl_error_set(reterr_error, SL_IO, "cannot be waited for: %s", reason);
    }
    live->link_type = (uint32_t)pcap_datalink(live->pcap);
    live->is_nano = pcap_get_tstamp_precision(live->pcap) == PCAP_TSTAMP_PRECISION_NANO;
    return SL_OK;
}

enum sl_status ins_live_new(const struct ins_intake_handler *handler,
                            const struct ins_live_config *config, struct ins_intake **ret_live,
                            struct sl_error *reterr_error)
{
    struct live *live = sl_alloc(sizeof(*live));
    live->base = (struct ins_intake){.ops = &live_ops, .handler = handler};
    live->name = config->interface;
    enum sl_status status = start(live, config, reterr_error);
    if (status != SL_OK) {
        live_free(&live->base);
        return status;
    }
    *ret_live = &live->base;
    return SL_OK;
}
