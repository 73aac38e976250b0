import Glibc
import SystemPackage

/// What a name in a directory stands for.
public enum FileKind: Sendable, Hashable {
  case file
  case directory
  case other
}

/// One name in a directory.
public struct DirectoryEntry: Sendable, Hashable {
  public let name: String
  public let kind: FileKind
}

/// What the file system knows of a file.
public struct FileStatus: Sendable, Hashable {
  public let kind: FileKind
  public let bytes: Int
  /// Seconds since 1970.
  public let modified: Double
  public let device: UInt64
  public let inode: UInt64

  init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .directory
      default: .other
      }
    bytes = Int(status.st_size)
    modified = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }
}

extension Directory {
  /// The directory's names, sorted, without `.` and `..`. Names that are not UTF-8 come with U+FFFD and cannot be opened.
  public func entries() throws(SystemError) -> [DirectoryEntry] {
    let raw = try systemCall("openat", path) { openat(handle.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard let list = fdopendir(raw) else {
      let code = errno
      _ = close(raw)
      throw SystemError("fdopendir", path, Errno(rawValue: code))
    }
    defer { closedir(list) }
    var entries: [DirectoryEntry] = []
    while true {
      errno = 0
      guard let entry = readdir(list) else {
        if errno != 0 { throw SystemError("readdir", path, Errno(rawValue: errno)) }
        break
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      let kind: FileKind
      switch Int(entry.pointee.d_type) {
      case Int(DT_REG): kind = .file
      case Int(DT_DIR): kind = .directory
      case Int(DT_UNKNOWN): kind = try status(of: name)?.kind ?? .other
      default: kind = .other
      }
      entries.append(DirectoryEntry(name: name, kind: kind))
    }
    return entries.sorted { $0.name < $1.name }
  }

  /// The status of `name` itself, a symbolic link not followed; nil where there is none.
  public func status(of name: String) throws(SystemError) -> FileStatus? {
    var status = stat()
    do throws(SystemError) {
      try systemCall("fstatat", child(name)) { fstatat(handle.raw, name, &status, AT_SYMLINK_NOFOLLOW) }
    } catch {
      guard error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory else { throw error }
      return nil
    }
    return FileStatus(status)
  }
}

extension OwnedDescriptor {
  /// The status of the open file.
  public func status() throws(SystemError) -> FileStatus {
    var status = stat()
    try systemCall("fstat", "descriptor \(raw)") { fstat(raw, &status) }
    return FileStatus(status)
  }
}
