/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/address.h"

#include <stdio.h>
#include <sys/un.h>

#include "harness/transport/addresses.h"
#include "lib/base/units.h"

enum {
    PATH_LEN_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
};

enum sl_status har_address_parse(const char *text, bool is_any_port,
                                 struct har_address *ret_address, struct sl_error *reterr_error)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (strstr(text, "://") != NULL) {
        const char *host = strstr(text, "://") + 3;
        bool is_tls = strncmp(text, "https", 5) == 0 || strncmp(text, "grpcs", 5) == 0;
        size_t len = strcspn(host, "/");
        bool has_port = memchr(host, ':', len) != NULL;
        return sl_error_set(reterr_error, SL_USAGE,
                            "wanted: HOST:PORT, without a scheme and without a path: %.*s%s%s",
                            (int)len, host,
                            has_port ? ""
                            : is_tls ? ":443"
                                     : ":50051",
                            is_tls ? " and --tls" : "");
    }
    if (colon == NULL || sl_units_u64(sl_span_str(colon + 1), &port) != SL_OK || port > 65535 ||
        (port == 0 && !is_any_port)) {
        return sl_error_set(reterr_error, SL_USAGE, "wanted: HOST:PORT, such as localhost:50051%s",
                            is_any_port ? "; port 0 is any free one" : "");
    }
    const char *host = text;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') { /* [::1]:50051 */
        host++;
        len -= 2;
    } else if (memchr(host, ':', len) != NULL) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "an IPv6 address stands in brackets: [::1]:50051");
    }
    if (len == 0 || len >= sizeof(ret_address->host)) {
        return sl_error_set(reterr_error, SL_USAGE, "wanted: HOST:PORT");
    }
    memcpy(ret_address->host, host, len);
    ret_address->host[len] = '\0';
    ret_address->port = (uint16_t)port;
    return SL_OK;
}

/* What follows prefix in text; NULL when it does not begin so. */
static const char *behind(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static enum sl_status parse_path(const char *path, struct har_address *ret_address,
                                 struct sl_error *reterr)
{
    if (behind(path, "//") != NULL) { /* unix:///PATH */
        path += 2;
    }
    if (path[0] == '\0' || strlen(path) > PATH_LEN_MAX) {
        return sl_error_set(reterr, SL_USAGE, "the path of a socket has 1 to %d bytes",
                            (int)PATH_LEN_MAX);
    }
    (void)snprintf(ret_address->host, sizeof(ret_address->host), HAR_UNIX_PREFIX "%s", path);
    ret_address->port = 0;
    return SL_OK;
}

enum sl_status har_address_parse_target(const char *text, struct har_address *ret_address,
                                        struct sl_error *reterr_error)
{
    static const char *const schemes[] = {"dns:///", "ipv4:", "ipv6:"};
    const char *path = behind(text, HAR_UNIX_PREFIX);
    if (path != NULL) {
        return parse_path(path, ret_address, reterr_error);
    }
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const char *rest = behind(text, schemes[i]);
        if (rest != NULL) {
            return har_address_parse(rest, false, ret_address, reterr_error);
        }
    }
    if (behind(text, "dns://") != NULL) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "the system's resolver is asked: dns:///HOST:PORT");
    }
    const char *rest = behind(text, "dns:"); /* "dns:443" is a host of that name */
    bool has_scheme = rest != NULL && strchr(rest, ':') != NULL;
    return har_address_parse(has_scheme ? rest : text, false, ret_address, reterr_error);
}
