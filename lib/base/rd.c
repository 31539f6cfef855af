/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rd.h"

uint64_t sl_rd_varint_long(struct sl_rd *rd)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = sl_rd_u8(rd);
        if (rd->is_failed) {
            return 0;
        }
        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7f) << shift;
        }
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    rd->is_failed = true;
    return 0;
}
