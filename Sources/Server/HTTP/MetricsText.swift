import AdminDocuments
import WireProtocol

/// The daemon's state as Prometheus's text format (version 0.0.4): names and units by its conventions, labels bounded by
/// what the configuration names.
enum MetricsText {
  static func of(_ status: StatusDocument, health: HealthReply) -> String {
    var text = MetricsWriter()
    text.gauge(
      "sluice_up_seconds", "Seconds since the daemon started.", [([], status.daemon.uptimeSeconds)])
    text.gauge(
      "sluice_health", "1 for the state the daemon is in, 0 for the others.",
      [HealthReply.State.starting, .ready, .degraded, .draining].map {
        ([("state", "\($0)")], $0 == health.state ? 1 : 0)
      })
    text.gauge("sluice_sessions", "Open sessions.", [([], Double(status.sessions.count))])
    addCache(status.cache, &text)
    addTransfer(status.transfer, &text)
    addStreams(status.streams, &text)
    addSessions(status.sessions, &text)
    return text.text
  }

  private static func addCache(_ cache: CacheStatus, _ text: inout MetricsWriter) {
    text.gauge(
      "sluice_cache_bytes", "Bytes that count against the cache limit, by what they are.",
      [
        ([("kind", "used")], Double(cache.used)), ([("kind", "reserved")], Double(cache.reserved)),
        ([("kind", "unlinking")], Double(cache.unlinking)), ([("kind", "quarantined")], Double(cache.quarantined)),
      ])
    if let limit = cache.limit {
      text.gauge("sluice_cache_limit_bytes", "The configured cache limit.", [([], Double(limit))])
    }
    text.gauge("sluice_cache_shards", "Shards in the cache.", [([], Double(cache.shards))])
    text.counter(
      "sluice_cache_requests_total", "Shards that requests wanted, by whether they were there.",
      [([("result", "hit")], Double(cache.hits)), ([("result", "miss")], Double(cache.misses))])
    text.counter("sluice_cache_evictions_total", "Shards evicted.", [([], Double(cache.evictions))])
    text.gauge(
      "sluice_cache_stream_bytes", "Bytes in the cache by stream.",
      cache.streams.map { ([("stream", $0.stream)], Double($0.bytes)) })
  }

  private static func addTransfer(_ transfer: TransferStatus, _ text: inout MetricsWriter) {
    text.counter("sluice_transfer_bytes_total", "Bytes downloaded.", [([], Double(transfer.bytes))])
    text.counter(
      "sluice_transfer_attempts_total", "Downloads begun, retries included.", [([], Double(transfer.attempts))])
    text.counter(
      "sluice_transfer_retries_total", "Downloads tried again, by cause.",
      transfer.retries.sorted { $0.key < $1.key }.map { ([("cause", $0.key)], Double($0.value)) })
    text.gauge("sluice_transfer_active", "Downloads under way.", [([], Double(transfer.active.count))])
    text.gauge("sluice_transfer_queued", "Downloads that wait for a turn.", [([], Double(transfer.queued))])
  }

  private static func addStreams(_ streams: [StreamStatus], _ text: inout MetricsWriter) {
    text.gauge(
      "sluice_stream_ready", "1 when the stream's index is loaded from its remote.",
      streams.map { ([("stream", $0.name)], $0.state == "ready" ? 1 : 0) })
    text.gauge(
      "sluice_stream_samples", "Samples of the stream.", streams.map { ([("stream", $0.name)], Double($0.samples)) })
  }

  /// By dataset, not by session: sessions come and go without bound.
  private static func addSessions(_ sessions: [SessionStatus], _ text: inout MetricsWriter) {
    let datasets = Dictionary(grouping: sessions, by: \.dataset).sorted { $0.key < $1.key }
    text.gauge(
      "sluice_serve_samples_per_second", "Samples served a second by dataset, at the present pace.",
      datasets.map { ([("dataset", $0.key)], $0.value.reduce(0) { $0 + $1.samplesPerSecond }) })
    let causes: [(String, KeyPath<StallSeconds, Double>)] = [
      ("plan", \.plan), ("queue", \.queue), ("download", \.download), ("verify", \.verify),
      ("decompress", \.decompress), ("client", \.client),
    ]
    text.gauge(
      "sluice_session_stall_seconds", "Seconds that open sessions spent waiting, by dataset and cause.",
      datasets.flatMap { dataset, open in
        causes.map { cause, path in
          ([("dataset", dataset), ("cause", cause)], open.reduce(0) { $0 + $1.stalls[keyPath: path] })
        }
      })
  }
}

/// Writes metric families, one after another.
struct MetricsWriter {
  /// A sample: its labels and its value.
  typealias Sample = (labels: [(String, String)], value: Double)

  private(set) var text = ""

  mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) { family(name, "gauge", help, samples) }
  mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) { family(name, "counter", help, samples) }

  private mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    for sample in samples {
      let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
      text += labels.isEmpty ? name : "\(name){\(labels)}"
      text += " \(Self.number(sample.value))\n"
    }
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
  }

  private static func escaped(_ text: String) -> String {
    text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }.joined()
  }
}
