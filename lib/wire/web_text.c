/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/web_text.h"

/* Its value, -1 for what is no digit of either alphabet. */
static int digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    return c == '/' || c == '_' ? 63 : -1;
}

/* The bytes of a whole group; answers how many. */
static size_t take_group(struct sl_web_text *state, uint8_t *out)
{
    size_t count = 3 - state->padding;
    uint32_t bits = state->bits << (6 * state->padding);
    for (size_t i = 0; i < count; i++) {
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    }
    *state = (struct sl_web_text){0};
    return count;
}

size_t sl_web_text_decode(struct sl_web_text *state, struct sl_span *text,
                          uint8_t out[SL_WEB_TEXT_OUT_MAX])
{
    struct sl_span piece = sl_span_first(*text, SL_WEB_TEXT_PIECE);
    size_t len = 0;
    *text = sl_span_from(*text, piece.len);
    for (size_t i = 0; i < piece.len && !state->is_malformed; i++) {
        uint8_t c = piece.data[i];
        int value = digit(c);
        if (c == '=' && state->digits + state->padding < 4 && state->digits >= 2) {
            state->padding++;
        } else if (value >= 0 && state->padding == 0) {
            state->bits = state->bits << 6 | (uint32_t)value;
            state->digits++;
        } else if (c != '\r' && c != '\n') {
            state->is_malformed = true;
        }
        if (state->digits + state->padding == 4) {
            len += take_group(state, out + len);
        }
    }
    return len;
}

size_t sl_web_text_end(struct sl_web_text *state, uint8_t out[SL_WEB_TEXT_OUT_MAX])
{
    if (state->is_malformed || state->digits == 0) {
        return 0;
    }
    if (state->digits == 1) {
        state->is_malformed = true;
        return 0;
    }
    state->padding = 4 - state->digits;
    return take_group(state, out);
}
