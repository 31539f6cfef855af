/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/trace_context.h"

#include "reference-server/chat/siphash.h"

enum {
    VERSION_AT = 0, /* 00-TRACEID-PARENTID-FLAGS */
    TRACE_AT = 3,
    PARENT_AT = 36,
    FLAGS_AT = 53,
    LEN = 55,
    VERSION_FORBIDDEN = 0xff,
    FLAG_SAMPLED = 0x01,
};

void srv_trace_source_init(struct srv_trace_source *source, const uint8_t secret[SRV_TRACE_KEY])
{
    struct srv_siphash key = srv_siphash(secret, sl_span_str("trace ids"));
    memcpy(source->key, &key, sizeof(source->key));
    source->next = 0;
}

/* -1 for what is no lower-case digit. */
static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const uint8_t *text, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit(text[2 * i]);
        int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static bool parse(struct sl_span text, struct srv_trace *trace)
{
    uint8_t version = 0;
    uint8_t flags = 0;
    if (text.len < LEN || !read_hex(text.data + VERSION_AT, &version, 1) ||
        version == VERSION_FORBIDDEN) {
        return false;
    }
    if (text.len > LEN && (version == 0 || text.data[LEN] != '-')) {
        return false;
    }
    if (text.data[TRACE_AT - 1] != '-' || text.data[PARENT_AT - 1] != '-' ||
        text.data[FLAGS_AT - 1] != '-' ||
        !read_hex(text.data + TRACE_AT, trace->trace_id, SRV_TRACE_ID) ||
        !read_hex(text.data + PARENT_AT, trace->parent_id, SRV_SPAN_ID) ||
        !read_hex(text.data + FLAGS_AT, &flags, 1)) {
        return false;
    }
    trace->is_sampled = (flags & FLAG_SAMPLED) != 0;
    return !is_zero(trace->trace_id, SRV_TRACE_ID) && !is_zero(trace->parent_id, SRV_SPAN_ID);
}

bool srv_trace_parse(struct sl_span traceparent, struct srv_trace *ret_trace)
{
    *ret_trace = (struct srv_trace){0};
    if (!parse(traceparent, ret_trace)) {
        *ret_trace = (struct srv_trace){0};
        return false;
    }
    return true;
}

/* len random bytes, not all of them zero. */
static void new_id(struct srv_trace_source *source, uint8_t *out, size_t len)
{
    do {
        source->next++;
        struct srv_siphash hash =
            srv_siphash(source->key, sl_span(&source->next, sizeof(source->next)));
        memcpy(out, &hash, len);
    } while (is_zero(out, len));
}

void srv_trace_begin(struct srv_trace_source *source, struct sl_span traceparent,
                     struct srv_trace *ret_trace)
{
    (void)!srv_trace_parse(traceparent, ret_trace);
    srv_trace_complete(source, ret_trace);
}

void srv_trace_complete(struct srv_trace_source *source, struct srv_trace *trace)
{
    if (is_zero(trace->trace_id, SRV_TRACE_ID)) {
        new_id(source, trace->trace_id, SRV_TRACE_ID);
        trace->is_sampled = true;
    }
    new_id(source, trace->span_id, SRV_SPAN_ID);
}

static void write_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0xf];
    }
    out[2 * len] = '\0';
}

const char *srv_trace_id_text(const struct srv_trace *trace, char out[SRV_TRACE_HEX])
{
    write_hex(trace->trace_id, SRV_TRACE_ID, out);
    return out;
}

const char *srv_span_id_text(const uint8_t id[SRV_SPAN_ID], char out[SRV_SPAN_HEX])
{
    write_hex(id, SRV_SPAN_ID, out);
    return out;
}
