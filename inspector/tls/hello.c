/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/hello.h"

#include <openssl/sha.h>

#include "lib/base/rd.h"

/* IANA "TLS ExtensionType Values" */
enum {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ALPN = 16,
    EXTENSION_ENCRYPT_THEN_MAC = 22,
    EXTENSION_SESSION_TICKET = 35,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_SUPPORTED_VERSIONS = 43,
    HOST_NAME = 0,
};

/* RFC 8446 4.1.3: the SHA-256 of "HelloRetryRequest" */
static const uint8_t retry_random[INS_TLS_RANDOM] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static enum sl_status status_of(const struct sl_rd *rd)
{
    return sl_rd_ok(rd) ? SL_OK : SL_MALFORMED;
}

static struct sl_span take_8(struct sl_rd *rd)
{
    return sl_rd_take(rd, sl_rd_u8(rd));
}

static struct sl_span take_16(struct sl_rd *rd)
{
    return sl_rd_take(rd, sl_rd_be16(rd));
}

static void read_random(struct sl_rd *rd, uint8_t *out)
{
    struct sl_span random = sl_rd_take(rd, INS_TLS_RANDOM);
    if (random.len > 0) {
        memcpy(out, random.data, random.len);
    }
}

static void read_session(struct sl_rd *rd, struct ins_tls_session_id *out)
{
    struct sl_span session = take_8(rd);
    if (session.len > sizeof(out->bytes)) {
        sl_rd_fail(rd);
    } else if (session.len > 0) {
        memcpy(out->bytes, session.data, session.len);
        out->len = session.len;
    }
}

/* RFC 6066 3: a list of names, of which only host names are defined. */
static void read_server_name(struct sl_span extension, struct sl_span *out)
{
    struct sl_rd rd;
    sl_rd_init(&rd, extension);
    (void)sl_rd_be16(&rd);
    uint8_t type = sl_rd_u8(&rd);
    struct sl_span name = take_16(&rd);
    if (type == HOST_NAME) {
        *out = name;
    }
}

/* RFC 7301 3.1: of a server, a list of the one protocol it chose. */
static void read_alpn(struct sl_span extension, struct sl_span *out)
{
    struct sl_rd rd;
    sl_rd_init(&rd, extension);
    (void)sl_rd_be16(&rd);
    *out = take_8(&rd);
}

static void digest(struct sl_span ticket, uint8_t out[INS_TLS_DIGEST])
{
    (void)SHA256(ticket.data, ticket.len, out);
}

/* The next extension of those in rd; false at the end. */
static bool next_extension(struct sl_rd *rd, uint16_t *ret_type, struct sl_span *ret_content)
{
    if (sl_rd_left(rd) == 0) {
        return false;
    }
    *ret_type = sl_rd_be16(rd);
    *ret_content = take_16(rd);
    return sl_rd_ok(rd);
}

enum sl_status ins_tls_read_client_hello(struct sl_span body,
                                         struct ins_tls_client_hello *ret_hello)
{
    struct sl_rd rd;
    struct ins_tls_client_hello *hello = ret_hello;
    *hello = (struct ins_tls_client_hello){.has_ticket = false};
    sl_rd_init(&rd, body);
    (void)sl_rd_be16(&rd); /* legacy_version */
    read_random(&rd, hello->random);
    read_session(&rd, &hello->session);
    (void)take_16(&rd); /* cipher_suites */
    (void)take_8(&rd);  /* compression_methods */
    if (!sl_rd_ok(&rd) || sl_rd_left(&rd) == 0) {
        return status_of(&rd);
    }
    struct sl_rd extensions;
    sl_rd_init(&extensions, take_16(&rd));
    uint16_t type = 0;
    struct sl_span content;
    while (next_extension(&extensions, &type, &content)) {
        if (type == EXTENSION_SERVER_NAME) {
            read_server_name(content, &hello->sni);
        } else if (type == EXTENSION_SESSION_TICKET && content.len > 0) {
            hello->has_ticket = true;
            digest(content, hello->ticket);
        } else if (type == EXTENSION_EARLY_DATA) {
            hello->has_early_data = true;
        }
    }
    return sl_rd_ok(&extensions) ? status_of(&rd) : SL_MALFORMED;
}

enum sl_status ins_tls_read_server_hello(struct sl_span body,
                                         struct ins_tls_server_hello *ret_hello)
{
    struct sl_rd rd;
    struct ins_tls_server_hello *hello = ret_hello;
    *hello = (struct ins_tls_server_hello){.version = 0};
    sl_rd_init(&rd, body);
    hello->version = sl_rd_be16(&rd);
    read_random(&rd, hello->random);
    read_session(&rd, &hello->session);
    hello->suite = sl_rd_be16(&rd);
    hello->compression = sl_rd_u8(&rd);
    hello->is_retry = memcmp(hello->random, retry_random, sizeof(retry_random)) == 0;
    if (!sl_rd_ok(&rd) || sl_rd_left(&rd) == 0) {
        return status_of(&rd);
    }
    struct sl_rd extensions;
    sl_rd_init(&extensions, take_16(&rd));
    uint16_t type = 0;
    struct sl_span content;
    while (next_extension(&extensions, &type, &content)) {
        if (type == EXTENSION_SUPPORTED_VERSIONS && content.len == 2) {
            hello->version = (uint16_t)(content.data[0] << 8 | content.data[1]);
        } else if (type == EXTENSION_ALPN) {
            read_alpn(content, &hello->alpn);
        } else if (type == EXTENSION_ENCRYPT_THEN_MAC) {
            hello->is_encrypt_then_mac = true;
        }
    }
    return sl_rd_ok(&extensions) ? status_of(&rd) : SL_MALFORMED;
}

enum sl_status ins_tls_read_extensions(struct sl_span body,
                                       struct ins_tls_extensions *ret_extensions)
{
    struct sl_rd rd;
    *ret_extensions = (struct ins_tls_extensions){.has_early_data = false};
    sl_rd_init(&rd, body);
    struct sl_rd extensions;
    sl_rd_init(&extensions, take_16(&rd));
    uint16_t type = 0;
    struct sl_span content;
    while (next_extension(&extensions, &type, &content)) {
        if (type == EXTENSION_ALPN) {
            read_alpn(content, &ret_extensions->alpn);
        } else if (type == EXTENSION_EARLY_DATA) {
            ret_extensions->has_early_data = true;
        }
    }
    return sl_rd_ok(&extensions) ? status_of(&rd) : SL_MALFORMED;
}

enum sl_status ins_tls_read_ticket(struct sl_span body, uint8_t ret_digest[INS_TLS_DIGEST])
{
    struct sl_rd rd;
    sl_rd_init(&rd, body);
    (void)sl_rd_be32(&rd); /* lifetime */
    struct sl_span ticket = take_16(&rd);
    if (!sl_rd_ok(&rd) || ticket.len == 0) {
        return SL_MALFORMED;
    }
    digest(ticket, ret_digest);
    return SL_OK;
}
