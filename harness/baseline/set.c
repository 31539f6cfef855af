/* SPDX-License-Identifier: Apache-2.0 */
/* The baselines that lie beside the scenarios. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/baseline/baseline.h"
#include "harness/scenario/library.h"

static int by_name(const void *a, const void *b)
{
    const struct har_baseline *left = a;
    const struct har_baseline *right = b;
    int order = strcmp(left->stack, right->stack);
    return order != 0 ? order : strcmp(left->version, right->version);
}

enum sl_status har_baselines_load(struct har_baselines *ret_set, const char *scenarios,
                                  struct sl_error *reterr_error)
{
    char folder[HAR_FOLDER_MAX];
    struct sl_error first = {0};
    enum sl_status status = SL_OK;
    ret_set->count = 0;
    (void)snprintf(folder, sizeof(folder), "%.4000s/baselines", scenarios);
    DIR *dir = opendir(folder);
    struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[HAR_FOLDER_MAX + 300];
        struct sl_error error = {0};
        if (entry->d_name[0] == '.' || !har_glob("*.json", entry->d_name)) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        enum sl_status loaded = SL_OK;
        if (ret_set->count == HAR_BASELINES_MAX) {
            sl_error_at(&error, path, 0);
            loaded = sl_error_set(&error, SL_LIMIT, "more than %d baselines", HAR_BASELINES_MAX);
        } else {
            loaded = har_baseline_load(path, &ret_set->items[ret_set->count], &error);
        }
        if (loaded == SL_OK) {
            ret_set->count++;
        } else if (status == SL_OK) {
            status = loaded;
            first = error;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    if (ret_set->count > 0) {
        qsort(ret_set->items, ret_set->count, sizeof(ret_set->items[0]), by_name);
    }
    if (status != SL_OK && reterr_error != NULL) {
        *reterr_error = first;
    }
    return status;
}

void har_baselines_release(struct har_baselines *set)
{
    for (size_t i = 0; i < set->count; i++) {
        har_baseline_release(&set->items[i]);
    }
    set->count = 0;
}
