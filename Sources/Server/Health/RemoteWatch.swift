import DaemonConfiguration
import DatasetModel
import ShardCache

/// Tells health of remotes whose shards do not come: a remote can die long after its index was loaded, while what is
/// cached still serves.
///
/// The trouble passes with the next shard that comes, or when the remote answers for its index again (LoadingService
/// asks from time to time).
struct RemoteWatch: Sendable {
  let health: HealthService
  let live: LiveConfiguration

  func observe(_ event: CacheEvent) {
    switch event {
    case .failed(let stream, let shard, _, let reason):
      // Streams that trainers bring along are theirs to watch.
      guard live.value.stream(stream) != nil else { return }
      health.trouble(Self.name(stream), "stream \(stream): shards do not come (\(shard): \(reason))")
    case .committed(let stream, _, _, _): health.trouble(Self.name(stream), nil)
    case .diskShort: health.trouble("disk", "\(event)")
    default: break
    }
  }

  /// What the trouble with a stream's shards is called.
  static func name(_ stream: StreamName) -> String { "shards of \(stream)" }
}
