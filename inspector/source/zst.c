/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "inspector/source/unpack.h"
#include "lib/base/alloc.h"

enum {
    MAGIC_SIZE = 4,
    FRAME_START = 5,         /* bytes from which a frame header's length can be told */
    SEARCH_STEP = 64 * 1024, /* looked through at a time for the next frame */
    TRIAL_SIZE = 512,        /* what a frame that is found must give without damage */
};

struct zst {
    struct ins_input *packed; /* owned */
    ZSTD_DCtx *context;
    size_t hint;     /* bytes that the decompressor wants next */
    bool is_between; /* no frame is under way */
    bool is_refused; /* a frame wanted too much memory: so will the others */
    unsigned trials; /* places where a frame may have begun behind damage */
    bool has_begun;  /* a frame that was found by search ... */
    uint64_t begun;  /* ... at this place */
};

bool ins_zst_is(struct sl_span start)
{
    if (start.len < MAGIC_SIZE) {
        return false;
    }
    const uint8_t *at = start.data;
    uint32_t magic =
        (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | (uint32_t)at[0];
    return magic == ZSTD_MAGICNUMBER ||
           (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static void fail(const struct zst *zst, struct ins_input *input, const char *what)
{
    const char *failure = ins_input_failure(zst->packed);
    ins_input_fail(input, "the zstd data %s at its byte %" PRIu64, failure == NULL ? what : failure,
                   ins_input_offset(zst->packed));
}

static ssize_t zst_read(void *context, struct ins_input *input, uint8_t *into, size_t room)
{
    struct zst *zst = context;
    ZSTD_outBuffer out = {.dst = into, .size = room};
    while (out.pos == 0) {
        struct sl_span here = ins_input_view(zst->packed, 1);
        if (here.len == 0 && zst->is_between) {
            return 0;
        }
        /* Block by block: output of the same call that meets a damaged block would be lost. */
        ZSTD_inBuffer in = {.src = here.data, .size = here.len < zst->hint ? here.len : zst->hint};
        size_t result = ZSTD_decompressStream(zst->context, &out, &in);
        (void)ins_input_skip(zst->packed, in.pos);
        if (ZSTD_isError(result) != 0) {
            bool is_large = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
            zst->is_refused = is_large;
            fail(zst, input,
                 is_large
                     ? "wants more than 8 MiB of memory (zstd --long or --ultra: decompress it "
                       "first)"
                     : "is damaged");
            return -1;
        }
        zst->is_between = result == 0;
        zst->hint = result == 0 ? FRAME_START : result;
        if (out.pos == 0 && here.len == 0) {
            fail(zst, input, "is cut");
            return -1;
        }
    }
    return (ssize_t)out.pos;
}

/* True when the bytes decompress for a while, or need more than there is. */
static bool is_frame(struct zst *zst, struct sl_span bytes)
{
    uint8_t scratch[TRIAL_SIZE];
    ZSTD_outBuffer out = {.dst = scratch, .size = sizeof(scratch)};
    ZSTD_inBuffer in = {.src = bytes.data, .size = bytes.len};
    (void)ZSTD_DCtx_reset(zst->context, ZSTD_reset_session_only);
    size_t result = ZSTD_decompressStream(zst->context, &out, &in);
    (void)ZSTD_DCtx_reset(zst->context, ZSTD_reset_session_only);
    return ZSTD_isError(result) == 0;
}

/* To the next frame: what follows its magic must be right, too. */
static bool zst_resume(void *context)
{
    struct zst *zst = context;
    if (zst->is_refused) {
        return false;
    }
    while (zst->trials < INS_UNPACK_TRIALS) {
        struct sl_span here = ins_input_view(zst->packed, SEARCH_STEP);
        bool is_all = here.len < SEARCH_STEP;
        size_t at = 0;
        while (at + MAGIC_SIZE <= here.len && !ins_zst_is(sl_span_from(here, at))) {
            at++;
        }
        bool is_found = at + MAGIC_SIZE <= here.len;
        /* A frame that is tried again because it failed behind the trial is none. */
        bool is_tried =
            is_found && zst->has_begun && zst->begun == ins_input_offset(zst->packed) + at;
        (void)ins_input_skip(zst->packed, at);
        zst->trials += is_found ? 1 : 0;
        here = sl_span_first(ins_input_view(zst->packed, INS_UNPACK_TRIAL), INS_UNPACK_TRIAL);
        if (is_found && !is_tried && is_frame(zst, here)) {
            zst->has_begun = true;
            zst->begun = ins_input_offset(zst->packed);
            zst->is_between = true;
            zst->hint = FRAME_START;
            return true;
        }
        if (is_found) {
            (void)ins_input_skip(zst->packed, 1);
        } else if (is_all) {
            return false;
        }
    }
    return false;
}

static size_t zst_memory(const void *context)
{
    const struct zst *zst = context;
    return ZSTD_sizeof_DCtx(zst->context) + ins_input_memory_size(zst->packed);
}

static void zst_free(void *context)
{
    struct zst *zst = context;
    (void)ZSTD_freeDCtx(zst->context);
    ins_input_free(zst->packed);
    sl_free(zst);
}

static const struct ins_input_ops zst_ops = {
    .read = zst_read,
    .resume = zst_resume,
    .memory = zst_memory,
    .free = zst_free,
};

struct ins_input *ins_zst_new(struct ins_input *packed)
{
    struct zst *zst = sl_alloc(sizeof(*zst));
    zst->packed = packed;
    zst->is_between = true;
    zst->hint = FRAME_START;
    zst->context = ZSTD_createDCtx();
    struct ins_input *input = ins_input_new(&zst_ops, zst, INS_INPUT_WINDOW);
    size_t result = ZSTD_DCtx_setParameter(zst->context, ZSTD_d_windowLogMax, INS_ZST_WINDOW_LOG);
    if (zst->context == NULL || ZSTD_isError(result) != 0) {
        ins_input_fail(input, "zstd has no memory");
    }
    return input;
}
