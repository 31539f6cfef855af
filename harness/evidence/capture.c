/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/capture.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"

/* Block types and options, draft-ietf-opsawg-pcapng 4. */
enum {
    BLOCK_SECTION = 0x0A0D0D0A,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BLOCK_SECRETS = 10,
    BYTE_ORDER_MAGIC = 0x1A2B3C4D,
    SECRETS_TLS = 0x544C534B,
    LINKTYPE_RAW = 101,
    OPTION_COMMENT = 1,
    OPTION_APPLICATION = 4, /* of a section */
    OPTION_NAME = 2,        /* of an interface */
    OPTION_DESCRIPTION = 3, /* of an interface */
    OPTION_TSRESOL = 9,     /* of an interface */
    NANOSECONDS = 9,        /* 10^-9 s */
    BLOCK_FRAME = 12,       /* type and both lengths */
    FLUSH_AT = 256 * 1024,
    ACK_EVERY = 256 * 1024, /* a quiet receiver acknowledges after so many bytes */
    OPTION_MAX = 4096,
    SECRETS_MAX = 256 * 1024,
    FIRST_SEQUENCE = 1000,
    SEQUENCE_STEP = 100000, /* between the first sequence numbers of flows */
};

struct har_capture {
    int fd;
    struct sl_buf waiting;
    uint64_t wall_offset_ns; /* what is added to the monotonic clock */
    uint32_t flows;          /* begun so far */
    struct sl_error error;   /* status SL_OK while all is well */
    char *path;
};

enum { CLIENT, SERVER };

struct har_capture_flow {
    struct har_capture *capture;
    struct har_packet_end ends[2];
    uint32_t next[2];    /* sequence number of the next byte of each side */
    uint32_t unacked[2]; /* bytes of each side that the other has not acknowledged */
    bool is_ended[2];
    bool is_reset;
    uint32_t interface;
    const char *comment; /* of the next packet; NULL: none */
};

/* --- the file --- */

static void fail(struct har_capture *capture, const char *what)
{
    if (capture->error.status == SL_OK) {
        sl_error_set(&capture->error, SL_IO, "%s %s: %s", what, capture->path, strerror(errno));
    }
}

void har_capture_flush(struct har_capture *capture)
{
    struct sl_span left = sl_buf_span(&capture->waiting);
    while (left.len > 0 && capture->error.status == SL_OK) {
        ssize_t count = write(capture->fd, left.data, left.len);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            fail(capture, "cannot write");
            break;
        }
        left = sl_span_from(left, (size_t)count);
    }
    sl_buf_clear(&capture->waiting);
}

static void pad(struct sl_buf *buf, size_t len)
{
    static const uint8_t zeros[4];
    (void)sl_buf_add(buf, zeros, (4 - len % 4) % 4);
}

/* One block: a head, a body that is padded to 32 bits, options. */
static void add_block_with(struct har_capture *capture, uint32_t type, struct sl_span head,
                           struct sl_span body, struct sl_span options)
{
    size_t padded = (body.len + 3) / 4 * 4;
    uint32_t total = (uint32_t)(BLOCK_FRAME + head.len + padded + options.len);
    struct sl_buf *out = &capture->waiting;
    if (capture->error.status != SL_OK) {
        return;
    }
    assert(head.len % 4 == 0);
    (void)sl_buf_add_le32(out, type);
    (void)sl_buf_add_le32(out, total);
    (void)sl_buf_add_span(out, head);
    (void)sl_buf_add_span(out, body);
    pad(out, body.len);
    (void)sl_buf_add_span(out, options);
    (void)sl_buf_add_le32(out, total);
    assert(!out->is_full);
    if (out->len >= FLUSH_AT) {
        har_capture_flush(capture);
    }
}

static void add_block(struct har_capture *capture, uint32_t type, struct sl_span head,
                      struct sl_span body)
{
    add_block_with(capture, type, head, body, sl_span(NULL, 0));
}

static void add_option(struct sl_buf *buf, uint16_t code, struct sl_span value)
{
    value = sl_span_first(value, OPTION_MAX);
    (void)sl_buf_add_le16(buf, code);
    (void)sl_buf_add_le16(buf, (uint16_t)value.len);
    (void)sl_buf_add_span(buf, value);
    pad(buf, value.len);
}

static const char of_plaintext[] = "TCP segments made from the byte streams of the harness's own "
                                   "connections; of TLS connections the plaintext is shown";
static const char of_wire[] = "TCP segments made from the byte streams of the harness's own "
                              "connections; the keys of TLS connections are inside";

static void add_section(struct har_capture *capture, const struct har_capture_about *about)
{
    struct sl_buf head;
    sl_buf_init(&head, (size_t)OPTION_MAX * 3);
    (void)sl_buf_add_le32(&head, BYTE_ORDER_MAGIC);
    (void)sl_buf_add_le16(&head, 1); /* version 1.0 */
    (void)sl_buf_add_le16(&head, 0);
    (void)sl_buf_add_le64(&head, UINT64_MAX); /* length of the section: not told */
    if (about->comment != NULL) {
        add_option(&head, OPTION_COMMENT, sl_span_str(about->comment));
    }
    add_option(&head, OPTION_COMMENT, sl_span_str(about->is_of_wire ? of_wire : of_plaintext));
    add_option(&head, OPTION_APPLICATION, sl_span_str("sluice-harness " SL_VERSION));
    (void)sl_buf_add_le32(&head, 0); /* end of options */
    add_block(capture, BLOCK_SECTION, sl_buf_span(&head), sl_span(NULL, 0));
    sl_buf_release(&head);
}

static void add_interface(struct har_capture *capture,
                          const struct har_capture_interface *interface)
{
    struct sl_buf head;
    uint8_t resolution = NANOSECONDS;
    sl_buf_init(&head, (size_t)OPTION_MAX * 3);
    (void)sl_buf_add_le16(&head, LINKTYPE_RAW);
    (void)sl_buf_add_le16(&head, 0); /* reserved */
    (void)sl_buf_add_le32(&head, 0); /* no snap length */
    if (interface->name != NULL) {
        add_option(&head, OPTION_NAME, sl_span_str(interface->name));
        add_option(&head, OPTION_DESCRIPTION, sl_span_str(interface->description));
    }
    add_option(&head, OPTION_TSRESOL, sl_span(&resolution, 1));
    (void)sl_buf_add_le32(&head, 0); /* end of options */
    add_block(capture, BLOCK_INTERFACE, sl_buf_span(&head), sl_span(NULL, 0));
    sl_buf_release(&head);
}

struct har_capture *har_capture_on(int fd, const char *path, const struct har_capture_about *about)
{
    struct har_capture *capture = sl_alloc(sizeof *capture);
    capture->fd = fd;
    capture->path = sl_strdup(path);
    capture->wall_offset_ns = sl_clock_wall_ns() - sl_clock_mono_ns();
    sl_buf_init(&capture->waiting, HAR_CAPTURE_BUFFER_MAX);
    add_section(capture, about);
    for (size_t i = 0; i < about->interface_count; i++) {
        add_interface(capture, &about->interfaces[i]);
    }
    return capture;
}

enum sl_status har_capture_open(const char *path, const char *comment,
                                struct har_capture **ret_capture, struct sl_error *reterr_error)
{
    static const struct har_capture_interface only = {0};
    struct har_capture_about about = {
        .comment = comment, .interfaces = &only, .interface_count = 1};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return sl_error_set(reterr_error, SL_IO, "cannot create %s: %s", path, strerror(errno));
    }
    *ret_capture = har_capture_on(fd, path, &about);
    return SL_OK;
}

enum sl_status har_capture_status(const struct har_capture *capture, struct sl_error *reterr_error)
{
    if (capture->error.status != SL_OK && reterr_error != NULL) {
        *reterr_error = capture->error;
    }
    return capture->error.status;
}

enum sl_status har_capture_close(struct har_capture *capture, struct sl_error *reterr_error)
{
    if (capture == NULL) {
        return SL_OK;
    }
    har_capture_flush(capture);
    if (close(capture->fd) != 0) {
        fail(capture, "cannot close");
    }
    enum sl_status status = har_capture_status(capture, reterr_error);
    sl_buf_release(&capture->waiting);
    sl_free(capture->path);
    sl_free(capture);
    return status;
}

void har_capture_tls_keys(struct har_capture *capture, struct sl_span lines)
{
    struct sl_buf head;
    lines = sl_span_first(lines, SECRETS_MAX);
    sl_buf_init(&head, 8);
    (void)sl_buf_add_le32(&head, SECRETS_TLS);
    (void)sl_buf_add_le32(&head, (uint32_t)lines.len);
    add_block(capture, BLOCK_SECRETS, sl_buf_span(&head), lines);
    sl_buf_release(&head);
}

/* --- flows --- */

static void add_segment(struct har_capture_flow *flow, int from, uint8_t flags,
                        struct sl_span payload, uint64_t now_ns)
{
    struct har_capture *capture = flow->capture;
    struct sl_buf packet;
    struct sl_buf head;
    uint64_t wall_ns = now_ns + capture->wall_offset_ns;
    struct har_packet_segment segment = {
        .from = &flow->ends[from],
        .to = &flow->ends[1 - from],
        .sequence = flow->next[from],
        .acknowledged = flow->next[1 - from],
        .flags = flags,
        .payload = payload,
    };
    sl_buf_init(&packet, HAR_PACKET_MAX);
    har_packet_write(&packet, &segment);
    sl_buf_init(&head, 20);
    (void)sl_buf_add_le32(&head, flow->interface);
    (void)sl_buf_add_le32(&head, (uint32_t)(wall_ns >> 32));
    (void)sl_buf_add_le32(&head, (uint32_t)wall_ns);
    (void)sl_buf_add_le32(&head, (uint32_t)packet.len);
    (void)sl_buf_add_le32(&head, (uint32_t)packet.len);
    struct sl_buf options;
    sl_buf_init(&options, (size_t)OPTION_MAX * 2);
    if (flow->comment != NULL) {
        add_option(&options, OPTION_COMMENT, sl_span_str(flow->comment));
        (void)sl_buf_add_le32(&options, 0); /* end of options */
        flow->comment = NULL;
    }
    add_block_with(capture, BLOCK_PACKET, sl_buf_span(&head), sl_buf_span(&packet),
                   sl_buf_span(&options));
    sl_buf_release(&options);
    sl_buf_release(&head);
    sl_buf_release(&packet);

    bool takes_number = (flags & (HAR_PACKET_SYN | HAR_PACKET_FIN)) != 0;
    flow->next[from] += (uint32_t)payload.len + (takes_number ? 1 : 0);
    flow->unacked[from] += (uint32_t)payload.len;
    flow->unacked[1 - from] = 0;
}

struct har_capture_flow *har_capture_flow_start(struct har_capture *capture,
                                                const struct har_capture_flow_config *config,
                                                uint64_t now_ns)
{
    struct har_capture_flow *flow = sl_alloc(sizeof *flow);
    uint32_t first = FIRST_SEQUENCE + SEQUENCE_STEP * capture->flows++;
    flow->capture = capture;
    flow->ends[CLIENT] = config->client;
    flow->ends[SERVER] = config->server;
    flow->interface = config->interface;
    flow->comment = config->comment;
    assert(flow->ends[CLIENT].family == flow->ends[SERVER].family);
    flow->next[CLIENT] = first;
    add_segment(flow, CLIENT, HAR_PACKET_SYN, sl_span(NULL, 0), now_ns);
    flow->next[SERVER] = first + SEQUENCE_STEP / 2;
    add_segment(flow, SERVER, HAR_PACKET_SYN | HAR_PACKET_ACK, sl_span(NULL, 0), now_ns);
    add_segment(flow, CLIENT, HAR_PACKET_ACK, sl_span(NULL, 0), now_ns);
    flow->comment = NULL; /* borrowed for this call */
    return flow;
}

struct har_capture_flow *har_capture_flow_new(struct har_capture *capture,
                                              const struct sockaddr *client,
                                              const struct sockaddr *server, uint64_t now_ns)
{
    struct har_capture_flow_config config = {0};
    har_packet_end_init(&config.client, client);
    har_packet_end_init(&config.server, server);
    return har_capture_flow_start(capture, &config, now_ns);
}

void har_capture_flow_bytes(struct har_capture_flow *flow, bool is_from_client,
                            struct sl_span bytes, uint64_t now_ns)
{
    int from = is_from_client ? CLIENT : SERVER;
    if (flow->is_reset || flow->is_ended[from]) {
        return;
    }
    while (bytes.len > 0) {
        struct sl_span piece = sl_span_first(bytes, HAR_CAPTURE_SEGMENT_MAX);
        add_segment(flow, from, HAR_PACKET_PSH | HAR_PACKET_ACK, piece, now_ns);
        bytes = sl_span_from(bytes, piece.len);
        if (flow->unacked[from] >= ACK_EVERY) {
            add_segment(flow, 1 - from, HAR_PACKET_ACK, sl_span(NULL, 0), now_ns);
        }
    }
}

void har_capture_flow_skip(struct har_capture_flow *flow, bool is_from_client, uint64_t count)
{
    int from = is_from_client ? CLIENT : SERVER;
    if (!flow->is_reset && !flow->is_ended[from]) {
        flow->next[from] += (uint32_t)count;
    }
}

void har_capture_flow_end(struct har_capture_flow *flow, bool is_from_client, bool is_reset,
                          uint64_t now_ns)
{
    int from = is_from_client ? CLIENT : SERVER;
    if (flow->is_reset || flow->is_ended[from]) {
        return;
    }
    flow->is_ended[from] = true;
    flow->is_reset = is_reset;
    add_segment(flow, from, (is_reset ? HAR_PACKET_RST : HAR_PACKET_FIN) | HAR_PACKET_ACK,
                sl_span(NULL, 0), now_ns);
    if (flow->is_ended[CLIENT] && flow->is_ended[SERVER] && !is_reset) {
        add_segment(flow, 1 - from, HAR_PACKET_ACK, sl_span(NULL, 0), now_ns);
    }
}

void har_capture_flow_free(struct har_capture_flow *flow)
{
    sl_free(flow);
}
