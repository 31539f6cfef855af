/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/render/pen.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/utf8.h"

enum {
    FORMATTED_MAX = 512,
    ESCAPED_MAX = 12,
    CUT_COLUMNS = 2, /* ".." */
};

struct range {
    uint32_t first, last;
};

/* Controls, and what has no shape or changes the direction of its neighbours. */
static const struct range unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},
    {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
};
static const struct range narrow[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f},
};
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},
    {0xa960, 0xa97c}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};

static bool is_in(uint32_t point, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

#define IS_IN(point, ranges) is_in(point, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* One character, or a byte that is none, as it is shown. */
struct glyph {
    size_t len; /* in the text */
    unsigned columns;
    char escaped[ESCAPED_MAX]; /* "" when it is shown as it is */
};

static uint32_t point_of(const uint8_t *at, size_t len)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = at[0] & masks[len];
    for (size_t i = 1; i < len; i++) {
        point = point << 6 | (at[i] & 0x3fU);
    }
    return point;
}

static struct glyph glyph_at(struct sl_span text)
{
    struct glyph glyph = {.len = sl_utf8_char(text), .columns = 1};
    if (glyph.len == 1 && text.data[0] >= 0x20 && text.data[0] < 0x7f) {
        return glyph;
    }
    if (glyph.len == 0) {
        glyph.len = 1;
        (void)snprintf(glyph.escaped, sizeof(glyph.escaped), "\\x%02x", text.data[0]);
    } else {
        uint32_t point = point_of(text.data, glyph.len);
        if (IS_IN(point, unsafe)) {
            (void)snprintf(glyph.escaped, sizeof(glyph.escaped), "\\u%04x", (unsigned)point);
        } else if (IS_IN(point, narrow)) {
            glyph.columns = 0;
        } else if (IS_IN(point, wide)) {
            glyph.columns = 2;
        }
    }
    if (glyph.escaped[0] != '\0') {
        glyph.columns = (unsigned)strlen(glyph.escaped);
    }
    return glyph;
}

/* Columns of text, counted no further than over limit. */
static unsigned measure(struct sl_span text, unsigned limit)
{
    unsigned columns = 0;
    while (text.len > 0 && columns <= limit) {
        struct glyph glyph = glyph_at(text);
        columns += glyph.columns;
        text = sl_span_from(text, glyph.len);
    }
    return columns;
}

unsigned ins_pen_columns(struct sl_span text)
{
    return measure(text, UINT16_MAX);
}

static void add_glyph(struct ins_pen *pen, struct sl_span text, const struct glyph *glyph)
{
    if (glyph->escaped[0] != '\0') {
        (void)sl_buf_add_str(pen->out, glyph->escaped);
    } else {
        (void)sl_buf_add_span(pen->out, sl_span_first(text, glyph->len));
    }
    pen->column += glyph->columns;
}

/* The columns that there are for a text of this limit. */
static unsigned room(const struct ins_pen *pen, unsigned limit)
{
    unsigned left = pen->width == 0            ? UINT16_MAX
                    : pen->width > pen->column ? pen->width - pen->column
                                               : 0;
    return limit == INS_PEN_REST || limit > left ? left : limit;
}

void ins_pen_text(struct ins_pen *pen, struct sl_span text, unsigned limit)
{
    limit = room(pen, limit);
    bool is_cut = measure(text, limit) > limit;
    unsigned end = pen->column + limit;
    unsigned reserve = is_cut && limit >= CUT_COLUMNS ? CUT_COLUMNS : 0;
    while (text.len > 0) {
        struct glyph glyph = glyph_at(text);
        if (pen->column + glyph.columns + reserve > end) {
            break;
        }
        add_glyph(pen, text, &glyph);
        text = sl_span_from(text, glyph.len);
    }
    if (reserve > 0) {
        (void)sl_buf_add_str(pen->out, "..");
        pen->column += CUT_COLUMNS;
    }
}

void ins_pen_tail(struct ins_pen *pen, struct sl_span text, unsigned limit)
{
    limit = room(pen, limit);
    unsigned columns = measure(text, UINT16_MAX);
    if (columns > limit && limit > CUT_COLUMNS) {
        (void)sl_buf_add_str(pen->out, "..");
        pen->column += CUT_COLUMNS;
        limit -= CUT_COLUMNS;
        while (columns > limit) {
            struct glyph glyph = glyph_at(text);
            columns -= glyph.columns;
            text = sl_span_from(text, glyph.len);
        }
    }
    ins_pen_text(pen, text, limit == 0 ? 1 : limit);
}

void ins_pen_wrap(struct ins_pen *pen, struct sl_span text, unsigned indent)
{
    while (text.len > 0) {
        const uint8_t *space = memchr(text.data, ' ', text.len);
        size_t len = space == NULL ? text.len : (size_t)(space - text.data);
        struct sl_span word = sl_span_first(text, len);
        unsigned columns = ins_pen_columns(word);
        if (pen->width > 0 && pen->column > indent && pen->column + columns > pen->width) {
            (void)sl_buf_add_u8(pen->out, '\n');
            pen->column = 0;
            ins_pen_to(pen, indent);
        }
        ins_pen_text(pen, word, INS_PEN_REST);
        text = sl_span_from(text, space == NULL ? len : len + 1);
        if (text.len > 0 && (pen->width == 0 || pen->column < pen->width)) {
            ins_pen_text(pen, sl_span_str(" "), 1);
        }
    }
}

void ins_pen_str(struct ins_pen *pen, const char *text)
{
    ins_pen_text(pen, sl_span_str(text), INS_PEN_REST);
}

void ins_pen_f(struct ins_pen *pen, const char *format, ...)
{
    char text[FORMATTED_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ins_pen_str(pen, text);
}

void ins_pen_to(struct ins_pen *pen, unsigned column)
{
    if (pen->column > 0 && column <= pen->column) {
        column = pen->column + 1;
    }
    while (pen->column < column && (pen->width == 0 || pen->column < pen->width)) {
        (void)sl_buf_add_u8(pen->out, ' ');
        pen->column++;
    }
}

void ins_pen_right(struct ins_pen *pen, const char *text, unsigned column)
{
    unsigned len = (unsigned)strlen(text);
    ins_pen_to(pen, column > len ? column - len : 0);
    ins_pen_str(pen, text);
}

void ins_pen_colour(struct ins_pen *pen, enum ins_colour colour)
{
    static const char *const codes[] = {
        [INS_PLAIN] = "\x1b[0m", [INS_DIM] = "\x1b[2m",    [INS_BOLD] = "\x1b[1m",
        [INS_RED] = "\x1b[31m",  [INS_GREEN] = "\x1b[32m", [INS_YELLOW] = "\x1b[33m",
        [INS_BLUE] = "\x1b[34m",
    };
    if (pen->has_colour) {
        (void)sl_buf_add_str(pen->out, codes[colour]);
    }
}

void ins_pen_end(struct ins_pen *pen)
{
    ins_pen_colour(pen, INS_PLAIN);
    (void)sl_buf_add_u8(pen->out, '\n');
    pen->column = 0;
}

const char *ins_pen_duration(double ms, char out[INS_PEN_DURATION_MAX])
{
    static const struct {
        double below, unit;
        const char *name;
    } scales[] = {{1, 0.001, "us"}, {1000, 1, "ms"}, {120e3, 1e3, "s"}, {120 * 60e3, 60e3, "min"}};
    double value = ms / 3600e3;
    const char *name = "h";
    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
        if (ms < scales[i].below) {
            value = ms / scales[i].unit;
            name = scales[i].name;
            break;
        }
    }
    bool is_fine = ms < 1; /* microseconds */
    int decimals = value < 10 && !is_fine ? 2 : value < 100 && !is_fine ? 1 : 0;
    (void)snprintf(out, INS_PEN_DURATION_MAX, "%.*f %s", decimals, value, name);
    return out;
}
