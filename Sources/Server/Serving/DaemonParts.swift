import AdminDocuments
import DaemonConfiguration
import LinuxSystem
import Logging
import ShardCache
import Synchronization
import WireProtocol

/// What a connection's thread needs of the daemon.
final class DaemonParts: Sendable {
  let datasets: DatasetCatalog
  let epochs: EpochService
  let shards: ShardService
  let sessions: SessionDirectory
  let health: HealthService
  let admin: AdminService
  let access: AccessRules
  let errors: RecentErrors
  let clock: DaemonClock
  let metrics: DaemonMetrics
  let drain = DrainGate()
  let logger: Logger
  /// Changes with every start.
  let instance: String

  init(
    datasets: DatasetCatalog, epochs: EpochService, shards: ShardService, sessions: SessionDirectory,
    health: HealthService, admin: AdminService, access: AccessRules, errors: RecentErrors, clock: DaemonClock,
    metrics: DaemonMetrics, logger: Logger, instance: String
  ) {
    self.datasets = datasets
    self.epochs = epochs
    self.shards = shards
    self.sessions = sessions
    self.health = health
    self.admin = admin
    self.access = access
    self.errors = errors
    self.clock = clock
    self.metrics = metrics
    self.logger = logger
    self.instance = instance
  }

  /// Logs and keeps an error that a client was told. What a client did wrong is a notice, what the daemon or the world
  /// did wrong is an error.
  ///
  /// - Parameter context: the session that the request is about.
  func noteError(
    _ reply: ErrorReply, of request: Request, peer: PeerCredentials, cause: any Error, context: Logger.Metadata = [:]
  ) {
    let code = reply.code.map { "\($0)" } ?? "\(reply.number)"
    metrics.refused(code)
    var metadata: Logger.Metadata = [
      "code": "\(code)", "request": "\(request.payload.kind)",
      "peer": "\(peer)", "error": "\(reply.message)",
    ]
    metadata.merge(context) { first, _ in first }
    if let cause = cause as? CacheError { metadata.merge(cause.logged) { first, _ in first } }
    if reply.number < ErrorCode.streamUnavailable.rawValue || reply.number >= ErrorCode.tooManyConnections.rawValue,
      reply.code != .internal
    {
      logger.notice("request refused", metadata: metadata)
    } else {
      logger.error("request failed", metadata: metadata)
      errors.note(reply.message)
    }
  }
}

/// Seconds on a clock that never goes back, from the daemon's start.
struct DaemonClock: Sendable {
  private let start = ContinuousClock.now

  /// Seconds since the start.
  var now: Double { start.duration(to: .now).seconds }
}

/// The last errors, for status.
final class RecentErrors: Sendable {
  static let kept = 20
  private let errors = Mutex<[RecentError]>([])

  func note(_ message: String) {
    let error = RecentError(time: WallClock.seconds(), message: message)
    errors.withLock { errors in
      errors.insert(error, at: 0)
      if errors.count > Self.kept { errors.removeLast() }
    }
  }

  /// Newest first.
  var all: [RecentError] { errors.withLock { $0 } }
}
