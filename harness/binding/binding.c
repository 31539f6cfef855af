/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/binding/binding.h"

#include "harness/engine/chat.h"
#include "lib/base/alloc.h"

enum {
    WIRE_TYPE_BYTES = 2,
    VARINT_MAX = 10,
};

const char *const har_role_names[HAR_ROLES + 1] = {"unary", "server_stream", "bidi", NULL};

static const char *const chat_methods[HAR_ROLES] = {HAR_SEND_METHOD, HAR_SUBSCRIBE_METHOD,
                                                    HAR_CHAT_METHOD};

void har_binding_release(struct har_binding *binding)
{
    for (int i = 0; i < HAR_ROLES; i++) {
        sl_buf_release(&binding->methods[i].request);
    }
    har_arena_release(&binding->arena);
    sl_buf_release(&binding->text);
    json_decref(binding->root);
    *binding = (struct har_binding){0};
}

enum har_role har_role_of(const char *request)
{
    for (int i = 0; i < HAR_ROLES && request != NULL; i++) {
        const char *name = strrchr(chat_methods[i], '/') + 1;
        if (strcmp(request, har_role_names[i]) == 0 || strcmp(request, name) == 0) {
            return (enum har_role)i;
        }
    }
    return HAR_ROLES;
}

const char *har_binding_method(const struct har_binding *binding, enum har_role role)
{
    return binding == NULL ? chat_methods[role] : binding->methods[role].method;
}

void har_binding_path(const struct har_binding *binding, const char *request, struct sl_buf *out)
{
    enum har_role role = har_role_of(request);
    if (role == HAR_ROLES) {
        (void)sl_buf_add_str(out, request[0] == '/' ? "" : "/chat.v1.ChatService/");
        (void)sl_buf_add_str(out, request);
    } else {
        const char *bound = har_binding_method(binding, role);
        (void)sl_buf_add_str(out, bound == NULL ? "/" : bound);
    }
}

static size_t write_varint(uint64_t value, uint8_t bytes[VARINT_MAX])
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7) {
        bytes[len++] = (uint8_t)(value | 0x80);
    }
    bytes[len++] = (uint8_t)value;
    return len;
}

/* The field with content that takes room bytes in all, tag and length included. */
static void add_filler(uint32_t field, size_t room, struct sl_buf *out)
{
    uint8_t tag[VARINT_MAX];
    uint8_t length[VARINT_MAX];
    size_t tag_len = write_varint((uint64_t)field << 3 | WIRE_TYPE_BYTES, tag);
    if (room < tag_len + 1) {
        return;
    }
    size_t len = room - tag_len - 1;
    while (len > 0 && tag_len + write_varint(len, length) + len > room) {
        len--;
    }
    size_t length_len = write_varint(len, length);
    (void)sl_buf_add(out, tag, tag_len);
    (void)sl_buf_add(out, length, length_len);
    uint8_t *content = sl_buf_reserve(out, len);
    if (content != NULL) {
        memset(content, 'x', len);
        sl_buf_commit(out, len);
    }
}

void har_binding_request(const struct har_binding *binding, enum har_role role, size_t bytes,
                         struct sl_buf *out)
{
    struct sl_span request = sl_buf_span(&binding->methods[role].request);
    (void)sl_buf_add_span(out, request);
    if (binding->filler != 0 && bytes > request.len) {
        add_filler(binding->filler, bytes - request.len, out);
    }
}
