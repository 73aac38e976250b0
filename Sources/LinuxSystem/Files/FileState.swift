import Glibc
import SystemPackage

/// What tells one state of a file from another.
public struct FileState: Sendable, Hashable {
  public let bytes: Int
  public let inode: UInt64
  /// Time of the last change of the bytes, nanoseconds since 1970.
  public let modifiedNanoseconds: Int
}

extension OwnedDescriptor {
  /// Size, identity and time of the open file.
  public func state() throws(SystemError) -> FileState {
    var status = stat()
    try systemCall("fstat", "descriptor \(raw)") { fstat(raw, &status) }
    let time = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
    return FileState(bytes: Int(status.st_size), inode: UInt64(status.st_ino), modifiedNanoseconds: time)
  }
}
