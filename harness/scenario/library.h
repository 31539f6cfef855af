/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LIBRARY_H
#define HAR_LIBRARY_H

/*
 * The scenarios that there are: found beside the binary's tree, then in the install prefix; and the
 * choice among them by ids, files, folders and tags.
 */
#include "harness/scenario/model.h"

enum {
    HAR_LIBRARY_MAX = 2000,
    HAR_FOLDER_MAX = 4096,
};

struct har_library {
    char folder[HAR_FOLDER_MAX];     /* scenarios/; "" when there is none */
    struct har_scenario **scenarios; /* sorted by id */
    size_t count;
    bool is_part; /* only those that were named are loaded */
};

/* The folder of scenarios: SLUICE_SCENARIOS, or found from the program's own place. False when none. */
bool har_library_folder(char folder[HAR_FOLDER_MAX]);

/* Loads all scenarios of the folder. Fails on the first that has problems. */
SL_MUST_USE enum sl_status har_library_load(struct har_library *library, const char *folder,
                                            struct sl_error *reterr_error);
/* Loads only those of these ids, as a run of one scenario needs no other. SL_NOT_FOUND when one of them is no id of a
 * scenario of the folder; an id is no path: it leads nowhere else. */
SL_MUST_USE enum sl_status har_library_load_named(struct har_library *library, const char *folder,
                                                  char *const *ids, size_t count,
                                                  struct sl_error *reterr_error);
/* Adds one file, or all of a folder of the user's own, sorted by id. */
SL_MUST_USE enum sl_status har_library_add(struct har_library *library, const char *path,
                                           struct sl_error *reterr_error);
void har_library_release(struct har_library *library);

/* '*' stands for any bytes, '/' too; '?' for one. */
bool har_glob(const char *pattern, const char *text);
bool har_scenario_has_tag(const struct har_scenario *scenario, const char *tag);
const struct har_scenario *har_library_find(const struct har_library *library, const char *id);
/* Whether there is one of this id, loaded or not. */
bool har_library_has(const struct har_library *library, const char *id);

#endif
