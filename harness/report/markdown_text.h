/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_MARKDOWN_TEXT_H
#define HAR_MARKDOWN_TEXT_H

/* Text of a peer in Markdown, as GitHub and GitLab read it. */
#include "lib/base/buf.h"

/*
 * Text as text: what Markdown or HTML could take for markup, a link or a mention is a numeric reference, so that a
 * table's cell stays one.
 */
void har_markdown_text(struct sl_buf *out, struct sl_span text);
void har_markdown_str(struct sl_buf *out, const char *text);
/* An element rather than backticks, which a text with backticks would end. */
void har_markdown_code(struct sl_buf *out, const char *text);

#endif
