/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_H1_HEAD_H
#define INS_H1_HEAD_H

/* Start line and field lines of one HTTP/1.1 message, RFC 9112 2 to 6. Allocates only in fields. */
#include "lib/wire/hpack.h"

/* How the end of a body is found, RFC 9112 6.3. */
enum ins_h1_length {
    INS_H1_EMPTY,
    INS_H1_COUNTED, /* Content-Length */
    INS_H1_CHUNKED,
    INS_H1_UNTIL_CLOSE,
};

struct ins_h1_parsed {
    unsigned status; /* 0 of a request */
    enum ins_h1_length length;
    uint64_t count;      /* of INS_H1_COUNTED */
    const char *problem; /* a constant: both lengths are there; or NULL */
};

/* Reads a whole head, its empty line included, into fields (which are cleared first). NULL, or a constant
 * that says what makes it no head. */
const char *ins_h1_head_read(bool is_request, struct sl_span text, struct sl_headers *fields,
                             struct ins_h1_parsed *ret_parsed);

/* The same for the field lines behind the last chunk. */
const char *ins_h1_trailers_read(struct sl_span text, struct sl_headers *fields);

/* The size at the beginning of a chunk's line, extensions behind it. False when it is none. */
bool ins_h1_chunk_size(struct sl_span line, uint64_t *ret_size);

#endif
