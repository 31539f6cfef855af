/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte of choices, then steps, each a byte that says what the client does and a byte of length. The client is a
 * real one, so that the fuzzer gets behind the handshake; between what it says come bytes of the input. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "lib/base/rd.h"
#include "reference-server/frontend/h2/tls.h"
#include "reference-server/frontend/h2/tls_context.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_files.h"

enum {
    VERSION_1_2 = 1, /* choices */
    MUTUAL = 2,
    NO_HANDSHAKE = 4, /* the input is all that comes */
    PLAIN_MAX = 256 * 1024,
    OUT_MAX = 256 * 1024,
};

enum step {
    STEP_RAW,    /* bytes of the input */
    STEP_CHANGE, /* bytes of the input are xored over what the client sends next */
    STEP_CLIENT, /* the client writes bytes of the input */
    STEP_SERVER, /* and the server */
    STEP_CUT,    /* only so many bytes of what the client sent arrive */
    STEP_UPDATE, /* the client changes its keys, or asks for a renegotiation */
    STEP_END,    /* the client says close_notify */
    STEP_CLOSE,  /* and the server */
    STEP_COUNT,
};

struct run {
    struct srv_tls *tls;
    struct test_tls_client client;
    struct sl_buf to_server, plain, out, at_client;
};

static SSL_CTX *contexts[2];
static struct test_tls_files files;

static void remove_files(void)
{
    SSL_CTX_free(contexts[0]);
    SSL_CTX_free(contexts[1]);
    test_tls_files_remove(&files);
}

static void make_contexts(void)
{
    if (contexts[0] != NULL) {
        return;
    }
    test_tls_files_init(&files);
    test_tls_make(&files, &(struct test_tls_wish){.name = "own"});
    struct srv_tls_files names = {test_tls_path(&files, "own.crt"),
                                  test_tls_path(&files, "own.key"), NULL};
    contexts[0] = srv_tls_context_new(&names, NULL, NULL);
    names.client_ca = names.cert;
    contexts[1] = srv_tls_context_new(&names, NULL, NULL);
    assert(contexts[0] != NULL && contexts[1] != NULL);
    (void)atexit(remove_files);
}

/* The invariants of the header. */
static void feed(struct run *run, struct sl_span cipher)
{
    enum srv_tls_state before = srv_tls_state(run->tls);
    sl_buf_clear(&run->plain);
    enum sl_status status = srv_tls_feed(run->tls, cipher, &run->plain, &run->out, NULL);
    enum srv_tls_state state = srv_tls_state(run->tls);
    assert(state >= before);
    assert(run->plain.len <= cipher.len + SRV_TLS_RECORD_MAX);
    assert((status == SL_IO) == (state == SRV_TLS_FAILED));
    assert((status == SL_CLOSED) == (state == SRV_TLS_ENDED));
    assert((srv_tls_why(run->tls) != SRV_TLS_FAILURE_NONE) == (state == SRV_TLS_FAILED));
    assert(before != SRV_TLS_FAILED || run->plain.len == 0);
    assert(srv_tls_failure_word(srv_tls_why(run->tls)) != NULL);
}

static void to_client(struct run *run)
{
    test_tls_client_feed(&run->client, sl_buf_span(&run->out), &run->at_client);
    sl_buf_clear(&run->out);
    sl_buf_clear(&run->at_client);
}

static void to_server(struct run *run, struct sl_span changes, size_t most)
{
    test_tls_client_take(&run->client, &run->to_server);
    for (size_t i = 0; i < changes.len && i < run->to_server.len; i++) {
        run->to_server.data[i] ^= changes.data[i];
    }
    feed(run, sl_span_first(sl_buf_span(&run->to_server), most));
    sl_buf_clear(&run->to_server);
    to_client(run);
}

static void server_writes(struct run *run, struct sl_span plain)
{
    size_t before = run->out.len;
    enum sl_status status = srv_tls_write(run->tls, plain, &run->out);
    assert(status == SL_OK || status == SL_STATE || status == SL_IO);
    assert(run->out.len - before <= srv_tls_cipher_max(plain.len));
    to_client(run);
}

static void step(struct run *run, enum step step, struct sl_span bytes)
{
    switch (step) {
    case STEP_RAW:
        feed(run, bytes);
        to_client(run);
        break;
    case STEP_CHANGE:
        to_server(run, bytes, SIZE_MAX);
        break;
    case STEP_CLIENT:
        if (bytes.len > 0 && SSL_is_init_finished(run->client.ssl)) {
            (void)SSL_write(run->client.ssl, bytes.data, (int)bytes.len);
        }
        break;
    case STEP_SERVER:
        server_writes(run, bytes);
        break;
    case STEP_CUT:
        to_server(run, sl_span(NULL, 0), bytes.len);
        break;
    case STEP_UPDATE:
        if (SSL_version(run->client.ssl) == TLS1_3_VERSION) {
            (void)SSL_key_update(run->client.ssl, (int)(bytes.len % 2));
        } else {
            (void)SSL_renegotiate(run->client.ssl);
        }
        (void)SSL_do_handshake(run->client.ssl);
        break;
    case STEP_END:
        (void)SSL_shutdown(run->client.ssl);
        break;
    case STEP_CLOSE:
        srv_tls_close(run->tls, &run->out);
        to_client(run);
        break;
    case STEP_COUNT:
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_rd rd;
    struct run run = {0};
    make_contexts();
    sl_rd_init(&rd, sl_span(data, size));
    uint8_t choices = sl_rd_u8(&rd);
    bool is_mutual = (choices & MUTUAL) != 0;
    run.tls = srv_tls_new(contexts[is_mutual]);
    test_tls_client_init(
        &run.client, &(struct test_tls_client_config){
                         .version = (choices & VERSION_1_2) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION,
                         .alpn = "\2h2",
                         .cert = is_mutual ? test_tls_path(&files, "own.crt") : NULL,
                         .key = is_mutual ? test_tls_path(&files, "own.key") : NULL});
    sl_buf_init(&run.to_server, TEST_TLS_BYTES_MAX);
    sl_buf_init(&run.plain, PLAIN_MAX);
    sl_buf_init(&run.out, OUT_MAX);
    sl_buf_init(&run.at_client, TEST_TLS_BYTES_MAX);
    if ((choices & NO_HANDSHAKE) != 0) {
        feed(&run, sl_rd_rest(&rd));
    }
    while (sl_rd_left(&rd) > 0) {
        enum step next = sl_rd_u8(&rd) % STEP_COUNT;
        size_t len = sl_rd_u8(&rd);
        /* A step that takes no bytes of the input still has a length. */
        bool takes = next <= STEP_SERVER;
        struct sl_span bytes = sl_span(NULL, len);
        if (takes) {
            bytes = len <= sl_rd_left(&rd) ? sl_rd_take(&rd, len) : sl_rd_rest(&rd);
        }
        step(&run, next, bytes);
    }
    srv_tls_free(run.tls);
    test_tls_client_release(&run.client);
    sl_buf_release(&run.to_server);
    sl_buf_release(&run.plain);
    sl_buf_release(&run.out);
    sl_buf_release(&run.at_client);
    return 0;
}
