/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PEER_H
#define TEST_PEER_H

/*
 * A scripted HTTP/2 server on 127.0.0.1, on the test's own loop. It keeps the client's windows and
 * settings, and answers by the method's name:
 *
 *   /t/Echo      every message comes back as it was; OK at half-close
 *   /t/Burst     "COUNT SIZE" in the first message: so many messages of so many bytes, then OK
 *   /t/Quiet     headers, then nothing
 *   /t/Fail      Trailers-Only: PERMISSION_DENIED, "no way: 100%"
 *   /t/Reset     RST_STREAM REFUSED_STREAM
 *   /t/Die       half of a DATA frame, then the connection ends as the script says
 *   /t/Goaway    GOAWAY with this stream as the last one, then OK
 *
 * and wrongly:
 *
 *   /t/NoStatus  headers, then trailers without grpc-status
 *   /t/NoEnd     headers, then trailers that do not end the stream
 *   /t/NoTrailers  headers, then RST_STREAM NO_ERROR
 *   /t/Long      headers, then a prefix of more bytes than any client takes, and trailers
 *   /t/Page      :status 200, text/html, and no more of gRPC
 *
 * It parses with the project's observer, as the client under test does: tests against other servers
 * (test_transport_servers) are what proves the wire format.
 */
#include <uv.h>

#include "lib/wire/observer.h"

enum peer_die {
    PEER_DIE_FIN,
    PEER_DIE_RST,
};

struct peer_script {
    const char *greeting; /* raw bytes sent at once in place of HTTP/2; NULL: none */
    bool is_mute;         /* accepts and says nothing */
    bool is_deaf_to_pings;
    bool is_ping_first; /* a PING comes before SETTINGS */
    bool is_padding;    /* DATA frames are padded */
    bool is_generous;   /* keeps the connection's window at 2^31-1 */
    unsigned pings;     /* so many come behind SETTINGS, and nothing is ever read; 0: none */
    enum peer_die die;
    size_t die_after;     /* of so many bytes of a connection it ends as die says; 0: never */
    uint32_t max_streams; /* SETTINGS_MAX_CONCURRENT_STREAMS; 0: not sent */
    uint32_t window;      /* SETTINGS_INITIAL_WINDOW_SIZE; 0: not sent */
    uint32_t max_data;    /* bytes of one DATA frame; 0: 16384 */
};

struct peer;

struct peer *peer_new(uv_loop_t *loop, const struct peer_script *script);
/* On this port; 0: any. */
struct peer *peer_new_at(uv_loop_t *loop, const struct peer_script *script, uint16_t port);
/* Closes the listener and every connection. */
void peer_free(struct peer *peer);
uint16_t peer_port(const struct peer *peer);

/* What the peer saw. */
struct peer_seen {
    size_t connections, calls, open_now, most_open, resets, pings, ping_acks, goaways, fins;
    size_t continuations; /* CONTINUATION frames */
    uint64_t stray;       /* DATA bytes sent that the window did not allow: always 0 */
    char last_path[64], last_agent[64], last_timeout[16], last_te[16], last_type[32];
    char last_extra[64];  /* x-extra */
    char last_binary[64]; /* x-extra-bin, as it was on the wire */
    uint32_t last_reset;
};
const struct peer_seen *peer_seen(const struct peer *peer);

/* On every connection. */
void peer_ping(struct peer *peer);

#endif
