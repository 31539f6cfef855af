/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/services/health.h"

#include "tests/support/cmocka_all.h"

#define BYTES(text) sl_span(text, sizeof(text) - 1)

static const struct sl_span whole_server = {NULL, 0};
static const struct sl_span unknown = {(const uint8_t *)"\x0a\x04nope", 6};

/* The status number of a reply or message; takes frame. */
static int status_in(struct srv_frame *frame)
{
    assert_int_equal(frame->len, 2);
    assert_int_equal(frame->data[0], 0x08);
    int status = frame->data[1];
    srv_frame_unref(frame);
    return status;
}

static void check_knows_its_services(void **state)
{
    (void)state;
    const struct srv_misbehave none = {0};
    struct srv_health health = {.misbehave = &none};
    const struct sl_span known[] = {
        whole_server,
        BYTES("\x0a\x13"
              "chat.v1.ChatService"),
        BYTES("\x0a\x15"
              "grpc.health.v1.Health"),
    };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(status_in(srv_health_check(&health, known[i]).reply), 1);
    }
    assert_int_equal(srv_health_check(&health, unknown).status, SL_GRPC_NOT_FOUND);
    assert_int_equal(srv_health_check(&health, BYTES("\x0a\x09")).status, SL_GRPC_INTERNAL);
    srv_health_drain(&health);
    assert_int_equal(status_in(srv_health_check(&health, known[0]).reply), 2);
    assert_int_equal(srv_health_check(&health, unknown).status, SL_GRPC_NOT_FOUND);
}

static int pull_status(struct srv_stream *stream)
{
    struct srv_pulled pulled;
    enum srv_pull pull = stream->ops->pull(stream, 0, &pulled);
    assert_int_not_equal(pull, SRV_PULL_END);
    return pull == SRV_PULL_WAIT ? -1 : status_in(pulled.frame);
}

static void count_wake(void *context)
{
    (*(unsigned *)context)++;
}

static void watch_tells_the_status_and_each_change_once(void **state)
{
    (void)state;
    const struct srv_misbehave none = {0};
    struct srv_health health = {.misbehave = &none};
    struct srv_answer refusal;
    unsigned wakes = 0;
    struct srv_stream *known = srv_health_watch(&health, whole_server, &refusal);
    struct srv_stream *other = srv_health_watch(&health, unknown, &refusal);
    known->wake = count_wake;
    known->wake_context = &wakes;
    assert_int_equal(pull_status(known), 1);
    assert_int_equal(pull_status(known), -1);
    assert_int_equal(pull_status(other), 3);
    srv_health_drain(&health);
    assert_int_equal(wakes, 1);
    assert_int_equal(pull_status(known), 2);
    assert_int_equal(pull_status(known), -1);
    assert_int_equal(pull_status(other), -1); /* and stays open */
    known->ops->close(known);
    other->ops->close(other);
    assert_null(health.watchers);
}

static void the_wrong_ones_deviate_as_they_say(void **state)
{
    (void)state;
    const struct srv_misbehave misbehave = {.health_not_found_wrong = true, .watch_closes = true};
    struct srv_health health = {.misbehave = &misbehave};
    struct srv_answer refusal;
    assert_int_equal(status_in(srv_health_check(&health, unknown).reply), 3);
    assert_null(srv_health_watch(&health, unknown, &refusal));
    assert_int_equal(refusal.status, SL_GRPC_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_knows_its_services),
        cmocka_unit_test(watch_tells_the_status_and_each_change_once),
        cmocka_unit_test(the_wrong_ones_deviate_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
