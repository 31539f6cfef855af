/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SELECT_PARSE_H
#define INS_SELECT_PARSE_H

/*
 * The values of the options that select calls. Each adds one criterion and borrows its text; SL_USAGE
 * with what is wanted when it is none, SL_LIMIT past INS_SELECT_MAX.
 */
#include "inspector/select.h"

/* A glob over the path. */
SL_MUST_USE enum sl_status ins_select_add_method(struct ins_select *select, const char *text,
                                                 struct sl_error *reterr_error);
/* The name of a gRPC status in either case, its number, or "open". */
SL_MUST_USE enum sl_status ins_select_add_status(struct ins_select *select, const char *text,
                                                 struct sl_error *reterr_error);
/* "10.0.0.1", "10.0.0.0/8", "10.0.0.1:443", "fd00::1", "fd00::/8", "[fd00::1]:443", ":443". */
SL_MUST_USE enum sl_status ins_select_add_peer(struct ins_select *select, const char *text,
                                               struct sl_error *reterr_error);
/* "NAME" or "NAME=GLOB"; the name in either case. */
SL_MUST_USE enum sl_status ins_select_add_metadata(struct ins_select *select, const char *text,
                                                   struct sl_error *reterr_error);
/* "2026-01-02T03:04:05.5Z" or with +01:00, seconds since 1970 "1767322800.25", or "+1.5s" from the first
 * packet. */
SL_MUST_USE enum sl_status ins_select_parse_time(const char *text, struct ins_select_time *ret_time,
                                                 struct sl_error *reterr_error);
/* The number of a call. */
SL_MUST_USE enum sl_status ins_select_parse_call(const char *text, uint64_t *ret_call,
                                                 struct sl_error *reterr_error);

#endif
