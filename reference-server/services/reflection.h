/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_REFLECTION_H
#define SRV_REFLECTION_H

/*
 * grpc.reflection.v1.ServerReflection (OPS-02; doc/server-reflection.md of gRPC): the services of this server
 * and the files of their descriptors, one answer for each request, in order. v1alpha has the same messages
 * under another package name, so that one implementation serves both.
 *
 * A file comes with all that it imports, whatever was sent before. What is not known is an error_response
 * NOT_FOUND, and the stream goes on. One answer waits at most: a client that does not read is stopped by its
 * own credit. A request of more than 16384 bytes ends the stream with RESOURCE_EXHAUSTED.
 */
#include "reference-server/chat/stream.h"
#include "reference-server/misbehave.h"
#include "reference-server/services/descriptors.h"

struct srv_reflection {
    struct srv_descriptors files;
    const struct srv_misbehave *misbehave;
};

/* serialised: a FileDescriptorSet, borrowed for as long as reflection lives. */
void srv_reflection_init(struct srv_reflection *reflection, struct sl_span serialised,
                         const struct srv_misbehave *misbehave);

/* ServerReflectionInfo. */
struct srv_stream *srv_reflection_open(struct srv_reflection *reflection);

#endif
