/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/keylog.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "inspector/tls/keyfile.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/every_split.h"

#define R1  "0101010101010101010101010101010101010101010101010101010101010101"
#define R2  "02020202020202020202020202020202020202020202020202020202020202FF"
#define S32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define S48                                                            \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
    "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static const uint8_t random1[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

struct reading {
    struct ins_keys *keys;
    struct ins_keylog keylog;
};

static void *begin(void *context, struct sl_buf *transcript)
{
    (void)context;
    (void)transcript;
    struct reading *reading = malloc(sizeof(*reading));
    assert_non_null(reading);
    reading->keys = ins_keys_new();
    ins_keylog_init(&reading->keylog, reading->keys);
    return reading;
}

static void feed(void *decoder, struct sl_span piece)
{
    struct reading *reading = decoder;
    ins_keylog_feed(&reading->keylog, piece);
}

static void end(void *decoder, struct sl_buf *transcript)
{
    struct reading *reading = decoder;
    ins_keylog_end(&reading->keylog);
    (void)sl_buf_addf(transcript, "%llu secrets, %llu bad lines",
                      (unsigned long long)ins_keys_count(reading->keys),
                      (unsigned long long)reading->keylog.lines_bad);
    ins_keylog_release(&reading->keylog);
    ins_keys_free(reading->keys);
    free(reading);
}

static void expect_reading(const char *text, const char *expected)
{
    static const struct test_decoder decoder = {begin, feed, end};
    struct sl_buf transcript;
    sl_buf_init(&transcript, 1000);
    void *reading = begin(NULL, &transcript);
    feed(reading, sl_span_str(text));
    end(reading, &transcript);
    assert_string_equal(sl_buf_str(&transcript), expected);
    sl_buf_release(&transcript);
    test_every_split(&decoder, NULL, sl_span_str(text));
}

static void reads_what_libraries_write(void **state)
{
    (void)state;
    expect_reading("# SSL/TLS secrets log file\r\n\n"
                   "CLIENT_RANDOM " R1 " " S48 "\n"
                   "CLIENT_EARLY_TRAFFIC_SECRET " R1 " " S32 "\r\n"
                   "CLIENT_HANDSHAKE_TRAFFIC_SECRET " R2 " " S48 "\n"
                   "EXPORTER_SECRET " R2 " " S48 "\n"
                   "SERVER_TRAFFIC_SECRET_0 " R2 " " S32,
                   "4 secrets, 0 bad lines");
}

static void passes_over_what_is_none(void **state)
{
    (void)state;
    expect_reading("CLIENT_RANDOM " R1 " " S32 "\n"      /* too short */
                   "CLIENT_RANDOM 01 " S48 "\n"          /* no random */
                   "CLIENT_RANDOM " R1 "\n"              /* no secret */
                   "CLIENT_RANDOM " R1 " " S48 " more\n" /* too much */
                   "CLIENT_RANDOM " R1 "  " S48 "\n"     /* an empty word */
                   "CLIENT_TRAFFIC_SECRET_0 " R1 " xy\n" /* no hex */
                   "rubbish\n\1\2\3\n"
                   "CLIENT_RANDOM " R1 " " S48 "\n",
                   "1 secrets, 8 bad lines");
    char text[INS_KEYLOG_LINE_MAX + 300];
    memset(text, 'x', sizeof(text));
    (void)snprintf(text + INS_KEYLOG_LINE_MAX + 1, 290, "\nCLIENT_RANDOM " R1 " " S48 "\n");
    expect_reading(text, "1 secrets, 1 bad lines");
}

static void a_secret_may_be_written_bit_by_bit(void **state)
{
    (void)state;
    struct ins_keys *keys = ins_keys_new();
    struct ins_keylog keylog;
    ins_keylog_init(&keylog, keys);
    const struct sl_span random = sl_span(random1, sizeof(random1));
    ins_keylog_feed(&keylog, sl_span_str("CLIENT_TRAFFIC_SECRET_0 " R1 " " S32));
    ins_keylog_peek(&keylog);
    assert_int_equal(ins_keys_find(keys, INS_SECRET_CLIENT_TRAFFIC, random).len, 32);
    ins_keylog_feed(&keylog, sl_span_str("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    ins_keylog_peek(&keylog);
    assert_int_equal(ins_keys_find(keys, INS_SECRET_CLIENT_TRAFFIC, random).len, 48);
    assert_int_equal(ins_keys_count(keys), 1);
    ins_keylog_release(&keylog);
    ins_keys_free(keys);
}

static void the_oldest_secrets_make_room(void **state)
{
    (void)state;
    struct ins_keys *keys = ins_keys_new();
    uint32_t id[8] = {0};
    const struct sl_span id_span = sl_span(id, sizeof(id));
    for (id[0] = 0; id[0] < INS_KEYS_MAX + 1000; id[0]++) {
        assert_true(ins_keys_add(keys, INS_SECRET_MASTER, id_span, sl_span(id, 8)));
    }
    assert_int_equal(ins_keys_count(keys), INS_KEYS_MAX);
    assert_int_equal(ins_keys_dropped(keys), 1000);
    for (id[0] = 0; id[0] < INS_KEYS_MAX + 1000; id[0]++) {
        struct sl_span found = ins_keys_find(keys, INS_SECRET_MASTER, id_span);
        assert_int_equal(found.len, id[0] < 1000 ? 0 : 8);
        assert_true(found.len == 0 || memcmp(found.data, id, 8) == 0);
        assert_int_equal(ins_keys_find(keys, INS_SECRET_CLIENT_EARLY, id_span).len, 0);
    }
    assert_false(ins_keys_add(keys, INS_SECRET_MASTER, sl_span(id, 0), sl_span(id, 8)));
    assert_false(ins_keys_add(keys, INS_SECRET_MASTER, id_span, sl_span(NULL, 0)));
    ins_keys_free(keys);
}

/* A miss reads on in a file that grows, and anew in one that became shorter. */
static void a_file_may_grow(void **state)
{
    (void)state;
    char path[] = "/tmp/sluice-keylog-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct ins_keys *keys = ins_keys_new();
    struct ins_keyfile *keyfile = NULL;
    struct sl_error error;
    const struct sl_span random = sl_span(random1, sizeof(random1));
    assert_int_equal(ins_keyfile_open(path, keys, &keyfile, &error), SL_OK);
    assert_int_equal(ins_keys_find(keys, INS_SECRET_MASTER, random).len, 0);
    static const char first[] = "CLIENT_RANDOM " R1 " " S48 "\n";
    assert_int_equal(write(fd, first, sizeof(first) - 1), sizeof(first) - 1);
    assert_int_equal(ins_keys_find(keys, INS_SECRET_MASTER, random).len, 48);
    static const char second[] = "CLIENT_EARLY_TRAFFIC_SECRET " R1 " " S32;
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(ins_keys_find(keys, INS_SECRET_CLIENT_EARLY, random).len, 0);
    assert_int_equal(pwrite(fd, second, sizeof(second) - 1, 0), sizeof(second) - 1);
    assert_int_equal(ins_keys_find(keys, INS_SECRET_CLIENT_EARLY, random).len, 32);
    assert_int_equal(ins_keyfile_bad(keyfile), 0);
    ins_keyfile_free(keyfile);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(ins_keyfile_open(path, keys, &keyfile, &error), SL_IO);
    assert_int_equal(ins_keyfile_open("/", keys, &keyfile, &error), SL_IO);
    ins_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_libraries_write),
        cmocka_unit_test(passes_over_what_is_none),
        cmocka_unit_test(a_secret_may_be_written_bit_by_bit),
        cmocka_unit_test(the_oldest_secrets_make_room),
        cmocka_unit_test(a_file_may_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
