/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

/* The one function that libFuzzer, and replay.c in normal builds, call with each input. A target
 * aborts (assert) when an invariant breaks; the sanitizers see the rest. Answers 0. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
