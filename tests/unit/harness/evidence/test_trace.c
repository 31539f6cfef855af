/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept, within which limits; the pcapng of it is read in tests/e2e/harness/test_evidence.py. */
#include "harness/evidence/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/evidence/trace_log.h"
#include "tests/support/cmocka_all.h"

struct seen {
    uint32_t kinds[HAR_TRACE_KEYS + 1];
    uint64_t bytes[2]; /* [is_from_client] */
    uint64_t gap;
    uint32_t check; /* of all bytes in their order */
    uint32_t records;
};

static void on_record(void *owner, const struct har_trace_record *record, struct sl_span content)
{
    struct seen *seen = owner;
    seen->kinds[record->kind]++;
    seen->records++;
    if (record->kind == HAR_TRACE_BYTES) {
        seen->bytes[record->is_from_client] += content.len;
        for (size_t i = 0; i < content.len; i++) {
            seen->check = seen->check * 31 + content.data[i];
        }
    } else if (record->kind == HAR_TRACE_GAP) {
        memcpy(&seen->gap, content.data, sizeof(seen->gap));
    }
}

static struct seen look(struct har_trace *trace)
{
    struct seen seen = {0};
    assert_int_equal(har_trace_each(trace, on_record, &seen), SL_OK);
    return seen;
}

static struct har_trace_flow *flow_in(struct har_trace *trace)
{
    struct sockaddr_in client = {.sin_family = AF_INET, .sin_port = htons(40000)};
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(443)};
    return har_trace_flow_new(trace, HAR_TRACE_OWN, (const struct sockaddr *)&client,
                              (const struct sockaddr *)&server, "a name", 1);
}

static int folder(void)
{
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    return fd;
}

/* Adds pieces of random lengths; their check. */
static uint32_t fill(struct har_trace_flow *flow, size_t total)
{
    static uint8_t piece[200 * 1000];
    uint32_t check = 0;
    uint32_t random = 1;
    for (size_t at = 0; at < total;) {
        random = random * 1103515245 + 12345;
        size_t len = random / 65536 % sizeof(piece) + 1;
        len = len < total - at ? len : total - at;
        for (size_t i = 0; i < len; i++) {
            piece[i] = (uint8_t)(random + i);
            check = check * 31 + piece[i];
        }
        har_trace_bytes(flow, at % 2 == 0, sl_span(piece, len), 2);
        at += len;
    }
    return check;
}

static void everything_comes_back_in_its_order(void **state)
{
    static const size_t totals[] = {1, 1000, HAR_TRACE_BUFFER - 100, 3 * 1024 * 1024 + 17};
    int at = folder();
    (void)state;
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        struct har_trace *trace = har_trace_new(at);
        struct har_trace_flow *flow = flow_in(trace);
        har_trace_keys(flow, sl_span_str("CLIENT_RANDOM 00 00\n"));
        uint32_t check = fill(flow, totals[i]);
        har_trace_end(flow, true, false, 3);
        har_trace_end(flow, false, true, 4);
        struct seen seen = look(trace);
        assert_int_equal(seen.check, check);
        assert_int_equal(seen.bytes[0] + seen.bytes[1], totals[i]);
        assert_int_equal(seen.kinds[HAR_TRACE_FLOW], 1);
        assert_int_equal(seen.kinds[HAR_TRACE_KEYS], 1);
        assert_int_equal(seen.kinds[HAR_TRACE_FIN], 1);
        assert_int_equal(seen.kinds[HAR_TRACE_RST], 1);
        struct har_trace_seen said = har_trace_seen(trace);
        assert_int_equal(said.bytes, totals[i]);
        assert_int_equal(said.flows, 1);
        assert_int_equal(said.ports[0].number, 443);
        assert_true(said.ports[0].has_tls);
        assert_int_equal(said.ports[1].number, 0);
        assert_true(said.has_keys);
        har_trace_flow_free(flow);
        har_trace_free(trace);
    }
    (void)close(at);
}

static void a_connection_has_its_limit_and_the_play_one(void **state)
{
    int at = folder();
    struct har_trace *trace = har_trace_new(at);
    uint64_t asked = 0;
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct har_trace_flow *flow = flow_in(trace);
        (void)fill(flow, HAR_TRACE_FLOW_MAX + 1000000);
        asked += HAR_TRACE_FLOW_MAX + 1000000;
        har_trace_end(flow, true, false, 3);
        har_trace_end(flow, false, false, 3);
        har_trace_flow_free(flow);
    }
    struct har_trace_seen said = har_trace_seen(trace);
    struct seen seen = look(trace);
    assert_true(said.bytes <= HAR_TRACE_MAX && said.bytes > HAR_TRACE_MAX - 300000);
    assert_int_equal(said.bytes + said.skipped, asked);
    assert_int_equal(seen.bytes[0] + seen.bytes[1], said.bytes);
    assert_int_equal(seen.kinds[HAR_TRACE_FIN], 10);
    assert_true(seen.gap > 0);
    har_trace_free(trace);
    (void)close(at);
}

static void connections_without_end_are_bounded_too(void **state)
{
    int at = folder();
    struct har_trace *trace = har_trace_new(at);
    (void)state;
    for (int i = 0; i < 400000; i++) {
        struct har_trace_flow *flow = flow_in(trace);
        har_trace_bytes(flow, true, sl_span_str("x"), 1);
        har_trace_end(flow, true, false, 1);
        har_trace_flow_free(flow);
    }
    struct har_trace_seen said = har_trace_seen(trace);
    struct seen seen = look(trace);
    assert_true(said.flows > 100000 && said.flows < 400000);
    assert_int_equal(said.flows, seen.kinds[HAR_TRACE_FLOW]);
    assert_int_equal(said.bytes + said.skipped, 400000);
    har_trace_free(trace);
    (void)close(at);
}

static void without_a_file_the_beginning_is_kept(void **state)
{
    struct har_trace *trace = har_trace_new(-1);
    struct har_trace_flow *flow = flow_in(trace);
    (void)state;
    (void)fill(flow, 2 * 1024 * 1024);
    struct har_trace_seen said = har_trace_seen(trace);
    assert_int_equal(said.error, EBADF);
    assert_true(said.bytes > HAR_TRACE_BUFFER / 2 && said.skipped > 1024 * 1024);
    assert_int_equal(look(trace).bytes[0] + look(trace).bytes[1], said.bytes);
    har_trace_flow_free(flow);
    har_trace_free(trace);
}

static void a_flow_may_outlive_its_trace(void **state)
{
    int at = folder();
    struct har_trace *trace = har_trace_new(at);
    struct har_trace_flow *flow = flow_in(trace);
    (void)state;
    har_trace_free(trace);
    (void)fill(flow, 1024 * 1024);
    har_trace_end(flow, true, true, 1);
    har_trace_flow_free(flow);
    har_trace_bytes(NULL, true, sl_span_str("x"), 1);
    har_trace_end(NULL, true, true, 1);
    har_trace_keys(NULL, sl_span_str("x"));
    har_trace_flow_free(NULL);
    har_trace_free(NULL);
    (void)close(at);
}

static void a_socket_in_the_file_system_has_made_up_ends(void **state)
{
    struct sockaddr_un unix_end = {.sun_family = AF_UNIX};
    struct har_trace *trace = har_trace_new(-1);
    char path[] = "/tmp/test_trace_XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    struct har_trace_flow *flow =
        har_trace_flow_new(trace, HAR_TRACE_UPSTREAM, (const struct sockaddr *)&unix_end,
                           (const struct sockaddr *)&unix_end, "unix", 1);
    (void)fill(flow, 5000);
    struct har_trace_seen said = har_trace_seen(trace);
    assert_int_equal(said.ports[0].number, 1);
    assert_false(said.ports[0].has_tls);
    assert_int_equal(har_trace_write(trace, fd, path, "test", NULL), SL_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size > 5000);
    (void)unlink(path);
    har_trace_flow_free(flow);
    har_trace_free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back_in_its_order),
        cmocka_unit_test(a_connection_has_its_limit_and_the_play_one),
        cmocka_unit_test(connections_without_end_are_bounded_too),
        cmocka_unit_test(without_a_file_the_beginning_is_kept),
        cmocka_unit_test(a_flow_may_outlive_its_trace),
        cmocka_unit_test(a_socket_in_the_file_system_has_made_up_ends),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
