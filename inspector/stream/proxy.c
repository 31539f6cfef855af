/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/proxy.h"

#include <arpa/inet.h>

#include "lib/base/rd.h"

#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

enum {
    V2_SIGNATURE_SIZE = 12,
    V2_HEADER_SIZE = 16,
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_TCP4 = 0x11,
    V2_UDP4 = 0x12,
    V2_TCP6 = 0x21,
    V2_UDP6 = 0x22,
    V2_UNIX = 0x31,
    V2_UNIX_DGRAM = 0x32,
    V2_UNIX_SIZE = 2 * 108,
    TLV_AUTHORITY = 0x02,
    V1_WORDS = 6, /* "PROXY", family, two addresses, two ports */
    WORD_MAX = 64,
};

/* --- version 1 (2.1): one line of text --- */

static bool read_address(const char *text, uint8_t version, struct ins_address *address)
{
    *address = (struct ins_address){.version = version};
    return inet_pton(version == 4 ? AF_INET : AF_INET6, text, address->bytes) == 1;
}

static bool read_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || len > 5) {
            return false;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *port = (uint16_t)value;
    return len > 0 && value <= UINT16_MAX;
}

/* Splits a line at single spaces; false when there are not exactly V1_WORDS, of usual length. */
static bool split(struct sl_span line, char words[V1_WORDS][WORD_MAX])
{
    size_t word = 0;
    size_t len = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == ' ') {
            words[word++][len] = '\0';
            len = 0;
        } else {
            words[word][len++] = (char)line.data[i];
        }
        if (word == V1_WORDS || len == WORD_MAX) {
            return false;
        }
    }
    words[word][len] = '\0';
    return word + 1 == V1_WORDS;
}

static bool read_v1_line(struct sl_span line, struct ins_via *via)
{
    if (sl_span_is(line, "PROXY UNKNOWN") || sl_span_starts(line, "PROXY UNKNOWN ")) {
        return true; /* what follows is to be ignored */
    }
    char words[V1_WORDS][WORD_MAX];
    if (!split(line, words)) {
        return false;
    }
    bool is_v4 = strcmp(words[1], "TCP4") == 0;
    uint8_t version = is_v4 ? 4 : 6;
    via->has_ends = true;
    return (is_v4 || strcmp(words[1], "TCP6") == 0) &&
           read_address(words[2], version, &via->client.address) &&
           read_address(words[3], version, &via->server.address) &&
           read_port(words[4], &via->client.port) && read_port(words[5], &via->server.port);
}

static enum ins_proxy_state read_v1(struct sl_span bytes, size_t *ret_size, struct ins_via *via)
{
    struct sl_span head = sl_span_first(bytes, INS_PROXY_V1_MAX);
    const uint8_t *end = memchr(head.data, '\n', head.len);
    if (end == NULL) {
        return head.len == INS_PROXY_V1_MAX ? INS_PROXY_NONE : INS_PROXY_SHORT;
    }
    size_t len = (size_t)(end - head.data);
    via->version = 1;
    if (head.data[len - 1] != '\r' || !read_v1_line(sl_span_first(head, len - 1), via)) {
        return INS_PROXY_NONE;
    }
    *ret_size = len + 1;
    return INS_PROXY_WHOLE;
}

/* --- version 2 (2.2): binary --- */

static void read_v2_end(struct sl_rd *addresses, struct sl_rd *ports, uint8_t version,
                        struct ins_endpoint *end)
{
    struct sl_span address = sl_rd_take(addresses, version == 4 ? 4 : 16);
    *end = (struct ins_endpoint){.address = {.version = version}, .port = sl_rd_be16(ports)};
    if (address.len > 0) {
        memcpy(end->address.bytes, address.data, address.len);
    }
}

static void read_v2_ends(struct sl_rd *rd, uint8_t version, struct ins_via *via)
{
    struct sl_rd ports = *rd;
    (void)sl_rd_take(&ports, version == 4 ? 8 : 32);
    read_v2_end(rd, &ports, version, &via->client);
    read_v2_end(rd, &ports, version, &via->server);
    via->has_ends = sl_rd_ok(&ports);
    *rd = ports;
}

/* 2.2.1 to 2.2.8: type, length, value. */
static void read_tlvs(struct sl_rd *rd, struct ins_via *via)
{
    while (sl_rd_left(rd) > 0) {
        uint8_t type = sl_rd_u8(rd);
        struct sl_span value = sl_rd_take(rd, sl_rd_be16(rd));
        if (type == TLV_AUTHORITY && value.len > 0 && value.len < sizeof(via->name)) {
            memcpy(via->name, value.data, value.len);
            via->name[value.len] = '\0';
        }
    }
}

/* rest: what came behind the first V2_HEADER_SIZE bytes of the header. */
static void read_v2_rest(struct sl_span rest, uint8_t command, uint8_t family, struct ins_via *via)
{
    struct sl_rd rd;
    sl_rd_init(&rd, rest);
    if (command == V2_LOCAL) {
        return; /* the proxy itself speaks, a health check for one */
    }
    switch (family) {
    case V2_TCP4:
    case V2_UDP4:
        read_v2_ends(&rd, 4, via);
        break;
    case V2_TCP6:
    case V2_UDP6:
        read_v2_ends(&rd, 6, via);
        break;
    case V2_UNIX:
    case V2_UNIX_DGRAM:
        (void)sl_rd_take(&rd, V2_UNIX_SIZE);
        break;
    default:
        return;
    }
    read_tlvs(&rd, via);
}

static enum ins_proxy_state read_v2(struct sl_span bytes, size_t *ret_size, struct ins_via *via)
{
    struct sl_rd rd;
    sl_rd_init(&rd, bytes);
    (void)sl_rd_take(&rd, V2_SIGNATURE_SIZE);
    uint8_t command = sl_rd_u8(&rd);
    uint8_t family = sl_rd_u8(&rd);
    size_t size = V2_HEADER_SIZE + (size_t)sl_rd_be16(&rd);
    if (!sl_rd_ok(&rd)) {
        return INS_PROXY_SHORT;
    }
    if (command != V2_LOCAL && command != V2_PROXY) {
        return INS_PROXY_NONE;
    }
    *ret_size = size;
    via->version = 2;
    struct sl_span rest = sl_rd_rest(&rd);
    read_v2_rest(sl_span_first(rest, size - V2_HEADER_SIZE), command, family, via);
    return bytes.len >= size ? INS_PROXY_WHOLE : INS_PROXY_SHORT;
}

/* Do bytes begin with text, as far as they go? */
static bool agrees(struct sl_span bytes, const char *text, size_t len)
{
    return memcmp(bytes.data, text, bytes.len < len ? bytes.len : len) == 0;
}

enum ins_proxy_state ins_proxy_read(struct sl_span bytes, size_t *ret_size, struct ins_via *ret_via)
{
    static const char v1[] = "PROXY ";
    *ret_size = 0;
    *ret_via = (struct ins_via){.kind = INS_VIA_PROXY};
    if (bytes.len == 0) {
        return INS_PROXY_SHORT;
    }
    if (agrees(bytes, v1, sizeof(v1) - 1)) {
        return read_v1(bytes, ret_size, ret_via);
    }
    if (agrees(bytes, V2_SIGNATURE, V2_SIGNATURE_SIZE)) {
        return read_v2(bytes, ret_size, ret_via);
    }
    return INS_PROXY_NONE;
}
