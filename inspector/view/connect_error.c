/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/connect_error.h"

#include <jansson.h>

#include "inspector/view/any.h"
#include "inspector/view/status.h"
#include "lib/base/hex.h"

enum { /* google.protobuf.Any, as tags: number << 3 | wire type */
       ANY_TYPE_URL = 1 << 3 | 2,
       ANY_VALUE = 2 << 3 | 2,
};

/* {"type": "google.rpc.RetryInfo", "value": "CgIIPA"} as a serialised Any. */
static bool make_any(const json_t *detail, struct sl_buf *any)
{
    static const char prefix[] = "type.googleapis.com/";
    const char *type = json_string_value(json_object_get(detail, "type"));
    const char *value = json_string_value(json_object_get(detail, "value"));
    struct sl_buf bytes;
    if (type == NULL || value == NULL) {
        return false;
    }
    sl_buf_init(&bytes, INS_STATUS_DETAILS_MAX);
    bool is_read = sl_base64_decode(sl_span_str(value), &bytes) == SL_OK;
    bool has_prefix = strchr(type, '/') != NULL;
    (void)sl_buf_add_varint(any, ANY_TYPE_URL);
    (void)sl_buf_add_varint(any, strlen(type) + (has_prefix ? 0 : sizeof(prefix) - 1));
    (void)sl_buf_add_str(any, has_prefix ? "" : prefix);
    (void)sl_buf_add_str(any, type);
    (void)sl_buf_add_varint(any, ANY_VALUE);
    (void)sl_buf_add_varint(any, bytes.len);
    (void)sl_buf_add_span(any, sl_buf_span(&bytes));
    sl_buf_release(&bytes);
    return is_read && !any->is_full;
}

static void write_details(struct sl_json_out *out, const json_t *error, const struct sl_pool *pool,
                          struct ins_problems *problems)
{
    size_t index = 0;
    json_t *detail = NULL;
    struct sl_buf any;
    sl_buf_init(&any, INS_STATUS_DETAILS_MAX);
    json_array_foreach (json_object_get(error, "details"), index, detail) {
        sl_buf_clear(&any);
        if (index >= INS_STATUS_DETAIL_COUNT_MAX) {
            break;
        }
        if (make_any(detail, &any)) {
            ins_any_write(out, pool, sl_buf_span(&any));
        } else {
            ins_problems_add(problems, "status_details_malformed",
                             "a detail of the error has no type or no value in base64");
        }
    }
    sl_buf_release(&any);
}

void ins_connect_error_write(struct sl_json_out *out, const struct sl_call *call,
                             const struct sl_pool *pool, struct ins_problems *problems)
{
    struct sl_span text = sl_buf_span(&call->connect_error);
    json_t *root = text.len == 0 ? NULL : json_loadb((const char *)text.data, text.len, 0, NULL);
    const json_t *error = call->has_end_message ? json_object_get(root, "error") : root;
    const json_t *message = json_object_get(error, "message");
    sl_json_out_key(out, "message");
    sl_json_out_span(out, json_is_string(message)
                              ? sl_span(json_string_value(message), json_string_length(message))
                              : sl_span(NULL, 0));
    sl_json_out_key(out, "details");
    sl_json_out_begin_array(out);
    write_details(out, error, pool, problems);
    sl_json_out_end_array(out);
    json_decref(root);
}
