/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/source.h"

#include "inspector/source/pcap.h"
#include "inspector/source/pcapng.h"

enum {
    MAGIC_SIZE = 4,
};

enum sl_status ins_source_new(struct ins_input *input, struct ins_source **ret_source,
                              struct sl_error *reterr_error)
{
    struct sl_span start = ins_input_view(input, MAGIC_SIZE);
    enum sl_status status = SL_OK;
    if (ins_pcap_is(start)) {
        status = ins_pcap_new(input, ret_source, reterr_error);
    } else if (ins_pcapng_is(start)) {
        *ret_source = ins_pcapng_new(input);
    } else if (ins_input_failure(input) != NULL) {
        status = sl_error_set(reterr_error, SL_IO, "cannot read: %s", ins_input_failure(input));
    } else if (start.len == 0) {
        status = sl_error_set(reterr_error, SL_MALFORMED, "is empty");
    } else {
        status = sl_error_set(reterr_error, SL_MALFORMED,
                              "is no pcap or pcapng capture (by its first bytes)");
    }
    if (status != SL_OK) {
        ins_input_free(input);
    }
    return status;
}

void ins_source_free(struct ins_source *source)
{
    if (source != NULL) {
        ins_input_free(source->input);
        source->ops->free(source);
    }
}

enum sl_status ins_source_next(struct ins_source *source, struct ins_packet *ret_packet,
                               struct ins_damage *ret_damage)
{
    return source->ops->next(source, ret_packet, ret_damage);
}

struct sl_span ins_source_secrets(const struct ins_source *source)
{
    return source->ops->secrets == NULL ? sl_span(NULL, 0) : source->ops->secrets(source);
}
