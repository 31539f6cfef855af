/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_AGAIN_H
#define SRV_AGAIN_H

/* A wrong server whose process dies is started again at once, as a service manager would do it, so that who only asks
 * whether somebody answers notices nothing. */

enum {
    SRV_CRASH_EXIT = 70, /* status of a process that a wrong server ends */
};

/* Returns in a child that serves, once for each that died by SRV_CRASH_EXIT. The caller's own process waits for them, and
 * ends as the last one does; its signals end both. */
void srv_again(void);

#endif
