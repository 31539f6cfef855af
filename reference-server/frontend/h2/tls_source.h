/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TLS_SOURCE_H
#define SRV_TLS_SOURCE_H

/*
 * Where the h2 front end gets TLS for a new connection: by the certificates that were read last.
 *
 * Threads: any. A reload reads and judges the files in the thread that asks for it; the loop waits for a pointer at most.
 */
#include "reference-server/frontend/h2/tls.h"
#include "reference-server/frontend/h2/tls_context.h"
#include "reference-server/misbehave.h"

struct srv_tls_source;

/* The names of the files, and wrong (NULL: nothing is), must outlive it. NULL with an error naming the file that cannot be used. */
struct srv_tls_source *srv_tls_source_new(const struct srv_tls_files *files,
                                          struct srv_keylog *keylog,
                                          const struct srv_misbehave *wrong,
                                          struct sl_error *reterr_error);

/* NULL is fine. Connections keep what they need. */
void srv_tls_source_free(struct srv_tls_source *source);

/* TLS for a connection that was just accepted; yours to free. */
struct srv_tls *srv_tls_source_accept(struct srv_tls_source *source);

/* OPS-04: reads the files again. On an error, which names the file, those in use stay. */
SL_MUST_USE enum sl_status srv_tls_source_reload(struct srv_tls_source *source,
                                                 struct sl_error *reterr_error);

#endif
