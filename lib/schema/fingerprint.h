/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_FINGERPRINT_H
#define SL_FINGERPRINT_H

/*
 * Tells whether two descriptors of one name declare the same on the wire and by name: a number over what counts, whatever
 * the order of fields, comments, options or the tool that wrote them. For pool.c.
 *
 * The bytes are well-formed.
 */
#include "lib/base/span.h"

uint64_t
sl_fingerprint_message(struct sl_span descriptor);       /* DescriptorProto, without nested types */
uint64_t sl_fingerprint_enum(struct sl_span descriptor); /* EnumDescriptorProto */
uint64_t sl_fingerprint_method(struct sl_span descriptor); /* MethodDescriptorProto */

#endif
