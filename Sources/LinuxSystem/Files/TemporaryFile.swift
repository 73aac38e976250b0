import Glibc

extension OwnedDescriptor {
  /// A new, empty file on the disk of `directory`, open for reading and writing and without a name: gone when its last
  /// descriptor is closed, however the process ends.
  public static func temporaryFile(in directory: String) throws(SystemError) -> OwnedDescriptor {
    let path = "\(directory)/.sluice-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    let file = OwnedDescriptor(
      adopting: try systemCall("open", path) { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) })
    try systemCall("unlink", path) { unlink(path) }
    return file
  }
}
