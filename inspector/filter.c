/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/filter.h"

#include <pcap/pcap.h>
#include <stdio.h>

#include "lib/base/alloc.h"

enum {
    PROGRAMS_MAX = 16, /* link types; packets of further ones match nothing */
    REASON_MAX = 256,
};

struct program {
    uint32_t link_type;
    bool is_compiled;
    struct bpf_program code;
};

struct ins_filter {
    char *expression;
    struct program programs[PROGRAMS_MAX];
    size_t program_count;
    char reason[REASON_MAX];
};

/* libpcap's number for a link type of a file. */
static int dlt_of(uint32_t link_type)
{
    switch (link_type) {
    case INS_LINK_RAW:
    case INS_LINK_RAW_OPENBSD:
        return DLT_RAW;
    default:
        return (int)link_type;
    }
}

static bool compile(struct ins_filter *filter, struct program *program)
{
    pcap_t *pcap = pcap_open_dead(dlt_of(program->link_type), INS_PACKET_MAX);
    if (pcap == NULL) {
        (void)snprintf(filter->reason, sizeof(filter->reason), "libpcap has no memory");
        return false;
    }
    int result = pcap_compile(pcap, &program->code, filter->expression, 1, PCAP_NETMASK_UNKNOWN);
    if (result != 0) {
        (void)snprintf(filter->reason, sizeof(filter->reason), "%s", pcap_geterr(pcap));
    }
    pcap_close(pcap);
    return result == 0;
}

static struct program *program_for(struct ins_filter *filter, uint32_t link_type)
{
    for (size_t i = 0; i < filter->program_count; i++) {
        if (filter->programs[i].link_type == link_type) {
            return &filter->programs[i];
        }
    }
    if (filter->program_count == PROGRAMS_MAX) {
        return NULL;
    }
    struct program *program = &filter->programs[filter->program_count++];
    program->link_type = link_type;
    program->is_compiled = compile(filter, program);
    return program;
}

enum sl_status ins_filter_new(const char *expression, struct ins_filter **ret_filter,
                              struct sl_error *reterr_error)
{
    struct ins_filter *filter = sl_alloc(sizeof(*filter));
    filter->expression = sl_strdup(expression);
    const struct program *first = program_for(filter, INS_LINK_ETHERNET);
    if (first == NULL || !first->is_compiled) {
        enum sl_status status =
            sl_error_set(reterr_error, SL_USAGE, "--filter '%s': %s", expression, filter->reason);
        ins_filter_free(filter);
        return status;
    }
    *ret_filter = filter;
    return SL_OK;
}

void ins_filter_free(struct ins_filter *filter)
{
    for (size_t i = 0; filter != NULL && i < filter->program_count; i++) {
        if (filter->programs[i].is_compiled) {
            pcap_freecode(&filter->programs[i].code);
        }
    }
    if (filter != NULL) {
        sl_free(filter->expression);
        sl_free(filter);
    }
}

bool ins_filter_matches(struct ins_filter *filter, const struct ins_packet *packet)
{
    const struct program *program = program_for(filter, packet->link_type);
    if (program == NULL || !program->is_compiled) {
        return false;
    }
    struct pcap_pkthdr header = {.caplen = (bpf_u_int32)packet->bytes.len,
                                 .len = packet->original_len};
    return pcap_offline_filter(&program->code, &header, packet->bytes.data) != 0;
}

const char *ins_filter_failure(const struct ins_filter *filter)
{
    return filter->reason[0] == '\0' ? NULL : filter->reason;
}
