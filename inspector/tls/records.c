/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/records.h"

void ins_tls_records_release(struct ins_tls_records *records)
{
    sl_buf_release(&records->held);
}

static size_t fragment_len(const uint8_t *header)
{
    return (size_t)header[3] << 8 | header[4];
}

bool ins_tls_records_is_header(struct sl_span bytes)
{
    const uint8_t *at = bytes.data;
    return bytes.len > 0 && at[0] >= INS_TLS_CHANGE_CIPHER_SPEC && at[0] <= INS_TLS_HEARTBEAT &&
           (bytes.len < 2 || at[1] == 3) && (bytes.len < 3 || at[2] <= 4) &&
           (bytes.len < INS_TLS_HEADER_SIZE || fragment_len(at) <= INS_TLS_FRAGMENT_MAX);
}

/* What a record looked for must look like: nobody but a ClientHello says another version. */
static bool is_candidate(struct sl_span bytes)
{
    return ins_tls_records_is_header(bytes) && (bytes.len < 3 || bytes.data[2] == 3) &&
           (bytes.len < INS_TLS_HEADER_SIZE || fragment_len(bytes.data) > 0);
}

/* Moves bytes until want are held; false when there are not so many. */
static bool hold(struct ins_tls_records *records, struct sl_span *bytes, size_t want)
{
    struct sl_buf *held = &records->held;
    if (held->len >= want) {
        return true;
    }
    struct sl_span moved = sl_span_first(*bytes, want - held->len);
    held->max = INS_TLS_RECORDS_HELD + 1;
    (void)sl_buf_reserve(held, want - held->len);
    (void)sl_buf_add_span(held, moved);
    *bytes = sl_span_from(*bytes, moved.len);
    return held->len == want;
}

static enum sl_status peek_held(struct ins_tls_records *records, struct sl_span *bytes,
                                struct ins_tls_record *ret_record)
{
    if (!hold(records, bytes, INS_TLS_HEADER_SIZE)) {
        return SL_AGAIN;
    }
    if (!ins_tls_records_is_header(sl_buf_span(&records->held))) {
        return SL_MALFORMED;
    }
    size_t len = fragment_len(records->held.data);
    if (!hold(records, bytes, INS_TLS_HEADER_SIZE + len)) {
        return SL_AGAIN;
    }
    ret_record->header = records->held.data;
    ret_record->fragment = sl_span(records->held.data + INS_TLS_HEADER_SIZE, len);
    return SL_OK;
}

static void skip(struct ins_tls_records *records, size_t len)
{
    sl_buf_consume(&records->held, len);
    records->skipped += len;
}

/* Brings the next candidate to the front of what is held. */
static enum sl_status search(struct ins_tls_records *records, struct sl_span *bytes,
                             struct ins_tls_record *ret_record)
{
    for (;;) {
        struct sl_span held = sl_buf_span(&records->held);
        size_t at = 0;
        while (at < held.len && !is_candidate(sl_span_from(held, at))) {
            at++;
        }
        skip(records, at);
        if (records->held.len == 0) {
            at = 0;
            while (at < bytes->len && !is_candidate(sl_span_from(*bytes, at))) {
                at++;
            }
            records->skipped += at;
            *bytes = sl_span_from(*bytes, at);
        }
        if (!hold(records, bytes, INS_TLS_HEADER_SIZE)) {
            return SL_AGAIN;
        }
        if (is_candidate(sl_buf_span(&records->held))) {
            return peek_held(records, bytes, ret_record);
        }
    }
}

enum sl_status ins_tls_records_peek(struct ins_tls_records *records, struct sl_span *bytes,
                                    struct ins_tls_record *ret_record)
{
    if (records->is_searching) {
        return search(records, bytes, ret_record);
    }
    if (records->held.len > 0) {
        return peek_held(records, bytes, ret_record);
    }
    if (bytes->len >= INS_TLS_HEADER_SIZE) {
        if (!ins_tls_records_is_header(*bytes)) {
            return SL_MALFORMED;
        }
        size_t len = fragment_len(bytes->data);
        if (bytes->len >= INS_TLS_HEADER_SIZE + len) {
            ret_record->header = bytes->data;
            ret_record->fragment = sl_span(bytes->data + INS_TLS_HEADER_SIZE, len);
            return SL_OK;
        }
    }
    return bytes->len == 0 ? SL_AGAIN : peek_held(records, bytes, ret_record);
}

void ins_tls_records_take(struct ins_tls_records *records, struct sl_span *bytes)
{
    records->is_searching = false;
    if (records->held.len == 0) {
        *bytes = sl_span_from(*bytes, INS_TLS_HEADER_SIZE + fragment_len(bytes->data));
        return;
    }
    sl_buf_consume(&records->held, INS_TLS_HEADER_SIZE + fragment_len(records->held.data));
    if (records->held.len == 0) {
        /* most connections are between records most of the time */
        sl_buf_release(&records->held);
    }
}

void ins_tls_records_reject(struct ins_tls_records *records)
{
    records->is_searching = true;
    skip(records, records->held.len > 0 ? 1 : 0);
}

void ins_tls_records_gap(struct ins_tls_records *records)
{
    records->skipped += records->held.len;
    sl_buf_release(&records->held);
    records->is_searching = true;
}
