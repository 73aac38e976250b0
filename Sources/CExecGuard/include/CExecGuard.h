// Starts a command under a guard process that outlives neither the command nor the thread that asked for it.
//
// posix_spawn cannot set a death signal or resource limits, and a death signal reaches only one process. So a guard is
// forked between the caller and the command. When the command ends, when the guard gets SIGTERM, or when the calling
// thread ends (the kernel then sends that SIGTERM), the guard kills everything that descends from the command, in
// its session or out of it, reaps it, and ends.
#pragma once
// No header of the system's but this one: what they define would count as this module's to Swift.
#include <stdint.h>

/// What to run. All texts must stay valid during the call only.
struct sluice_exec_request {
  /// Absolute path.
  const char *executable;
  /// Ended by a null; the first is the command's own name.
  char *const *arguments;
  /// Ended by a null: NAME=VALUE.
  char *const *environment;
  /// Working directory.
  const char *directory;
  /// Becomes descriptor 0.
  int input;
  /// Becomes descriptors 1 and 2.
  int log;
  /// Becomes descriptor 3; no other is open in the command.
  int output;
  /// Where the guard writes its reports; the caller reads the other end.
  int report;
  /// RLIMIT_DATA of each process; 0 for none.
  uint64_t memory_bytes;
  /// RLIMIT_FSIZE of each process; 0 for none.
  uint64_t file_bytes;
};

/// What a guard reports: 8 bytes, written at once.
struct sluice_exec_report {
  int32_t kind;
  int32_t value;
};

/// Kinds of reports.
enum sluice_exec_report_kind {
  /// The command could not be started; the value is an errno.
  SLUICE_EXEC_FAILED = 1,
  /// The command and all that descended from it are gone; the value is the command's wait status.
  SLUICE_EXEC_ENDED = 2,
  /// The command's process is there; the value is its process id, which is also its session's and group's.
  SLUICE_EXEC_STARTED = 3,
};

/// Forks the guard. Answers its process id, or -1 with errno set.
///
/// To be called on a thread that lives until the report has come. The caller reaps the guard.
int sluice_exec_start(const struct sluice_exec_request *request);

/// pipe2(2), closed on exec; glibc hides it from Swift.
int sluice_exec_pipe(int ends[2]);

/// eventfd(2), closed on exec, not blocking.
int sluice_exec_event(void);

/// Asks for a pipe of that many bytes.
int sluice_exec_widen_pipe(int descriptor, int bytes);
