/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys open a record: looked up, derived, tried. */
#include "inspector/tls/conn.h"

#include <openssl/crypto.h>

#include "inspector/tls/schedule.h"

enum {
    TRY_BYTES = 2 * 1024 * 1024, /* tried on one record at most */
    TRY_MIN = 4,                 /* numbers, whatever its size */
    WASTE_FACTOR = 16,           /* bytes tried in vain for each that opened */
};

/* Keys that may be the side's next. */
struct candidate {
    enum ins_tls_epoch epoch;
    struct ins_tls_protect *protect;
    uint8_t secret[INS_KEYS_SECRET];
};

static bool is_13(const struct ins_tls *tls)
{
    return tls->server_hello.version == INS_TLS_VERSION_13;
}

/* --- looking up --- */

/* The secret of TLS 1.3, when the key log has one that fits the suite. */
static struct sl_span secret_of(const struct ins_tls *tls, int side, enum ins_tls_epoch epoch)
{
    static const enum ins_secret kinds[][2] = {
        [INS_TLS_EARLY] = {INS_SECRET_CLIENT_EARLY, INS_SECRET_CLIENT_EARLY},
        [INS_TLS_SHAKING] = {INS_SECRET_SERVER_HANDSHAKE, INS_SECRET_CLIENT_HANDSHAKE},
        [INS_TLS_TRAFFIC] = {INS_SECRET_SERVER_TRAFFIC, INS_SECRET_CLIENT_TRAFFIC},
    };
    bool is_client = side == tls->client;
    struct sl_span secret =
        ins_keys_find(tls->all->keys, kinds[epoch][is_client],
                      sl_span(tls->client_hello.random, sizeof(tls->client_hello.random)));
    return secret.len == ins_tls_secret_size(tls->suite) ? secret : sl_span(NULL, 0);
}

/* The master secret of TLS 1.2: of the key log, or of the session that is resumed. */
static struct sl_span master_of(const struct ins_tls *tls)
{
    struct ins_keys *keys = tls->all->keys;
    const struct ins_tls_client_hello *hello = &tls->client_hello;
    const struct ins_tls_session_id *session = &tls->server_hello.session;
    struct sl_span master =
        ins_keys_find(keys, INS_SECRET_MASTER, sl_span(hello->random, sizeof(hello->random)));
    if (master.len > 0 || session->len == 0 || session->len != hello->session.len ||
        memcmp(session->bytes, hello->session.bytes, session->len) != 0) {
        return master;
    }
    master = ins_keys_find(keys, INS_SECRET_SESSION_ID, sl_span(session->bytes, session->len));
    if (master.len == 0 && hello->has_ticket) {
        master =
            ins_keys_find(keys, INS_SECRET_TICKET, sl_span(hello->ticket, sizeof(hello->ticket)));
    }
    return master;
}

void ins_tls_remember(struct ins_tls *tls)
{
    struct ins_keys *keys = tls->all->keys;
    const struct ins_tls_session_id *session = &tls->server_hello.session;
    struct sl_span found = master_of(tls);
    if (is_13(tls) || found.len == 0) {
        return;
    }
    uint8_t master[INS_KEYS_SECRET];
    memcpy(master, found.data, found.len);
    struct sl_span kept = sl_span(master, found.len);
    if (session->len > 0) {
        (void)ins_keys_add(keys, INS_SECRET_SESSION_ID, sl_span(session->bytes, session->len),
                           kept);
    }
    if (tls->has_ticket) {
        (void)ins_keys_add(keys, INS_SECRET_TICKET, sl_span(tls->ticket, sizeof(tls->ticket)),
                           kept);
    }
    OPENSSL_cleanse(master, sizeof(master));
}

/* --- making --- */

/* False when there are no keys for it. */
static bool make(struct ins_tls *tls, int side, enum ins_tls_epoch epoch,
                 struct candidate *ret_candidate)
{
    *ret_candidate = (struct candidate){.epoch = is_13(tls) ? epoch : INS_TLS_TRAFFIC};
    if (!is_13(tls)) {
        struct sl_span master = master_of(tls);
        if (master.len == 0) {
            return false;
        }
        ret_candidate->protect = ins_tls_protect_new_12(
            tls->suite, tls->server_hello.is_encrypt_then_mac, side == tls->client, master,
            tls->client_hello.random, tls->server_hello.random);
        ins_tls_remember(tls);
    } else {
        struct sl_span secret = secret_of(tls, side, epoch);
        if (secret.len == 0) {
            return false;
        }
        memcpy(ret_candidate->secret, secret.data, secret.len);
        ret_candidate->protect = ins_tls_protect_new_13(tls->suite, secret);
    }
    return ret_candidate->protect != NULL;
}

/* RFC 8446 7.2: the keys after those of the side. */
static bool make_updated(const struct ins_tls *tls, int side, struct candidate *ret_candidate)
{
    size_t size = ins_tls_secret_size(tls->suite);
    *ret_candidate = (struct candidate){.epoch = INS_TLS_TRAFFIC};
    if (!ins_tls_expand(tls->suite->hash, sl_span(tls->sides[side].secret, size), "traffic upd",
                        ret_candidate->secret, size)) {
        return false;
    }
    ret_candidate->protect =
        ins_tls_protect_new_13(tls->suite, sl_span(ret_candidate->secret, size));
    return ret_candidate->protect != NULL;
}

static void adopt(struct ins_tls *tls, int side, const struct candidate *candidate)
{
    struct ins_tls_side *from = &tls->sides[side];
    if (!tls->is_counted_open) {
        tls->is_counted_open = true;
        tls->all->open++;
    }
    ins_tls_protect_free(from->protect);
    from->protect = candidate->protect;
    from->epoch = candidate->epoch;
    from->sequence = 0;
    memcpy(from->secret, candidate->secret, sizeof(from->secret));
}

void ins_tls_enter(struct ins_tls *tls, int side, enum ins_tls_epoch epoch)
{
    struct ins_tls_side *from = &tls->sides[side];
    ins_tls_protect_free(from->protect);
    from->protect = NULL;
    from->epoch = epoch;
    from->sequence = 0;
}

void ins_tls_update(struct ins_tls *tls, int side)
{
    struct candidate next;
    if (tls->sides[side].protect != NULL && make_updated(tls, side, &next)) {
        adopt(tls, side, &next);
    }
}

/* --- choosing --- */

/* Whether the side's early data is known to be accepted or not, or will never be. */
static bool is_early_settled(const struct ins_tls *tls, int side)
{
    return tls->early != INS_TLS_EARLY_UNKNOWN || tls->is_final ||
           tls->sides[1 - side].epoch == INS_TLS_TRAFFIC || tls->sides[1 - side].is_lost;
}

/*
 * Makes the keys of the side's epoch. Where they are not known but those of the next epoch are, goes on there: its
 * records are told by being opened.
 */
static enum ins_tls_opening prepare(struct ins_tls *tls, int side, const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    struct candidate made;
    if (from->epoch == INS_TLS_EARLY) {
        if (!is_early_settled(tls, side)) {
            return INS_TLS_OPENS_LATER;
        }
        bool is_rejected = tls->early == INS_TLS_EARLY_REJECTED;
        if (is_rejected || secret_of(tls, side, INS_TLS_EARLY).len == 0) {
            if (!is_rejected && !tls->is_final && secret_of(tls, side, INS_TLS_SHAKING).len == 0) {
                return INS_TLS_OPENS_LATER;
            }
            /* what the server rejected it never read; the rest is missing */
            if (!is_rejected) {
                from->is_gap_certain = true;
                ins_tls_note_gap(from, at);
            }
            from->is_trying = true;
            ins_tls_enter(tls, side, INS_TLS_SHAKING);
        }
    }
    if (from->epoch == INS_TLS_SHAKING && secret_of(tls, side, INS_TLS_SHAKING).len == 0) {
        if (!tls->is_final && secret_of(tls, side, INS_TLS_TRAFFIC).len == 0) {
            return INS_TLS_OPENS_LATER;
        }
        from->is_trying = true;
        ins_tls_enter(tls, side, INS_TLS_TRAFFIC);
    }
    if (tls->all->open >= INS_TLS_CONNECTIONS && !tls->is_counted_open) {
        ins_tls_give_up(tls, INS_TLS_LIMIT);
        return INS_TLS_NOT_OPENED;
    }
    if (make(tls, side, from->epoch, &made)) {
        adopt(tls, side, &made);
        return INS_TLS_OPENED;
    }
    if (!tls->is_final) {
        return INS_TLS_OPENS_LATER;
    }
    ins_tls_lose_side(tls, side, INS_TLS_NO_KEYS);
    return INS_TLS_NOT_OPENED;
}

/* Tries the numbers from first on. */
static bool try_numbers(struct ins_tls *tls, struct ins_tls_side *from,
                        struct ins_tls_protect *protect, uint64_t first,
                        const struct ins_tls_record *record, uint64_t *ret_number,
                        struct sl_span *ret_plain, uint8_t *ret_type)
{
    uint64_t count = 1 + from->slack;
    uint64_t affordable = TRY_BYTES / (record->fragment.len + 1);
    affordable = affordable < TRY_MIN ? TRY_MIN : affordable;
    count = count < affordable ? count : affordable;
    for (uint64_t i = 0; i < count; i++) {
        if (ins_tls_protect_open(protect, first + i, record->header, record->fragment,
                                 tls->all->plain, ret_plain, ret_type)) {
            *ret_number = first + i;
            return true;
        }
        from->wasted += record->fragment.len + 1;
    }
    return false;
}

/* The keys that follow the side's own. */
static bool make_next(struct ins_tls *tls, int side, struct candidate *ret_candidate)
{
    const struct ins_tls_side *from = &tls->sides[side];
    if (!is_13(tls)) {
        return false;
    }
    if (from->epoch == INS_TLS_TRAFFIC) {
        return make_updated(tls, side, ret_candidate);
    }
    return (from->epoch == INS_TLS_EARLY && make(tls, side, INS_TLS_SHAKING, ret_candidate)) ||
           make(tls, side, INS_TLS_TRAFFIC, ret_candidate);
}

/* Whether data was lost between the record that was expected and the one that opened, number of its keys. */
static bool is_data_lost(const struct ins_tls *tls, int side, enum ins_tls_epoch before,
                         uint64_t expected, uint64_t number)
{
    if (before == INS_TLS_EARLY) {
        return true;
    }
    if (tls->sides[side].epoch != INS_TLS_TRAFFIC) {
        return false;
    }
    if (!is_13(tls) && expected == 0) {
        return number > 1; /* the first one is Finished */
    }
    return before == INS_TLS_TRAFFIC ? number != expected : number > 0;
}

enum ins_tls_opening ins_tls_open(struct ins_tls *tls, int side,
                                  const struct ins_tls_record *record, const struct sl_at *at,
                                  struct sl_span *ret_plain, uint8_t *ret_type)
{
    struct ins_tls_side *from = &tls->sides[side];
    if (from->protect == NULL) {
        enum ins_tls_opening prepared = prepare(tls, side, at);
        if (prepared != INS_TLS_OPENED) {
            return prepared;
        }
    }
    enum ins_tls_epoch before = from->epoch;
    uint64_t expected = from->sequence;
    uint64_t number = 0;
    bool is_open =
        try_numbers(tls, from, from->protect, expected, record, &number, ret_plain, ret_type);
    bool may_have_moved =
        from->slack > 0 || from->is_trying || from->is_deaf || from->epoch == INS_TLS_EARLY;
    if (!is_open && may_have_moved) {
        struct candidate next;
        if (make_next(tls, side, &next)) {
            is_open = try_numbers(tls, from, next.protect, 0, record, &number, ret_plain, ret_type);
            if (is_open) {
                adopt(tls, side, &next);
                expected = UINT64_MAX; /* of the old keys: something was lost */
            } else {
                ins_tls_protect_free(next.protect);
            }
        }
    }
    if (!is_open) {
        bool is_hopeless =
            from->wasted / WASTE_FACTOR > from->opened && from->wasted > INS_TLS_WASTE;
        if (is_hopeless) {
            ins_tls_lose_side(tls, side, INS_TLS_DAMAGED);
        }
        return INS_TLS_NOT_OPENED;
    }
    from->has_gap = from->has_gap &&
                    (from->is_gap_certain || is_data_lost(tls, side, before, expected, number));
    from->sequence = number + 1;
    from->slack = 0;
    from->is_trying = false;
    from->is_deaf = from->is_deaf && from->epoch != INS_TLS_TRAFFIC;
    from->opened += record->fragment.len;
    return INS_TLS_OPENED;
}
