/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/library.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <uv.h>

#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"

enum {
    FOLDER_DEPTH_MAX = 8,
};

bool har_glob(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

bool har_scenario_has_tag(const struct har_scenario *scenario, const char *tag)
{
    return har_strings_has(&scenario->tags, tag);
}

const struct har_scenario *har_library_find(const struct har_library *library, const char *id)
{
    for (size_t i = 0; i < library->count; i++) {
        if (strcmp(library->scenarios[i]->id, id) == 0) {
            return library->scenarios[i];
        }
    }
    return NULL;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool har_library_folder(char folder[HAR_FOLDER_MAX])
{
    const char *given = getenv("SLUICE_SCENARIOS");
    if (given != NULL) {
        (void)snprintf(folder, HAR_FOLDER_MAX, "%s", given);
        return is_folder(folder);
    }
    char self[PATH_MAX];
    size_t size = sizeof(self);
    if (uv_exepath(self, &size) != 0) {
        return false;
    }
    /* From build/PRESET/bin up to the source tree, and from PREFIX/bin to PREFIX/share. */
    for (char *slash = strrchr(self, '/'); slash != NULL; slash = strrchr(self, '/')) {
        *slash = '\0';
        static const char *const places[] = {"scenarios/profiles",
                                             "share/sluice/scenarios/profiles"};
        for (size_t i = 0; i < 2; i++) {
            (void)snprintf(folder, HAR_FOLDER_MAX, "%.3000s/%s", self, places[i]);
            if (is_folder(folder)) {
                *strrchr(folder, '/') = '\0';
                return true;
            }
        }
    }
    folder[0] = '\0';
    return false;
}

static enum sl_status add_file(struct har_library *library, const char *path, const char *id,
                               struct sl_error *error)
{
    if (library->count >= HAR_LIBRARY_MAX) {
        return sl_error_set(error, SL_LIMIT, "more than %d scenarios", HAR_LIBRARY_MAX);
    }
    if (har_library_find(library, id) != NULL) {
        return SL_OK;
    }
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_scenario *scenario = har_scenario_load(path, id, problems);
    enum sl_status status = SL_OK;
    if (scenario == NULL) {
        sl_error_at(error, path, problems->items[0].line);
        status =
            sl_error_set(error, SL_MALFORMED, "%s%s%s", problems->items[0].path,
                         problems->items[0].path[0] == '\0' ? "" : ": ", problems->items[0].text);
    } else {
        library->scenarios =
            sl_realloc(library->scenarios, (library->count + 1) * sizeof(struct har_scenario *));
        library->scenarios[library->count++] = scenario;
    }
    sl_free(problems);
    return status;
}

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name);
    size_t end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* Folders beside those of the scenarios that hold something else. */
static bool is_of_scenarios(const char *name)
{
    static const char *const others[] = {"profiles", "baselines", "bindings"};
    bool is_other = false;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        is_other |= strcmp(name, others[i]) == 0;
    }
    return !is_other;
}

/* A schema for editors may lie beside the scenarios. */
static bool is_scenario_name(const char *name)
{
    return name[0] != '.' && ends_in(name, ".json") && !ends_in(name, ".schema.json");
}

static enum sl_status add_folder(struct har_library *library, const char *folder,
                                 const char *prefix, unsigned depth, struct sl_error *error)
{
    DIR *dir = depth > FOLDER_DEPTH_MAX ? NULL : opendir(folder);
    if (dir == NULL) {
        sl_error_at(error, folder, 0);
        return sl_error_set(error, SL_IO, "this folder cannot be read");
    }
    enum sl_status status = SL_OK;
    struct dirent *entry = NULL;
    while (status == SL_OK && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        char path[HAR_FOLDER_MAX + 300];
        char id[HAR_FOLDER_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        (void)snprintf(id, sizeof(id), "%.3000s%s", prefix, name);
        if (name[0] != '.' && is_folder(path) && (depth > 0 || is_of_scenarios(name))) {
            (void)snprintf(id, sizeof(id), "%.3000s%s/", prefix, name);
            status = add_folder(library, path, id, depth + 1, error);
        } else if (is_scenario_name(name)) {
            id[strlen(id) - 5] = '\0';
            status = add_file(library, path, id, error);
        }
    }
    (void)closedir(dir);
    return status;
}

static int by_id(const void *left, const void *right)
{
    const struct har_scenario *const *a = left;
    const struct har_scenario *const *b = right;
    return strcmp((*a)->id, (*b)->id);
}

enum sl_status har_library_load(struct har_library *library, const char *folder,
                                struct sl_error *reterr_error)
{
    struct sl_error error = {0};
    *library = (struct har_library){0};
    (void)snprintf(library->folder, sizeof(library->folder), "%s", folder);
    enum sl_status status = add_folder(library, folder, "", 0, &error);
    if (status != SL_OK && reterr_error != NULL) {
        *reterr_error = error;
    } else if (library->count > 0) {
        qsort(library->scenarios, library->count, sizeof(library->scenarios[0]), by_id);
    }
    return status;
}

/* ---- by id ---- */

/* The file of the id, where it is one that a whole library would have. */
static bool find_file(const char *folder, const char *id, char path[HAR_FOLDER_MAX + 300])
{
    struct stat info;
    char first[NAME_MAX + 1];
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(id, "/"), id);
    bool is_id = id[0] != '\0' && id[0] != '/' && id[0] != '.' && strstr(id, "/.") == NULL &&
                 strstr(id, "//") == NULL && is_of_scenarios(first);
    int len = snprintf(path, HAR_FOLDER_MAX + 300, "%.3000s/%.1000s.json", folder, id);
    const char *slash = strrchr(path, '/');
    return is_id && len > 0 && is_scenario_name(slash + 1) && stat(path, &info) == 0 &&
           S_ISREG(info.st_mode);
}

bool har_library_has(const struct har_library *library, const char *id)
{
    char path[HAR_FOLDER_MAX + 300];
    return har_library_find(library, id) != NULL ||
           (library->is_part && find_file(library->folder, id, path));
}

enum sl_status har_library_load_named(struct har_library *library, const char *folder,
                                      char *const *ids, size_t count, struct sl_error *reterr_error)
{
    enum sl_status status = SL_OK;
    struct sl_error error = {0};
    *library = (struct har_library){.is_part = true};
    (void)snprintf(library->folder, sizeof(library->folder), "%s", folder);
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        char path[HAR_FOLDER_MAX + 300];
        status = find_file(folder, ids[i], path)
                     ? add_file(library, path, ids[i], &error)
                     : sl_error_set(&error, SL_NOT_FOUND, "no scenario '%.60s'", ids[i]);
    }
    if (status != SL_OK && reterr_error != NULL) {
        *reterr_error = error;
    } else if (library->count > 0) {
        qsort(library->scenarios, library->count, sizeof(library->scenarios[0]), by_id);
    }
    return status;
}

enum sl_status har_library_add(struct har_library *library, const char *path,
                               struct sl_error *reterr_error)
{
    struct sl_error error = {0};
    char id[HAR_FOLDER_MAX];
    (void)snprintf(id, sizeof(id), "%.4000s", path);
    char real[PATH_MAX];
    size_t folder_len = strlen(library->folder);
    char folder[PATH_MAX];
    if (realpath(path, real) != NULL && folder_len > 0 &&
        realpath(library->folder, folder) != NULL && strncmp(real, folder, strlen(folder)) == 0 &&
        real[strlen(folder)] == '/') {
        (void)snprintf(id, sizeof(id), "%.4000s", real + strlen(folder) + 1);
    }
    enum sl_status status = SL_OK;
    size_t before = library->count;
    if (is_folder(path)) {
        (void)strncat(id, "/", sizeof(id) - strlen(id) - 1);
        status = add_folder(library, path, id, 1, &error);
    } else {
        size_t len = strlen(id);
        if (len > 5 && strcmp(id + len - 5, ".json") == 0) {
            id[len - 5] = '\0';
        }
        status = add_file(library, path, id, &error);
    }
    if (library->count > before) {
        qsort(library->scenarios + before, library->count - before, sizeof(library->scenarios[0]),
              by_id);
    }
    if (status != SL_OK && reterr_error != NULL) {
        *reterr_error = error;
    }
    return status;
}

void har_library_release(struct har_library *library)
{
    for (size_t i = 0; i < library->count; i++) {
        har_scenario_free(library->scenarios[i]);
    }
    sl_free(library->scenarios);
    *library = (struct har_library){0};
}
