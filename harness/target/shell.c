/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/shell.h"

void har_shell_word(struct sl_buf *out, const char *text)
{
    (void)sl_buf_add_u8(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)sl_buf_add_str(out, "'\\''");
        } else {
            (void)sl_buf_add_u8(out, (uint8_t)*text);
        }
    }
    (void)sl_buf_add_u8(out, '\'');
}
