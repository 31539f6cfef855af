/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/align.h"

enum {
    EVIDENCE_MIN = 3,  /* fields from before the gap that must have made sense */
    EVIDENCE_LEAD = 2, /* times those of the next best */
    FIELDS_MAX = 64,   /* a block with more is not looked at */
};

/* Fields that stand once in a block; which kinds of block have them. */
enum kind { REQUEST = 1, RESPONSE = 2, TRAILERS = 4 };
static const struct single {
    const char *name;
    unsigned kinds;
} singles[] = {
    {":method", REQUEST},
    {":scheme", REQUEST},
    {":path", REQUEST},
    {":authority", REQUEST},
    {":status", RESPONSE},
    {"content-type", REQUEST | RESPONSE},
    {"te", REQUEST},
    {"user-agent", REQUEST},
    {"grpc-timeout", REQUEST},
    {"grpc-encoding", REQUEST | RESPONSE},
    {"grpc-accept-encoding", REQUEST | RESPONSE},
    {"grpc-status", RESPONSE | TRAILERS},
    {"grpc-message", RESPONSE | TRAILERS},
    {"grpc-status-details-bin", RESPONSE | TRAILERS},
};
enum {
    SINGLES = sizeof(singles) / sizeof(singles[0]),
    METHOD = 0,
    PATH = 2,
    STATUS = 4,
    TYPE = 5,
    CODE = 11
};

/* A block as one of the hypotheses reads it. */
struct reading {
    unsigned seen;    /* bit i: singles[i] */
    unsigned unknown; /* fields that are new since the gap, or no one's */
    unsigned old;     /* fields from before it */
    unsigned pseudo;  /* pseudo-header fields */
    unsigned leading; /* unknown fields that stand before one, and so are such */
    bool has_regular; /* a field that is no pseudo-header field has come */
    bool is_wrong;
};

static void read_field(struct reading *reading, const struct sl_header *field)
{
    bool is_pseudo = sl_span_starts(field->name, ":");
    reading->is_wrong = reading->is_wrong || (is_pseudo && reading->has_regular);
    reading->has_regular = reading->has_regular || !is_pseudo;
    reading->pseudo += is_pseudo ? 1 : 0;
    reading->leading = is_pseudo ? reading->unknown : reading->leading;
    bool is_single = false;
    for (size_t i = 0; i < SINGLES; i++) {
        if (sl_span_is(field->name, singles[i].name)) {
            is_single = true;
            reading->is_wrong = reading->is_wrong || (reading->seen & (1U << i)) != 0;
            reading->seen |= 1U << i;
        }
    }
    reading->is_wrong = reading->is_wrong || (is_pseudo && !is_single);
}

static bool has(const struct reading *reading, unsigned single)
{
    return (reading->seen & (1U << single)) != 0;
}

/* Whether all of it can be a block of this direction. A field that must be there may be an unknown one. */
static bool is_sensible(const struct reading *reading, enum sl_dir dir, bool is_last)
{
    enum kind kind = REQUEST;
    if (dir == SL_DIR_RESPONSE) {
        kind = is_last && !has(reading, STATUS) ? TRAILERS : RESPONSE;
    }
    for (size_t i = 0; i < SINGLES; i++) {
        if (has(reading, (unsigned)i) && (singles[i].kinds & kind) == 0) {
            return false;
        }
    }
    bool has_code = has(reading, CODE);
    unsigned missing = 0;
    if (kind == REQUEST) {
        missing += has(reading, METHOD) ? 0 : 1;
        missing += has(reading, PATH) ? 0 : 1;
    }
    missing += kind != TRAILERS && !has(reading, TYPE) ? 1 : 0;
    missing += dir == SL_DIR_RESPONSE && is_last && !has_code ? 1 : 0;
    if (kind == RESPONSE && has_code && !is_last) {
        return false;
    }
    unsigned pseudo_max = kind == REQUEST ? STATUS : 1;
    return !reading->is_wrong && missing <= reading->unknown &&
           reading->pseudo + reading->leading <= pseudo_max;
}

static void read_lost(struct reading *reading, const struct sl_hpack_decoder *decoder,
                      const struct sl_lost_field *lost, uint32_t inserted)
{
    struct sl_header field;
    if (!sl_hpack_decoder_before(decoder, lost->name_slot, inserted, &field)) {
        reading->unknown++;
        return;
    }
    reading->old++;
    read_field(reading, &field);
}

static struct reading read_block(const struct sl_hpack_decoder *decoder,
                                 const struct sl_headers *headers, uint32_t inserted)
{
    struct reading reading = {0};
    size_t next = 0;
    for (size_t i = 0; i <= headers->count; i++) {
        while (next < headers->lost_count && headers->lost[next].before == i) {
            read_lost(&reading, decoder, &headers->lost[next], inserted);
            next++;
        }
        if (i < headers->count) {
            read_field(&reading, &headers->fields[i]);
        }
    }
    return reading;
}

/* The number that explains most, or -1: large numbers make nearly every field a new one, and so are hardly
 * ever wrong, but they explain little. */
static int found(const struct ins_align *align)
{
    int best = -1;
    uint32_t most = 0;
    uint32_t second = 0;
    for (int n = 0; n <= INS_ALIGN_INSERTED_MAX; n++) {
        uint32_t evidence = (align->possible >> n & 1) == 0 ? 0 : align->evidence[n];
        if (evidence > most) {
            second = most;
            most = evidence;
            best = n;
        } else if (evidence > second) {
            second = evidence;
        }
    }
    return most >= EVIDENCE_MIN && most / EVIDENCE_LEAD >= second ? best : -1;
}

static void add_fields(const struct sl_hpack_decoder *decoder, struct sl_headers *headers,
                       uint32_t inserted)
{
    for (size_t i = 0; i < headers->lost_count;) {
        const struct sl_lost_field *lost = &headers->lost[i];
        struct sl_header field;
        bool is_known = sl_hpack_decoder_before(decoder, lost->name_slot, inserted, &field);
        struct sl_span value = lost->has_value ? lost->value : field.value;
        if (!is_known ||
            sl_headers_recover(headers, i, field.name, value, SL_FIELD_ORDER) != SL_OK) {
            i++;
        }
    }
}

void ins_align_block(struct ins_align *align, const struct sl_hpack_decoder *decoder,
                     enum sl_dir dir, bool is_last, struct sl_headers *headers)
{
    uint64_t gaps = sl_hpack_decoder_gaps(decoder);
    if (align->gaps != gaps) {
        *align = (struct ins_align){.gaps = gaps, .possible = UINT64_MAX};
    }
    if (align->possible == 0 || headers->count + headers->lost_count > FIELDS_MAX) {
        return;
    }
    for (uint32_t n = 0; n <= INS_ALIGN_INSERTED_MAX; n++) {
        if ((align->possible >> n & 1) == 0) {
            continue;
        }
        struct reading reading = read_block(decoder, headers, n);
        if (is_sensible(&reading, dir, is_last)) {
            align->evidence[n] += reading.old;
        } else {
            align->possible &= ~(UINT64_C(1) << n);
        }
    }
    int inserted = found(align);
    if (inserted >= 0) {
        add_fields(decoder, headers, (uint32_t)inserted);
    }
}
