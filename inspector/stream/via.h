/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_VIA_H
#define INS_VIA_H

/* What stood between the ends of a TCP connection and those of its calls, as a record tells it in "via". */
#include "inspector/net/address.h"
#include "lib/base/json_out.h"

enum {
    INS_VIA_MAX = 8, /* of one stream: its nesting */
    INS_VIA_NAME_MAX = 256,
};

enum ins_via_kind {
    INS_VIA_PROXY,   /* PROXY protocol: the ends of the connection that was forwarded */
    INS_VIA_CONNECT, /* an HTTP tunnel: where it leads to */
};

struct ins_via {
    struct ins_via *inner; /* the next, or NULL */
    enum ins_via_kind kind;
    unsigned version; /* of the PROXY protocol */
    bool has_ends;    /* client and server hold */
    struct ins_endpoint client, server;
    char name
        [INS_VIA_NAME_MAX]; /* PROXY: the host name that the client asked for; CONNECT: the target */
};

/* The end that a CONNECT leads to; where that is a name its address has version 0. False of others. */
bool ins_via_target(const struct ins_via *via, struct ins_endpoint *ret_end);

/* The first count of a list, from the outermost: an array of objects. */
void ins_via_write(const struct ins_via *outermost, size_t count, struct sl_json_out *out);

#endif
