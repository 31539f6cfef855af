/* SPDX-License-Identifier: Apache-2.0 */
/* Names, claims and what is taken away; tests/e2e/harness/test_evidence.py has the whole. */
#include "harness/evidence/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/evidence/folder_name.h"
#include "tests/support/cmocka_all.h"

struct place {
    char path[64];
    int root;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    (void)snprintf(place->path, sizeof(place->path), "/tmp/test_folder_XXXXXX");
    assert_non_null(mkdtemp(place->path));
    place->root = har_folder_root(place->path, NULL);
    assert_true(place->root >= 0);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    char command[128];
    (void)close(place->root);
    (void)snprintf(command, sizeof(command), "rm -rf %s", place->path);
    int status = system(command);
    free(place);
    return status;
}

static bool is_there(const struct place *place, const char *path)
{
    struct stat info;
    return fstatat(place->root, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

static void claim(const struct place *place, const char *id, const char *expected)
{
    char path[HAR_FOLDER_PATH_MAX];
    int folder = har_folder_claim(place->root, id, path, NULL);
    assert_true(folder >= 0);
    assert_string_equal(path, expected);
    assert_int_equal(har_folder_put(folder, path, "README.md", sl_span_str("x"), NULL), SL_OK);
    (void)close(folder);
}

static void an_id_is_a_path_below_whatever_is_in_it(void **state)
{
    static const struct {
        const char *id, *path;
    } cases[] = {
        {"wire/settings/flood", "wire/settings/flood"},
        {"/tmp/x/mine", "tmp/x/mine"},
        {"../../etc", "__/__/etc"},
        {"./a/./b", "_/a/_/b"},
        {"a//b/", "a/b"},
        {"a\nb\x1b[0m/c\x7f", "a_b_[0m/c_"},
        {"it's $HOME ünd `x`", "it's $HOME ünd `x`"},
        {"", "_"},
        {"/", "_"},
        {"decisions.jsonl", "decisions.jsonl_"},
    };
    char path[HAR_FOLDER_PATH_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(har_folder_name(cases[i].id, path));
        assert_string_equal(path, cases[i].path);
    }
}

static void long_parts_are_cut_and_stay_apart(void **state)
{
    char one[600];
    char other[600];
    char first[HAR_FOLDER_PATH_MAX];
    char second[HAR_FOLDER_PATH_MAX];
    (void)state;
    memset(one, 'a', sizeof(one));
    one[sizeof(one) - 1] = '\0';
    memcpy(other, one, sizeof(one));
    other[550] = 'b';
    assert_true(har_folder_name(one, first));
    assert_true(har_folder_name(other, second));
    assert_int_equal(strlen(first), HAR_FOLDER_PART_MAX);
    assert_string_not_equal(first, second);

    char *whole = malloc(10000);
    memset(whole, '/', 9999);
    for (size_t i = 0; i < 9999; i += 2) {
        whole[i] = 'x';
    }
    whole[9999] = '\0';
    assert_false(har_folder_name(whole, first));
    free(whole);
}

static void what_is_taken_is_claimed_under_another_name(void **state)
{
    const struct place *place = *state;
    claim(place, "a/b", "a/b");
    claim(place, "a/b", "a/b.2");
    claim(place, "a/b/c", "a/b/c");
    assert_int_equal(mkdirat(place->root, "foreign", 0700), 0);
    int fd = openat(place->root, "foreign/result.json", O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    claim(place, "foreign", "foreign.2");
    fd = openat(place->root, "file", O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    claim(place, "file", "file.2");
    assert_int_equal(symlinkat("/", place->root, "link"), 0);
    claim(place, "link", "link.2");
}

static void only_what_is_ours_is_cleaned(void **state)
{
    const struct place *place = *state;
    claim(place, "a/b", "a/b");
    claim(place, "a/b", "a/b.2");
    claim(place, "a/b/c", "a/b/c");
    assert_int_equal(mkdirat(place->root, "a/b.3", 0700), 0); /* no mark */
    int fd = openat(place->root, "a/b.2/mine", O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    har_folder_clean(place->root, "a/b");
    assert_false(is_there(place, "a/b/README.md"));
    assert_false(is_there(place, "a/b.2/README.md"));
    assert_true(is_there(place, "a/b.2/mine"));
    assert_true(is_there(place, "a/b.3"));
    assert_true(is_there(place, "a/b/c/README.md"));
    har_folder_clean(place->root, "a/b/c");
    assert_false(is_there(place, "a/b"));
    har_folder_clean(place->root, "never/was");
    har_folder_clean(place->root, "a/b.2"); /* the mark went before */
    assert_true(is_there(place, "a/b.2/mine"));
}

static void a_link_in_the_way_is_not_followed(void **state)
{
    const struct place *place = *state;
    char path[HAR_FOLDER_PATH_MAX];
    struct sl_error error = {0};
    assert_int_equal(mkdirat(place->root, "real", 0700), 0);
    assert_int_equal(symlinkat("real", place->root, "a"), 0);
    assert_int_equal(har_folder_claim(place->root, "a/b", path, &error), -1);
    assert_int_equal(error.status, SL_IO);
    assert_string_equal(error.text, "no folder a/b for evidence: a file or a link is in the way");
    assert_false(is_there(place, "real/b"));
    claim(place, "real/b", "real/b");
    har_folder_clean(place->root, "a/b");
    assert_true(is_there(place, "real/b/README.md"));
    assert_int_equal(har_folder_open(place->root, "a/b"), -1);
}

static void a_scratch_file_has_no_name(void **state)
{
    const struct place *place = *state;
    char command[128];
    int one = har_folder_scratch(place->root);
    int other = har_folder_scratch(place->root);
    assert_true(one >= 0 && other >= 0 && one != other);
    assert_int_equal(pwrite(one, "x", 1, 0), 1);
    (void)snprintf(command, sizeof(command), "test -z \"$(ls -A %s)\"", place->path);
    assert_int_equal(system(command), 0);
    (void)close(one);
    (void)close(other);
}

static void a_part_takes_the_place_when_it_is_good(void **state)
{
    const struct place *place = *state;
    int fd = har_folder_part(place->root, "d");
    assert_true(fd >= 0);
    (void)close(fd);
    errno = ENOSPC;
    assert_false(har_folder_part_done(place->root, "d", false));
    assert_int_equal(errno, ENOSPC);
    assert_false(is_there(place, "d"));
    assert_false(is_there(place, ".d.part"));
    fd = har_folder_part(place->root, "d");
    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(har_folder_part_done(place->root, "d", true));
    assert_true(is_there(place, "d"));
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_path_below_whatever_is_in_it),
        cmocka_unit_test(long_parts_are_cut_and_stay_apart),
        IN_A_PLACE(what_is_taken_is_claimed_under_another_name),
        IN_A_PLACE(only_what_is_ours_is_cleaned),
        IN_A_PLACE(a_link_in_the_way_is_not_followed),
        IN_A_PLACE(a_scratch_file_has_no_name),
        IN_A_PLACE(a_part_takes_the_place_when_it_is_good),
    };
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
