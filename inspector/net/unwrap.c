/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/unwrap.h"

#include "inspector/net/ethernet.h"
#include "inspector/net/gre.h"
#include "inspector/net/ip.h"
#include "inspector/net/link.h"
#include "inspector/net/mpls.h"
#include "inspector/net/ppp.h"
#include "inspector/net/udp.h"
#include "inspector/net/wifi.h"
#include "lib/base/alloc.h"

struct ins_unwrap {
    struct ins_ip *ip;
    ins_unwrap_fn *segment;
    void *owner;
    struct ins_unwrap_totals totals;
};

struct ins_unwrap *ins_unwrap_new(ins_unwrap_fn *segment, void *owner)
{
    struct ins_unwrap *unwrap = sl_alloc(sizeof(*unwrap));
    unwrap->ip = ins_ip_new();
    unwrap->segment = segment;
    unwrap->owner = owner;
    return unwrap;
}

void ins_unwrap_free(struct ins_unwrap *unwrap)
{
    if (unwrap != NULL) {
        ins_ip_free(unwrap->ip);
        sl_free(unwrap);
    }
}

static void count_link(struct ins_unwrap_totals *totals, uint32_t type)
{
    size_t i = 0;
    while (i < totals->unknown_link_count && totals->unknown_links[i].type != type) {
        i++;
    }
    if (i == INS_UNWRAP_LINKS) {
        return;
    }
    if (i == totals->unknown_link_count) {
        totals->unknown_links[totals->unknown_link_count++].type = type;
    }
    totals->unknown_links[i].packets++;
}

static void take_tcp(struct ins_unwrap *unwrap, const struct ins_packet *packet,
                     const struct ins_wrap *wrap, const struct ins_hosts *hosts)
{
    struct ins_segment segment = {0};
    if (!ins_segment_read(wrap->bytes, wrap->wire_len, &segment)) {
        unwrap->totals.ends[INS_WRAP_MALFORMED]++;
        return;
    }
    unwrap->totals.ends[INS_WRAP_TCP]++;
    segment.from.address = hosts->from;
    segment.to.address = hosts->to;
    segment.at = (struct sl_at){
        .time_ns = packet->time_ns, .packet = packet->number, .has_time = packet->has_time};
    unwrap->segment(unwrap->owner, &segment);
}

/* From wrap to its end. */
static void walk(struct ins_unwrap *unwrap, const struct ins_packet *packet, struct ins_wrap wrap)
{
    struct ins_hosts hosts = {0};
    int depth = 0;
    for (;;) {
        if ((wrap.kind == INS_WRAP_IP || wrap.kind == INS_WRAP_ETHERNET) &&
            ++depth > INS_UNWRAP_NESTING) {
            unwrap->totals.too_deep++;
            return;
        }
        switch (wrap.kind) {
        case INS_WRAP_ETHERNET:
            wrap = ins_ethernet_unwrap(&wrap);
            break;
        case INS_WRAP_TYPED:
            wrap = ins_ethertype_unwrap(&wrap);
            break;
        case INS_WRAP_LLC:
            wrap = ins_llc_unwrap(&wrap);
            break;
        case INS_WRAP_PPP:
            wrap = ins_ppp_hdlc_unwrap(&wrap);
            break;
        case INS_WRAP_MPLS:
            wrap = ins_mpls_unwrap(&wrap);
            break;
        case INS_WRAP_WIFI:
            wrap = ins_wifi_unwrap(&wrap);
            break;
        case INS_WRAP_IP:
            wrap = ins_ip_unwrap(unwrap->ip, &wrap, packet->has_time ? packet->time_ns : 0, &hosts);
            break;
        case INS_WRAP_GRE:
            wrap = ins_gre_unwrap(&wrap);
            break;
        case INS_WRAP_UDP:
            wrap = ins_udp_unwrap(&wrap);
            break;
        case INS_WRAP_SUBFRAMES:
            do {
                walk(unwrap, packet, ins_wifi_next(&wrap));
            } while (wrap.bytes.len > 0);
            return;
        case INS_WRAP_TCP:
            take_tcp(unwrap, packet, &wrap, &hosts);
            return;
        case INS_WRAP_PIECE:
        case INS_WRAP_UNKNOWN_LINK:
        case INS_WRAP_NOT_IP:
        case INS_WRAP_OTHER_IP:
        case INS_WRAP_OTHER_UDP:
        case INS_WRAP_QUIC:
        case INS_WRAP_ENCRYPTED:
        case INS_WRAP_MALFORMED:
        case INS_WRAP_KINDS:
        default:
            unwrap->totals.ends[wrap.kind]++;
            return;
        }
    }
}

void ins_unwrap_feed(struct ins_unwrap *unwrap, const struct ins_packet *packet)
{
    const struct ins_wrap frame = {.bytes = packet->bytes, .wire_len = packet->original_len};
    struct ins_wrap inner = ins_link_unwrap(packet->link_type, &frame);
    if (inner.kind == INS_WRAP_UNKNOWN_LINK) {
        count_link(&unwrap->totals, packet->link_type);
    }
    walk(unwrap, packet, inner);
}

const struct ins_unwrap_totals *ins_unwrap_totals(struct ins_unwrap *unwrap)
{
    unwrap->totals.fragments_lost = ins_ip_lost(unwrap->ip);
    unwrap->totals.fragments_conflicting = ins_ip_conflicting(unwrap->ip);
    return &unwrap->totals;
}
