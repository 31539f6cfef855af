/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture made of another one, on stdout: with packets exchanged, and several times over.
 *
 *     bench_recapture CAPTURE [SWAP [COPIES]]
 *
 * Each packet whose number is a multiple of SWAP (0: none) goes behind the one that follows it. Each copy after the
 * first has addresses (127.0.N.1 for 127.0.0.1) and times of its own, so that its connections are others. Reads
 * what tcpdump writes on the same machine: classic pcap, native byte order, Ethernet, IPv4. What it reads is trusted.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
    PACKET_MAX = 1024 * 1024,
    OUT_BYTES = 1024 * 1024,
    SOURCE_AT = 14 + 12, /* of the IPv4 addresses in an Ethernet frame */
    TARGET_AT = 14 + 16,
    COPIES_MAX = 250,
    COPY_SECONDS = 3600, /* between the times of one copy and the next */
};

struct packet {
    uint8_t bytes[RECORD_HEADER + PACKET_MAX];
    size_t len; /* 0: none */
};

static struct packet packets[2];

/* Reads the next record; false at the end. */
static int read_packet(FILE *in, struct packet *packet, unsigned copy)
{
    uint32_t header[4]; /* seconds, fraction, captured, original */
    packet->len = 0;
    if (fread(header, sizeof(header), 1, in) != 1 || header[2] > PACKET_MAX ||
        header[2] < TARGET_AT + 4 || fread(packet->bytes + RECORD_HEADER, header[2], 1, in) != 1) {
        return 0;
    }
    header[0] += copy * COPY_SECONDS;
    memcpy(packet->bytes, header, sizeof(header));
    packet->len = RECORD_HEADER + header[2];
    packet->bytes[RECORD_HEADER + SOURCE_AT + 2] = (uint8_t)copy;
    packet->bytes[RECORD_HEADER + TARGET_AT + 2] = (uint8_t)copy;
    return 1;
}

static int write_packet(const struct packet *packet)
{
    return packet->len == 0 || fwrite(packet->bytes, packet->len, 1, stdout) == 1;
}

/* One copy of all packets of in. */
static int copy_packets(FILE *in, unsigned copy, uint64_t swap)
{
    int is_written = 1;
    for (uint64_t number = 1; is_written && read_packet(in, &packets[0], copy); number++) {
        if (swap != 0 && number % swap == 0) {
            (void)read_packet(in, &packets[1], copy);
            number++;
            is_written = write_packet(&packets[1]);
        }
        is_written = is_written && write_packet(&packets[0]);
    }
    return is_written;
}

int main(int argc, char **argv)
{
    uint64_t swap = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t copies = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    uint8_t header[FILE_HEADER];
    if (argc < 2 || argc > 4 || copies == 0 || copies > COPIES_MAX) {
        (void)fprintf(stderr, "usage: bench_recapture CAPTURE [SWAP [COPIES]]\n");
        return 2;
    }
    FILE *in = fopen(argv[1], "rb");
    if (in == NULL || fread(header, sizeof(header), 1, in) != 1) {
        (void)fprintf(stderr, "bench_recapture: cannot read %s\n", argv[1]);
        return 1;
    }
    (void)setvbuf(stdout, NULL, _IOFBF, OUT_BYTES);
    int is_written = fwrite(header, sizeof(header), 1, stdout) == 1;
    for (unsigned copy = 0; is_written && copy < copies; copy++) {
        (void)fseek(in, FILE_HEADER, SEEK_SET);
        is_written = copy_packets(in, copy, swap);
    }
    (void)fclose(in);
    return is_written && fflush(stdout) == 0 ? 0 : 1;
}
