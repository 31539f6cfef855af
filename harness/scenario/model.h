/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_MODEL_H
#define HAR_MODEL_H

/*
 * A scenario as it was read from its file: checked, but with its expressions still to be computed,
 * because what they speak of (buffers, rates, measured times) belongs to a run.
 *
 * Ownership: a scenario owns its JSON and all that it points to; everything is const after parsing.
 */
#include "harness/scenario/fields.h"
#include "harness/transport/transport.h"

enum {
    HAR_ACTORS_MAX = 32,        /* groups in one scenario */
    HAR_INSTANCES_MAX = 20000,  /* actors in one group */
    HAR_SCENARIO_MAX = 1 << 20, /* bytes of one file */
    HAR_NESTING_MAX = 16,       /* phases in repeats in parallels ... */
    HAR_NODES_MAX = 1000,       /* children of one node */
};

enum har_kind {
    HAR_PUBLISHER,  /* SendMessage, one call a message */
    HAR_SUBSCRIBER, /* one SubscribeToRoom stream */
    HAR_CHAT,       /* one ChatRoom stream */
    HAR_CLIENT,     /* calls of any method */
    HAR_RAW,        /* a connection whose frames the scenario writes */
    HAR_PROCESS,    /* the server's own process */
    HAR_STREAM,     /* one stream of any method */
    HAR_CHILD,      /* a client in a process of its own */
    HAR_EXTERNAL,   /* a client under test: the program of --client */
};
#define HAR_BIT(kind) (1U << (kind))

struct har_window {
    struct har_expr stream, connection;
};

struct har_keepalive {
    struct har_expr time, timeout;
};

/* How the TLS of a connection differs from that of the run. */
struct har_actor_tls {
    bool is_set;
    const char *alpn, *version, *ciphers, *name;
    int certificate; /* enum har_actor_certificate */
    struct har_expr record;
    bool renegotiates;
};
enum har_actor_certificate {
    HAR_CERTIFICATE_USUAL,
    HAR_CERTIFICATE_NONE,
    HAR_CERTIFICATE_EXPIRED,
    HAR_CERTIFICATE_SERVER_ONLY,
    HAR_CERTIFICATE_OTHER_CA,
};

struct har_actor_spec {
    const char *name;
    int kind; /* enum har_kind */
    struct har_expr n;
    int transport;      /* enum har_transport */
    const char *conn;   /* "own" or "shared:NAME" */
    const char *room;   /* template */
    const char *method; /* of a stream: "/package.Service/Method" */
    bool is_via_proxy;
    int via;
    bool is_manual; /* credit: only what the scenario grants */
    int credit;
    struct har_expr max_rate_hz;
    struct har_expr deadline_ms; /* grpc-timeout of its streams; unset: none */
    struct har_window window;
    struct har_keepalive keepalive; /* of its connection; time unset: none */
    struct har_strings suppress;    /* what a client does by itself and this one does not */
    unsigned suppress_mask;         /* HAR_SUPPRESS_... of them */
    struct har_expr receive_buffer, data_frame;
    struct har_expr streams; /* of a child: its subscriptions, default 1 */
    struct har_actor_tls tls;
};

struct har_let {
    const char *name;
    struct har_expr value;
};

/* What every check may say. */
struct har_check_common {
    const char *of, *from;
    uint64_t of_mask, from_mask; /* groups; from: all publishers and chats unless said */
    struct har_strings phase;    /* none: the whole scenario */
    const char *rule, *why;
};

struct har_step_type;  /* harness/steps/step.h */
struct har_check_type; /* harness/checks/check.h */

/* One step, with the steps inside it. */
struct har_node {
    const struct har_step_type *type;
    void *args;        /* type->args_size bytes, by type->fields */
    uint64_t who;      /* groups of actors; 0 for control */
    const char *actor; /* the selector as written; NULL for control */
    struct har_node *children;
    size_t child_count;
    json_t *json;     /* its arguments as written */
    const char *path; /* "$.run[3].do[1]" */
};

struct har_check_node {
    const struct har_check_type *type;
    void *args; /* begins with struct har_check_common */
    const char *path;
};

struct har_scenario {
    char *id;   /* path under scenarios/ without .json */
    char *path; /* of the file */
    json_t *root;
    struct har_arena arena;
    const char *schema; /* for editors */
    const char *title, *why;
    int level; /* enum har_level */
    struct har_strings rules, tags, needs, catches;
    struct har_strings calibrate; /* what is to be measured first */
    unsigned calibrate_mask;      /* HAR_BIT of enum har_calibrated */
    struct har_expr seconds;
    bool is_alone;      /* measures time, capacity or resources */
    bool is_background; /* mostly waits: runs beside all the others */
    json_t *own_rules;  /* id to what it asks for, of another service than chat; NULL: none */
    json_t *let_json, *actors_json, *run_json, *expect_json;
    struct har_let *lets;
    size_t let_count;
    struct har_actor_spec *actors;
    size_t actor_count;
    struct har_node *run;
    size_t run_count;
    struct har_check_node *checks;
    size_t check_count;
    const char **phases; /* names, in the order of the file */
    size_t phase_count;
};

enum har_level {
    HAR_LEVEL_CORE,
    HAR_LEVEL_DECLARED,
    HAR_LEVEL_M,
    HAR_LEVEL_S,
    HAR_LEVEL_R,
    HAR_LEVEL_I
};
const char *har_level_name(int level);

/* The groups that a selector names: "*", "pub" or "live,stuck". False for an unknown name. */
bool har_select_actors(const struct har_scenario *scenario, const char *selector,
                       uint64_t *ret_mask);

/* Index of a phase's name, or -1. */
int har_phase_index(const struct har_scenario *scenario, const char *name);

#endif
