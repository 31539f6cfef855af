/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_CLASS_H
#define HAR_PROBE_CLASS_H

/*
 * The classes of abuse: what each one sends, how much of it at most, and what counts as a limit.
 *
 * A class writes frames by up to three functions: what a connection begins with, one unit of what there is a count of,
 * and what ends it. The maxima are of the class: no option goes beyond them.
 */
#include "lib/base/buf.h"
#include "lib/wire/hpack.h"

enum {
    HAR_PROBE_LINKS_MAX = 20,
};

/* What is known to the writers of frames about the connection they write for. */
struct har_probe_wire {
    const char *path, *scheme, *authority;
    const struct sl_header *metadata;
    size_t metadata_count;
    struct sl_span message;                                  /* payload of a call that is right */
    uint32_t (*take_stream)(void *owner);                    /* the next stream's number */
    void (*table_update)(void *owner, struct sl_buf *block); /* as har_conn_table_update */
    void *owner;
    uint32_t stream;          /* the last one that was taken */
    uint32_t unit;            /* number of the unit that is written, from 0 */
    uint64_t pings, settings; /* sent so far; each is to be acknowledged */
};
typedef void har_probe_write_fn(struct har_probe_wire *wire, struct sl_buf *out);

enum har_probe_flag {
    HAR_PROBE_BY_STREAM = 1, /* an error of the stream is a limit too */
    HAR_PROBE_SYNCS =
        2, /* SETTINGS behind each batch: the next one waits until it is acknowledged */
    HAR_PROBE_UNREAD = 4,         /* nothing is read until all is sent */
    HAR_PROBE_SILENT = 8,         /* no preface */
    HAR_PROBE_SAME = 16,          /* the connection is to serve afterwards, where it is up */
    HAR_PROBE_WAITS = 32,         /* lasts as long as the patience, unless all connections end */
    HAR_PROBE_ANSWERED = 64,      /* one answer for each is a limit */
    HAR_PROBE_BY_MEMORY = 128,    /* memory that does not grow is a limit */
    HAR_PROBE_SURVIVES = 256,     /* any answer is fine: the matter is whether it lives */
    HAR_PROBE_NEVER_SERVED = 512, /* grpc-status 0 is what must not be */
    HAR_PROBE_NEVER_CUT = 1024,   /* an end of the connection is what must not be */
};

struct har_probe_class {
    const char *name, *title;
    const char *cves;     /* "CVE-2023-44487"; several are joined by ", " */
    const char *rule;     /* of the catalogue */
    const char *sends;    /* for a person, without the count */
    const char *unit;     /* "streams" */
    uint32_t count;       /* units on a connection, at most */
    uint32_t batch;       /* units at once, after the first ten, which go one by one */
    uint32_t interval_ms; /* between batches */
    uint32_t links;       /* connections at once */
    uint32_t wait_ms;     /* for a limit after the last unit */
    uint32_t growth_mib;  /* of the target's memory, beyond which it is affected */
    unsigned flags;
    har_probe_write_fn *begin, *write, *end; /* any may be NULL */
};

extern const struct har_probe_class har_probe_classes[];
extern const size_t har_probe_class_count;

/* Marks the classes that the glob names; false: none. A CVE's number names its classes, too. */
bool har_probe_choose(const char *glob, bool *is_chosen);
/* Units on a connection when percent of the maximum is asked for. */
uint32_t har_probe_planned(const struct har_probe_class *of, unsigned percent,
                           uint64_t patience_ns);
/* How long it takes at most, canaries included, on a server that answers. */
uint64_t har_probe_longest_ns(const struct har_probe_class *of, uint64_t patience_ns);

/* units_flood.c */
har_probe_write_fn har_probe_write_reset, har_probe_write_zero_credit,
    har_probe_write_credit_overflow, har_probe_write_late_data, har_probe_write_ping,
    har_probe_write_settings, har_probe_begin_call, har_probe_write_empty_data,
    har_probe_begin_long_message, har_probe_write_byte, har_probe_write_priority;
/* units_block.c */
har_probe_write_fn har_probe_begin_block, har_probe_write_fields, har_probe_write_nothing,
    har_probe_end_block, har_probe_write_bomb, har_probe_write_empty_names,
    har_probe_begin_padded_number, har_probe_write_padding, har_probe_begin_long_string,
    har_probe_begin_string, har_probe_write_string, har_probe_write_string_byte;
/* units_call.c */
har_probe_write_fn har_probe_write_announced, har_probe_write_no_slash, har_probe_write_bad_base64,
    har_probe_write_bad_te, har_probe_write_no_authority;

enum har_probe_without {
    HAR_PROBE_NO_SLASH = 1,
    HAR_PROBE_NO_AUTHORITY = 2,
    HAR_PROBE_BAD_TE = 4,
    HAR_PROBE_BAD_SCHEME = 8,
};
/* A call's usual fields in literals, less or worse by `without`. */
void har_probe_fields(const struct har_probe_wire *wire, unsigned without, struct sl_buf *out);
/* HEADERS of a new stream with such a block and more behind it. */
void har_probe_headers(struct har_probe_wire *wire, unsigned without, uint8_t flags,
                       struct sl_span more, struct sl_buf *out);
/* DATA with the whole message, and END_STREAM. */
void har_probe_message(const struct har_probe_wire *wire, struct sl_buf *out);

#endif
