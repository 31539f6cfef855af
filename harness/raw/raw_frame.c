/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/raw/raw_frame.h"

#include "harness/raw/raw_block.h"
#include "harness/raw/raw_head.h"
#include "lib/base/hex.h"
#include "lib/wire/h2_frame.h"

enum {
    PAYLOAD_MAX = SL_H2_MAX_FRAME_LIMIT,
    PAD_MAX = 255,
    PRIORITY_BYTES = 5, /* before the block of HEADERS; RFC 9113 6.2 */
};

#define AT(member) offsetof(struct har_raw_frame, member)
const struct har_field har_raw_frame_fields[HAR_RAW_FRAME_FIELDS] = {
    {"type", HAR_FIELD_JSON, AT(type), .is_required = true,
     .help = "\"DATA\" ... or a number; \"bytes\": no frame, only payload"},
    {"flags", HAR_FIELD_JSON, AT(flags),
     .help = "a number, or names: END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY; default "
             "END_HEADERS of HEADERS"},
    {"stream", HAR_FIELD_JSON, AT(stream),
     .help =
         "\"next\": a new number; \"same\": that of the last one, or of the actor's stream; or a "
         "number. Default: next for HEADERS, 0 for SETTINGS, PING and GOAWAY, else same"},
    {"request", HAR_FIELD_STRING, AT(request),
     .help = "the header fields of a request: \"SendMessage\" ..., or a whole path"},
    {"without", HAR_FIELD_STRINGS, AT(without), .help = "names of those fields that are left out"},
    {"headers", HAR_FIELD_JSON, AT(headers),
     .help =
         "[[name, value], ...] behind them; a third member `incremental` or `never` chooses the "
         "representation, `plain` (without indexing) is the default"},
    {"settings", HAR_FIELD_JSON, AT(settings),
     .help = "{name: value}, or [[id, value], ...] for any id, order and repetition"},
    {"code", HAR_FIELD_JSON, AT(code), .help = "RST_STREAM, GOAWAY: an error's name or number"},
    {"increment", HAR_FIELD_EXPR, AT(increment), .help = "WINDOW_UPDATE"},
    {"last_id", HAR_FIELD_EXPR, AT(last_id), .help = "GOAWAY"},
    {"opaque", HAR_FIELD_EXPR, AT(opaque), .help = "PING"},
    {"depends_on", HAR_FIELD_EXPR, AT(depends_on), .help = "PRIORITY"},
    {"weight", HAR_FIELD_EXPR, AT(weight), .help = "PRIORITY, as on the wire"},
    {"part", HAR_FIELD_RANGE, AT(part),
     .help =
         "bytes [from, to) of the header block (default: all), or for DATA of the body (default: "
         "none)"},
    {"slice", HAR_FIELD_EXPR, AT(slice), .help = "DATA: as many frames of at most so many bytes"},
    {"pad", HAR_FIELD_EXPR, AT(pad), .help = "so many bytes of padding, and the flag PADDED"},
    {"length", HAR_FIELD_EXPR, AT(length),
     .help = "announced in place of the true one; from then on the connection's findings are not "
             "counted"},
    {"reserved", HAR_FIELD_BOOL, AT(is_reserved),
     .help = "true: the reserved bit before the stream's number is set"},
    {"head", HAR_FIELD_STRING, AT(head),
     .help =
         "hex that stands before the header block; in braces strings: \"44{/$service/$method}\", "
         "with "
         "{huffman:...} coded. $service and $method are those of the unary method, $SERVICE and "
         "$METHOD in capitals, $other-service and $other-method in another case"},
    {"hex", HAR_FIELD_STRING, AT(hex), .help = "payload, or its rest"},
    {"text", HAR_FIELD_TEXT, AT(text), .help = "the same as text"},
    {"repeat", HAR_FIELD_EXPR, AT(repeat), .help = "hex and text so many times; default 1"},
};
#undef AT

/* --- reading the JSON of a frame --- */

static bool read_type(json_t *json, uint8_t *ret_type)
{
    if (json_is_integer(json)) {
        *ret_type = (uint8_t)json_integer_value(json);
        return json_integer_value(json) >= 0 && json_integer_value(json) <= UINT8_MAX;
    }
    for (unsigned i = 0; i < HAR_WIRE_TYPES && json_is_string(json); i++) {
        if (strcmp(json_string_value(json), sl_h2_type_name((uint8_t)i)) == 0) {
            *ret_type = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool read_flag(const char *name, uint8_t *flags)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } names[] = {{"END_STREAM", SL_H2_FLAG_END_STREAM},
                 {"ACK", SL_H2_FLAG_ACK},
                 {"END_HEADERS", SL_H2_FLAG_END_HEADERS},
                 {"PADDED", SL_H2_FLAG_PADDED},
                 {"PRIORITY", SL_H2_FLAG_PRIORITY}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && name != NULL; i++) {
        if (strcmp(names[i].name, name) == 0) {
            *flags |= names[i].flag;
            return true;
        }
    }
    return false;
}

static bool read_flags(json_t *json, uint8_t *ret_flags)
{
    *ret_flags = 0;
    if (json_is_integer(json)) {
        *ret_flags = (uint8_t)json_integer_value(json);
        return json_integer_value(json) >= 0 && json_integer_value(json) <= UINT8_MAX;
    }
    bool is_good = json_is_array(json);
    for (size_t i = 0; i < json_array_size(json) && is_good; i++) {
        is_good = read_flag(json_string_value(json_array_get(json, i)), ret_flags);
    }
    return is_good;
}

bool har_h2_error_read(json_t *json, uint32_t *ret_code)
{
    if (json_is_integer(json)) {
        *ret_code = (uint32_t)json_integer_value(json);
        return json_integer_value(json) >= 0 && json_integer_value(json) <= UINT32_MAX;
    }
    for (uint32_t i = 0; json_is_string(json) && sl_h2_error_name(i) != NULL; i++) {
        if (strcmp(json_string_value(json), sl_h2_error_name(i)) == 0) {
            *ret_code = i;
            return true;
        }
    }
    return false;
}

static bool is_stream(json_t *json)
{
    const char *text = json_string_value(json);
    bool is_word = text != NULL && (strcmp(text, "next") == 0 || strcmp(text, "same") == 0);
    return json == NULL || is_word ||
           (json_is_integer(json) && json_integer_value(json) >= 0 &&
            json_integer_value(json) <= SL_H2_MAX_WINDOW);
}

static bool is_bytes(const struct har_raw_frame *frame)
{
    const char *word = json_string_value(frame->type);
    return word != NULL && strcmp(word, "bytes") == 0;
}

static bool is_hex(const char *text)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, PAYLOAD_MAX);
    bool is_good = text == NULL || sl_hex_decode(sl_span_str(text), &bytes) == SL_OK;
    sl_buf_release(&bytes);
    return is_good;
}

const char *har_raw_frame_problem(const struct har_raw_frame *frame)
{
    uint8_t byte = 0;
    uint32_t code = 0;
    if (!is_bytes(frame) && !read_type(frame->type, &byte)) {
        return "type must be a frame's name of RFC 9113, 0 to 255, or \"bytes\"";
    }
    if (frame->flags != NULL && !read_flags(frame->flags, &byte)) {
        return "flags must be names of flags, or 0 to 255";
    }
    if (!is_stream(frame->stream)) {
        return "stream must be \"next\", \"same\" or a number up to 2^31-1";
    }
    if (frame->code != NULL && !har_h2_error_read(frame->code, &code)) {
        return "code must be an error's name of RFC 9113, or a number";
    }
    if (!is_hex(frame->hex)) {
        return "hex must be an even number of hex digits";
    }
    const char *problem = har_raw_head_problem(frame->head);
    problem = problem != NULL ? problem : har_raw_settings_problem(frame->settings);
    return problem != NULL ? problem : har_raw_headers_problem(frame->headers);
}

/* --- writing --- */

/* What is being written. */
struct writing {
    struct har_actor *actor;
    const struct har_raw_frame *frame;
    struct sl_span body;
    uint8_t type, flags;
    uint32_t stream;
};

static uint32_t number(const struct writing *writing, const struct har_expr *expr, double fallback)
{
    return (uint32_t)har_play_value_in(writing->actor->play, expr, fallback, 0, UINT32_MAX);
}

static bool choose_stream(struct writing *writing)
{
    struct har_actor *actor = writing->actor;
    const char *word = json_string_value(writing->frame->stream);
    bool is_of_connection = writing->type == SL_H2_SETTINGS || writing->type == SL_H2_PING ||
                            writing->type == SL_H2_GOAWAY;
    if (json_is_integer(writing->frame->stream)) {
        writing->stream = (uint32_t)json_integer_value(writing->frame->stream);
        return true;
    }
    if (word == NULL) {
        word = writing->type == SL_H2_HEADERS && actor->spec->kind == HAR_RAW ? "next" : "same";
        writing->stream = 0;
        if (is_of_connection) {
            return true;
        }
    }
    if (strcmp(word, "next") == 0) {
        actor->raw_stream = har_conn_take_stream_id(actor->link->conn);
    }
    bool has_own = actor->spec->kind != HAR_RAW && strcmp(word, "same") == 0;
    writing->stream = !has_own                ? actor->raw_stream
                      : actor->stream == NULL ? 0
                                              : har_stream_id(actor->stream);
    return writing->stream != 0;
}

static bool find_stream(struct writing *writing)
{
    bool is_found = choose_stream(writing);
    bool has_answer = writing->type == SL_H2_HEADERS || writing->type == SL_H2_DATA;
    if (is_found && has_answer && writing->stream != 0) {
        writing->actor->raw_told = writing->stream;
    }
    return is_found;
}

static struct sl_span cut(const struct writing *writing, struct sl_span whole)
{
    const struct har_range *part = &writing->frame->part;
    if (!part->low.is_set) {
        return whole;
    }
    size_t from = number(writing, &part->low, 0);
    size_t to = number(writing, &part->high, 0);
    return to <= from ? sl_span(NULL, 0) : sl_span_from(sl_span_first(whole, to), from);
}

static void add_fixed(const struct writing *writing, struct sl_buf *out)
{
    const struct har_raw_frame *frame = writing->frame;
    uint32_t code = 0;
    if (frame->code != NULL) {
        (void)har_h2_error_read(frame->code, &code);
    }
    if (writing->type == SL_H2_GOAWAY && (frame->code != NULL || frame->last_id.is_set)) {
        (void)sl_buf_add_be32(out, number(writing, &frame->last_id, 0));
        (void)sl_buf_add_be32(out, code);
    } else if (frame->code != NULL) {
        (void)sl_buf_add_be32(out, code);
    }
    if (frame->settings != NULL) {
        har_raw_settings_write(frame->settings, out);
    }
    if (frame->increment.is_set) {
        (void)sl_buf_add_be32(out, number(writing, &frame->increment, 0));
    }
    if (frame->opaque.is_set) {
        (void)sl_buf_add_be64(out, number(writing, &frame->opaque, 0));
    }
    if (frame->depends_on.is_set || frame->weight.is_set) {
        (void)sl_buf_add_be32(out, number(writing, &frame->depends_on, 0));
        (void)sl_buf_add_u8(out, (uint8_t)number(writing, &frame->weight, 15));
    }
}

static enum sl_status add_block(const struct writing *writing, struct sl_buf *out)
{
    const struct har_raw_frame *frame = writing->frame;
    struct sl_buf block;
    sl_buf_init(&block, PAYLOAD_MAX);
    if (frame->head != NULL) {
        har_raw_head_write(writing->actor->play, frame->head, &block);
    }
    har_raw_block_write(writing->actor, frame->request, &frame->without, frame->headers, &block);
    bool is_whole = !block.is_full;
    struct sl_span content = cut(writing, sl_buf_span(&block));
    if (writing->type == SL_H2_HEADERS) {
        bool has_priority = (writing->flags & SL_H2_FLAG_PRIORITY) != 0 && frame->head != NULL;
        size_t before = has_priority ? PRIORITY_BYTES : 0;
        (void)sl_buf_add_span(out, sl_span_first(content, before));
        har_conn_table_update(writing->actor->link->conn, out);
        content = sl_span_from(content, before);
    }
    (void)sl_buf_add_span(out, content);
    sl_buf_release(&block);
    return is_whole ? SL_OK : SL_LIMIT;
}

static void add_rest(const struct writing *writing, struct sl_buf *out)
{
    const struct har_raw_frame *frame = writing->frame;
    struct sl_buf piece;
    sl_buf_init(&piece, PAYLOAD_MAX);
    if (frame->hex != NULL && sl_hex_decode(sl_span_str(frame->hex), &piece) != SL_OK) {
        sl_buf_clear(&piece); /* the parser has refused it */
    }
    (void)sl_buf_add_span(&piece, frame->text.bytes);
    uint32_t times = piece.len == 0 ? 0 : number(writing, &frame->repeat, 1);
    for (uint32_t i = 0; i < times && !out->is_full; i++) {
        (void)sl_buf_add_span(out, sl_buf_span(&piece));
    }
    sl_buf_release(&piece);
}

/* One frame around content, with the padding and the length that are asked for. */
static enum sl_status put(const struct writing *writing, uint8_t flags, struct sl_span content,
                          struct sl_buf *out)
{
    static const uint8_t zeros[PAD_MAX];
    const struct har_raw_frame *frame = writing->frame;
    uint32_t pad = number(writing, &frame->pad, 0);
    pad = pad > PAD_MAX ? PAD_MAX : pad;
    uint32_t length = (uint32_t)content.len + (frame->pad.is_set ? 1 + pad : 0);
    struct sl_h2_frame_header header = {
        .length = number(writing, &frame->length, length) & 0xffffff,
        .type = writing->type,
        .flags = flags,
        .stream = writing->stream,
        .has_reserved_bit = frame->is_reserved,
    };
    writing->actor->link->is_garbled |= frame->length.is_set;
    (void)sl_h2_write_header(out, &header);
    if (frame->pad.is_set) {
        (void)sl_buf_add_u8(out, (uint8_t)pad);
    }
    (void)sl_buf_add_span(out, content);
    return sl_buf_add(out, zeros, pad);
}

static enum sl_status put_slices(const struct writing *writing, struct sl_span content,
                                 struct sl_buf *out)
{
    size_t most = number(writing, &writing->frame->slice, 0);
    enum sl_status status = SL_OK;
    most = most == 0 ? content.len : most;
    do {
        struct sl_span piece = sl_span_first(content, most);
        content = sl_span_from(content, piece.len);
        uint8_t inner = writing->flags & (uint8_t)~SL_H2_FLAG_END_STREAM;
        status = put(writing, content.len == 0 ? writing->flags : inner, piece, out);
    } while (content.len > 0 && status == SL_OK);
    return status;
}

enum sl_status har_raw_frame_write(struct har_actor *actor, const struct har_raw_frame *frame,
                                   struct sl_span body, struct sl_buf *out)
{
    struct writing writing = {.actor = actor, .frame = frame, .body = body};
    if (is_bytes(frame)) {
        actor->link->is_garbled = true;
        add_rest(&writing, out);
        return out->is_full ? SL_LIMIT : SL_OK;
    }
    (void)read_type(frame->type, &writing.type);
    if (!find_stream(&writing)) {
        return SL_STATE;
    }
    bool has_block = frame->request != NULL || frame->headers != NULL || frame->head != NULL;
    if (frame->flags != NULL) {
        (void)read_flags(frame->flags, &writing.flags);
    } else {
        writing.flags = writing.type == SL_H2_HEADERS ? SL_H2_FLAG_END_HEADERS : 0;
    }
    writing.flags |= frame->pad.is_set ? SL_H2_FLAG_PADDED : 0;
    struct sl_buf content;
    sl_buf_init(&content, PAYLOAD_MAX);
    add_fixed(&writing, &content);
    enum sl_status status = has_block ? add_block(&writing, &content) : SL_OK;
    if (!has_block && frame->part.low.is_set) {
        (void)sl_buf_add_span(&content, cut(&writing, body));
    }
    add_rest(&writing, &content);
    if (status == SL_OK && !content.is_full) {
        status = put_slices(&writing, sl_buf_span(&content), out);
    } else {
        status = SL_LIMIT;
    }
    sl_buf_release(&content);
    return status;
}
