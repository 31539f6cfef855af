/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/again.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

void srv_again(void)
{
    for (;;) {
        pid_t child = fork();
        if (child <= 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
            return;
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != SRV_CRASH_EXIT) {
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        }
    }
}
