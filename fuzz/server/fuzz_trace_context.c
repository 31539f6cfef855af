/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a traceparent. What is taken is what was written; what is not leaves nothing. */
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "reference-server/telemetry/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct srv_trace nothing;
    struct srv_trace trace;
    if (!srv_trace_parse(sl_span(data, size), &trace)) {
        assert(memcmp(trace.trace_id, nothing.trace_id, SRV_TRACE_ID) == 0 && !trace.is_sampled);
        return 0;
    }
    char text[SRV_TRACE_HEX];
    char parent[SRV_SPAN_HEX];
    (void)srv_trace_id_text(&trace, text);
    (void)srv_span_id_text(trace.parent_id, parent);
    assert(memcmp(data + 3, text, 2 * SRV_TRACE_ID) == 0);
    assert(memcmp(data + 36, parent, 2 * SRV_SPAN_ID) == 0);
    assert(memcmp(trace.trace_id, nothing.trace_id, SRV_TRACE_ID) != 0);
    return 0;
}
