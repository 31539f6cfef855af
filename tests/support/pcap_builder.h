/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PCAP_BUILDER_H
#define TEST_PCAP_BUILDER_H

/*
 * Captures made by hand: frames of any link type around TCP segments, in files of every kind.
 *
 * Buffers are initialised by the functions that make them and released by the test.
 */
#include "lib/base/buf.h"

enum {
    TEST_CAPTURE_MAX = 4 * 1024 * 1024,
};

enum test_capture_format {
    TEST_PCAP_US_LE,
    TEST_PCAP_US_BE,
    TEST_PCAP_NS_LE,
    TEST_PCAP_NS_BE,
    TEST_PCAPNG_LE,
    TEST_PCAPNG_BE,
};

struct test_capture {
    enum test_capture_format format;
    struct sl_buf bytes;
};

/* The file's header; for pcapng a section, and an interface of this link type. */
void test_capture_init(struct test_capture *capture, enum test_capture_format format,
                       uint32_t link_type);
void test_capture_release(struct test_capture *capture);
/* A packet of interface 0; wire_len 0 means that of frame. */
void test_capture_packet(struct test_capture *capture, uint64_t time_ns, struct sl_span frame,
                         uint32_t wire_len);

/* pcapng only. body: what stands between the two lengths, without padding. */
void test_capture_block(struct test_capture *capture, uint32_t type, struct sl_span body);
void test_capture_section(struct test_capture *capture);
void test_capture_interface(struct test_capture *capture, uint16_t link_type, int resolution);
void test_capture_packet_of(struct test_capture *capture, uint32_t interface, uint64_t ticks,
                            struct sl_span frame);
/* Integers in the byte order of the capture, for bodies. */
void test_capture_u16(const struct test_capture *capture, struct sl_buf *out, uint16_t value);
void test_capture_u32(const struct test_capture *capture, struct sl_buf *out, uint32_t value);

/* One TCP segment. Ends are 10.0.0.1 (or fd00::1) and 10.0.0.2, of which the first sends unless
 * is_back. */
struct test_tcp {
    bool is_v6;
    bool is_back;
    uint16_t port[2]; /* of the first and second end */
    uint32_t sequence, acknowledged;
    uint8_t flags;
    struct sl_span payload;
};

/* Appends the IP packet. */
void test_tcp_packet(struct sl_buf *out, const struct test_tcp *tcp);
/* Appends the frame of this link type around an IP packet. */
void test_link_frame(struct sl_buf *out, uint32_t link_type, struct sl_span packet);

#endif
