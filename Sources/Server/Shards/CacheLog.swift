import Logging
import ShardCache

extension CacheEvent {
  /// What the log says of it: a constant message, by which a flood is told, and fields to search by.
  var logged: (message: Logger.Message, metadata: Logger.Metadata) {
    switch self {
    case .committed(let stream, let shard, let bytes, let seconds):
      (
        "shard committed",
        ["stream": "\(stream)", "shard": "\(shard)", "bytes": "\(bytes)", "seconds": "\(seconds)"]
      )
    case .evicted(let stream, let shard, let bytes):
      ("shard evicted", ["stream": "\(stream)", "shard": "\(shard)", "bytes": "\(bytes)"])
    case .failed(let stream, let shard, let attempt, let reason):
      (
        "shard failed",
        ["stream": "\(stream)", "shard": "\(shard)", "attempt": "\(attempt)", "error": "\(reason)"]
      )
    case .quarantined(let stream, let shard, let place, let reason):
      (
        "shard quarantined",
        ["stream": "\(stream)", "shard": "\(shard)", "place": "\(place)", "error": "\(reason)"]
      )
    case .swept(let place): ("leftover of an interrupted run removed", ["place": "\(place)"])
    case .foreign(let path): ("not a file of Sluice's, left alone", ["file": "\(path)"])
    case .diskShort(let missing, let free):
      ("the disk is short", ["missing_bytes": "\(missing)", "free_bytes": "\(free)"])
    case .stuck(let place, let reason): ("files could not be removed", ["place": "\(place)", "error": "\(reason)"])
    case .tight(let wanted, let limit, let leased, let held):
      (
        "the cache limit is tight, a request waits",
        [
          "wanted_bytes": "\(wanted)", "limit_bytes": "\(limit)", "leased_bytes": "\(leased)",
          "held_bytes": "\(held)",
        ]
      )
    }
  }
}

extension CacheError {
  /// Fields of the log for an error that names a shard.
  var logged: Logger.Metadata {
    var metadata: Logger.Metadata = [:]
    if let stream { metadata["stream"] = "\(stream)" }
    if let shard { metadata["shard"] = "\(shard)" }
    if attempts > 0 { metadata["attempt"] = "\(attempts)" }
    return metadata
  }
}
