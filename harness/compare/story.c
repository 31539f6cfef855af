/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to the actors of a scenario, where the reports tell it. */
#include "harness/compare/model.h"

#include "lib/base/alloc.h"
#include <string.h>

const char *const har_compare_scopes[HAR_COMPARE_SCOPES] = {
    "same stream", "same connection", "same room", "same server", "publisher"};

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static double sum_of(json_t *actor, const char *key)
{
    json_t *buckets = json_object_get(actor, key);
    json_t *total = json_object_get(json_object_get(actor, "totals"), key);
    double sum = 0;
    if (total != NULL) {
        return json_number_value(total);
    }
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        sum += json_number_value(json_array_get(buckets, i));
    }
    return sum;
}

static void add_actors(struct har_compare_story *story, int side, json_t *actors)
{
    for (size_t i = 0; i < json_array_size(actors); i++) {
        json_t *actor = json_array_get(actors, i);
        const char *name = text_of(actor, "kind");
        size_t k = 0;
        while (k < story->kind_count && strcmp(story->kinds[k].kind, name) != 0) {
            k++;
        }
        if (k == HAR_COMPARE_KINDS_MAX) {
            story->left_out++;
            continue;
        }
        struct har_compare_kind *kind = &story->kinds[k];
        story->kind_count += k == story->kind_count;
        kind->kind = name;
        kind->actors[side]++;
        kind->sent[side] += sum_of(actor, "sent");
        kind->received[side] += sum_of(actor, "received");
        kind->lost[side] += sum_of(actor, "lost");
    }
}

static void add_marks(struct har_compare_story *story, int side, json_t *marks)
{
    for (size_t i = 0; i < json_array_size(marks); i++) {
        json_t *json = json_array_get(marks, i);
        json_t *rss = json_object_get(json, "rss_bytes");
        const char *name = text_of(json, "name");
        size_t k = 0;
        while (k < story->mark_count && strcmp(story->marks[k].name, name) != 0) {
            k++;
        }
        if (k == HAR_COMPARE_MARKS_MAX) {
            story->left_out++;
            continue;
        }
        struct har_compare_mark *mark = &story->marks[k];
        if (k == story->mark_count) {
            story->mark_count++;
            *mark = (struct har_compare_mark){.name = name, .rss_bytes = {-1, -1}};
        }
        mark->rss_bytes[side] = json_is_number(rss) ? json_number_value(rss) : -1;
    }
}

static void read_affected(struct har_compare_fault *fault, int side, json_t *affected)
{
    for (size_t i = 0; i < json_array_size(affected); i++) {
        json_t *json = json_array_get(affected, i);
        json_t *count = json_object_get(json, "count");
        const char *scope = text_of(json, "scope");
        for (int s = 0; s < HAR_COMPARE_SCOPES; s++) {
            if (strcmp(scope, har_compare_scopes[s]) == 0) {
                long seen = json_is_integer(count)
                                ? (long)json_integer_value(count)
                                : (long)json_array_size(json_object_get(json, "actors"));
                long *most = &fault->affected[side][s];
                *most = seen > *most ? seen : *most;
            }
        }
    }
}

static struct har_compare_fault *place_of(struct har_compare_story *story, const char *what,
                                          const char *actor)
{
    for (size_t i = 0; i < story->fault_count; i++) {
        struct har_compare_fault *fault = &story->faults[i];
        if (strcmp(fault->what, what) == 0 && strcmp(fault->actor, actor) == 0) {
            return fault;
        }
    }
    if (story->fault_count == HAR_COMPARE_FAULTS_MAX) {
        return NULL;
    }
    struct har_compare_fault *fault = &story->faults[story->fault_count++];
    *fault = (struct har_compare_fault){.what = what, .actor = actor};
    for (int s = 0; s < HAR_COMPARE_SCOPES; s++) {
        fault->affected[HAR_COMPARE_A][s] = -1;
        fault->affected[HAR_COMPARE_B][s] = -1;
    }
    return fault;
}

static void add_faults(struct har_compare_story *story, int side, json_t *faults)
{
    for (size_t i = 0; i < json_array_size(faults); i++) {
        json_t *json = json_array_get(faults, i);
        struct har_compare_fault *fault =
            place_of(story, text_of(json, "what"), text_of(json, "actor"));
        if (fault == NULL) {
            story->left_out++;
            continue;
        }
        fault->times[side]++;
        read_affected(fault, side, json_object_get(json, "affected"));
    }
}

/* Of repeats: the result that is told of, if it has a story, else the first that has one. */
static json_t *story_of(const struct har_compare_tally *tally)
{
    json_t *story = tally->told == NULL ? NULL : tally->told->story;
    for (size_t i = 0; i < tally->runs && !json_is_object(story); i++) {
        story = tally->results[i].story;
    }
    return json_is_object(story) ? story : NULL;
}

/* Memory that differs by half, and by more than a server's own ups and downs. */
static bool has_grown(const struct har_compare_mark *mark)
{
    const double least = 8.0 * 1024 * 1024;
    double a = mark->rss_bytes[HAR_COMPARE_A];
    double b = mark->rss_bytes[HAR_COMPARE_B];
    double more = a > b ? a : b;
    double less = a > b ? b : a;
    return less >= 0 && more - less > least && more > 1.5 * less;
}

/* Other losses than chance, of messages dropped at a slow reader, makes. */
static bool loses_otherwise(const struct har_compare_kind *kind)
{
    double a = kind->lost[HAR_COMPARE_A];
    double b = kind->lost[HAR_COMPARE_B];
    return (a > b ? a : b) > 1.25 * (a > b ? b : a);
}

/* Others than those it was done to, whose share depends on the moment. */
static bool reaches_otherwise(const struct har_compare_fault *fault)
{
    for (int s = 1; s < HAR_COMPARE_SCOPES; s++) {
        if (fault->affected[HAR_COMPARE_A][s] != fault->affected[HAR_COMPARE_B][s]) {
            return true;
        }
    }
    return false;
}

static bool differs(const struct har_compare_story *story)
{
    bool is_different = false;
    for (size_t i = 0; i < story->kind_count; i++) {
        is_different |= loses_otherwise(&story->kinds[i]);
    }
    for (size_t i = 0; i < story->fault_count; i++) {
        is_different |= reaches_otherwise(&story->faults[i]);
    }
    for (size_t i = 0; i < story->mark_count; i++) {
        is_different |= has_grown(&story->marks[i]);
    }
    return is_different && story->is_there[HAR_COMPARE_A] && story->is_there[HAR_COMPARE_B];
}

void har_compare_stories(struct har_compare *compare)
{
    for (size_t i = 0; i < compare->pair_count; i++) {
        struct har_compare_pair *pair = &compare->pairs[i];
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            json_t *json = story_of(&pair->sides[side]);
            if (json == NULL) {
                continue;
            }
            if (pair->story == NULL && compare->story_count == HAR_COMPARE_STORIES_MAX) {
                compare->stories_left_out++;
                continue;
            }
            if (pair->story == NULL) {
                pair->story = sl_alloc(sizeof(*pair->story));
                compare->story_count++;
            }
            pair->story->is_there[side] = true;
            pair->story->actors_left_out[side] =
                (size_t)json_integer_value(json_object_get(json, "actors_left_out"));
            add_actors(pair->story, side, json_object_get(json, "actors"));
            add_marks(pair->story, side, json_object_get(json, "marks"));
            add_faults(pair->story, side, json_object_get(json, "faults"));
        }
        if (pair->story != NULL) {
            pair->story->differs = differs(pair->story);
        }
    }
}
