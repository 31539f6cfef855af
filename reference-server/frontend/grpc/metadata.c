/* SPDX-License-Identifier: Apache-2.0 */
#include <grpc/slice.h>

#include "reference-server/frontend/grpc/internal.h"

static struct sl_span span_of(const grpc_slice *slice)
{
    return sl_span(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

struct sl_span srv_metadata_find(const grpc_metadata_array *metadata, const char *name)
{
    for (size_t i = 0; i < metadata->count; i++) {
        const grpc_metadata *field = &metadata->metadata[i];
        if (sl_span_is(span_of(&field->key), name)) {
            return grpc_header_nonbin_value_is_legal(field->value) ? span_of(&field->value)
                                                                   : sl_span(NULL, 0);
        }
    }
    return sl_span(NULL, 0);
}

static grpc_metadata pair(const char *name, struct srv_frame *value)
{
    grpc_metadata metadata = {
        .key = grpc_slice_from_static_string(name),
        .value = grpc_slice_from_copied_buffer((const char *)value->data, value->len)};
    srv_frame_unref(value);
    return metadata;
}

void srv_metadata_take(struct srv_metadata *metadata, struct srv_answer *answer)
{
    *metadata = (struct srv_metadata){0};
    if (answer->request_id != NULL) {
        metadata->initial[metadata->initial_count++] = pair("x-request-id", answer->request_id);
        metadata->initial[metadata->initial_count++] =
            (grpc_metadata){.key = grpc_slice_from_static_string(SRV_CAPABILITIES_NAME),
                            .value = grpc_slice_from_static_string(SRV_CAPABILITIES)};
    }
    if (answer->details != NULL) {
        metadata->trailing[metadata->trailing_count++] =
            pair("grpc-status-details-bin", answer->details);
    }
    answer->request_id = answer->details = NULL;
}

static void release(grpc_metadata *metadata, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        grpc_slice_unref(metadata[i].key);
        grpc_slice_unref(metadata[i].value);
    }
}

void srv_metadata_release(struct srv_metadata *metadata)
{
    release(metadata->initial, metadata->initial_count);
    release(metadata->trailing, metadata->trailing_count);
}
