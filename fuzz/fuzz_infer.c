/* SPDX-License-Identifier: Apache-2.0 */
/* What is inferred of blocks with unseen entries. Input: pieces behind a byte of their length and one that
 * says what they are: a block or message of a direction, a gap, or the end of a call. */
#include <assert.h>

#include "fuzz/builtin.h"
#include "fuzz/fuzz.h"
#include "inspector/infer/infer.h"
#include "lib/base/rd.h"

enum {
    IS_RESPONSE = 1,
    IS_LAST = 2,
    KIND_SHIFT = 2,
    KIND_BLOCK = 0,
    KIND_MESSAGE = 1,
    KIND_GAP = 2,
    KIND_END = 3,
};

struct world {
    struct ins_infer_connection *connection;
    struct sl_hpack_decoder *decoder[2];
    struct ins_infer_group *group;
    struct sl_call call;
};

static void check(const struct sl_headers *headers)
{
    assert(headers->count <= SL_HPACK_FIELDS_MAX && headers->bytes.len <= SL_HPACK_LIST_MAX);
    for (size_t i = 0; i < headers->lost_count; i++) {
        assert(headers->lost[i].before <= headers->count);
        assert(i == 0 || headers->lost[i - 1].before <= headers->lost[i].before);
    }
}

static void end_call(struct world *world)
{
    world->call.end = SL_CALL_TRAILERS;
    ins_infer_end(world->connection, world->group, &world->call);
    check(&world->call.request.headers);
    check(&world->call.response.trailers);
    const struct sl_method *candidates[INS_CANDIDATES_MAX];
    assert(ins_infer_candidates(world->group, candidates) <= INS_CANDIDATES_MAX);
    sl_headers_release(&world->call.request.headers);
    sl_headers_release(&world->call.response.trailers);
    world->call = (struct sl_call){0};
    world->group = NULL;
}

static void take_block(struct world *world, enum sl_dir dir, bool is_last, struct sl_span bytes)
{
    bool is_request = dir == SL_DIR_REQUEST;
    struct sl_headers *headers =
        is_request ? &world->call.request.headers : &world->call.response.trailers;
    if (sl_hpack_decode(world->decoder[dir], bytes, headers) != SL_OK) {
        sl_hpack_decoder_distrust(world->decoder[dir]);
    }
    struct ins_infer_group *group =
        ins_infer_block(world->connection, dir, is_last, world->decoder[dir], headers);
    check(headers);
    world->group = is_request ? group : world->group;
    world->call.request.has_headers = world->call.request.has_headers || is_request;
    world->call.response.has_trailers = world->call.response.has_trailers || !is_request;
}

static void take_message(struct world *world, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_call_side *side =
        dir == SL_DIR_REQUEST ? &world->call.request : &world->call.response;
    side->message_count++;
    const struct sl_message message = {.index = side->message_count,
                                       .length = (uint32_t)bytes.len,
                                       .has_prefix = true,
                                       .payload = bytes,
                                       .received = bytes.len,
                                       .is_complete = true};
    ins_infer_message(world->group, &world->call, dir, &message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ins_infer *infer = ins_infer_new(fuzz_builtin());
    struct world world = {.connection = ins_infer_open(infer)};
    world.decoder[SL_DIR_REQUEST] = sl_hpack_decoder_new(4096);
    world.decoder[SL_DIR_RESPONSE] = sl_hpack_decoder_new(4096);
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    while (sl_rd_left(&rd) > 1) {
        uint8_t what = sl_rd_u8(&rd);
        size_t len = sl_rd_u8(&rd);
        enum sl_dir dir = (what & IS_RESPONSE) != 0 ? SL_DIR_RESPONSE : SL_DIR_REQUEST;
        struct sl_span bytes = len <= sl_rd_left(&rd) ? sl_rd_take(&rd, len) : sl_rd_rest(&rd);
        switch (what >> KIND_SHIFT & 3) {
        case KIND_BLOCK:
            take_block(&world, dir, (what & IS_LAST) != 0, bytes);
            break;
        case KIND_MESSAGE:
            take_message(&world, dir, bytes);
            break;
        case KIND_GAP:
            sl_hpack_decoder_distrust(world.decoder[dir]);
            break;
        default:
            end_call(&world);
            break;
        }
    }
    end_call(&world);
    ins_infer_close(world.connection);
    ins_infer_free(infer);
    sl_hpack_decoder_free(world.decoder[0]);
    sl_hpack_decoder_free(world.decoder[1]);
    return 0;
}
