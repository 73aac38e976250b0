import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import Logging
import StreamRegistry
import Synchronization
import Testing

@testable import Server

@Suite struct StreamChangesTests {
  /// A stream whose samples grow, and who tells when they did.
  private final class Growing: Sendable {
    let samples = Mutex(10)
    let notices = Mutex<AsyncStream<Void>.Continuation?>(nil)
    let asked = AsyncStream<Int>.makeStream()

    func grow(to count: Int) {
      samples.withLock { $0 = count }
      notices.withLock { _ = $0?.yield() }
    }
  }

  private struct Source: StreamSource {
    let stream: Growing
    var location: String { "growing://" }

    func manifest() async throws -> ManifestAnswer {
      let samples = stream.samples.withLock { $0 }
      let file = FileRecord(basename: "shard.00000.mds", bytes: 100 + samples)
      stream.asked.continuation.yield(samples)
      return .manifest(
        StreamManifest(
          shards: [ShardDescriptor(format: .mds, samples: samples, data: FilePair(raw: file), schema: 0)],
          schemas: [StreamSchema(format: .mds, columns: [ColumnSchema(name: "x", encoding: "int", size: 8)])]))
    }

    func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
      throw CancellationError()
    }

    func changes() -> AsyncStream<Void>? {
      let (notices, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
      stream.notices.withLock { $0 = continuation }
      return notices
    }
  }

  @Test("after a notice the index is loaded anew; what was opened before stays as it was", .timeLimit(.minutes(1)))
  func notices() async throws {
    let stream = Growing()
    var registry = StreamRegistry()
    try registry.register("growing") { _ in Source(stream: stream) }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let loader = ManifestLoader(
      store: nil, executor: QueueExecutor(label: "manifests"), fetch: RetryingFetch(),
      transfer: { TransferConfiguration() })
    let catalog = StreamCatalog(registry: registry, loader: loader, health: HealthService(), logger: logger)
    let configuration = StreamConfiguration(name: StreamName("web"), kind: "growing", remote: "growing://")
    let first = try await catalog.stream(configuration)
    var asked = stream.asked.stream.makeAsyncIterator()
    #expect(await asked.next() == 10)
    #expect(first.manifest.samples == 10)
    for count in [20, 30] {
      // Twice: the source that was made anew is listened to as the first one was.
      stream.grow(to: count)
      #expect(await asked.next() == count)
      while try await catalog.stream(configuration).manifest.samples != count { await Task.yield() }
    }
    #expect(first.manifest.samples == 10)
    catalog.forget(configuration)
  }
}
