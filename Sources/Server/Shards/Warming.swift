import AdminDocuments
import DatasetModel
import ShardCache

extension ShardService {
  /// Fetches a dataset's shards, in order, as far as they fit without evicting what sessions need; blocks the calling
  /// thread.
  ///
  /// - Parameter progress: told how far it is after a shard; what it throws ends the warming.
  func warm(
    _ dataset: LoadedDataset, _ progress: (PrefetchDocument) throws -> Void
  ) throws -> PrefetchDocument {
    let wanted = dataset.streams.flatMap { requests.requests(of: $0) }.filter { !$0.isReadInPlace }
    let news = LatestNews<WarmProgress>()
    let warming = Task { [cache, downloads, waitSeconds] in
      let end = await cache.warm(wanted, downloads: downloads, deadline: .seconds(waitSeconds)) { news.put($0) }
      news.put(end)
      news.finish()
      return end
    }
    // When the client is gone nobody wants the rest; after the end this does nothing.
    defer { warming.cancel() }
    while let report = news.next() { try progress(Self.document(report)) }
    return Self.document(try waitForTask { await warming.value }, limit: cache.limits.total)
  }

  private static func document(_ report: WarmProgress, limit: Int? = nil) -> PrefetchDocument {
    var failures = report.failures
    if report.failed > failures.count { failures.append("and \(report.failed - failures.count) others") }
    if report.unfit > 0 {
      let room = limit.map { "the cache's \(ByteCount.describe($0))" } ?? "the cache"
      failures.append(
        "\(report.unfit) of \(report.shards) shards do not fit in \(room) beside the others and what sessions need")
    }
    return PrefetchDocument(
      shards: report.done, totalShards: report.shards, bytes: report.bytes, totalBytes: report.totalBytes,
      failures: failures)
  }
}
