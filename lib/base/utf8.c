/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/utf8.h"

enum {
    BLOCK = 32,
};

static bool is_tail(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

size_t sl_utf8_char(struct sl_span text)
{
    if (text.len == 0) {
        return 0;
    }
    const uint8_t *b = text.data;
    if (b[0] < 0x80) {
        return 1;
    }
    if (b[0] < 0xc2 || b[0] > 0xf4) {
        return 0;
    }
    size_t len = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (text.len < len) {
        return 0;
    }
    /* RFC 3629 4: the second byte's range is narrower after these lead bytes. */
    uint8_t low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
    if (!is_tail(b[1], low, high)) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (!is_tail(b[i], 0x80, 0xbf)) {
            return 0;
        }
    }
    return len;
}

bool sl_utf8_is_valid(struct sl_span text)
{
    size_t i = 0;
    while (i < text.len) {
        /* Most text is ASCII: a block at a time, in few vector instructions. */
        while (i + BLOCK <= text.len) {
            uint8_t all = 0;
            for (size_t j = 0; j < BLOCK; j++) {
                all |= text.data[i + j];
            }
            if (all >= 0x80) {
                break;
            }
            i += BLOCK;
        }
        if (i == text.len) {
            break;
        }
        size_t len = text.data[i] < 0x80 ? 1 : sl_utf8_char(sl_span_from(text, i));
        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}
