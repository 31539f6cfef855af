/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/profile.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/scenario/names.h"
#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"

enum {
    EXTENDS_MAX = 8,
    PATH_BYTES = 4096,
};

static const char *const capabilities[] = {
    "request_id",
    "fill",
    "dedup",
    "validation",
    "message_limit",
    "strict_rate",
    "ready",
    "history",
    "resume",
    "drop_report",
    "chat_broadcast",
    "health",
    "reflection",
    "drain",
    "tls",
    "mtls",
    "keepalive",
    "metrics",
    "gzip",
    "max_streams",
    "max_connection_age",
    "made_certificates",
};
enum {
    CAPABILITY_COUNT = sizeof(capabilities) / sizeof(capabilities[0]),
};

static const char *const policies[] = {"newest", "oldest", NULL};

struct profile_file {
    const char *name, *extends;
    struct har_strings capabilities;
    json_t *values;
};
static const struct har_field profile_fields[] = {
    {"name", HAR_FIELD_STRING, offsetof(struct profile_file, name), .is_required = true},
    {"extends", HAR_FIELD_STRING, offsetof(struct profile_file, extends), .help = NULL},
    {"capabilities", HAR_FIELD_STRINGS, offsetof(struct profile_file, capabilities), .help = NULL},
    {"values", HAR_FIELD_JSON, offsetof(struct profile_file, values), .help = NULL},
};

static int capability_index(const char *name)
{
    for (int i = 0; i < CAPABILITY_COUNT; i++) {
        if (strcmp(capabilities[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

bool har_capability_is_known(const char *name)
{
    return capability_index(name) >= 0;
}

const char *har_capability_nearest(const char *name)
{
    return sl_cli_nearest(name, capabilities, CAPABILITY_COUNT);
}

bool har_profile_has(const struct har_profile *profile, const char *capability)
{
    int index = capability_index(capability);
    return index >= 0 && profile->has[index];
}

void har_profile_set(struct har_profile *profile, const char *capability, bool is_declared)
{
    int index = capability_index(capability);
    if (index >= 0) {
        profile->has[index] = is_declared;
    }
}

static int value_index(struct sl_span name)
{
    for (size_t i = 0; i < har_value_count; i++) {
        if (sl_span_is(name, har_value_names[i])) {
            return (int)i;
        }
    }
    return -1;
}

bool har_need_is_known(const char *name)
{
    return har_capability_is_known(name) || value_index(sl_span_str(name)) >= 0 ||
           strcmp(name, HAR_NEED_CLIENT) == 0;
}

bool har_profile_meets(const struct har_profile *profile, const char *need)
{
    double value = 0;
    return har_capability_is_known(need) ? har_profile_has(profile, need)
                                         : har_profile_value(profile, sl_span_str(need), &value);
}

bool har_profile_value(const struct har_profile *profile, struct sl_span name, double *ret_value)
{
    int index = value_index(name);
    if (index < 0 || !profile->is_set[index]) {
        return false;
    }
    *ret_value = profile->values[index];
    return true;
}

static void read_value(struct har_reading *reading, const char *name, json_t *value,
                       struct har_profile *profile)
{
    char path[HAR_PATH_MAX];
    (void)snprintf(path, sizeof(path), "$.values.%s", name);
    if (strcmp(name, "drop_policy") == 0) {
        const char *text = json_string_value(value);
        bool is_oldest = text != NULL && strcmp(text, policies[1]) == 0;
        if (!is_oldest && (text == NULL || strcmp(text, policies[0]) != 0)) {
            har_problem_add(reading, path, false, "this must be \"newest\" or \"oldest\"");
        }
        profile->has_drop_policy = true;
        profile->drop_policy = is_oldest ? HAR_DROP_OLDEST : HAR_DROP_NEWEST;
        return;
    }
    if (strcmp(name, "drain") == 0) {
        if (!json_is_string(value) || json_string_length(value) >= sizeof(profile->drain)) {
            har_problem_add(reading, path, false, "this must be the name of a signal");
            return;
        }
        (void)snprintf(profile->drain, sizeof(profile->drain), "%s", json_string_value(value));
        return;
    }
    int index = value_index(sl_span_str(name));
    if (index < 0) {
        const char *nearest = sl_cli_nearest(name, har_value_names, har_value_count);
        har_problem_add(reading, path, true, "unknown value '%.60s'%s%s%s", name,
                        nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                        nearest == NULL ? "" : "'?");
    } else if (!json_is_number(value) || json_number_value(value) < 0) {
        har_problem_add(reading, path, false, "this must be a number, not negative");
    } else {
        profile->values[index] = json_number_value(value);
        profile->is_set[index] = true;
    }
}

static enum sl_status load(const char *name_or_file, const char *folder, unsigned depth,
                           struct har_profile *profile, struct sl_error *error);

static enum sl_status apply(struct har_reading *reading, json_t *root, const char *folder,
                            unsigned depth, struct har_profile *profile, struct sl_error *error)
{
    struct profile_file file = {0};
    har_fields_read(reading, root, "$", profile_fields,
                    sizeof(profile_fields) / sizeof(profile_fields[0]), &file);
    if (file.extends != NULL) {
        enum sl_status status = load(file.extends, folder, depth + 1, profile, error);
        if (status != SL_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < file.capabilities.count; i++) {
        int index = capability_index(file.capabilities.items[i]);
        if (index < 0) {
            const char *nearest =
                sl_cli_nearest(file.capabilities.items[i], capabilities, CAPABILITY_COUNT);
            har_problem_add(reading, "$.capabilities", false, "unknown capability '%.60s'%s%s%s",
                            file.capabilities.items[i], nearest == NULL ? "" : "; did you mean '",
                            nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
        } else {
            profile->has[index] = true;
        }
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach (file.values, name, value) {
        read_value(reading, name, value, profile);
    }
    (void)snprintf(profile->name, sizeof(profile->name), "%s", file.name == NULL ? "" : file.name);
    return SL_OK;
}

static enum sl_status read_text(struct sl_span text, const char *folder, unsigned depth,
                                struct har_profile *profile, struct sl_error *error)
{
    json_error_t json_error;
    json_t *root =
        json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &json_error);
    if (root == NULL) {
        error->line = (size_t)json_error.line;
        return sl_error_set(error, SL_MALFORMED, "not valid JSON: %s", json_error.text);
    }
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_arena arena = {0};
    struct har_reading reading = {.text = text, .arena = &arena, .problems = problems};
    enum sl_status status = apply(&reading, root, folder, depth, profile, error);
    if (status == SL_OK && problems->count > 0) {
        error->line = problems->items[0].line;
        status = sl_error_set(error, SL_MALFORMED, "%s: %s", problems->items[0].path,
                              problems->items[0].text);
    }
    har_arena_release(&arena);
    sl_free(problems);
    json_decref(root);
    return status;
}

/* A name that none has: which there are. */
static enum sl_status no_profile(const char *name, const char *folder, struct sl_error *error)
{
    char path[PATH_BYTES];
    char known[300] = "";
    (void)snprintf(path, sizeof(path), "%s/profiles", folder);
    DIR *dir = opendir(path);
    for (const struct dirent *entry = NULL; dir != NULL && (entry = readdir(dir)) != NULL;) {
        size_t len = strcspn(entry->d_name, ".");
        size_t used = strlen(known);
        if (len > 0 && strcmp(entry->d_name + len, ".json") == 0) {
            (void)snprintf(known + used, sizeof(known) - used, "%s%.*s", used == 0 ? "" : ", ",
                           (int)len, entry->d_name);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return sl_error_set(error, SL_USAGE,
                        "no profile '%.100s'; there are %s; a file's name ends in .json", name,
                        known);
}

static enum sl_status load(const char *name_or_file, const char *folder, unsigned depth,
                           struct har_profile *profile, struct sl_error *error)
{
    if (depth >= EXTENDS_MAX) {
        return sl_error_set(error, SL_MALFORMED, "profiles extend each other without end");
    }
    size_t len = strlen(name_or_file);
    bool is_file = strchr(name_or_file, '/') != NULL ||
                   (len > 5 && strcmp(name_or_file + len - 5, ".json") == 0);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), is_file ? "%s%s" : "%s/profiles/%s.json",
                   is_file ? "" : folder, name_or_file);
    char *text = har_read_file(path, HAR_PROFILE_BYTES_MAX, &len, error);
    if (text == NULL && !is_file && access(path, F_OK) != 0) {
        return no_profile(name_or_file, folder, error);
    }
    if (text == NULL) {
        sl_error_at(error, path, 0);
        return error->status;
    }
    enum sl_status status = read_text(sl_span(text, len), folder, depth, profile, error);
    if (status != SL_OK && error->source[0] == '\0') {
        sl_error_at(error, path, error->line);
    }
    sl_free(text);
    return status;
}

enum sl_status har_profile_load(const char *name_or_file, const char *folder,
                                struct har_profile *ret_profile, struct sl_error *reterr_error)
{
    struct sl_error error = {0};
    *ret_profile = (struct har_profile){0};
    enum sl_status status = load(name_or_file, folder, 0, ret_profile, &error);
    if (status != SL_OK && reterr_error != NULL) {
        *reterr_error = error;
    }
    return status;
}
