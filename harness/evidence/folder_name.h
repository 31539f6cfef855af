/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FOLDER_NAME_H
#define HAR_FOLDER_NAME_H

/* The path below --evidence DIR of a scenario's id. */
#include "harness/evidence/folder.h"

enum {
    HAR_FOLDER_PART_MAX = 200, /* bytes of one part; file systems allow 255 */
};

/*
 * "wire/settings/flood" as it is; of an id that is a path of the user's, the leading "/" goes, "." and ".." become
 * "_" and "__", control characters "_", and a part that is too long is cut and ends in a number made of all of it.
 * False when the whole is too long.
 */
bool har_folder_name(const char *id, char ret_path[HAR_FOLDER_PATH_MAX]);

#endif
