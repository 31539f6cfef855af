/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/select.h"

#include "inspector/glob.h"
#include "inspector/select_parse.h"
#include "inspector/stream/via.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

static void globs_match_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *glob;
        const char *text;
        bool is_match;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a/b", true},
        {"/a.B/*", "/a.B/C", true},
        {"/a.B/*", "/a.b/C", false},
        {"*/Send*", "/chat.v1.Chat/SendMessage", true},
        {"a*b*c", "aXbXbXc", true},
        {"a*b*c", "aXbXbX", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"?", "", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[^a-c]x", "ax", false},
        {"[]]", "]", true},
        {"[a-]", "-", true},
        {"[a", "[a", true},
        {"[", "[", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"a\\", "a\\", true},
        {"**a", "bba", true},
        {"*a", "ab", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ins_glob_matches(cases[i].glob, sl_span_str(cases[i].text)) != cases[i].is_match) {
            fail_msg("'%s' on '%s'", cases[i].glob, cases[i].text);
        }
    }
    assert_true(ins_glob_matches("a*", sl_span("a\0b", 3)));
    assert_true(ins_glob_matches("*", sl_span(NULL, 0)));
}

/* fnmatch() takes time without end on this one. */
static void many_stars_take_no_time(void **state)
{
    (void)state;
    static uint8_t text[100000];
    memset(text, 'a', sizeof(text));
    assert_false(ins_glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", sl_span(text, sizeof(text))));
}

static void times_are_read_in_three_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_offset;
        uint64_t ns;
    } good[] = {
        {"1970-01-01T00:00:00Z", false, 0},
        {"2026-01-02T03:04:05.000000006Z", false, UINT64_C(1767323045000000006)},
        {"2026-01-02t04:04:05.5+01:00", false, UINT64_C(1767323045500000000)},
        {"2026-01-01 21:34:05-05:30", false, UINT64_C(1767323045000000000)},
        {"2024-02-29T23:59:59.1234567899Z", false, UINT64_C(1709251199123456789)},
        {"1767323045", false, UINT64_C(1767323045000000000)},
        {"1767323045.25", false, UINT64_C(1767323045250000000)},
        {"+1.5s", true, 1500 * SL_MS},
        {"+250ms", true, 250 * SL_MS},
        {"+0", true, 0},
    };
    static const char *const bad[] = {"",
                                      "+",
                                      "+1",
                                      "-1",
                                      "1.",
                                      "12345678901",
                                      "2026-01-02",
                                      "2026-01-02T03:04:05",
                                      "2026-01-02T03:04:05.Z",
                                      "2026-13-02T03:04:05Z",
                                      "2026-02-29T03:04:05Z",
                                      "2026-01-02T24:00:00Z",
                                      "2026-01-02T03:04:05Zx",
                                      "2026-01-02T03:04:05+1:00",
                                      "1969-12-31T23:59:59Z",
                                      "2026-01-02",
                                      "2026-",
                                      "-"};
    struct ins_select_time when;
    struct sl_error error = {0};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (ins_select_parse_time(good[i].text, &when, &error) != SL_OK ||
            when.is_offset != good[i].is_offset || when.ns != good[i].ns) {
            fail_msg("'%s': %llu", good[i].text, (unsigned long long)when.ns);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ins_select_parse_time(bad[i], &when, &error) == SL_OK) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

static void writes_times_that_it_reads(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns < UINT64_C(16000000000) * SL_SECOND; ns = ns * 3 + SL_SECOND / 7) {
        char text[SL_RFC3339_MAX];
        struct ins_select_time when = {0};
        assert_int_equal(ins_select_parse_time(sl_clock_rfc3339(ns, text), &when, NULL), SL_OK);
        assert_int_equal(when.ns, ns);
    }
}

/* What a call has that is selected here. */
struct world {
    struct ins_connection connection;
    struct sl_call call;
    struct ins_call own;
};

static void world_init(struct world *world)
{
    static const uint8_t v6[16] = {0xfd, 0, [15] = 1};
    memset(world, 0, sizeof(*world));
    world->connection.client =
        (struct ins_endpoint){.address = {.bytes = {10, 1, 2, 3}, .version = 4}, .port = 40000};
    world->connection.server = (struct ins_endpoint){.address = {.version = 6}, .port = 50051};
    memcpy(world->connection.server.address.bytes, v6, sizeof(v6));
    world->own = (struct ins_call){.id = 7, .connection = &world->connection, .call = &world->call};
    struct sl_headers *headers = &world->call.request.headers;
    (void)sl_headers_add(headers, sl_span_str(":path"), sl_span_str("/p.S/M"));
    (void)sl_headers_add(headers, sl_span_str("x-id"), sl_span_str("41"));
    (void)sl_headers_add(headers, sl_span_str("x-id"), sl_span_str("42"));
    world->call.start = (struct sl_at){.time_ns = 10 * SL_SECOND, .has_time = true};
}

static void world_release(struct world *world)
{
    sl_headers_release(&world->call.request.headers);
    sl_headers_release(&world->call.response.trailers);
}

static void peers_are_addresses_networks_and_ports(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_match;
    } good[] = {
        {"10.1.2.3", true},          {"10.1.2.4", false},   {"10.1.2.3:40000", true},
        {"10.1.2.3:50051", false},   {"10.0.0.0/8", true},  {"10.0.0.0/15", true},
        {"10.0.0.0/16", false},      {"10.1.2.2/31", true}, {"0.0.0.0/0", true},
        {"10.0.0.0/8:40000", true},  {":50051", true},      {":50052", false},
        {"fd00::1", true},           {"fd00::2", false},    {"fd00::/8", true},
        {"[fd00::1]:50051", true},   {"[fd00::1]", true},   {"[fd00::1]:40000", false},
        {"[fd00::/16]:50051", true}, {"fd00::1/128", true}, {"fd00::/127", true},
    };
    static const char *const bad[] = {
        "",         ":",          ":0",          ":65536",     "localhost",
        "10.1.2",   "10.1.2.3:",  "10.1.2.3/33", "fd00::/129", "[10.1.2.3]:1",
        "[fd00::1", "[fd00::1]x", "10.1.2.3/",   "10.1.2.3:x", "[]:1"};
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct ins_select select = {0};
        assert_int_equal(ins_select_add_peer(&select, good[i].text, NULL), SL_OK);
        if ((ins_select_call(&select, &world.own, false, false) == INS_SELECTED_YES) !=
            good[i].is_match) {
            fail_msg("%s", good[i].text);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ins_select select = {0};
        if (ins_select_add_peer(&select, bad[i], NULL) == SL_OK) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
    /* both ends: all of them count */
    struct ins_select select = {0};
    assert_int_equal(ins_select_add_peer(&select, "10.1.2.3", NULL), SL_OK);
    assert_int_equal(ins_select_add_peer(&select, "fd00::1", NULL), SL_OK);
    assert_int_equal(ins_select_call(&select, &world.own, false, false), INS_SELECTED_YES);
    assert_int_equal(ins_select_add_peer(&select, "10.1.2.4", NULL), SL_OK);
    assert_int_equal(ins_select_call(&select, &world.own, false, false), INS_SELECTED_NO);
    world_release(&world);
}

static void metadata_is_known_at_once_or_at_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ins_selected before, after; /* the trailers */
    } cases[] = {
        {"x-id", INS_SELECTED_YES, INS_SELECTED_YES},
        {"X-ID=42", INS_SELECTED_YES, INS_SELECTED_YES},
        {"x-id=4?", INS_SELECTED_YES, INS_SELECTED_YES},
        {"x-id=5*", INS_SELECTED_MAYBE, INS_SELECTED_NO},
        {"x-i", INS_SELECTED_MAYBE, INS_SELECTED_NO},
        {"x-end=a=b", INS_SELECTED_MAYBE, INS_SELECTED_YES},
        {"x-end=", INS_SELECTED_MAYBE, INS_SELECTED_NO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct ins_select select = {0};
        world_init(&world);
        assert_int_equal(ins_select_add_metadata(&select, cases[i].text, NULL), SL_OK);
        if (ins_select_call(&select, &world.own, false, false) != cases[i].before) {
            fail_msg("%s", cases[i].text);
        }
        (void)sl_headers_add(&world.call.response.trailers, sl_span_str("x-end"),
                             sl_span_str("a=b"));
        if (ins_select_call(&select, &world.own, true, false) != cases[i].after) {
            fail_msg("%s at the end", cases[i].text);
        }
        world_release(&world);
    }
}

static void calls_are_selected_by_the_time_they_were_under_way(void **state)
{
    (void)state;
    static const struct {
        const char *since, *until;
        enum ins_selected before, after; /* the call goes from 10 s to 20 s */
    } cases[] = {
        {"5", NULL, INS_SELECTED_YES, INS_SELECTED_YES},
        {"15", NULL, INS_SELECTED_MAYBE, INS_SELECTED_YES},
        {"21", NULL, INS_SELECTED_MAYBE, INS_SELECTED_NO},
        {NULL, "15", INS_SELECTED_YES, INS_SELECTED_YES},
        {NULL, "9", INS_SELECTED_NO, INS_SELECTED_NO},
        {"12", "13", INS_SELECTED_MAYBE, INS_SELECTED_YES},
        {"+3s", "+4s", INS_SELECTED_MAYBE, INS_SELECTED_YES},
        {"+12s", NULL, INS_SELECTED_MAYBE, INS_SELECTED_NO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct ins_select select = {0};
        world_init(&world);
        if (cases[i].since != NULL) {
            assert_int_equal(ins_select_parse_time(cases[i].since, &select.since, NULL), SL_OK);
        }
        if (cases[i].until != NULL) {
            assert_int_equal(ins_select_parse_time(cases[i].until, &select.until, NULL), SL_OK);
        }
        assert_true(ins_select_is_selective(&select));
        ins_select_begin(&select, 9 * SL_SECOND);
        assert_int_equal(ins_select_call(&select, &world.own, false, false), cases[i].before);
        assert_int_equal(ins_select_call(&select, &world.own, false, true), INS_SELECTED_YES);
        world.call.end = SL_CALL_TRAILERS;
        world.call.end_at = (struct sl_at){.time_ns = 20 * SL_SECOND, .has_time = true};
        assert_int_equal(ins_select_call(&select, &world.own, true, false), cases[i].after);
        /* without times it was never under way */
        world.call.start.has_time = false;
        world.call.end_at.has_time = false;
        assert_int_equal(ins_select_call(&select, &world.own, true, false), INS_SELECTED_NO);
        world_release(&world);
    }
}

static void statuses_methods_and_ids_narrow_each_other(void **state)
{
    (void)state;
    struct world world;
    struct ins_select select = {0};
    world_init(&world);
    assert_false(ins_select_is_selective(&select));
    assert_int_equal(ins_select_call(&select, &world.own, false, false), INS_SELECTED_YES);
    assert_int_equal(ins_select_add_method(&select, "/other/*", NULL), SL_OK);
    assert_int_equal(ins_select_call(&select, &world.own, false, false), INS_SELECTED_NO);
    assert_int_equal(ins_select_add_method(&select, "*/M", NULL), SL_OK);
    assert_int_equal(ins_select_call(&select, &world.own, false, false), INS_SELECTED_YES);
    assert_int_equal(ins_select_add_status(&select, "Not_Found", NULL), SL_OK);
    assert_int_equal(ins_select_add_status(&select, "open", NULL), SL_OK);
    assert_int_equal(ins_select_call(&select, &world.own, false, false), INS_SELECTED_MAYBE);
    assert_int_equal(ins_select_call(&select, &world.own, true, false), INS_SELECTED_YES);
    world.call.has_status = true;
    assert_int_equal(ins_select_call(&select, &world.own, true, false), INS_SELECTED_NO);
    world.call.code = 5;
    assert_int_equal(ins_select_call(&select, &world.own, true, false), INS_SELECTED_YES);
    select.call = 8;
    assert_int_equal(ins_select_call(&select, &world.own, true, false), INS_SELECTED_NO);
    /* a path that is not known may become so, until the end */
    world_release(&world);
    world.call.request.headers = (struct sl_headers){0};
    select.call = 7;
    assert_int_equal(ins_select_call(&select, &world.own, false, false), INS_SELECTED_MAYBE);
    assert_int_equal(ins_select_call(&select, &world.own, true, false), INS_SELECTED_NO);
}

static void each_kind_has_a_limit(void **state)
{
    (void)state;
    struct ins_select select = {0};
    for (int i = 0; i <= INS_SELECT_MAX; i++) {
        enum sl_status expected = i < INS_SELECT_MAX ? SL_OK : SL_LIMIT;
        assert_int_equal(ins_select_add_method(&select, "*", NULL), expected);
        assert_int_equal(ins_select_add_status(&select, "ok", NULL), expected);
        assert_int_equal(ins_select_add_peer(&select, ":1", NULL), expected);
        assert_int_equal(ins_select_add_metadata(&select, "a", NULL), expected);
    }
}

static void peers_are_also_those_of_proxies_and_tunnels(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        bool is_match;
    } cases[] = {
        {"10.0.0.1", true},         {":50051", true},
        {"192.0.2.1:56324", true},  {"198.51.100.0/24", true},
        {"203.0.113.9", true},      {"203.0.113.9:8443", true},
        {"203.0.113.9:443", false}, {"fd00::/8", true},
        {"[fd00::2]:50052", true},  {":9000", true},
        {"0.0.0.0", false},         {"192.0.2.2", false},
    };
    struct ins_via named = {.kind = INS_VIA_CONNECT, .name = "svc.example:9000"};
    struct ins_via v6 = {.inner = &named, .kind = INS_VIA_CONNECT, .name = "[fd00::2]:50052"};
    struct ins_via v4 = {.inner = &v6, .kind = INS_VIA_CONNECT, .name = "203.0.113.9:8443"};
    struct ins_via odd = {.inner = &v4, .kind = INS_VIA_CONNECT, .name = "no port"};
    struct ins_via proxy = {
        .inner = &odd,
        .kind = INS_VIA_PROXY,
        .has_ends = true,
        .client = {.address = {.version = 4, .bytes = {192, 0, 2, 1}}, .port = 56324},
        .server = {.address = {.version = 4, .bytes = {198, 51, 100, 7}}, .port = 443}};
    struct ins_connection connection = {
        .client = {.address = {.version = 4, .bytes = {10, 0, 0, 1}}, .port = 40000},
        .server = {.address = {.version = 4, .bytes = {10, 0, 0, 2}}, .port = 50051},
        .via = &proxy,
        .via_count = 5};
    struct sl_call wire = {0};
    struct ins_call call = {.connection = &connection, .call = &wire};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ins_select select = {0};
        struct sl_error error = {0};
        assert_int_equal(ins_select_add_peer(&select, cases[i].peer, &error), SL_OK);
        if ((ins_select_call(&select, &call, true, false) == INS_SELECTED_YES) !=
            cases[i].is_match) {
            fail_msg("%s", cases[i].peer);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_also_those_of_proxies_and_tunnels),
        cmocka_unit_test(globs_match_bytes),
        cmocka_unit_test(many_stars_take_no_time),
        cmocka_unit_test(times_are_read_in_three_forms),
        cmocka_unit_test(writes_times_that_it_reads),
        cmocka_unit_test(peers_are_addresses_networks_and_ports),
        cmocka_unit_test(metadata_is_known_at_once_or_at_the_end),
        cmocka_unit_test(calls_are_selected_by_the_time_they_were_under_way),
        cmocka_unit_test(statuses_methods_and_ids_narrow_each_other),
        cmocka_unit_test(each_kind_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
