/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_OTLP_POST_H
#define SRV_OTLP_POST_H

/* One POST of JSON at a time, over one kept connection (libcurl). Threads: one at a time. */
#include <stdbool.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

enum srv_posted {
    SRV_POSTED_OK,
    SRV_POSTED_LATER, /* worth another attempt */
    SRV_POSTED_NEVER, /* the collector refuses this */
};

struct srv_post_result {
    enum srv_posted what;
    uint64_t retry_after_s; /* 0: the collector does not say */
    char why[128];          /* for the log */
};

struct srv_otlp_post;

/* SL_USAGE for a url that is not http or https. Call once for the process, before threads start. */
struct srv_otlp_post *srv_otlp_post_new(const char *url, struct sl_error *reterr_error);
void srv_otlp_post_free(struct srv_otlp_post *post);

/* Takes until *deadline_ns (monotonic) at most; asked again and again for it, from this thread. */
void srv_otlp_post_send(struct srv_otlp_post *post, struct sl_span json,
                        uint64_t (*deadline_ns)(void *context), void *context,
                        struct srv_post_result *ret_result);

#endif
