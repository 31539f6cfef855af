/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CONTENT_H
#define SL_CONTENT_H

/*
 * What a call speaks, by its header fields: gRPC (PROTOCOL-HTTP2), gRPC-Web (PROTOCOL-WEB), Connect
 * (connectrpc.com "Connect Protocol Reference") or none of them; how its messages lie in the bytes of
 * its two bodies, what is in them and how they are compressed.
 *
 * Ownership: spans returned are borrowed from the call's header fields.
 */
#include "lib/wire/observer.h"

/* The protocol of a request whose header fields are all there. */
enum sl_protocol sl_content_protocol(const struct sl_headers *request);
/* The same of a call of which only the response was seen; gRPC where it does not say. */
enum sl_protocol sl_content_protocol_of_response(const struct sl_headers *response);

/* How a body with these header fields holds the messages of a call of this protocol. */
enum sl_framing sl_content_framing(enum sl_protocol protocol, const struct sl_headers *headers);

/* What the messages of one side are. ret_name: the subtype, as it came; empty where there is none. */
enum sl_codec sl_content_codec(const struct sl_call *call, enum sl_dir dir,
                               struct sl_span *ret_name);

/* The encoding of the messages whose compressed flag is set: grpc-encoding, connect-content-encoding,
 * or of a unary Connect call content-encoding or the query's compression. data is NULL when none was
 * named. */
struct sl_span sl_content_encoding(const struct sl_call *call, enum sl_dir dir);

/* Whether a list of encodings (grpc-accept-encoding) names this one: items between commas, with spaces and tabs around them. */
bool sl_content_accepts(struct sl_span list, struct sl_span encoding);

/* True of a unary Connect call by GET, whose message is in the query. */
bool sl_content_is_get(const struct sl_headers *request);
/* Appends that message, as it would have been in a body. SL_NOT_FOUND without one, SL_MALFORMED, SL_LIMIT. */
SL_MUST_USE enum sl_status sl_content_get_message(const struct sl_headers *request,
                                                  struct sl_buf *out);

#endif
