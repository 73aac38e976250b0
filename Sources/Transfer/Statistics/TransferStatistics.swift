import DatasetModel
import Synchronization

/// What downloads have done and are doing: counted as it happens, read by operators.
public final class TransferStatistics: Sendable {
  private let clock: TransferClock
  private let ledger: Mutex<StatisticsLedger>

  public init(clock: TransferClock = .steady) {
    self.clock = clock
    ledger = Mutex(StatisticsLedger(started: clock.now()))
  }

  /// A download begins; the number stands for it until `ended`.
  public func began(stream: StreamName, file: String, bytes: Int) -> Int {
    ledger.withLock { $0.began(stream: stream, file: file, bytes: bytes, now: clock.now()) }
  }

  /// Another attempt begins, with `kept` bytes of the file there already.
  public func attempted(_ download: Int, kept: Int) {
    ledger.withLock { $0.attempted(download, kept: kept, now: clock.now()) }
  }

  /// Bytes arrived.
  public func moved(_ download: Int, bytes: Int) {
    ledger.withLock { $0.moved(download, bytes: bytes, now: clock.now()) }
  }

  /// An attempt failed for `cause`, a short name from a small set.
  public func failed(_ download: Int, cause: String, isRetried: Bool) {
    ledger.withLock { $0.failed(download, cause: cause, isRetried: isRetried) }
  }

  /// The download is over.
  public func ended(_ download: Int, delivered: Bool) {
    ledger.withLock { $0.ended(download, delivered: delivered, now: clock.now()) }
  }

  /// Everything at this moment.
  ///
  /// - Parameter queued: requests that wait for a fetcher or for a host.
  public func snapshot(queued: Int = 0) -> TransferSnapshot {
    ledger.withLock { $0.snapshot(now: clock.now(), queued: queued) }
  }
}

/// Downloads at one moment.
public struct TransferSnapshot: Sendable, Hashable {
  /// One stream's downloads since the start.
  public struct Stream: Sendable, Hashable {
    /// Bytes that crossed the network or the disk, those of failed attempts included.
    public var bytes = 0
    /// Seconds of all its downloads together, waiting for retries included.
    public var seconds = 0.0
    /// Files delivered, verified.
    public var files = 0
    public var attempts = 0
    /// Failed attempts that were followed by another, by cause.
    public var retries: [String: Int] = [:]
    /// Downloads given up, by their last cause.
    public var failures: [String: Int] = [:]
  }

  /// A download under way.
  public struct Download: Sendable, Hashable {
    public let stream: StreamName
    /// Path below the stream's root.
    public let file: String
    /// Length in bytes; 0 when unknown.
    public let bytes: Int
    public let received: Int
    /// From 1.
    public let attempt: Int
    public let seconds: Double
  }

  public let streams: [StreamName: Stream]
  /// The oldest first.
  public let downloads: [Download]
  /// Bytes per second over the last ten seconds.
  public let bytesPerSecond: Double
  /// Requests that wait for a fetcher or a host.
  public let queued: Int
}
