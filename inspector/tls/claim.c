/* SPDX-License-Identifier: Apache-2.0 */
/* Is it TLS? By its records, never by its port. */
#include "inspector/tls/messages.h"
#include "inspector/tls/records.h"
#include "inspector/tls/tls.h"

enum {
    /* of a hello: record header, message header, version */
    HELLO_TYPE_AT = INS_TLS_HEADER_SIZE,
    HELLO_LENGTH_AT = HELLO_TYPE_AT + 1,
    HELLO_VERSION_AT = HELLO_TYPE_AT + INS_TLS_MESSAGE_HEADER,
    PROTECTED_MIN = 17,
};

static size_t record_len(struct sl_span bytes)
{
    return INS_TLS_HEADER_SIZE + ((size_t)bytes.data[3] << 8 | bytes.data[4]);
}

/* A stream begins with a record that begins with a hello. */
static enum ins_claim claim_start(struct sl_span bytes)
{
    if (bytes.data[0] != INS_TLS_HANDSHAKE || !ins_tls_records_is_header(bytes)) {
        return INS_CLAIM_NO;
    }
    if (bytes.len <= HELLO_TYPE_AT) {
        return INS_CLAIM_MAYBE;
    }
    uint8_t type = bytes.data[HELLO_TYPE_AT];
    if (type != INS_TLS_CLIENT_HELLO && type != INS_TLS_SERVER_HELLO) {
        return INS_CLAIM_NO;
    }
    size_t shown = record_len(bytes) < bytes.len ? record_len(bytes) : bytes.len;
    if ((shown > HELLO_LENGTH_AT && bytes.data[HELLO_LENGTH_AT] != 0) ||
        (shown > HELLO_VERSION_AT && bytes.data[HELLO_VERSION_AT] != 3)) {
        return INS_CLAIM_NO;
    }
    if (bytes.len <= HELLO_VERSION_AT && record_len(bytes) > HELLO_VERSION_AT) {
        return INS_CLAIM_MAYBE;
    }
    return type == INS_TLS_CLIENT_HELLO ? INS_CLAIM_CLIENT : INS_CLAIM_SERVER;
}

/* A segment of some middle begins with a record of data, and goes on with others as far as it does. */
static enum ins_claim claim_middle(struct sl_span bytes)
{
    if (bytes.len >= INS_TLS_HEADER_SIZE && claim_start(bytes) == INS_CLAIM_CLIENT) {
        return INS_CLAIM_CLIENT;
    }
    for (struct sl_span rest = bytes; rest.len > 0;) {
        bool is_header = rest.len >= 3 && ins_tls_records_is_header(rest) && rest.data[2] == 3;
        if (!is_header) {
            return INS_CLAIM_NO;
        }
        if (rest.len < INS_TLS_HEADER_SIZE) {
            break;
        }
        size_t len = record_len(rest);
        if (rest.data[0] == INS_TLS_APPLICATION_DATA && len < INS_TLS_HEADER_SIZE + PROTECTED_MIN) {
            return INS_CLAIM_NO;
        }
        rest = sl_span_from(rest, len);
    }
    return bytes.len >= INS_TLS_HEADER_SIZE ? INS_CLAIM_EITHER : INS_CLAIM_NO;
}

enum ins_claim ins_tls_claim(const struct ins_head *head)
{
    enum ins_claim claim = claim_start(head->bytes);
    return claim != INS_CLAIM_NO || head->is_start ? claim : claim_middle(head->bytes);
}
