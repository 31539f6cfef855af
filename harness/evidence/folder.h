/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FOLDER_H
#define HAR_FOLDER_H

/*
 * The folders under --evidence DIR: one for each result, of its scenario's id.
 *
 * Somebody else may have been here, on purpose or not: a symbolic link below DIR is never followed, a file that is
 * there is never written over, and only what bears our mark (a file HAR_FOLDER_MARK) is ever removed: the names of
 * har_folder_files, and the folder when nothing else is in it.
 * An id becomes a path below DIR whatever is in it: "..", control characters and very long names are replaced.
 *
 * Modes: 0700 for folders and 0600 for files below DIR, as keys of TLS connections are among them.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

#define HAR_FOLDER_MARK ".sluice-evidence"

enum {
    HAR_FOLDER_PATH_MAX = 4096, /* bytes of a path, with its NUL */
};

/* Every file that a folder may have of us, NULL at the end. */
extern const char *const har_folder_files[];

/* Creates a folder and those above it. */
SL_MUST_USE enum sl_status har_make_folders(const char *path, struct sl_error *reterr_error);
/* DIR, created when it is not there; a descriptor, or -1 with the reason. */
int har_folder_root(const char *dir, struct sl_error *reterr_error);

/* A folder for the id that nobody has, ID.2, ID.3 ... where ID is taken: its descriptor and its path below DIR, or -1
 * with the reason. */
int har_folder_claim(int root, const char *id, char ret_path[HAR_FOLDER_PATH_MAX],
                     struct sl_error *reterr_error);
/* The same folder again by that path; -1: it is not there as it was. */
int har_folder_open(int root, const char *path);
/* A new file in a folder; a descriptor, or -1 with errno. */
int har_folder_create(int folder, const char *name);
/* The same with its content. path: of the folder, for messages. */
SL_MUST_USE enum sl_status har_folder_put(int folder, const char *path, const char *name,
                                          struct sl_span content, struct sl_error *reterr_error);
/* A new file that is to take the place of a name, and the taking of it (or not); fd is the caller's to close. False
 * with errno. Modes are those of the user's mask. */
int har_folder_part(int root, const char *name);
bool har_folder_part_done(int root, const char *name, bool is_good);
/* A file without a name, to be written and read; -1 with errno. */
int har_folder_scratch(int root);

/* Removes what an earlier run left of this id. */
void har_folder_clean(int root, const char *id);
/* Removes files without an owner that a run which was killed may have left in DIR. */
void har_folder_sweep(int root);

#endif
