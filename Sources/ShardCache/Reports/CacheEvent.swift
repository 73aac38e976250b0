import DatasetModel

/// Something an operator may want to read of later. `description` is one line for a log.
public enum CacheEvent: Sendable, CustomStringConvertible {
  case committed(stream: StreamName, shard: String, bytes: Int, seconds: Double)
  case evicted(stream: StreamName, shard: String, bytes: Int)
  /// A download failed; it may be tried again.
  case failed(stream: StreamName, shard: String, attempt: Int, reason: String)
  /// Files that cannot be trusted were moved away from where shards are served from.
  case quarantined(stream: StreamName, shard: String, place: String, reason: String)
  /// Files of an interrupted download or eviction were removed.
  case swept(place: String)
  /// A file that Sluice did not make lies in its directory; it is left alone.
  case foreign(path: String)
  /// The disk has less room than the limit allows for.
  case diskShort(missingBytes: Int, free: Int)
  /// Files could not be unlinked; their bytes stay counted.
  case stuck(place: String, reason: String)
  /// A claim waits because nothing can make room at once: the limit is tight.
  case tight(wanted: Int, limit: Int, leased: Int, heldByClients: Int)

  /// How serious it is: an operator is told of warnings.
  public var isWarning: Bool {
    switch self {
    case .committed, .evicted: false
    case .failed, .quarantined, .swept, .foreign, .diskShort, .stuck, .tight: true
    }
  }

  public var description: String {
    switch self {
    case .committed(let stream, let shard, let bytes, let seconds):
      "stream \(stream), shard \(shard): committed, \(ByteCount.describe(bytes)) in \(Int(seconds * 1000)) ms"
    case .evicted(let stream, let shard, let bytes):
      "stream \(stream), shard \(shard): evicted, \(ByteCount.describe(bytes))"
    case .failed(let stream, let shard, let attempt, let reason):
      "stream \(stream), shard \(shard): attempt \(attempt) failed: \(reason)"
    case .quarantined(let stream, let shard, let place, let reason):
      "stream \(stream), shard \(shard): quarantined as \(place): \(reason)"
    case .swept(let place): "removed what an interrupted run left: \(place)"
    case .foreign(let path): "not a file of Sluice's, left alone: \(path)"
    case .diskShort(let missing, let free):
      "the disk lacks \(ByteCount.describe(missing)) for the next shard: \(ByteCount.describe(free)) free"
    case .stuck(let place, let reason): "could not remove \(place), its bytes stay counted: \(reason)"
    case .tight(let wanted, let limit, let leased, let held):
      "the cache's \(ByteCount.describe(limit)) are tight, a request waits: \(ByteCount.describe(wanted)) wanted, "
        + "\(ByteCount.describe(leased)) in use, \(ByteCount.describe(held)) held open by clients"
    }
  }
}
