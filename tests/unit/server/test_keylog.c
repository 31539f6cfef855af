/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/keylog.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_files.h"

static struct test_tls_files files;

static int make_all(void **state)
{
    (void)state;
    test_tls_files_init(&files);
    test_tls_make(&files, &(struct test_tls_wish){.name = "own"});
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    test_tls_files_remove(&files);
    return 0;
}

static SSL_CTX *server_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, test_tls_path(&files, "own.crt")),
                     1);
    assert_int_equal(
        SSL_CTX_use_PrivateKey_file(context, test_tls_path(&files, "own.key"), SSL_FILETYPE_PEM),
        1);
    return context;
}

/* One handshake of this version. */
static void shake_hands(SSL_CTX *context, int version)
{
    struct test_tls_client client;
    struct sl_buf bytes;
    struct sl_buf plain;
    char reply[16 * 1024];
    sl_buf_init(&bytes, TEST_TLS_BYTES_MAX);
    sl_buf_init(&plain, TEST_TLS_BYTES_MAX);
    test_tls_client_init(&client, &(struct test_tls_client_config){.version = version});
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    for (int i = 0; i < 4; i++) {
        test_tls_client_take(&client, &bytes);
        if (bytes.len > 0) {
            BIO_write(in, bytes.data, (int)bytes.len);
        }
        sl_buf_clear(&bytes);
        (void)SSL_do_handshake(ssl);
        int got = BIO_read(out, reply, sizeof reply);
        test_tls_client_feed(&client, sl_span(reply, got > 0 ? (size_t)got : 0), &plain);
    }
    assert_int_equal(SSL_is_init_finished(ssl), 1);
    SSL_free(ssl);
    test_tls_client_release(&client);
    sl_buf_release(&bytes);
    sl_buf_release(&plain);
}

struct counts {
    size_t v1_2, v1_3, other;
};

/* The lines of the file, which are all whole. */
static struct counts count_lines(const char *name)
{
    struct counts counts = {0};
    char line[1024];
    FILE *file = fopen(test_tls_path(&files, name), "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char secret[256];
        char random[256];
        char label[64];
        char end = 0;
        bool is_whole = sscanf(line, "%63s %255[0-9a-fA-F] %255[0-9a-fA-F]%c", label, random,
                               secret, &end) == 4 &&
                        strlen(random) == 64 && strlen(secret) >= 64 && end == '\n';
        if (is_whole && strcmp(label, "CLIENT_RANDOM") == 0) {
            counts.v1_2++;
        } else if (is_whole && strstr(label, "_TRAFFIC_SECRET") != NULL) {
            counts.v1_3++;
        } else if (!is_whole || strcmp(label, "EXPORTER_SECRET") != 0) {
            counts.other++;
        }
    }
    fclose(file);
    return counts;
}

static void a_line_a_secret_and_only_the_owner_reads_it(void **state)
{
    (void)state;
    struct sl_error error = {0};
    struct stat status;
    const char *path = test_tls_path(&files, "used");
    for (size_t i = 1; i <= 2; i++) { /* the second one appends */
        struct srv_keylog *keylog = srv_keylog_open(path, &error);
        assert_non_null(keylog);
        SSL_CTX *context = server_context();
        srv_keylog_use(keylog, context);
        shake_hands(context, TLS1_2_VERSION);
        shake_hands(context, TLS1_3_VERSION);
        SSL_CTX_free(context);
        srv_keylog_close(keylog);
        struct counts counts = count_lines("used");
        assert_int_equal(counts.v1_2, i);
        assert_int_equal(counts.v1_3, 4 * i); /* handshake and traffic, client and server */
        assert_int_equal(counts.other, 0);
    }
    assert_int_equal(stat(test_tls_path(&files, "used"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_watch_sees_the_contexts_that_others_make(void **state)
{
    (void)state;
    struct sl_error error = {0};
    struct srv_keylog *keylog = srv_keylog_open(test_tls_path(&files, "watched"), &error);
    assert_non_null(keylog);
    SSL_CTX *early = server_context();
    srv_keylog_watch(keylog);
    SSL_CTX *late = server_context();
    shake_hands(early, TLS1_3_VERSION);
    shake_hands(late, TLS1_2_VERSION);
    shake_hands(late, TLS1_2_VERSION);
    SSL_CTX_free(early);
    SSL_CTX_free(late);
    srv_keylog_close(keylog);
    SSL_CTX *after = server_context();
    shake_hands(after, TLS1_3_VERSION);
    SSL_CTX_free(after);
    struct counts counts =
        count_lines("watched"); /* the client's side of the process is not in it */
    assert_int_equal(counts.v1_2, 2);
    assert_int_equal(counts.v1_3, 4);
    assert_int_equal(counts.other, 0);
}

static void a_key_log_that_is_full_is_no_harm(void **state)
{
    (void)state;
    struct sl_error error = {0};
    struct srv_keylog *keylog = srv_keylog_open("/dev/full", &error);
    assert_non_null(keylog);
    SSL_CTX *context = server_context();
    srv_keylog_use(keylog, context);
    shake_hands(context, TLS1_3_VERSION);
    SSL_CTX_free(context);
    srv_keylog_close(keylog);
}

static void a_file_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    const char *fifo = test_tls_path(&files, "fifo"); /* nobody reads it */
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *const paths[] = {files.folder, "/nowhere/key.log", fifo};
    for (size_t i = 0; i < 3; i++) {
        struct sl_error error = {0};
        assert_null(srv_keylog_open(paths[i], &error));
        assert_int_equal(error.status, SL_IO);
        assert_non_null(strstr(error.text, paths[i]));
    }
}

static void without_key_log_nothing_is_logged(void **state)
{
    (void)state;
    SSL_CTX *context = server_context();
    srv_keylog_use(NULL, context);
    srv_keylog_watch(NULL);
    assert_null(SSL_CTX_get_keylog_callback(context));
    shake_hands(context, TLS1_3_VERSION);
    SSL_CTX_free(context);
    srv_keylog_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_a_secret_and_only_the_owner_reads_it),
        cmocka_unit_test(a_watch_sees_the_contexts_that_others_make),
        cmocka_unit_test(a_key_log_that_is_full_is_no_harm),
        cmocka_unit_test(a_file_that_cannot_be_written_is_named),
        cmocka_unit_test(without_key_log_nothing_is_logged),
    };
    return cmocka_run_group_tests_name("keylog", tests, make_all, remove_all);
}
