/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_WIRE_LEDGER_H
#define SRV_WIRE_LEDGER_H

/*
 * Flow control towards the client, kept by the filter where a deviation wants to keep it wrongly (RFC 9113 5.2, 6.9).
 *
 * The session believes all windows to be wide open; its DATA waits here, in each stream's order, with what
 * comes behind it. Without a deviation the client sees correct flow control. Limit: SRV_WIRE_WAITING_MAX bytes wait; a
 * session that gives more has its DATA dropped, which no wrong server of ours comes near.
 */
#include "reference-server/frontend/h2/wire/deviation.h"

enum {
    SRV_WIRE_WAITING_MAX = 256 * 1024 * 1024,
};

struct srv_wire_ledger *srv_wire_ledger_new(void);
void srv_wire_ledger_free(struct srv_wire_ledger *ledger);
/* A stream's window is what SETTINGS say now. wire->ledger may be NULL. */
void srv_wire_ledger_begin(struct srv_wire *wire, struct srv_wire_stream *stream);
/* Frees what waits. */
/* True when DATA waits for a window. */
bool srv_wire_ledger_waits(const struct srv_wire *wire);
void srv_wire_ledger_drop(struct srv_wire *wire, struct srv_wire_stream *stream);
/* Shown every frame that no deviation took; true: it is dealt with. */
bool srv_wire_ledger_take(struct srv_wire *wire, enum srv_wire_dir dir,
                          struct srv_wire_stream *stream, const struct srv_wire_frame *frame);
/* Writes what waits to the client as far as the windows let it. ledger may be NULL. */
void srv_wire_ledger_send(struct srv_wire *wire);

#endif
