/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/schema/kinds.h"

#include <stdlib.h>

#include "lib/base/rng.h"

static const struct sl_field *field_of(const struct sl_pool *pool, const char *type,
                                       uint32_t number)
{
    return sl_message_type_field(test_type(pool, type), number);
}

static void finds_types_methods_and_enums(void **state)
{
    const struct sl_pool *pool = *state;
    assert_null(sl_pool_message(pool, sl_span_str("chat.v1.Nothing")));
    assert_null(sl_pool_message(pool, sl_span_str(".chat.v1.ChatMessage")));
    assert_null(sl_pool_message(pool, sl_span(NULL, 0)));
    assert_null(sl_pool_message(pool, sl_span_str("chat.v1.ServerCommand.Type")));
    assert_non_null(sl_pool_enum(pool, sl_span_str("chat.v1.ServerCommand.Type")));
    assert_string_equal(test_type(pool, "chat.v1.ChatMessage")->full_name, "chat.v1.ChatMessage");

    static const struct {
        const char *path, *input, *output;
        bool is_client_streaming, is_server_streaming;
    } methods[] = {
        {"/chat.v1.ChatService/SendMessage", "ChatMessage", "ActionResponse", false, false},
        {"/chat.v1.ChatService/SubscribeToRoom", "RoomSubscription", "ChatMessage", false, true},
        {"/chat.v1.ChatService/ChatRoom", "ChatMessage", "ServerCommand", true, true},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const struct sl_method *method = sl_pool_method(pool, sl_span_str(methods[i].path));
        assert_non_null(method);
        assert_string_equal(method->path, methods[i].path);
        assert_string_equal(method->name, strrchr(methods[i].path, '/') + 1);
        assert_string_equal(method->input->full_name + strlen("chat.v1."), methods[i].input);
        assert_string_equal(method->output->full_name + strlen("chat.v1."), methods[i].output);
        assert_int_equal(method->is_client_streaming, methods[i].is_client_streaming);
        assert_int_equal(method->is_server_streaming, methods[i].is_server_streaming);
    }
    assert_null(sl_pool_method(pool, sl_span_str("/chat.v1.ChatService/Nothing")));
    assert_null(sl_pool_method(pool, sl_span_str("chat.v1.ChatService/ChatRoom")));
}

static void knows_the_built_in_services(void **state)
{
    static const char *const paths[] = {
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    };
    static const char *const types[] = {
        "google.rpc.Status",           "google.rpc.BadRequest",
        "google.protobuf.Any",         "google.protobuf.FileDescriptorSet",
        "google.protobuf.Timestamp",   "google.protobuf.Struct",
        "google.protobuf.StringValue", "google.protobuf.Api",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct sl_method *method = sl_pool_method(*state, sl_span_str(paths[i]));
        assert_non_null(method);
        assert_non_null(method->input);
        assert_non_null(method->output);
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        (void)test_type(*state, types[i]);
    }
    size_t count = sl_pool_method_count(*state);
    for (size_t i = 0; i < count; i++) {
        const struct sl_method *method = sl_pool_method_at(*state, i);
        assert_ptr_equal(sl_pool_method(*state, sl_span_str(method->path)), method);
    }
    assert_null(sl_pool_method_at(*state, count));
}

static void settles_fields_by_syntax(void **state)
{
    static const char k3[] = "sluice.test3.Kinds";
    static const char k2[] = "sluice.test2.Kinds";
    const struct sl_pool *pool = *state;
    assert_false(field_of(pool, k3, 5)->has_presence);
    assert_true(field_of(pool, k3, 11)->has_presence);
    assert_true(field_of(pool, k3, 21)->has_presence);
    assert_int_equal(field_of(pool, k3, 21)->oneof, -1);
    assert_int_equal(field_of(pool, k3, 61)->oneof, 0);
    assert_true(field_of(pool, k3, 33)->is_packed);
    assert_false(field_of(pool, k3, 35)->is_packed);
    assert_false(field_of(pool, k3, 39)->is_packed);
    assert_true(field_of(pool, k3, 51)->is_map);
    assert_true(field_of(pool, k3, 9)->is_utf8_checked);
    assert_string_equal(field_of(pool, k3, 101)->json_name, "@hand");
    assert_non_null(field_of(pool, k3, 536870911));
    assert_null(field_of(pool, k3, 10));
    assert_null(field_of(pool, k3, 0));
    assert_false(field_of(pool, k3, 14)->enumeration->is_closed);

    assert_true(field_of(pool, k2, 1)->is_required);
    assert_true(field_of(pool, k2, 2)->has_presence);
    assert_false(field_of(pool, k2, 2)->is_utf8_checked);
    assert_true(field_of(pool, k2, 4)->enumeration->is_closed);
    assert_true(field_of(pool, k2, 5)->is_packed);
    assert_false(field_of(pool, k2, 6)->is_packed);
    assert_int_equal(field_of(pool, k2, 9)->type, SL_TYPE_GROUP);
    assert_string_equal(field_of(pool, k2, 9)->message->full_name, "sluice.test2.Kinds.Inner");
}

static void finds_extensions_and_enumerators(void **state)
{
    const struct sl_pool *pool = *state;
    const struct sl_message_type *kinds = test_type(pool, "sluice.test2.Kinds");
    const struct sl_field *held = sl_pool_extension(pool, kinds, 1000);
    assert_non_null(held);
    assert_string_equal(held->json_name, "[sluice.test2.Holder.held]");
    assert_ptr_equal(sl_pool_extension_named(pool, kinds, sl_span_str("sluice.test2.Holder.held")),
                     held);
    assert_null(sl_pool_extension(pool, kinds, 1002));
    assert_null(sl_pool_extension(pool, test_type(pool, "sluice.test3.Kinds"), 1000));

    const struct sl_enum_type *aliased = sl_pool_enum(pool, sl_span_str("sluice.test3.Aliased"));
    const struct sl_enum_type *colour = sl_pool_enum(pool, sl_span_str("sluice.test3.Colour"));
    assert_string_equal(sl_enum_type_name(aliased, 1), "ALIASED_ONE");
    assert_string_equal(sl_enum_type_name(colour, -5), "COLOUR_NEGATIVE");
    assert_null(sl_enum_type_name(colour, 2));
    assert_null(sl_enum_type_name(colour, INT32_MIN));
}

/* A FileDescriptorProto with a name, and whatever members follow as hex digits. */
static void add_file(struct sl_pool *pool, const char *hex)
{
    struct sl_buf file = test_bytes(hex);
    struct sl_error error = {0};
    enum sl_status status = sl_pool_add_file(pool, sl_buf_span(&file), &error);
    if (status != SL_OK) {
        fail_msg("%s", error.text);
    }
    sl_buf_release(&file);
}

static void a_field_of_a_missing_type_is_unknown_until_it_comes(void **state)
{
    (void)state;
    struct sl_pool *pool = sl_pool_new();
    /* "a": message A { B b = 1 (type .B); } */
    add_file(pool, "0a016122120a0141120d0a016218012001280b32022e42");
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    assert_null(field_of(pool, "A", 1)->message);

    struct sl_buf bytes = test_bytes("0a00");
    struct sl_buf json;
    struct sl_json_out out;
    struct sl_protojson_result result;
    sl_buf_init(&json, TEST_TEXT_MAX);
    sl_json_out_init(&out, &json);
    assert_int_equal(
        sl_protojson_write(pool, test_type(pool, "A"), sl_buf_span(&bytes), &out, NULL, &result),
        SL_OK);
    assert_string_equal(sl_buf_str(&json), "{}");

    add_file(pool, "0a0162 2203 0a0142"); /* "b": message B {} */
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    assert_ptr_equal(field_of(pool, "A", 1)->message, test_type(pool, "B"));
    sl_buf_release(&bytes);
    sl_buf_release(&json);
    sl_pool_free(pool);
}

static void a_name_that_is_taken_leaves_the_rest_of_a_file(void **state)
{
    (void)state;
    struct sl_pool *pool = sl_pool_new();
    add_file(pool, "0a0161 2203 0a0141");             /* "a": message A */
    add_file(pool, "0a0161 2203 0a0142");             /* "a" again: message B, of another project */
    add_file(pool, "0a0163 2203 0a0141 2203 0a0143"); /* "c": message A again, message C */
    assert_non_null(sl_pool_message(pool, sl_span_str("A")));
    assert_non_null(sl_pool_message(pool, sl_span_str("B")));
    assert_non_null(sl_pool_message(pool, sl_span_str("C")));
    sl_pool_free(pool);
}

static void a_users_own_copy_of_a_built_in_type_wins(void **state)
{
    (void)state;
    struct sl_pool *pool = sl_pool_new();
    /* "my.proto", package chat.v1: message ChatMessage { string note = 9; } */
    add_file(pool, "0a086d792e70726f746f1207636861742e7631221b0a0b436861744d6573"
                   "73616765120c0a046e6f7465180920012809");
    sl_pool_add_builtin(pool);
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    const struct sl_method *method =
        sl_pool_method(pool, sl_span_str("/chat.v1.ChatService/SendMessage"));
    assert_int_equal(method->input->field_count, 1);
    sl_pool_free(pool);
}

static void relative_names_are_found_from_inside_out(void **state)
{
    (void)state;
    struct sl_pool *pool = sl_pool_new();
    /* "a", package p.q: message A { B b = 1 (type B); message B {} }, message B {}, message C { B b = 1; } */
    add_file(pool, "0a01611203702e7122160a0141120c0a016218012001280b3201421a030a"
                   "014222030a014222110a0143120c0a016218012001280b320142");
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    assert_string_equal(field_of(pool, "p.q.A", 1)->message->full_name, "p.q.A.B");
    assert_string_equal(field_of(pool, "p.q.C", 1)->message->full_name, "p.q.B");
    sl_pool_free(pool);
}

static void editions_go_by_their_features(void **state)
{
    (void)state;
    struct sl_pool *pool = sl_pool_new();
    /* edition = "2023"; option features.field_presence = IMPLICIT;
     * message A { int32 a = 1; int32 b = 2 [EXPLICIT]; repeated int32 c = 3; repeated int32 d = 4 [EXPANDED];
     *             A e = 5 [DELIMITED]; int32 f = 6 [LEGACY_REQUIRED]; }
     * enum E { option features.enum_type = CLOSED; ONE = 1; } */
    add_file(pool, "0a016122650a014112090a016118012001280512100a01621802200128054205aa0102080112"
                   "090a016318032003280512100a01641804200328054205aa0102180212140a01651805200128"
                   "0b32022e414205aa0102280212100a01661806200128054205aa010208032a120a014512070a"
                   "034f4e4510011a043a02100242059203020802620865646974696f6e7370e807");
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    assert_false(field_of(pool, "A", 1)->has_presence);
    assert_true(field_of(pool, "A", 2)->has_presence);
    assert_true(field_of(pool, "A", 3)->is_packed);
    assert_false(field_of(pool, "A", 4)->is_packed);
    assert_int_equal(field_of(pool, "A", 5)->type, SL_TYPE_GROUP);
    assert_true(field_of(pool, "A", 6)->is_required);
    assert_true(sl_pool_enum(pool, sl_span_str("E"))->is_closed);
    sl_pool_free(pool);
}

static void refuses_what_is_no_descriptor(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
    } cases[] = {
        {"no name", "22030a0141"},
        {"a message cut short", "0a016622030a0541"},
        {"a message without a name", "0a01662200"},
        {"a name that is no identifier", "0a016622050a03412f42"},
        {"a package that is none", "0a0166120361206222030a0141"},
        {"a field without a number", "0a0166220c0a014112070a016220012805"},
        {"a field number above 2^29 - 1", "0a016622120a0141120d0a016218808080800220012805"},
        {"a field of a type that does not exist", "0a0166220e0a014112090a0162180120012813"},
        {"a field without a type", "0a0166220c0a014112070a016218012001"},
        {"a field without a name", "0a0166220b0a01411206180120012805"},
        {"a field in a oneof that does not exist", "0a016622100a0141120b0a01621801200128054800"},
        {"a JSON name that is no text", "0a016622110a0141120c0a01621801200128055201ff"},
        {"two fields of one number",
         "0a016622190a014112090a016218012001280512090a0163180120012805"},
        {"a field cut short", "0a016622080a014112030a0562"},
        {"an enum value without a name", "0a01662a070a014512021001"},
        {"an enum value cut short", "0a01662a080a014512030a0562"},
        {"a method without a name", "0a016632050a01531200"},
        {"a service cut short", "0a016632030a0562"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_pool *pool = sl_pool_new();
        struct sl_buf file = test_bytes(cases[i].hex);
        struct sl_error error = {0};
        if (sl_pool_add_file(pool, sl_buf_span(&file), &error) != SL_MALFORMED) {
            fail_msg("%s was taken", cases[i].name);
        }
        assert_int_equal(error.status, SL_MALFORMED);
        assert_null(sl_pool_message(pool, sl_span_str("A")));
        sl_buf_release(&file);
        sl_pool_free(pool);
    }
}

/* Puts tag and length before what out holds. */
static void wrap(struct sl_buf *out, uint8_t tag)
{
    struct sl_buf outer;
    sl_buf_init(&outer, out->max);
    (void)sl_buf_add_u8(&outer, tag);
    (void)sl_buf_add_varint(&outer, out->len);
    (void)sl_buf_add_span(&outer, sl_buf_span(out));
    sl_buf_release(out);
    *out = outer;
}

static void bounds_how_deep_messages_nest(void **state)
{
    (void)state;
    static const size_t depths[] = {SL_POOL_NESTING_MAX, SL_POOL_NESTING_MAX + 1, 20000};
    for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        struct sl_buf file = test_bytes("0a014e");
        for (size_t depth = 1; depth < depths[i]; depth++) {
            wrap(&file, 0x1a); /* nested_type */
            (void)sl_buf_add(&file, "\x0a\x01N", 3);
        }
        wrap(&file, 0x22); /* message_type */
        (void)sl_buf_add(&file,
                         "\x0a\x01"
                         "f",
                         3);
        struct sl_pool *pool = sl_pool_new();
        enum sl_status status = sl_pool_add_file(pool, sl_buf_span(&file), NULL);
        assert_int_equal(status, depths[i] <= SL_POOL_NESTING_MAX ? SL_OK : SL_LIMIT);
        sl_pool_free(pool);
        sl_buf_release(&file);
    }
}

/* Adds the bytes as a set and uses what came of them; they may be anything. */
static void use_set(struct sl_span bytes)
{
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    enum sl_status status = sl_pool_add_set(pool, bytes, &error);
    assert_true(status == SL_OK || status == SL_MALFORMED || status == SL_LIMIT);
    assert_true((status == SL_OK) == (error.text[0] == '\0'));
    if (status != SL_OK) {
        assert_int_equal(sl_pool_method_count(pool), 0);
    }
    sl_pool_add_builtin(pool);
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    assert_non_null(sl_pool_message(pool, sl_span_str("chat.v1.ChatMessage")));
    sl_pool_free(pool);
}

static void every_truncation_of_a_set_is_sane(void **state)
{
    (void)state;
    for (size_t len = 0; len < test_kinds_size; len += len < 256 ? 1 : 13) {
        uint8_t *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact + 1, test_kinds, len);
        use_set(sl_span(exact + 1, len));
        free(exact);
    }
}

static void every_damage_of_a_set_is_sane(void **state)
{
    (void)state;
    struct sl_rng rng;
    sl_rng_init(&rng, 11, 0);
    for (size_t run = 0; run < 500; run++) {
        uint8_t *damaged = malloc(test_kinds_size);
        assert_non_null(damaged);
        memcpy(damaged, test_kinds, test_kinds_size);
        for (size_t flips = 1 + sl_rng_below(&rng, 8); flips > 0; flips--) {
            damaged[sl_rng_below(&rng, test_kinds_size)] = (uint8_t)sl_rng_next(&rng);
        }
        use_set(sl_span(damaged, test_kinds_size));
        free(damaged);
    }
}

static int set_up(void **state)
{
    *state = test_kinds_pool();
    return 0;
}

static int tear_down(void **state)
{
    sl_pool_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_types_methods_and_enums),
        cmocka_unit_test(knows_the_built_in_services),
        cmocka_unit_test(settles_fields_by_syntax),
        cmocka_unit_test(finds_extensions_and_enumerators),
        cmocka_unit_test(a_field_of_a_missing_type_is_unknown_until_it_comes),
        cmocka_unit_test(a_name_that_is_taken_leaves_the_rest_of_a_file),
        cmocka_unit_test(a_users_own_copy_of_a_built_in_type_wins),
        cmocka_unit_test(relative_names_are_found_from_inside_out),
        cmocka_unit_test(editions_go_by_their_features),
        cmocka_unit_test(refuses_what_is_no_descriptor),
        cmocka_unit_test(bounds_how_deep_messages_nest),
        cmocka_unit_test(every_truncation_of_a_set_is_sane),
        cmocka_unit_test(every_damage_of_a_set_is_sane),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
