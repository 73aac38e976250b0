import Glibc
import SystemPackage

/// Small files that a directory keeps whole: each is there completely or not at all, whatever is killed when.
public enum KeptFiles {
  static let partialPrefix = ".partial-"

  /// Whether a name is that of a write under way, or of one that never finished.
  public static func isPartial(_ name: String) -> Bool { name.hasPrefix(partialPrefix) }

  /// Writes `path` by `emit`, which is handed a function to write with: under another name first, synced, renamed.
  public static func replace(
    _ path: String, mode: UInt16 = 0o600,
    emit: ((UnsafeRawBufferPointer) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) throws(SystemError) {
    let (directory, name) = split(path)
    let partial = "\(directory)/\(partialPrefix)\(getpid())-\(name)"
    let file = OwnedDescriptor(
      adopting: try systemCall("open", partial) {
        open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode_t(mode))
      })
    do throws(SystemError) {
      var written = 0
      try emit { (bytes) throws(SystemError) in
        try file.write(bytes, at: written)
        written += bytes.count
      }
      try systemCall("fsync", partial) { fsync(file.raw) }
      try systemCall("rename", path) { rename(partial, path) }
    } catch {
      unlink(partial)
      throw error
    }
    try syncDirectory(directory)
  }

  /// Makes a directory and those above it that are missing.
  public static func makeDirectory(_ path: String, mode: UInt16 = 0o700) throws(SystemError) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/\(part)"
      do throws(SystemError) {
        try systemCall("mkdir", made) { mkdir(made, mode_t(mode)) }
      } catch {
        if error.errno != .fileExists { throw error }
      }
    }
  }

  /// Removes a file; that there is none is no error.
  public static func remove(_ path: String) throws(SystemError) {
    do throws(SystemError) {
      try systemCall("unlink", path) { unlink(path) }
    } catch {
      if error.errno != .noSuchFileOrDirectory { throw error }
    }
  }

  /// Notes that a file was used now, so that the least recently used can be told.
  public static func touch(_ path: String) throws(SystemError) {
    try systemCall("utimensat", path) { utimensat(AT_FDCWD, path, nil, 0) }
  }

  /// Makes names in a directory survive a power cut.
  static func syncDirectory(_ path: String) throws(SystemError) {
    let directory = OwnedDescriptor(
      adopting: try systemCall("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    try systemCall("fsync", path) { fsync(directory.raw) }
  }

  private static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = path[..<slash]
    return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
  }
}
