/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTO_PATH_H
#define SL_PROTO_PATH_H

/*
 * Where in a message the JSON writer and reader stand, for the texts that they give: "$.items[2].name".
 * A chain of steps on the callers' stacks, innermost first; NULL is the message itself, "$".
 */
#include "lib/base/span.h"

enum {
    SL_PROTO_PATH_MAX = 128, /* bytes of the text; a longer path is cut in front: "...b[1].c" */
};

struct sl_proto_path {
    const struct sl_proto_path *parent;
    struct sl_span name; /* of a field or a map's key; empty for an element of an array */
    size_t index;        /* of an element, from 0 */
};

/* The path as text in out; answers out. */
const char *sl_proto_path_text(const struct sl_proto_path *path, char out[SL_PROTO_PATH_MAX]);

#endif
