/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/actor_fields.h"

const char *const har_kind_names[] = {"publisher", "subscriber", "chat",  "client",   "raw",
                                      "process",   "stream",     "child", "external", NULL};

static const char *const transport_names[] = {"grpc", "h2", NULL};
static const char *const via_names[] = {"direct", "proxy", NULL};
static const char *const credit_names[] = {"auto", "manual", NULL};
/* By the bits of enum har_suppress. */
static const char *const suppress_names[] = {"preface", "settings_ack", "ping_ack",
                                             "window_updates", NULL};

static const char room_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.{}";

static const struct har_field window_fields[] = {
    {"stream", HAR_FIELD_EXPR, offsetof(struct har_window, stream), .help = "of each stream"},
    {"connection", HAR_FIELD_EXPR, offsetof(struct har_window, connection),
     .help = "of the connection"},
};

static const struct har_field keepalive_fields[] = {
    {"time", HAR_FIELD_DURATION, offsetof(struct har_keepalive, time), .is_required = true,
     .help = "without a byte of the server, until a PING asks for one"},
    {"timeout", HAR_FIELD_DURATION, offsetof(struct har_keepalive, timeout),
     .help = "for its answer, then the connection is closed; default 20s"},
};

/* By enum har_actor_certificate. */
static const char *const certificate_names[] = {"usual",       "none",     "expired",
                                                "server-only", "other-ca", NULL};
static const struct har_field tls_fields[] = {
    {"alpn", HAR_FIELD_STRING, offsetof(struct har_actor_tls, alpn),
     .help = "protocols that it offers, with commas between; \"\": it has no ALPN; default: h2. "
             "Where h2 is among them the server must choose it; if not, HTTP/2 is spoken "
             "whatever it makes of them"},
    {"version", HAR_FIELD_STRING, offsetof(struct har_actor_tls, version),
     .help = "\"1.0\", \"1.1\", \"1.2\" or \"1.3\", and no other; default 1.2 and 1.3"},
    {"ciphers", HAR_FIELD_STRING, offsetof(struct har_actor_tls, ciphers),
     .help = "of TLS 1.2 and below, as OpenSSL names them, weak ones too"},
    {"certificate", HAR_FIELD_CHOICE, offsetof(struct har_actor_tls, certificate),
     .choices = certificate_names,
     .help = "of the client: `usual` (default), `none`, or one that the harness has made: "
             "`expired`, `server-only` (not for clients), `other-ca` (by an authority that "
             "nobody knows)"},
    {"name", HAR_FIELD_STRING, offsetof(struct har_actor_tls, name),
     .help = "of the server, in SNI; its certificate is not verified then"},
    {"record", HAR_FIELD_EXPR, offsetof(struct har_actor_tls, record),
     .help = "bytes of HTTP/2 in one record of TLS at most; default: as many as there are"},
    {"renegotiate", HAR_FIELD_BOOL, offsetof(struct har_actor_tls, renegotiates),
     .help = "true: once the server's first bytes are there it asks for a renegotiation, which TLS "
             "1.2 has; what is refused by an alert is the end of the connection"},
};

#define AT(member) offsetof(struct har_actor_spec, member)
const struct har_field har_actor_fields[] = {
    {"kind", HAR_FIELD_CHOICE, AT(kind), .choices = har_kind_names, .is_required = true,
     .help = "`publisher` (SendMessage), `subscriber` (SubscribeToRoom), `chat` (ChatRoom), "
             "`client` (calls of any method), `stream` (one stream of any method), `raw` (a "
             "connection whose frames the scenario writes; above), `process` (the server's own "
             "process), `child` (a client in a process of its own, to be killed or stopped), "
             "`external` (a client under test: the program of `--client`)"},
    {"n", HAR_FIELD_EXPR, AT(n), .help = "how many; default 1"},
    {"transport", HAR_FIELD_CHOICE, AT(transport), .choices = transport_names,
     .help = "`h2` (default: own frames, every window under control) or `grpc` (the gRPC C core)"},
    {"conn", HAR_FIELD_STRING, AT(conn),
     .help = "`own` (default: each its own connection) or `shared:NAME`"},
    {"via", HAR_FIELD_CHOICE, AT(via), .choices = via_names,
     .help = "`direct` (default), or `proxy`: through the fault proxy ([PROXY.md](PROXY.md)); "
             "an `external` one always"},
    {"room", HAR_FIELD_STRING, AT(room), .help = "a template; default `{room}`"},
    {"method", HAR_FIELD_STRING, AT(method),
     .help = "of a `stream`: `/package.Service/Method`; see [Your own service](#your-own-service)"},
    {"credit", HAR_FIELD_CHOICE, AT(credit), .choices = credit_names,
     .help = "`auto`, or `manual`: nothing but what `credit` grants; such a stream begins stalled"},
    {"max_rate_hz", HAR_FIELD_EXPR, AT(max_rate_hz), .help = "of a subscriber; default 100000"},
    {"deadline_ms", HAR_FIELD_EXPR, AT(deadline_ms),
     .help = "of a subscriber or chat: `grpc-timeout` of its streams. The server must end them, "
             "never before that and within 50 ms and two pauses of the machine, with "
             "DEADLINE_EXCEEDED or a reset"},
    {"window", HAR_FIELD_OBJECT, AT(window), .fields = window_fields,
     .field_count = sizeof(window_fields) / sizeof(window_fields[0]),
     .help = "HTTP/2 windows of the connection"},
    {"keepalive", HAR_FIELD_OBJECT, AT(keepalive), .fields = keepalive_fields,
     .field_count = sizeof(keepalive_fields) / sizeof(keepalive_fields[0]),
     .help = "of the connection; default none"},
    {"suppress", HAR_FIELD_STRINGS, AT(suppress), .choices = suppress_names,
     .help = "what a client does by itself and this one does not: `preface` (then nothing at all "
             "is sent at the beginning), `settings_ack`, `ping_ack`, `window_updates` (no credit "
             "for the connection but what the scenario grants)"},
    {"receive_buffer", HAR_FIELD_EXPR, AT(receive_buffer),
     .help = "SO_RCVBUF of its socket in bytes, for sockets that are not read (`pause`)"},
    {"streams", HAR_FIELD_EXPR, AT(streams), .help = "of a `child`: its subscriptions; default 1"},
    {"data_frame", HAR_FIELD_EXPR, AT(data_frame),
     .help = "content of its DATA frames at most; default: what the server allows"},
    {"tls", HAR_FIELD_OBJECT, AT(tls), .fields = tls_fields,
     .field_count = sizeof(tls_fields) / sizeof(tls_fields[0]),
     .help = "how the TLS of its connection differs from that of the run, on purpose; the "
             "scenario needs `tls`"},
};
#undef AT
const size_t har_actor_field_count = sizeof(har_actor_fields) / sizeof(har_actor_fields[0]);

static bool read_suppress(struct har_actor_spec *spec)
{
    for (size_t i = 0; i < spec->suppress.count; i++) {
        unsigned bit = 0;
        while (suppress_names[bit] != NULL &&
               strcmp(suppress_names[bit], spec->suppress.items[i]) != 0) {
            bit++;
        }
        if (suppress_names[bit] == NULL) {
            return false;
        }
        spec->suppress_mask |= 1U << bit;
    }
    return true;
}

static bool is_version(const char *text)
{
    return text == NULL ||
           (strncmp(text, "1.", 2) == 0 && strlen(text) == 3 && strchr("0123", text[2]) != NULL);
}

static const char *settle_tls(struct har_actor_spec *spec)
{
    struct har_actor_tls *tls = &spec->tls;
    tls->is_set = tls->alpn != NULL || tls->version != NULL || tls->ciphers != NULL ||
                  tls->name != NULL || tls->record.is_set || tls->renegotiates ||
                  tls->certificate != HAR_CERTIFICATE_USUAL;
    bool is_own = strcmp(spec->conn, "own") == 0;
    return !is_version(tls->version)       ? "tls.version is 1.0, 1.1, 1.2 or 1.3"
           : !tls->is_set                  ? NULL
           : !is_own || spec->is_via_proxy ? "tls is of a connection of its own, without the proxy"
           : spec->transport == HAR_TRANSPORT_GRPC ? "tls needs the transport h2"
                                                   : NULL;
}

const char *har_actor_settle(struct har_actor_spec *spec)
{
    spec->is_manual = spec->credit == 1;
    spec->is_via_proxy = spec->via == 1 || spec->kind == HAR_EXTERNAL;
    bool is_shared = spec->conn != NULL && strncmp(spec->conn, "shared:", 7) == 0;
    if (spec->conn == NULL || (!is_shared && strcmp(spec->conn, "own") != 0)) {
        return "conn must be \"own\" or \"shared:NAME\"";
    }
    /* It becomes a part of a command for the shell. */
    if (spec->kind == HAR_EXTERNAL && spec->room[strspn(spec->room, room_letters)] != '\0') {
        return "the room of a client under test has letters, digits and -_. only, and {room}, {i}";
    }
    if (!read_suppress(spec)) {
        return "suppress takes preface, settings_ack, ping_ack and window_updates";
    }
    if ((spec->kind == HAR_STREAM) != (spec->method != NULL)) {
        return "a stream, and only a stream, has a \"method\": \"/package.Service/Method\"";
    }
    const char *problem = settle_tls(spec);
    if (problem != NULL) {
        return problem;
    }
    if (spec->transport == HAR_TRANSPORT_GRPC) {
        return spec->is_manual            ? "manual credit needs the transport h2"
               : spec->kind == HAR_RAW    ? "a raw connection needs the transport h2"
               : spec->suppress_mask != 0 ? "suppress needs the transport h2"
               : spec->data_frame.is_set  ? "data_frame needs the transport h2"
                                          : NULL;
    }
    return NULL;
}
