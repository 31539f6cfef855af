/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/upgrade.h"

#include <strings.h>

#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/wire/web_text.h"

struct ins_upgrade {
    struct sl_headers fields;
    struct sl_at first, head_at;
    struct sl_buf body;
    struct sl_at body_at; /* of its last byte */
    uint64_t missing;     /* behind what is kept */
    bool is_missing_all;
    bool is_ended;
    struct sl_at end_at;
};

/* RFC 9110 7.8: a list of protocols, in the order in which the client likes them. */
bool ins_upgrade_is_asked(const struct sl_headers *fields)
{
    const struct sl_header *upgrade = sl_headers_find(fields, "upgrade");
    struct sl_span rest = upgrade == NULL ? sl_span(NULL, 0) : upgrade->value;
    while (rest.len > 0) {
        size_t len = 0;
        while (len < rest.len && rest.data[len] != ',' && rest.data[len] != ' ') {
            len++;
        }
        if (len == 3 && strncasecmp((const char *)rest.data, "h2c", 3) == 0) {
            return true;
        }
        rest = sl_span_from(rest, len == 0 ? 1 : len);
    }
    return false;
}

struct ins_upgrade *ins_upgrade_new(struct sl_headers *fields, const struct sl_at *first,
                                    const struct sl_at *at)
{
    struct ins_upgrade *upgrade = sl_alloc(sizeof(*upgrade));
    upgrade->fields = *fields;
    *fields = (struct sl_headers){0};
    upgrade->first = *first;
    upgrade->head_at = *at;
    sl_buf_init(&upgrade->body, INS_UPGRADE_BODY_MAX);
    return upgrade;
}

void ins_upgrade_free(struct ins_upgrade *upgrade)
{
    if (upgrade != NULL) {
        sl_headers_release(&upgrade->fields);
        sl_buf_release(&upgrade->body);
        sl_free(upgrade);
    }
}

void ins_upgrade_body(struct ins_upgrade *upgrade, struct sl_span bytes, const struct sl_at *at)
{
    if (upgrade->missing > 0 || upgrade->is_missing_all ||
        sl_buf_add_span(&upgrade->body, bytes) != SL_OK) {
        ins_upgrade_missing(upgrade, bytes.len);
        return;
    }
    upgrade->body_at = *at;
}

void ins_upgrade_missing(struct ins_upgrade *upgrade, uint64_t count)
{
    upgrade->missing += count;
    upgrade->is_missing_all = upgrade->is_missing_all || count == 0;
}

void ins_upgrade_end(struct ins_upgrade *upgrade, const struct sl_at *at)
{
    upgrade->is_ended = true;
    upgrade->end_at = *at;
}

void ins_upgrade_settle(const struct ins_upgrade *upgrade, struct sl_observer *observer)
{
    const struct sl_header *field = sl_headers_find(&upgrade->fields, "http2-settings");
    if (field == NULL) {
        return;
    }
    struct sl_web_text text = {0}; /* it reads base64url too */
    struct sl_span value = field->value;
    uint8_t payload[SL_WEB_TEXT_OUT_MAX];
    size_t len = sl_web_text_decode(&text, &value, payload);
    if (value.len == 0) {
        uint8_t tail[SL_WEB_TEXT_OUT_MAX];
        size_t tail_len = sl_web_text_end(&text, tail);
        memcpy(payload + len, tail, tail_len);
        len += tail_len;
    }
    if (!text.is_malformed) {
        sl_observer_settled(observer, SL_DIR_REQUEST, sl_span(payload, len));
    }
}

uint32_t ins_upgrade_give(struct ins_upgrade *upgrade, struct sl_observer *observer)
{
    uint32_t number = sl_exchange_begin(observer, true, &upgrade->first);
    sl_exchange_fields(observer, number, SL_BLOCK_REQUEST, &upgrade->fields, &upgrade->head_at);
    if (upgrade->body.len > 0) {
        sl_exchange_body(observer, number, SL_DIR_REQUEST, sl_buf_span(&upgrade->body),
                         &upgrade->body_at);
    }
    if (upgrade->missing > 0 || upgrade->is_missing_all) {
        sl_exchange_missing(observer, number, SL_DIR_REQUEST,
                            upgrade->is_missing_all ? 0 : upgrade->missing, &upgrade->body_at);
    }
    if (upgrade->is_ended) {
        sl_exchange_end(observer, number, SL_DIR_REQUEST, &upgrade->end_at);
    }
    return number;
}
