import DatasetModel
import LinuxSystem

/// A file that a provider fills. It has a temporary name and is verified before anybody reads it.
public struct ShardStaging: Sendable {
  /// Open for reading and writing, empty when the attempt begins.
  public let descriptor: OwnedDescriptor
  /// 1 for the first fetch; higher when what came before was not what the index says.
  public let attempt: Int
  /// The digest algorithm that the file will be checked by, as the index names it; nil when it states none that is
  /// known. A provider that checks it can try again in its own way, and spares the cache the reading.
  public let digest: String?
  /// True when nobody waited for the shard as the download began.
  public let isPrefetch: Bool
  /// Tell it of bytes as they arrive, for progress; cheap and callable from any thread.
  public let progress: @Sendable (_ additionalBytes: Int) -> Void
}
