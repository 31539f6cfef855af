/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/pcapng.h"

#include <stdio.h>

#include "inspector/source/pcapng_secrets.h"
#include "inspector/source/pcapng_time.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    BLOCK_SECTION_SIZE = 28,                /* the least a Section Header Block has */
    BLOCK_HEAD_SIZE = 8,                    /* type and length */
    BLOCK_FRAME_SIZE = 12,                  /* and the length again at the end */
    BLOCK_MAX = INS_PACKET_MAX + 64 * 1024, /* of the types that are read, but for secrets */
    PASSED_MAX = 16 * 1024 * 1024,          /* of the others */
    INTERFACES_MAX = 4096,
    NAME_SIZE = 64,            /* longer names of interfaces are cut */
    SEARCH_STEP = 1024 * 1024, /* looked through at a time for the next block */
    OPTION_END = 0,
    OPTION_NAME = 2,
    OPTION_TIME_RESOLUTION = 9,
    OPTION_FCS_SIZE = 13,
    OPTION_TIME_OFFSET = 14,
};

#define BLOCK_INTERFACE  0x00000001U
#define BLOCK_PACKET     0x00000002U /* obsolete */
#define BLOCK_SIMPLE     0x00000003U
#define BLOCK_NAMES      0x00000004U
#define BLOCK_STATISTICS 0x00000005U
#define BLOCK_ENHANCED   0x00000006U

struct interface {
    uint32_t link_type;
    uint32_t snaplen;  /* 0: none */
    uint32_t fcs_size; /* at the end of each frame */
    struct ins_pcapng_clock clock;
    char name[NAME_SIZE]; /* "" when it has none */
};

struct pcapng {
    struct ins_source base;
    bool is_big_endian;
    struct interface *interfaces;
    size_t interface_count, interface_capacity;
    struct sl_buf secrets;
    uint64_t ahead; /* those before this place are in secrets */
    uint64_t packets;
    size_t to_skip; /* the block that was handed out last */
    bool is_ended;
};

bool ins_pcapng_is(struct sl_span start)
{
    static const uint8_t magic[] = {0x0a, 0x0d, 0x0d, 0x0a};
    return start.len >= sizeof(magic) && memcmp(start.data, magic, sizeof(magic)) == 0;
}

static uint16_t u16(bool is_big_endian, const uint8_t *at)
{
    return (uint16_t)(is_big_endian ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

static enum sl_status damage(struct pcapng *pcapng, struct ins_damage *ret_damage, const char *text)
{
    *ret_damage = (struct ins_damage){.packet = pcapng->packets + 1,
                                      .offset = ins_input_offset(pcapng->base.input),
                                      .is_end = pcapng->is_ended};
    (void)snprintf(ret_damage->text, sizeof(ret_damage->text), "%s", text);
    return SL_MALFORMED;
}

/* Sections first: they decide the byte order in which the length is read. False when no block of a
 * known type with two equal lengths lies at bytes. */
static bool is_likely(const struct pcapng *pcapng, struct sl_span bytes)
{
    if (bytes.len < BLOCK_FRAME_SIZE) {
        return false;
    }
    bool is_big_endian = pcapng->is_big_endian;
    bool is_section = ins_pcapng_section_order(bytes, &is_big_endian);
    uint32_t type = ins_pcapng_u32(is_big_endian, bytes.data);
    uint32_t size = ins_pcapng_u32(is_big_endian, bytes.data + 4);
    if (!is_section && (type < BLOCK_INTERFACE || type > INS_PCAPNG_SECRETS)) {
        return false;
    }
    return size >= BLOCK_FRAME_SIZE && size % 4 == 0 && size <= bytes.len &&
           ins_pcapng_u32(is_big_endian, bytes.data + size - 4) == size;
}

/* Moves to the next likely block that lies past bytes further on, or later. False when there is none. */
static bool search(struct pcapng *pcapng, size_t past, uint64_t *skipped)
{
    struct ins_input *input = pcapng->base.input;
    for (size_t i = past;; i = 0) {
        struct sl_span here = ins_input_view(input, SEARCH_STEP);
        bool is_all = here.len < SEARCH_STEP;
        size_t end = is_all ? here.len : here.len - BLOCK_MAX;
        i = i < end ? i : end;
        while (i < end && !is_likely(pcapng, sl_span_from(here, i))) {
            i++;
        }
        *skipped += i;
        (void)ins_input_skip(input, i);
        if (i < end || is_all) {
            return i < end;
        }
    }
}

static const char bad_block[] = "the block of the packet is damaged";

/* No block lies here: looks for the next one, if need be behind what the input cannot read. end_text: what
 * is told if the capture has none. */
static enum sl_status recover(struct pcapng *pcapng, struct ins_damage *ret_damage,
                              const char *end_text)
{
    struct ins_input *input = pcapng->base.input;
    (void)damage(pcapng, ret_damage, bad_block);
    bool is_found = search(pcapng, 1, &ret_damage->skipped_bytes);
    bool is_readable = true;
    while (!is_found && ins_source_resume(input, ret_damage, &is_readable)) {
        is_found = search(pcapng, 0, &ret_damage->skipped_bytes);
    }
    if (!is_found && is_readable) {
        (void)snprintf(ret_damage->text, sizeof(ret_damage->text), "%s", end_text);
    }
    pcapng->is_ended = !is_found;
    ret_damage->is_end = pcapng->is_ended;
    return SL_MALFORMED;
}

/* The block goes on past the end. When others follow in what there is, its length was wrong. */
static enum sl_status cut(struct pcapng *pcapng, struct ins_damage *ret_damage)
{
    return recover(pcapng, ret_damage, "the capture is cut inside the block of the packet");
}

static void add_interface(struct pcapng *pcapng, const uint8_t *block, size_t size)
{
    if (size < BLOCK_FRAME_SIZE + 8 || pcapng->interface_count == INTERFACES_MAX) {
        return;
    }
    if (pcapng->interface_count == pcapng->interface_capacity) {
        pcapng->interface_capacity = pcapng->interface_capacity * 2 + 4;
        pcapng->interfaces = sl_realloc(pcapng->interfaces,
                                        pcapng->interface_capacity * sizeof(pcapng->interfaces[0]));
    }
    bool is_big_endian = pcapng->is_big_endian;
    struct interface *interface = &pcapng->interfaces[pcapng->interface_count++];
    *interface = (struct interface){.link_type = u16(is_big_endian, block + 8),
                                    .snaplen = ins_pcapng_u32(is_big_endian, block + 12),
                                    .clock = ins_pcapng_clock_default()};
    for (size_t at = 16; at + 4 <= size - 4;) {
        uint16_t code = u16(is_big_endian, block + at);
        size_t len = u16(is_big_endian, block + at + 2);
        const uint8_t *value = block + at + 4;
        if (code == OPTION_END || at + 4 + len > size - 4) {
            break;
        }
        if (code == OPTION_NAME) {
            (void)snprintf(interface->name, NAME_SIZE, "%.*s", (int)len, (const char *)value);
        } else if (code == OPTION_TIME_RESOLUTION && len == 1) {
            ins_pcapng_clock_resolution(&interface->clock, value[0]);
        } else if (code == OPTION_FCS_SIZE && len == 1) {
            interface->fcs_size = value[0];
        } else if (code == OPTION_TIME_OFFSET && len == 8) {
            uint64_t low = ins_pcapng_u32(is_big_endian, value + (is_big_endian ? 4 : 0));
            uint64_t high = ins_pcapng_u32(is_big_endian, value + (is_big_endian ? 0 : 4));
            interface->clock.offset_s = (int64_t)(high << 32 | low);
        }
        at += 4 + (len + 3) / 4 * 4;
    }
}

/* Where the fields of a packet block lie. */
struct packet_fields {
    uint32_t interface;
    bool has_time;
    uint64_t time;
    uint32_t captured;
    uint32_t original;
    size_t data_at;
};

/* False when the block is too short for its fields. */
static bool read_packet(const struct pcapng *pcapng, uint32_t type, const uint8_t *block,
                        size_t size, struct packet_fields *ret_fields)
{
    bool is_big_endian = pcapng->is_big_endian;
    if (type == BLOCK_SIMPLE) {
        if (size < BLOCK_FRAME_SIZE + 4) {
            return false;
        }
        uint32_t original = ins_pcapng_u32(is_big_endian, block + 8);
        uint32_t snaplen = pcapng->interface_count > 0 ? pcapng->interfaces[0].snaplen : 0;
        uint32_t captured = snaplen > 0 && snaplen < original ? snaplen : original;
        uint32_t room = (uint32_t)(size - BLOCK_FRAME_SIZE - 4);
        *ret_fields = (struct packet_fields){
            .captured = captured < room ? captured : room, .original = original, .data_at = 12};
        return true;
    }
    if (size < BLOCK_FRAME_SIZE + 20) {
        return false;
    }
    *ret_fields = (struct packet_fields){
        .interface = type == BLOCK_ENHANCED ? ins_pcapng_u32(is_big_endian, block + 8)
                                            : u16(is_big_endian, block + 8),
        .has_time = true,
        .time = (uint64_t)ins_pcapng_u32(is_big_endian, block + 12) << 32 |
                ins_pcapng_u32(is_big_endian, block + 16),
        .captured = ins_pcapng_u32(is_big_endian, block + 20),
        .original = ins_pcapng_u32(is_big_endian, block + 24),
        .data_at = 28,
    };
    return ret_fields->captured <= size - BLOCK_FRAME_SIZE - 20;
}

static enum sl_status give_packet(struct pcapng *pcapng, uint32_t type, struct sl_span block,
                                  struct ins_packet *ret_packet, struct ins_damage *ret_damage)
{
    struct packet_fields fields;
    if (!read_packet(pcapng, type, block.data, block.len, &fields)) {
        enum sl_status status =
            damage(pcapng, ret_damage, "the block is too short for the packet in it");
        pcapng->packets++;
        return status;
    }
    if (fields.interface >= pcapng->interface_count) {
        enum sl_status status =
            damage(pcapng, ret_damage, "the packet names an interface that was not described");
        pcapng->packets++;
        return status;
    }
    const struct interface *interface = &pcapng->interfaces[fields.interface];
    pcapng->packets++;
    *ret_packet = (struct ins_packet){
        .bytes = sl_span(block.data + fields.data_at, fields.captured),
        .original_len = fields.original < fields.captured ? fields.captured : fields.original,
        .link_type = interface->link_type,
        .number = pcapng->packets,
        .interface_name = interface->name,
    };
    ins_packet_cut_fcs(ret_packet, interface->fcs_size);
    ret_packet->has_time = fields.has_time && ins_pcapng_clock_ns(&interface->clock, fields.time,
                                                                  &ret_packet->time_ns);
    return SL_OK;
}

/* What a block that carries no packet changes. False when a limit left something of it out. */
static bool take_block(struct pcapng *pcapng, uint32_t type, struct sl_span block)
{
    switch (type) {
    case INS_PCAPNG_SECTION:
        pcapng->interface_count = 0;
        return true;
    case BLOCK_INTERFACE:
        add_interface(pcapng, block.data, block.len);
        return true;
    case INS_PCAPNG_SECRETS:
        /* Those that were found ahead are there. */
        return ins_input_offset(pcapng->base.input) < pcapng->ahead ||
               ins_pcapng_add_secrets(&pcapng->secrets, pcapng->is_big_endian, block);
    default:
        return true;
    }
}

static bool is_packet_type(uint32_t type)
{
    return type == BLOCK_ENHANCED || type == BLOCK_SIMPLE || type == BLOCK_PACKET;
}

static bool is_read_type(uint32_t type)
{
    return is_packet_type(type) || type == INS_PCAPNG_SECTION || type == BLOCK_INTERFACE ||
           type == INS_PCAPNG_SECRETS;
}

static uint32_t size_limit(uint32_t type)
{
    if (type == INS_PCAPNG_SECRETS) {
        return INS_PCAPNG_SECRETS_BLOCK_MAX;
    }
    return is_read_type(type) ? BLOCK_MAX : PASSED_MAX;
}

/* The next block of a type that is read, whole. SL_CLOSED, SL_MALFORMED as pcapng_next. */
static enum sl_status next_block(struct pcapng *pcapng, uint32_t *ret_type,
                                 struct sl_span *ret_block, struct ins_damage *ret_damage)
{
    struct ins_input *input = pcapng->base.input;
    for (;;) {
        struct sl_span here = ins_input_view(input, BLOCK_FRAME_SIZE);
        if (here.len == 0 && ins_input_failure(input) == NULL) {
            pcapng->is_ended = true;
            return SL_CLOSED;
        }
        if (here.len < BLOCK_FRAME_SIZE) {
            return cut(pcapng, ret_damage);
        }
        bool is_section = ins_pcapng_is(here);
        if (is_section && !ins_pcapng_section_order(here, &pcapng->is_big_endian)) {
            return recover(pcapng, ret_damage, bad_block);
        }
        *ret_type = ins_pcapng_u32(pcapng->is_big_endian, here.data);
        uint32_t size = ins_pcapng_u32(pcapng->is_big_endian, here.data + 4);
        bool is_read = is_read_type(*ret_type);
        if (size < (is_section ? BLOCK_SECTION_SIZE : BLOCK_FRAME_SIZE) || size % 4 != 0 ||
            size > size_limit(*ret_type)) {
            return recover(pcapng, ret_damage, bad_block);
        }
        if (size > BLOCK_MAX && !is_read) {
            if (!ins_input_skip(input, size)) {
                return cut(pcapng, ret_damage);
            }
            continue;
        }
        here = ins_input_view(input, size);
        if (here.len < size) {
            return cut(pcapng, ret_damage);
        }
        if (ins_pcapng_u32(pcapng->is_big_endian, here.data + size - 4) != size) {
            return recover(pcapng, ret_damage, bad_block);
        }
        *ret_block = sl_span(here.data, size);
        if (is_read) {
            return SL_OK;
        }
        (void)ins_input_skip(input, size);
    }
}

static enum sl_status pcapng_next(struct ins_source *source, struct ins_packet *ret_packet,
                                  struct ins_damage *ret_damage)
{
    struct pcapng *pcapng = (struct pcapng *)source;
    for (;;) {
        if (pcapng->to_skip > 0) {
            (void)ins_input_skip(source->input, pcapng->to_skip);
            pcapng->to_skip = 0;
        }
        if (pcapng->is_ended) {
            return SL_CLOSED;
        }
        uint32_t type = 0;
        struct sl_span block = {0};
        enum sl_status status = next_block(pcapng, &type, &block, ret_damage);
        if (status != SL_OK) {
            return status;
        }
        pcapng->to_skip = block.len;
        if (is_packet_type(type)) {
            return give_packet(pcapng, type, block, ret_packet, ret_damage);
        }
        if (!take_block(pcapng, type, block)) {
            return damage(pcapng, ret_damage, "more than 4 MiB of TLS secrets: these are not used");
        }
    }
}

static struct sl_span pcapng_secrets(const struct ins_source *source)
{
    return sl_buf_span(&((const struct pcapng *)source)->secrets);
}

static void pcapng_free(struct ins_source *source)
{
    struct pcapng *pcapng = (struct pcapng *)source;
    sl_free(pcapng->interfaces);
    sl_buf_release(&pcapng->secrets);
    sl_free(pcapng);
}

static const struct ins_source_ops pcapng_ops = {
    .format = "pcapng",
    .next = pcapng_next,
    .secrets = pcapng_secrets,
    .free = pcapng_free,
};

struct ins_source *ins_pcapng_new(struct ins_input *input)
{
    struct pcapng *pcapng = sl_alloc(sizeof(*pcapng));
    pcapng->base = (struct ins_source){.ops = &pcapng_ops, .input = input};
    sl_buf_init(&pcapng->secrets, INS_PCAPNG_SECRETS_MAX);
    pcapng->ahead = ins_pcapng_look_ahead(input, &pcapng->secrets);
    return &pcapng->base;
}
