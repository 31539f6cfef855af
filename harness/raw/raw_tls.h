/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RAW_TLS_H
#define HAR_RAW_TLS_H

/* The TLS of a connection as a scenario writes it, right or wrong on purpose. */
#include "harness/engine/actor.h"
#include "harness/transport/tls.h"

/* Where the actor's TLS differs from the run's, config gets what it asks for; that is made once and is its link's. The play
 * is given up when this machine cannot, or the run has no such certificate. Nothing where there is no TLS. */
void har_raw_tls_use(struct har_actor *actor, struct har_conn_config *config);

#endif
