/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_VALUES_H
#define INS_VALUES_H

/*
 * The name of a field by the shape of its value: for a literal whose name is an entry that was not seen.
 */
#include "lib/wire/observer.h"

/* A name, or NULL. dir and is_last are those of its block: grpc-status stands in a response's last. */
const char *ins_value_name(struct sl_span value, enum sl_dir dir, bool is_last);

/* A path as gRPC has it: "/pkg.Service/Method". */
bool ins_value_is_path(struct sl_span value);

#endif
