/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/fragments.h"

#include "lib/base/alloc.h"

enum {
    FRAGMENTED_MAX = 64,
    UNITS = (INS_DATAGRAM_MAX + 7) / 8, /* offsets are multiples of 8 bytes */
};

enum state { UNUSED, PARTIAL, WHOLE };

/* One datagram in pieces; a whole one stays until its place is needed, to know its pieces again. */
struct datagram {
    enum state state;
    struct ins_address from, to;
    uint32_t id, scope;
    uint8_t protocol;
    uint64_t age; /* when its first piece came, or it became whole: counted in datagrams */
    uint64_t time_ns;
    size_t total; /* 0 until the last piece came */
    size_t units; /* how many are there */
    uint8_t *bytes;
    uint8_t has_unit[UNITS];
};

struct ins_fragments {
    struct datagram *datagrams[FRAGMENTED_MAX];
    uint64_t clock;
    uint64_t given_up;
    uint64_t conflicting;
};

struct ins_fragments *ins_fragments_new(void)
{
    return sl_alloc(sizeof(struct ins_fragments));
}

void ins_fragments_free(struct ins_fragments *fragments)
{
    for (size_t i = 0; fragments != NULL && i < FRAGMENTED_MAX; i++) {
        if (fragments->datagrams[i] != NULL) {
            sl_free(fragments->datagrams[i]->bytes);
            sl_free(fragments->datagrams[i]);
        }
    }
    sl_free(fragments);
}

static bool is_same(const struct ins_address *a, const struct ins_address *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static void begin(struct ins_fragments *fragments, struct datagram *datagram,
                  const struct ins_fragment *fragment)
{
    fragments->given_up += datagram->state == PARTIAL ? 1 : 0;
    datagram->state = PARTIAL;
    datagram->from = fragment->from;
    datagram->to = fragment->to;
    datagram->id = fragment->id;
    datagram->scope = fragment->scope;
    datagram->protocol = fragment->protocol;
    datagram->time_ns = fragment->time_ns;
    datagram->age = ++fragments->clock;
    datagram->total = 0;
    datagram->units = 0;
    memset(datagram->has_unit, 0, sizeof(datagram->has_unit));
}

static bool is_of(const struct datagram *datagram, const struct ins_fragment *fragment)
{
    return datagram->state != UNUSED && datagram->id == fragment->id &&
           datagram->protocol == fragment->protocol && datagram->scope == fragment->scope &&
           is_same(&datagram->from, &fragment->from) && is_same(&datagram->to, &fragment->to);
}

/* True when what is there of the fragment's place differs from it; *ret_is_there: all of it is. */
static bool differs(const struct datagram *datagram, const struct ins_fragment *fragment,
                    bool *ret_is_there)
{
    size_t end = fragment->offset + fragment->bytes.len;
    bool is_different = false;
    *ret_is_there = true;
    for (size_t at = fragment->offset; at < end; at += 8) {
        size_t len = end - at < 8 ? end - at : 8;
        const uint8_t *piece = fragment->bytes.data + (at - fragment->offset);
        if (datagram->has_unit[at / 8] == 0) {
            *ret_is_there = false;
        } else if (memcmp(datagram->bytes + at, piece, len) != 0) {
            is_different = true;
        }
    }
    return is_different;
}

/* True when fragment is of another datagram, to which the same id was given again. */
static bool is_renewed(const struct datagram *datagram, const struct ins_fragment *fragment)
{
    bool is_there = false;
    if (datagram->state == WHOLE) {
        return differs(datagram, fragment, &is_there) || !is_there;
    }
    return fragment->time_ns > datagram->time_ns &&
           fragment->time_ns - datagram->time_ns > INS_FRAGMENTS_LIFE_NS;
}

/* Who makes room first: unused, then the oldest whole one, then the oldest. */
static bool is_better_place(const struct datagram *datagram, const struct datagram *than)
{
    static const int rank[] = {[UNUSED] = 0, [WHOLE] = 1, [PARTIAL] = 2};
    int order = rank[datagram->state] - rank[than->state];
    return order != 0 ? order < 0 : datagram->age < than->age;
}

/* The datagram that fragment belongs to, begun in the best place when it is the first. */
static struct datagram *find(struct ins_fragments *fragments, const struct ins_fragment *fragment)
{
    struct datagram *place = NULL;
    for (size_t i = 0; i < FRAGMENTED_MAX; i++) {
        struct datagram *datagram = fragments->datagrams[i];
        if (datagram == NULL) {
            datagram = sl_alloc(sizeof(*datagram));
            datagram->bytes = sl_alloc(INS_DATAGRAM_MAX);
            fragments->datagrams[i] = datagram;
        }
        if (is_of(datagram, fragment)) {
            if (is_renewed(datagram, fragment)) {
                begin(fragments, datagram, fragment);
            }
            return datagram;
        }
        if (place == NULL || is_better_place(datagram, place)) {
            place = datagram;
        }
        if (datagram->state == UNUSED) {
            break;
        }
    }
    begin(fragments, place, fragment);
    return place;
}

/* Keeps what of the fragment is not there yet. */
static void keep(struct datagram *datagram, const struct ins_fragment *fragment)
{
    size_t end = fragment->offset + fragment->bytes.len;
    for (size_t at = fragment->offset; at < end; at += 8) {
        size_t len = end - at < 8 ? end - at : 8;
        if (datagram->has_unit[at / 8] == 0) {
            memmove(datagram->bytes + at, fragment->bytes.data + (at - fragment->offset), len);
            datagram->has_unit[at / 8] = 1;
            datagram->units++;
        }
    }
}

bool ins_fragments_add(struct ins_fragments *fragments, const struct ins_fragment *fragment,
                       struct sl_span *ret_payload)
{
    size_t end = fragment->offset + fragment->bytes.len;
    bool is_ragged = !fragment->is_last && fragment->bytes.len % 8 != 0;
    if (end > INS_DATAGRAM_MAX || fragment->bytes.len == 0 || is_ragged) {
        return false; /* RFC 791 3.2: all but the last are multiples of 8 bytes */
    }
    struct datagram *datagram = find(fragments, fragment);
    if (datagram->state == WHOLE) {
        return false;
    }
    bool is_there = false;
    fragments->conflicting += differs(datagram, fragment, &is_there) ? 1 : 0;
    if (fragment->is_last && datagram->total == 0) {
        datagram->total = end;
    }
    keep(datagram, fragment);
    size_t need = (datagram->total + 7) / 8;
    if (need == 0 || datagram->units < need || memchr(datagram->has_unit, 0, need) != NULL) {
        return false;
    }
    datagram->state = WHOLE;
    datagram->age = ++fragments->clock;
    *ret_payload = sl_span(datagram->bytes, datagram->total);
    return true;
}

uint64_t ins_fragments_conflicting(const struct ins_fragments *fragments)
{
    return fragments->conflicting;
}

uint64_t ins_fragments_lost(const struct ins_fragments *fragments)
{
    uint64_t lost = fragments->given_up;
    for (size_t i = 0; i < FRAGMENTED_MAX; i++) {
        const struct datagram *datagram = fragments->datagrams[i];
        lost += datagram != NULL && datagram->state == PARTIAL ? 1 : 0;
    }
    return lost;
}
