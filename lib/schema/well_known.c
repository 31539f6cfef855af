/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/well_known.h"

enum { FIELDS_MAX = 6 };

/* Types of fields 1, 2, ...; a repeated one is negative. */
static const struct known_type {
    const char *name; /* after google.protobuf. */
    enum sl_well_known well_known;
    int fields[FIELDS_MAX];
} known_types[] = {
    {"Any", SL_WKT_ANY, {SL_TYPE_STRING, SL_TYPE_BYTES}},
    {"Timestamp", SL_WKT_TIMESTAMP, {SL_TYPE_INT64, SL_TYPE_INT32}},
    {"Duration", SL_WKT_DURATION, {SL_TYPE_INT64, SL_TYPE_INT32}},
    {"FieldMask", SL_WKT_FIELD_MASK, {-SL_TYPE_STRING}},
    {"Struct", SL_WKT_STRUCT, {-SL_TYPE_MESSAGE}},
    {"Value",
     SL_WKT_VALUE,
     {SL_TYPE_ENUM, SL_TYPE_DOUBLE, SL_TYPE_STRING, SL_TYPE_BOOL, SL_TYPE_MESSAGE,
      SL_TYPE_MESSAGE}},
    {"ListValue", SL_WKT_LIST_VALUE, {-SL_TYPE_MESSAGE}},
    {"DoubleValue", SL_WKT_WRAPPER, {SL_TYPE_DOUBLE}},
    {"FloatValue", SL_WKT_WRAPPER, {SL_TYPE_FLOAT}},
    {"Int64Value", SL_WKT_WRAPPER, {SL_TYPE_INT64}},
    {"UInt64Value", SL_WKT_WRAPPER, {SL_TYPE_UINT64}},
    {"Int32Value", SL_WKT_WRAPPER, {SL_TYPE_INT32}},
    {"UInt32Value", SL_WKT_WRAPPER, {SL_TYPE_UINT32}},
    {"BoolValue", SL_WKT_WRAPPER, {SL_TYPE_BOOL}},
    {"StringValue", SL_WKT_WRAPPER, {SL_TYPE_STRING}},
    {"BytesValue", SL_WKT_WRAPPER, {SL_TYPE_BYTES}},
    {"Empty", SL_WKT_EMPTY, {0}},
};

static bool has_shape(const struct sl_message_type *type, const int *fields)
{
    size_t count = 0;
    while (count < FIELDS_MAX && fields[count] != 0) {
        count++;
    }
    if (type->field_count != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct sl_field *field = &type->fields[i];
        int kind = field->is_repeated ? -(int)field->type : (int)field->type;
        if (field->number != i + 1 || kind != fields[i]) {
            return false;
        }
    }
    return true;
}

enum sl_well_known sl_well_known_of(const struct sl_message_type *type)
{
    static const char package[] = "google.protobuf.";
    if (strncmp(type->full_name, package, sizeof(package) - 1) != 0) {
        return SL_WKT_NONE;
    }
    const char *name = type->full_name + sizeof(package) - 1;
    for (size_t i = 0; i < sizeof(known_types) / sizeof(known_types[0]); i++) {
        const struct known_type *known = &known_types[i];
        if (strcmp(known->name, name) == 0 && has_shape(type, known->fields)) {
            return known->well_known;
        }
    }
    return SL_WKT_NONE;
}
