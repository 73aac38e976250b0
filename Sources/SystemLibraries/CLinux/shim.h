// Calls of glibc's that Swift cannot import: a variadic one, and those that its headers hide behind _GNU_SOURCE.
//
// Nothing is included, on purpose: a system header that this module read first would count as this module's, and its types
// would be missing where only Glibc is imported. The declarations are those of the manual pages on 64-bit systems, with
// pointers to opaque types as void *.
#pragma once

extern int prctl(int option, ...);
extern int memfd_create(const char *name, unsigned int flags);                                     // glibc 2.27
extern int renameat2(int from, const char *name, int to, const char *new_name, unsigned int flags);  // glibc 2.28
extern int fallocate(int file, int mode, long offset, long bytes);
extern int accept4(int listener, void *address, void *length, int flags);
extern int eventfd(unsigned int count, int flags);
extern int sched_getaffinity(int process_id, unsigned long bytes, void *mask);
extern int sched_setscheduler(int thread_id, int policy, const void *parameters);
extern long syscall(long number, ...);
extern int posix_spawn_file_actions_addclosefrom_np(void *actions, int from);  // glibc 2.34

/// memfd_create(2) with MFD_CLOEXEC.
static inline int sluice_memory_file(const char *name) { return memfd_create(name, 1U); }

/// renameat2(2) with RENAME_NOREPLACE: an existing target is an error.
static inline int sluice_rename_new(int from, const char *name, int to, const char *new_name) {
  return renameat2(from, name, to, new_name, 1U);
}

/// fallocate(2) with FALLOC_FL_KEEP_SIZE: room for `bytes`, the file's length unchanged.
static inline int sluice_allocate(int file, long bytes) { return fallocate(file, 1, 0L, bytes); }

/// sched_setscheduler(2) with SCHED_BATCH: this thread, and those it makes, do not push others off a core when they wake.
static inline int sluice_batch_scheduling(void) {
  int priority = 0;
  return sched_setscheduler(0, 3, &priority);
}

/// prctl(2) PR_SET_NAME: what `top` and debuggers call this thread; 15 bytes of `name` count.
static inline int sluice_name_this_thread(const char *name) { return prctl(15, name, 0UL, 0UL, 0UL); }

/// prctl(2) PR_SET_PDEATHSIG with SIGKILL: this process is ended when the thread that started it ends.
static inline int sluice_die_with_parent(void) { return prctl(1, 9UL, 0UL, 0UL, 0UL); }

/// sched_getaffinity(2) of this process: the cores it may run on, one bit each; 0, or -1.
static inline int sluice_affinity(void *mask, unsigned long bytes) { return sched_getaffinity(0, bytes, mask); }

/// accept4(2) with SOCK_CLOEXEC.
static inline int sluice_accept(int listener) { return accept4(listener, (void *)0, (void *)0, 02000000); }

/// eventfd(2) with EFD_CLOEXEC and EFD_NONBLOCK, its counter at 0.
static inline int sluice_event(void) { return eventfd(0U, 02000000 | 04000); }

/// openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS: nothing outside `directory` is reached. Linux 5.6; its number
/// is the same on every architecture.
static inline int sluice_open_beneath(int directory, const char *path, unsigned long long flags) {
  unsigned long long how[3] = {flags, 0, 0x08 | 0x02};
  return (int)syscall(437L, directory, path, how, sizeof how);
}
