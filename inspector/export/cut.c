/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/export/cut.h"

#include <stdlib.h>

#include "inspector/export/export.h"
#include "inspector/tls/info.h"
#include "lib/base/alloc.h"

enum {
    RANDOM = 32,
    OPTION_NAME = 2,
    OPTION_TIME_RESOLUTION = 9,
    OPTION_FCS_SIZE = 13,
    NANOSECONDS = 9, /* if_tsresol: 10^-9 */
    BLOCKS_MAX = INS_PACKET_MAX + 4096,
};

#define BLOCK_SECTION    0x0a0d0d0aU
#define BLOCK_INTERFACE  0x00000001U
#define BLOCK_ENHANCED   0x00000006U
#define BLOCK_SECRETS    0x0000000aU
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define SECRETS_TLS_KEYS 0x544c534bU

struct cut_view {
    struct ins_view base;
    struct ins_export *task;
};

void ins_cut_release(struct ins_cut *cut)
{
    for (size_t i = 0; i < cut->interface_count; i++) {
        sl_free(cut->interfaces[i].name);
    }
    sl_free(cut->interfaces);
    sl_free(cut->randoms);
    sl_free(cut->wanted);
    *cut = (struct ins_cut){0};
}

/* ---- the first time ---- */

static bool is_wanted(const struct ins_cut *cut, uint64_t number)
{
    return number / 8 < cut->wanted_size && (cut->wanted[number / 8] >> number % 8 & 1) != 0;
}

static void want_random(struct ins_cut *cut, const uint8_t *random)
{
    if (cut->random_count == INS_CUT_RANDOMS_MAX) {
        return;
    }
    if (cut->random_count == cut->random_capacity) {
        cut->random_capacity = cut->random_capacity * 2 + 16;
        cut->randoms = sl_realloc(cut->randoms, cut->random_capacity * RANDOM);
    }
    memcpy(cut->randoms[cut->random_count++], random, RANDOM);
}

static void on_call_end(struct ins_view *view, struct ins_call *call)
{
    struct ins_export *task = ((struct cut_view *)view)->task;
    struct ins_cut *cut = task->cut;
    uint64_t number = call->connection->tcp_number;
    if (!call->is_selected || is_wanted(cut, number)) {
        return;
    }
    if (number == 0 || number >= INS_CUT_CONNECTIONS_MAX) {
        task->left_out++;
        return;
    }
    if (number / 8 >= cut->wanted_size) {
        size_t size = (number / 8 + 1) * 2;
        cut->wanted = sl_realloc(cut->wanted, size);
        memset(cut->wanted + cut->wanted_size, 0, size - cut->wanted_size);
        cut->wanted_size = size;
    }
    cut->wanted[number / 8] |= (uint8_t)(1U << number % 8);
    cut->connections++;
    task->has_exported = true;
    for (const struct ins_tls_info *tls = call->connection->tls; tls != NULL; tls = tls->outer) {
        if (tls->has_client_random) {
            want_random(cut, tls->client_random);
        }
    }
}

static void cut_view_free(struct ins_view *view)
{
    sl_free(view);
}

static const struct ins_view_ops cut_ops = {
    .name = "cut",
    .call_end = on_call_end,
    .free = cut_view_free,
};

struct ins_view *ins_export_cut_new(const struct ins_view_config *config)
{
    struct cut_view *view = sl_alloc(sizeof(*view));
    view->base.ops = &cut_ops;
    view->task = config->task;
    return &view->base;
}

/* ---- blocks ---- */

static void pad(struct sl_buf *block)
{
    while (block->len % 4 != 0) {
        (void)sl_buf_add_u8(block, 0);
    }
}

static void add_option(struct sl_buf *block, uint16_t code, struct sl_span value)
{
    (void)sl_buf_add_le16(block, code);
    (void)sl_buf_add_le16(block, (uint16_t)value.len);
    (void)sl_buf_add_span(block, value);
    pad(block);
}

/* Writes the block of this body. */
static void write_block(const struct ins_cut *cut, uint32_t type, struct sl_buf *body)
{
    struct sl_buf head;
    uint32_t size = (uint32_t)body->len + 12;
    sl_buf_init(&head, 8);
    (void)sl_buf_add_le32(&head, type);
    (void)sl_buf_add_le32(&head, size);
    (void)sl_buf_add_le32(body, size);
    (void)fwrite(head.data, 1, head.len, cut->out);
    (void)fwrite(body->data, 1, body->len, cut->out);
    sl_buf_release(&head);
}

static int compare_randoms(const void *a, const void *b)
{
    return memcmp(a, b, RANDOM);
}

void ins_cut_begin(struct ins_cut *cut, FILE *out)
{
    struct sl_buf body;
    cut->out = out;
    sl_buf_init(&body, BLOCKS_MAX);
    (void)sl_buf_add_le32(&body, BYTE_ORDER_MAGIC);
    (void)sl_buf_add_le16(&body, 1);
    (void)sl_buf_add_le16(&body, 0);
    (void)sl_buf_add_le64(&body, UINT64_MAX); /* how long the section is: not told */
    write_block(cut, BLOCK_SECTION, &body);
    sl_buf_release(&body);
    if (cut->random_count > 0) {
        qsort(cut->randoms, cut->random_count, RANDOM, compare_randoms);
    }
}

/* Its number in the file, described now when it is new; false when there are too many. */
static bool interface_of(struct ins_cut *cut, const struct ins_packet *packet, uint32_t *ret_number)
{
    const char *name = packet->interface_name == NULL ? "" : packet->interface_name;
    for (size_t i = 0; i < cut->interface_count; i++) {
        const struct ins_cut_interface *known = &cut->interfaces[i];
        if (known->link_type == packet->link_type && known->fcs_size == packet->fcs_size &&
            strcmp(known->name, name) == 0) {
            *ret_number = (uint32_t)i;
            return true;
        }
    }
    if (cut->interface_count == INS_CUT_INTERFACES_MAX) {
        return false;
    }
    cut->interfaces =
        sl_realloc(cut->interfaces, (cut->interface_count + 1) * sizeof(cut->interfaces[0]));
    *ret_number = (uint32_t)cut->interface_count;
    cut->interfaces[cut->interface_count++] = (struct ins_cut_interface){
        .link_type = packet->link_type, .fcs_size = packet->fcs_size, .name = sl_strdup(name)};
    struct sl_buf body;
    const uint8_t resolution = NANOSECONDS;
    const uint8_t fcs_size = (uint8_t)packet->fcs_size;
    sl_buf_init(&body, BLOCKS_MAX);
    (void)sl_buf_add_le16(&body, (uint16_t)packet->link_type);
    (void)sl_buf_add_le16(&body, 0);
    (void)sl_buf_add_le32(&body, 0); /* any length */
    if (name[0] != '\0') {
        add_option(&body, OPTION_NAME, sl_span_str(name));
    }
    add_option(&body, OPTION_TIME_RESOLUTION, sl_span(&resolution, 1));
    if (fcs_size > 0) {
        add_option(&body, OPTION_FCS_SIZE, sl_span(&fcs_size, 1));
    }
    add_option(&body, 0, sl_span(NULL, 0));
    write_block(cut, BLOCK_INTERFACE, &body);
    sl_buf_release(&body);
    return true;
}

void ins_cut_packet(struct ins_cut *cut, const struct ins_packet *packet,
                    const uint64_t *connections, size_t count)
{
    bool has_wanted = false;
    uint32_t interface = 0;
    for (size_t i = 0; i < count; i++) {
        has_wanted |= is_wanted(cut, connections[i]);
    }
    if (packet->has_time) {
        cut->latest_ns = packet->time_ns;
    }
    if (!has_wanted) {
        return;
    }
    if (!interface_of(cut, packet, &interface)) {
        cut->left_out++;
        return;
    }
    struct sl_buf body;
    /* with the frame check sequence that the source took off */
    struct sl_span bytes = sl_span(packet->bytes.data, packet->bytes.len + packet->fcs_captured);
    sl_buf_init(&body, BLOCKS_MAX);
    (void)sl_buf_add_le32(&body, interface);
    (void)sl_buf_add_le32(&body, (uint32_t)(cut->latest_ns >> 32));
    (void)sl_buf_add_le32(&body, (uint32_t)cut->latest_ns);
    (void)sl_buf_add_le32(&body, (uint32_t)bytes.len);
    (void)sl_buf_add_le32(&body, packet->original_len + packet->fcs_original);
    (void)sl_buf_add_span(&body, bytes);
    pad(&body);
    write_block(cut, BLOCK_ENHANCED, &body);
    sl_buf_release(&body);
    cut->packets++;
    cut->untimed += packet->has_time ? 0 : 1;
}

/* ---- secrets ---- */

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* "LABEL <hex of the client random> <hex of the secret>" of a connection that is wanted. */
static bool is_wanted_line(const struct ins_cut *cut, struct sl_span line)
{
    const uint8_t *space = memchr(line.data, ' ', line.len);
    uint8_t random[RANDOM];
    if (space == NULL || cut->random_count == 0) {
        return false;
    }
    struct sl_span hex = sl_span_from(line, (size_t)(space - line.data) + 1);
    if (hex.len <= RANDOM * 2 || hex.data[RANDOM * 2] != ' ') {
        return false;
    }
    for (size_t i = 0; i < RANDOM; i++) {
        int high = digit_of(hex.data[2 * i]);
        int low = digit_of(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        random[i] = (uint8_t)(high * 16 + low);
    }
    return bsearch(random, cut->randoms, cut->random_count, RANDOM, compare_randoms) != NULL;
}

static void write_secrets(struct ins_cut *cut, const struct sl_buf *lines)
{
    struct sl_buf body;
    if (lines->len == 0) {
        return;
    }
    sl_buf_init(&body, lines->len + 16);
    (void)sl_buf_add_le32(&body, SECRETS_TLS_KEYS);
    (void)sl_buf_add_le32(&body, (uint32_t)lines->len);
    (void)sl_buf_add_span(&body, sl_buf_span(lines));
    pad(&body);
    write_block(cut, BLOCK_SECRETS, &body);
    sl_buf_release(&body);
}

void ins_cut_secrets(struct ins_cut *cut, struct sl_span lines)
{
    struct sl_buf wanted;
    sl_buf_init(&wanted, lines.len + 1);
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.data, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.data);
        if (is_wanted_line(cut, sl_span_first(lines, len))) {
            (void)sl_buf_add(&wanted, lines.data, len);
            (void)sl_buf_add_u8(&wanted, '\n');
            cut->secrets++;
        }
        lines = sl_span_from(lines, end == NULL ? len : len + 1);
    }
    write_secrets(cut, &wanted);
    sl_buf_release(&wanted);
}

enum sl_status ins_cut_keylog(struct ins_cut *cut, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[INS_CUT_LINE_MAX];
    struct sl_buf gathered;
    if (file == NULL) {
        return SL_IO;
    }
    sl_buf_init(&gathered, INS_PACKET_MAX);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (gathered.len + sizeof(line) > INS_PACKET_MAX / 2) {
            ins_cut_secrets(cut, sl_buf_span(&gathered));
            sl_buf_clear(&gathered);
        }
        (void)sl_buf_add_str(&gathered, line);
    }
    enum sl_status status = ferror(file) != 0 ? SL_IO : SL_OK;
    (void)fclose(file);
    ins_cut_secrets(cut, sl_buf_span(&gathered));
    sl_buf_release(&gathered);
    return status;
}
