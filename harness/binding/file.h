/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BINDING_FILE_H
#define HAR_BINDING_FILE_H

/* The keys of a binding file, for its JSON Schema. */
#include "harness/scenario/fields.h"

const struct har_field *har_binding_fields(size_t *ret_count);

#endif
