/*
 * Runs a program and writes what it cost, as the kernel counted it until the program was waited
 * for: afterwards nobody can ask. The file keeps it apart from what the program prints. It is so
 * small that its own memory, which the kernel counts to the program's peak, does not matter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
    fprintf(stderr, "meter: %s: %s\n", what, strerror(errno));
    exit(127);
}

static long long microseconds(struct timeval time) {
    return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int count, char **words) {
    if (count < 3) {
        fputs("usage: meter FILE PROGRAM [ARGUMENT...]\n"
              "\n"
              "Runs PROGRAM and writes one line to FILE: microseconds of CPU in user mode and in\n"
              "the kernel, and most memory in kB. Ends as PROGRAM did.\n",
              stderr);
        return 2;
    }
    pid_t parent = getpid(), child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        /* It must not outlive a meter that is killed, nor one that was before this line. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) _exit(127);
        execvp(words[2], words + 2);
        fail(words[2]);
    }
    int status;
    struct rusage used;
    while (wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR) fail("wait4");
    FILE *file = fopen(words[1], "w");
    if (!file) fail(words[1]);
    long long user = microseconds(used.ru_utime), system = microseconds(used.ru_stime);
    fprintf(file, "%lld %lld %ld\n", user, system, used.ru_maxrss);
    if (fclose(file) != 0) fail(words[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
