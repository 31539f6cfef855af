/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: fields of a status in forms that look right to most clients. */
#include <stdio.h>

#include "reference-server/frontend/h2/wire/deviation.h"

enum { TEXT_MAX = 512 };

/* The block with the status of an error. */
static bool is_error(const struct srv_wire_block *block)
{
    return block->is_end && srv_wire_find(block, "grpc-status") < block->count &&
           !srv_wire_has(block, "grpc-status", "0");
}

/* Puts text before the status, or behind it. */
static void change_status(struct srv_wire_block *block, const char *before, const char *behind)
{
    char text[TEXT_MAX];
    size_t at = srv_wire_find(block, "grpc-status");
    if (block->is_end && at < block->count && block->fields[at].value.len < TEXT_MAX / 2) {
        (void)snprintf(text, sizeof(text), "%s%.*s%s", before, SL_SPAN_ARG(block->fields[at].value),
                       behind);
        srv_wire_set(block, "grpc-status", text);
    }
}

static bool put(struct srv_wire *wire, const struct srv_wire_block *block)
{
    srv_wire_put_literal_block(wire, SRV_WIRE_OUT, block);
    return true;
}

SRV_WIRE_BLOCK_HOOK(status_signed)
{
    (void)wire;
    (void)stream;
    change_status(block, "+", "");
    return false;
}

SRV_WIRE_BLOCK_HOOK(status_spaced)
{
    (void)wire;
    (void)stream;
    change_status(block, "", " ");
    return false;
}

SRV_WIRE_BLOCK_HOOK(status_empty)
{
    (void)wire;
    (void)stream;
    if (is_error(block)) {
        srv_wire_set(block, "grpc-status", "");
    }
    return false;
}

/* Percent-encoded, of bytes that are ISO 8859-1. */
SRV_WIRE_BLOCK_HOOK(message_latin_1)
{
    (void)wire;
    (void)stream;
    if (is_error(block)) {
        srv_wire_set(block, "grpc-message", "Stra%DFe gesperrt");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(message_half_encoded)
{
    (void)wire;
    (void)stream;
    if (is_error(block)) {
        srv_wire_set(block, "grpc-message", "100% of the quota are used");
    }
    return false;
}

/* A client without grpc-accept-encoding learns nothing, and not even that it was the encoding. */
SRV_WIRE_BLOCK_HOOK(encoding_refused_silently)
{
    (void)wire;
    (void)stream;
    srv_wire_remove(block, "grpc-accept-encoding");
    if (is_error(block) && srv_wire_has(block, "grpc-status", "12")) {
        srv_wire_set(block, "grpc-message", "not here");
    }
    return false;
}

/* google.rpc.Status with a message and no code, which is OK. */
SRV_WIRE_BLOCK_HOOK(details_without_code)
{
    (void)wire;
    (void)stream;
    if (is_error(block)) {
        srv_wire_set(block, "grpc-status-details-bin", "EgFh");
    }
    return false;
}

SRV_WIRE_BLOCK_HOOK(details_url_alphabet)
{
    (void)wire;
    (void)stream;
    if (is_error(block)) {
        srv_wire_set(block, "grpc-status-details-bin", "CAMSA__-");
    }
    return false;
}

/* An error is an interim response that ends the stream. */
SRV_WIRE_BLOCK_HOOK(errors_are_interim)
{
    size_t at = srv_wire_find(block, ":status");
    (void)stream;
    if (!is_error(block) || at == block->count) {
        return false;
    }
    srv_wire_set(block, ":status", "103");
    return put(wire, block);
}

#define BLOCK(name) SRV_WIRE_DEVIATION(name, .block[SRV_WIRE_OUT] = (name))

static const struct srv_wire_deviation deviations[] = {
    BLOCK(status_signed),        BLOCK(status_spaced),        BLOCK(status_empty),
    BLOCK(message_latin_1),      BLOCK(message_half_encoded), BLOCK(encoding_refused_silently),
    BLOCK(details_without_code), BLOCK(details_url_alphabet), BLOCK(errors_are_interim),
};
const struct srv_wire_group srv_wire_group_status = {deviations,
                                                     sizeof(deviations) / sizeof(deviations[0])};
