/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static const char good[] =
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5,"
    "\"actors\":{\"a\":{\"kind\":\"publisher\"}},\"run\":[]}";

/* A folder of scenarios, one of them bad; the working directory while it stands. */
static const struct {
    const char *name, *text; /* text NULL: a folder */
} files[] = {
    {"a", NULL},
    {"a/one.json", good},
    {"a/two.json", good},
    {"a/bad.json", "{"},
    {"profiles", NULL},
    {"profiles/p.json", good},
    {"a/x.schema.json", good},
    {"top.json", good},
    {"outside.txt", good},
};

static int set_up(void **state)
{
    char folder[] = "/tmp/sluice-library-XXXXXX";
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        return 1;
    }
    *state = sl_strdup(folder);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        FILE *file = NULL;
        if (files[i].text == NULL) {
            (void)mkdir(files[i].name, 0700);
        } else if ((file = fopen(files[i].name, "w")) != NULL) {
            (void)fputs(files[i].text, file);
            (void)fclose(file);
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = sizeof(files) / sizeof(files[0]); i-- > 0;) {
        (void)remove(files[i].name);
    }
    (void)rmdir(*state);
    sl_free(*state);
    return 0;
}

static void what_is_named_is_loaded_alone(void **state)
{
    struct har_library library;
    char *ids[] = {(char[]){"top"}, (char[]){"a/two"}, (char[]){"top"}};
    (void)state;
    assert_int_equal(har_library_load_named(&library, ".", ids, 3, NULL), SL_OK);
    assert_int_equal(library.count, 2);
    assert_string_equal(library.scenarios[0]->id, "a/two");
    assert_string_equal(library.scenarios[1]->id, "top");
    assert_null(har_library_find(&library, "a/one"));
    assert_true(har_library_has(&library, "a/two"));
    assert_true(har_library_has(&library, "a/one"));
    assert_false(har_library_has(&library, "a/three"));
    har_library_release(&library);
}

static void what_is_no_id_names_nothing(void **state)
{
    static const char *const names[] = {"",           "a",       "a/",         "a/*",
                                        "a/one.json", "./a/one", "/a/one",     "a//one",
                                        "a/../top",   "a/./one", "profiles/p", "a/none",
                                        "a/x.schema", "../top",  "outside.txt"};
    struct har_library library;
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *ids[] = {(char[]){"top"}, sl_strdup(names[i])};
        struct sl_error error = {0};
        assert_int_equal(har_library_load_named(&library, ".", ids, 2, &error), SL_NOT_FOUND);
        assert_true(error.text[0] != '\0');
        har_library_release(&library);
        sl_free(ids[1]);
    }
}

static void a_mistake_is_told_with_its_file(void **state)
{
    struct har_library library;
    struct sl_error error = {0};
    char *ids[] = {(char[]){"a/bad"}};
    (void)state;
    assert_int_equal(har_library_load_named(&library, ".", ids, 1, &error), SL_MALFORMED);
    assert_string_equal(error.source, "./a/bad.json");
    har_library_release(&library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_is_loaded_alone),
        cmocka_unit_test(what_is_no_id_names_nothing),
        cmocka_unit_test(a_mistake_is_told_with_its_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
