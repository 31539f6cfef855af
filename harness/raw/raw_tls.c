/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/raw/raw_tls.h"

static enum sl_status choose_certificate(int certificate, struct har_tls_config *config,
                                         struct sl_error *reterr)
{
    static const enum har_tls_kit_file files[] = {
        [HAR_CERTIFICATE_EXPIRED] = HAR_TLS_KIT_EXPIRED,
        [HAR_CERTIFICATE_SERVER_ONLY] = HAR_TLS_KIT_SERVER_ONLY,
        [HAR_CERTIFICATE_OTHER_CA] = HAR_TLS_KIT_OTHER_CA,
    };
    if (certificate == HAR_CERTIFICATE_USUAL) {
        return SL_OK;
    }
    config->cert_file = config->key_file = NULL;
    if (certificate == HAR_CERTIFICATE_NONE) {
        return SL_OK;
    }
    if (config->kit == NULL) {
        return sl_error_set(reterr, SL_USAGE, "no certificates were made for this run");
    }
    config->cert_file = har_tls_kit_cert(config->kit, files[certificate]);
    config->key_file = har_tls_kit_key(config->kit, files[certificate]);
    return SL_OK;
}

static enum sl_status make(const struct har_actor_tls *spec, size_t record,
                           const struct har_tls *usual, struct har_tls **ret_tls,
                           struct sl_error *reterr)
{
    struct har_tls_config config = *har_tls_files(usual);
    config.alpn = spec->alpn;
    config.version = spec->version;
    config.ciphers = spec->ciphers;
    config.record = record;
    config.renegotiates = spec->renegotiates;
    if (spec->name != NULL) {
        config.server_name = spec->name;
        config.is_trusting = true;
    }
    enum sl_status status = choose_certificate(spec->certificate, &config, reterr);
    return status == SL_OK ? har_tls_new(&config, ret_tls, reterr) : status;
}

void har_raw_tls_use(struct har_actor *actor, struct har_conn_config *config)
{
    const struct har_actor_tls *spec = &actor->spec->tls;
    struct har_link *link = actor->link;
    struct sl_error error = {0};
    if (!spec->is_set || config->tls == NULL) {
        return;
    }
    size_t record =
        (size_t)har_play_value_in(actor->play, &spec->record, 0, 0, SL_H2_DEFAULT_MAX_FRAME);
    if (link->tls == NULL && make(spec, record, config->tls, &link->tls, &error) != SL_OK) {
        har_play_give_up(actor->play, NULL, "the TLS that the scenario asks for", error.text);
    }
    if (link->tls != NULL) {
        config->tls = link->tls;
    }
}
