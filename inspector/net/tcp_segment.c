/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/tcp.h"
#include "lib/base/rd.h"

enum {
    TCP_HEADER_MIN = 20,
};

/* RFC 9293 3.1 */
bool ins_segment_read(struct sl_span bytes, size_t wire_len, struct ins_segment *ret_segment)
{
    struct sl_rd rd;
    sl_rd_init(&rd, bytes);
    ret_segment->from.port = sl_rd_be16(&rd);
    ret_segment->to.port = sl_rd_be16(&rd);
    ret_segment->sequence = sl_rd_be32(&rd);
    ret_segment->acknowledged = sl_rd_be32(&rd);
    size_t header_size = (size_t)(sl_rd_u8(&rd) >> 4) * 4;
    ret_segment->flags = sl_rd_u8(&rd);
    (void)sl_rd_take(&rd, 6); /* window, checksum, urgent pointer */
    if (!sl_rd_ok(&rd) || header_size < TCP_HEADER_MIN || wire_len < header_size ||
        wire_len - header_size > INT32_MAX) {
        return false;
    }
    ret_segment->payload = sl_span_from(bytes, header_size);
    ret_segment->len = (uint32_t)(wire_len - header_size);
    return true;
}
