/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte that names a wrong server, then pieces: a byte whose lowest bit is the direction (0: of the client) and whose
 * others are the length, and the bytes. Whatever comes, the filter appends no more than it says and reads on. */
#include <assert.h>
#include <stddef.h>

#include "fuzz/fuzz.h"
#include "reference-server/frontend/h2/wire/wire.h"

/* Where each switch is, in the order of misbehave.def. */
static const size_t switches[] = {
#define X(field, name, frontends, rule, what) offsetof(struct srv_misbehave, field),
#include "reference-server/frontend/h2/wire/wrong.def"
#undef X
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct srv_misbehave wrong = {0};
    *(bool *)((char *)&wrong + switches[data[0] % (sizeof(switches) / sizeof(switches[0]))]) = true;
    struct srv_wire *wire = srv_wire_new(&wrong);
    if (wire == NULL) {
        return 0;
    }
    struct sl_span rest = sl_span(data + 1, size - 1);
    while (rest.len > 1) {
        struct sl_buf session;
        struct sl_buf client;
        sl_buf_init(&session, SRV_WIRE_MAX);
        sl_buf_init(&client, SRV_WIRE_MAX);
        bool is_of_client = (rest.data[0] & 1) == 0;
        struct sl_span piece = sl_span_first(sl_span_from(rest, 1), (size_t)(rest.data[0] >> 1));
        rest = sl_span_from(rest, 1 + piece.len);
        if (is_of_client) {
            srv_wire_in(wire, piece, &session);
        }
        srv_wire_out(wire, is_of_client ? sl_span(NULL, 0) : piece, &client);
        assert(session.len <= SRV_WIRE_MAX && client.len <= SRV_WIRE_MAX);
        sl_buf_release(&session);
        sl_buf_release(&client);
    }
    srv_wire_free(wire);
    return 0;
}
