/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/otlp_post.h"

#include <curl/curl.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "reference-server/telemetry/otlp.h"

enum {
    REPLY_MAX = 64 * 1024, /* bytes of a collector's answer, which nobody reads */
    HTTP_OK_FIRST = 200,
    HTTP_OK_LAST = 299,
    HTTP_TOO_MANY_REQUESTS = 429,
    HTTP_BAD_GATEWAY = 502,
    HTTP_UNAVAILABLE = 503,
    HTTP_GATEWAY_TIMEOUT = 504,
};

struct srv_otlp_post {
    CURL *curl;
    struct curl_slist *headers;
    uint64_t (*deadline_ns)(void *context);
    void *context;
    size_t reply_len;
};

/* url with the path of OTLP unless it has one; NULL when it is none of ours. Yours to curl_free. */
static char *full_url(const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    char *path = NULL;
    char *whole = NULL;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
        curl_url_get(parts, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
        if (strcmp(path, "/") == 0) {
            (void)curl_url_set(parts, CURLUPART_PATH, "/v1/traces", 0);
        }
        (void)curl_url_get(parts, CURLUPART_URL, &whole, 0);
    }
    curl_free(scheme);
    curl_free(path);
    curl_url_cleanup(parts);
    return whole;
}

static size_t swallow(char *bytes, size_t size, size_t count, void *context)
{
    struct srv_otlp_post *post = context;
    (void)bytes;
    post->reply_len += size * count;
    return post->reply_len > REPLY_MAX ? 0 : size * count;
}

static int is_over(void *context, curl_off_t to_come, curl_off_t came, curl_off_t to_go,
                   curl_off_t went)
{
    const struct srv_otlp_post *post = context;
    (void)to_come;
    (void)came;
    (void)to_go;
    (void)went;
    return sl_clock_mono_ns() >= post->deadline_ns(post->context);
}

struct srv_otlp_post *srv_otlp_post_new(const char *url, struct sl_error *reterr_error)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    char *whole = full_url(url);
    if (whole == NULL) {
        curl_global_cleanup();
        (void)sl_error_set(reterr_error, SL_USAGE,
                           "--otlp: want a URL such as http://localhost:4318");
        return NULL;
    }
    struct srv_otlp_post *post = sl_alloc(sizeof(*post));
    post->curl = curl_easy_init();
    post->headers = curl_slist_append(NULL, "Content-Type: application/json");
    post->headers = curl_slist_append(post->headers, "Expect:");
    (void)curl_easy_setopt(post->curl, CURLOPT_URL, whole);
    (void)curl_easy_setopt(post->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(post->curl, CURLOPT_HTTPHEADER, post->headers);
    (void)curl_easy_setopt(post->curl, CURLOPT_USERAGENT, "sluice-server/" SL_VERSION);
    (void)curl_easy_setopt(post->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(post->curl, CURLOPT_WRITEFUNCTION, swallow);
    (void)curl_easy_setopt(post->curl, CURLOPT_WRITEDATA, post);
    (void)curl_easy_setopt(post->curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(post->curl, CURLOPT_XFERINFOFUNCTION, is_over);
    (void)curl_easy_setopt(post->curl, CURLOPT_XFERINFODATA, post);
    curl_free(whole);
    return post;
}

void srv_otlp_post_free(struct srv_otlp_post *post)
{
    curl_slist_free_all(post->headers);
    curl_easy_cleanup(post->curl);
    curl_global_cleanup();
    sl_free(post);
}

static enum srv_posted judge(long http_status)
{
    if (http_status >= HTTP_OK_FIRST && http_status <= HTTP_OK_LAST) {
        return SRV_POSTED_OK;
    }
    switch (http_status) {
    case HTTP_TOO_MANY_REQUESTS:
    case HTTP_BAD_GATEWAY:
    case HTTP_UNAVAILABLE:
    case HTTP_GATEWAY_TIMEOUT:
        return SRV_POSTED_LATER;
    default:
        return SRV_POSTED_NEVER;
    }
}

void srv_otlp_post_send(struct srv_otlp_post *post, struct sl_span json,
                        uint64_t (*deadline_ns)(void *context), void *context,
                        struct srv_post_result *ret_result)
{
    uint64_t end_ns = deadline_ns(context);
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t left_ms = end_ns > now_ns ? (end_ns - now_ns) / SL_MS : 0;
    *ret_result = (struct srv_post_result){.what = SRV_POSTED_LATER};
    post->deadline_ns = deadline_ns;
    post->context = context;
    post->reply_len = 0;
    (void)curl_easy_setopt(post->curl, CURLOPT_TIMEOUT_MS, (long)left_ms + 1);
    (void)curl_easy_setopt(post->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)json.len);
    (void)curl_easy_setopt(post->curl, CURLOPT_POSTFIELDS, (const char *)json.data);
    CURLcode code = curl_easy_perform(post->curl);
    if (code != CURLE_OK) {
        (void)snprintf(ret_result->why, sizeof(ret_result->why), "%s", curl_easy_strerror(code));
        return;
    }
    long http_status = 0;
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &http_status);
    (void)curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    ret_result->what = judge(http_status);
    ret_result->retry_after_s = retry_after_s > 0 ? (uint64_t)retry_after_s : 0;
    (void)snprintf(ret_result->why, sizeof(ret_result->why), "HTTP %ld", http_status);
}
