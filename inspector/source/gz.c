/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#define ZLIB_CONST /* next_in borrows what it only reads */
#include <zlib.h>

#include "inspector/source/unpack.h"
#include "lib/base/alloc.h"

enum {
    WINDOW_BITS = 15 + 16,    /* zlib's sign for "a gzip header, nothing else" */
    HEADER_SIZE = 3,          /* magic and method */
    INFLATE_SIZE = 48 * 1024, /* of zlib's own state and window */
    SEARCH_STEP = 64 * 1024,  /* looked through at a time for the next member */
    TRIAL_SIZE = 512,         /* what a member that is found must give without damage */
};

struct gz {
    struct ins_input *packed; /* owned */
    z_stream stream;
    bool is_between; /* no member is under way */
    unsigned trials; /* places where a member may have begun behind damage */
};

static const uint8_t magic[HEADER_SIZE] = {0x1f, 0x8b, Z_DEFLATED};

bool ins_gz_is(struct sl_span start)
{
    return start.len >= HEADER_SIZE && memcmp(start.data, magic, HEADER_SIZE) == 0;
}

static void fail(const struct gz *gz, struct ins_input *input, const char *what)
{
    const char *failure = ins_input_failure(gz->packed);
    ins_input_fail(input, "the gzip data %s at its byte %" PRIu64, failure == NULL ? what : failure,
                   ins_input_offset(gz->packed));
}

/* What follows a member: another, the end, or zeros up to it, as tapes have (SL_CLOSED both). */
static enum sl_status next_member(struct gz *gz, struct ins_input *input)
{
    struct sl_span here = ins_input_view(gz->packed, HEADER_SIZE);
    if (ins_gz_is(here)) {
        gz->is_between = false;
        (void)inflateReset(&gz->stream);
        return SL_OK;
    }
    while (here.len > 0 && here.data[0] == 0) {
        (void)ins_input_skip(gz->packed, 1);
        here = ins_input_view(gz->packed, 1);
    }
    if (here.len > 0 && here.len < HEADER_SIZE && memcmp(here.data, magic, here.len) == 0) {
        fail(gz, input, "is cut");
        return SL_MALFORMED;
    }
    if (here.len > 0) {
        ins_input_fail(input, "what follows the gzip data at its byte %" PRIu64 " is no gzip data",
                       ins_input_offset(gz->packed));
        return SL_MALFORMED;
    }
    return SL_CLOSED;
}

static ssize_t gz_read(void *context, struct ins_input *input, uint8_t *into, size_t room)
{
    struct gz *gz = context;
    size_t done = 0;
    while (done == 0) {
        if (gz->is_between) {
            enum sl_status status = next_member(gz, input);
            if (status != SL_OK) {
                return status == SL_CLOSED ? 0 : -1;
            }
        }
        struct sl_span here = ins_input_view(gz->packed, 1);
        /* Not at the end: what the decompressor still holds comes out without more input. */
        gz->stream.next_in = here.data;
        gz->stream.avail_in = (uInt)here.len;
        gz->stream.next_out = into;
        gz->stream.avail_out = (uInt)room;
        int result = inflate(&gz->stream, Z_NO_FLUSH);
        done = room - gz->stream.avail_out;
        (void)ins_input_skip(gz->packed, here.len - gz->stream.avail_in);
        gz->is_between = result == Z_STREAM_END;
        if (done > 0 || gz->is_between) {
            continue;
        }
        if (here.len == 0) {
            fail(gz, input, "is cut");
            return -1;
        }
        if (result != Z_OK) {
            fail(gz, input, "is damaged");
            return -1;
        }
    }
    return (ssize_t)done;
}

/* True when the bytes decompress for a while, or to their end. */
static bool is_member(struct gz *gz, struct sl_span bytes)
{
    uint8_t out[TRIAL_SIZE];
    (void)inflateReset(&gz->stream);
    gz->stream.next_in = bytes.data;
    gz->stream.avail_in = (uInt)bytes.len;
    gz->stream.next_out = out;
    gz->stream.avail_out = sizeof(out);
    int result = inflate(&gz->stream, Z_NO_FLUSH);
    return result == Z_STREAM_END || (result == Z_OK && gz->stream.avail_out < sizeof(out));
}

/* To the next member. The magic alone is 3 bytes, so that what follows it must be right, too. */
static bool gz_resume(void *context)
{
    struct gz *gz = context;
    while (gz->trials < INS_UNPACK_TRIALS) {
        struct sl_span here = ins_input_view(gz->packed, SEARCH_STEP);
        const uint8_t *found =
            here.len == 0 ? NULL : memmem(here.data, here.len, magic, sizeof(magic));
        bool is_all = here.len < SEARCH_STEP;
        if (found == NULL && is_all) {
            return false;
        }
        size_t skip = found == NULL ? here.len - (HEADER_SIZE - 1) : (size_t)(found - here.data);
        (void)ins_input_skip(gz->packed, skip);
        if (found == NULL) {
            continue;
        }
        gz->trials++;
        if (is_member(gz, sl_span_first(ins_input_view(gz->packed, INS_UNPACK_TRIAL),
                                        INS_UNPACK_TRIAL))) {
            gz->is_between = true;
            return true;
        }
        (void)ins_input_skip(gz->packed, 1);
    }
    return false;
}

static size_t gz_memory(const void *context)
{
    return INFLATE_SIZE + ins_input_memory_size(((const struct gz *)context)->packed);
}

static void gz_free(void *context)
{
    struct gz *gz = context;
    (void)inflateEnd(&gz->stream);
    ins_input_free(gz->packed);
    sl_free(gz);
}

static const struct ins_input_ops gz_ops = {
    .read = gz_read,
    .resume = gz_resume,
    .memory = gz_memory,
    .free = gz_free,
};

struct ins_input *ins_gz_new(struct ins_input *packed)
{
    struct gz *gz = sl_alloc(sizeof(*gz));
    gz->packed = packed;
    gz->is_between = true;
    struct ins_input *input = ins_input_new(&gz_ops, gz, INS_INPUT_WINDOW);
    if (inflateInit2(&gz->stream, WINDOW_BITS) != Z_OK) {
        ins_input_fail(input, "zlib has no memory");
    }
    return input;
}
