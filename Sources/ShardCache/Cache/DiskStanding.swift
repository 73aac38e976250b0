import LinuxSystem
import Synchronization

/// How full the cache's disk is.
public struct DiskStanding: Sendable, Hashable {
  /// Bytes that can still be written, and bytes that the limits want kept free.
  public let free: Int
  public let reserve: Int
  /// Somebody waits because the disk was full.
  public let isShort: Bool
}

extension ShardCache {
  /// The disk as it is now.
  ///
  /// - Throws: `directory` when it cannot be asked.
  public func diskStanding() async throws(CacheError) -> DiskStanding {
    let root = files.layout.root
    let free: Int
    do {
      free = try await pool.run { () throws(SystemError) in try root.freeSpace().available }
    } catch {
      throw CacheError(system: error)
    }
    return state.withLock { state in
      DiskStanding(
        free: free, reserve: state.ledger.limits.freeSpaceReserve, isShort: state.ledger.isShortOfDisk)
    }
  }
}
