/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/known.h"

#include <stdio.h>
#include <string.h>

#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"

enum {
    KNOWN_BYTES_MAX = 1 << 20,
};

static const struct har_field entry_fields[] = {
    {"id", HAR_FIELD_STRING, offsetof(struct har_known_entry, id), .is_required = true},
    {"reason", HAR_FIELD_STRING, offsetof(struct har_known_entry, reason), .is_required = true},
    {"expires", HAR_FIELD_STRING, offsetof(struct har_known_entry, expires), .is_required = true},
};

bool har_is_date(const char *text)
{
    const char *shape = "dddd-dd-dd";
    for (; *shape != '\0'; shape++, text++) {
        bool is_digit = *text >= '0' && *text <= '9';
        if (*shape == 'd' ? !is_digit : *text != *shape) {
            return false;
        }
    }
    return *text == '\0';
}

static void read_entries(struct har_reading *reading, const char *today, struct har_known *known)
{
    if (!json_is_array(known->root)) {
        har_problem_add(reading, "$", false, "this must be an array");
        return;
    }
    size_t count = json_array_size(known->root);
    known->entries = har_arena_alloc(&known->arena, (count + 1) * sizeof(known->entries[0]));
    for (size_t i = 0; i < count; i++) {
        char path[HAR_PATH_MAX];
        (void)snprintf(path, sizeof(path), "$[%zu]", i);
        struct har_known_entry *entry = &known->entries[known->count++];
        *entry = (struct har_known_entry){0};
        har_fields_read(reading, json_array_get(known->root, i), path, entry_fields, 3, entry);
        if (entry->expires != NULL && !har_is_date(entry->expires)) {
            har_problem_add(reading, path, false, "'expires' must be a date such as 2027-01-31");
        }
        entry->is_expired = entry->expires != NULL && strcmp(entry->expires, today) < 0;
    }
}

enum sl_status har_known_load(const char *path, const char *today, struct har_known *ret_known,
                              struct sl_error *reterr_error)
{
    size_t len = 0;
    struct sl_error error = {0};
    *ret_known = (struct har_known){0};
    sl_error_at(&error, path, 0);
    enum sl_status status = SL_OK;
    char *text = har_read_file(path, KNOWN_BYTES_MAX, &len, &error);
    if (text == NULL) {
        status = error.status;
    } else {
        json_error_t json_error;
        struct har_problems *problems = sl_alloc(sizeof(*problems));
        struct har_reading reading = {sl_span(text, len), &ret_known->arena, problems};
        ret_known->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &json_error);
        if (ret_known->root == NULL) {
            error.line = (size_t)json_error.line;
            status = sl_error_set(&error, SL_MALFORMED, "not valid JSON: %s", json_error.text);
        } else {
            read_entries(&reading, today, ret_known);
        }
        if (problems->count > 0) {
            error.line = problems->items[0].line;
            status = sl_error_set(&error, SL_MALFORMED, "%s: %s", problems->items[0].path,
                                  problems->items[0].text);
        }
        sl_free(problems);
        sl_free(text);
    }
    if (status != SL_OK) {
        har_known_release(ret_known);
        if (reterr_error != NULL) {
            *reterr_error = error;
        }
    }
    return status;
}

void har_known_release(struct har_known *known)
{
    json_decref(known->root);
    har_arena_release(&known->arena);
    *known = (struct har_known){0};
}

const struct har_known_entry *har_known_find(const struct har_known *known, const char *id)
{
    for (size_t i = 0; i < known->count; i++) {
        if (!known->entries[i].is_expired && strcmp(known->entries[i].id, id) == 0) {
            return &known->entries[i];
        }
    }
    return NULL;
}
