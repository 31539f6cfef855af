/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STEPS_PROCESS_H
#define HAR_STEPS_PROCESS_H

/* What others have to know of the verbs on processes. */
#include <stdbool.h>

/* True when the arguments of `signal` name one that only stops or continues a process. */
bool har_signal_is_pause(const void *args);

#endif
