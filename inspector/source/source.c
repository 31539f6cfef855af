/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/source.h"

#include <stdio.h>
#include <string.h>

#include "inspector/source/pcap.h"
#include "inspector/source/pcapng.h"
#include "inspector/source/unpack.h"

enum {
    MAGIC_SIZE = 4,
    LAYERS_MAX = 2, /* of compression: a .pcap.gz that was compressed once more */
};

/* What else the input may be, by its first bytes: what to do about it. */
static const char *advice_on(struct sl_span start)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *text;
    } kinds[] = {
        {"\xfd\x37zX", 4, "is compressed by xz: xzcat FILE | sluice-inspector -"},
        {"\x04\x22\x4d\x18", 4, "is compressed by lz4: lz4cat FILE | sluice-inspector -"},
        {"BZh", 3, "is compressed by bzip2: bzcat FILE | sluice-inspector -"},
        {"PK\3\4", 4, "is a zip archive: unzip -p FILE | sluice-inspector -"},
        {"\x7f"
         "ELF",
         4, "is a program, no capture"},
        {"{", 1,
         "is JSON, no capture: records and reports are read by jq, a capture is written by tcpdump "
         "-w FILE"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (start.len >= kinds[i].len && memcmp(start.data, kinds[i].magic, kinds[i].len) == 0) {
            return kinds[i].text;
        }
    }
    bool is_text = start.len > 0;
    for (size_t i = 0; i < start.len; i++) {
        is_text &= start.data[i] == '\n' || start.data[i] == '\r' || start.data[i] == '\t' ||
                   (start.data[i] >= 0x20 && start.data[i] < 0x7f);
    }
    return is_text ? "is no pcap or pcapng capture (by its first bytes): it is text; what tcpdump "
                     "prints cannot be read, what tcpdump -w FILE writes can"
                   : "is no pcap or pcapng capture (by its first bytes)";
}

/* What is compressed is read through its decompressor. Takes input, as that does. */
static struct ins_input *unpack(struct ins_input *input)
{
    for (int layer = 0; layer < LAYERS_MAX; layer++) {
        struct sl_span start = ins_input_view(input, MAGIC_SIZE);
        if (ins_gz_is(start)) {
            input = ins_gz_new(input);
        } else if (ins_zst_is(start)) {
            input = ins_zst_new(input);
        } else {
            break;
        }
    }
    return input;
}

enum sl_status ins_source_new(struct ins_input *input, struct ins_source **ret_source,
                              struct sl_error *reterr_error)
{
    input = unpack(input);
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
        status = sl_error_set(reterr_error, SL_MALFORMED, "%s", advice_on(start));
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

bool ins_source_resume(struct ins_input *input, struct ins_damage *ret_damage, bool *is_readable)
{
    const char *failure = ins_input_failure(input);
    if (failure == NULL) {
        return false;
    }
    char reason[sizeof(ret_damage->text)];
    (void)snprintf(reason, sizeof(reason), "%.128s", failure);
    bool is_resumed = ins_input_resume(input);
    if (*is_readable) {
        (void)snprintf(ret_damage->text, sizeof(ret_damage->text), "%s%.128s%s",
                       is_resumed ? "" : "cannot read further: ", reason,
                       is_resumed ? "; read on behind it" : "");
    }
    *is_readable = false;
    return is_resumed;
}
