import LinuxSystem
import Logging
import Synchronization

/// swift-log's door to a sink, behind a flood gate that all loggers of the process share.
public struct DaemonLogHandler: LogHandler {
  /// The flood gate and the level that a reload may change.
  public final class Shared: Sendable {
    fileprivate let sink: any LogSink
    fileprivate let gate = Mutex(FloodGate())
    private let shown: Mutex<Logger.Level>

    /// - Parameter level: the least serious that is shown.
    public init(sink: any LogSink, level: Logger.Level = .info) {
      self.sink = sink
      shown = Mutex(level)
    }

    /// Says how many records of floods that are over were held back.
    ///
    /// - Parameter until: seconds since 1970; infinite at the end of the process.
    public func tellHeldBack(until: Double = .infinity) {
      for (key, held) in gate.withLock({ $0.overdue(now: until) }) {
        let words = key.split(separator: " ", maxSplits: 1)
        let level = words.first.flatMap { Logger.Level(rawValue: String($0)) } ?? .notice
        sink.write(
          LogRecord(
            time: WallClock.seconds(), level: level, label: "sluiced", message: "like records held back",
            fields: [(name: "held", value: "\(held)"), (name: "like", value: String(words.last ?? ""))]))
      }
    }

    /// The least serious level that is shown, by every logger at once.
    public var level: Logger.Level {
      get { shown.withLock { $0 } }
      set { shown.withLock { $0 = newValue } }
    }
  }

  private let label: String
  private let shared: Shared
  public var metadata: Logger.Metadata = [:]
  /// One logger's own level, where somebody set one.
  private var ownLevel: Logger.Level?

  public var logLevel: Logger.Level {
    get { ownLevel ?? shared.level }
    set { ownLevel = newValue }
  }

  public init(label: String, shared: Shared) {
    self.label = label
    self.shared = shared
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  // swift-log's signature.
  public func log(event: LogEvent) {
    let now = WallClock.seconds()
    let text = event.message.description
    let (passes, held) = shared.gate.withLock { $0.admit("\(event.level) \(text)", now: now) }
    shared.tellHeldBack(until: now)
    guard passes else { return }
    var merged = metadata
    if let own = event.metadata { merged.merge(own) { $1 } }
    var fields = merged.map { (name: $0.key, value: $0.value.description) }.sorted { $0.name < $1.name }
    if held > 0 { fields.append((name: "like_it_before", value: "\(held)")) }
    shared.sink.write(LogRecord(time: now, level: event.level, label: label, message: text, fields: fields))
  }
}
