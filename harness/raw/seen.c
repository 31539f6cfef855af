/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/raw/seen.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "$.run[9]" before "$.run[10]". */
static int compare_paths(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            char *end_a = NULL;
            char *end_b = NULL;
            unsigned long left = strtoul(a, &end_a, 10);
            unsigned long right = strtoul(b, &end_b, 10);
            if (left != right) {
                return left < right ? -1 : 1;
            }
            a = end_a;
            b = end_b;
        } else if (*a != *b) {
            return *a < *b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}

static int compare(const struct har_seen *seen, const char *at, const char *actor, const char *what)
{
    int order = compare_paths(seen->at, at);
    if (order == 0) {
        order = strcmp(seen->actor, actor);
    }
    return order != 0 ? order : strcmp(seen->what, what);
}

void har_seen_note(struct har_seen_list *list, const char *at, const char *actor, const char *what)
{
    char text[HAR_SEEN_TEXT_MAX];
    size_t place = 0;
    (void)snprintf(text, sizeof(text), "%s", what);
    while (place < list->count && compare(&list->items[place], at, actor, text) < 0) {
        place++;
    }
    struct har_seen *seen = &list->items[place];
    if (place < list->count && compare(seen, at, actor, text) == 0) {
        seen->count++;
        return;
    }
    if (list->count == HAR_SEEN_MAX) {
        list->left_out++;
        return;
    }
    memmove(seen + 1, seen, (list->count - place) * sizeof(*seen));
    *seen = (struct har_seen){.at = at, .actor = actor, .count = 1};
    memcpy(seen->what, text, sizeof(text));
    list->count++;
}

const char *har_seen_actor(const struct har_seen_list *list, const char *at)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].at, at) == 0) {
            return list->items[i].actor;
        }
    }
    return NULL;
}
