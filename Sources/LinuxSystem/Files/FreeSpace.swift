import Glibc

/// Room on a file system.
public struct FreeSpace: Sendable, Hashable {
  /// Bytes that this user can still write.
  public let available: Int
  /// Bytes of the whole file system.
  public let total: Int
}

extension Directory {
  /// The room on the file system that holds this directory.
  public func freeSpace() throws(SystemError) -> FreeSpace {
    var status = statvfs()
    try systemCall("fstatvfs", path) { fstatvfs(handle.raw, &status) }
    let unit = Int(clamping: status.f_frsize)
    func bytes(_ blocks: fsblkcnt_t) -> Int {
      let (product, overflow) = Int(clamping: blocks).multipliedReportingOverflow(by: unit)
      return overflow ? Int.max : product
    }
    return FreeSpace(available: bytes(status.f_bavail), total: bytes(status.f_blocks))
  }
}
