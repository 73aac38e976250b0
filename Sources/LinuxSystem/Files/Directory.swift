internal import CLinux
import Glibc
import SystemPackage

/// An open directory. What it is asked to do happens below it by name and never follows a symbolic link (or, where
/// it says so, none that leads out), so that nothing outside is reached whoever writes to the path meanwhile.
public struct Directory: Sendable {
  /// For messages only.
  public let path: String
  public let handle: OwnedDescriptor

  /// Opens the directory at `path`.
  public init(path: String) throws(SystemError) {
    self.path = path
    handle = OwnedDescriptor(
      adopting: try systemCall("open", path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
  }

  init(path: String, handle: OwnedDescriptor) {
    self.path = path
    self.handle = handle
  }

  /// Opens the directory at `path` and makes it first, with its parents, for this user only, where it does not exist.
  public static func making(path: String) throws(SystemError) -> Directory {
    var missing: [String] = []
    var upper = path
    while !upper.isEmpty, upper != "/", access(upper, F_OK) != 0 {
      missing.append(upper)
      upper = parent(of: upper)
    }
    for directory in missing.reversed() {
      do throws(SystemError) {
        try systemCall("mkdir", directory) { mkdir(directory, 0o700) }
      } catch {
        guard error.errno == .fileExists else { throw error }
      }
      try Directory(path: parent(of: directory)).sync()
    }
    return try Directory(path: path)
  }

  private static func parent(of path: String) -> String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
    return (path.hasPrefix("/") ? "/" : parts.isEmpty ? "." : "") + parts.joined(separator: "/")
  }

  /// The directory `name` below this one.
  public func directory(_ name: String) throws(SystemError) -> Directory {
    let subject = child(name)
    let raw = try systemCall("openat", subject) {
      openat(handle.raw, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }
    return Directory(path: subject, handle: OwnedDescriptor(adopting: raw))
  }

  /// Makes the directory `name` below this one, for this user only; one that exists is an error unless `orOpen`.
  public func makeDirectory(_ name: String, orOpen: Bool = false) throws(SystemError) -> Directory {
    do throws(SystemError) {
      try systemCall("mkdirat", child(name)) { mkdirat(handle.raw, name, 0o700) }
    } catch {
      guard orOpen, error.errno == .fileExists else { throw error }
    }
    return try directory(name)
  }

  /// Opens the file `name` for reading.
  public func open(_ name: String) throws(SystemError) -> OwnedDescriptor {
    try openFile(name, O_RDONLY)
  }

  /// Makes the file `name`, for this user only, open for reading and writing; one that exists is an error.
  public func create(_ name: String) throws(SystemError) -> OwnedDescriptor {
    try openFile(name, O_RDWR | O_CREAT | O_EXCL)
  }

  /// Opens the file `name` for reading and writing, and makes it where it does not exist.
  public func openOrCreate(_ name: String) throws(SystemError) -> OwnedDescriptor {
    try openFile(name, O_RDWR | O_CREAT)
  }

  private func openFile(_ name: String, _ flags: CInt) throws(SystemError) -> OwnedDescriptor {
    let subject = child(name)
    return OwnedDescriptor(
      adopting: try systemCall("openat", subject) {
        openat(handle.raw, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0o600)
      })
  }

  /// Removes the file `name`.
  public func unlink(_ name: String) throws(SystemError) {
    try systemCall("unlinkat", child(name)) { unlinkat(handle.raw, name, 0) }
  }

  /// Removes the directory `name`, which must be empty.
  public func removeDirectory(_ name: String) throws(SystemError) {
    try systemCall("unlinkat", child(name)) { unlinkat(handle.raw, name, AT_REMOVEDIR) }
  }

  /// Renames `name` to `newName` in `target` on the same file system; an existing `newName` is an error (EEXIST).
  public func move(_ name: String, to target: Directory, as newName: String) throws(SystemError) {
    do throws(SystemError) {
      try systemCall("renameat2", child(name)) {
        sluice_rename_new(handle.raw, name, target.handle.raw, newName)
      }
    } catch {
      guard error.errno == .invalidArgument || error.errno == .noFunction else { throw error }
      // A file system without the flag. Only one process works in these directories, so asking first is enough.
      guard try target.status(of: newName) == nil else {
        throw SystemError("renameat", target.child(newName), .fileExists)
      }
      try replace(with: name, in: target, as: newName)
    }
  }

  /// Renames `name` to `newName` in `target`, atomically in place of a file of that name.
  public func replace(with name: String, in target: Directory, as newName: String) throws(SystemError) {
    try systemCall("renameat", child(name)) { renameat(handle.raw, name, target.handle.raw, newName) }
  }

  /// Writes the directory's entries to the disk: after it returns they survive a crash of the machine.
  public func sync() throws(SystemError) { try handle.sync() }

  /// `name` below this directory, for messages.
  public func child(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }
}
