/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROSE_H
#define HAR_PROSE_H

/*
 * Explanations as text for a terminal, as Markdown, or as a JSON object a line, by one set of calls.
 *
 * An explanation has a title and sections of paragraphs, list items and code. Text is wrapped to the width; what a
 * terminal would obey is shown as \xNN, what Markdown would obey is escaped.
 *
 * JSON: {"kind","id","title","sections":[{"heading","items":[{"depth","text"}]}]}; depth 0: a paragraph, 1: an item,
 * 2: an item in it ...; "code":true for code.
 *
 * Ownership: borrows the buffer. Limits: the buffer's.
 */
#include "lib/base/buf.h"
#include "lib/base/json_out.h"

enum har_prose_format {
    HAR_PROSE_TEXT,
    HAR_PROSE_MARKDOWN,
    HAR_PROSE_JSON,
};

enum {
    HAR_PROSE_WIDTH = 80, /* where nobody knows better */
    HAR_PROSE_WIDTH_MIN = 40,
    HAR_PROSE_WIDTH_MAX = 120, /* longer lines are hard to read */
};

struct har_prose {
    struct sl_buf *out;
    enum har_prose_format format;
    size_t width;
    struct sl_json_out json;
    unsigned count; /* explanations begun */
    bool is_in_section, has_item;
};

void har_prose_init(struct har_prose *prose, enum har_prose_format format, size_t width,
                    struct sl_buf *out);

/* kind: "rule", "scenario", "verb" ... */
void har_prose_begin(struct har_prose *prose, const char *kind, const char *id, const char *title);
/* heading "": none is shown. */
void har_prose_section(struct har_prose *prose, const char *heading);
/* depth 0: a paragraph. */
void har_prose_add(struct har_prose *prose, unsigned depth, const char *text);
void har_prose_addf(struct har_prose *prose, unsigned depth, const char *format, ...)
    SL_PRINTF(3, 4);
/* As it is, not wrapped. */
void har_prose_code(struct har_prose *prose, const char *text);
void har_prose_end(struct har_prose *prose);

#endif
