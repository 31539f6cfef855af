/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/lines.h"

#include <ctype.h>

#include "lib/base/buf.h"

enum {
    PATH_MAX_BYTES = 4096,
    DEPTH_MAX = 2048, /* jansson's own limit */
};

struct walk {
    const char *at, *end;
    size_t line;
    const char *wanted;
    bool is_key;
    size_t found;
    struct sl_buf path;
    unsigned depth;
};

static void walk_value(struct walk *walk);

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->end && isspace((unsigned char)*walk->at)) {
        walk->line += *walk->at == '\n';
        walk->at++;
    }
}

/* A string, from its opening quote; what is between the quotes. */
static struct sl_span walk_string(struct walk *walk)
{
    const char *start = ++walk->at;
    while (walk->at < walk->end && *walk->at != '"') {
        walk->at += *walk->at == '\\' && walk->at + 1 < walk->end ? 2 : 1;
    }
    struct sl_span inner = sl_span(start, (size_t)(walk->at - start));
    if (walk->at < walk->end) {
        walk->at++;
    }
    return inner;
}

static bool is_wanted(struct walk *walk)
{
    return strcmp(sl_buf_str(&walk->path), walk->wanted) == 0;
}

static void walk_member(struct walk *walk, size_t index, bool is_object)
{
    size_t mark = walk->path.len;
    if (is_object) {
        size_t line = walk->line;
        struct sl_span key = walk_string(walk);
        (void)sl_buf_addf(&walk->path, ".%.*s", SL_SPAN_ARG(key));
        if (walk->is_key && walk->found == 0 && is_wanted(walk)) {
            walk->found = line;
        }
        skip_space(walk);
        walk->at += walk->at < walk->end; /* the colon */
    } else {
        (void)sl_buf_addf(&walk->path, "[%zu]", index);
    }
    walk_value(walk);
    sl_buf_truncate(&walk->path, mark);
}

static void walk_members(struct walk *walk, char close)
{
    walk->at++;
    for (size_t index = 0; walk->found == 0; index++) {
        skip_space(walk);
        if (walk->at >= walk->end) {
            return;
        }
        if (*walk->at == close) {
            walk->at++;
            return;
        }
        if (*walk->at == ',') {
            walk->at++;
            skip_space(walk);
        }
        walk_member(walk, index, close == '}');
    }
}

static void walk_value(struct walk *walk)
{
    skip_space(walk);
    if (walk->at >= walk->end || walk->depth >= DEPTH_MAX) {
        walk->at = walk->end;
        return;
    }
    if (walk->found == 0 && is_wanted(walk)) {
        walk->found = walk->line;
        return;
    }
    walk->depth++;
    if (*walk->at == '{') {
        walk_members(walk, '}');
    } else if (*walk->at == '[') {
        walk_members(walk, ']');
    } else if (*walk->at == '"') {
        (void)walk_string(walk);
    } else {
        while (walk->at < walk->end && strchr(",]} \t\r\n", *walk->at) == NULL) {
            walk->at++;
        }
    }
    walk->depth--;
}

size_t har_json_line(struct sl_span text, const char *path, bool is_key)
{
    const char *start = (const char *)text.data;
    struct walk walk = {
        .at = start, .end = start + text.len, .line = 1, .wanted = path, .is_key = is_key};
    sl_buf_init(&walk.path, PATH_MAX_BYTES);
    (void)sl_buf_add_str(&walk.path, "$");
    walk_value(&walk);
    sl_buf_release(&walk.path);
    return walk.found;
}
