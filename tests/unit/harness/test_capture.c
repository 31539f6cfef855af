/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the file itself; test_transport_server has tshark look at one. */
#include "harness/evidence/capture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/evidence/packet.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/rd.h"
#include "tests/support/cmocka_all.h"

enum {
    FILE_MAX = 8 * 1024 * 1024,
    PACKETS_MAX = 1024,
};

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/test_capture_%d.pcapng", (int)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct sockaddr_in in4(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

struct seen_packet {
    uint64_t time_ns;
    uint8_t flags;
    uint32_t sequence, acknowledged;
    size_t payload;
    bool has_true_checksums;
};

struct seen_file {
    struct seen_packet packets[PACKETS_MAX];
    size_t packet_count;
    size_t secrets;
};

static uint32_t ones_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* Sums to all ones when the checksum inside is true (RFC 1071). */
static bool is_true_ipv4(const uint8_t *packet, size_t len)
{
    size_t tcp = len - 20;
    uint8_t pseudo[12];
    memcpy(pseudo, packet + 12, 8);
    pseudo[8] = 0;
    pseudo[9] = 6;
    pseudo[10] = (uint8_t)(tcp >> 8);
    pseudo[11] = (uint8_t)tcp;
    return ones_sum(0, packet, 20) == 0xffff &&
           ones_sum(ones_sum(0, pseudo, sizeof pseudo), packet + 20, tcp) == 0xffff;
}

static void read_packet(struct seen_file *seen, struct sl_span block)
{
    struct sl_rd rd;
    sl_rd_init(&rd, block);
    assert_int_equal(sl_rd_le32(&rd), 0);
    uint64_t high = sl_rd_le32(&rd);
    struct seen_packet *packet = &seen->packets[seen->packet_count++];
    packet->time_ns = high << 32 | sl_rd_le32(&rd);
    uint32_t len = sl_rd_le32(&rd);
    assert_int_equal(sl_rd_le32(&rd), len);
    struct sl_span bytes = sl_rd_take(&rd, len);
    assert_true(sl_rd_ok(&rd));
    if (bytes.data == NULL || bytes.len < 40) {
        fail_msg("a packet of %zu bytes", bytes.len);
        return;
    }
    packet->has_true_checksums = is_true_ipv4(bytes.data, bytes.len);
    const uint8_t *tcp = bytes.data + 20;
    sl_rd_init(&rd, sl_span(tcp + 4, 10));
    packet->sequence = sl_rd_be32(&rd);
    packet->acknowledged = sl_rd_be32(&rd);
    packet->flags = tcp[13];
    packet->payload = len - 20 - (size_t)(tcp[12] >> 4) * 4;
}

static void read_file(struct seen_file *seen)
{
    uint8_t *bytes = sl_alloc(FILE_MAX);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    *seen = (struct seen_file){0};
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(bytes, len));
    while (sl_rd_left(&rd) > 0) {
        uint32_t type = sl_rd_le32(&rd);
        uint32_t total = sl_rd_le32(&rd);
        struct sl_span body = sl_rd_take(&rd, total - 12);
        assert_int_equal(sl_rd_le32(&rd), total);
        assert_true(sl_rd_ok(&rd));
        assert_int_equal(total % 4, 0);
        if (type == 6) {
            read_packet(seen, body);
        }
        seen->secrets += type == 10 ? 1 : 0;
    }
    sl_free(bytes);
}

static struct har_capture_flow *open_flow(struct har_capture *capture, uint64_t now_ns)
{
    struct sockaddr_in client = in4("127.0.0.1", 40000);
    struct sockaddr_in server = in4("127.0.0.1", 50051);
    return har_capture_flow_new(capture, (const struct sockaddr *)&client,
                                (const struct sockaddr *)&server, now_ns);
}

static void a_flow_has_a_handshake_running_numbers_and_an_end(void **state)
{
    (void)state;
    struct har_capture *capture = NULL;
    static struct seen_file seen;
    uint64_t now_ns = sl_clock_mono_ns();
    assert_int_equal(har_capture_open(path, "a test", &capture, NULL), SL_OK);
    struct har_capture_flow *flow = open_flow(capture, now_ns);
    har_capture_flow_bytes(flow, true, sl_span_str("hello"), now_ns + 1000);
    har_capture_flow_bytes(flow, false, sl_span_str("answer"), now_ns + 2000);
    har_capture_flow_end(flow, true, false, now_ns + 3000);
    har_capture_flow_bytes(flow, true, sl_span_str("after the FIN"), now_ns + 3500);
    har_capture_flow_end(flow, false, false, now_ns + 4000);
    har_capture_flow_free(flow);
    assert_int_equal(har_capture_close(capture, NULL), SL_OK);

    read_file(&seen);
    const struct seen_packet *p = seen.packets;
    assert_int_equal(seen.packet_count, 8);
    assert_int_equal(p[0].flags, HAR_PACKET_SYN);
    assert_int_equal(p[1].flags, HAR_PACKET_SYN | HAR_PACKET_ACK);
    assert_int_equal(p[1].acknowledged, p[0].sequence + 1);
    assert_int_equal(p[2].flags, HAR_PACKET_ACK);
    assert_int_equal(p[3].sequence, p[0].sequence + 1);
    assert_int_equal(p[3].payload, 5);
    assert_int_equal(p[4].acknowledged, p[3].sequence + 5);
    assert_int_equal(p[4].payload, 6);
    assert_int_equal(p[5].flags, HAR_PACKET_FIN | HAR_PACKET_ACK);
    assert_int_equal(p[5].sequence, p[3].sequence + 5);
    assert_int_equal(p[5].acknowledged, p[4].sequence + 6);
    assert_int_equal(p[6].acknowledged, p[5].sequence + 1);
    assert_int_equal(p[7].flags, HAR_PACKET_ACK);
    assert_int_equal(p[4].time_ns - p[3].time_ns, 1000);
    for (size_t i = 0; i < seen.packet_count; i++) {
        assert_true(p[i].has_true_checksums);
    }
    /* Times are the wall clock's. */
    assert_true(sl_clock_wall_ns() - p[0].time_ns < 60 * SL_SECOND);
}

static void large_pieces_are_cut_into_segments(void **state)
{
    (void)state;
    struct har_capture *capture = NULL;
    static struct seen_file seen;
    uint8_t *bytes = sl_alloc(1000001);
    size_t sum = 0;
    assert_int_equal(har_capture_open(path, NULL, &capture, NULL), SL_OK);
    struct har_capture_flow *flow = open_flow(capture, 1);
    har_capture_flow_bytes(flow, false, sl_span(bytes, 1000001), 2);
    har_capture_flow_end(flow, false, true, 3);
    har_capture_flow_end(flow, true, false, 4); /* nothing comes after a reset */
    har_capture_flow_free(flow);
    assert_int_equal(har_capture_close(capture, NULL), SL_OK);
    sl_free(bytes);
    read_file(&seen);
    for (size_t i = 0; i < seen.packet_count; i++) {
        assert_true(seen.packets[i].payload <= HAR_CAPTURE_SEGMENT_MAX);
        assert_true(seen.packets[i].has_true_checksums);
        sum += seen.packets[i].payload;
    }
    assert_int_equal(sum, 1000001);
    assert_int_equal(seen.packets[seen.packet_count - 1].flags, HAR_PACKET_RST | HAR_PACKET_ACK);
}

static void keys_are_a_block_of_their_own(void **state)
{
    (void)state;
    struct har_capture *capture = NULL;
    static struct seen_file seen;
    assert_int_equal(har_capture_open(path, NULL, &capture, NULL), SL_OK);
    har_capture_tls_keys(capture, sl_span_str("CLIENT_RANDOM 00 11\n"));
    assert_int_equal(har_capture_close(capture, NULL), SL_OK);
    read_file(&seen);
    assert_int_equal(seen.secrets, 1);
}

static void a_full_disk_is_told_and_harms_nothing(void **state)
{
    (void)state;
    struct har_capture *capture = NULL;
    struct sl_error error = {0};
    uint8_t *bytes = sl_alloc(600000);
    assert_int_equal(har_capture_open("/dev/full", NULL, &capture, &error), SL_OK);
    struct har_capture_flow *flow = open_flow(capture, 1);
    for (size_t i = 0; i < 10; i++) {
        har_capture_flow_bytes(flow, true, sl_span(bytes, 600000), 2);
    }
    har_capture_flow_free(flow);
    assert_int_equal(har_capture_status(capture, &error), SL_IO);
    assert_string_equal(error.text, "cannot write /dev/full: No space left on device");
    assert_int_equal(har_capture_close(capture, &error), SL_IO);
    sl_free(bytes);
}

static void a_file_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    struct har_capture *capture = NULL;
    struct sl_error error = {0};
    assert_int_equal(har_capture_open("/no/such/folder/x.pcapng", NULL, &capture, &error), SL_IO);
    assert_null(capture);
    assert_non_null(strstr(error.text, "/no/such/folder/x.pcapng"));
    assert_int_equal(har_capture_close(NULL, NULL), SL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_has_a_handshake_running_numbers_and_an_end),
        cmocka_unit_test(large_pieces_are_cut_into_segments),
        cmocka_unit_test(keys_are_a_block_of_their_own),
        cmocka_unit_test(a_full_disk_is_told_and_harms_nothing),
        cmocka_unit_test(a_file_that_cannot_be_made_is_an_error),
    };
    return cmocka_run_group_tests_name("capture", tests, make_path, remove_path);
}
