/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHOICE_H
#define HAR_CHOICE_H

/*
 * What a user chose by a name that nothing has: said on stderr, with what to type instead. Each returns the exit
 * status of bad usage.
 */
#include "harness/scenario/library.h"
#include "harness/selftest/cases.h"

/* id may be a glob. */
int har_choice_no_scenario(const char *program, const struct har_library *library, const char *id);
int har_choice_no_mutant(const char *program, const struct har_mutants *mutants, const char *name);

/* 0 where a scenario has the tag; else the tags that there are. */
int har_choice_check_tag(const char *program, const struct har_library *library, const char *tag);

#endif
