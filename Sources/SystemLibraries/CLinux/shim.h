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

/// renameat2(2) with RENAME_NOREPLACE: an existing target is an error.
static inline int sluice_rename_new(int from, const char *name, int to, const char *new_name) {
  const unsigned int no_replace = 1U;
  return (int)syscall(SYS_renameat2, from, name, to, new_name, no_replace);
}

/// fallocate(2) with FALLOC_FL_KEEP_SIZE: room for `bytes`, the file's length unchanged.
static inline int sluice_allocate(int file, long bytes) {
  const int keep_size = 1;
  return (int)syscall(SYS_fallocate, file, keep_size, 0L, bytes);
}

/// prctl(2) PR_SET_NAME: what `top` and debuggers call this thread; 15 bytes of `name` count.
static inline int sluice_name_this_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

/// prctl(2) PR_SET_PDEATHSIG: this process gets SIGKILL when the thread that started it ends.
static inline int sluice_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

/// sched_getaffinity(2) of this thread: bytes of the mask that were filled, or -1.
static inline long sluice_affinity(unsigned char *mask, unsigned long bytes) {
  return syscall(SYS_sched_getaffinity, 0, bytes, mask);
}

/// accept4(2) with SOCK_CLOEXEC.
static inline int sluice_accept(int listener) {
  const int close_on_exec = 02000000;
  return (int)syscall(SYS_accept4, listener, NULL, NULL, close_on_exec);
}

/// eventfd2(2) with EFD_CLOEXEC and EFD_NONBLOCK, its counter at 0.
static inline int sluice_event(void) {
  const int close_on_exec = 02000000, non_blocking = 04000;
  return (int)syscall(SYS_eventfd2, 0U, close_on_exec | non_blocking);
}

// glibc 2.34 and 2.12; declared here because its headers hide them.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
extern int pthread_setname_np(pthread_t, const char *);
