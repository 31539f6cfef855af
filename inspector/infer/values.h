/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_VALUES_H
#define INS_VALUES_H

/*
 * Names and values of header fields: what a value looks like, for a literal whose name is an entry that was
 * not seen; and what the value of a name must look like.
 */
#include "lib/wire/observer.h"

/* A name, or NULL. dir and is_last are those of its block: grpc-status stands in a response's last. */
const char *ins_value_name(struct sl_span value, enum sl_dir dir, bool is_last);

/* A path as gRPC has it: "/pkg.Service/Method". */
bool ins_value_is_path(struct sl_span value);

/* Whether the value has the grammar that HTTP/2 (RFC 9113 8.3), RFC 9110 or gRPC (PROTOCOL-HTTP2 "Requests"
 * and "Responses") gives to the name. True for other names. Of a content-type only a '/' is asked. */
bool ins_value_fits(struct sl_span name, struct sl_span value);

#endif
