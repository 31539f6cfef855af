/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static char path[] = "/tmp/sluice-read-file-XXXXXX";

static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static void write_bytes(size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(fputc(byte_at(i), file), EOF);
    }
    assert_int_equal(fclose(file), 0);
}

static void a_file_of_any_length_is_read_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 16383, 16384, 16385, 32768, 32769, 65537, 99999, 100000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        write_bytes(lengths[i]);
        size_t len = 1;
        struct sl_error error = {0};
        char *text = har_read_file(path, 100000, &len, &error);
        assert_non_null(text);
        assert_int_equal(len, lengths[i]);
        for (size_t j = 0; j < len; j++) {
            assert_int_equal((uint8_t)text[j], byte_at(j));
        }
        assert_int_equal(text[len], 0);
        sl_free(text);
    }
}

static void a_byte_beyond_the_limit_is_too_many(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 1, 16383, 16384, 16385, 40000};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        for (size_t more = 0; more < 2; more++) {
            write_bytes(limits[i] + more);
            size_t len = 0;
            struct sl_error error = {0};
            char *text = har_read_file(path, limits[i], &len, &error);
            assert_int_equal(text != NULL, more == 0);
            assert_int_equal(error.status, more == 0 ? SL_OK : SL_LIMIT);
            sl_free(text);
        }
    }
}

static void what_is_not_there_has_its_reason(void **state)
{
    (void)state;
    size_t len = 0;
    struct sl_error error = {0};
    assert_null(har_read_file("/nowhere/at/all", 10, &len, &error));
    assert_int_equal(error.status, SL_IO);
    assert_string_equal(error.text, "cannot be opened: No such file or directory");
    assert_null(har_read_file("/tmp", 10, &len, &error)); /* a folder */
    assert_string_equal(error.text, "cannot be read");
}

int main(void)
{
    int file = mkstemp(path);
    assert(file >= 0);
    (void)close(file);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_any_length_is_read_whole),
        cmocka_unit_test(a_byte_beyond_the_limit_is_too_many),
        cmocka_unit_test(what_is_not_there_has_its_reason),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
