import BuiltInStreams
import ServiceLifecycle
import Transfer

/// Looks from time to time whether anything comes from remotes that ask for fewer requests.
struct RemoteWatchService: Service {
  /// Seconds between looks.
  static let interval = 2.0

  let shards: ShardService

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        shards.remotes.look(shards.fetch.statistics.snapshot())
        do { try await Task.sleep(for: .seconds(Self.interval)) } catch { return }
      }
    }
  }
}
