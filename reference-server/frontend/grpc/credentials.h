/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CREDENTIALS_H
#define SRV_CREDENTIALS_H

/*
 * The certificates of the front end on the C core, which asks for them before each handshake: so what a reload read is
 * what the next connection gets, and those that are open go on.
 *
 * Threads: any.
 */
#include <grpc/grpc.h>

#include "reference-server/frontend/frontend.h"

struct srv_credentials;

/* Reads the files that config names, whose names must outlive it; without any there is no TLS. NULL with an error
 * naming the file that cannot be used. */
struct srv_credentials *srv_credentials_new(const struct srv_frontend_config *config,
                                            struct sl_error *reterr_error);

/* After the server was destroyed. NULL is fine. */
void srv_credentials_free(struct srv_credentials *credentials);

/* For the C core, which asks credentials as long as its server lives. Yours to release. */
grpc_server_credentials *srv_credentials_give(struct srv_credentials *credentials);

/* Reads the files again. On an error what is in use stays. */
SL_MUST_USE enum sl_status srv_credentials_reload(struct srv_credentials *credentials,
                                                  struct sl_error *reterr_error);

#endif
