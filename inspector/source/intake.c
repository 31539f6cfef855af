/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/intake.h"

void ins_intake_free(struct ins_intake *intake)
{
    if (intake != NULL) {
        intake->ops->free(intake);
    }
}

bool ins_intake_next(struct ins_intake *intake, struct ins_packet *ret_packet)
{
    return intake->ops->next(intake, ret_packet);
}

const char *ins_intake_unread(const struct ins_intake *intake)
{
    return intake->ops->unread == NULL ? NULL : intake->ops->unread(intake);
}

uint64_t ins_intake_dropped(const struct ins_intake *intake)
{
    return intake->ops->dropped == NULL ? 0 : intake->ops->dropped(intake);
}

uint64_t ins_intake_captures(const struct ins_intake *intake)
{
    return intake->ops->captures(intake);
}

void ins_intake_note(const struct ins_intake *intake, const char *name, const char *text)
{
    if (intake->handler->note != NULL) {
        intake->handler->note(intake->handler->owner, name, text);
    }
}

void ins_intake_idle(const struct ins_intake *intake)
{
    if (intake->handler->idle != NULL) {
        intake->handler->idle(intake->handler->owner);
    }
}

bool ins_intake_advance(const struct ins_intake *intake, const char *name,
                        struct ins_source *source, struct ins_packet *ret_packet,
                        size_t *secrets_len, bool *is_damaged)
{
    const struct ins_intake_handler *handler = intake->handler;
    for (;;) {
        struct ins_damage damage;
        enum sl_status status = ins_source_next(source, ret_packet, &damage);
        struct sl_span secrets = ins_source_secrets(source);
        if (secrets.len > *secrets_len && handler->secrets != NULL) {
            handler->secrets(handler->owner, sl_span_from(secrets, *secrets_len));
        }
        *secrets_len = secrets.len;
        if (status != SL_MALFORMED) {
            return status == SL_OK;
        }
        *is_damaged = true;
        handler->damage(handler->owner, name, &damage);
    }
}
