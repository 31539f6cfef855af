/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/glob.h"

/* One set at glob, which stands behind "[". Moves *glob behind its "]"; NULL when it has none. */
static bool set_matches(const char **glob, uint8_t byte)
{
    const char *at = *glob;
    bool is_inverted = *at == '!' || *at == '^';
    bool is_in = false;
    at += is_inverted ? 1 : 0;
    /* a "]" that comes first is one of the set */
    for (bool is_first = true; *at != '\0' && (*at != ']' || is_first); is_first = false) {
        uint8_t low = (uint8_t)*at++;
        uint8_t high = low;
        if (at[0] == '-' && at[1] != ']' && at[1] != '\0') {
            high = (uint8_t)at[1];
            at += 2;
        }
        is_in = is_in || (low <= byte && byte <= high);
    }
    *glob = *at == ']' ? at + 1 : NULL;
    return is_in != is_inverted;
}

/* One byte against what stands at *glob, which is no "*"; moves *glob on. */
static bool byte_matches(const char **glob, uint8_t byte)
{
    const char *at = *glob;
    if (*at == '[') {
        const char *behind = at + 1;
        bool is_match = set_matches(&behind, byte);
        if (behind != NULL) {
            *glob = behind;
            return is_match;
        }
    }
    if (*at == '\0') {
        return false;
    }
    if (*at == '?') {
        *glob = at + 1;
        return true;
    }
    at += at[0] == '\\' && at[1] != '\0' ? 1 : 0;
    *glob = at + 1;
    return (uint8_t)*at == byte;
}

bool ins_glob_matches(const char *glob, struct sl_span text)
{
    const char *star = NULL; /* behind the last "*" */
    size_t star_at = 0;      /* what it has taken ends here */
    for (size_t at = 0; at < text.len;) {
        if (*glob == '*') {
            star = ++glob;
            star_at = at;
        } else if (byte_matches(&glob, text.data[at])) {
            at++;
        } else if (star != NULL) {
            /* the last star takes a byte more; earlier ones need never be tried again */
            glob = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*glob == '*') {
        glob++;
    }
    return *glob == '\0';
}
