/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FAULT_H
#define HAR_FAULT_H

/*
 * Faults: what the proxy does to connections.
 *
 *     JSON -> struct har_fault_args (numbers may be expressions) -> struct har_fault (numbers)
 *
 * One pair of tables reads them in a scenario's steps `fault` and `h2fault`, in a file of faults and from
 * the control port. A fault of bytes shapes a direction of a connection; a fault of frames (h2fault) is
 * keyed on HTTP/2 frames, streams, methods and messages.
 */
#include "harness/scenario/fields.h"
#include "lib/wire/h2_frame.h"

enum {
    HAR_FAULT_NAME_MAX = 64,
    HAR_FAULT_METHOD_MAX = 256,
    HAR_FAULT_SETTINGS_MAX = 6,
    HAR_FAULT_TEXT_MAX =
        64 * 1024,        /* bytes of a request's body; a file may have 16 times as many */
    HAR_FAULTS_MAX = 256, /* in force at a time */
};

enum har_fault_dir {
    HAR_DIR_BOTH,
    HAR_DIR_TO_CLIENT,
    HAR_DIR_TO_SERVER,
};

enum har_fault_do {
    HAR_DO_DELAY,
    HAR_DO_DROP,
    HAR_DO_INJECT,
    HAR_DO_REWRITE,
};

enum har_cut_unit {
    HAR_CUT_NEVER,
    HAR_CUT_BYTES,
    HAR_CUT_FRAMES,
    HAR_CUT_MESSAGES,
};

/* Which connections and streams: what both kinds of faults may say. */
struct har_fault_match {
    const char *name;
    int dir; /* enum har_fault_dir */
    struct har_expr first, nth_connection, stream, time;
    const char *method;
};

struct har_fault_args {
    struct har_fault_match match;
    struct har_expr latency, jitter, bandwidth, slice;
    bool is_stall, is_swallow, is_refuse;
    struct {
        struct har_expr bytes, frames, messages;
        int how; /* 0: FIN, 1: RST */
    } cut;
    const char *why;
};

struct har_h2fault_args {
    struct har_fault_match match;
    int frame; /* index: DATA, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE */
    int what;  /* enum har_fault_do */
    int ack;   /* 0: any, 1: only acknowledgements, 2: none */
    struct har_expr nth, count, message, delay, after;
    struct har_expr last_id, increment, opaque, settings[HAR_FAULT_SETTINGS_MAX];
    int code;
    const char *why;
};

enum {
    HAR_FAULT_FIELDS = 16,
    HAR_H2FAULT_FIELDS = 21,
};
extern const struct har_field har_fault_fields[HAR_FAULT_FIELDS];
extern const struct har_field har_h2fault_fields[HAR_H2FAULT_FIELDS];

struct har_fault {
    char name[HAR_FAULT_NAME_MAX];
    enum har_fault_dir dir;
    uint64_t first,
        nth_connection; /* of the connections that come from now on; 0: all, also those there */
    uint32_t stream;    /* 0: any */
    char method[HAR_FAULT_METHOD_MAX]; /* "/pkg.Service/Method" or its last part; "": any */
    uint64_t time_ns;                  /* it ends by itself; 0: it does not */
    bool is_h2;

    uint64_t latency_ns, jitter_ns;
    uint64_t bandwidth; /* bytes a second; 0: free */
    size_t slice;       /* bytes a write; 0: free */
    bool is_stall, is_swallow, is_refuse;
    enum har_cut_unit cut;
    uint64_t cut_after;
    bool is_cut_rst;

    uint8_t frame; /* enum sl_h2_type */
    enum har_fault_do what;
    bool is_ack_only, is_ack_never;
    uint64_t nth;     /* only the nth such frame of a connection; 0: all */
    uint64_t count;   /* at most so many frames of a connection; 0: all */
    uint64_t message; /* not before message number so many of a stream has passed; 0: at once */
    uint64_t delay_ns;
    bool has_last_id, has_increment, has_opaque;
    uint32_t last_id, increment, code;
    uint64_t opaque;
    struct sl_h2_setting_pair settings[HAR_FAULT_SETTINGS_MAX];
    size_t setting_count;
};

/* True when the fault concerns this direction. */
bool har_fault_is_to(const struct har_fault *fault, bool is_to_server);
/* True when the fault is about a call of this method (its :path) on this stream. */
bool har_fault_matches_call(const struct har_fault *fault, uint32_t stream, struct sl_span path);
/* True when the fault waits for a call that matches. */
bool har_fault_needs_call(const struct har_fault *fault);

/* What is wrong with the combination of keys, whatever their numbers are; NULL: nothing. */
const char *har_fault_problem(const struct har_fault_args *args);
const char *har_h2fault_problem(const struct har_h2fault_args *args);

/* The value of an expression, fallback when its key was absent. */
typedef double har_fault_value_fn(void *owner, const struct har_expr *expr, double fallback);
/* SL_LIMIT when a number is not possible. */
SL_MUST_USE enum sl_status har_fault_make(const struct har_fault_args *args,
                                          har_fault_value_fn *value, void *owner,
                                          struct har_fault *ret_fault,
                                          struct sl_error *reterr_error);
SL_MUST_USE enum sl_status har_h2fault_make(const struct har_h2fault_args *args,
                                            har_fault_value_fn *value, void *owner,
                                            struct har_fault *ret_fault,
                                            struct sl_error *reterr_error);

/* Faults from outside a scenario. */
struct har_fault_list {
    struct har_fault *faults;
    char **texts; /* each as compact JSON, as it was written */
    size_t count;
    bool is_array; /* the text was an array */
};
/* text is a fault object, or an array of them; each may stand in {"fault": ...} or {"h2fault": ...}. An
 * object with the key "frame" is a fault of frames. Numbers may be expressions without names. The error's
 * text has the JSON path, what is wrong and the nearest known key, and its line is set. */
SL_MUST_USE enum sl_status har_faults_read(struct sl_span text, struct har_fault_list *ret_list,
                                           struct sl_error *reterr_error);
void har_fault_list_release(struct har_fault_list *list);

#endif
