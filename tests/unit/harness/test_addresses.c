/* SPDX-License-Identifier: Apache-2.0 */
/* Targets as they are written, and in which order their addresses are tried. */
#include "harness/transport/addresses.h"

#include "harness/cmd/address.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static void targets_are_read_in_all_their_forms(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port; /* 0 and no host: not one */
    } cases[] = {
        {"localhost:50051", "localhost", 50051},
        {"[::1]:1", "::1", 1},
        {"dns:///h.example:443", "h.example", 443},
        {"dns:h.example:443", "h.example", 443},
        {"dns:443", "dns", 443},
        {"ipv4:127.0.0.1:7", "127.0.0.1", 7},
        {"ipv6:[::1]:7", "::1", 7},
        {"unix:a/b", "unix:a/b", 0},
        {"unix:///a/b", "unix:/a/b", 0},
        {"::1:50051", NULL, 0},
        {"https://h:1", NULL, 0},
        {"dns://8.8.8.8/h:1", NULL, 0},
        {"h:65536", NULL, 0},
        {"h:", NULL, 0},
        {":1", NULL, 0},
        {"unix:", NULL, 0},
        {"", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_address address = {0};
        struct sl_error error = {0};
        enum sl_status status = har_address_parse_target(cases[i].text, &address, &error);
        bool is_right = cases[i].host == NULL ? status == SL_USAGE && error.text[0] != '\0'
                                              : status == SL_OK && address.port == cases[i].port &&
                                                    strcmp(address.host, cases[i].host) == 0;
        if (!is_right) {
            fail_msg("%s: %d, %s, %u, %s", cases[i].text, status, address.host, address.port,
                     error.text);
        }
    }
}

static void authorities_and_their_hosts(void **state)
{
    static const struct {
        const char *host;
        uint16_t port;
        const char *authority, *back;
    } cases[] = {
        {"h.example", 443, "h.example:443", "h.example"},
        {"::1", 7, "[::1]:7", "::1"},
        {"unix:/a", 0, "localhost", "localhost"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *authority = har_authority_of(cases[i].host, cases[i].port);
        char *back = har_authority_host(authority);
        assert_string_equal(authority, cases[i].authority);
        assert_string_equal(back, cases[i].back);
        sl_free(authority);
        sl_free(back);
    }
    char *bare = har_authority_host("fe80::1");
    assert_string_equal(bare, "fe80::1");
    sl_free(bare);
}

static void the_families_are_tried_by_turns(void **state)
{
    static const struct {
        const char *given, *tried; /* families, in order */
    } cases[] = {
        {"", ""},         {"4", "4"},       {"666", "666"},
        {"6644", "6464"}, {"4446", "4644"}, {"66666444", "64646466"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct addrinfo list[8] = {0};
        size_t count = strlen(cases[i].given);
        for (size_t at = 0; at < count; at++) {
            list[at].ai_family = cases[i].given[at] == '4' ? AF_INET : AF_INET6;
            list[at].ai_next = at + 1 < count ? &list[at + 1] : NULL;
        }
        char tried[9] = "";
        size_t at = 0;
        const struct addrinfo *last[2] = {NULL, NULL};
        for (const struct addrinfo *it = har_addresses_by_turns(count == 0 ? NULL : list);
             it != NULL; it = it->ai_next) {
            bool is_4 = it->ai_family == AF_INET;
            assert_true(last[is_4] == NULL ||
                        last[is_4] < it); /* within a family the order stays */
            last[is_4] = it;
            assert_true(at < 8);
            tried[at++] = is_4 ? '4' : '6';
        }
        assert_string_equal(tried, cases[i].tried);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_read_in_all_their_forms),
        cmocka_unit_test(authorities_and_their_hosts),
        cmocka_unit_test(the_families_are_tried_by_turns),
    };
    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
