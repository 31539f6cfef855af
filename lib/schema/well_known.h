/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_WELL_KNOWN_H
#define SL_WELL_KNOWN_H

#include "lib/schema/pool.h"

/* Which well-known type this is: by its full name, and only when it has exactly the fields that the
 * published type has, so that a set which redefines the name cannot mislead the JSON writer. */
enum sl_well_known sl_well_known_of(const struct sl_message_type *type);

#endif
