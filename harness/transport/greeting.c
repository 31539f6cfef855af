/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/greeting.h"

#include <stdio.h>

enum {
    TLS_ALERT = 21,
    TLS_HANDSHAKE = 22,
    TLS_MAJOR = 3,
    LENGTH_SIZE = 3, /* of a frame, at its beginning */
    SHOWN_MAX = 40,
};

static bool begins(struct sl_span bytes, const char *text)
{
    return sl_span_starts(bytes, text);
}

static bool is_shown(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"';
}

/* As the length of a frame these bytes would be over two million: nobody begins HTTP/2 with that. */
static bool is_text(struct sl_span bytes)
{
    for (size_t i = 0; i < LENGTH_SIZE; i++) {
        if (i >= bytes.len || !is_shown(bytes.data[i])) {
            return false;
        }
    }
    return true;
}

static bool tell(char *ret, const char *text)
{
    snprintf(ret, HAR_GREETING_MAX, "%s", text);
    return true;
}

bool har_greeting_tell(struct sl_span bytes, char *ret)
{
    /* RFC 8446 5.1 */
    if (bytes.len >= 2 && (bytes.data[0] == TLS_ALERT || bytes.data[0] == TLS_HANDSHAKE) &&
        bytes.data[1] == TLS_MAJOR) {
        return tell(ret, "the server speaks TLS on this port: --tls, or --ca FILE with an "
                         "authority of its own");
    }
    if (begins(bytes, "HTTP/1.")) {
        return tell(ret, "the server answers in HTTP/1.1: it speaks no HTTP/2 on this port, or "
                         "only with TLS (--tls)");
    }
    if (begins(bytes, "PRI * HTTP/2.0")) { /* RFC 9113 3.4: the preface of a client, ours */
        return tell(ret, "what listens there echoes what it is sent: no gRPC server");
    }
    if (!is_text(bytes)) {
        return false;
    }
    size_t shown = 0;
    while (shown < bytes.len && shown < SHOWN_MAX && is_shown(bytes.data[shown])) {
        shown++;
    }
    snprintf(ret, HAR_GREETING_MAX,
             "the server speaks no HTTP/2 on this port: it begins with \"%.*s\"", (int)shown,
             (const char *)bytes.data);
    return true;
}
