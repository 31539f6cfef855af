/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/fragments.h"

#include "lib/base/alloc.h"

enum {
    FRAGMENTED_MAX = 64,
    UNITS = (INS_DATAGRAM_MAX + 7) / 8, /* offsets are multiples of 8 bytes */
};

/* One datagram in pieces. */
struct datagram {
    bool is_used;
    struct ins_address from, to;
    uint32_t id;
    uint8_t protocol;
    uint64_t age; /* when its first piece came */
    size_t total; /* 0 until the last piece came */
    size_t units; /* how many are there */
    uint8_t *bytes;
    uint8_t has_unit[UNITS];
};

struct ins_fragments {
    struct datagram *datagrams[FRAGMENTED_MAX];
    uint64_t clock;
    uint64_t given_up;
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
    datagram->is_used = true;
    datagram->from = fragment->from;
    datagram->to = fragment->to;
    datagram->id = fragment->id;
    datagram->protocol = fragment->protocol;
    datagram->age = ++fragments->clock;
    datagram->total = 0;
    datagram->units = 0;
    memset(datagram->has_unit, 0, sizeof(datagram->has_unit));
}

/* The datagram that fragment belongs to; a free place, or the oldest's, when it is the first. */
static struct datagram *find(struct ins_fragments *fragments, const struct ins_fragment *fragment)
{
    size_t place = 0;
    for (size_t i = 0; i < FRAGMENTED_MAX; i++) {
        struct datagram *datagram = fragments->datagrams[i];
        if (datagram == NULL) {
            datagram = sl_alloc(sizeof(*datagram));
            datagram->bytes = sl_alloc(INS_DATAGRAM_MAX);
            fragments->datagrams[i] = datagram;
        }
        if (!datagram->is_used) {
            place = i;
            break;
        }
        if (datagram->id == fragment->id && datagram->protocol == fragment->protocol &&
            is_same(&datagram->from, &fragment->from) && is_same(&datagram->to, &fragment->to)) {
            return datagram;
        }
        if (datagram->age < fragments->datagrams[place]->age) {
            place = i;
        }
    }
    struct datagram *datagram = fragments->datagrams[place];
    fragments->given_up += datagram->is_used ? 1 : 0;
    begin(fragments, datagram, fragment);
    return datagram;
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
    if (fragment->is_last && datagram->total == 0) {
        datagram->total = end;
    }
    for (size_t at = fragment->offset; at < end; at += 8) {
        size_t len = end - at < 8 ? end - at : 8;
        if (datagram->has_unit[at / 8] == 0) {
            memcpy(datagram->bytes + at, fragment->bytes.data + (at - fragment->offset), len);
            datagram->has_unit[at / 8] = 1;
            datagram->units++;
        }
    }
    size_t need = (datagram->total + 7) / 8;
    if (need == 0 || datagram->units < need || memchr(datagram->has_unit, 0, need) != NULL) {
        return false;
    }
    datagram->is_used = false;
    *ret_payload = sl_span(datagram->bytes, datagram->total);
    return true;
}

uint64_t ins_fragments_lost(const struct ins_fragments *fragments)
{
    uint64_t lost = fragments->given_up;
    for (size_t i = 0; i < FRAGMENTED_MAX; i++) {
        const struct datagram *datagram = fragments->datagrams[i];
        lost += datagram != NULL && datagram->is_used ? 1 : 0;
    }
    return lost;
}
