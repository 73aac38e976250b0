import AdminDocuments
import DatasetModel
import ShardCache

extension WaitStatus {
  /// A wait as status shows it; `standing` is what the cache knows of one for shards.
  init(_ wait: SessionProgress.Wait, _ standing: WaitSnapshot?, now: Double) {
    let outstanding = standing?.outstanding ?? []
    let cause =
      wait.shards == nil ? "plan" : (outstanding.last { $0.phase != .queue } ?? outstanding.last)?.phase.rawValue
    self.init(
      cause: cause ?? ShardPhase.verify.rawValue, what: wait.what, seconds: max(0, now - wait.since),
      outstanding: outstanding.map { shard in
        OutstandingStatus(
          stream: shard.stream.rawValue, shard: shard.shard, phase: shard.phase.rawValue, bytes: shard.bytes,
          total: shard.totalBytes, attempt: shard.attempt, cause: shard.cause)
      }, room: standing?.room)
  }

  /// Takes up the attempts that the transfers know of: the cache counts only what came whole and was wrong.
  mutating func note(_ active: [DownloadStatus]) {
    for index in outstanding.indices {
      let shard = outstanding[index]
      for download in active where download.stream == shard.stream && download.file.hasPrefix(shard.shard) {
        outstanding[index].attempt = max(shard.attempt, download.attempt)
      }
    }
  }
}
