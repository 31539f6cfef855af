/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/shown.h"

enum {
    INDENT = 2,
    LINE_MAX_BYTES = 64 * 1024, /* of one paragraph */
};

void har_prose_init(struct har_prose *prose, enum har_prose_format format, size_t width,
                    struct sl_buf *out)
{
    *prose = (struct har_prose){.out = out, .format = format, .width = width};
    if (width < HAR_PROSE_WIDTH_MIN) {
        prose->width = HAR_PROSE_WIDTH_MIN;
    } else if (width > HAR_PROSE_WIDTH_MAX) {
        prose->width = HAR_PROSE_WIDTH_MAX;
    }
    sl_json_out_init(&prose->json, out);
}

/* The text with everything escaped that the format or a terminal would obey. */
static void escape(const struct har_prose *prose, const char *text, struct sl_buf *out)
{
    struct sl_span rest = sl_span_str(text);
    struct sl_span piece;
    while (rest.len > 0) {
        if (!har_shown_piece(&rest, &piece)) {
            if (piece.data[0] == '\n') {
                (void)sl_buf_add_u8(out, ' ');
            } else {
                har_shown_escape(piece, prose->format == HAR_PROSE_MARKDOWN ? "\\\\x" : "\\x", out);
            }
            continue;
        }
        if (prose->format == HAR_PROSE_MARKDOWN && strchr("\\`*_<>[]|#", piece.data[0]) != NULL) {
            (void)sl_buf_add_u8(out, '\\');
        }
        (void)sl_buf_add_span(out, piece);
    }
}

/* Columns that bytes of UTF-8 take, as far as a character is a column. */
static size_t columns(struct sl_span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += (text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Words of text, the first line behind what stands there already (at columns), others indented. */
static void wrap(struct har_prose *prose, struct sl_span text, size_t at, size_t indent)
{
    bool is_first = true;
    while (text.len > 0) {
        const uint8_t *space = memchr(text.data, ' ', text.len);
        struct sl_span word =
            sl_span(text.data, space == NULL ? text.len : (size_t)(space - text.data));
        text = sl_span_from(text, word.len + (space != NULL));
        if (word.len == 0) {
            continue;
        }
        if (!is_first && at + 1 + columns(word) > prose->width) {
            (void)sl_buf_addf(prose->out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!is_first) {
            (void)sl_buf_add_u8(prose->out, ' ');
            at++;
        }
        (void)sl_buf_add_span(prose->out, word);
        at += columns(word);
        is_first = false;
    }
    (void)sl_buf_add_u8(prose->out, '\n');
}

static void end_section(struct har_prose *prose)
{
    if (prose->format == HAR_PROSE_JSON && prose->is_in_section) {
        sl_json_out_end_array(&prose->json);
        sl_json_out_end_object(&prose->json);
    }
    prose->is_in_section = prose->has_item = false;
}

void har_prose_begin(struct har_prose *prose, const char *kind, const char *id, const char *title)
{
    bool is_first = prose->count++ == 0;
    if (prose->format == HAR_PROSE_JSON) {
        sl_json_out_init(&prose->json, prose->out);
        sl_json_out_begin_object(&prose->json);
        sl_json_out_key_str(&prose->json, "kind", kind);
        sl_json_out_key_str(&prose->json, "id", id);
        sl_json_out_key_str(&prose->json, "title", title);
        sl_json_out_key(&prose->json, "sections");
        sl_json_out_begin_array(&prose->json);
        return;
    }
    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    escape(prose, id, &line);
    if (title[0] != '\0') {
        (void)sl_buf_add_str(&line, ": ");
        escape(prose, title, &line);
    }
    if (prose->format == HAR_PROSE_MARKDOWN) {
        (void)sl_buf_addf(prose->out, "%s## %s\n", is_first ? "" : "\n", sl_buf_str(&line));
    } else {
        (void)sl_buf_add_str(prose->out, is_first ? "" : "\n\n");
        wrap(prose, sl_buf_span(&line), 0, 0);
    }
    sl_buf_release(&line);
}

void har_prose_section(struct har_prose *prose, const char *heading)
{
    end_section(prose);
    prose->is_in_section = true;
    if (prose->format == HAR_PROSE_JSON) {
        sl_json_out_begin_object(&prose->json);
        sl_json_out_key_str(&prose->json, "heading", heading);
        sl_json_out_key(&prose->json, "items");
        sl_json_out_begin_array(&prose->json);
    } else if (heading[0] == '\0') {
        (void)sl_buf_add_str(prose->out, "\n");
    } else {
        bool is_markdown = prose->format == HAR_PROSE_MARKDOWN;
        (void)sl_buf_addf(prose->out, is_markdown ? "\n### %s\n\n" : "\n%s\n", heading);
    }
}

static void add_json(struct har_prose *prose, unsigned depth, const char *text, bool is_code)
{
    sl_json_out_begin_object(&prose->json);
    sl_json_out_key_u64(&prose->json, "depth", depth);
    sl_json_out_key_str(&prose->json, "text", text);
    if (is_code) {
        sl_json_out_key_bool(&prose->json, "code", true);
    }
    sl_json_out_end_object(&prose->json);
}

void har_prose_add(struct har_prose *prose, unsigned depth, const char *text)
{
    if (prose->format == HAR_PROSE_JSON) {
        add_json(prose, depth, text, false);
        return;
    }
    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    escape(prose, text, &line);
    if (prose->format == HAR_PROSE_MARKDOWN) {
        if (depth == 0) {
            (void)sl_buf_addf(prose->out, "%s%s\n", prose->has_item ? "\n" : "", sl_buf_str(&line));
        } else {
            (void)sl_buf_addf(prose->out, "%*s- %s\n", (int)((depth - 1) * INDENT), "",
                              sl_buf_str(&line));
        }
    } else if (depth == 0) {
        (void)sl_buf_addf(prose->out, "%*s", INDENT, "");
        wrap(prose, sl_buf_span(&line), INDENT, INDENT);
    } else {
        size_t indent = (size_t)depth * INDENT;
        (void)sl_buf_addf(prose->out, "%*s- ", (int)indent, "");
        wrap(prose, sl_buf_span(&line), indent + 2, indent + 2);
    }
    prose->has_item = true;
    sl_buf_release(&line);
}

void har_prose_addf(struct har_prose *prose, unsigned depth, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    har_prose_add(prose, depth, text);
}

void har_prose_code(struct har_prose *prose, const char *text)
{
    if (prose->format == HAR_PROSE_JSON) {
        add_json(prose, 0, text, true);
    } else if (prose->format == HAR_PROSE_MARKDOWN) {
        (void)sl_buf_addf(prose->out, "%s```\n%s\n```\n", prose->has_item ? "\n" : "", text);
    } else {
        (void)sl_buf_addf(prose->out, "%*s%s\n", INDENT * 2, "", text);
    }
    prose->has_item = true;
}

void har_prose_end(struct har_prose *prose)
{
    end_section(prose);
    if (prose->format == HAR_PROSE_JSON) {
        sl_json_out_end_array(&prose->json);
        sl_json_out_end_object(&prose->json);
        (void)sl_buf_add_u8(prose->out, '\n');
    }
}
