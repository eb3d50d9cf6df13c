/*
 * meter PROGRAM [ARGUMENT...]
 *
 * Runs a program and writes to file descriptor 3, when it has ended, what it and all that it started and waited for
 * have cost: `WALL CPU MEMORY`, microseconds of time, microseconds of processor (user and system), and KiB of memory of
 * the largest of the processes at its largest. Ends as the program did.
 *
 * The kernel tells this to whoever waits for a process, and to no other process; and what is forked from here does not begin
 * with the memory of a large parent. The program dies with us, and we with our parent.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(long seconds, long micro) { return seconds * 1000000LL + micro; }

static long long now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return microseconds(at.tv_sec, at.tv_nsec / 1000);
}

int main(int count, char **words) {
  if (count < 2) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const long long started_at = now();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(3);
    execvp(words[1], words + 1);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) return 126;
  const long long wall = now() - started_at;
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  const long long processor = microseconds(used.ru_utime.tv_sec, used.ru_utime.tv_usec) +
                              microseconds(used.ru_stime.tv_sec, used.ru_stime.tv_usec);
  dprintf(3, "%lld %lld %ld\n", wall, processor, used.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
