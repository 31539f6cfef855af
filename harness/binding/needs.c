/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/binding/needs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/checks/check.h"
#include "harness/rules/rules.h"
#include "harness/scenario/names.h"
#include "harness/steps/step.h"
#include "lib/wire/rule.h"

enum {
    PREFIX_DIGITS = 10, /* of a message, in hex */
    PREFIX_BYTES = 5,
    PART_ALL = 65536, /* the usual end of a part: all of the body */
    NESTING_MAX = 64,
};

#define CHAT_PATH   "/chat.v1."
#define CHAT_IN_HEX "636861742e7631" /* a header block that spells chat.v1 */

static const char *const words[] = {
#define X(name, word, text) word,
    HAR_BOUND_NEEDS(X)
#undef X
};
static const char *const texts[] = {
#define X(name, word, text) text,
    HAR_BOUND_NEEDS(X)
#undef X
};

const char *har_bound_need_word(enum har_bound_need need)
{
    return words[need];
}

/* One scenario, while it is looked through. */
struct look {
    const struct har_scenario *scenario;
    struct har_bound_needs *needs;
    unsigned
        roles[HAR_ACTORS_MAX]; /* HAR_BIT of enum har_role, that its frames and streams are of */
};

static void need(struct look *look, enum har_bound_need what, const char *place)
{
    if ((look->needs->mask & HAR_BIT(what)) == 0) {
        look->needs->mask |= HAR_BIT(what);
        look->needs->places[what] = place;
    }
}

static void need_role(struct look *look, uint64_t who, enum har_role role, const char *place)
{
    static const enum har_bound_need of_role[HAR_ROLES] = {HAR_BOUND_UNARY, HAR_BOUND_SERVER_STREAM,
                                                           HAR_BOUND_BIDI};
    need(look, of_role[role], place);
    for (size_t i = 0; i < look->scenario->actor_count; i++) {
        look->roles[i] |= (who >> i & 1) != 0 ? HAR_BIT(role) : 0;
    }
}

/* ---- steps ---- */

static bool is_word(json_t *json, const char *word)
{
    return json_is_string(json) && strcmp(json_string_value(json), word) == 0;
}

static bool has_flag(json_t *frame, const char *name)
{
    json_t *flags = json_object_get(frame, "flags");
    for (size_t i = 0; i < json_array_size(flags); i++) {
        if (is_word(json_array_get(flags, i), name)) {
            return true;
        }
    }
    return false;
}

/* Bytes that the scenario writes in place of the binding's request: those of an empty message, or of a message of chat,
 * or of none at all. */
static void look_at_bytes(struct look *look, const struct har_node *node, json_t *frame)
{
    const char *hex = json_string_value(json_object_get(frame, "hex"));
    size_t digits = hex == NULL ? 0 : strlen(hex);
    bool is_zero = digits > 0 && digits <= PREFIX_DIGITS && strspn(hex, "0") == digits &&
                   json_object_get(frame, "repeat") == NULL;
    if (is_zero && has_flag(frame, "END_STREAM")) {
        need(look, HAR_BOUND_EMPTY, node->path);
    } else if (digits > PREFIX_DIGITS && strspn(hex, "0123456789") < digits &&
               strspn(hex + PREFIX_DIGITS, "fF") < digits - PREFIX_DIGITS) {
        need(look, HAR_BOUND_BYTES, node->path);
    }
}

/* A part that a short request does not have. */
static bool is_far(json_t *frame)
{
    json_t *part = json_object_get(frame, "part");
    for (size_t i = 0; i < json_array_size(part); i++) {
        json_t *at = json_array_get(part, i);
        bool is_near = json_is_integer(at) && (json_integer_value(at) <= PREFIX_BYTES ||
                                               json_integer_value(at) >= PART_ALL);
        if (!is_near) {
            return true;
        }
    }
    return false;
}

/* That of the streams which the actors have begun before, if it is one. */
static enum har_role last_role(const struct look *look, uint64_t who)
{
    unsigned roles = 0;
    for (size_t i = 0; i < look->scenario->actor_count; i++) {
        roles |= (who >> i & 1) != 0 ? look->roles[i] : 0;
    }
    for (int role = 0; role < HAR_ROLES; role++) {
        if (roles == HAR_BIT(role)) {
            return (enum har_role)role;
        }
    }
    return HAR_ROLES;
}

static void look_at_frames(struct look *look, const struct har_node *node)
{
    json_t *frames = json_object_get(node->json, "frames");
    json_t *body = json_object_get(node->json, "body");
    bool has_body = json_is_string(body) && !is_word(body, "none");
    bool is_subscription = is_word(body, "subscription");
    enum har_role role = last_role(look, node->who);
    if (is_subscription) {
        need_role(look, node->who, HAR_ROLE_SERVER_STREAM, node->path);
    }
    if (json_object_get(node->json, "size") != NULL ||
        json_is_true(json_object_get(node->json, "partial"))) {
        need(look, HAR_BOUND_SIZE, node->path);
    }
    for (size_t i = 0; i < json_array_size(frames); i++) {
        json_t *frame = json_array_get(frames, i);
        const char *request = json_string_value(json_object_get(frame, "request"));
        bool is_data = is_word(json_object_get(frame, "type"), "DATA");
        if (request != NULL) {
            role = har_role_of(request);
        }
        if (request != NULL && role != HAR_ROLES) {
            need_role(look, node->who, role, node->path);
        }
        const char *head = json_string_value(json_object_get(frame, "head"));
        if (head != NULL && strstr(head, CHAT_IN_HEX) != NULL) {
            need(look, HAR_BOUND_CHAT, node->path);
        }
        if ((role == HAR_ROLE_SERVER_STREAM || is_subscription) && has_flag(frame, "END_STREAM")) {
            need(look, HAR_BOUND_HALF_CLOSE, node->path);
        }
        if (is_data && has_body && is_far(frame)) {
            need(look, HAR_BOUND_SIZE, node->path);
        }
        if (is_data && role == HAR_ROLE_UNARY) {
            look_at_bytes(look, node, frame);
        }
    }
}

static void look_at_send(struct look *look, const struct har_node *node)
{
    static const char *const of_chat[] = {"message", "refused", "reason", "request_id",
                                          "violation"};
    static const char *const of_size[] = {"size", "bytes", "id_bytes"};
    for (size_t i = 0; i < sizeof(of_chat) / sizeof(of_chat[0]); i++) {
        if (json_object_get(node->json, of_chat[i]) != NULL) {
            need(look, HAR_BOUND_CHAT, node->path);
        }
    }
    for (size_t i = 0; i < sizeof(of_size) / sizeof(of_size[0]); i++) {
        if (json_object_get(node->json, of_size[i]) != NULL) {
            need(look, HAR_BOUND_SIZE, node->path);
        }
    }
}

static void look_at_method(struct look *look, const struct har_node *node)
{
    const char *method = json_string_value(json_object_get(node->json, "method"));
    enum har_role role = har_role_of(method);
    bool is_unknown = method != NULL && strstr(method, "NoSuch") != NULL;
    if (role != HAR_ROLES) {
        need_role(look, node->who, role, node->path);
    } else if (method != NULL && strncmp(method, CHAT_PATH, strlen(CHAT_PATH)) == 0 &&
               !is_unknown) {
        need(look, HAR_BOUND_CHAT, node->path);
    }
}

static unsigned kinds_of(const struct har_scenario *scenario, uint64_t who)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < scenario->actor_count; i++) {
        kinds |= (who >> i & 1) != 0 ? HAR_BIT(scenario->actors[i].kind) : 0;
    }
    return kinds;
}

static void look_at_node(struct look *look, const struct har_node *node)
{
    const char *name = node->type->name;
    unsigned kinds = kinds_of(look->scenario, node->who);
    if (strcmp(name, "raw_frames") == 0) {
        look_at_frames(look, node);
    } else if (strcmp(name, "call") == 0) {
        look_at_method(look, node);
    } else if (strcmp(name, "subscribe") == 0) {
        bool has_past = json_object_get(node->json, "history") != NULL ||
                        json_object_get(node->json, "after") != NULL;
        need_role(look, node->who, HAR_ROLE_SERVER_STREAM, node->path);
        if (has_past) {
            need(look, HAR_BOUND_CHAT, node->path);
        }
    } else if (strcmp(name, "send") == 0 && (kinds & HAR_BIT(HAR_STREAM)) == 0) {
        look_at_send(look, node);
        if ((kinds & HAR_BIT(HAR_PUBLISHER)) != 0) {
            need_role(look, node->who, HAR_ROLE_UNARY, node->path);
        }
        if ((kinds & HAR_BIT(HAR_CHAT)) != 0) {
            need(look, HAR_BOUND_ECHO, node->path);
        }
    } else if (strcmp(name, "flood") == 0) {
        need_role(look, node->who, HAR_ROLE_BIDI, node->path);
    } else if (strcmp(name, "truncate") == 0 || strcmp(name, "spawn") == 0) {
        need(look, HAR_BOUND_CHAT, node->path);
    } else if (strcmp(name, "outcome") == 0) {
        need(look, HAR_BOUND_UNARY, node->path);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        look_at_node(look, &node->children[i]);
    }
}

static void look_at_actors(struct look *look)
{
    const struct har_scenario *scenario = look->scenario;
    for (size_t i = 0; i < scenario->actor_count; i++) {
        const struct har_actor_spec *spec = &scenario->actors[i];
        uint64_t who = UINT64_C(1) << i;
        if (spec->kind == HAR_CHILD || spec->kind == HAR_EXTERNAL) {
            need(look, HAR_BOUND_CHAT, "$.actors");
        } else if (spec->kind == HAR_CHAT) {
            need_role(look, who, HAR_ROLE_BIDI, "$.actors");
        } else if (spec->kind == HAR_SUBSCRIBER) {
            look->roles[i] |= HAR_BIT(HAR_ROLE_SERVER_STREAM);
        }
    }
}

/* ---- what is expected ---- */

/* The number that the answer must reach, behind "data_bytes(x) ==" or ">=". */
static void look_at_reply(struct look *look, const char *behind, const char *place)
{
    while (isspace((unsigned char)*behind)) {
        behind++;
    }
    if ((behind[0] == '=' || behind[0] == '>') && behind[1] == '=') {
        long number = strtol(behind + 2, NULL, 10);
        uint32_t bytes = number > 0 && number < INT32_MAX ? (uint32_t)number : 0;
        look->needs->reply_bytes =
            bytes > look->needs->reply_bytes ? bytes : look->needs->reply_bytes;
        need(look, HAR_BOUND_REPLY, place);
    }
}

/* One counter of an expression: of whom, and what follows. */
static void look_at_counter(struct look *look, enum har_counter counter, const char *selector,
                            const char *behind, bool is_guarded, const char *place)
{
    const unsigned streams = HAR_BIT(HAR_ROLE_SERVER_STREAM) | HAR_BIT(HAR_ROLE_BIDI);
    uint64_t mask = 0;
    unsigned roles = 0;
    (void)har_select_actors(look->scenario, selector, &mask);
    for (size_t i = 0; i < look->scenario->actor_count; i++) {
        roles |= (mask >> i & 1) != 0 ? look->roles[i] : 0;
    }
    bool counts_messages = counter == HAR_COUNT_RECEIVED || counter == HAR_COUNT_LEAST ||
                           counter == HAR_COUNT_FRESH || counter == HAR_COUNT_DATA_FRAMES ||
                           counter == HAR_COUNT_DATA_BYTES;
    bool is_generic = (kinds_of(look->scenario, mask) & HAR_BIT(HAR_STREAM)) != 0;
    if (counts_messages && !is_generic && (roles & streams) != 0 && !is_guarded) {
        need(look, HAR_BOUND_FEED, place);
    } else if (counter == HAR_COUNT_DATA_BYTES && roles == HAR_BIT(HAR_ROLE_UNARY)) {
        look_at_reply(look, behind, place);
    } else if (counter == HAR_COUNT_ACKED) {
        need(look, HAR_BOUND_ECHO, place);
    } else if (counter == HAR_COUNT_PINGS) {
        need(look, HAR_BOUND_CHAT, place);
    }
}

static void look_at_text(struct look *look, const char *text, const char *place)
{
    bool is_guarded = strstr(text, "is_fed") != NULL;
    for (const char *at = text; *at != '\0';) {
        size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        const char *end = at[len] == '(' ? strchr(at + len, ')') : NULL;
        enum har_counter counter = end == NULL ? HAR_COUNTERS : har_counter_find(sl_span(at, len));
        size_t selector_len = end == NULL ? 0 : (size_t)(end - at) - len - 1;
        char selector[256];
        if (counter != HAR_COUNTERS && selector_len < sizeof(selector)) {
            memcpy(selector, at + len + 1, selector_len);
            selector[selector_len] = '\0';
            look_at_counter(look, counter, selector, end + 1, is_guarded, place);
        }
        at += len == 0 ? 1 : len;
    }
}

/* Every string that may be an expression; the depth was bounded by the parser. */
static void look_at_json(struct look *look, json_t *json, const char *place, unsigned depth)
{
    if (json_is_string(json)) {
        look_at_text(look, json_string_value(json), place);
    }
    for (size_t i = 0; i < json_array_size(json) && depth < NESTING_MAX; i++) {
        look_at_json(look, json_array_get(json, i), place, depth + 1);
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (json, key, value) {
        bool is_prose = strcmp(key, "why") == 0;
        if (!is_prose && depth < NESTING_MAX) {
            look_at_json(look, value, place, depth + 1);
        }
    }
}

static void look_at_checks(struct look *look)
{
    static const char *const free_ones[] = {"open",       "status",   "never",   "eventually",
                                            "rss_growth", "rss_peak", "fd",      "threads",
                                            "latency",    "p",        "trailers"};
    const struct har_scenario *scenario = look->scenario;
    for (size_t i = 0; i < scenario->check_count; i++) {
        const struct har_check_node *node = &scenario->checks[i];
        const struct har_check_common *common = node->args;
        bool is_generic = (kinds_of(scenario, common->of_mask) &
                           (HAR_BIT(HAR_STREAM) | HAR_BIT(HAR_CLIENT))) != 0;
        bool is_free = is_generic;
        for (size_t j = 0; j < sizeof(free_ones) / sizeof(free_ones[0]); j++) {
            is_free |= strcmp(node->type->name, free_ones[j]) == 0;
        }
        if (!is_free) {
            need(look, HAR_BOUND_CHAT, node->path);
        }
    }
}

void har_bound_needs(const struct har_scenario *scenario, struct har_bound_needs *ret_needs)
{
    struct look look = {.scenario = scenario, .needs = ret_needs};
    *ret_needs = (struct har_bound_needs){0};
    look_at_actors(&look);
    for (size_t i = 0; i < scenario->run_count; i++) {
        look_at_node(&look, &scenario->run[i]);
    }
    look_at_checks(&look);
    look_at_json(&look, scenario->run_json, "$.run", 0);
    look_at_json(&look, scenario->expect_json, "$.expect", 0);
    look_at_json(&look, scenario->let_json, "$.let", 0);
    if (scenario->calibrate_mask != 0) {
        need(&look, HAR_BOUND_CHAT, "$.calibrate");
    }
}

/* ---- against a binding ---- */

static bool has(const struct har_binding *binding, enum har_bound_need what,
                const struct har_bound_needs *needs)
{
    const struct har_bound_method *methods = binding->methods;
    switch (what) {
    case HAR_BOUND_UNARY:
        return methods[HAR_ROLE_UNARY].method != NULL;
    case HAR_BOUND_SERVER_STREAM:
        return methods[HAR_ROLE_SERVER_STREAM].method != NULL;
    case HAR_BOUND_BIDI:
        return methods[HAR_ROLE_BIDI].method != NULL;
    case HAR_BOUND_ECHO:
        return methods[HAR_ROLE_BIDI].is_echo;
    case HAR_BOUND_HALF_CLOSE:
        return !methods[HAR_ROLE_SERVER_STREAM].must_stay_open;
    case HAR_BOUND_SIZE:
        return binding->filler != 0;
    case HAR_BOUND_EMPTY:
        return (methods[HAR_ROLE_UNARY].takes & HAR_TAKES_EMPTY) != 0;
    case HAR_BOUND_BYTES:
        return (methods[HAR_ROLE_UNARY].takes & HAR_TAKES_CHAT) != 0;
    case HAR_BOUND_REPLY:
        return methods[HAR_ROLE_UNARY].reply_bytes >= needs->reply_bytes;
    case HAR_BOUND_FEED:
    case HAR_BOUND_CHAT:
    case HAR_BOUND_COUNT:
    default:
        return false;
    }
}

bool har_binding_fits(const struct har_binding *binding, const struct har_scenario *scenario,
                      char ret_reason[HAR_REASON_MAX])
{
    struct har_bound_needs needs;
    if (binding == NULL) {
        return true;
    }
    har_bound_needs(scenario, &needs);
    for (int i = HAR_BOUND_COUNT - 1; i >= 0; i--) { /* the most that it needs is told */
        enum har_bound_need what = (enum har_bound_need)i;
        if ((needs.mask & HAR_BIT(what)) == 0 || has(binding, what, &needs)) {
            continue;
        }
        char bytes[32] = "";
        if (what == HAR_BOUND_REPLY) {
            (void)snprintf(bytes, sizeof(bytes), " (%u)", needs.reply_bytes);
        }
        (void)snprintf(ret_reason, HAR_REASON_MAX, "needs %s%s (%s); the binding %.200s %s",
                       texts[what], bytes, needs.places[what], binding->name,
                       what == HAR_BOUND_CHAT ? "is of another" : "has none");
        return false;
    }
    return true;
}

/* ---- how much of the rules that is ---- */

static bool is_checked(const struct har_binding *binding, const struct har_library *library,
                       const char *rule)
{
    char reason[HAR_REASON_MAX];
    for (size_t i = 0; i < library->count; i++) {
        const struct har_scenario *scenario = library->scenarios[i];
        if (har_strings_has(&scenario->rules, rule) && scenario->needs.count == 0 &&
            har_binding_fits(binding, scenario, reason)) {
            return true;
        }
    }
    return false;
}

struct har_binding_coverage har_binding_cover(const struct har_binding *binding,
                                              const struct har_library *library)
{
    struct har_binding_coverage coverage = {0};
    size_t count = 0;
    const struct har_rule *rules = har_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i].level, "M") == 0) {
            coverage.rules++;
            coverage.checked += is_checked(binding, library, rules[i].id);
        }
    }
    for (size_t i = 0; sl_rule_at(i) != NULL; i++) {
        const struct sl_rule *rule = sl_rule_at(i);
        if (rule->level == 'M' && har_rule_find(rule->id) == NULL) {
            coverage.rules++;
            coverage.checked += is_checked(binding, library, rule->id);
        }
    }
    return coverage;
}
