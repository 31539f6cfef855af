/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TALK_PACKETS_H
#define TEST_TALK_PACKETS_H

/* A scripted conversation (talk.h) as captured packets. */
#include "tests/support/pcap_builder.h"
#include "tests/support/talk.h"

enum {
    TEST_PACKETS_MAX = 64,
    TEST_PACKET_BYTES_MAX = 2048,
};

struct test_packets {
    size_t count;
    struct {
        uint8_t bytes[TEST_PACKET_BYTES_MAX];
        size_t len;
        bool has_data;
    } items[TEST_PACKETS_MAX];
};

/* A handshake, one packet for each piece of the script (a gap leaves its packet out; close becomes FIN
 * or RST), then FIN of both sides where the script did not close. Sequence numbers of the client wrap
 * around soon. */
void test_pack(struct test_packets *packets, const struct test_talk *talk, uint32_t link_type,
               bool is_v6);

#endif
