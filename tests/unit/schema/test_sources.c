/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/schema/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/schema/source/sources.h"

/* A folder with proto files, and what the loader warned of. */
struct place {
    char folder[64];
    char warnings[2048];
    size_t warning_count;
};

static void note(void *context, const char *text)
{
    struct place *place = context;
    size_t len = strlen(place->warnings);
    (void)snprintf(place->warnings + len, sizeof(place->warnings) - len, "%s\n", text);
    place->warning_count++;
}

static void put(const struct place *place, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", place->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    char folder[] = "/tmp/sluice-sources-XXXXXX";
    assert_non_null(mkdtemp(folder));
    /* protoc gives both characters a meaning of its own. */
    (void)snprintf(place->folder, sizeof(place->folder), "%s/a=b:c", folder);
    char sub[256];
    assert_int_equal(mkdir(place->folder, 0700), 0);
    (void)snprintf(sub, sizeof(sub), "%s/sub", place->folder);
    assert_int_equal(mkdir(sub, 0700), 0);
    put(place, "good.proto",
        "syntax = \"proto3\"; package t; import \"sub/other.proto\"; import "
        "\"google/rpc/status.proto\";"
        "message Good { Other other = 1; google.rpc.Status status = 2; }"
        "service S { rpc M(Good) returns (Other); }");
    put(place, "sub/other.proto", "syntax = \"proto3\"; package t; message Other { int32 a = 1; }");
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    static const char *const names[] = {"good.proto", "sub/other.proto",
                                        "bad.proto",  "worse.proto",
                                        "api.proto",  "chat.proto",
                                        "set.binpb",  "sub",
                                        "",           ".."};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
        (void)remove(path);
        if (strcmp(names[i], "..") == 0) {
            *strrchr(place->folder, '/') = '\0';
            assert_int_equal(rmdir(place->folder), 0);
        }
    }
    free(place);
    return 0;
}

static enum sl_status load(struct place *place, const char *include, const char *proto,
                           const char *set, struct sl_pool *pool, struct sl_error *error)
{
    struct sl_schema_sources sources = {
        .includes = &include,
        .include_count = include != NULL,
        .protos = &proto,
        .proto_count = proto != NULL,
        .sets = &set,
        .set_count = set != NULL,
        .warn = note,
        .warn_context = place,
    };
    return sl_sources_load(&sources, pool, error);
}

static void a_folder_is_compiled_with_all_below(void **state)
{
    struct place *place = *state;
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    assert_int_equal(load(place, place->folder, NULL, NULL, pool, &error), SL_OK);
    assert_string_equal(place->warnings, "");
    const struct sl_message_type *good = test_type(pool, "t.Good");
    assert_ptr_equal(good->fields[0].message, test_type(pool, "t.Other"));
    assert_ptr_equal(good->fields[1].message, test_type(pool, "google.rpc.Status"));
    assert_non_null(sl_pool_method(pool, sl_span_str("/t.S/M")));
    assert_non_null(sl_pool_method(pool, sl_span_str("/chat.v1.ChatService/ChatRoom")));
    sl_pool_free(pool);
}

static void a_file_that_does_not_compile_is_a_warning(void **state)
{
    struct place *place = *state;
    put(place, "bad.proto", "syntax = \"proto3\"; message {");
    put(place, "worse.proto", "import \"nowhere.proto\";");
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    assert_int_equal(load(place, place->folder, NULL, NULL, pool, &error), SL_OK);
    assert_int_equal(place->warning_count, 2);
    assert_non_null(strstr(place->warnings, "bad.proto"));
    assert_non_null(strstr(place->warnings, "nowhere.proto"));
    (void)test_type(pool, "t.Good");
    (void)test_type(pool, "t.Other");
    sl_pool_free(pool);
}

static void a_folder_without_proto_files_is_a_warning(void **state)
{
    struct place *place = *state;
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    char empty[256];
    (void)snprintf(empty, sizeof(empty), "%s/empty", place->folder);
    assert_int_equal(mkdir(empty, 0700), 0);
    assert_int_equal(load(place, empty, NULL, NULL, pool, &error), SL_OK);
    assert_string_equal(place->warnings, "there is no .proto file below the -I folders\n");
    assert_int_equal(rmdir(empty), 0);
    sl_pool_free(pool);
}

static void a_users_own_chat_wins(void **state)
{
    struct place *place = *state;
    put(place, "chat.proto",
        "syntax = \"proto3\"; package chat.v1; message ChatMessage { string note = 9; }");
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    assert_int_equal(load(place, place->folder, NULL, NULL, pool, &error), SL_OK);
    assert_int_equal(test_type(pool, "chat.v1.ChatMessage")->field_count, 1);
    sl_pool_free(pool);
}

static void a_proto_is_found_below_the_includes_or_as_a_path(void **state)
{
    struct place *place = *state;
    struct sl_error error = {0};
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/sub/other.proto", place->folder);
    const char *const given[][2] = {
        {place->folder, "sub/other.proto"}, {place->folder, path}, {NULL, path}};
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        struct sl_pool *pool = sl_pool_new();
        assert_int_equal(load(place, given[i][0], given[i][1], NULL, pool, &error), SL_OK);
        (void)test_type(pool, "t.Other");
        sl_pool_free(pool);
    }
}

static void a_proto_that_cannot_be_used_is_an_error(void **state)
{
    struct place *place = *state;
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    assert_int_equal(load(place, place->folder, "none.proto", NULL, pool, &error), SL_NOT_FOUND);
    assert_non_null(strstr(error.text, "none.proto"));
    put(place, "bad.proto", "syntax = \"proto3\"; message {");
    assert_int_equal(load(place, place->folder, "bad.proto", NULL, pool, &error), SL_MALFORMED);
    assert_non_null(strstr(error.text, "bad.proto"));
    assert_int_equal(load(place, "/nowhere/at/all", NULL, NULL, pool, &error), SL_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/at/all"));
    sl_pool_free(pool);
}

static void a_set_is_read_from_its_file(void **state)
{
    struct place *place = *state;
    struct sl_error error = {0};
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/set.binpb", place->folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(test_kinds, 1, test_kinds_size, file), test_kinds_size);
    assert_int_equal(fclose(file), 0);
    struct sl_pool *pool = sl_pool_new();
    assert_int_equal(load(place, NULL, NULL, path, pool, &error), SL_OK);
    (void)test_type(pool, "sluice.test3.Kinds");
    put(place, "set.binpb", "this is no descriptor set");
    assert_int_equal(load(place, NULL, NULL, path, pool, &error), SL_MALFORMED);
    assert_non_null(strstr(error.text, "set.binpb"));
    assert_int_equal(load(place, NULL, NULL, "/nowhere.binpb", pool, &error), SL_NOT_FOUND);
    sl_pool_free(pool);
}

static void without_protoc_it_names_the_package(void **state)
{
    struct place *place = *state;
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    const char *before = getenv("PATH");
    char *path = strdup(before == NULL ? "" : before);
    assert_non_null(path);
    assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
    enum sl_status status = load(place, place->folder, NULL, NULL, pool, &error);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(status, SL_NOT_FOUND);
    assert_non_null(strstr(error.text, "protobuf-compiler"));
    free(path);
    sl_pool_free(pool);
}

static void files_with_the_options_of_google_api_compile(void **state)
{
    struct place *place = *state;
    put(place, "api.proto",
        "syntax = \"proto3\"; package t; import \"google/api/annotations.proto\";"
        "import \"google/api/client.proto\"; import \"google/api/field_behavior.proto\";"
        "import \"google/api/resource.proto\";"
        "message Thing { option (google.api.resource) = {"
        "    type: \"x.example/Thing\" pattern: \"things/{thing}\" style: DECLARATIVE_FRIENDLY };"
        "  string name = 1 [(google.api.field_behavior) = REQUIRED,"
        "    (google.api.resource_reference).child_type = \"x.example/Part\"]; }"
        "service Things { option (google.api.default_host) = \"x.example\";"
        "  rpc Get(Thing) returns (Thing) { option (google.api.http) = {"
        "    get: \"/v1/{name=things/*}\" additional_bindings { post: \"/v1/x\" body: \"*\" } };"
        "    option (google.api.method_signature) = \"name\"; } }");
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    assert_int_equal(load(place, place->folder, "api.proto", NULL, pool, &error), SL_OK);
    assert_string_equal(place->warnings, "");
    assert_int_equal(test_type(pool, "t.Thing")->field_count, 1);
    sl_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_with_the_options_of_google_api_compile, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_folder_is_compiled_with_all_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_does_not_compile_is_a_warning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_folder_without_proto_files_is_a_warning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_users_own_chat_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_proto_is_found_below_the_includes_or_as_a_path, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_proto_that_cannot_be_used_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_set_is_read_from_its_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_protoc_it_names_the_package, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
