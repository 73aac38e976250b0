import LinuxSystem
import Synchronization

/// Where a remote's index lies while it is read: in a file without a name on the cache's disk, so that it takes no memory
/// that the machine cannot have back at once; in memory where there is no such disk, or no room on it.
public final class IndexSpool: Sendable {
  private struct Disk {
    let directory: String
    let reserve: Int
  }

  private let disk = Mutex<Disk?>(nil)

  public init() {}

  /// Puts indexes on the disk of `directory` from now on: kinds are registered before the configuration names it.
  ///
  /// - Parameter reserve: bytes of the disk that stay free even while the largest index lies there.
  public func use(_ directory: String, reserve: Int) {
    disk.withLock { $0 = Disk(directory: directory, reserve: reserve) }
  }

  /// A new, empty file for an index of unknown length.
  func file() throws(SystemError) -> OwnedDescriptor {
    if let disk = disk.withLock({ $0 }), let file = Self.file(on: disk) { return file }
    return try .memoryFile("sluice-index")
  }

  /// nil where the disk cannot take the largest index there may be: the stream must load for all that.
  private static func file(on disk: Disk) -> OwnedDescriptor? {
    do throws(SystemError) {
      let free = try Directory(path: disk.directory).freeSpace().available
      return free - RemoteSource.indexLimit >= disk.reserve ? try .temporaryFile(in: disk.directory) : nil
    } catch { return nil }
  }
}
