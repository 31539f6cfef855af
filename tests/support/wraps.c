/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/wraps.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspector/source/packet.h"
#include "tests/support/cmocka_all.h"

enum {
    FRAME_MAX = 70000,
    WORDS_MAX = 40,
    WORD_MAX = 32,
};

const struct test_wrap test_wraps[] = {
    {INS_LINK_ETHERNET, "eth"},
    {INS_LINK_ETHERNET, "eth vlan:5"},
    {INS_LINK_ETHERNET, "eth 88a8:5 vlan:6"},
    {INS_LINK_ETHERNET, "eth 9100:5 9200:6 vlan:7 vlan:8"},
    {INS_LINK_ETHERNET, "eth etag vlan:7"},
    {INS_LINK_ETHERNET, "eth backbone eth vlan:4"},
    {INS_LINK_ETHERNET, "eth len snap"},
    {INS_LINK_ETHERNET, "eth mpls:16"},
    {INS_LINK_ETHERNET, "eth 8848 label:16 mpls:17"},
    {INS_LINK_ETHERNET, "eth label:16 label:17 mpls:18"},
    {INS_LINK_ETHERNET, "eth mpls:16 eth"},
    {INS_LINK_ETHERNET, "eth mpls:16 control eth"},
    {INS_LINK_ETHERNET, "eth label:16 mpls:17 control eth vlan:9"},
    {INS_LINK_ETHERNET, "eth pppoe ppp"},
    {INS_LINK_ETHERNET, "eth vlan:7 pppoe ppp"},
    {INS_LINK_ETHERNET, "eth pppoe ppp8"},
    {INS_LINK_ETHERNET, "eth pppoe ppp mpls:16"},
    {INS_LINK_ETHERNET, "eth ipv4"},
    {INS_LINK_ETHERNET, "eth ipv6"},
    {INS_LINK_ETHERNET, "eth ipv4 ipv6 ipv4"},
    {INS_LINK_ETHERNET, "eth ipv4 gre"},
    {INS_LINK_ETHERNET, "eth ipv6 gre:b000"},
    {INS_LINK_ETHERNET, "eth ipv4 gre:2000 eth"},
    {INS_LINK_ETHERNET, "eth ipv4 gre mpls:16"},
    {INS_LINK_ETHERNET, "eth ipv4 gre:3081 ppp"},
    {INS_LINK_ETHERNET, "eth ipv4 gre erspan1 eth"},
    {INS_LINK_ETHERNET, "eth ipv4 gre:1000 erspan2 eth vlan:3"},
    {INS_LINK_ETHERNET, "eth ipv4 gre:1000 erspan3 eth"},
    {INS_LINK_ETHERNET, "eth ipv4 gre:1000 erspan3+ eth"},
    {INS_LINK_ETHERNET, "eth ipv4 udp:4789 vxlan:7 eth"},
    {INS_LINK_ETHERNET, "eth ipv6 udp:8472 vxlan:7 eth vlan:9"},
    {INS_LINK_ETHERNET, "eth ipv4 udp:6081 geneve:0 eth"},
    {INS_LINK_ETHERNET, "eth ipv4 udp:6081 geneve:5"},
    {INS_LINK_ETHERNET, "eth ipv4 udp:2152 gtp"},
    {INS_LINK_ETHERNET, "eth ipv4 udp:2152 gtp+"},
    {INS_LINK_ETHERNET, "eth ipv4 udp:6635 mpls:16"},
    {INS_LINK_ETHERNET, "eth ipv4 mpls:16"},
    {INS_LINK_ETHERNET, "eth ipv4 etherip eth"},
    {INS_LINK_ETHERNET, "eth vlan:2 ipv4 udp:4789 vxlan:7 eth ipv6 gre eth pppoe ppp"},
    {INS_LINK_ETHERNET,
     "eth ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4 ipv4"},
    {INS_LINK_SLL, "sll"},
    {INS_LINK_SLL, "sll vlan:5"},
    {INS_LINK_SLL2, "sll2"},
    {INS_LINK_SLL2, "sll2 vlan:5 ipv4"},
    {INS_LINK_NULL, "null"},
    {INS_LINK_LOOP, "loop"},
    {INS_LINK_RAW, ""},
    {INS_LINK_RAW_BSD, ""},
    {INS_LINK_RAW_OPENBSD, ""},
    {INS_LINK_IPV4, ""},
    {INS_LINK_IPV6, "ipv6"},
    {INS_LINK_PPP, "ppp"},
    {INS_LINK_PPP, "hdlc ppp"},
    {INS_LINK_PPP_HDLC, "hdlc ppp8"},
    {INS_LINK_PPP_HDLC, "cisco"},
    {INS_LINK_CISCO_HDLC, "cisco mpls:16"},
    {INS_LINK_PPPOE, "pppoe ppp"},
    {INS_LINK_MPLS, "mpls:16"},
    {INS_LINK_ENC, "enc"},
    {INS_LINK_WIFI, "wifi snap"},
    {INS_LINK_WIFI, "wifiqos snap"},
    {INS_LINK_WIFI, "wifirelay snap vlan:8"},
    {INS_LINK_WIFI, "amsdu snap"},
    {INS_LINK_RADIOTAP, "radiotap wifi snap"},
    {INS_LINK_RADIOTAP, "radiotap+ wifiqos pad snap"},
    {0, NULL},
};

/* A header under way: out is what stands inside it, and becomes header and inside. */
static void put_before(struct sl_buf *out, const struct sl_buf *header)
{
    struct sl_buf whole;
    sl_buf_init(&whole, FRAME_MAX);
    (void)sl_buf_add_span(&whole, sl_buf_span(header));
    (void)sl_buf_add_span(&whole, sl_buf_span(out));
    sl_buf_clear(out);
    (void)sl_buf_add_span(out, sl_buf_span(&whole));
    sl_buf_release(&whole);
}

static void zeros(struct sl_buf *header, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)sl_buf_add_u8(header, 0);
    }
}

/* What the header before this word says about it. */
struct inner {
    uint16_t ethertype;
    uint16_t ppp;
    uint8_t ip; /* protocol */
};

static struct inner ip_inner(const struct sl_buf *packet)
{
    bool is_v6 = packet->len > 0 && packet->data[0] >> 4 == 6;
    return is_v6 ? (struct inner){0x86dd, 0x57, 41} : (struct inner){0x0800, 0x21, 4};
}

static void add_v4(struct sl_buf *header, size_t len, uint8_t protocol)
{
    (void)sl_buf_add_be16(header, 0x4500);
    (void)sl_buf_add_be16(header, (uint16_t)(len + 20));
    (void)sl_buf_add_be32(header, 0x00014000);
    (void)sl_buf_add_be16(header, (uint16_t)(64 << 8 | protocol));
    (void)sl_buf_add_be16(header, 0);
    (void)sl_buf_add(header, "\xc0\0\2\1\xc0\0\2\2", 8);
}

static void add_v6(struct sl_buf *header, size_t len, uint8_t protocol)
{
    (void)sl_buf_add_be32(header, 0x60000000);
    (void)sl_buf_add_be16(header, (uint16_t)len);
    (void)sl_buf_add_be16(header, (uint16_t)(protocol << 8 | 64));
    (void)sl_buf_add(header, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\4",
                     32);
}

/* Flags in hexadecimal; 1 in the last digit is PPTP's version. */
static void add_gre(struct sl_buf *header, unsigned flags, uint16_t type)
{
    (void)sl_buf_add_be16(header, (uint16_t)flags);
    (void)sl_buf_add_be16(header, type);
    zeros(header, (flags & 0x8000) != 0 ? 4 : 0);
    zeros(header, (flags & 0x2000) != 0 ? 4 : 0);
    zeros(header, (flags & 0x1000) != 0 ? 4 : 0);
    zeros(header, (flags & 0x0080) != 0 ? 4 : 0);
}

static void add_geneve(struct sl_buf *header, unsigned options, uint16_t type)
{
    (void)sl_buf_add_u8(header, (uint8_t)options);
    (void)sl_buf_add_u8(header, 0);
    (void)sl_buf_add_be16(header, type);
    zeros(header, 4 + (size_t)options * 4);
}

/* Words that begin a link-layer frame or a tag of one. False when word is none of them. */
static bool add_link(struct sl_buf *header, const char *word, unsigned value, size_t len,
                     struct inner *inner)
{
    struct inner is = *inner;
    if (strcmp(word, "eth") == 0) {
        /* Addresses as cards have them: no first nibble of 4 or 6. */
        (void)sl_buf_add(header, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
        (void)sl_buf_add_be16(header, is.ethertype);
        *inner = (struct inner){0x6558, 0x31, 97};
    } else if (strcmp(word, "len") == 0) {
        inner->ethertype = (uint16_t)len;
    } else if (strcmp(word, "snap") == 0) {
        (void)sl_buf_add(header, "\xaa\xaa\3\0\0\0", 6);
        (void)sl_buf_add_be16(header, is.ethertype);
    } else if (strcmp(word, "vlan") == 0 || strcmp(word, "88a8") == 0 ||
               strcmp(word, "9100") == 0 || strcmp(word, "9200") == 0) {
        (void)sl_buf_add_be16(header, (uint16_t)(0x6000 | value));
        (void)sl_buf_add_be16(header, is.ethertype);
        inner->ethertype = strcmp(word, "vlan") == 0 ? 0x8100 : (uint16_t)strtoul(word, NULL, 16);
    } else if (strcmp(word, "etag") == 0) {
        zeros(header, 6);
        (void)sl_buf_add_be16(header, is.ethertype);
        inner->ethertype = 0x893f;
    } else if (strcmp(word, "backbone") == 0) {
        zeros(header, 4);
        inner->ethertype = 0x88e7;
    } else if (strcmp(word, "sll") == 0) {
        zeros(header, 14);
        (void)sl_buf_add_be16(header, is.ethertype);
    } else if (strcmp(word, "sll2") == 0) {
        (void)sl_buf_add_be16(header, is.ethertype);
        zeros(header, 18);
    } else if (strcmp(word, "null") == 0) {
        (void)sl_buf_add_le32(header, is.ip == 41 ? 30 : 2);
    } else if (strcmp(word, "loop") == 0) {
        (void)sl_buf_add_be32(header, is.ip == 41 ? 24 : 2);
    } else if (strcmp(word, "enc") == 0) {
        (void)sl_buf_add_le32(header, is.ip == 41 ? 28 : 2);
        zeros(header, 8);
    } else {
        return false;
    }
    return true;
}

static bool add_wifi(struct sl_buf *header, const char *word, size_t len)
{
    bool has_qos = strcmp(word, "wifiqos") == 0 || strcmp(word, "amsdu") == 0;
    bool is_relayed = strcmp(word, "wifirelay") == 0;
    if (strcmp(word, "radiotap") == 0) {
        (void)sl_buf_add(header, "\0\0\x08\0\0\0\0\0", 8);
    } else if (strcmp(word, "radiotap+") == 0) { /* a second word, TSFT, flags: padded */
        (void)sl_buf_add(header, "\0\0\x1c\0\3\0\0\x80\0\0\0\0\0\0\0\0", 16);
        (void)sl_buf_add(header, "\0\0\0\0\0\0\0\0\x20\0\0\0", 12);
    } else if (strcmp(word, "pad") == 0) {
        zeros(header, 2);
    } else if (has_qos || is_relayed || strcmp(word, "wifi") == 0) {
        (void)sl_buf_add_u8(header, has_qos ? 0x88 : 0x08);
        (void)sl_buf_add_u8(header, is_relayed ? 3 : 1);
        zeros(header, is_relayed ? 28 : 22);
        (void)sl_buf_add(header, strcmp(word, "amsdu") == 0 ? "\x80\0" : "\0\0", has_qos ? 2 : 0);
        if (strcmp(word, "amsdu") == 0) {
            zeros(header, 12);
            (void)sl_buf_add_be16(header, (uint16_t)len);
        }
    } else {
        return false;
    }
    return true;
}

static bool add_tunnel(struct sl_buf *header, const char *word, unsigned value, size_t len,
                       struct inner *inner)
{
    struct inner is = *inner;
    if (strcmp(word, "ipv4") == 0 || strcmp(word, "ipv6") == 0) {
        bool is_v6 = strcmp(word, "ipv6") == 0;
        (is_v6 ? add_v6 : add_v4)(header, len, is.ip);
        *inner = ip_inner(header);
    } else if (strcmp(word, "gre") == 0) {
        add_gre(header, value, is.ethertype);
        inner->ip = 47;
    } else if (strncmp(word, "erspan", 6) == 0) {
        zeros(header, word[6] == '1' ? 0 : word[6] == '2' ? 8 : 11);
        if (word[6] == '3') {
            (void)sl_buf_add_u8(header, word[7] == '+' ? 1 : 0);
            zeros(header, word[7] == '+' ? 8 : 0);
        }
        inner->ethertype = word[6] == '3' ? 0x22eb : 0x88be;
    } else if (strcmp(word, "udp") == 0) {
        (void)sl_buf_add_be16(header, 55555);
        (void)sl_buf_add_be16(header, (uint16_t)value);
        (void)sl_buf_add_be16(header, (uint16_t)(len + 8));
        zeros(header, 2);
        inner->ip = 17;
    } else if (strcmp(word, "vxlan") == 0) {
        (void)sl_buf_add_be32(header, 0x08000000);
        (void)sl_buf_add_be32(header, value << 8);
    } else if (strcmp(word, "geneve") == 0) {
        add_geneve(header, value, is.ethertype);
    } else if (strcmp(word, "gtp") == 0 || strcmp(word, "gtp+") == 0) {
        bool has_more = word[3] == '+';
        (void)sl_buf_add(header, has_more ? "\x34\xff" : "\x30\xff", 2);
        (void)sl_buf_add_be16(header, (uint16_t)(len + (has_more ? 8 : 0)));
        (void)sl_buf_add_be32(header, 77);
        (void)sl_buf_add(header, "\0\0\0\x85\1\0\1\0", has_more ? 8 : 0);
    } else if (strcmp(word, "etherip") == 0) {
        (void)sl_buf_add_be16(header, 0x3000);
        inner->ip = 97;
    } else {
        return false;
    }
    return true;
}

static bool add_labels(struct sl_buf *header, const char *word, unsigned value, size_t len,
                       struct inner *inner)
{
    struct inner is = *inner;
    if (strcmp(word, "mpls") == 0 || strcmp(word, "label") == 0) { /* mpls: the bottom */
        (void)sl_buf_add_be32(header, value << 12 | (word[0] == 'm' ? 0x100U : 0) | 64);
        *inner = (struct inner){0x8847, 0x0281, 137};
    } else if (strcmp(word, "8848") == 0) {
        inner->ethertype = 0x8848;
    } else if (strcmp(word, "control") == 0) {
        zeros(header, 4);
    } else if (strcmp(word, "ppp") == 0) {
        (void)sl_buf_add_be16(header, is.ppp);
        inner->ethertype = 0x880b;
    } else if (strcmp(word, "ppp8") == 0) {
        (void)sl_buf_add_u8(header, (uint8_t)is.ppp);
    } else if (strcmp(word, "pppoe") == 0) {
        (void)sl_buf_add_be32(header, 0x11000007);
        (void)sl_buf_add_be16(header, (uint16_t)len);
        inner->ethertype = 0x8864;
    } else if (strcmp(word, "hdlc") == 0) {
        (void)sl_buf_add_be16(header, 0xff03);
    } else if (strcmp(word, "cisco") == 0) {
        (void)sl_buf_add_be16(header, 0x0f00);
        (void)sl_buf_add_be16(header, is.ethertype);
    } else {
        return false;
    }
    return true;
}

void test_wrap(struct sl_buf *out, const char *recipe, struct sl_span packet)
{
    char words[WORDS_MAX][WORD_MAX];
    size_t count = 0;
    int used = 0;
    const char *rest = recipe;
    while (sscanf(rest, " %31s%n", words[count], &used) == 1) {
        rest += used;
        count++;
        assert_true(count < WORDS_MAX);
    }
    struct sl_buf frame;
    sl_buf_init(&frame, FRAME_MAX);
    (void)sl_buf_add_span(&frame, packet);
    struct inner inner = ip_inner(&frame);
    for (; count > 0; count--) {
        char *word = words[count - 1];
        char *colon = strchr(word, ':');
        int base = strncmp(word, "gre", 3) == 0 ? 16 : 10;
        unsigned value = colon == NULL ? 0 : (unsigned)strtoul(colon + 1, NULL, base);
        if (colon != NULL) {
            *colon = '\0';
        }
        struct sl_buf header;
        sl_buf_init(&header, FRAME_MAX);
        if (!add_link(&header, word, value, frame.len, &inner) &&
            !add_wifi(&header, word, frame.len) &&
            !add_tunnel(&header, word, value, frame.len, &inner) &&
            !add_labels(&header, word, value, frame.len, &inner)) {
            fail_msg("no such header: %s", word);
        }
        put_before(&frame, &header);
        sl_buf_release(&header);
    }
    (void)sl_buf_add_span(out, sl_buf_span(&frame));
    sl_buf_release(&frame);
}
