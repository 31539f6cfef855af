/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/totals.h"

#include <inttypes.h>
#include <stdio.h>

/* IANA "TLS Alerts" */
static const char *const names[] = {
    [0] = "close_notify",
    [10] = "unexpected_message",
    [20] = "bad_record_mac",
    [21] = "decryption_failed",
    [22] = "record_overflow",
    [30] = "decompression_failure",
    [40] = "handshake_failure",
    [41] = "no_certificate",
    [42] = "bad_certificate",
    [43] = "unsupported_certificate",
    [44] = "certificate_revoked",
    [45] = "certificate_expired",
    [46] = "certificate_unknown",
    [47] = "illegal_parameter",
    [48] = "unknown_ca",
    [49] = "access_denied",
    [50] = "decode_error",
    [51] = "decrypt_error",
    [60] = "export_restriction",
    [70] = "protocol_version",
    [71] = "insufficient_security",
    [80] = "internal_error",
    [86] = "inappropriate_fallback",
    [90] = "user_canceled",
    [100] = "no_renegotiation",
    [109] = "missing_extension",
    [110] = "unsupported_extension",
    [111] = "certificate_unobtainable",
    [112] = "unrecognized_name",
    [113] = "bad_certificate_status_response",
    [114] = "bad_certificate_hash_value",
    [115] = "unknown_psk_identity",
    [116] = "certificate_required",
    [120] = "no_application_protocol",
};

const char *ins_tls_alert_name(uint8_t description)
{
    return description < sizeof(names) / sizeof(names[0]) ? names[description] : NULL;
}

const char *ins_tls_outcome_text(enum ins_tls_outcome outcome)
{
    static const char *const texts[] = {
#define X(name, key, text) [INS_TLS_##name] = (text),
        INS_TLS_OUTCOMES(X)
#undef X
    };
    return texts[outcome];
}

static void write_alerts(const struct ins_tls_totals *totals, struct sl_json_out *out)
{
    sl_json_out_key(out, "alerts");
    sl_json_out_begin_object(out);
    for (unsigned i = 0; i < sizeof(totals->alerts) / sizeof(totals->alerts[0]); i++) {
        if (totals->alerts[i] > 0) {
            const char *name = ins_tls_alert_name((uint8_t)i);
            char number[16];
            (void)snprintf(number, sizeof(number), "%u", i);
            sl_json_out_key_u64(out, name == NULL ? number : name, totals->alerts[i]);
        }
    }
    sl_json_out_end_object(out);
}

void ins_tls_totals_write(const struct ins_tls_totals *totals, struct sl_json_out *out)
{
    static const char *const keys[] = {
#define X(name, key, text) [INS_TLS_##name] = (key),
        INS_TLS_OUTCOMES(X)
#undef X
    };
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "connections", totals->connections);
    for (int i = 0; i < INS_TLS_OUTCOME_COUNT; i++) {
        sl_json_out_key_u64(out, keys[i], totals->outcomes[i]);
    }
    sl_json_out_key_u64(out, "records", totals->records);
    sl_json_out_key_u64(out, "records_skipped", totals->records_skipped);
    sl_json_out_key_u64(out, "bytes_skipped", totals->bytes_skipped);
    write_alerts(totals, out);
    sl_json_out_end_object(out);
}
