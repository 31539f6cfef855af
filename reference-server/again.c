/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/again.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waits for the end of the child, and hands on to it what asks this process to end. */
static int status_of(pid_t child, const sigset_t *minded)
{
    int status = 0;
    for (;;) {
        int signal = sigwaitinfo(minded, NULL);
        if (signal == SIGCHLD) {
            if (waitpid(child, &status, WNOHANG) == child) {
                return status;
            }
        } else if (signal > 0) {
            (void)kill(child, signal);
        }
    }
}

void srv_again(void)
{
    sigset_t minded;
    sigset_t before;
    (void)sigemptyset(&minded);
    (void)sigaddset(&minded, SIGCHLD);
    (void)sigaddset(&minded, SIGINT);
    (void)sigaddset(&minded, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &minded, &before);
    for (;;) {
        pid_t child = fork();
        if (child <= 0) {
            (void)sigprocmask(SIG_SETMASK, &before, NULL);
            (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
            return;
        }
        int status = status_of(child, &minded);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != SRV_CRASH_EXIT) {
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        }
    }
}
