// Calls of the kernel's and of glibc's that Swift cannot import: variadic ones, and those hidden behind _GNU_SOURCE.
#pragma once
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
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

/// sched_getaffinity(2) of this thread: bytes of the mask that were filled, or -1.
static inline long sluice_affinity(unsigned char *mask, unsigned long bytes) {
  return syscall(SYS_sched_getaffinity, 0, bytes, mask);
}

// glibc 2.34 and 2.12; declared here because its headers hide them.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
extern int pthread_setname_np(pthread_t, const char *);
