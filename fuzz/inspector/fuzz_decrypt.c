/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as the inspector reads it. Input: a byte of choices, then steps of a byte that says what, two of length (big-endian), and
 * bytes. Content can be sealed by keys that both the target and the reader know, so that the fuzzer gets behind the
 * authentication; the bytes of real sessions come with their key log.
 */
#include <assert.h>
#include <openssl/evp.h>

#include "fuzz/fuzz.h"
#include "inspector/tls/keylog.h"
#include "inspector/tls/protect.h"
#include "inspector/tls/schedule.h"
#include "inspector/tls/tls.h"
#include "lib/base/buf.h"
#include "lib/base/rd.h"

enum {
    HAS_NO_KEYS = 1, /* choices */
    BEGIN_WITH_HELLOS = 2,
    PLAIN_MAX = 1024 * 1024,
    RECORD_MAX = 70000,
    TAG = 16,
};

enum step {
    STEP_DATA,   /* bit 7: of the server, as in all */
    STEP_SEALED, /* the first byte is the type, the second which secret */
    STEP_GAP,
    STEP_CLOSE,
    STEP_KEYS, /* lines of a key log */
    STEP_COUNT,
};

static const uint8_t random_of_client[32] = {7};

/* A ClientHello that has early data, and a ServerHello of TLS 1.3 with TLS_AES_128_GCM_SHA256; the server's random is zeros. */
static const uint8_t client_hello[] = {22, 3, 1, 0, 51, 1, 0, 0, 47, 3, 3, 7, 0, 0, 0, 0,  0, 0, 0,
                                       0,  0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0,  0, 0, 0,
                                       0,  0, 0, 0, 0,  0, 0, 2, 19, 1, 1, 0, 0, 4, 0, 42, 0, 0};
static const uint8_t server_hello[] = {22, 3, 3, 0, 50, 2, 0,  0, 46, 3, 3, 0, 0,  0, 0, 0, 0, 0, 0,
                                       0,  0, 0, 0, 0,  0, 0,  0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0,
                                       0,  0, 0, 0, 0,  0, 19, 1, 0,  0, 6, 0, 43, 0, 2, 3, 4};

struct run {
    struct ins_keys *keys;
    struct ins_keylog keylog;
    struct ins_tls_all *all;
    struct ins_tls *tls;
    struct ins_tls_info info;
    uint64_t sequences[2][4]; /* by side and secret */
    uint64_t handed_on;
    bool is_closed[2];
};

static void on_data(void *owner, int side, struct sl_span bytes, const struct sl_at *at)
{
    struct run *run = owner;
    assert(bytes.len > 0 && bytes.data[0] + bytes.data[bytes.len - 1] >= 0);
    assert(at != NULL && !run->is_closed[side]);
    run->handed_on += bytes.len;
}

static void on_gap(void *owner, int side, uint64_t count, const struct sl_at *at)
{
    struct run *run = owner;
    (void)at;
    assert(count == 0 && (side == 0 || side == 1) && run->handed_on > 0);
}

static void on_close(void *owner, int side, bool is_reset, const struct sl_at *at)
{
    struct run *run = owner;
    (void)is_reset;
    (void)at;
    assert(!run->is_closed[side]);
    run->is_closed[side] = true;
}

static void secret_of(int side, int which, uint8_t *out)
{
    memset(out, 16 * which + side + 1, 32);
}

static void learn(struct run *run)
{
    static const enum ins_secret kinds[2][4] = {
        {INS_SECRET_CLIENT_EARLY, INS_SECRET_CLIENT_HANDSHAKE, INS_SECRET_CLIENT_TRAFFIC,
         INS_SECRET_MASTER},
        {INS_SECRET_CLIENT_EARLY, INS_SECRET_SERVER_HANDSHAKE, INS_SECRET_SERVER_TRAFFIC,
         INS_SECRET_MASTER},
    };
    for (int side = 0; side < 2; side++) {
        for (int which = side; which < 3; which++) {
            uint8_t secret[32];
            secret_of(side, which, secret);
            (void)ins_keys_add(run->keys, kinds[side][which],
                               sl_span(random_of_client, sizeof(random_of_client)),
                               sl_span(secret, sizeof(secret)));
        }
    }
}

/* RFC 8446 5.2, with TLS_AES_128_GCM_SHA256. */
static void seal(struct run *run, int side, int which, uint8_t type, struct sl_span content,
                 struct sl_buf *out)
{
    uint8_t secret[32];
    uint8_t key[16];
    uint8_t nonce[12];
    secret_of(side, which, secret);
    bool is_good = ins_tls_expand("SHA256", sl_span(secret, 32), "key", key, sizeof(key)) &&
                   ins_tls_expand("SHA256", sl_span(secret, 32), "iv", nonce, sizeof(nonce));
    assert(is_good);
    uint64_t sequence = run->sequences[side][which]++;
    for (int i = 0; i < 8; i++) {
        nonce[4 + i] ^= (uint8_t)(sequence >> (56 - 8 * i));
    }
    size_t len = content.len + 1;
    (void)sl_buf_add_u8(out, 23);
    (void)sl_buf_add_be16(out, 0x0303);
    (void)sl_buf_add_be16(out, (uint16_t)(len + TAG));
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int written = 0;
    uint8_t *sealed = sl_buf_reserve(out, len + TAG);
    assert(sealed != NULL && cipher != NULL);
    (void)EVP_EncryptInit_ex2(cipher, EVP_aes_128_gcm(), key, nonce, NULL);
    (void)EVP_EncryptUpdate(cipher, NULL, &written, out->data, 5);
    (void)EVP_EncryptUpdate(cipher, sealed, &written, content.data, (int)content.len);
    (void)EVP_EncryptUpdate(cipher, sealed + content.len, &written, &type, 1);
    (void)EVP_EncryptFinal_ex(cipher, sealed + len, &written);
    (void)EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, sealed + len);
    EVP_CIPHER_CTX_free(cipher);
    sl_buf_commit(out, len + TAG);
}

static void step(struct run *run, uint8_t what, struct sl_span bytes, const struct sl_at *at)
{
    int side = what >> 7;
    struct sl_buf record;
    switch ((enum step)((what & 0x7f) % STEP_COUNT)) {
    case STEP_DATA:
        ins_tls_data(run->tls, side, bytes, at);
        break;
    case STEP_SEALED:
        if (bytes.len >= 2) {
            sl_buf_init(&record, RECORD_MAX);
            seal(run, side, bytes.data[1] % 3, bytes.data[0],
                 sl_span_first(sl_span_from(bytes, 2), INS_TLS_PLAIN_MAX), &record);
            ins_tls_data(run->tls, side, sl_buf_span(&record), at);
            sl_buf_release(&record);
        }
        break;
    case STEP_GAP:
        ins_tls_gap(run->tls, side, bytes.len, at);
        break;
    case STEP_CLOSE:
        ins_tls_close(run->tls, side, bytes.len % 2 != 0, at);
        break;
    case STEP_KEYS:
        ins_keylog_feed(&run->keylog, bytes);
        learn(run);
        ins_tls_all_use(run->all, run->keys);
        break;
    case STEP_COUNT:
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.keys = ins_keys_new()};
    struct sl_rd rd;
    struct sl_at at = {.packet = 1, .has_time = true};
    sl_rd_init(&rd, sl_span(data, size));
    uint8_t choices = sl_rd_u8(&rd);
    ins_keylog_init(&run.keylog, run.keys);
    run.all = ins_tls_all_new();
    ins_tls_all_use(run.all, run.keys);
    if ((choices & HAS_NO_KEYS) == 0) {
        learn(&run);
    }
    const struct ins_stream_sink sink = {on_data, on_gap, on_close, &run};
    run.tls = ins_tls_new(run.all, &sink, &run.info);
    if ((choices & BEGIN_WITH_HELLOS) != 0) {
        ins_tls_data(run.tls, 0, sl_span(client_hello, sizeof(client_hello)), &at);
        ins_tls_data(run.tls, 1, sl_span(server_hello, sizeof(server_hello)), &at);
        assert(run.info.version == INS_TLS_VERSION_13);
    }
    while (sl_rd_left(&rd) > 0) {
        uint8_t what = sl_rd_u8(&rd);
        size_t len = sl_rd_be16(&rd);
        struct sl_span bytes = len <= sl_rd_left(&rd) ? sl_rd_take(&rd, len) : sl_rd_rest(&rd);
        at.packet++;
        at.time_ns += 1000;
        step(&run, what, bytes, &at);
        struct ins_head head = {.bytes = bytes, .is_start = what % 2 == 0};
        if (bytes.len > 0) {
            (void)ins_tls_claim(&head);
        }
    }
    bool has_handed_on = ins_tls_end(run.tls);
    assert(has_handed_on == (run.handed_on > 0));
    assert(ins_tls_all_totals(run.all)->connections == 1);
    ins_keylog_release(&run.keylog);
    ins_tls_all_free(run.all);
    ins_keys_free(run.keys);
    return 0;
}
