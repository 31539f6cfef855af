/* SPDX-License-Identifier: Apache-2.0 */
/* The text decoders of lib/base, all over one input: what decodes encodes back to the same, and what
 * the JSON writer puts out is JSON. */
#include <assert.h>
#include <jansson.h>

#include "fuzz/fuzz.h"
#include "lib/base/hex.h"
#include "lib/base/json_out.h"
#include "lib/base/rd.h"
#include "lib/base/units.h"
#include "lib/base/utf8.h"

enum {
    OUT_MAX = 64 * 1024,
};

typedef enum sl_status encode_fn(struct sl_span bytes, struct sl_buf *out);
typedef enum sl_status decode_fn(struct sl_span text, struct sl_buf *out);

static enum sl_status base64_padded(struct sl_span bytes, struct sl_buf *out)
{
    return sl_base64_encode(bytes, true, out);
}

static enum sl_status base64_bare(struct sl_span bytes, struct sl_buf *out)
{
    return sl_base64_encode(bytes, false, out);
}

/* bytes survive encoding; text that decodes gives bytes that do. */
static void check_codec(encode_fn *encode, decode_fn *decode, struct sl_span input)
{
    struct sl_buf first;
    struct sl_buf second;
    sl_buf_init(&first, OUT_MAX);
    sl_buf_init(&second, OUT_MAX);
    if (encode(input, &first) == SL_OK) {
        enum sl_status status = decode(sl_buf_span(&first), &second);
        assert(status == SL_OK && sl_span_equal(sl_buf_span(&second), input));
        (void)status;
    }
    sl_buf_clear(&first);
    if (decode(input, &first) == SL_OK) {
        assert(first.len <= input.len);
    }
    sl_buf_release(&first);
    sl_buf_release(&second);
}

static void check_json(struct sl_span input)
{
    struct sl_buf text;
    struct sl_json_out out;
    sl_buf_init(&text, 8 * OUT_MAX);
    sl_json_out_init(&out, &text);
    sl_json_out_begin_array(&out);
    sl_json_out_span(&out, input);
    sl_json_out_base64(&out, input);
    sl_json_out_end_array(&out);
    if (!text.is_full) {
        json_t *read = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, NULL);
        assert(json_is_array(read));
        const json_t *first = json_array_get(read, 0);
        bool is_same = json_string_length(first) == input.len &&
                       memcmp(json_string_value(first), input.data, input.len) == 0;
        assert(is_same == sl_utf8_is_valid(input) || input.len == 0);
        json_decref(read);
    }
    sl_buf_release(&text);
}

static void check_numbers(struct sl_span input)
{
    uint64_t value = 0;
    if (sl_units_u64(input, &value) == SL_OK || sl_units_size(input, &value) == SL_OK ||
        sl_units_duration(input, &value) == SL_OK) {
        assert(input.len > 0 && input.data[0] >= '0' && input.data[0] <= '9');
    }
    struct sl_rd rd;
    sl_rd_init(&rd, input);
    while (sl_rd_left(&rd) > 0) {
        value = sl_rd_varint(&rd);
        struct sl_buf again;
        sl_buf_init(&again, 10);
        enum sl_status status = sl_buf_add_varint(&again, value);
        assert(status == SL_OK);
        (void)status;
        sl_buf_release(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_span input = sl_span(data, size);
    check_codec(sl_hex_encode, sl_hex_decode, input);
    check_codec(base64_padded, sl_base64_decode, input);
    check_codec(base64_bare, sl_base64_decode, input);
    if (size > 0) {
        check_json(input);
    }
    check_numbers(input);
    return 0;
}
