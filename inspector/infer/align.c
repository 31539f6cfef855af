/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/align.h"

#include "inspector/infer/values.h"

enum {
    EVIDENCE_MIN = 3,        /* fields from before the gap that must have made sense */
    EVIDENCE_LEAD = 2,       /* times those of the next best */
    NAMES_MIN = 3,           /* different names among them: two may come again with each call */
    NAMES_CONFIRMED = 4,     /* so many, that fields of free names are believed as well */
    FIELDS_MAX = 64,         /* a block with more is not looked at */
    ALL_UNKNOWN = INT32_MAX, /* so many inserted that every lost field is a new one */
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
    unsigned old;     /* fields from before it that are among singles */
    unsigned names;   /* theirs; bit i: singles[i] */
    unsigned pseudo;  /* pseudo-header fields */
    unsigned leading; /* unknown fields that stand before one, and so are such */
    unsigned early;   /* unknown fields before the first regular one, that may be such */
    bool has_regular; /* a field that is no pseudo-header field has come */
    bool is_wrong;
};

/* The place in singles, or SINGLES. */
static size_t single_of(struct sl_span name)
{
    size_t i = 0;
    while (i < SINGLES && !sl_span_is(name, singles[i].name)) {
        i++;
    }
    return i;
}

/* Answers the field's place in singles, or SINGLES. */
static size_t read_field(struct reading *reading, const struct sl_header *field)
{
    bool is_pseudo = sl_span_starts(field->name, ":");
    reading->is_wrong = reading->is_wrong || (is_pseudo && reading->has_regular);
    reading->has_regular = reading->has_regular || !is_pseudo;
    reading->pseudo += is_pseudo ? 1 : 0;
    reading->leading = is_pseudo ? reading->unknown : reading->leading;
    size_t single = single_of(field->name);
    if (single == SINGLES) {
        reading->is_wrong = reading->is_wrong || is_pseudo;
        return single;
    }
    reading->is_wrong = reading->is_wrong || (reading->seen & (1U << single)) != 0;
    reading->seen |= 1U << single;
    return single;
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
        if (missing > reading->early) {
            return false;
        }
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
        reading->early += reading->has_regular ? 0 : 1;
        return;
    }
    if (lost->has_value) {
        field.value = lost->value;
    }
    size_t single = read_field(reading, &field);
    if (single < SINGLES) {
        reading->old++;
        reading->names |= 1U << single;
        reading->is_wrong = reading->is_wrong || !ins_value_fits(field.name, field.value);
    }
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

static unsigned count_names(uint32_t names)
{
    unsigned count = 0;
    for (; names != 0; names &= names - 1) {
        count++;
    }
    return count;
}

/* The number that explains most, or INS_ALIGN_NONE: large numbers make nearly every field a new one, and
 * so are hardly ever wrong, but they explain little. */
static int found(const struct ins_align *align)
{
    int best = INS_ALIGN_NONE;
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
    bool is_clear = most >= EVIDENCE_MIN && most / EVIDENCE_LEAD >= second;
    return is_clear && count_names(align->names[best]) >= NAMES_MIN ? best : INS_ALIGN_NONE;
}

/* Fields of free names (metadata of users) speak for nothing, and nothing speaks against them; so they are
 * left out until the place is confirmed by others. */
static void add_fields(const struct ins_align *align, const struct sl_hpack_decoder *decoder,
                       struct sl_headers *headers)
{
    uint32_t inserted = (uint32_t)align->accepted;
    bool is_confirmed = count_names(align->names[inserted]) >= NAMES_CONFIRMED;
    for (size_t i = 0; i < headers->lost_count;) {
        const struct sl_lost_field *lost = &headers->lost[i];
        struct sl_header field;
        bool is_known = sl_hpack_decoder_before(decoder, lost->name_slot, inserted, &field) &&
                        (is_confirmed || single_of(field.name) < SINGLES);
        struct sl_span value = lost->has_value ? lost->value : field.value;
        if (!is_known ||
            sl_headers_recover(headers, i, field.name, value, SL_FIELD_ORDER) != SL_OK) {
            i++;
        }
    }
}

/* Holds the block against every number that is still possible. */
static void judge(struct ins_align *align, const struct sl_hpack_decoder *decoder, enum sl_dir dir,
                  bool is_last, const struct sl_headers *headers)
{
    for (uint32_t n = 0; n <= INS_ALIGN_INSERTED_MAX; n++) {
        if ((align->possible >> n & 1) == 0) {
            continue;
        }
        struct reading reading = read_block(decoder, headers, n);
        if (is_sensible(&reading, dir, is_last)) {
            align->evidence[n] += reading.old;
            align->names[n] |= reading.names;
        } else {
            align->possible &= ~(UINT64_C(1) << n);
        }
    }
}

void ins_align_block(struct ins_align *align, const struct sl_hpack_decoder *decoder,
                     enum sl_dir dir, bool is_last, struct sl_headers *headers)
{
    uint64_t gaps = sl_hpack_decoder_gaps(decoder);
    if (align->gaps != gaps) {
        *align =
            (struct ins_align){.gaps = gaps, .possible = UINT64_MAX, .accepted = INS_ALIGN_NONE};
    }
    if (align->possible == 0 || headers->count + headers->lost_count > FIELDS_MAX) {
        return;
    }
    struct reading as_is = read_block(decoder, headers, ALL_UNKNOWN);
    if (!is_sensible(&as_is, dir, is_last)) {
        return; /* wrong by itself, whatever the number */
    }
    judge(align, decoder, dir, is_last, headers);
    int best = found(align);
    if (align->accepted != INS_ALIGN_NONE && best != align->accepted) {
        align->possible = 0; /* what seemed certain was not: nothing is until the next gap */
        return;
    }
    align->accepted = best;
    if (best != INS_ALIGN_NONE) {
        add_fields(align, decoder, headers);
    }
}
