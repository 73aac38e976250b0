import AdminDocuments
import BuiltInStreams
import DatasetModel
import LinuxSystem
import Logging
import ShardCache
import Synchronization
import Transfer
import WireProtocol

extension ShardService {
  /// The cache for status.
  func cacheStatus() -> CacheStatus {
    let snapshot = cache.snapshot()
    let bytes = snapshot.bytes
    return CacheStatus(
      directory: cache.path, limit: snapshot.limit, used: bytes.used, reserved: bytes.reserved,
      unlinking: bytes.unlinking, leased: snapshot.leasedBytes, evictable: snapshot.evictableBytes,
      freeOnDisk: snapshot.diskLimit.map { max(0, $0 - bytes.counted) } ?? 0, shards: snapshot.shards,
      hits: snapshot.counters.hits, misses: snapshot.counters.misses, joins: snapshot.counters.joins,
      evictions: snapshot.counters.evictions, quarantined: bytes.quarantined, waiting: snapshot.waitingClaims,
      tightWaits: snapshot.counters.tightWaits, fetchedAhead: snapshot.aheadBytes,
      wastedPrefetches: snapshot.counters.wastedPrefetches, downloadedBytes: snapshot.counters.downloadedBytes,
      kept: keptStatus(),
      streams: snapshot.streams.map { stream in
        CacheStreamStatus(
          stream: stream.stream.rawValue, bytes: stream.bytes.used, limit: stream.limit, shards: stream.shards,
          pinned: stream.pinnedShards)
      },
      nextEvictions: snapshot.nextEvictions.map { next in
        let use = next.secondsUntilUse.map { "needed in \(Int($0)) s" } ?? "needed by nobody"
        return "\(next.stream)/\(next.shard), \(ByteCount.describe(next.bytes)), \(use)"
      })
  }

  /// What lies beside the shards, as far as it can be read.
  private func keptStatus() -> [KeptStatus] {
    keptBesides.withLock { $0 }.compactMap { what, kept in
      do throws(SystemError) {
        return KeptStatus(what: what, directory: kept.path, bytes: try kept.bytes(), limit: kept.limit)
      } catch {
        logger.warning("kept files cannot be counted", metadata: ["directory": "\(kept.path)", "error": "\(error)"])
        return nil
      }
    }
  }

  /// Downloads for status.
  func transferStatus() -> TransferStatus {
    let snapshot = fetch.statistics.snapshot(queued: fetch.waiting + fetchers.snapshot.waiting)
    var retries: [String: Int] = [:]
    for stream in snapshot.streams.values { retries.merge(stream.retries) { $0 + $1 } }
    return TransferStatus(
      bytes: snapshot.streams.values.reduce(0) { $0 + $1.bytes }, bytesPerSecond: snapshot.bytesPerSecond,
      attempts: snapshot.streams.values.reduce(0) { $0 + $1.attempts }, retries: retries, queued: snapshot.queued,
      active: snapshot.downloads.map { download in
        DownloadStatus(
          stream: download.stream.rawValue, file: download.file, bytes: download.received, total: download.bytes,
          attempt: download.attempt, seconds: download.seconds)
      },
      streams: snapshot.streams.sorted { $0.key < $1.key }.map { name, stream in
        StreamTransferStatus(
          stream: name.rawValue, files: stream.files, bytes: stream.bytes, seconds: stream.seconds,
          attempts: stream.attempts, retries: stream.retries.values.reduce(0, +),
          failures: stream.failures.values.reduce(0, +))
      })
  }

  /// Evicts, pins or unpins a stream or one of its shards.
  func change(_ verb: String, _ target: ShardArgument, streams: StreamCatalog) throws -> ShardChangeDocument {
    let stream = StreamName(target.stream)
    guard let standing = streams.standing(stream) else {
      throw ServerError(.badSpecification, "no stream is called \"\(target.stream)\"")
    }
    if case .ready(let loaded) = standing, let shard = target.shard,
      !loaded.manifest.shards.contains(where: { $0.data.raw.basename == shard })
    {
      throw ServerError(.badSpecification, "stream \(stream) has no shard \"\(shard)\"")
    }
    if verb == "evict" {
      let report = cache.evict(stream, shard: target.shard)
      let skipped = report.inUse > 0 ? ["\(report.inUse) shards that are in use"] : []
      return ShardChangeDocument(shards: report.shards, bytes: report.bytes, skipped: skipped)
    }
    let pin = CachePin(stream: stream, shard: target.shard)
    try waitForTask { [cache] in
      if verb == "pin" { try await cache.pin(pin) } else { try await cache.unpin(pin) }
    }
    let now = cache.snapshot().streams.first { $0.stream == stream }
    return ShardChangeDocument(shards: now?.shards ?? 0, bytes: now?.bytes.used ?? 0, skipped: [])
  }
}
