import Glibc
import SystemPackage

/// What the file system knows of a socket's file.
public struct SocketFile: Hashable, Sendable {
  /// Which file it is, however its name changes.
  public struct Identity: Hashable, Sendable {
    let device: UInt
    let inode: UInt
  }

  public let path: String

  public init(path: String) { self.path = path }

  /// What is at the path: nil for nothing; false for something that is not a socket.
  public func isSocket() throws(SystemError) -> Bool? {
    guard let status = try status() else { return nil }
    return status.st_mode & S_IFMT == S_IFSOCK
  }

  /// Which file is at the path; nil for none.
  public func identity() throws(SystemError) -> Identity? {
    guard let status = try status() else { return nil }
    return Identity(device: status.st_dev, inode: status.st_ino)
  }

  /// Permission bits, as `chmod`.
  public func setMode(_ mode: UInt32) throws(SystemError) {
    try systemCall("chmod", path) { chmod(path, mode) }
  }

  /// The group that owns the file; the user stays.
  public func setGroup(_ group: UInt32) throws(SystemError) {
    try systemCall("chown", path) { chown(path, .max, group) }
  }

  /// Permission bits and group, as they are.
  public func permissions() throws(SystemError) -> (mode: UInt32, group: UInt32)? {
    guard let status = try status() else { return nil }
    return (status.st_mode & 0o7777, status.st_gid)
  }

  /// Takes the place of whatever is at `other`, at once.
  public func move(to other: SocketFile) throws(SystemError) {
    try systemCall("rename", "\(path) to \(other.path)") { rename(path, other.path) }
  }

  /// Removes the file; it is no error if there is none.
  public func remove() throws(SystemError) {
    do throws(SystemError) {
      try systemCall("unlink", path) { unlink(path) }
    } catch  where error.errno == .noSuchFileOrDirectory {}
  }

  private func status() throws(SystemError) -> stat? {
    var status = stat()
    do throws(SystemError) {
      try systemCall("lstat", path) { lstat(path, &status) }
      return status
    } catch  where error.errno == .noSuchFileOrDirectory {
      return nil
    }
  }
}
