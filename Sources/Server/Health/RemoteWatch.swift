import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import Logging
import ShardCache
import StreamRegistry
import Synchronization
import Transfer

/// Tells health of remotes whose shards do not come: a remote can die long after its index was loaded, while what is
/// cached still serves.
///
/// The trouble with a shard that failed passes with the next shard that comes, or when the remote answers for its index
/// again (LoadingService asks from time to time). That of a remote which only asks for fewer requests passes with the
/// first bytes, or when nobody wants any: its index may well come while its shards do not.
final class RemoteWatch: Sendable {
  /// Seconds without a byte from a busy remote that an operator need not know of. Pauses double from one second on, so
  /// that this is some six answers in a row.
  private static let patience = 60.0

  private let health: HealthService
  private let live: LiveConfiguration
  private let clock: DaemonClock
  private let logger: Logger
  private let busy = Mutex(BusyRemotes())

  init(health: HealthService, live: LiveConfiguration, clock: DaemonClock, logger: Logger) {
    self.health = health
    self.live = live
    self.clock = clock
    self.logger = logger
  }

  func observe(_ event: CacheEvent) {
    switch event {
    case .failed(let stream, let shard, _, let reason):
      // Streams that trainers bring along are theirs to watch.
      guard live.value.stream(stream) != nil else { return }
      busy.withLock { busy in
        // What is told already says it better: who fails now has been refused all the time.
        if busy.isTold(stream) { return }
        health.trouble(Self.name(stream), "stream \(stream): shards do not come (\(shard): \(reason))")
      }
    case .committed(let stream, _, _, _):
      health.trouble(Self.name(stream), nil)
      busy.withLock { if $0.arrived(stream) { passed(stream) } }
    case .diskShort: health.trouble("disk", "\(event)")
    default: break
    }
  }

  /// A download failed and is tried again.
  func observe(_ notice: RetryNotice) {
    let error = notice.error
    guard error.last.slowDown, live.value.stream(error.stream) != nil else { return }
    busy.withLock { $0.refused(error.stream, error.last.message, now: clock.now) }
  }

  /// Looks at what has come from the busy remotes; to be called every few seconds.
  func look(_ transfers: TransferSnapshot) {
    let configuration = live.value
    // Trainers are to learn that something is wrong from the operator, and not the other way round.
    let patience = min(Self.patience, configuration.waitSeconds / 2)
    busy.withLock { busy in
      let findings = busy.look(
        bytes: transfers.streams.mapValues(\.bytes),
        wanted: Set(transfers.downloads.map(\.stream)).filter { configuration.stream($0) != nil },
        patience: patience, now: clock.now)
      for (stream, finding) in findings {
        switch finding {
        case .passed: passed(stream)
        case .silent(let seconds, let answer, let isNew):
          health.trouble(Self.name(stream), nil)
          health.trouble(
            Self.busyName(stream),
            "stream \(stream): nothing has come for \(seconds) s, its remote only wants fewer requests (\(answer))")
          if isNew {
            logger.warning(
              "nothing comes from a remote that wants fewer requests",
              metadata: ["stream": "\(stream)", "seconds": "\(seconds)", "error": "\(answer)"])
          }
        }
      }
    }
  }

  private func passed(_ stream: StreamName) {
    health.trouble(Self.busyName(stream), nil)
    logger.notice("a remote that wanted fewer requests is waited for no more", metadata: ["stream": "\(stream)"])
  }

  /// What the trouble with a stream's shards is called.
  static func name(_ stream: StreamName) -> String { "shards of \(stream)" }

  private static func busyName(_ stream: StreamName) -> String { "\(name(stream)), refused" }
}
