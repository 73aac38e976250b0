import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import ShardCache
import StreamRegistry
import Synchronization
import Transfer

/// What the cache is asked for each shard, made once a shard.
final class ShardRequests: Sendable {
  private let fetch: RetryingFetch
  private let live: LiveConfiguration
  private let made = Mutex<[Int: Made]>([:])

  /// A stream's requests so far: those asked for one by one, or all.
  private struct Made {
    var some: [Int: ShardRequest] = [:]
    var all: [ShardRequest]?

    subscript(shard: Int) -> ShardRequest? { all?[shard] ?? some[shard] }
  }

  init(fetch: RetryingFetch, live: LiveConfiguration) {
    self.fetch = fetch
    self.live = live
  }

  /// The request for one shard.
  func request(for place: SamplePlaces.ShardPlace) -> ShardRequest {
    let known = made.withLock { $0[place.stream.number]?[place.shard] }
    if let known { return known }
    let request = make(place.stream, place.shard)
    made.withLock { $0[place.stream.number, default: Made()].some[place.shard] = request }
    return request
  }

  /// The requests for all shards of a stream, in order.
  func requests(of stream: LoadedStream) -> [ShardRequest] {
    // Every session asks for them at every epoch, and a stream may have a million shards.
    let known = made.withLock { $0[stream.number] ?? Made() }
    if let all = known.all { return all }
    let all = (0..<stream.manifest.shards.count).map { known[$0] ?? make(stream, $0) }
    made.withLock { $0[stream.number] = Made(all: all) }
    return all
  }

  /// Forgets the streams that nobody uses any more.
  func keep(only streams: Set<Int>) {
    made.withLock { made in made = made.filter { streams.contains($0.key) } }
  }

  private func make(_ stream: LoadedStream, _ shard: Int) -> ShardRequest {
    let configuration = stream.configuration
    let source: ShardRequest.Source =
      if let directory = stream.source.localDirectory {
        .directory(directory)
      } else {
        .provider(StreamProvider(stream: stream, fetch: fetch, live: live))
      }
    return ShardRequest(
      stream: stream.name, location: stream.source.location, shard: stream.manifest.shards[shard], source: source,
      validateHash: configuration.validateHash, keepZip: configuration.keepZip, attempts: configuration.downloadRetry)
  }
}

/// A stream's source as the cache's provider: with retries, back-off and the node's limits around every fetch.
struct StreamProvider: ShardProvider {
  let stream: LoadedStream
  let fetch: RetryingFetch
  let live: LiveConfiguration

  func fetch(_ file: FileRecord, into staging: ShardStaging) async throws -> String? {
    let transfer = live.value.transfer
    var policy = RetryPolicy(attempts: stream.configuration.downloadRetry)
    policy.firstDelay = transfer.retrySeconds
    policy.longestDelay = transfer.retryMaximumSeconds
    if staging.attempt > 1 {
      // What the cache alone could find wrong (it does not decompress) is fetched anew in rounds of one attempt each, so
      // that in all there are not attempts times attempts.
      try await fetch.pause(before: staging.attempt, policy)
      policy.attempts = 1
    }
    var limits = FetchLimits()
    limits.idleSeconds = stream.configuration.downloadTimeout
    limits.minimumBytesPerSecond = Double(transfer.minimumRate)
    limits.deadlineSeconds = transfer.deadlineSeconds
    do {
      _ = try await fetch.fetch(
        file, of: stream.name, from: stream.source, policy: policy, limits: limits,
        verification: try Verification(of: file, by: staging.digest),
        into: StagingFile(descriptor: staging.descriptor, progress: staging.progress))
    } catch let error as StreamFetchError where error.isCorrupt {
      throw CacheError(
        .corrupt, "\(error)", stream: error.stream, shard: error.file, attempts: error.attempts, cause: error)
    }
    return staging.digest
  }
}
