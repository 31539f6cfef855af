/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/folder_name.h"

#include <stdio.h>

#include "lib/base/buf.h"

enum {
    HASH_DIGITS = 9, /* "-" and eight */
};

/* FNV-1a. */
static uint32_t hash_of(const char *bytes, size_t len)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)bytes[i]) * 16777619U;
    }
    return hash;
}

static void add_part(struct sl_buf *out, const char *part, size_t len)
{
    size_t shown = len <= HAR_FOLDER_PART_MAX ? len : HAR_FOLDER_PART_MAX - HASH_DIGITS;
    bool is_dots = (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0);
    for (size_t i = 0; i < shown; i++) {
        uint8_t c = (uint8_t)part[i];
        (void)sl_buf_add_u8(out, is_dots || c < 0x20 || c == 0x7f ? '_' : c);
    }
    if (shown < len) {
        (void)sl_buf_addf(out, "-%08x", hash_of(part, len));
    }
}

bool har_folder_name(const char *id, char ret_path[HAR_FOLDER_PATH_MAX])
{
    struct sl_buf out;
    sl_buf_init(&out, HAR_FOLDER_PATH_MAX - 128);
    while (*id != '\0') {
        size_t len = strcspn(id, "/");
        if (len > 0 && out.len > 0) {
            (void)sl_buf_add_u8(&out, '/');
        }
        if (len > 0) {
            add_part(&out, id, len);
        }
        id += len + (id[len] == '/');
    }
    /* A file of ours in DIR itself. */
    (void)sl_buf_add_str(&out, sl_span_is(sl_buf_span(&out), "decisions.jsonl") ? "_" : "");
    (void)sl_buf_add_str(&out, out.len == 0 ? "_" : "");
    bool is_good = !out.is_full;
    (void)snprintf(ret_path, HAR_FOLDER_PATH_MAX, "%s", sl_buf_str(&out));
    sl_buf_release(&out);
    return is_good;
}
