/* SPDX-License-Identifier: Apache-2.0 */
/* META-12: the encoder of header blocks keeps to the other side's table size (RFC 7541 4.2 to 4.4). */
#include "lib/wire/obs/state.h"

enum {
    TABLE_SIZE = 4096,        /* RFC 9113 6.5.2 */
    UPDATE = 0x20,            /* RFC 7541 6.3 */
    UPDATE_BITS = 0xe0,       /* of the first byte */
    INTEGER_SHIFT_MAX = 28,   /* what is longer is for the decoder to refuse */
    UPDATE_MASK = UPDATE - 1, /* RFC 7541 5.1 */
};

/* Nothing is known of an encoder whose blocks, or whose limit, may have gone unseen. */
static bool is_judged(const struct sl_observer *observer, enum sl_dir dir)
{
    return sl_rules_saw_all(observer) && !observer->rules.has_reported_table[dir];
}

static void report(struct sl_observer *observer, enum sl_dir dir, const char *what)
{
    const struct sl_stream *stream =
        sl_obs_stream_look_up(&observer->streams, observer->dir[dir].block_header.stream);
    struct sl_rule_place place = {
        .side = dir,
        .stream = observer->dir[dir].block_header.stream,
        .at = &observer->at,
        .call = stream == NULL || stream->call == NULL ? NULL : &stream->call->call,
    };
    observer->rules.has_reported_table[dir] = true;
    sl_rules_report(observer, SL_RULE_META_12, &place, "the %s's header block of stream %u %s",
                    sl_rules_side_name(dir), place.stream, what);
}

static void note_setting(struct sl_observer *observer, enum sl_dir dir,
                         const struct sl_h2_setting_pair *pair)
{
    if (pair->id == SL_H2_SETTINGS_HEADER_TABLE_SIZE) {
        sl_rules_limit_announce(&observer->rules.table_size[sl_obs_other(dir)], pair->value,
                                observer->dir[dir].frames);
    }
}

static void acked(struct sl_observer *observer, enum sl_dir dir, uint64_t mark)
{
    struct sl_rule_limit *limit = &observer->rules.table_size[dir];
    if (!sl_rules_limit_ack(limit, mark)) {
        return;
    }
    const struct sl_hpack_decoder *decoder = observer->dir[dir].hpack;
    uint32_t used = decoder == NULL ? TABLE_SIZE : sl_hpack_decoder_table_size(decoder);
    bool is_known = decoder == NULL || sl_hpack_decoder_gaps(decoder) == 0;
    observer->rules.is_update_due[dir] = is_known && used > limit->value;
}

/* RFC 7541 5.1: the number of a size update; answers the bytes that it takes, 0 for what is none. */
static size_t read_update(struct sl_span block, uint32_t *ret_size)
{
    if (block.len == 0 || (block.data[0] & UPDATE_BITS) != UPDATE) {
        return 0;
    }
    uint64_t size = block.data[0] & UPDATE_MASK;
    size_t at = 1;
    if (size == UPDATE_MASK) {
        for (unsigned shift = 0; shift <= INTEGER_SHIFT_MAX && at < block.len; shift += 7) {
            uint8_t byte = block.data[at++];
            size += (uint64_t)(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) {
                break;
            }
        }
    }
    *ret_size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    return at;
}

static void judge_block(struct sl_observer *observer, enum sl_dir dir, struct sl_span block)
{
    if (!is_judged(observer, dir)) {
        return;
    }
    struct sl_rules *rules = &observer->rules;
    uint32_t limit = rules->table_size[dir].value;
    uint32_t least = UINT32_MAX;
    uint32_t size = 0;
    size_t used = 0;
    bool is_over = false;
    while ((used = read_update(block, &size)) > 0) {
        least = size < least ? size : least;
        is_over = is_over || size > limit;
        block = sl_span_from(block, used);
    }
    bool is_missing = rules->is_update_due[dir] && least > limit;
    rules->is_update_due[dir] = false;
    if (is_missing) {
        report(observer, dir,
               "does not begin with a size update to the lower SETTINGS_HEADER_TABLE_SIZE that "
               "was acknowledged");
    } else if (is_over) {
        report(observer, dir,
               "has a size update above the other side's SETTINGS_HEADER_TABLE_SIZE");
    }
}

static void undecodable(struct sl_observer *observer, enum sl_dir dir)
{
    if (is_judged(observer, dir)) {
        report(observer, dir,
               "cannot be decoded: it names what its table does not hold, or breaks HPACK "
               "otherwise");
    }
}

const struct sl_rule_group sl_rules_hpack = {
    .setting = note_setting,
    .acked = acked,
    .block = judge_block,
    .undecodable = undecodable,
};
