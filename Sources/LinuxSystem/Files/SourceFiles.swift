import Glibc
import SystemPackage

extension OwnedDescriptor {
  /// Opens the regular file at `path`, following links.
  public static func openingToRead(_ path: String) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(adopting: try systemCall("open", path) { open(path, O_RDONLY | O_CLOEXEC) })
  }

  /// Cuts or extends the open file to `bytes`.
  public func truncate(to bytes: Int) throws(SystemError) {
    try systemCall("ftruncate", "descriptor \(raw)") { ftruncate(raw, bytes) }
  }
}

/// Reads directories.
public enum DirectoryEntries {
  /// One name in a directory.
  public struct Entry: Sendable, Hashable {
    public let name: String
    /// True for a directory, or a link to one.
    public let isDirectory: Bool
  }

  /// The names in the directory at `path`, without "." and "..", sorted by their bytes.
  public static func of(_ path: String) throws(SystemError) -> [Entry] {
    guard let directory = opendir(path) else { throw SystemError("opendir", path, Errno(rawValue: errno)) }
    defer { closedir(directory) }
    var entries: [Entry] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        if errno != 0 { throw SystemError("readdir", path, Errno(rawValue: errno)) }
        break
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      entries.append(Entry(name: name, isDirectory: isDirectory("\(path)/\(name)", Int32(entry.pointee.d_type))))
    }
    return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private static func isDirectory(_ path: String, _ type: Int32) -> Bool {
    if type == Int32(DT_DIR) { return true }
    if type != Int32(DT_LNK), type != Int32(DT_UNKNOWN) { return false }
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
