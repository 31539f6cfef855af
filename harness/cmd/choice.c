/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/explain/topics.h"
#include "harness/report/report.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"

enum {
    BAD_USAGE = 2,
    LINE_MAX_BYTES = 64 * 1024,
};

static void say(const char *program, const char *what, const char *name, struct sl_buf *advice)
{
    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    (void)sl_buf_addf(&line, "%s: %s '%.200s'; %s", program, what, name, sl_buf_str(advice));
    har_report_text_line(stderr, sl_buf_str(&line));
    sl_buf_release(&line);
    sl_buf_release(advice);
}

int har_choice_no_scenario(const char *program, const struct har_library *library, const char *id)
{
    struct har_mutants none = {0};
    struct har_topics topics = {.library = library, .mutants = &none};
    const char *near = har_topics_nearest(&topics, id);
    struct sl_buf advice;
    sl_buf_init(&advice, LINE_MAX_BYTES);
    if (near != NULL && har_library_find(library, near) != NULL) {
        (void)sl_buf_addf(&advice, "did you mean %s?", near);
    } else {
        (void)sl_buf_add_str(&advice, "'sluice-harness list' shows them");
    }
    say(program, "no scenario matches", id, &advice);
    return BAD_USAGE;
}

int har_choice_no_mutant(const char *program, const struct har_mutants *mutants, const char *name)
{
    const char **names = sl_calloc(mutants->count + 1, sizeof(names[0]));
    for (size_t i = 0; i < mutants->count; i++) {
        names[i] = mutants->items[i].name;
    }
    const char *near = sl_cli_nearest(name, names, mutants->count);
    struct sl_buf advice;
    sl_buf_init(&advice, LINE_MAX_BYTES);
    if (near != NULL) {
        (void)sl_buf_addf(&advice, "did you mean %s?", near);
    } else {
        (void)sl_buf_add_str(&advice, "'sluice-server --misbehave list' shows them");
    }
    say(program, "no wrong server matches", name, &advice);
    sl_free(names);
    return BAD_USAGE;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The nearest tag in question, then all that there are. */
static void add_tags(const struct har_library *library, const char *tag, struct sl_buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < library->count; i++) {
        count += library->scenarios[i]->tags.count;
    }
    const char **tags = sl_calloc(count + 1, sizeof(tags[0]));
    count = 0;
    for (size_t i = 0; i < library->count; i++) {
        const struct har_strings *of = &library->scenarios[i]->tags;
        for (size_t j = 0; j < of->count; j++) {
            tags[count++] = of->items[j];
        }
    }
    qsort(tags, count, sizeof(tags[0]), by_name);
    const char *near = sl_cli_nearest(tag, tags, count);
    if (near != NULL) {
        (void)sl_buf_addf(out, "did you mean %s? There are", near);
    } else {
        (void)sl_buf_add_str(out, "there are");
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(tags[i - 1], tags[i]) != 0) {
            (void)sl_buf_addf(out, " %s", tags[i]);
        }
    }
    sl_free(tags);
}

int har_choice_check_tag(const char *program, const struct har_library *library, const char *tag)
{
    for (size_t i = 0; i < library->count; i++) {
        if (har_scenario_has_tag(library->scenarios[i], tag)) {
            return 0;
        }
    }
    struct sl_buf advice;
    sl_buf_init(&advice, LINE_MAX_BYTES);
    add_tags(library, tag, &advice);
    say(program, "no scenario has the tag", tag, &advice);
    return BAD_USAGE;
}
