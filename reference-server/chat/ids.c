/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/ids.h"

#include <inttypes.h>
#include <stdio.h>

const char *srv_ids_next(struct srv_ids *ids, char out[SRV_ID_MAX])
{
    (void)snprintf(out, SRV_ID_MAX, "%016" PRIx64 "%016" PRIx64, ids->random, ++ids->next);
    return out;
}
