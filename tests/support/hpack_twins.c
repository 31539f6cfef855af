/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/hpack_twins.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

struct hpack_twins {
    struct sl_hpack_decoder *ours;
    nghttp2_hd_inflater *theirs;
    struct sl_headers headers;
    struct sl_headers expected;
};

struct hpack_twins *hpack_twins_new(uint32_t table_size_max)
{
    struct hpack_twins *twins = sl_alloc(sizeof *twins);
    twins->ours = sl_hpack_decoder_new(table_size_max);
    if (nghttp2_hd_inflate_new(&twins->theirs) != 0 ||
        nghttp2_hd_inflate_change_table_size(twins->theirs, table_size_max) != 0) {
        abort();
    }
    return twins;
}

void hpack_twins_free(struct hpack_twins *twins)
{
    if (twins != NULL) {
        sl_hpack_decoder_free(twins->ours);
        nghttp2_hd_inflate_del(twins->theirs);
        sl_headers_release(&twins->headers);
        sl_headers_release(&twins->expected);
        sl_free(twins);
    }
}

void hpack_twins_set_table_size(struct hpack_twins *twins, uint32_t table_size_max)
{
    sl_hpack_decoder_set_table_size(twins->ours, table_size_max);
    if (nghttp2_hd_inflate_change_table_size(twins->theirs, table_size_max) != 0) {
        abort(); /* only inside a block */
    }
}

static bool inflate(struct hpack_twins *twins, struct sl_span block)
{
    static const uint8_t nothing[1];
    const uint8_t *pos = block.len == 0 ? nothing : block.data;
    size_t left = block.len;
    sl_headers_clear(&twins->expected);
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(twins->theirs, &nv, &flags, pos, left, 1);
        if (used < 0) {
            return false;
        }
        pos += used;
        left -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            if (sl_headers_add(&twins->expected, sl_span(nv.name, nv.namelen),
                               sl_span(nv.value, nv.valuelen)) == SL_OK) {
                twins->expected.fields[twins->expected.count - 1].is_never_indexed =
                    (nv.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
            }
        } else {
            return nghttp2_hd_inflate_end_headers(twins->theirs) == 0;
        }
    }
}

static const char *difference(const struct sl_headers *ours, const struct sl_headers *theirs)
{
    if (ours->lost_count != 0) {
        return "fields are lost";
    }
    if (!ours->is_truncated && ours->count != theirs->count) {
        return "the number of fields";
    }
    for (size_t i = 0; i < ours->count && i < theirs->count; i++) {
        if (!sl_span_equal(ours->fields[i].name, theirs->fields[i].name)) {
            return "a name";
        }
        if (!sl_span_equal(ours->fields[i].value, theirs->fields[i].value)) {
            return "a value";
        }
        if (ours->fields[i].is_never_indexed != theirs->fields[i].is_never_indexed) {
            return "never indexed";
        }
    }
    return NULL;
}

bool hpack_twins_decode(struct hpack_twins *twins, struct sl_span block, bool *ret_is_good,
                        const char **reterr_what)
{
    bool is_good = sl_hpack_decode(twins->ours, block, &twins->headers) == SL_OK;
    *ret_is_good = is_good;
    if (inflate(twins, block) != is_good) {
        *reterr_what = is_good ? "only ours is good" : "only ours is malformed";
        return false;
    }
    /* Of a malformed block both give the fields before the error. */
    *reterr_what = difference(&twins->headers, &twins->expected);
    return *reterr_what == NULL;
}

const struct sl_headers *hpack_twins_headers(const struct hpack_twins *twins)
{
    return &twins->headers;
}
