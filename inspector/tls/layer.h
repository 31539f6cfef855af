/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_LAYER_H
#define INS_TLS_LAYER_H

/* TLS as a layer of a stream: recognised by its records, whatever its port. */
#include "inspector/stream/stream.h"

extern const struct ins_layer_kind ins_tls_layer;

#endif
