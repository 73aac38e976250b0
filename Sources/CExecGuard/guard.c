// Everything after the fork runs in a copy of a process with many threads: system calls only, no allocation, no locks.
#define _GNU_SOURCE
#include "CExecGuard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// Lowest number of the copies that the command's descriptors are made from.
enum { first_copy = 16 };

/// fork(2) without the C library's handlers, which may wait for locks that no thread of the copy will ever release.
static pid_t plain_fork(void) { return (pid_t)syscall(SYS_clone, (unsigned long)SIGCHLD, 0UL, 0UL, 0UL, 0UL); }

static void report(int descriptor, int32_t kind, int32_t value) {
  const struct sluice_exec_report record = {kind, value};
  while (write(descriptor, &record, sizeof record) < 0 && errno == EINTR) {
  }
}

/// close_range(2), or the same by hand on kernels before 5.9 (and before 5.11 where it cannot mark).
static void close_from(unsigned int first, unsigned int last, bool mark_only) {
#ifdef SYS_close_range
  const unsigned int close_on_exec = 4U;
  if (syscall(SYS_close_range, first, last, mark_only ? close_on_exec : 0U) == 0) return;
#endif
  struct rlimit limit;
  unsigned int end = 65536U;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end) end = (unsigned int)limit.rlim_cur;
  for (unsigned int number = first; number <= last && number < end; number++) {
    if (mark_only)
      fcntl((int)number, F_SETFD, FD_CLOEXEC);
    else
      close((int)number);
  }
}

static void default_signals(void) {
  struct sigaction action = {0};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < 65; number++) sigaction(number, &action, 0);
}

static void limit(int resource, uint64_t bytes) {
  struct rlimit value;
  if (bytes == 0 || getrlimit(resource, &value) != 0) return;
  if (value.rlim_max != RLIM_INFINITY && value.rlim_max < bytes) bytes = value.rlim_max;
  value.rlim_cur = value.rlim_max = bytes;
  setrlimit(resource, &value);
}

/// When memory runs out, the command goes before the daemon does.
static void offer_to_memory_killer(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, "500", 3) < 0) { /* An older kernel, or /proc is not mounted: as likely as anyone then. */
  }
  close(file);
}

/// The command's process, up to its exec.
static void become_command(const struct sluice_exec_request *request, pid_t guard) {
  int number = 0;
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != guard) _exit(127);
  offer_to_memory_killer();
  limit(RLIMIT_DATA, request->memory_bytes);
  limit(RLIMIT_FSIZE, request->file_bytes);
  limit(RLIMIT_CORE, 1);
  umask(077);

  // Copies above every number that is assigned below, so that none is overwritten before it is used.
  int input = fcntl(request->input, F_DUPFD_CLOEXEC, first_copy);
  int log = fcntl(request->log, F_DUPFD_CLOEXEC, first_copy);
  int output = fcntl(request->output, F_DUPFD_CLOEXEC, first_copy);
  int reports = fcntl(request->report, F_DUPFD_CLOEXEC, first_copy);
  if (reports < 0) _exit(127);
  if (input < 0 || log < 0 || output < 0) goto failed;
  if (dup2(input, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || dup2(output, 3) < 0) goto failed;
  close_from(4, ~0U, true);
  if (chdir(request->directory) != 0) goto failed;

  // Said here and not by the guard, which the command might kill before it came to that.
  report(reports, SLUICE_EXEC_STARTED, getpid());
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  execve(request->executable, request->arguments, request->environment);
failed:
  number = errno;
  report(reports, SLUICE_EXEC_FAILED, number);
  _exit(127);
}

/// Kills the processes whose parent is this one; false when the kernel does not say which those are.
static bool kill_children(void) {
  char text[4096];
  int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  pid_t child = 0;
  ssize_t count;
  while ((count = read(file, text, sizeof text)) > 0) {
    for (ssize_t at = 0; at < count; at++) {
      if (text[at] >= '0' && text[at] <= '9') {
        child = child * 10 + (text[at] - '0');
      } else if (child > 0) {
        kill(child, SIGKILL);
        child = 0;
      }
    }
  }
  if (child > 0) kill(child, SIGKILL);
  close(file);
  return count == 0;
}

/// Ends and reaps everything that descends from the command; answers the command's wait status. Orphans of its
/// descendants become this process's children, so that new ones may appear with each that is reaped.
static int end_descendants(pid_t command) {
  bool has_ended = false;
  int status = SIGKILL;
  while (true) {
    // Until it is reaped, the command's number is nobody else's, and neither is its group's.
    if (!has_ended) {
      kill(-command, SIGKILL);
      kill(command, SIGKILL);
    }
    bool all_known = kill_children();
    int found = 0;
    pid_t child = waitpid(-1, &found, all_known || !has_ended ? 0 : WNOHANG);
    if (child < 0 && errno == EINTR) continue;
    if (child <= 0) return status;
    if (child == command) {
      has_ended = true;
      status = found;
    }
  }
}

/// Waits until the command ends or somebody wants it ended; reaps its orphans meanwhile, the command itself not.
static void await_end(pid_t command) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  while (true) {
    siginfo_t found;
    while (true) {
      found.si_pid = 0;
      if (waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR) return;
      if (found.si_pid == 0) break;
      if (found.si_pid == command) return;
      waitpid(found.si_pid, 0, 0);
    }
    if (sigwaitinfo(&awaited, 0) == SIGTERM) return;
  }
}

static void become_guard(const struct sluice_exec_request *request, pid_t caller) {
  // All signals are blocked since before the fork; the two that matter are waited for.
  default_signals();
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  if (getppid() != caller) _exit(127);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  prctl(PR_SET_NAME, "sluice-guard", 0, 0, 0);

  pid_t guard = getpid();
  pid_t command = plain_fork();
  if (command < 0) {
    report(request->report, SLUICE_EXEC_FAILED, errno);
    _exit(127);
  }
  if (command == 0) become_command(request, guard);

  // Only the command may hold the pipes open, and nobody the daemon's sockets.
  int reports = request->report;
  if (reports > 0) close_from(0, (unsigned int)reports - 1, false);
  close_from((unsigned int)reports + 1, ~0U, false);

  await_end(command);
  int status = end_descendants(command);
  report(reports, SLUICE_EXEC_ENDED, status);
  _exit(0);
}

int sluice_exec_start(const struct sluice_exec_request *request) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t caller = getpid();
  pid_t guard = plain_fork();
  if (guard == 0) become_guard(request, caller);
  int failure = errno;
  pthread_sigmask(SIG_SETMASK, &before, 0);
  errno = failure;
  return guard;
}

int sluice_exec_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int sluice_exec_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int sluice_exec_widen_pipe(int descriptor, int bytes) { return fcntl(descriptor, F_SETPIPE_SZ, bytes); }
