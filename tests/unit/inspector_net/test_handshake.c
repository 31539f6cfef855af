/* SPDX-License-Identifier: Apache-2.0 */
/* How far away the server is, by the answer to the SYN. */
#include "inspector/net/tcp.h"
#include "tests/support/cmocka_all.h"

struct seen {
    bool has_any;
    uint64_t ns;
};

static void on_data(void *owner, struct ins_tcp_conn *conn, int side, struct sl_span bytes,
                    const struct sl_at *at)
{
    struct seen *seen = owner;
    (void)side;
    (void)bytes;
    (void)at;
    seen->has_any = ins_tcp_handshake(conn, &seen->ns);
}

static void on_gap(void *owner, struct ins_tcp_conn *conn, int side, uint64_t count,
                   const struct sl_at *at)
{
    (void)owner;
    (void)conn;
    (void)side;
    (void)count;
    (void)at;
}

static void on_close(void *owner, struct ins_tcp_conn *conn, int side, bool is_reset,
                     const struct sl_at *at)
{
    (void)owner;
    (void)conn;
    (void)side;
    (void)is_reset;
    (void)at;
}

static void on_end(void *owner, struct ins_tcp_conn *conn)
{
    (void)owner;
    (void)conn;
}

static const struct ins_tcp_handler handler = {
    .data = on_data, .gap = on_gap, .close = on_close, .end = on_end};

struct step {
    char from; /* 'c' or 's'; 0 ends the list */
    uint8_t flags;
    uint32_t sequence, acknowledged;
    uint64_t time_ns; /* 0: the capture has none */
};

static struct seen play(const struct step *steps)
{
    struct seen seen = {0};
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    struct ins_tcp *tcp = ins_tcp_new(&handler, &seen, &limits);
    const struct ins_endpoint client = {.address = {.version = 4, .bytes = {10, 0, 0, 1}},
                                        .port = 1};
    const struct ins_endpoint server = {.address = {.version = 4, .bytes = {10, 0, 0, 2}},
                                        .port = 2};
    for (; steps->from != 0; steps++) {
        bool is_data = steps->flags == INS_TCP_ACK;
        struct ins_segment segment = {
            .from = steps->from == 'c' ? client : server,
            .to = steps->from == 'c' ? server : client,
            .sequence = steps->sequence,
            .acknowledged = steps->acknowledged,
            .flags = steps->flags,
            .payload = sl_span_str(is_data ? "x" : ""),
            .len = is_data ? 1 : 0,
            .at = {.time_ns = steps->time_ns, .has_time = steps->time_ns != 0},
        };
        ins_tcp_feed(tcp, &segment);
    }
    ins_tcp_finish(tcp);
    ins_tcp_free(tcp);
    return seen;
}

static void the_answer_to_the_syn_tells_the_way(void **state)
{
    (void)state;
    enum { SYN = INS_TCP_SYN, ANSWER = INS_TCP_SYN | INS_TCP_ACK, DATA = INS_TCP_ACK };
    static const struct {
        const char *name;
        struct step steps[6];
        bool has_any;
        uint64_t ns;
    } cases[] = {
        {"plain",
         {{'c', SYN, 100, 0, 1000}, {'s', ANSWER, 500, 101, 1250}, {'c', DATA, 101, 501, 1300}},
         true,
         250},
        {"a SYN that was sent again",
         {{'c', SYN, 100, 0, 1000},
          {'c', SYN, 100, 0, 2000},
          {'s', ANSWER, 500, 101, 2030},
          {'s', ANSWER, 500, 101, 9000},
          {'c', DATA, 101, 501, 9001}},
         true,
         30},
        {"no SYN", {{'s', ANSWER, 500, 101, 1250}, {'c', DATA, 101, 501, 1300}}, false, 0},
        {"no answer", {{'c', SYN, 100, 0, 1000}, {'c', DATA, 101, 501, 1300}}, false, 0},
        {"an answer to another SYN",
         {{'c', SYN, 100, 0, 1000}, {'s', ANSWER, 500, 99, 1250}, {'c', DATA, 101, 501, 1300}},
         false,
         0},
        {"a clock that ran backwards",
         {{'c', SYN, 100, 0, 1000}, {'s', ANSWER, 500, 101, 900}, {'c', DATA, 101, 501, 1300}},
         false,
         0},
        {"no times",
         {{'c', SYN, 100, 0, 0}, {'s', ANSWER, 500, 101, 0}, {'c', DATA, 101, 501, 0}},
         false,
         0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen seen = play(cases[i].steps);
        if (seen.has_any != cases[i].has_any || seen.ns != cases[i].ns) {
            fail_msg("%s: %d %llu", cases[i].name, seen.has_any, (unsigned long long)seen.ns);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_to_the_syn_tells_the_way),
    };
    return cmocka_run_group_tests_name("inspector/handshake", tests, NULL, NULL);
}
