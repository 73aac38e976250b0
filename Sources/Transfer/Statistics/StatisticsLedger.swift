import DatasetModel

/// The counting behind `TransferStatistics`: a plain value; times are seconds on any steady clock.
struct StatisticsLedger: Sendable {
  /// Seconds over which the rate is taken.
  static let window = 10
  /// The most streams that are told apart; the rest are counted together under the name "…".
  static let streamLimit = 4096

  private struct Download {
    let stream: StreamName
    let file: String
    let bytes: Int
    let started: Double
    var received = 0
    var attempt = 0
    var lastCause: String?
  }

  private var streams: [StreamName: TransferSnapshot.Stream] = [:]
  private var downloads: [Int: Download] = [:]
  private var nextID = 0
  private let started: Double
  /// Bytes by second, in a ring; `seconds` says which second a place holds.
  private var buckets = [Int](repeating: 0, count: window + 1)
  private var seconds = [Int](repeating: -1, count: window + 1)

  init(started: Double) { self.started = started }

  mutating func began(stream: StreamName, file: String, bytes: Int, now: Double) -> Int {
    let name = streams[stream] == nil && streams.count >= Self.streamLimit ? "…" : stream
    nextID += 1
    downloads[nextID] = Download(stream: name, file: file, bytes: bytes, started: now)
    return nextID
  }

  mutating func attempted(_ id: Int, kept: Int, now: Double) {
    guard var download = downloads[id] else { return }
    download.attempt += 1
    download.received = kept
    downloads[id] = download
    streams[download.stream, default: .init()].attempts += 1
  }

  mutating func moved(_ id: Int, bytes: Int, now: Double) {
    guard let stream = downloads[id]?.stream else { return }
    downloads[id]?.received += bytes
    streams[stream, default: .init()].bytes += bytes
    let second = Int(now.rounded(.down))
    let place = second % buckets.count
    if seconds[place] != second {
      seconds[place] = second
      buckets[place] = 0
    }
    buckets[place] += bytes
  }

  mutating func failed(_ id: Int, cause: String, isRetried: Bool) {
    guard let stream = downloads[id]?.stream else { return }
    downloads[id]?.lastCause = cause
    if isRetried { streams[stream, default: .init()].retries[cause, default: 0] += 1 }
  }

  mutating func ended(_ id: Int, delivered: Bool, now: Double) {
    guard let download = downloads.removeValue(forKey: id) else { return }
    var stream = streams[download.stream] ?? .init()
    stream.seconds += now - download.started
    if delivered { stream.files += 1 } else { stream.failures[download.lastCause ?? "cancelled", default: 0] += 1 }
    streams[download.stream] = stream
  }

  func snapshot(now: Double, queued: Int) -> TransferSnapshot {
    let second = Int(now.rounded(.down))
    var bytes = 0
    for (place, then) in seconds.enumerated() where then >= 0 && then > second - Self.window && then <= second {
      bytes += buckets[place]
    }
    let span = min(Double(Self.window - 1) + now - now.rounded(.down), now - started)
    let list = downloads.sorted { $0.key < $1.key }.map(\.value).map { download in
      TransferSnapshot.Download(
        stream: download.stream, file: download.file, bytes: download.bytes, received: download.received,
        attempt: max(1, download.attempt), seconds: now - download.started)
    }
    return TransferSnapshot(
      streams: streams, downloads: list, bytesPerSecond: span > 0 ? Double(bytes) / max(span, 0.1) : 0, queued: queued)
  }
}
