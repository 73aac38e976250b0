import Glibc
import SystemPackage

/// Directories and files that a command line tool makes for its user, with the permissions that the user's umask leaves.
public enum OutputDirectory {
  /// Makes the directory at `path` with its parents; one that exists is kept.
  public static func make(_ path: String) throws(SystemError) {
    var current = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      current += "/\(part)"
      do throws(SystemError) {
        try systemCall("mkdir", current) { mkdir(current, 0o777) }
      } catch {
        guard error.errno == .fileExists else { throw error }
      }
    }
  }

  /// Removes the directory at `path`, which must be empty.
  public static func remove(_ path: String) throws(SystemError) {
    try systemCall("rmdir", path) { rmdir(path) }
  }

  /// Makes the file at `path`, open for writing; one that exists is an error.
  public static func create(_ path: String) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try systemCall("open", path) { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) })
  }

  /// Whether `path` is a directory, or a link to one.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
