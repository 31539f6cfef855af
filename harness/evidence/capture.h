/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CAPTURE_H
#define HAR_CAPTURE_H

/*
 * A pcapng file of the connections that the harness opened, for any tool that reads captures.
 *
 * The harness sees byte streams, not packets: each piece that went through a socket becomes TCP
 * segments of at most HAR_CAPTURE_SEGMENT_MAX bytes in raw IPv4 or IPv6 packets, with a handshake,
 * running sequence numbers, true checksums and the closing FIN or RST. Addresses, ports, payload and
 * times are real; windows, ids and acknowledgements without data are not those of the kernel. Of a TLS connection either the plaintext is
 * written, or the records as they were (is_of_wire) with the keys beside them; the file's comment says which.
 *
 * Errors: a full disk is told once by har_capture_status and ends the writing; the run goes on.
 * Memory: at most HAR_CAPTURE_BUFFER_MAX bytes wait for the file, written synchronously beyond it.
 */
#include <sys/socket.h>

#include "harness/evidence/packet.h"
#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    /* As on an Ethernet: Wireshark gives up a packet that holds some 160 gRPC messages or more. */
    HAR_CAPTURE_SEGMENT_MAX = 1400,
    HAR_CAPTURE_BUFFER_MAX = 1024 * 1024,
};

struct har_capture;
struct har_capture_flow; /* one TCP connection in it */

/* Creates or empties the file. comment is put in its header; may be NULL. */
SL_MUST_USE enum sl_status har_capture_open(const char *path, const char *comment,
                                            struct har_capture **ret_capture,
                                            struct sl_error *reterr_error);
/* What connections go through; both texts are shown by readers. */
struct har_capture_interface {
    const char *name, *description;
};
struct har_capture_about {
    const char *comment; /* of the file; may be NULL */
    const struct har_capture_interface *interfaces;
    size_t interface_count; /* at least 1 */
    bool is_of_wire;        /* of TLS connections the records are given */
};
/* Begins at the end of a file that is open; takes fd. path is for messages. */
struct har_capture *har_capture_on(int fd, const char *path, const struct har_capture_about *about);
/* Writes what waits and closes; the first error since har_capture_open, if any. NULL is fine. Flows
 * must have ended. */
enum sl_status har_capture_close(struct har_capture *capture, struct sl_error *reterr_error);
/* SL_OK while everything could be written. */
enum sl_status har_capture_status(const struct har_capture *capture, struct sl_error *reterr_error);
/* Writes what waits to the file. */
void har_capture_flush(struct har_capture *capture);

/* NSS key log lines as a Decryption Secrets Block, before packets that need them. */
void har_capture_tls_keys(struct har_capture *capture, struct sl_span lines);

/* The handshake of a connection between these ends at now_ns (sl_clock_mono_ns). Both addresses are
 * of the same family, AF_INET or AF_INET6. */
struct har_capture_flow *har_capture_flow_new(struct har_capture *capture,
                                              const struct sockaddr *client,
                                              const struct sockaddr *server, uint64_t now_ns);
struct har_capture_flow_config {
    struct har_packet_end client, server; /* of one family */
    uint32_t interface;                   /* its number */
    const char *comment;                  /* of the first packet; NULL: none */
};
/* The same of a connection that has more to be said of. */
struct har_capture_flow *har_capture_flow_start(struct har_capture *capture,
                                                const struct har_capture_flow_config *config,
                                                uint64_t now_ns);
/* Bytes that went one way. */
void har_capture_flow_bytes(struct har_capture_flow *flow, bool is_from_client,
                            struct sl_span bytes, uint64_t now_ns);
/* Bytes that went one way and are not known: a reader sees that they are missing. */
void har_capture_flow_skip(struct har_capture_flow *flow, bool is_from_client, uint64_t count);
/* FIN or RST of one side. */
void har_capture_flow_end(struct har_capture_flow *flow, bool is_from_client, bool is_reset,
                          uint64_t now_ns);
/* Forgets the flow; writes nothing. NULL is fine. */
void har_capture_flow_free(struct har_capture_flow *flow);

#endif
