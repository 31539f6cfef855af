/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BINDING_H
#define HAR_BINDING_H

/*
 * Which methods of the target play the roles that checks of the wire need (`--binding NAME|FILE`).
 *
 * Such a check needs some unary method, some server stream, some stream of two directions, and not chat.v1 itself. A
 * scenario names the role; a binding says which method plays it, and by which request. Without a binding (NULL, as the
 * whole harness has it) the roles are played by chat.v1, whose messages carry stamps.
 *
 * Ownership: a binding owns its methods and requests until har_binding_release.      Zeroed is one with no role.
 */
#include "harness/scenario/fields.h"
#include "lib/base/buf.h"

#define HAR_BINDING_SCHEMA "sluice.binding/1"

enum har_role {
    HAR_ROLE_UNARY,
    HAR_ROLE_SERVER_STREAM, /* opened by one message, and open until the client leaves */
    HAR_ROLE_BIDI,
    HAR_ROLES,
};
extern const char *const har_role_names[HAR_ROLES + 1]; /* as files write them; NULL-terminated */

/* What comes on a server stream by itself. */
enum har_opening {
    HAR_OPENS_BY_MESSAGE, /* at once, as health's Watch tells the state */
    HAR_OPENS_BY_HEADERS,
    HAR_OPENS_BY_NOTHING,
};

/* What a unary method answers with OK, beside its own request. */
enum {
    HAR_TAKES_EMPTY = 1, /* a message of no bytes */
    HAR_TAKES_CHAT = 2,  /* one of chat.v1, whose fields 2 and 4 it does not know */
};

struct har_bound_method {
    const char *method;    /* "/package.Service/Method"; NULL: the binding has none */
    struct sl_buf request; /* one message, without its prefix */
    enum har_opening opening;
    bool must_stay_open;  /* the server ends its side of the stream when the client ends its own */
    bool may_cancel;      /* at its deadline it ends with CANCELLED too */
    bool is_echo;         /* of bidi: each message is answered by one */
    unsigned takes;       /* HAR_TAKES_... */
    uint32_t reply_bytes; /* DATA of an answer, prefix included: at least so many */
};

enum {
    HAR_BINDING_BYTES_MAX = 1024 * 1024,   /* of a file */
    HAR_BINDING_REQUEST_MAX = 1024 * 1024, /* of one request */
    HAR_BINDING_FILES_MAX = 16,            /* of its schema */
    HAR_BINDING_FILLER = 100000,           /* the default */
};

struct har_binding {
    const char *name; /* as --binding has it */
    struct har_bound_method methods[HAR_ROLES];
    uint32_t
        filler; /* number of a field that servers pass over; 0: requests cannot be made longer */
    struct har_strings protos, sets; /* of its schema: paths */
    struct har_arena arena;
    struct sl_buf text; /* of the file */
    json_t *root;
};

void har_binding_release(struct har_binding *binding);

/* The role of a request as raw frames write it: a role's name, or that of the method of chat.v1 which plays it by
 * default. HAR_ROLES: none, it is a path of its own. */
enum har_role har_role_of(const char *request);

/* The method that plays a role; NULL: the binding has none. NULL binding: chat.v1. */
const char *har_binding_method(const struct har_binding *binding, enum har_role role);
/* Appends the path of a request (a role or a path). NULL binding: chat.v1. */
void har_binding_path(const struct har_binding *binding, const char *request, struct sl_buf *out);

/* Appends the request of a role. Where the binding has a filler, the field behind it makes it bytes long, if that is
 * more than the request has; a byte less where no length of the field gives so many. */
void har_binding_request(const struct har_binding *binding, enum har_role role, size_t bytes,
                         struct sl_buf *out);

#endif
