/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/request.h"

#include <strings.h>

#include "lib/wire/content.h"
#include "reference-server/frontend/h2/tls.h"

enum {
    FIELD_OVERHEAD = 32, /* RFC 9113 6.5.2 */
};

/* Fields that were seen. */
enum {
    SEEN_METHOD = 1u << 0,
    SEEN_SCHEME = 1u << 1,
    SEEN_PATH = 1u << 2,
    SEEN_AUTHORITY = 1u << 3,
    SEEN_TYPE = 1u << 4,
    SEEN_TE = 1u << 5,
};

#define SEEN_PSEUDO (SEEN_METHOD | SEEN_SCHEME | SEEN_PATH)

/* What is wrong, the first to be told first. */
enum {
    BAD_SIZE,
    BAD_PSEUDO,
    BAD_SCHEME,
    BAD_AUTHORITY,
    BAD_ORIGIN,
    BAD_METHOD,
    BAD_TYPE,
    BAD_TE,
    BAD_PATH,
    BAD_ENCODING,
    BAD_TIMEOUT,
    BAD_BINARY,
    BAD_COUNT,
};

static const struct srv_h2_refusal refusals[BAD_COUNT] = {
    [BAD_SIZE] = {.how = SRV_H2_GRPC,
                  .status = SL_GRPC_RESOURCE_EXHAUSTED,
                  .text = "the header list is too large"},
    [BAD_PSEUDO] = {.how = SRV_H2_MALFORMED, .text = "pseudo-header fields"},
    [BAD_SCHEME] = {.how = SRV_H2_HTTP, .http_status = 400, .text = ":scheme"},
    [BAD_AUTHORITY] = {.how = SRV_H2_HTTP, .http_status = 400, .text = ":authority"},
    [BAD_ORIGIN] = {.how = SRV_H2_HTTP,
                    .http_status = 421,
                    .text = "the certificate is not for this :authority"},
    [BAD_METHOD] = {.how = SRV_H2_HTTP, .http_status = 405, .text = ":method"},
    [BAD_TYPE] = {.how = SRV_H2_HTTP, .http_status = 415, .text = "content-type"},
    [BAD_TE] = {.how = SRV_H2_GRPC,
                .status = SL_GRPC_INTERNAL,
                .text = "\"te: trailers\" is missing: does something on the way drop trailers?"},
    [BAD_PATH] = {.how = SRV_H2_GRPC,
                  .status = SL_GRPC_UNIMPLEMENTED,
                  .text = "the path does not begin with a slash"},
    [BAD_ENCODING] = {.how = SRV_H2_GRPC,
                      .status = SL_GRPC_UNIMPLEMENTED,
                      .text = "the grpc-encoding is not supported",
                      .has_encodings = true},
    [BAD_TIMEOUT] = {.how = SRV_H2_GRPC,
                     .status = SL_GRPC_INTERNAL,
                     .text = "the grpc-timeout is malformed"},
    [BAD_BINARY] = {.how = SRV_H2_GRPC,
                    .status = SL_GRPC_INTERNAL,
                    .text = "a -bin field is not base64"},
};

void srv_h2_request_init(struct srv_h2_request *request)
{
    *request = (struct srv_h2_request){.timeout_ns = SRV_H2_NO_TIMEOUT};
    sl_buf_init(&request->request_id, SRV_H2_HEAD_BYTES_MAX);
}

void srv_h2_request_release(struct srv_h2_request *request)
{
    if (request != NULL) {
        sl_buf_release(&request->request_id);
    }
}

void srv_h2_request_clear(struct srv_h2_request *request, bool is_trailers)
{
    request->timeout_ns = SRV_H2_NO_TIMEOUT;
    request->encoding = SRV_H2_IDENTITY;
    request->accepts_gzip = false;
    request->has_traceparent = false;
    request->path_len = 0;
    sl_buf_clear(&request->request_id);
    request->bytes = 0;
    request->field_count = 0;
    request->seen = 0;
    request->problems = 0;
    request->authority_hash = 0;
    request->is_trailers = is_trailers;
}

static void note(struct srv_h2_request *request, unsigned problem)
{
    request->problems |= 1u << problem;
}

static void note_unless(struct srv_h2_request *request, bool is_good, unsigned problem)
{
    if (!is_good) {
        note(request, problem);
    }
}

/* A pseudo-header field comes once and is not empty (RFC 9113 8.3.1). */
static void see_once(struct srv_h2_request *request, unsigned seen, struct sl_span value)
{
    note_unless(request, (request->seen & seen) == 0 && value.len > 0, BAD_PSEUDO);
    request->seen |= seen;
}

static bool is_equal_nocase(struct sl_span value, const char *lower)
{
    return value.len == strlen(lower) &&
           strncasecmp((const char *)value.data, lower, value.len) == 0;
}

static void on_method(struct srv_h2_request *request, struct sl_span value)
{
    see_once(request, SEEN_METHOD, value);
    note_unless(request, sl_span_is(value, "POST"), BAD_METHOD);
    if (sl_span_is(value, "CONNECT")) {
        request->seen |= SEEN_SCHEME | SEEN_PATH; /* it has neither (RFC 9113 8.5) */
    }
}

static void on_scheme(struct srv_h2_request *request, struct sl_span value)
{
    see_once(request, SEEN_SCHEME, value);
    note_unless(request, is_equal_nocase(value, "http") || is_equal_nocase(value, "https"),
                BAD_SCHEME);
}

static void on_path(struct srv_h2_request *request, struct sl_span value)
{
    see_once(request, SEEN_PATH, value);
    note_unless(request, value.len > 0 && value.data[0] == '/', BAD_PATH);
    request->path_len = 0;
    if (value.len <= SRV_H2_PATH_MAX) {
        memcpy(request->path, value.data, value.len);
        request->path_len = (uint8_t)value.len;
    }
}

/* FNV-1a of the value in lower case, and never 0. Whoever makes two of them collide gains nothing. */
static uint64_t hash_nocase(struct sl_span value)
{
    const uint64_t fnv_offset = 0xcbf29ce484222325;
    const uint64_t fnv_prime = 0x100000001b3;
    uint64_t hash = fnv_offset;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * fnv_prime;
    }
    return hash == 0 ? 1 : hash;
}

/* RFC 9110 7.4: over TLS a request is for one of the names of our certificate. */
static bool is_ours(struct srv_h2_request *request, struct sl_span authority)
{
    if (request->tls != NULL && request->own_hash != request->authority_hash &&
        srv_tls_is_for(request->tls, authority)) {
        request->own_hash = request->authority_hash;
    }
    return request->tls == NULL || request->own_hash == request->authority_hash;
}

/* RFC 9113 8.3.1: no user information; a host field that names another authority is malformed. */
static void on_host(struct srv_h2_request *request, struct sl_span value)
{
    bool has_user = value.len > 0 && memchr(value.data, '@', value.len) != NULL;
    uint64_t hash = hash_nocase(value);
    bool is_same = request->authority_hash == 0 || request->authority_hash == hash;
    note_unless(request, value.len > 0 && !has_user && is_same, BAD_AUTHORITY);
    request->authority_hash = hash;
    note_unless(request, is_ours(request, value), BAD_ORIGIN);
}

static void on_authority(struct srv_h2_request *request, struct sl_span value)
{
    note_unless(request, (request->seen & SEEN_AUTHORITY) == 0, BAD_PSEUDO);
    request->seen |= SEEN_AUTHORITY;
    on_host(request, value);
}

/* "application/grpc", then "+proto" or not, then parameters or not. Another "+format" is gRPC too, but its messages
 * are no protobuf. */
static void on_type(struct srv_h2_request *request, struct sl_span value)
{
    const uint8_t *semicolon = value.len == 0 ? NULL : memchr(value.data, ';', value.len);
    size_t len = semicolon == NULL ? value.len : (size_t)(semicolon - value.data);
    struct sl_span type = sl_span_trim(sl_span(value.data, len));
    request->seen |= SEEN_TYPE;
    note_unless(request,
                is_equal_nocase(type, "application/grpc") ||
                    is_equal_nocase(type, "application/grpc+proto"),
                BAD_TYPE);
}

static void on_te(struct srv_h2_request *request, struct sl_span value)
{
    request->seen |= SEEN_TE;
    note_unless(request, is_equal_nocase(value, "trailers"), BAD_TE);
}

static void on_encoding(struct srv_h2_request *request, struct sl_span value)
{
    for (enum srv_h2_encoding i = SRV_H2_IDENTITY; i <= SRV_H2_DEFLATE; i++) {
        if (sl_span_is(value, srv_h2_encoding_name(i))) {
            request->encoding = i;
            return;
        }
    }
    note(request, BAD_ENCODING);
}

static void on_accept_encoding(struct srv_h2_request *request, struct sl_span value)
{
    request->accepts_gzip |= sl_content_accepts(value, sl_span_str("gzip"));
}

static void on_timeout(struct srv_h2_request *request, struct sl_span value)
{
    enum sl_status status = sl_grpc_timeout_read(value, &request->timeout_ns);
    note_unless(request, status == SL_OK, BAD_TIMEOUT);
}

/* PROTOCOL-HTTP2 "ASCII-Value". Of several the first counts; one that is not ASCII is as none. */
static void on_request_id(struct srv_h2_request *request, struct sl_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < 0x20 || value.data[i] > 0x7e) {
            return;
        }
    }
    if (request->request_id.len == 0) {
        (void)sl_buf_add_span(&request->request_id, value);
    }
}

/* W3C Trace Context 3.2.2: lower-case hexadecimal digits in four parts, ids that are not all zero; version ff is
 * invalid, and later versions may have more behind another dash. */
static bool is_traceparent(struct sl_span value)
{
    static const char form[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    bool has_trace = false;
    bool has_span = false;
    if (value.len < SRV_H2_TRACEPARENT_LEN) {
        return false;
    }
    for (size_t i = 0; i < SRV_H2_TRACEPARENT_LEN; i++) {
        uint8_t c = value.data[i];
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (form[i] == '-' ? c != '-' : !is_digit) {
            return false;
        }
        has_trace = has_trace || (i >= 3 && i < 35 && c != '0');
        has_span = has_span || (i >= 36 && i < 52 && c != '0');
    }
    bool is_first_version = sl_span_starts(value, "00");
    bool has_more = value.len > SRV_H2_TRACEPARENT_LEN;
    bool is_end_good =
        !has_more || (!is_first_version && value.data[SRV_H2_TRACEPARENT_LEN] == '-');
    return has_trace && has_span && is_end_good && !sl_span_starts(value, "ff");
}

static void on_traceparent(struct srv_h2_request *request, struct sl_span value)
{
    if (!request->has_traceparent && is_traceparent(value)) {
        memcpy(request->traceparent, value.data, SRV_H2_TRACEPARENT_LEN);
        request->has_traceparent = true;
    }
}

static bool is_base64_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* RFC 4648 4, with or without padding; the bits that no byte uses are not looked at. */
static bool is_base64(struct sl_span value)
{
    size_t len = value.len;
    size_t padding = 0;
    while (padding < 2 && len > 0 && value.data[len - 1] == '=') {
        len--;
        padding++;
    }
    if (len % 4 == 1 || (padding > 0 && value.len % 4 != 0)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_base64_char(value.data[i])) {
            return false;
        }
    }
    return true;
}

/* PROTOCOL-HTTP2 "Binary-Header": several values may stand in one field, with commas between. */
static void on_binary(struct srv_h2_request *request, struct sl_span value)
{
    struct sl_span item;
    while (sl_span_next_item(&value, &item)) {
        note_unless(request, is_base64(sl_span_trim(item)), BAD_BINARY);
    }
}

const char *srv_h2_encoding_name(enum srv_h2_encoding encoding)
{
    static const char *const names[] = {"identity", "gzip", "deflate"};
    return names[encoding];
}

typedef void field_fn(struct srv_h2_request *request, struct sl_span value);

#define NAME(text) (text), sizeof(text) - 1

static const struct {
    const char *name;
    size_t len;
    field_fn *take;
} known[] = {
    {NAME(":method"), on_method},
    {NAME(":scheme"), on_scheme},
    {NAME(":path"), on_path},
    {NAME(":authority"), on_authority},
    {NAME("content-type"), on_type},
    {NAME("te"), on_te},
    {NAME("grpc-timeout"), on_timeout},
    {NAME("grpc-accept-encoding"), on_accept_encoding},
    {NAME("grpc-encoding"), on_encoding},
    {NAME("host"), on_host},
    {NAME("x-request-id"), on_request_id},
    {NAME("traceparent"), on_traceparent},
};

static field_fn *find(struct sl_span name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (name.len == known[i].len && memcmp(name.data, known[i].name, name.len) == 0) {
            return known[i].take;
        }
    }
    bool is_binary = name.len >= 4 && memcmp(name.data + name.len - 4, "-bin", 4) == 0;
    return is_binary ? on_binary : NULL;
}

bool srv_h2_request_field(struct srv_h2_request *request, struct sl_span name, struct sl_span value)
{
    size_t size = name.len + value.len + FIELD_OVERHEAD;
    if (size > SRV_H2_HEAD_BYTES_ABUSE || request->bytes + size > SRV_H2_HEAD_BYTES_ABUSE) {
        request->bytes = SRV_H2_HEAD_BYTES_ABUSE;
        note(request, BAD_SIZE);
        return false;
    }
    request->bytes += (uint32_t)size;
    request->field_count++;
    if (request->bytes > SRV_H2_HEAD_BYTES_MAX || request->field_count > SRV_H2_HEAD_FIELDS_MAX) {
        note(request, BAD_SIZE);
        return true;
    }
    field_fn *take = request->is_trailers ? NULL : find(name);
    if (take != NULL) {
        take(request, value.data == NULL ? sl_span("", 0) : value);
    }
    return true;
}

struct srv_h2_refusal srv_h2_request_judge(struct srv_h2_request *request)
{
    note_unless(request, (request->seen & SEEN_PSEUDO) == SEEN_PSEUDO, BAD_PSEUDO);
    note_unless(request, request->authority_hash != 0, BAD_AUTHORITY);
    note_unless(request, (request->seen & SEEN_TYPE) != 0, BAD_TYPE);
    note_unless(request, (request->seen & SEEN_TE) != 0, BAD_TE);
    for (unsigned i = 0; i < BAD_COUNT; i++) {
        if ((request->problems & 1u << i) != 0) {
            return refusals[i];
        }
    }
    return (struct srv_h2_refusal){.how = SRV_H2_SERVED, .text = ""};
}
