// Calls of the kernel's that Swift cannot import: variadic ones, and those glibc hides behind _GNU_SOURCE.
#pragma once
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// memfd_create(2), closed on exec.
static inline int sluice_memory_file(const char *name) {
  const unsigned int close_on_exec = 1U;
  return (int)syscall(SYS_memfd_create, name, close_on_exec);
}

/// prctl(2) PR_SET_PDEATHSIG: this process gets SIGKILL when the thread that started it ends.
static inline int sluice_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

