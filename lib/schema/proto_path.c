/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/proto_path.h"

#include <stdio.h>

static const char cut_mark[] = "...";

/* Puts text before what stands at *at; false when there is no room left. */
static bool put_before(char out[SL_PROTO_PATH_MAX], size_t *at, const void *text, size_t len)
{
    if (len + sizeof(cut_mark) > *at) {
        return false;
    }
    *at -= len;
    memcpy(out + *at, text, len);
    return true;
}

const char *sl_proto_path_text(const struct sl_proto_path *path, char out[SL_PROTO_PATH_MAX])
{
    size_t at = SL_PROTO_PATH_MAX - 1;
    bool is_whole = true;
    out[at] = '\0';
    for (; path != NULL && is_whole; path = path->parent) {
        char index[32];
        if (path->name.len == 0) {
            int len = snprintf(index, sizeof(index), "[%zu]", path->index);
            is_whole = put_before(out, &at, index, (size_t)len);
        } else {
            is_whole = put_before(out, &at, path->name.data, path->name.len) &&
                       put_before(out, &at, ".", 1);
        }
    }
    const char *front = is_whole ? "$" : cut_mark;
    at -= strlen(front);
    memcpy(out + at, front, strlen(front));
    memmove(out, out + at, SL_PROTO_PATH_MAX - at);
    return out;
}
