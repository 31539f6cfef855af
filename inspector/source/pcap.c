/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/pcap.h"

#include <stdio.h>

#include "lib/base/alloc.h"

enum {
    FILE_HEADER_SIZE = 24,
    RECORD_HEADER_SIZE = 16,
    LONG_RECORD_HEADER_SIZE =
        24,                    /* of MAGIC_MODIFIED: interface, protocol and packet type follow */
    SEARCH_STEP = 1024 * 1024, /* looked through at a time for the next record */
    SHORTEST_FRAME = 14,       /* a record found by search holds a frame at least this long */
    ORIGINAL_LIKELY = 1024 * 1024,
    CHAIN = 4, /* records that must follow each other from there, if there are so many */
};

#define MAGIC_MICRO    0xa1b2c3d4U
#define MAGIC_NANO     0xa1b23c4dU
#define MAGIC_MODIFIED 0xa1b2cd34U

/* The upper bits of the link type field tell the length of a frame check sequence, in 16 bits each
 * (draft-ietf-opsawg-pcap 4). */
#define LINK_TYPE_MASK 0x03ffffffU
#define FCS_IS_KNOWN   0x04000000U
#define FCS_SHIFT      28

struct pcap {
    struct ins_source base;
    bool is_big_endian;
    bool is_nano;
    uint32_t link_type;
    uint32_t fcs_size;  /* at the end of each frame */
    size_t header_size; /* of a record */
    uint64_t packets;
    size_t to_skip; /* the packet that was handed out last */
    bool is_lost;   /* what follows to_skip is no record: search */
    bool is_ended;
};

struct record {
    uint32_t seconds;
    uint32_t fraction;
    uint32_t captured;
    uint32_t original;
};

static uint32_t u32(bool is_big_endian, const uint8_t *at)
{
    if (is_big_endian) {
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static bool is_magic(uint32_t magic)
{
    return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool ins_pcap_is(struct sl_span start)
{
    return start.len >= 4 && (is_magic(u32(true, start.data)) || is_magic(u32(false, start.data)));
}

static struct record read_record(const struct pcap *pcap, const uint8_t *at)
{
    return (struct record){
        .seconds = u32(pcap->is_big_endian, at),
        .fraction = u32(pcap->is_big_endian, at + 4),
        .captured = u32(pcap->is_big_endian, at + 8),
        .original = u32(pcap->is_big_endian, at + 12),
    };
}

static bool is_possible(const struct pcap *pcap, const struct record *record)
{
    return record->captured <= INS_PACKET_MAX &&
           record->fraction < (pcap->is_nano ? 1000000000U : 1000000U);
}

/* A stricter look, for a record that is guessed at: others must follow it, as many as there are up to
 * CHAIN. is_all: the file ends where bytes do. */
static bool is_likely(const struct pcap *pcap, struct sl_span bytes, bool is_all)
{
    for (int i = 0; i < CHAIN; i++) {
        if (bytes.len < pcap->header_size) {
            return i > 1 || (i == 1 && is_all && bytes.len == 0);
        }
        struct record record = read_record(pcap, bytes.data);
        if (!is_possible(pcap, &record) || record.original < record.captured ||
            (i == 0 && (record.captured < SHORTEST_FRAME || record.original > ORIGINAL_LIKELY))) {
            return false;
        }
        size_t size = pcap->header_size + record.captured;
        if (bytes.len < size) {
            return i > 0;
        }
        bytes = sl_span_from(bytes, size);
    }
    return true;
}

/* Moves to the next likely record. False when there is none. */
static bool search(struct pcap *pcap, uint64_t *ret_skipped)
{
    struct ins_input *input = pcap->base.input;
    *ret_skipped = 0;
    for (;;) {
        struct sl_span here = ins_input_view(input, SEARCH_STEP);
        bool is_all = here.len < SEARCH_STEP;
        /* The second half of a step is looked at again in the next, with what follows it. */
        size_t end = is_all ? here.len : here.len / 2;
        for (size_t i = 0; i < end; i++) {
            if (is_likely(pcap, sl_span_from(here, i), is_all)) {
                *ret_skipped += i;
                return ins_input_skip(input, i);
            }
        }
        *ret_skipped += end;
        (void)ins_input_skip(input, end);
        if (is_all) {
            return false;
        }
    }
}

static enum sl_status damage(struct pcap *pcap, struct ins_damage *ret_damage, const char *text)
{
    *ret_damage = (struct ins_damage){.packet = pcap->packets + 1,
                                      .offset = ins_input_offset(pcap->base.input),
                                      .is_end = pcap->is_ended};
    (void)snprintf(ret_damage->text, sizeof(ret_damage->text), "%s", text);
    return SL_MALFORMED;
}

/* What lies here is no record: looks for the next one, if need be behind what the input cannot read. text
 * says what is wrong if there is one, end_text if the capture has none. */
static enum sl_status recover(struct pcap *pcap, struct ins_damage *ret_damage, const char *text,
                              const char *end_text)
{
    struct ins_input *input = pcap->base.input;
    (void)damage(pcap, ret_damage, text);
    pcap->is_lost = false;
    bool is_found = search(pcap, &ret_damage->skipped_bytes);
    bool is_readable = true;
    while (!is_found && ins_source_resume(input, ret_damage, &is_readable)) {
        uint64_t skipped = 0;
        is_found = search(pcap, &skipped);
        ret_damage->skipped_bytes += skipped;
    }
    if (!is_found && is_readable) {
        (void)snprintf(ret_damage->text, sizeof(ret_damage->text), "%s", end_text);
    }
    pcap->is_ended = !is_found;
    ret_damage->is_end = pcap->is_ended;
    return SL_MALFORMED;
}

/* The record goes on past the end. When others follow in what there is, its length was wrong. */
static enum sl_status cut(struct pcap *pcap, struct ins_damage *ret_damage)
{
    return recover(pcap, ret_damage, "the length of the packet is damaged",
                   "the capture is cut inside the packet");
}

static const char bad_header[] = "the packet's record header is damaged";

static enum sl_status pcap_next(struct ins_source *source, struct ins_packet *ret_packet,
                                struct ins_damage *ret_damage)
{
    struct pcap *pcap = (struct pcap *)source;
    if (pcap->to_skip > 0) {
        (void)ins_input_skip(source->input, pcap->to_skip);
        pcap->to_skip = 0;
    }
    if (pcap->is_ended) {
        return SL_CLOSED;
    }
    if (pcap->is_lost) {
        return recover(pcap, ret_damage, bad_header, bad_header);
    }
    size_t header_size = pcap->header_size;
    struct sl_span here = ins_input_view(source->input, header_size);
    if (here.len == 0 && ins_input_failure(source->input) == NULL) {
        pcap->is_ended = true;
        return SL_CLOSED;
    }
    if (here.len < header_size) {
        return cut(pcap, ret_damage);
    }
    struct record record = read_record(pcap, here.data);
    if (!is_possible(pcap, &record)) {
        return recover(pcap, ret_damage, bad_header, bad_header);
    }
    size_t size = header_size + record.captured;
    here = ins_input_view(source->input, size);
    if (here.len < size) {
        return cut(pcap, ret_damage);
    }
    pcap->packets++;
    pcap->to_skip = size;
    if (here.len >= size + header_size) {
        /* When no record can follow, this one's length may be the damage: look inside it too. Only
         * where the next header is there already: a pipe is not waited for. */
        struct record next = read_record(pcap, here.data + size);
        pcap->is_lost = !is_possible(pcap, &next);
        pcap->to_skip = pcap->is_lost ? header_size : size;
    }
    *ret_packet = (struct ins_packet){
        .bytes = sl_span(here.data + header_size, record.captured),
        .original_len = record.original < record.captured ? record.captured : record.original,
        .link_type = pcap->link_type,
        .number = pcap->packets,
        .time_ns = (uint64_t)record.seconds * 1000000000U +
                   (uint64_t)record.fraction * (pcap->is_nano ? 1U : 1000U),
        .has_time = true,
    };
    ins_packet_cut_fcs(ret_packet, pcap->fcs_size);
    return SL_OK;
}

static void pcap_free(struct ins_source *source)
{
    sl_free(source);
}

static const struct ins_source_ops pcap_ops = {
    .format = "pcap",
    .next = pcap_next,
    .free = pcap_free,
};

enum sl_status ins_pcap_new(struct ins_input *input, struct ins_source **ret_source,
                            struct sl_error *reterr_error)
{
    struct sl_span header = ins_input_view(input, FILE_HEADER_SIZE);
    if (header.len < FILE_HEADER_SIZE) {
        return sl_error_set(reterr_error, SL_MALFORMED, "the file header of the pcap is cut");
    }
    struct pcap *pcap = sl_alloc(sizeof(*pcap));
    pcap->base = (struct ins_source){.ops = &pcap_ops, .input = input};
    pcap->is_big_endian = is_magic(u32(true, header.data));
    uint32_t magic = u32(pcap->is_big_endian, header.data);
    pcap->is_nano = magic == MAGIC_NANO;
    pcap->header_size = magic == MAGIC_MODIFIED ? LONG_RECORD_HEADER_SIZE : RECORD_HEADER_SIZE;
    uint32_t link_type = u32(pcap->is_big_endian, header.data + 20);
    pcap->link_type = link_type & LINK_TYPE_MASK;
    pcap->fcs_size = (link_type & FCS_IS_KNOWN) != 0 ? (link_type >> FCS_SHIFT) * 2 : 0;
    (void)ins_input_skip(input, FILE_HEADER_SIZE);
    *ret_source = &pcap->base;
    return SL_OK;
}
