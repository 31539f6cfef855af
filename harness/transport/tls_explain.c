/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/tls_explain.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* ---- the server's certificate ---- */

/* Printable ASCII as it is, all else as '?': it is the peer's. */
static void add_shown(char *text, size_t size, const unsigned char *bytes, size_t len)
{
    size_t at = strlen(text);
    for (size_t i = 0; i < len && at + 1 < size; i++) {
        text[at++] = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
    }
    text[at] = '\0';
}

static void add_text(char *text, size_t size, const char *more)
{
    size_t at = strlen(text);
    (void)snprintf(text + at, size - at, "%s", more);
}

static void add_address(char *text, size_t size, const ASN1_STRING *bytes)
{
    char address[INET6_ADDRSTRLEN] = "?";
    int family = ASN1_STRING_length(bytes) == sizeof(struct in_addr)    ? AF_INET
                 : ASN1_STRING_length(bytes) == sizeof(struct in6_addr) ? AF_INET6
                                                                        : AF_UNSPEC;
    if (family != AF_UNSPEC) {
        (void)inet_ntop(family, ASN1_STRING_get0_data(bytes), address, sizeof address);
    }
    add_text(text, size, address);
}

/* The names of the extension subjectAltName, which are those that count (RFC 9110 4.3.4). */
static void note_names(const X509 *cert, char text[HAR_TLS_NAMES_MAX])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type != GEN_DNS && type != GEN_IPADD) {
            continue;
        }
        add_text(text, HAR_TLS_NAMES_MAX, text[0] == '\0' ? "" : ", ");
        if (type == GEN_DNS) {
            add_shown(text, HAR_TLS_NAMES_MAX, ASN1_STRING_get0_data(value),
                      (size_t)ASN1_STRING_length(value));
        } else {
            add_address(text, HAR_TLS_NAMES_MAX, value);
        }
    }
    GENERAL_NAMES_free(names);
}

static void note_time(const ASN1_TIME *time, char *text, size_t size)
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(time, &tm) != 1 ||
        strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0) {
        (void)snprintf(text, size, "an unknown time");
    }
}

void har_tls_note_refusal(struct har_tls_refusal *refusal, X509_STORE_CTX *context)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(context);
    if (refusal->code != X509_V_OK) {
        return;
    }
    refusal->code = X509_STORE_CTX_get_error(context);
    if (cert != NULL) {
        note_names(cert, refusal->names);
        char issuer[HAR_TLS_NAMES_MAX];
        (void)X509_NAME_oneline(X509_get_issuer_name(cert), issuer, sizeof issuer);
        add_shown(refusal->issuer, sizeof refusal->issuer, (const unsigned char *)issuer,
                  strlen(issuer));
        note_time(X509_get0_notAfter(cert), refusal->until, sizeof refusal->until);
        note_time(X509_get0_notBefore(cert), refusal->from, sizeof refusal->from);
    }
}

enum sl_status har_tls_explain_refusal(const struct har_tls_refusal *refusal, const char *name,
                                       struct sl_error *reterr_error)
{
    static const char who[] = "the server's certificate";
    const char *why = X509_verify_cert_error_string(refusal->code);
    switch (refusal->code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "%s: %s on %s; it has to be renewed there", who, why, refusal->until);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "%s: %s, only from %s; is the clock of this machine right?", who, why,
                            refusal->from);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return sl_error_set(
            reterr_error, SL_UNSUPPORTED,
            "%s: %s: it is for %s and not for %.100s; --server-name NAME says which "
            "name it has to be for",
            who, why, refusal->names[0] == '\0' ? "no name" : refusal->names, name);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return sl_error_set(
            reterr_error, SL_UNSUPPORTED,
            "%s: %s: nobody who is trusted has signed it (the signer is %s); --ca FILE names "
            "another authority, or SSL_CERT_FILE for the system's",
            who, why, refusal->issuer);
    default:
        return sl_error_set(reterr_error, SL_UNSUPPORTED, "%s: %s", who, why);
    }
}

/* ---- what else may be wrong ---- */

/* The server has told us, by an alert, that it does not like our certificate, or that we have none. */
static enum sl_status explain_client(bool has_certificate, const char *text,
                                     struct sl_error *reterr)
{
    return has_certificate
               ? sl_error_set(
                     reterr, SL_UNSUPPORTED,
                     "the server refuses the client's certificate: %s; it has to trust the "
                     "signer of --cert",
                     text)
               : sl_error_set(
                     reterr, SL_UNSUPPORTED,
                     "the server wants a client's certificate: --cert FILE --key FILE (%s)", text);
}

enum sl_status har_tls_explain(unsigned long code, bool has_certificate, const char *text,
                               struct sl_error *reterr_error)
{
    switch (ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return explain_client(has_certificate, text, reterr_error);
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: /* TLS 1.2 has no other word for it */
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "the server ended the handshake (%s): it wants %s client's certificate "
                            "(--cert FILE --key FILE), or has no cipher in common",
                            text, has_certificate ? "another" : "a");
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "the server has no site of this name (%s); --server-name NAME says "
                            "which is meant",
                            text);
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
        return sl_error_set(
            reterr_error, SL_UNSUPPORTED,
            "the server does not take h2 by ALPN (%s): HTTP/2, which gRPC needs, is "
            "not turned on there",
            text);
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "the server has no TLS 1.2 or later, which HTTP/2 needs (%s)", text);
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "the server does not speak TLS on this port (%s): without --tls, --ca "
                            "and --cert it is met in plaintext",
                            text);
    default:
        return sl_error_set(reterr_error, SL_IO, "TLS: %s", text);
    }
}
