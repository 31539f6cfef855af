/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a ServerReflectionRequest that a client sends to the reference server. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/schema/pool.h"
#include "reference-server/services/reflection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct srv_misbehave none = {0};
    struct srv_reflection reflection;
    struct srv_pulled pulled;
    srv_reflection_init(&reflection, sl_pool_builtin_set(), &none);
    struct srv_stream *stream = srv_reflection_open(&reflection);
    struct srv_frame *frame = srv_frame_copy(sl_span(data, size));
    stream->ops->receive(stream, frame, 0);
    srv_frame_unref(frame);
    enum srv_pull pull = stream->ops->pull(stream, 0, &pulled);
    assert(pull == SRV_PULL_FRAME || pull == SRV_PULL_END);
    if (pull == SRV_PULL_FRAME) {
        srv_frame_unref(pulled.frame);
    }
    stream->ops->close(stream);
    return 0;
}
