import AdminDocuments
import DatasetModel
import ShardCache
import Synchronization
import WireProtocol

extension ShardService {
  /// Fetches a dataset's shards, in order, as far as the cache's limit allows; blocks the calling thread.
  ///
  /// - Parameter progress: told of every shard.
  func warm(
    _ dataset: LoadedDataset, _ progress: (PrefetchDocument) throws -> Void
  ) throws -> PrefetchDocument {
    let wanted = dataset.streams.flatMap { requests.requests(of: $0) }
    let room = cache.limits.total ?? Int.max
    var fitting: [ShardRequest] = []
    var bytes = 0
    for request in wanted where bytes + request.peakBytes <= room {
      fitting.append(request)
      bytes += request.residentBytes
    }
    var document = PrefetchDocument(
      shards: 0, totalShards: fitting.count, bytes: 0, totalBytes: fitting.reduce(0) { $0 + $1.shard.storedBytes },
      failures: [])
    if fitting.count < wanted.count {
      document.failures.append(
        "\(wanted.count - fitting.count) of \(wanted.count) shards do not fit the cache limit of "
          + ByteCount.describe(room))
    }
    // A few at a time keep the fetchers busy; what is fetched is told at once.
    for start in stride(from: 0, to: fitting.count, by: downloads) {
      let group = Array(fitting[start..<min(start + downloads, fitting.count)])
      for (request, failure) in try waitForTask({ [self] in await fetchAll(group) }) {
        document.shards += failure == nil ? 1 : 0
        document.bytes += failure == nil ? request.shard.storedBytes : 0
        if let failure, document.failures.count < 20 { document.failures.append(failure) }
      }
      try progress(document)
    }
    return document
  }

  private func fetchAll(_ group: [ShardRequest]) async -> [(ShardRequest, String?)] {
    let deadline = ContinuousClock.now + .seconds(waitSeconds)
    return await withTaskGroup(of: (ShardRequest, String?).self) { tasks in
      for request in group {
        tasks.addTask { [cache] in
          do {
            for lease in try await cache.acquire([request], deadline: deadline) { lease.release() }
            return (request, nil)
          } catch {
            return (request, "\(error)")
          }
        }
      }
      return await tasks.reduce(into: []) { $0.append($1) }
    }
  }
}
