internal import CLinux
import Glibc
import SystemPackage

extension OwnedDescriptor {
  /// Writes the file's data and length, or the directory's entries, to the disk.
  public func sync() throws(SystemError) {
    try systemCall("fsync", "descriptor \(raw)") { fsync(raw) }
  }

  /// Takes disk space for the first `bytes` bytes without changing the file's length, so that writing them cannot run out
  /// of it. A file system that cannot is left as it is; answers whether it could.
  @discardableResult
  public func allocate(bytes: Int) throws(SystemError) -> Bool {
    guard bytes > 0 else { return true }
    do throws(SystemError) {
      try systemCall("fallocate", "descriptor \(raw)") { sluice_allocate(raw, bytes) }
      return true
    } catch {
      guard error.errno == .notSupported || error.errno == .noFunction else { throw error }
      return false
    }
  }

  /// Tells the kernel that the file's cached pages are not needed soon.
  public func forgetPages() {
    _ = posix_fadvise(raw, 0, 0, POSIX_FADV_DONTNEED)
  }
}
