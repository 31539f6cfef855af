/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/features.h"

#include "lib/schema/proto_rd.h"

struct sl_features sl_features_of_syntax(struct sl_span syntax)
{
    if (sl_span_is(syntax, "proto3")) {
        return (struct sl_features){
            .presence = SL_PRESENCE_IMPLICIT, .is_packed = true, .is_utf8_checked = true};
    }
    if (sl_span_is(syntax, "editions")) {
        return (struct sl_features){
            .presence = SL_PRESENCE_EXPLICIT, .is_packed = true, .is_utf8_checked = true};
    }
    return (struct sl_features){.presence = SL_PRESENCE_EXPLICIT, .is_closed_enum = true};
}

/* One member of a FeatureSet; values that are not known leave things as they were. */
static void apply(struct sl_features *features, uint32_t number, uint64_t value)
{
    switch (number) {
    case 1: /* field_presence */
        if (value >= SL_PRESENCE_EXPLICIT && value <= SL_PRESENCE_REQUIRED) {
            features->presence = (enum sl_presence)value;
        }
        break;
    case 2: /* enum_type: OPEN = 1, CLOSED = 2 */
        features->is_closed_enum = value == 2;
        break;
    case 3: /* repeated_field_encoding: PACKED = 1, EXPANDED = 2 */
        features->is_packed = value == 1;
        break;
    case 4: /* utf8_validation: VERIFY = 2, NONE = 3 */
        features->is_utf8_checked = value == 2;
        break;
    case 5: /* message_encoding: LENGTH_PREFIXED = 1, DELIMITED = 2 */
        features->is_delimited = value == 2;
        break;
    default:
        break;
    }
}

struct sl_features sl_features_override(struct sl_features features, struct sl_span options,
                                        uint32_t number)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    sl_rd_init(&rd, options);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number != number || record.wire != SL_WIRE_LEN) {
            continue;
        }
        struct sl_rd set;
        struct sl_proto_record member;
        sl_rd_init(&set, record.bytes);
        while (sl_proto_rd_next(&set, &member)) {
            if (member.wire == SL_WIRE_VARINT && member.value != 0) {
                apply(&features, member.number, member.value);
            }
        }
    }
    return features;
}
