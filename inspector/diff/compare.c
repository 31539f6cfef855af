/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/diff/compare.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

enum {
    PATH_LEN_MAX = 1024,
    DEPTH_MAX = 200,
};

/* ---- pairs ---- */

/* One call under a key. */
struct keyed {
    uint64_t key;
    size_t at;
};

typedef uint64_t key_fn(const struct ins_digest_call *call);

static uint64_t by_id(const struct ins_digest_call *call)
{
    return call->id_hash;
}

static uint64_t by_contents(const struct ins_digest_call *call)
{
    return call->contents_hash;
}

static uint64_t by_request(const struct ins_digest_call *call)
{
    return call->request_hash;
}

static uint64_t by_method(const struct ins_digest_call *call)
{
    return call->method_hash;
}

static int compare_keyed(const void *left, const void *right)
{
    const struct keyed *a = left;
    const struct keyed *b = right;
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return a->at < b->at ? -1 : a->at > b->at;
}

/* The calls that are not paired yet and have a key, sorted. */
static struct keyed *sorted(const struct ins_digest *digest, key_fn *key, size_t *ret_count)
{
    struct keyed *all = sl_calloc(digest->count + 1, sizeof(all[0]));
    size_t count = 0;
    for (size_t i = 0; i < digest->count; i++) {
        uint64_t value = key(&digest->calls[i]);
        if (!digest->calls[i].is_paired && value != 0) {
            all[count++] = (struct keyed){.key = value, .at = i};
        }
    }
    qsort(all, count, sizeof(all[0]), compare_keyed);
    *ret_count = count;
    return all;
}

/* partners: by index in a. */
static void pair_by(struct ins_digest *a, struct ins_digest *b, key_fn *key,
                    const struct ins_digest_call **partners)
{
    size_t a_count = 0, b_count = 0;
    struct keyed *as = sorted(a, key, &a_count);
    struct keyed *bs = sorted(b, key, &b_count);
    for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
        if (as[i].key < bs[j].key) {
            i++;
        } else if (as[i].key > bs[j].key) {
            j++;
        } else {
            partners[as[i].at] = &b->calls[bs[j].at];
            a->calls[as[i++].at].is_paired = true;
            b->calls[bs[j++].at].is_paired = true;
        }
    }
    sl_free(as);
    sl_free(bs);
}

struct ins_pair *ins_compare_pair(struct ins_digest *a, struct ins_digest *b, size_t *ret_count)
{
    static key_fn *const keys[] = {by_id, by_contents, by_request, by_method};
    const struct ins_digest_call **partners = sl_calloc(a->count + 1, sizeof(const void *));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        pair_by(a, b, keys[i], partners);
    }
    struct ins_pair *pairs = sl_calloc(a->count + b->count + 1, sizeof(pairs[0]));
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        pairs[count++] = (struct ins_pair){.a = &a->calls[i], .b = partners[i]};
    }
    for (size_t i = 0; i < b->count; i++) {
        if (!b->calls[i].is_paired) {
            pairs[count++] = (struct ins_pair){.b = &b->calls[i]};
        }
    }
    sl_free(partners);
    *ret_count = count;
    return pairs;
}

/* ---- differences ---- */

struct differences {
    json_t *list;
    char path[PATH_LEN_MAX];
    bool is_cut;
};

static void note(struct differences *differences, json_t *a, json_t *b)
{
    if (json_array_size(differences->list) == INS_COMPARE_DIFFERENCES) {
        differences->is_cut = true;
        return;
    }
    json_t *one = json_object();
    (void)json_object_set_new_nocheck(one, "path", json_string(differences->path));
    if (a != NULL) {
        (void)json_object_set(one, "a", a);
    }
    if (b != NULL) {
        (void)json_object_set(one, "b", b);
    }
    (void)json_array_append_new(differences->list, one);
}

static void compare(struct differences *differences, json_t *a, json_t *b, unsigned depth);

static void compare_at(struct differences *differences, const char *step, json_t *a, json_t *b,
                       unsigned depth)
{
    size_t len = strlen(differences->path);
    (void)snprintf(differences->path + len, PATH_LEN_MAX - len, "%s", step);
    compare(differences, a, b, depth + 1);
    differences->path[len] = '\0';
}

static void compare_objects(struct differences *differences, json_t *a, json_t *b, unsigned depth)
{
    const char *key = NULL;
    json_t *value = NULL;
    char step[PATH_LEN_MAX];
    json_object_foreach (a, key, value) {
        (void)snprintf(step, sizeof(step), ".%s", key);
        compare_at(differences, step, value, json_object_get(b, key), depth);
    }
    json_object_foreach (b, key, value) {
        if (json_object_get(a, key) == NULL) {
            (void)snprintf(step, sizeof(step), ".%s", key);
            compare_at(differences, step, NULL, value, depth);
        }
    }
}

static void compare(struct differences *differences, json_t *a, json_t *b, unsigned depth)
{
    if (a != NULL && b != NULL && json_equal(a, b)) {
        return;
    }
    if (json_is_object(a) && json_is_object(b) && depth < DEPTH_MAX) {
        compare_objects(differences, a, b, depth);
    } else if (json_is_array(a) && json_is_array(b) && depth < DEPTH_MAX) {
        size_t count =
            json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b);
        for (size_t i = 0; i < count && !differences->is_cut; i++) {
            char step[32];
            (void)snprintf(step, sizeof(step), "[%zu]", i);
            compare_at(differences, step, json_array_get(a, i), json_array_get(b, i), depth);
        }
    } else {
        note(differences, a, b);
    }
}

json_t *ins_compare_differences(const struct ins_pair *pair, bool *ret_is_cut)
{
    struct differences differences = {.list = json_array(), .path = "$"};
    json_t *a = pair->a->text == NULL ? NULL : json_loads(pair->a->text, JSON_ALLOW_NUL, NULL);
    json_t *b = pair->b->text == NULL ? NULL : json_loads(pair->b->text, JSON_ALLOW_NUL, NULL);
    if (a != NULL && b != NULL) {
        compare(&differences, a, b, 0);
    } else {
        differences.is_cut = true;
    }
    json_decref(a);
    json_decref(b);
    *ret_is_cut = differences.is_cut;
    return differences.list;
}
