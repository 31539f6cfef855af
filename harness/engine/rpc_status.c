/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/rpc_status.h"

#include "lib/base/rd.h"
#include "lib/schema/proto_rd.h"

/* Field numbers of google/rpc/status.proto, google/protobuf/any.proto and google/rpc/error_details.proto. */
enum {
    STATUS_CODE = 1,
    STATUS_DETAILS = 3,
    ANY_TYPE_URL = 1,
    ANY_VALUE = 2,
    BAD_REQUEST_VIOLATIONS = 1,
    VIOLATION_FIELD = 1,
};

/* The last value of a length-delimited field, and whether there was one. */
static bool find_field(struct sl_span message, uint32_t number, struct sl_span *ret_value)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    bool is_found = false;
    sl_rd_init(&rd, message);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == number && record.wire == SL_WIRE_LEN) {
            *ret_value = record.bytes;
            is_found = true;
        }
    }
    return is_found && sl_rd_ok(&rd);
}

static uint64_t find_number(struct sl_span message, uint32_t number)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    uint64_t value = 0;
    sl_rd_init(&rd, message);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == number && record.wire == SL_WIRE_VARINT) {
            value = record.value;
        }
    }
    return value;
}

/* True when one of the violations of a BadRequest names field. */
static bool names_field(struct sl_span bad_request, const char *field)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    bool is_found = false;
    sl_rd_init(&rd, bad_request);
    while (sl_proto_rd_next(&rd, &record)) {
        struct sl_span name = sl_span(NULL, 0);
        if (record.number == BAD_REQUEST_VIOLATIONS && record.wire == SL_WIRE_LEN &&
            find_field(record.bytes, VIOLATION_FIELD, &name)) {
            is_found |= sl_span_is(name, field);
        }
    }
    return is_found && sl_rd_ok(&rd);
}

const char *har_rpc_status_problem(struct sl_span status, uint32_t code, const char *field)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    const char *problem = "no detail of it is a google.rpc.BadRequest";
    if (find_number(status, STATUS_CODE) != code) {
        return "its code is not that of grpc-status";
    }
    sl_rd_init(&rd, status);
    while (sl_proto_rd_next(&rd, &record)) {
        struct sl_span url = sl_span(NULL, 0);
        struct sl_span value = sl_span(NULL, 0);
        if (record.number != STATUS_DETAILS || record.wire != SL_WIRE_LEN ||
            !find_field(record.bytes, ANY_TYPE_URL, &url)) {
            continue;
        }
        (void)find_field(record.bytes, ANY_VALUE, &value);
        const char *type = "/google.rpc.BadRequest";
        size_t len = strlen(type);
        if (url.len < len || !sl_span_is(sl_span_from(url, url.len - len), type)) {
            continue;
        }
        if (names_field(value, field)) {
            problem = NULL;
            break;
        }
        problem = "no field violation of its BadRequest names the field";
    }
    while (sl_proto_rd_next(&rd, &record)) {
        /* what stands behind it is to be well-formed too */
    }
    return sl_rd_ok(&rd) ? problem : "it is no protobuf message";
}
