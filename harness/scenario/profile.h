/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROFILE_H
#define HAR_PROFILE_H

/*
 * What a target declares: capabilities, and the numbers of its promises.
 *
 * A profile may extend another: capabilities are added, values replaced.
 */
#include "harness/scenario/fields.h"

enum har_drop_policy {
    HAR_DROP_NEWEST,
    HAR_DROP_OLDEST,
};

enum {
    HAR_CAPABILITIES_MAX = 64,
    HAR_VALUES_MAX = 16,
    HAR_PROFILE_BYTES_MAX = 256 * 1024,
};

struct har_profile {
    char name[64];
    bool has[HAR_CAPABILITIES_MAX]; /* by index of the list of capabilities */
    double values[HAR_VALUES_MAX];  /* by index of har_value_names */
    bool is_set[HAR_VALUES_MAX];
    enum har_drop_policy drop_policy;
    bool has_drop_policy; /* it was said */
    char drain[16];       /* the signal that drains it; "": not said, which means SIGTERM */
};

bool har_capability_is_known(const char *name);
/* Capabilities that the run settles: it meets the target by TLS; with a certificate of a client that the target asks for;
 * with certificates that it has made (tls_kit.h). */
#define HAR_NEED_TLS               "tls"
#define HAR_NEED_MTLS              "mtls"
#define HAR_NEED_MADE_CERTIFICATES "made_certificates"
/* Of the needs of a scenario the one that the run meets, not the target: a client to be judged (--client). */
#define HAR_NEED_CLIENT "client"
/* What a scenario may need: a capability, a value, or a client. */
bool har_need_is_known(const char *name);
/* A need of the target: a capability, or a value. */
bool har_profile_meets(const struct har_profile *profile, const char *need);
const char *har_capability_nearest(const char *name); /* NULL: nothing is near */
bool har_profile_has(const struct har_profile *profile, const char *capability);
/* Of what the run knows better than a file: how the target is met. */
void har_profile_set(struct har_profile *profile, const char *capability, bool is_declared);
/* False when the profile says nothing about it. */
bool har_profile_value(const struct har_profile *profile, struct sl_span name, double *ret_value);

/* name_or_file: "seed" is looked up in folder; anything with a '/' or ending in .json is a file. */
SL_MUST_USE enum sl_status har_profile_load(const char *name_or_file, const char *folder,
                                            struct har_profile *ret_profile,
                                            struct sl_error *reterr_error);

#endif
